"""Tables of what feeds said, so that only what is new or changed is fetched."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from service.kit.database import Base


class FeedRow(Base):
    """One feed by its address in feeds.toml. ``error``: why it could not be read last time."""

    __tablename__ = "feeds"

    url: Mapped[str] = mapped_column(Text, primary_key=True)
    checked_at: Mapped[datetime | None]
    error: Mapped[str | None] = mapped_column(Text)


class FeedDocumentRow(Base):
    """A feed's own document, or a sitemap inside its index, of which everything is settled.

    While something in it is to be tried again there is no row, so that the document is read again
    in full. ``selection`` is that of the feed's entry in feeds.toml: under another one, other
    items are wanted of the same document. ``answered`` is the address after redirects.
    """

    __tablename__ = "feed_documents"

    feed: Mapped[str] = mapped_column(ForeignKey("feeds.url"), primary_key=True)
    url: Mapped[str] = mapped_column(Text, primary_key=True)
    selection: Mapped[str] = mapped_column(String(64))
    listed: Mapped[int]
    answered: Mapped[str] = mapped_column(Text)
    etag: Mapped[str | None] = mapped_column(Text)
    last_modified: Mapped[str | None] = mapped_column(Text)


class FeedItemRow(Base):
    """An item that was stored: what the feed said of it then, and what its page answered.

    ``failed_at``: when it failed last, if it was not stored since; an item that never was has no
    statement, and nothing of what is known of one.
    """

    __tablename__ = "feed_items"

    feed: Mapped[str] = mapped_column(ForeignKey("feeds.url"), primary_key=True)
    address: Mapped[str] = mapped_column(Text, primary_key=True, index=True)
    guid: Mapped[str | None] = mapped_column(Text)
    updated: Mapped[str | None] = mapped_column(Text)
    statement_id: Mapped[str | None] = mapped_column(ForeignKey("statements.id"))
    answered: Mapped[str | None] = mapped_column(Text)
    etag: Mapped[str | None] = mapped_column(Text)
    last_modified: Mapped[str | None] = mapped_column(Text)
    failed_at: Mapped[datetime | None]
