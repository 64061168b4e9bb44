"""Uploads of statements that take a while: kept until they are stored, read a few at a time.

What became of a statement is written in the transaction that changes the corpus, with the audit
trail's entry. So a run that was broken off, by a crash or by a server that is away, is gone on with
where it ended: what has its result is not taken again. Each statement has a transaction of its own,
and the corpus' lock for no longer.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import delete, select, tuple_, update
from sqlalchemy.orm import Session

from service.audit.corpus import witness
from service.audit.trail import Actor, Trail
from service.kit.database import count_by, insert_new, utc_now
from service.kit.errors import BrokenVectors, IndexMismatch, InputError, NotFound
from service.kit.ids import new_id
from service.kit.text import normalise
from service.statements import repository
from service.statements.corpus import Corpus
from service.statements.intake import (
    Addition,
    Change,
    Found,
    Result,
    Upload,
    address_key,
    count,
    source_of,
    unread,
)
from service.work.tables import UploadResultRow, UploadRow, UploadSourceRow

MOST_AT_ONCE, MOST_BYTES_AT_ONCE = 20, 2_000_000
"""Statements, and bytes of them, that a request is kept waiting for; more become a job."""
KEPT = timedelta(days=30)
"""How long an upload that has ended can be asked for."""
ENDED = "the work on it ended by an error of ours, which is in the log; send it in again"

_EVERY_FAILED = "every source failed"
_NOT_SEARCHED = "all is stored, but cannot be searched before the vectors are mended: see the log"
_A_FEW, _A_MOMENT = 50, 1.0
"""Statements, and seconds, after which what was stored is indexed and a run may be broken off."""
_A_WHILE = timedelta(seconds=10)
_LOG = logging.getLogger(__name__)


class UploadState(StrEnum):
    """How far an upload came. ``DONE``: not everything in it failed, or there is nothing in it."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


_UNDER_WAY = (UploadState.QUEUED, UploadState.RUNNING)


@dataclass(frozen=True, slots=True)
class Sent:
    """What somebody sends in: addresses and documents, each with how many statements it holds."""

    sources: tuple[tuple[str | Upload, int], ...]

    @classmethod
    def of(cls, sources: Sequence[str | Upload]) -> Sent:
        """Count what is sent in. An address that comes twice is taken once."""
        known: dict[object, str | Upload] = {}
        for place, source in enumerate(sources):
            known.setdefault(address_key(source) if isinstance(source, str) else place, source)
        return cls(tuple((source, count(source)) for source in known.values()))

    @property
    def total(self) -> int:
        """How many statements there are, as far as is known before addresses are fetched."""
        return sum(number for _, number in self.sources)

    @property
    def is_large(self) -> bool:
        """Whether adding it takes longer than a request is to be kept waiting."""
        size = sum(len(one.content) for one, _ in self.sources if isinstance(one, Upload))
        return self.total > MOST_AT_ONCE or size > MOST_BYTES_AT_ONCE


def totals(session: Session) -> dict[str, int]:
    """How many uploads are in which state."""
    return count_by(session, UploadRow.state, UploadState)


def accept(session: Session, sent: Sent, who: Actor) -> str:
    """Take an upload in, in the transaction of the request. Returns its id.

    Args:
        session: in the transaction of the request.
        sent: with names that a database can hold.
        who: sends it in; a person.
    """
    upload_id = new_id()
    session.add(
        UploadRow(
            id=upload_id,
            state=UploadState.QUEUED,
            user=who.user,
            key_id=who.key_id,
            origin=who.origin,
            created_at=utc_now(),
            total=sent.total,
            done=0,
            failed=0,
        )
    )
    session.flush()  # what is in it points to it
    for position, (source, counted) in enumerate(sent.sources):
        given = source if isinstance(source, Upload) else None
        session.add(
            UploadSourceRow(
                upload_id=upload_id,
                position=position,
                name=given.name if given else source,
                content=given.content if given else None,
                media_type=given.media_type if given else None,
                is_one=given is not None and given.is_one,
                counted=counted,
            )
        )
    return upload_id


def row_of(session: Session, upload_id: str) -> UploadRow:
    """An upload's row.

    Raises:
        NotFound: there is no such upload.
    """
    row = session.get(UploadRow, upload_id)
    if row is None:
        raise NotFound(f"upload {upload_id}: there is no such upload")
    return row


