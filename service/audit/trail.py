"""The audit trail: an append-only chain of what was done.

Every entry is sealed with the one before it, under a key that is not in the database: who can
write to the database can neither change, remove nor reorder entries without it showing. That the
newest ones were cut off shows by a head that was kept elsewhere.
"""

from __future__ import annotations

import getpass
import hashlib
import hmac
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from service.audit.tables import EntryRow, HeadRow
from service.kit.database import utc_now
from service.kit.text import normalise
from service.settings import Settings

_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something.

    Attributes:
        user: None where the program does it by itself.
        key_id: the key that stood for the person.
        origin: where the request came from.
    """

    user: str | None = None
    key_id: str | None = None
    origin: str | None = None


def operator() -> Actor:
    """Who types a command: nothing but the machine's own name for them is known."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # in a container, an account may have no name
        name = str(os.getuid())
    return Actor(origin=normalise(f"command:{name}")[:64])


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that was done.

    Attributes:
        number: 1 for the first.
        action: what was done, as ``note.approve``.
        subject: to what, as ``note:ID``.
        revision: to which revision of it, where it has any.
        detail: more of it; never a word of a submission, but hashes.
    """

    number: int
    at: datetime
    actor: Actor
    action: str
    subject: str
    revision: int | None = None
    detail: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Head:
    """How long a trail is, and its newest seal: kept elsewhere, it proves the trail later."""

    number: int
    digest: str


@dataclass(frozen=True, slots=True)
class Broken:
    """The first entry that is not as it was written, and what is wrong with it."""

    number: int
    reason: str


class Trail:
    """Adds entries and checks them.

    Args:
        key: the installation secret.
    """

    @classmethod
    def of(cls, settings: Settings) -> Trail:
        """The trail of an installation.

        Raises:
            ConfigurationError: its secret can neither be read nor made.
        """
        return cls(settings.installation_secret())

    def __init__(self, key: bytes) -> None:
        self._key = hashlib.sha256(b"verinote audit\0" + key).digest()

    def record(
        self,
        session: Session,
        actor: Actor,
        action: str,
        subject: str,
        *,
        revision: int | None = None,
        **detail: Any,  # noqa: ANN401  any JSON
    ) -> None:
        """Add an entry in the transaction of what it tells of: both are there, or neither."""
        number = session.execute(  # the lock that others who add wait for
            update(HeadRow)
            .where(HeadRow.id == 1)
            .values(number=HeadRow.number + 1)
            .returning(HeadRow.number)
        ).scalar_one()
        previous = session.execute(select(HeadRow.digest).where(HeadRow.id == 1)).scalar_one()
        entry = Entry(number, utc_now(), actor, action, subject, revision, detail)
        digest = self._seal(entry, previous)
        session.add(
            EntryRow(
                number=number,
                at=entry.at,
                user=actor.user,
                key_id=actor.key_id,
                origin=actor.origin,
                action=action,
                subject=subject,
                revision=revision,
                detail=detail,
                previous=previous,
                digest=digest,
            )
        )
        session.execute(update(HeadRow).where(HeadRow.id == 1).values(digest=digest))

    def head(self, session: Session) -> Head:
        """The newest entry's number and seal."""
        row = session.get_one(HeadRow, 1)
        return Head(row.number, row.digest)

    def first_broken(self, session: Session, known: Head | None = None) -> Broken | None:
        """Find the first entry that is not as it was written; None where all are.

        Entries may be added meanwhile.

        Args:
            session: on the database of the trail.
            known: a head that was taken out earlier; the trail must still hold it.
        """
        heads = {known: "when the head was taken out"} if known is not None else {}
        heads[self.head(session)] = "by the trail's own head"
        number, previous = 0, ""
        for row in _rows(session):
            number += 1
            reason = self._wrong(row, number, previous)
            for head, when in heads.items():
                if head.number == number and head.digest != row.digest:
                    reason = reason or f"it is another than it was {when}"
            if reason is not None:
                return Broken(number, reason)
            previous = row.digest
        for head, when in heads.items():
            if head.number > number:
                return Broken(number + 1, f"it is gone: there were {head.number:,} entries {when}")
        newest = self.head(session)
        if newest.number < number:
            return Broken(newest.number + 1, "it stands behind the end of the trail")
        return None

    def _wrong(self, row: EntryRow, number: int, previous: str) -> str | None:
        """What is wrong with the row that is found where an entry should be."""
        if row.number != number:
            return f"it is gone: the next one there is {row.number}"
        if row.previous != previous:
            return "it was sealed behind another entry than the one before it"
        if not hmac.compare_digest(row.digest, self._seal(_entry(row), previous)):
            return "it is not what was sealed, or was sealed under another installation secret"
        return None

    def _seal(self, entry: Entry, previous: str) -> str:
        told = asdict(entry) | {"at": entry.at.isoformat(), "previous": previous}
        words = json.dumps(told, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
        return hmac.new(self._key, words.encode(), hashlib.sha256).hexdigest()


def entries(session: Session, *, after: int, limit: int, subject: str | None = None) -> list[Entry]:
    """Entries after a number, the oldest first."""
    query = select(EntryRow).where(EntryRow.number > after)
    if subject is not None:
        query = query.where(EntryRow.subject == subject)
    return [_entry(row) for row in session.scalars(query.order_by(EntryRow.number).limit(limit))]


def _rows(session: Session) -> Iterator[EntryRow]:
    query = select(EntryRow).order_by(EntryRow.number).execution_options(yield_per=_AT_ONCE)
    yield from session.scalars(query)


def _entry(row: EntryRow) -> Entry:
    actor = Actor(row.user, row.key_id, row.origin)
    return Entry(row.number, row.at, actor, row.action, row.subject, row.revision, row.detail)
