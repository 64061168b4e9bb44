"""Tables of work: the processes that do it, and uploads of statements on their way."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from service.kit.database import Base


class WorkerRow(Base):
    """A process, whether it takes work or only gives it out, and when it said that it lives."""

    __tablename__ = "workers"

    id: Mapped[str] = mapped_column(String(128), primary_key=True)
    started_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    takes_work: Mapped[bool]


class UploadRow(Base):
    """Statements that somebody sent in, and how far they came.

    ``user``, ``key_id`` and ``origin`` are who sent them, for the audit trail. ``total`` counts
    the statements, as far as is known before addresses are fetched; ``done`` and ``failed`` those
    that have a result. ``corpus_revision`` is the one at the end.
    """

    __tablename__ = "uploads"

    id: Mapped[str] = mapped_column(String(24), primary_key=True)
    state: Mapped[str] = mapped_column(String(16), index=True)
    user: Mapped[str] = mapped_column(String(64))
    key_id: Mapped[str] = mapped_column(String(16))
    origin: Mapped[str | None] = mapped_column(String(64))
    created_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    error: Mapped[str | None] = mapped_column(Text)
    total: Mapped[int]
    done: Mapped[int]
    failed: Mapped[int]
    corpus_revision: Mapped[int | None]


class UploadSourceRow(Base):
    """One source of an upload, until the upload has ended; without ``content``, an address.

    ``counted`` is how many statements of it are in the upload's total.
    """

    __tablename__ = "upload_sources"

    upload_id: Mapped[str] = mapped_column(ForeignKey("uploads.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    content: Mapped[bytes | None] = mapped_column(LargeBinary)
    media_type: Mapped[str | None] = mapped_column(String(100))
    is_one: Mapped[bool]
    counted: Mapped[int]


class UploadResultRow(Base):
    """What became of one statement of a source; ``line`` is 0 for a source as a whole."""

    __tablename__ = "upload_results"

    upload_id: Mapped[str] = mapped_column(ForeignKey("uploads.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    line: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    outcome: Mapped[str] = mapped_column(String(16))
    statement_id: Mapped[str | None] = mapped_column(String(64))
    version: Mapped[int | None]
    reason: Mapped[str | None] = mapped_column(Text)
