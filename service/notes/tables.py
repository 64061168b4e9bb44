"""Tables of review: revisions of notes, what they cite, what people decided and said."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from service.kit.database import Base


class RevisionRow(Base):
    """A note as it was. ``body`` is ``types.Note``; the engine's draft has no ``author``."""

    __tablename__ = "note_revisions"

    note_id: Mapped[str] = mapped_column(ForeignKey("notes.id"), primary_key=True)
    revision: Mapped[int] = mapped_column(primary_key=True)
    body: Mapped[dict[str, Any]] = mapped_column(JSON)
    author: Mapped[str | None] = mapped_column(String(64))
    created_at: Mapped[datetime]


class CitationRow(Base):
    """That a note cites a version of a statement: found again when the statement changes.

    ``seen_version`` and ``seen_withdrawn_at`` are how the statement was when a person looked at the
    note again and let it stand.
    """

    __tablename__ = "note_citations"

    note_id: Mapped[str] = mapped_column(ForeignKey("notes.id"), primary_key=True)
    statement_id: Mapped[str] = mapped_column(String(64), primary_key=True, index=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    seen_version: Mapped[int | None]
    seen_withdrawn_at: Mapped[datetime | None]


class DecisionRow(Base):
    """What a named person decided about a revision of a note."""

    __tablename__ = "decisions"

    id: Mapped[str] = mapped_column(String(24), primary_key=True)
    note_id: Mapped[str] = mapped_column(ForeignKey("notes.id"), index=True)
    revision: Mapped[int]
    decision: Mapped[str] = mapped_column(String(32))
    verdict: Mapped[str | None] = mapped_column(String(32))
    reason: Mapped[str | None] = mapped_column(Text)
    comment: Mapped[str | None] = mapped_column(Text)
    user: Mapped[str] = mapped_column(String(64))
    key_id: Mapped[str] = mapped_column(String(16))
    created_at: Mapped[datetime]


class CommentRow(Base):
    """What somebody said about a note."""

    __tablename__ = "note_comments"

    id: Mapped[str] = mapped_column(String(24), primary_key=True)
    note_id: Mapped[str] = mapped_column(ForeignKey("notes.id"), index=True)
    text: Mapped[str] = mapped_column(Text)
    user: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime]


class OpinionRow(Base):
    """A second opinion that somebody asked for, and what another answered."""

    __tablename__ = "opinions"

    id: Mapped[str] = mapped_column(String(24), primary_key=True)
    note_id: Mapped[str] = mapped_column(ForeignKey("notes.id"), index=True)
    revision: Mapped[int]
    question: Mapped[str] = mapped_column(Text)
    asked_by: Mapped[str] = mapped_column(String(64))
    asked_at: Mapped[datetime]
    answered_revision: Mapped[int | None]
    agrees: Mapped[bool | None]
    verdict: Mapped[str | None] = mapped_column(String(32))
    words: Mapped[str | None] = mapped_column(Text)
    answered_by: Mapped[str | None] = mapped_column(String(64))
    answered_at: Mapped[datetime | None]
