"""Tables of submissions: the texts, what happened to them, and the keys of repeated requests."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, String, Text, true
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from service.kit.database import Base


class SubmissionRow(Base):
    """A text that claims are taken from, and how far it came.

    ``id`` is given at the door of the service, so that the same text may be sent in twice; what
    ``verinote verify`` read has the digest of its text, and nobody who submitted it. ``attempt``
    grows with every retry, ``read`` says whether its claims were taken from it, ``rejected`` is
    what an engine gave as claims and code refused, ``usage`` what reading it took.
    """

    __tablename__ = "submissions"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64), index=True)
    text: Mapped[str] = mapped_column(Text, deferred=True)
    title: Mapped[str | None] = mapped_column(Text)
    published: Mapped[date | None]
    source: Mapped[str | None] = mapped_column(Text)
    language: Mapped[str | None] = mapped_column(String(16))
    claims_only: Mapped[bool]
    local_only: Mapped[bool]
    created_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(String(16), index=True, server_default="done")
    as_of: Mapped[date | None]
    error: Mapped[str | None] = mapped_column(Text)
    submitted_by: Mapped[str | None] = mapped_column(String(64))
    attempt: Mapped[int] = mapped_column(server_default=sql("1"))
    read: Mapped[bool] = mapped_column(server_default=true())
    rejected: Mapped[list[list[str]] | None] = mapped_column(JSON)
    usage: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    finished_at: Mapped[datetime | None]


class EventRow(Base):
    """Something that happened to a submission, for those who watch it. Holds no text."""

    __tablename__ = "submission_events"
    __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012  SQLAlchemy's own

    number: Mapped[int] = mapped_column(primary_key=True)
    submission_id: Mapped[str] = mapped_column(ForeignKey("submissions.id"), index=True)
    kind: Mapped[str] = mapped_column(String(16))
    body: Mapped[dict[str, Any]] = mapped_column(JSON)
    created_at: Mapped[datetime]


class IdempotencyRow(Base):
    """What somebody asked for under a key of their own; ``asked`` is the digest of the request."""

    __tablename__ = "idempotency_keys"

    user: Mapped[str] = mapped_column(String(64), primary_key=True)
    key: Mapped[str] = mapped_column(String(255), primary_key=True)
    asked: Mapped[str] = mapped_column(String(64))
    submission_id: Mapped[str] = mapped_column(String(64), index=True)
    created_at: Mapped[datetime]
