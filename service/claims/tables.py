"""Tables of claims, the notes on them, and fact-checks by others."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, Text, false, func, true
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from service.kit.database import Base


class ClaimRow(Base):
    """A claim and how far it came. ``body`` is ``types.Claim`` whole.

    ``digest`` tells claims of the same words, ``position`` where in the submission it stands,
    ``unread`` that it stands for a stretch of text which no engine could read; ``note_id`` is the
    note that people see.
    """

    __tablename__ = "claims"

    id: Mapped[str] = mapped_column(String(100), primary_key=True)
    submission_id: Mapped[str] = mapped_column(ForeignKey("submissions.id"), index=True)
    text: Mapped[str] = mapped_column(Text)
    digest: Mapped[str] = mapped_column(String(64), index=True)
    body: Mapped[dict[str, Any]] = mapped_column(JSON)
    created_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(String(16), index=True, server_default="drafted")
    position: Mapped[int] = mapped_column(server_default=sql("0"))
    attempt: Mapped[int] = mapped_column(server_default=sql("1"))
    unread: Mapped[bool] = mapped_column(server_default=false())
    error: Mapped[str | None] = mapped_column(Text)
    note_id: Mapped[str | None] = mapped_column(String(64))


class NoteRow(Base):
    """A note on a claim under everything that its verdict hangs on. ``body`` is ``types.Note``.

    ``id`` is the digest of the claim's id and of those things, so that the same is stored once.
    ``body`` and ``verdict`` are the engine's and, after an edit, the newest revision's; what a
    person decided against it is ``decided_verdict``. ``confidence`` and ``warned`` are of ``body``,
    to be asked for; ``published_at`` is when it was published first.
    """

    __tablename__ = "notes"
    __table_args__ = (
        Index("ix_notes_created_at", "created_at", "id"),
        Index("ix_notes_verdict", "state", sql("coalesce(decided_verdict, verdict)")),
    )

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    claim_id: Mapped[str] = mapped_column(ForeignKey("claims.id"), index=True)
    as_of: Mapped[date]
    corpus_revision: Mapped[int]
    engine: Mapped[str] = mapped_column(String(100))
    model: Mapped[str] = mapped_column(Text)
    prompt_version: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(32), index=True)
    verdict: Mapped[str | None] = mapped_column(String(32))
    body: Mapped[dict[str, Any]] = mapped_column(JSON)
    created_at: Mapped[datetime]
    reusable: Mapped[bool] = mapped_column(server_default=true())
    revision: Mapped[int] = mapped_column(server_default=sql("1"))
    decided_verdict: Mapped[str | None] = mapped_column(String(32))
    confidence: Mapped[float | None]
    warned: Mapped[bool] = mapped_column(server_default=false())
    assigned_to: Mapped[str | None] = mapped_column(String(64), index=True)
    due_at: Mapped[datetime | None]
    published_at: Mapped[datetime | None] = mapped_column(index=True)


verdict_that_counts = func.coalesce(NoteRow.decided_verdict, NoteRow.verdict)
"""The person's, where they set one; else the note's."""


class FactCheckRow(Base):
    """A fact-check by others: shown as "checked by", never evidence.

    ``id`` is the digest of publisher, address and claim: the same check read again is the same.
    """

    __tablename__ = "fact_checks"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    claim: Mapped[str] = mapped_column(Text)
    digest: Mapped[str] = mapped_column(String(64), index=True)
    rating: Mapped[str] = mapped_column(Text)
    publisher: Mapped[str] = mapped_column(Text)
    url: Mapped[str | None] = mapped_column(Text)
    checked_on: Mapped[date | None]
    claimant: Mapped[str | None] = mapped_column(Text)
    imported_at: Mapped[datetime]
