"""Answers that were given before, so that the same question is not paid for twice.

LangChain has a hook for caches, but it keeps every answer before anybody has looked at it: an
answer of the wrong shape would come back at every retry. Here only what was accepted is kept.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import String, Text, select
from sqlalchemy.orm import Mapped, mapped_column

from service.kit.database import Base, Database, insert_new, utc_now
from service.kit.text import sha256_hex


class AnswerRow(Base):
    """An answer of a language model, under the digest of everything that was asked.

    ``submission`` is the digest of the submission that it was asked for, None where there is none.
    """

    __tablename__ = "answers"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    submission: Mapped[str | None] = mapped_column(String(64), index=True)
    answer: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]


def key_of(asked: Mapping[str, Any]) -> str:
    """The key of a question: endpoint, model, parameters, messages, schema."""
    return sha256_hex(json.dumps(asked, sort_keys=True, ensure_ascii=True))


class AnswerCache:
    """Keeps answers in the database. Blocking; thread-safe.

    Args:
        database: migrated.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, key: str) -> str | None:
        """The answer to a question, if it was asked before."""
        with self._database.transaction() as session:
            return session.scalar(select(AnswerRow.answer).where(AnswerRow.id == key))

    def put(self, key: str, answer: str, submission: str | None) -> None:
        """Keep an accepted answer."""
        row = {
            "id": key,
            "submission": submission,
            "answer": answer,
            "created_at": utc_now(),
        }
        with self._database.transaction() as session:
            session.execute(insert_new(session, AnswerRow), [row])
