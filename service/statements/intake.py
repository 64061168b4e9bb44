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
from service.statements.readers import (
    EXTENSIONS,
    Metadata,
    Reading,
    Record,
    count_records,
    read,
    read_many,
)
from service.statements.tables import StatementRow, StatementVersionRow
from service.types import Kind

Progress = Callable[[int, int, str], None]
"""Called with how many are done, how many there are, and the name of the next."""

_LONGEST_KEY = 2_000


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one statement of a source, or of a source that could not be read.

    Attributes:
        name: the source, with the line where it holds several statements.
        statement_id: the statement, where it is stored.
        version: which version of it, where it is stored.
        reason: why it was left alone, or could not be added.
    """

    name: str
    outcome: Literal["added", "changed", "unchanged", "skipped", "failed"]
    statement_id: str | None = None
    version: int | None = None
    reason: str | None = None


@dataclass(slots=True)
class AddReport:
    """What an addition did.

    Attributes:
        results: what became of each statement, in the order of the sources.
        revision: the corpus revision afterwards.
    """

    results: list[Result] = field(default_factory=list)
    revision: int = 0

    @property
    def added(self) -> list[Result]:
        """Statements that were not there before."""
        return [result for result in self.results if result.outcome == "added"]

    @property
    def changed(self) -> list[Result]:
        """Statements whose source changed: a new version each."""
        return [result for result in self.results if result.outcome == "changed"]

    @property
    def unchanged(self) -> list[Result]:
        """Statements that were there as they are."""
        return [result for result in self.results if result.outcome == "unchanged"]

    @property
    def skipped(self) -> list[tuple[str, str]]:
        """What was left alone, by name and reason."""
        return [(one.name, one.reason or "") for one in self.results if one.outcome == "skipped"]

    @property
    def failed(self) -> list[tuple[str, str]]:
        """What could not be added, by name and reason."""
        return [(one.name, one.reason or "") for one in self.results if one.outcome == "failed"]


class Outcome(NamedTuple):
    """What became of a document: which statement it is now, and in which version."""

    what: Literal["added", "changed", "unchanged", "withdrawn"]
    statement_id: str
    version: int


class Change(NamedTuple):
    """A change of the corpus; ``version`` is the one that it brought, if it brought one."""

    what: Literal["add", "change", "withdraw", "reinstate"]
    statement_id: str
    version: int | None = None


Witness = Callable[[Session, Change], None]
"""Called in the transaction of each change: what it writes is there with the change, or is not."""

_NOTHING_TOLD = Metadata()
_HOST = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+", re.I)
"""No name of an issuer, but the host's: what pages without one are said to be by."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A document that came over the wire. It is known by what it holds: anybody may use its name.

    Attributes:
        name: what the sender calls it.
        media_type: what it is read as; by default its name and content decide.
        is_one: whether it is a single statement, which goes by the name alone: no line is told.
    """

    name: str
    content: bytes
    media_type: str | None = None
    is_one: bool = False


Given = str | Path | Upload
"""An address, a file or folder, or a document."""


@dataclass(frozen=True, slots=True)
class Source:
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
    addition = Addition(database, settings, witness)
    for done, source in enumerate(listed):
        if progress:
            progress(done, len(listed), source.name)
        try:
            for found in addition.open(source):
                if progress and found.record.line:
                    progress(done, len(listed), found.record.name)
                report.results.append(addition.take(found))
        except InputError as error:
            report.results.append(unread(source.name, error))
    if progress:
        progress(len(listed), len(listed), "")
    with database.transaction() as session:
        report.revision = repository.revision(session)
    return report


def unread(name: str, error: InputError) -> Result:
    """The result of a source that could not be read, or of a record that could not be stored."""
    return Result(name, "failed", reason=str(error).removeprefix(f"{name}: "))


def add_fetched(
    database: Database,
    address: str,
    fetched: Fetched,
    told: Metadata,
    settings: Settings,
    witness: Witness | None = None,
) -> Outcome:
    """Store the one document that an address answered with, as ``add`` does for addresses.

    Args:
        database: the migrated database.
        address: where it was asked for: what the statement is known by.
        fetched: the answer.
        told: what somebody else says of the document; used where it does not say it itself.
        settings: limits on size.
        witness: told of the statement if it is new or changed.

    Raises:
        InputError: it cannot be read or stored; the message names the address that answered.
    """
    limit = settings.max_statement_bytes
    reading = read(
        fetched.content, name=fetched.url, media_type=fetched.content_type, max_bytes=limit
    )
    record = Record(fetched.url, fetched.content, None, reading)
    source = Source(name=address, key=address_key(address))
    found = Found(source, record, fetched.url)
    return Addition(database, settings, witness).store(found, reading, told)


def withdraw(database: Database, statement_id: str, witness: Witness | None = None) -> int:
    """Take a statement out of the search; notes that cite it can still show it.

    Args:
        database: the migrated database.
        statement_id: which one.
        witness: told where the statement was not withdrawn before.

    Returns:
        The corpus revision afterwards; it stays where the statement was withdrawn before.

    Raises:
        NotFound: there is no such statement.
    """
    return _switch(database, repository.withdraw, Change("withdraw", statement_id), witness)


def reinstate(database: Database, statement_id: str, witness: Witness | None = None) -> int:
    """Take a withdrawal back; ``witness`` is told where there was one.

    Returns:
        The corpus revision afterwards; it stays where the statement was not withdrawn.

    Raises:
        NotFound: there is no such statement.
    """
    return _switch(database, repository.reinstate, Change("reinstate", statement_id), witness)


def _switch(
    database: Database,
    switch: Callable[[Session, str], bool],
    change: Change,
    witness: Witness | None,
) -> int:
    with database.transaction() as session:
        revision = repository.next_revision(session)
        if switch(session, change.statement_id):
            if witness is not None:
                witness(session, change)
            return revision
        session.rollback()
    return revision - 1


def _listed(sources: Iterable[Given], report: AddReport) -> Iterator[Source]:
    known: set[str] = set()
    for given in sources:
        for source in _expanded(given, report):
            if source.upload or source.key not in known:
                known.add(source.key)
                yield source


def _expanded(given: Given, report: AddReport) -> Iterator[Source]:
    if isinstance(given, Upload):
        yield source_of(given)
        return
    if isinstance(given, str) and re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", given):
        yield source_of(given)
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
                name = _shown(found)
                report.results.append(Result(name, "skipped", reason="not a format that is read"))
    for error in unreadable:
        why = f"cannot be read: {error.strerror}"
        report.results.append(Result(str(error.filename), "failed", reason=why))


def source_of(given: str | Upload) -> Source:
    """An address or an upload, with the key that its statements are known by."""
    if isinstance(given, str):
        return Source(name=given, key=address_key(given))
    digest = hashlib.sha256(given.content).hexdigest()
    return Source(name=given.name, key=f"upload:{digest}", upload=given)


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:
        return False


def _file(path: Path) -> Source:
    whole = Path(os.path.normpath(path.absolute()))
    return Source(name=_shown(path), key=_shown(whole), path=path)


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


@dataclass(frozen=True, slots=True)
class Found:
    """A record of a source, and the address that it came from, if it did.

    Attributes:
        source: where it is from.
        record: one statement of it, or what is wrong with it.
        url: the address that answered.
    """

    source: Source
    record: Record
    url: str | None = None

    @property
    def name(self) -> str:
        """What to call it to people."""
        upload = self.source.upload
        return upload.name if upload is not None and upload.is_one else self.record.name


@dataclass(frozen=True, slots=True)
class Document:
    """What a source holds, and its records one after the other.

    Iterating raises ``InputError`` where it cannot be read at all.

    Attributes:
        source: where it is from.
        name: what it is called in messages.
        content: its bytes.
        limit: how many bytes are read at most.
        media_type: what it is said to be, if anything.
        url: the address that answered.
    """

    source: Source
    name: str
    content: bytes
    limit: int
    media_type: str | None = None
    url: str | None = None

    def __iter__(self) -> Iterator[Found]:
        for record in read_many(
            self.content, name=self.name, media_type=self.media_type, max_bytes=self.limit
        ):
            yield Found(self.source, record, self.url)

    def count(self) -> int:
        """How many records there are."""
        return count_records(self.content, name=self.name, media_type=self.media_type)


def count(given: str | Upload) -> int:
    """How many statements a document holds; one is expected of an address."""
    if isinstance(given, str):
        return 1
    return count_records(given.content, name=given.name, media_type=given.media_type)


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


class Addition:
    """One addition: stores record by record and remembers which statements it met.

    Args:
        database: migrated.
        settings: limits on size and fetching.
        witness: told of each statement that is new or changed.
    """

    def __init__(
        self, database: Database, settings: Settings, witness: Witness | None = None
    ) -> None:
        self._database = database
        self._settings = settings
        self._witness = witness
        self._met: dict[str, tuple[str, str]] = {}

    def open(self, source: Source) -> Document:
        """Fetch a source, or open its file.

        Raises:
            InputError: it cannot be reached or read.
        """
        limit = self._settings.max_statement_bytes
        if (upload := source.upload) is not None:
            return Document(source, source.name, upload.content, limit, upload.media_type)
        if source.path:
            content = _file_content(source.path, source.name, limit)
            return Document(source, source.name, content, limit)
        fetched = fetch(source.name, FetchLimits.of(self._settings, max_bytes=limit))
        return Document(
            source, fetched.url, fetched.content, limit, fetched.content_type, fetched.url
        )

    def take(self, found: Found) -> Result:
        """Store a record, or say why not."""
        record = found.record
        try:
            if isinstance(record.outcome, InputError):
                raise record.outcome
            what, statement_id, version = self.store(found, record.outcome)
        except InputError as error:
            return replace(unread(record.name, error), name=found.name)
        if what == "withdrawn":
            why = f"statement {statement_id} is withdrawn"
            return Result(found.name, "skipped", reason=why)
        return Result(found.name, what, statement_id, version)

    def store(self, found: Found, reading: Reading, told: Metadata = _NOTHING_TOLD) -> Outcome:
        """Store a record, unless it is there.

        Args:
            found: the record.
            reading: what was read from it.
            told: what somebody else says of it.

        Raises:
            InputError: its id is another's.
        """
        record = found.record
        key, reading, digest = _known_by(found, reading, told)
        identity = reading.declared_id or key
        statement_id = reading.declared_id or _generated_id(found.source, key)
        name, met = self._met.get(identity, (record.name, digest))
        if met != digest:
            raise InputError(f"has the same id as {name}, but another content")
        outcome = self._settled(key, statement_id, reading, digest)
        if outcome is None:
            outcome = self._store(key, statement_id, reading, record.raw, digest)
        self._met.setdefault(identity, (record.name, digest))
        return outcome

    def remember(self, found: Found) -> None:
        """Take a record for met that an addition before, which was broken off, has stored."""
        if not isinstance(found.record.outcome, InputError):
            key, reading, digest = _known_by(found, found.record.outcome)
            self._met.setdefault(reading.declared_id or key, (found.record.name, digest))

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
            if self._witness is not None:
                change = Change("change" if found else "add", statement.id, version)
                self._witness(session, change)
        return Outcome("changed" if found else "added", statement.id, version)


def _known_by(
    found: Found, reading: Reading, told: Metadata = _NOTHING_TOLD
) -> tuple[str, Reading, str]:
    """The key of a record's source, its reading as it is stored, and the digest of its bytes."""
    key = _shortened(_key(found.source, found.record, reading, found.url))
    if found.url is not None:
        reading = _as_fetched(reading, found.record, found.url, told)
    return key, reading, hashlib.sha256(found.record.raw).hexdigest()


def _key(source: Source, record: Record, reading: Reading, url: str | None) -> str:
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


def _generated_id(source: Source, key: str) -> str:
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
