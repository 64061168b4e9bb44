"""Tables of the claim memory: submissions, their claims, the notes on them, others' fact-checks."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from service.kit.database import Base


class SubmissionRow(Base):
    """A text that claims were taken from. ``id`` is the digest of ``text`` for now."""

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


class ClaimRow(Base):
    """A claim. ``body`` is ``types.Claim`` whole; ``digest`` tells claims of the same words."""

    __tablename__ = "claims"

    id: Mapped[str] = mapped_column(String(100), primary_key=True)
    submission_id: Mapped[str] = mapped_column(ForeignKey("submissions.id"), index=True)
    text: Mapped[str] = mapped_column(Text)
    digest: Mapped[str] = mapped_column(String(64), index=True)
    body: Mapped[dict[str, Any]] = mapped_column(JSON)
    created_at: Mapped[datetime]


class NoteRow(Base):
    """A note on a claim under everything that its verdict hangs on. ``body`` is ``types.Note``.

    ``id`` is the digest of the claim's id and of those things, so that the same is stored once.
    """

    __tablename__ = "notes"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    claim_id: Mapped[str] = mapped_column(ForeignKey("claims.id"), index=True)
    as_of: Mapped[date]
    corpus_revision: Mapped[int]
    engine: Mapped[str] = mapped_column(String(100))
    model: Mapped[str] = mapped_column(Text)
    prompt_version: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(32))
    verdict: Mapped[str | None] = mapped_column(String(32))
    body: Mapped[dict[str, Any]] = mapped_column(JSON)
    created_at: Mapped[datetime]


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
