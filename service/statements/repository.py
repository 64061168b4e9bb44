"""The queries of the corpus tables: statements, versions, passages, the corpus revision.

Every function takes an open session; none commits. Whoever changes the corpus takes the next
revision first (``next_revision``): that row is the lock that lets one writer in at a time.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, Select, and_, func, insert, select, update
from sqlalchemy.orm import Session

from service.kit.database import utc_now
from service.kit.errors import NotFound
from service.kit.text import is_storable, sha256_hex
from service.statements.passages import PassageSpan
from service.statements.readers import Reading
from service.statements.tables import CorpusRow, PassageRow, StatementRow, StatementVersionRow
from service.types import Kind, Passage, StatementRef

SEARCHED_LANGUAGES = ("en", "und")
"""English is what the embedded models know; a text too short or too plain to tell is tried."""

_MANY_VERSIONS = 2**31
"""Where the whole numbers of PostgreSQL's columns end."""

_IDS_AT_ONCE = 500
"""Below SQLite's limit on bound values."""


@dataclass(frozen=True, slots=True)
class StoredVersion:
    """A statement version as stored, without its text.

    Attributes:
        reader: what read it, "name/version".
        content_sha256: hex digest of the raw bytes.
        added_at: when it was stored, UTC.
        revision: the corpus revision that it brought.
        current: whether it is the newest version.
        withdrawn_at: when the statement was withdrawn, UTC; None while in force.
    """

    ref: StatementRef
    media_type: str
    reader: str
    content_sha256: str
    added_at: datetime
    revision: int
    current: bool
    withdrawn_at: datetime | None

    @property
    def searched(self) -> bool:
        """Whether its passages are searched."""
        return (
            self.current and self.withdrawn_at is None and self.ref.language in SEARCHED_LANGUAGES
        )


@dataclass(frozen=True, slots=True)
class StatementDetail:
    """One version of a statement with its stored text, and all versions, oldest first."""

    shown: StoredVersion
    text: str
    versions: tuple[StoredVersion, ...]


@dataclass(frozen=True, slots=True)
class Coverage:
    """What a search over the corpus searches: the figures of a note's basis.

    Attributes:
        statements: statements searched.
        passages: passages searched.
        issuers: distinct issuers of the statements searched.
        earliest: earliest known date of a statement searched.
        latest: latest known date of a statement searched.
        not_searched: statements in force that are not searched because of their language.
    """

    statements: int
    passages: int
    issuers: int
    earliest: date | None
    latest: date | None
    not_searched: int


def revision(session: Session) -> int:
    """The corpus revision: 0 for a new corpus."""
    return session.scalars(select(CorpusRow.revision).where(CorpusRow.id == 1)).one()


def next_revision(session: Session) -> int:
    """Take the next corpus revision, and with it the lock that other writers wait for.

    Call it before reading what the change depends on. A rollback gives the number back.
    """
    taken = session.execute(
        update(CorpusRow)
        .where(CorpusRow.id == 1)
        .values(revision=CorpusRow.revision + 1)
        .returning(CorpusRow.revision)
    )
    return taken.scalar_one()


def find(session: Session, source_key: str) -> tuple[StatementRow, StatementVersionRow] | None:
    """The statement of a source and its current version."""
    found = session.execute(
        select(StatementRow, StatementVersionRow)
        .join(StatementVersionRow, _is_current())
        .where(StatementRow.source_key == source_key)
    ).one_or_none()
    return (found[0], found[1]) if found else None


def find_id(session: Session, statement_id: str) -> tuple[StatementRow, StatementVersionRow] | None:
    """The statement of an id and its current version."""
    found = session.execute(
        select(StatementRow, StatementVersionRow)
        .join(StatementVersionRow, _is_current())
        .where(StatementRow.id == statement_id)
    ).one_or_none()
    return (found[0], found[1]) if found else None