def page(session: Session, *, before: str | None, limit: int) -> Sequence[UploadRow]:
    """Uploads, the newest first; ``before``: those older than one, by id."""
    query = select(UploadRow)
    if before is not None:
        query = query.where(UploadRow.id < before)
    return session.scalars(query.order_by(UploadRow.id.desc()).limit(limit)).all()


def results(
    session: Session, upload_id: str, *, after: tuple[int, int] | None, limit: int
) -> Sequence[UploadResultRow]:
    """What became of an upload's statements, in their order; ``after``: position and line."""
    place = tuple_(UploadResultRow.position, UploadResultRow.line)
    query = select(UploadResultRow).where(UploadResultRow.upload_id == upload_id)
    if after is not None:
        query = query.where(place > after)
    query = query.order_by(UploadResultRow.position, UploadResultRow.line)
    return session.scalars(query.limit(limit)).all()


def waiting(session: Session) -> list[str]:
    """Uploads that came a while ago and are not over."""
    came = UploadRow.created_at < utc_now() - _A_WHILE
    query = select(UploadRow.id).where(UploadRow.state.in_(_UNDER_WAY), came)
    return list(session.scalars(query))


def expired(session: Session, before: datetime, limit: int) -> list[str]:
    """Uploads that ended before a moment, the oldest first."""
    query = select(UploadRow.id).where(UploadRow.finished_at < before)
    return list(session.scalars(query.order_by(UploadRow.finished_at).limit(limit)))


def forget(session: Session, upload_ids: Sequence[str]) -> None:
    """Take uploads out; the statements stay."""
    for table in (UploadSourceRow, UploadResultRow):
        session.execute(delete(table).where(table.upload_id.in_(upload_ids)))
    session.execute(delete(UploadRow).where(UploadRow.id.in_(upload_ids)))


def end(session: Session, upload_id: str, error: str | None = None) -> None:
    """End an upload that is under way, with the reason where it failed. What was sent in goes."""
    row = session.get(UploadRow, upload_id, with_for_update=True)
    if row is None or row.state not in _UNDER_WAY:
        return
    if error is None and row.failed and not row.done:
        error = _EVERY_FAILED
    row.state = UploadState.DONE if error is None else UploadState.FAILED
    row.error, row.finished_at = error, utc_now()
    row.corpus_revision = repository.revision(session)
    session.execute(delete(UploadSourceRow).where(UploadSourceRow.upload_id == upload_id))


def workflow_of(upload_id: str) -> str:
    """The id of the workflow that adds an upload."""
    return f"upload.{upload_id}"


def add(corpus: Corpus, trail: Trail, upload_id: str) -> Iterator[bool]:
    """Add an upload to the corpus, or the rest of it, and end it. Blocking.

    Yields true after every few statements: whoever runs it may go on later, or never. Then the next
    run goes on.

    Raises:
        OutOfReach: the database or Chroma cannot be reached now.
    """
    with corpus.database.transaction() as session:
        row = session.get(UploadRow, upload_id, with_for_update=True)
        if row is None or row.state not in _UNDER_WAY:
            return
        row.state = UploadState.RUNNING
        who = Actor(row.user, row.key_id, row.origin)
        positions = session.scalars(
            select(UploadSourceRow.position)
            .where(UploadSourceRow.upload_id == upload_id)
            .order_by(UploadSourceRow.position)
        ).all()
        known = {
            (one.position, one.line): one.outcome
            for one in session.scalars(
                select(UploadResultRow).where(UploadResultRow.upload_id == upload_id)
            )
        }
    yield from _Run(corpus, trail, who, upload_id, known).add(positions)


