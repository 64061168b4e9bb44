"""Tables of evaluations: what was asked, the files that it reads, and a row an item."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from service.kit.database import Base


class EvaluationRow(Base):
    """An evaluation, and how far it came.

    ``user``, ``key_id`` and ``origin`` are who asked for it; ``told`` is what ``run.json`` says of
    what runs. ``total`` and ``bad`` are known once its data was read. Items are begun in the order
    of their places, ``begun`` of them in this ``attempt``, and ``in_flight`` are on the queue or
    being answered. ``items`` counts the rows of all attempts, ``done`` and ``failed`` the items by
    their last row.
    """

    __tablename__ = "evaluations"

    id: Mapped[str] = mapped_column(String(24), primary_key=True)
    state: Mapped[str] = mapped_column(String(16), index=True)
    dataset: Mapped[str] = mapped_column(String(64))
    user: Mapped[str | None] = mapped_column(String(64))
    key_id: Mapped[str | None] = mapped_column(String(16))
    origin: Mapped[str | None] = mapped_column(String(64))
    created_at: Mapped[datetime]
    begun_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    reason: Mapped[str | None] = mapped_column(Text)
    engine: Mapped[str] = mapped_column(String(16))
    own_corpus: Mapped[bool]
    row_limit: Mapped[int | None] = mapped_column(BigInteger)
    max_cost: Mapped[float | None]
    max_tokens: Mapped[int | None] = mapped_column(BigInteger)
    attempt: Mapped[int]
    total: Mapped[int | None]
    begun: Mapped[int]
    in_flight: Mapped[int]
    items: Mapped[int]
    done: Mapped[int]
    failed: Mapped[int]
    calls: Mapped[int] = mapped_column(BigInteger)
    prompt_tokens: Mapped[int] = mapped_column(BigInteger)
    completion_tokens: Mapped[int] = mapped_column(BigInteger)
    cost: Mapped[float]
    seconds: Mapped[float]
    told: Mapped[dict[str, Any]] = mapped_column(JSON)
    bad: Mapped[list[str]] = mapped_column(JSON)
    measures: Mapped[dict[str, Any] | None] = mapped_column(JSON)


class EvaluationFileRow(Base):
    """A file that an evaluation reads, by its path in the folder that a worker lays out."""

    __tablename__ = "evaluation_files"

    evaluation_id: Mapped[str] = mapped_column(ForeignKey("evaluations.id"), primary_key=True)
    path: Mapped[str] = mapped_column(String(500), primary_key=True)
    sha256: Mapped[str] = mapped_column(ForeignKey("evaluation_contents.sha256"), index=True)


class EvaluationContentRow(Base):
    """What files hold, once: evaluations of the same data share it."""

    __tablename__ = "evaluation_contents"

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    content: Mapped[bytes] = mapped_column(LargeBinary)


class EvaluationItemRow(Base):
    """A row of ``items.jsonl``: its line there, from 1, and the item's place in the data."""

    __tablename__ = "evaluation_items"
    __table_args__ = (Index("ix_evaluation_items_place", "evaluation_id", "place"),)

    evaluation_id: Mapped[str] = mapped_column(ForeignKey("evaluations.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    attempt: Mapped[int]
    place: Mapped[int]
    failed: Mapped[bool]
    row: Mapped[dict[str, Any]] = mapped_column(JSON)