def add_statement(session: Session, statement_id: str, source_key: str) -> StatementRow:
    """Make a statement that has no version yet; ``add_version`` follows in the same session."""
    row = StatementRow(
        id=statement_id,
        source_key=source_key,
        current_version=0,
        created_at=utc_now(),
        withdrawn_at=None,
    )
    session.add(row)
    session.flush()
    return row


def add_version(
    session: Session,
    statement: StatementRow,
    reading: Reading,
    *,
    raw: bytes,
    content_sha256: str,
    kind: Kind,
    language: str,
    spans: Sequence[PassageSpan],
    at_revision: int,
) -> int:
    """Store a new version with its passages and make it current.

    The passages of the version before stay, but are not searched any more.

    Returns:
        The version's number: 1 for the first.
    """
    row = StatementVersionRow(
        statement_id=statement.id,
        version=statement.current_version + 1,
        raw=raw,
        content_sha256=content_sha256,
        media_type=reading.media_type,
        reader=reading.reader,
        text=reading.text,
        sha256=sha256_hex(reading.text),
        issuer=reading.issuer,
        title=reading.title,
        published=reading.published,
        kind=kind,
        url=reading.url,
        reported_by=list(reading.reported_by),
        language=language,
        added_at=utc_now(),
        revision=at_revision,
    )
    rows = [_passage(row, position, span) for position, span in enumerate(spans)]
    session.add(row)
    statement.current_version = row.version
    session.flush()
    _set_searchable(session, statement.id, False)
    if rows:
        session.execute(insert(PassageRow), rows)
    return row.version


def withdraw(session: Session, statement_id: str) -> bool:
    """Take a statement out of the search; its versions stay, for the notes that cite them.

    Returns:
        Whether anything changed: False if it was withdrawn before.

    Raises:
        NotFound: there is no such statement.
    """
    row = _statement(session, statement_id)
    if row.withdrawn_at is not None:
        return False
    row.withdrawn_at = utc_now()
    session.flush()
    _set_searchable(session, statement_id, False)
    return True


def reinstate(session: Session, statement_id: str) -> bool:
    """Take a withdrawal back.

    Returns:
        Whether anything changed: False if it was not withdrawn.

    Raises:
        NotFound: there is no such statement.
    """
    row = _statement(session, statement_id)
    if row.withdrawn_at is None:
        return False
    row.withdrawn_at = None
    session.flush()
    if current(session, statement_id).searched:
        _set_searchable(session, statement_id, True, row.current_version)
    return True


def statements(session: Session) -> list[StoredVersion]:
    """The current version of every statement, withdrawn ones too, by id."""
    rows = session.execute(_stored().where(_is_current()).order_by(StatementRow.id))
    return [_version(statement, version) for statement, version in rows]


def page(
    session: Session,
    *,
    after: str | None,
    limit: int,
    issuer: str | None = None,
    kind: Kind | None = None,
    title: str | None = None,
    since: date | None = None,
    until: date | None = None,
    withdrawn: bool | None = None,
) -> list[StoredVersion]:
    """The current versions of statements, by id.

    Args:
        session: on the database.
        after: only those whose id comes after this one.
        limit: how many at most.
        issuer: only those whose issuer holds these words, whatever their case.
        kind: only those of it.
        title: only those whose title holds these words, whatever their case.
        since: only those published on this day or later; an unknown day is none.
        until: only those published on this day or earlier; an unknown day is none.
        withdrawn: only those that are withdrawn, or only those that are not.
    """
    query = _stored().where(_is_current())
    if after is not None:
        query = query.where(StatementRow.id > after)
    if issuer is not None:
        query = query.where(StatementVersionRow.issuer.icontains(issuer, autoescape=True))
    if kind is not None:
        query = query.where(StatementVersionRow.kind == kind)
    if title is not None:
        query = query.where(StatementVersionRow.title.icontains(title, autoescape=True))
    if since is not None:
        query = query.where(StatementVersionRow.published >= since)
    if until is not None:
        query = query.where(StatementVersionRow.published <= until)
    if withdrawn is not None:
        is_withdrawn = StatementRow.withdrawn_at.is_not(None)
        query = query.where(is_withdrawn if withdrawn else ~is_withdrawn)
    rows = session.execute(query.order_by(StatementRow.id).limit(limit))
    return [_version(statement, version) for statement, version in rows]