class _Run:
    """One run over an upload.

    Args:
        corpus: what is added to.
        trail: where each change is recorded.
        who: sent the upload in.
        upload_id: which one.
        known: the outcomes that runs before have written, by position and line.
    """

    def __init__(
        self,
        corpus: Corpus,
        trail: Trail,
        who: Actor,
        upload_id: str,
        known: dict[tuple[int, int], str],
    ) -> None:
        self._corpus = corpus
        self._database = corpus.database
        self._record = witness(trail, who)
        self._id = upload_id
        self._known = known
        self._addition: Addition = corpus.addition(self._changed)
        self._taking: tuple[int, Found] | None = None
        self._told: list[dict[str, object]] = []
        self._since, self._taken = time.monotonic(), 0

    def add(self, positions: Sequence[int]) -> Iterator[bool]:
        """Add the sources at these positions, index what they brought, and end the upload."""
        for position in positions:
            try:
                for found in self._read(position):
                    self._take(position, found)
                    if self._taken >= _A_FEW or time.monotonic() - self._since >= _A_MOMENT:
                        self._settle()
                        yield True
            except InputError as error:
                if (position, 0) not in self._known:
                    self._told.append(self._row(position, 0, unread(self._name, error)))
        why = self._settle()
        with self._database.transaction() as session:
            # An address may have answered otherwise, or no more, since a run before counted.
            session.execute(
                update(UploadRow)
                .where(UploadRow.id == self._id, UploadRow.state.in_(_UNDER_WAY))
                .values(total=UploadRow.done + UploadRow.failed)
            )
            end(session, self._id, why)

    def _read(self, position: int) -> Iterator[Found]:
        """Yield the records of a source that have no result yet."""
        with self._database.transaction() as session:
            row = session.get(UploadSourceRow, (self._id, position))
            if row is None:  # another process has ended the upload
                return
        self._name = row.name
        if row.content is None and (position, 0) in self._known:
            return  # nothing is fetched for what is known
        given: str | Upload = row.name
        if row.content is not None:
            given = Upload(row.name, row.content, row.media_type, row.is_one)
        document = self._addition.open(source_of(given))
        if row.content is None and (counted := document.count()) != row.counted:
            self._recount(position, row.counted, counted)
        for found in document:
            outcome = self._known.get((position, found.record.line or 0))
            if outcome is None:
                yield found
            elif outcome != "failed":
                self._addition.remember(found)

    def _take(self, position: int, found: Found) -> None:
        self._taking = position, found
        result = self._addition.take(found)
        if result.outcome not in {"added", "changed"}:  # those are told by the change itself
            self._told.append(self._row(position, found.record.line or 0, result))
        self._taken += 1

    def _changed(self, session: Session, change: Change) -> None:
        """Write the result of a change beside it, after those of what came before."""
        assert self._taking is not None  # noqa: S101  nothing changes but what is taken
        position, found = self._taking
        result = Result(
            found.name,
            "added" if change.what == "add" else "changed",
            change.statement_id,
            change.version,
        )
        self._write(session, [*self._told, self._row(position, found.record.line or 0, result)])
        self._record(session, change)
        self._told = []

    def _settle(self) -> str | None:
        """Write what is not written yet, and index what was stored. Returns why it cannot be."""
        if self._told:
            with self._database.transaction() as session:
                self._write(session, self._told)
            self._told = []
        error = None
        try:
            self._corpus.index_changes()
        except (BrokenVectors, IndexMismatch) as broken:  # a person has to mend them
            _LOG.error("upload %s: %s", self._id, broken)
            error = _NOT_SEARCHED
        self._since, self._taken = time.monotonic(), 0
        return error

    def _row(self, position: int, line: int, result: Result) -> dict[str, object]:
        place = {"upload_id": self._id, "position": position, "line": line}
        told = asdict(result)
        for name in ("name", "reason"):  # what a document says of itself may be in there
            told[name] = normalise(told[name]) if told[name] is not None else None
        return place | told

    def _write(self, session: Session, rows: list[dict[str, object]]) -> None:
        """Write results, but for those that another process has written."""
        insert = insert_new(session, UploadResultRow).returning(UploadResultRow.outcome)
        new = [session.scalar(insert.values(row)) for row in rows]
        failed = new.count("failed")
        session.execute(
            update(UploadRow)
            .where(UploadRow.id == self._id)
            .values(
                done=UploadRow.done + len(new) - new.count(None) - failed,
                failed=UploadRow.failed + failed,
            )
        )

    def _recount(self, position: int, before: int, counted: int) -> None:
        """An address turned out to hold another number of statements than was taken for granted."""
        with self._database.transaction() as session:
            source = (UploadSourceRow.upload_id == self._id, UploadSourceRow.position == position)
            changed = session.scalar(
                update(UploadSourceRow)
                .where(*source, UploadSourceRow.counted == before)
                .values(counted=counted)
                .returning(UploadSourceRow.counted)
            )
            if changed is not None:
                session.execute(
                    update(UploadRow)
                    .where(UploadRow.id == self._id)
                    .values(total=UploadRow.total + counted - before)
                )
