"""The queries of the feeds' tables. Every function takes an open session; none commits."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, delete, select, update
from sqlalchemy.orm import Session

from service.kit.database import insert_new, utc_now
from service.statements.feeds.documents import Item
from service.statements.feeds.tables import FeedDocumentRow, FeedItemRow, FeedRow
from service.statements.fetch import Validators


@dataclass(frozen=True, slots=True)
class KnownDocument:
    """A document of which everything was settled: how many items, and what to ask it with."""

    listed: int
    validators: Validators


@dataclass(frozen=True, slots=True)
class KnownItem:
    """An item that was tried before.

    Attributes:
        said: the guid and the date of change that the feed gave when it was stored; None if it
            never was.
        failed_at: when it failed last, if it was not stored since.
    """

    said: tuple[str | None, str | None] | None = None
    failed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class KnownPage:
    """An item's page as it was fetched last, whichever feed listed it."""

    statement_id: str
    validators: Validators


def last_checked(session: Session) -> dict[str, datetime]:
    """When each feed was read last, UTC; feeds that never were are left out."""
    rows = session.execute(
        select(FeedRow.url, FeedRow.checked_at).where(FeedRow.checked_at.is_not(None))
    )
    return {url: checked_at for url, checked_at in rows if checked_at}


def begin(session: Session, feed: str) -> None:
    """Have a row for a feed, for the others to point to."""
    session.execute(insert_new(session, FeedRow).values(url=feed))


def items(session: Session, feed: str) -> dict[str, KnownItem]:
    """What is known of a feed's items, by address."""
    rows = session.execute(
        select(
            FeedItemRow.address,
            FeedItemRow.statement_id,
            FeedItemRow.guid,
            FeedItemRow.updated,
            FeedItemRow.failed_at,
        ).where(FeedItemRow.feed == feed)
    )
    return {
        address: KnownItem((guid, updated) if statement_id else None, failed_at)
        for address, statement_id, guid, updated, failed_at in rows
    }


def documents(session: Session, feed: str, selection: str) -> dict[str, KnownDocument]:
    """The settled documents of a feed, by address."""
    rows = session.scalars(
        select(FeedDocumentRow).where(
            FeedDocumentRow.feed == feed, FeedDocumentRow.selection == selection
        )
    )
    return {
        row.url: KnownDocument(row.listed, Validators(row.answered, row.etag, row.last_modified))
        for row in rows
    }


def page(session: Session, address: str) -> KnownPage | None:
    """What is known of an item's page."""
    row = session.execute(
        select(
            FeedItemRow.statement_id,
            FeedItemRow.answered,
            FeedItemRow.etag,
            FeedItemRow.last_modified,
        )
        .where(FeedItemRow.address == address, FeedItemRow.statement_id.is_not(None))
        .order_by(FeedItemRow.feed)
    ).first()
    if row is None or row.statement_id is None or row.answered is None:
        return None
    return KnownPage(row.statement_id, Validators(row.answered, row.etag, row.last_modified))


def remember(session: Session, feed: str, item: Item, known: KnownPage) -> None:
    """Keep what a feed said of an item that is stored now, and what its page answered."""
    _have(session, feed, item)
    of_page = and_(FeedItemRow.address == item.address, FeedItemRow.statement_id.is_not(None))
    of_feed = and_(FeedItemRow.address == item.address, FeedItemRow.feed == feed)
    answered = {
        "statement_id": known.statement_id,
        "answered": known.validators.url,
        "etag": known.validators.etag,
        "last_modified": known.validators.last_modified,
    }
    said = {"guid": item.guid, "updated": item.updated, "failed_at": None}
    session.execute(update(FeedItemRow).where(of_page).values(answered))
    session.execute(update(FeedItemRow).where(of_feed).values({**answered, **said}))


def remember_failure(session: Session, feed: str, item: Item) -> None:
    """Keep that an item failed; what was known of it before stays."""
    _have(session, feed, item)
    session.execute(
        update(FeedItemRow)
        .where(FeedItemRow.address == item.address, FeedItemRow.feed == feed)
        .values(failed_at=utc_now())
    )


def _have(session: Session, feed: str, item: Item) -> None:
    session.execute(insert_new(session, FeedItemRow).values(feed=feed, address=item.address))


def finish(
    session: Session,
    feed: str,
    selection: str,
    settled: dict[str, KnownDocument],
    unsettled: Iterable[str],
    error: str | None,
) -> None:
    """Keep the end of a feed's reading: its settled documents, and why it failed if it did."""
    again = [*settled, *unsettled]
    session.execute(
        delete(FeedDocumentRow).where(FeedDocumentRow.feed == feed, FeedDocumentRow.url.in_(again))
    )
    for url, known in settled.items():
        session.execute(
            insert_new(session, FeedDocumentRow).values(
                feed=feed,
                url=url,
                selection=selection,
                listed=known.listed,
                answered=known.validators.url,
                etag=known.validators.etag,
                last_modified=known.validators.last_modified,
            )
        )
    session.execute(
        update(FeedRow).where(FeedRow.url == feed).values(checked_at=utc_now(), error=error)
    )