def versions(session: Session, statement_id: str) -> list[StoredVersion]:
    """All versions of a statement, oldest first.

    Raises:
        NotFound: there is no such statement.
    """
    _statement(session, statement_id)
    rows = session.execute(
        _stored().where(StatementRow.id == statement_id).order_by(StatementVersionRow.version)
    )
    return [_version(statement, version) for statement, version in rows]


def current(session: Session, statement_id: str) -> StoredVersion:
    """The current version of a statement.

    Raises:
        NotFound: there is no such statement.
    """
    return versions(session, statement_id)[-1]


def show(session: Session, statement_id: str, version: int | None = None) -> StatementDetail:
    """One version of a statement (the current one by default) with its text.

    Raises:
        NotFound: there is no such statement, or no such version of it.
    """
    known = versions(session, statement_id)
    wanted = known[-1].ref.version if version is None else version
    stored_text = text(session, statement_id, wanted)
    shown = next(stored for stored in known if stored.ref.version == wanted)
    return StatementDetail(shown, stored_text, tuple(known))


def text(session: Session, statement_id: str, version: int) -> str:
    """The stored text of a version, that citations point into.

    Raises:
        NotFound: there is no such version.
    """
    return _row(session, statement_id, version).text


def raw(session: Session, statement_id: str, version: int) -> bytes:
    """The bytes that a version was read from.

    Raises:
        NotFound: there is no such version.
    """
    return _row(session, statement_id, version).raw


def passages(session: Session, ids: Iterable[str]) -> list[Passage]:
    """The passages of these ids, in the order of the ids; unknown ids are left out."""
    wanted = list(dict.fromkeys(ids))
    found: dict[str, Passage] = {}
    for start in range(0, len(wanted), _IDS_AT_ONCE):
        rows = session.execute(
            select(PassageRow, StatementVersionRow)
            .join(StatementVersionRow, _is_of_passage())
            .where(PassageRow.id.in_(wanted[start : start + _IDS_AT_ONCE]))
        )
        for row, version in rows:
            found[row.id] = Passage(row.id, _ref(version), row.start, row.end, row.text)
    return [found[id_] for id_ in wanted if id_ in found]


def passage_ids(session: Session, numbers: Sequence[int]) -> list[str]:
    """The ids of the passages of these numbers, in their order; unknown ones are left out."""
    query = select(PassageRow.number, PassageRow.id).where(PassageRow.number.in_(numbers))
    found: dict[int, str] = dict(session.execute(query).all())
    return [found[number] for number in numbers if number in found]


def searchable_among(ids: Collection[str]) -> ColumnElement[bool]:
    """The condition for those passages of these ids that may be searched.

    SQLite, which keeps no statistics here, would rather look through its index of all searchable
    passages than for the ids: at 100,000 passages that takes 29 ms for 185 ids instead of 0.5. No
    index answers "IS NOT false".
    """
    return and_(PassageRow.id.in_(ids), PassageRow.searchable.is_not(False))


def kinds(session: Session, ids: Iterable[str]) -> dict[str, Kind]:
    """Of which kind the statements are that passages of these ids are from."""
    wanted = sorted(ids)
    found: dict[str, Kind] = {}
    for start in range(0, len(wanted), _IDS_AT_ONCE):
        rows = session.execute(
            select(PassageRow.id, StatementVersionRow.kind)
            .join(StatementVersionRow, _is_of_passage())
            .where(PassageRow.id.in_(wanted[start : start + _IDS_AT_ONCE]))
        )
        found |= {id_: Kind(kind) for id_, kind in rows}
    return found


