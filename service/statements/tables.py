"""Tables of the reference corpus: statements, their versions, passages and cached vectors."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import JSON, ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from service.kit.database import Base


class StatementRow(Base):
    """One official document, whatever its versions.

    ``source_key`` tells statements apart at intake: ``{declared id}@{file}`` (older rows: the id
    alone), else the address, else the file's absolute path. Adding from the same source again
    finds the same statement.
    """

    __tablename__ = "statements"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    source_key: Mapped[str] = mapped_column(Text, unique=True)
    current_version: Mapped[int]
    created_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]


class StatementVersionRow(Base):
    """One version of a statement: raw bytes, the stored text, and what is known about it.

    ``sha256`` is the digest of ``text``; ``content_sha256`` that of the raw bytes. ``revision``
    is the corpus revision that this version brought.
    """

    __tablename__ = "statement_versions"

    statement_id: Mapped[str] = mapped_column(ForeignKey("statements.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    raw: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    content_sha256: Mapped[str] = mapped_column(String(64))
    media_type: Mapped[str] = mapped_column(String(100))
    reader: Mapped[str] = mapped_column(String(100))
    text: Mapped[str] = mapped_column(Text, deferred=True)
    sha256: Mapped[str] = mapped_column(String(64), index=True)
    issuer: Mapped[str | None] = mapped_column(Text)
    title: Mapped[str | None] = mapped_column(Text)
    published: Mapped[date | None]
    kind: Mapped[str] = mapped_column(String(16))
    url: Mapped[str | None] = mapped_column(Text)
    reported_by: Mapped[list[str]] = mapped_column(JSON)
    language: Mapped[str] = mapped_column(String(16))
    added_at: Mapped[datetime]
    revision: Mapped[int]


class PassageRow(Base):
    """A searched span of a version. ``id`` is ``{statement_id}@{version}:{start}-{end}``.

    ``searchable`` holds for passages of the current version of an unwithdrawn statement in a
    language that the models know: those and no others are in Chroma and the text index.
    """

    __tablename__ = "passages"
    __table_args__ = (
        UniqueConstraint("statement_id", "version", "position"),
        Index("ix_passages_searchable", "searchable"),
    )

    number: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(String(120), unique=True)
    statement_id: Mapped[str] = mapped_column(ForeignKey("statements.id"), index=True)
    version: Mapped[int]
    position: Mapped[int]
    start: Mapped[int]
    end: Mapped[int]
    text: Mapped[str] = mapped_column(Text)
    text_sha256: Mapped[str] = mapped_column(String(64), index=True)
    searchable: Mapped[bool]


class EmbeddingRow(Base):
    """A cached vector (float32 bytes), by embedding model and digest of the text embedded."""

    __tablename__ = "embeddings"

    model: Mapped[str] = mapped_column(String(100), primary_key=True)
    text_sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    vector: Mapped[bytes] = mapped_column(LargeBinary)


class CorpusRow(Base):
    """The corpus revision: one row, a number that grows with every change."""

    __tablename__ = "corpus"

    id: Mapped[int] = mapped_column(primary_key=True)
    revision: Mapped[int]
