"""Adding statements to the corpus: from files, directories and addresses.

A broken source is reported by name and reason, and the rest is still added. Each statement has
its own transaction, which takes the corpus' lock before it looks, so that the same source added
twice at once is stored once.

Anybody can write a known id into a file, so a declared id alone replaces nothing: a new version
comes from the same file, or from one that agrees on issuer and title.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Literal, NamedTuple
from urllib.parse import unquote, urlsplit

from sqlalchemy.orm import Session

from service.kit.database import Database
from service.kit.errors import InputError, InputTooLarge
from service.kit.language import detect
from service.kit.text import sha256_hex
from service.settings import Settings
from service.statements import repository
from service.statements.fetch import Fetched, FetchLimits, fetch
from service.statements.passages import split
from service.statements.readers import EXTENSIONS, Metadata, Reading, Record, read, read_many
from service.statements.tables import StatementRow, StatementVersionRow
from service.types import Kind

Progress = Callable[[int, int, str], None]
"""Called with how many are done, how many there are, and the name of the next."""

_LONGEST_KEY = 2_000


@dataclass(frozen=True, slots=True)
class Added:
    """What became of one statement.

    Attributes:
        name: the source, with the line where it holds several statements.
    """

    name: str
    statement_id: str
    version: int


@dataclass(slots=True)
class AddReport:
    """What an addition did.

    Attributes:
        added: statements that were not there before.
        changed: statements whose source changed: a new version each.
        unchanged: statements that were there as they are.
        skipped: what was left alone, by name and reason.
        failed: what could not be added, by name and reason.
        revision: the corpus revision afterwards.
    """

    added: list[Added] = field(default_factory=list)
    changed: list[Added] = field(default_factory=list)
    unchanged: list[Added] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    failed: list[tuple[str, str]] = field(default_factory=list)
    revision: int = 0


class Outcome(NamedTuple):
    """What became of a document: which statement it is now, and in which version."""

    what: Literal["added", "changed", "unchanged", "withdrawn"]
    statement_id: str
    version: int


Witness = Callable[[Session, Outcome], None]
"""Called in the transaction of each change, with what it was."""

_NOTHING_TOLD = Metadata()
_HOST = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+", re.I)
"""No name of an issuer, but the host's: what pages without one are said to be by."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A document that came over the wire. It is known by what it holds: anybody may use its name.

    Attributes:
        name: what the sender calls it.
        media_type: what it is read as; by default its name and content decide.
    """

    name: str
    content: bytes
    media_type: str | None = None


Given = str | Path | Upload
"""An address, a file or folder, or a document."""


@dataclass(frozen=True, slots=True)
class _Source:
    """A file, an address or an upload, and the key that its statements are known by."""

    name: str
    key: str
    path: Path | None = None
    upload: Upload | None = None

    @property
    def stem(self) -> str:
        """What people would call it: file name, or host and last part of the path."""
        if self.path or self.upload:
            return PurePosixPath(self.name).stem
        parts = urlsplit(self.key)
        return f"{parts.hostname or ''}-{PurePosixPath(unquote(parts.path)).stem}"


def add(
    database: Database,
    sources: Iterable[Given],
    settings: Settings,
    progress: Progress | None = None,
    witness: Witness | None = None,
) -> AddReport:
    """Add statements.

    A source that was added before, unchanged, changes nothing. One whose content changed becomes
    a new version if that changed its text or what is known about it. A withdrawn statement stays
    as it is.

    Args:
        database: the migrated database.
        sources: files, directories (with all that is in them, hidden files and unknown formats
            left out), http or https addresses, and uploads.
        settings: limits on size and fetching.
        progress: told before each source, and before each line of one with several statements.
        witness: told of each statement that is new or changed.

    Returns:
        What was added, changed, left alone, and what failed and why.
    """
    report = AddReport()
    listed = list(_listed(sources, report))
    run = _Run(database, report, witness)
    for done, source in enumerate(listed):
        if progress:
            progress(done, len(listed), source.name)
        try:
            for record, url in _records(source, settings):
                if progress and record.line:
                    progress(done, len(listed), record.name)
                run.take(source, record, url)
        except InputError as error:
            report.failed.append((source.name, _reason(error, source.name)))
    if progress:
        progress(len(listed), len(listed), "")
    with database.transaction() as session:
        report.revision = repository.revision(session)
    return report


def add_fetched(
    database: Database, address: str, fetched: Fetched, told: Metadata, settings: Settings
) -> Outcome:
    """Store the one document that an address answered with, as ``add`` does for addresses.

    Args:
        database: the migrated database.
        address: where it was asked for: what the statement is known by.
        fetched: the answer.
        told: what somebody else says of the document; used where it does not say it itself.
        settings: limits on size.

    Raises:
        InputError: it cannot be read or stored; the message names the address that answered.
    """
    limit = settings.max_statement_bytes
    reading = read(
        fetched.content, name=fetched.url, media_type=fetched.content_type, max_bytes=limit
    )
    record = Record(fetched.url, fetched.content, None, reading)
    source = _Source(name=address, key=address_key(address))
    return _Run(database, AddReport()).store(source, record, reading, fetched.url, told)


def withdraw(
    database: Database, statement_id: str, witness: Callable[[Session], None] | None = None
) -> int:
    """Take a statement out of the search; notes that cite it can still show it.

    Args:
        database: the migrated database.
        statement_id: which one.
        witness: called in the transaction, where the statement was not withdrawn before.

    Returns:
        The corpus revision afterwards; it stays where the statement was withdrawn before.

    Raises:
        NotFound: there is no such statement.
    """

    def change(session: Session, statement_id: str) -> bool:
        withdrawn = repository.withdraw(session, statement_id)
        if withdrawn and witness is not None:
            witness(session)
        return withdrawn

    return _switch(database, statement_id, change)


def reinstate(database: Database, statement_id: str) -> int:
    """Take a withdrawal back.

    Returns:
        The corpus revision afterwards; it stays where the statement was not withdrawn.

    Raises:
        NotFound: there is no such statement.
    """
    return _switch(database, statement_id, repository.reinstate)


def _switch(database: Database, statement_id: str, change: Callable[[Session, str], bool]) -> int:
    with database.transaction() as session:
        revision = repository.next_revision(session)
        if change(session, statement_id):
            return revision
        session.rollback()
    return revision - 1


def _listed(sources: Iterable[Given], report: AddReport) -> Iterator[_Source]:
    known: set[str] = set()
    for given in sources:
        for source in _expanded(given, report):
            if source.upload or source.key not in known:
                known.add(source.key)
                yield source


def _expanded(given: Given, report: AddReport) -> Iterator[_Source]:
    if isinstance(given, Upload):
        digest = hashlib.sha256(given.content).hexdigest()
        yield _Source(name=given.name, key=f"upload:{digest}", upload=given)
        return
    if isinstance(given, str) and re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", given):
        yield _Source(name=given, key=address_key(given))
        return
    path = Path(given)
    if not _is_folder(path):
        yield _file(path)
        return
    unreadable: list[OSError] = []
    for folder, folders, files in os.walk(path, onerror=unreadable.append):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for found in (Path(folder, name) for name in sorted(files) if not name.startswith(".")):
            if found.suffix.lower() in EXTENSIONS:
                yield _file(found)
            else:
                report.skipped.append((_shown(found), "not a format that is read"))
    for error in unreadable:
        report.failed.append((str(error.filename), f"cannot be read: {error.strerror}"))


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:
        return False


def _file(path: Path) -> _Source:
    whole = Path(os.path.normpath(path.absolute()))
    return _Source(name=_shown(path), key=_shown(whole), path=path)


def _shown(path: Path) -> str:
    """The path as text that can be stored: file names are bytes and need not be UTF-8."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def address_key(url: str) -> str:
    """One spelling for addresses that differ in nothing but the fragment and the host's case."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return url
    return parts._replace(
        scheme=parts.scheme.lower(),
        netloc=parts.netloc.lower(),
        path=parts.path or "/",
        fragment="",
    ).geturl()


def _records(source: _Source, settings: Settings) -> Iterator[tuple[Record, str | None]]:
    """Yield the records of a source with the address that they came from."""
    limit = settings.max_statement_bytes
    if (upload := source.upload) is not None:
        for record in read_many(
            upload.content, name=upload.name, media_type=upload.media_type, max_bytes=limit
        ):
            yield record, None
        return
    if source.path:
        content = _file_content(source.path, source.name, limit)
        for record in read_many(content, name=source.name, max_bytes=limit):
            yield record, None
        return
    fetched = fetch(source.name, FetchLimits.of(settings, max_bytes=limit))
    for record in read_many(
        fetched.content, name=fetched.url, media_type=fetched.content_type, max_bytes=limit
    ):
        yield record, fetched.url


def _file_content(path: Path, name: str, limit: int) -> bytes:
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise InputError(f"{name}: is not a file")
        if status.st_size > limit:
            raise InputTooLarge(f"{name}: {status.st_size} bytes; at most {limit} are read")
        with path.open("rb") as stream:
            return stream.read(limit + 1)
    except OSError as error:
        raise InputError(f"{name}: cannot be read: {error.strerror or error}") from error


def _reason(error: InputError, name: str) -> str:
    return str(error).removeprefix(f"{name}: ")


class _Run:
    """One addition: stores record by record and remembers which statements it met."""

    def __init__(
        self, database: Database, report: AddReport, witness: Witness | None = None
    ) -> None:
        self._database = database
        self._report = report
        self._witness = witness
        self._met: dict[str, tuple[str, str]] = {}

    def take(self, source: _Source, record: Record, url: str | None) -> None:
        """Store a record, or report why not."""
        try:
            if isinstance(record.outcome, InputError):
                raise record.outcome
            outcome = self.store(source, record, record.outcome, url)
        except InputError as error:
            self._report.failed.append((record.name, _reason(error, record.name)))
        else:
            self._tell(record.name, outcome)

    def store(
        self,
        source: _Source,
        record: Record,
        reading: Reading,
        url: str | None,
        told: Metadata = _NOTHING_TOLD,
    ) -> Outcome:
        """Store a record, unless it is there.

        Raises:
            InputError: its id is another's.
        """
        key = _shortened(_key(source, record, reading, url))
        if url is not None:
            reading = _as_fetched(reading, record, url, told)
        digest = hashlib.sha256(record.raw).hexdigest()
        statement_id = reading.declared_id or _generated_id(source, key)
        identity = reading.declared_id or key
        name, met = self._met.get(identity, (record.name, digest))
        if met != digest:
            raise InputError(f"has the same id as {name}, but another content")
        found = self._settled(key, statement_id, reading, digest)
        if found is None:
            found = self._store(key, statement_id, reading, record.raw, digest)
        self._met.setdefault(identity, (record.name, digest))
        return found

    def _tell(self, name: str, outcome: Outcome) -> None:
        report, (what, statement_id, version) = self._report, outcome
        if what == "withdrawn":
            report.skipped.append((name, f"statement {statement_id} is withdrawn"))
            return
        listed = {
            "added": report.added,
            "changed": report.changed,
            "unchanged": report.unchanged,
        }[what]
        listed.append(Added(name, statement_id, version))

    def _settled(
        self, key: str, statement_id: str, reading: Reading, digest: str
    ) -> Outcome | None:
        """The outcome if there is nothing to store, without the corpus' lock.

        Another process may add the very same between two looks, so nothing is refused here.
        """
        with self._database.transaction() as session, suppress(InputError):
            return _as_it_is(_known(session, key, statement_id, reading), key, reading, digest)
        return None

    def _store(
        self, key: str, statement_id: str, reading: Reading, raw: bytes, digest: str
    ) -> Outcome:
        language = reading.language or detect(reading.text)
        spans = split(reading.text)
        with self._database.transaction() as session:
            revision = repository.next_revision(session)
            found = _known(session, key, statement_id, reading)
            if settled := _as_it_is(found, key, reading, digest):
                session.rollback()
                return settled
            if found:
                statement = found[0]
                statement.source_key = key  # a file that moved is the same source from now on
            else:
                statement = repository.add_statement(session, statement_id, key)
            version = repository.add_version(
                session,
                statement,
                reading,
                raw=raw,
                content_sha256=digest,
                kind=reading.kind or Kind.ORIGINAL,
                language=language,
                spans=spans,
                at_revision=revision,
            )
            outcome = Outcome("changed" if found else "added", statement.id, version)
            if self._witness is not None:
                self._witness(session, outcome)
        return outcome


def _key(source: _Source, record: Record, reading: Reading, url: str | None) -> str:
    """Where a statement comes from: its file or address, with the line or the id that it declares.

    An id that an address declares tells its own statements apart only, so that no page can put
    itself in the place of a statement from elsewhere.
    """
    if reading.declared_id and url is None:
        return f"{reading.declared_id}@{source.key}"
    if record.line is None:
        return source.key
    return f"{source.key}#{reading.declared_id or record.line}"


def _shortened(key: str) -> str:
    """The key, cut where it is longer than what PostgreSQL can index (2,704 bytes)."""
    encoded = key.encode()
    if len(encoded) <= _LONGEST_KEY:
        return key
    return f"{encoded[:_LONGEST_KEY].decode(errors='ignore')}…{sha256_hex(key)}"


def _known(
    session: Session, key: str, statement_id: str, reading: Reading
) -> tuple[StatementRow, StatementVersionRow] | None:
    """The statement that a record is of, by its declared id, else its source.

    Raises:
        InputError: its id is another statement's.
    """
    known = repository.find(session, key)
    if known is None and (known := repository.find_id(session, statement_id)):
        declared = known[0].source_key == statement_id or _declared_in(known[0])
        if not (declared and reading.declared_id):
            raise _taken(*known)
    return known


def _declared_in(statement: StatementRow) -> str:
    """The source that declared a statement's id; empty where it isn't known, or none did."""
    id_, _, source = statement.source_key.partition("@")
    return source if id_ == statement.id else ""


def _taken(statement: StatementRow, version: StatementVersionRow) -> InputError:
    called = f'"{version.title}"' if version.title else "a statement without a title"
    source = _declared_in(statement) or statement.source_key
    place = f", added from {source}" if source != statement.id else ""
    return InputError(
        f"the id {statement.id} is taken by {called} of {version.issuer or 'an unknown issuer'}"
        f"{place}: give this statement another id, and if it takes the other's place, run "
        f"`verinote corpus withdraw {statement.id}`"
    )


def _as_fetched(reading: Reading, record: Record, url: str, told: Metadata) -> Reading:
    """What was fetched bears the address that it came from, whatever it says of itself."""
    host = urlsplit(url).hostname
    own = None if _HOST.fullmatch(reading.issuer or "") else reading.issuer
    return replace(
        reading,
        declared_id=None,
        url=(reading.url or url) if record.line else url,
        issuer=own or told.issuer or reading.issuer or host,
        title=reading.title or told.title,
        published=reading.published or told.published,
        kind=reading.kind or told.kind,
        language=reading.language or told.language,
        reported_by=reading.reported_by or told.reported_by,
    )


def _generated_id(source: _Source, key: str) -> str:
    slug = re.sub(r"[^a-z0-9]+", "-", source.stem.lower())[:40].strip("-")
    digest = hashlib.sha256(key.encode()).hexdigest()[:10]
    return f"{slug}-{digest}" if slug else digest


def _as_it_is(
    found: tuple[StatementRow, StatementVersionRow] | None, key: str, reading: Reading, digest: str
) -> Outcome | None:
    """The outcome if there is nothing to store: the source did not change, or is withdrawn.

    The same bytes are the same version whatever the reader makes of them today.

    Raises:
        InputError: another source says something else under the statement's id.
    """
    if found is None:
        return None
    statement, version = found
    same = version.content_sha256 == digest or _says_the_same(reading, version)
    if not same and statement.source_key != key and not _agree(reading, version):
        raise _taken(statement, version)
    if statement.withdrawn_at is not None:
        return Outcome("withdrawn", statement.id, version.version)
    return Outcome("unchanged", statement.id, version.version) if same else None


def _agree(reading: Reading, version: StatementVersionRow) -> bool:
    """Whether issuer and title are those of a version; where neither is known, nothing agrees."""
    told = (reading.issuer, reading.title)
    return told == (version.issuer, version.title) and told != (None, None)


def _says_the_same(reading: Reading, version: StatementVersionRow) -> bool:
    return (
        sha256_hex(reading.text) == version.sha256
        and reading.title == version.title
        and reading.published == version.published
        and reading.issuer == version.issuer
        and (reading.kind or Kind.ORIGINAL) == version.kind
        and reading.url == version.url
        and list(reading.reported_by) == version.reported_by
        and reading.language in {None, version.language}
    )