def coverage(session: Session) -> Coverage:
    """Count what is searched."""
    in_force = and_(_is_current(), StatementRow.withdrawn_at.is_(None))
    known = StatementVersionRow.language.in_(SEARCHED_LANGUAGES)
    searched = session.execute(
        select(
            func.count(),
            func.count(StatementVersionRow.issuer.distinct()),
            func.min(StatementVersionRow.published),
            func.max(StatementVersionRow.published),
        )
        .select_from(StatementRow)
        .join(StatementVersionRow, in_force)
        .where(known)
    ).one()
    others = session.scalar(
        select(func.count())
        .select_from(StatementRow)
        .join(StatementVersionRow, in_force)
        .where(~known)
    )
    counted = session.scalar(
        select(func.count()).select_from(PassageRow).where(PassageRow.searchable)
    )
    return Coverage(
        statements=searched[0],
        passages=counted or 0,
        issuers=searched[1],
        earliest=searched[2],
        latest=searched[3],
        not_searched=others or 0,
    )


def _is_current() -> ColumnElement[bool]:
    return and_(
        StatementVersionRow.statement_id == StatementRow.id,
        StatementVersionRow.version == StatementRow.current_version,
    )


def _is_of_passage() -> ColumnElement[bool]:
    return and_(
        StatementVersionRow.statement_id == PassageRow.statement_id,
        StatementVersionRow.version == PassageRow.version,
    )


def _stored() -> Select[StatementRow, StatementVersionRow]:
    return select(StatementRow, StatementVersionRow).join(
        StatementVersionRow, StatementVersionRow.statement_id == StatementRow.id
    )


def _statement(session: Session, statement_id: str) -> StatementRow:
    row = session.get(StatementRow, statement_id) if is_storable(statement_id) else None
    if row is None:
        raise NotFound(
            f"there is no statement {statement_id!r}; `verinote corpus list` shows what is there"
        )
    return row


def _row(session: Session, statement_id: str, version: int) -> StatementVersionRow:
    known = is_storable(statement_id) and 0 < version < _MANY_VERSIONS
    row = session.get(StatementVersionRow, (statement_id, version)) if known else None
    if row is None:
        raise NotFound(f"statement {statement_id!r} has no version {version}")
    return row


def _set_searchable(
    session: Session, statement_id: str, searchable: bool, version: int | None = None
) -> None:
    query = update(PassageRow).where(
        PassageRow.statement_id == statement_id, PassageRow.searchable.is_not(searchable)
    )
    if version is not None:
        query = query.where(PassageRow.version == version)
    session.execute(query.values(searchable=searchable))


def _passage(version: StatementVersionRow, position: int, span: PassageSpan) -> dict[str, object]:
    words = version.text[span.start : span.end]
    return {
        "id": f"{version.statement_id}@{version.version}:{span.start}-{span.end}",
        "statement_id": version.statement_id,
        "version": version.version,
        "position": position,
        "start": span.start,
        "end": span.end,
        "text": words,
        "text_sha256": sha256_hex(words),
        "searchable": version.language in SEARCHED_LANGUAGES,
    }


def _version(statement: StatementRow, version: StatementVersionRow) -> StoredVersion:
    return StoredVersion(
        ref=_ref(version),
        media_type=version.media_type,
        reader=version.reader,
        content_sha256=version.content_sha256,
        added_at=version.added_at,
        revision=version.revision,
        current=version.version == statement.current_version,
        withdrawn_at=statement.withdrawn_at,
    )


def _ref(version: StatementVersionRow) -> StatementRef:
    return StatementRef(
        statement_id=version.statement_id,
        version=version.version,
        sha256=version.sha256,
        kind=Kind(version.kind),
        issuer=version.issuer,
        title=version.title,
        published=version.published,
        url=version.url,
        reported_by=tuple(version.reported_by),
        language=version.language,
    )
