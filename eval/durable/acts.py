"""What people do to evaluations, over HTTP or by a command: each act stands in the audit trail."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from eval.durable import store
from eval.runner import Limits
from service.audit.trail import Actor, Trail


@dataclass(frozen=True, slots=True)
class Acts:
    """Changes by somebody, each in the transaction of its entry. Errors are those of the store."""

    trail: Trail
    who: Actor

    def accept(self, session: Session, asked: store.Asked, files: Mapping[str, bytes]) -> str:
        """See ``store.accept``."""
        id_ = store.accept(session, asked, files, self.who)
        self._record(session, "accept", id_, dataset=asked.dataset, engine=asked.engine)
        return id_

    def cancel(self, session: Session, evaluation_id: str) -> None:
        """See ``store.cancel``."""
        store.cancel(session, evaluation_id)
        self._record(session, "cancel", evaluation_id)

    def resume(self, session: Session, evaluation_id: str, limits: Limits) -> int:
        """See ``store.resume``."""
        attempt = store.resume(session, evaluation_id, limits)
        self._record(session, "resume", evaluation_id)
        return attempt

    def forget(self, session: Session, evaluation_id: str) -> None:
        """See ``store.forget``."""
        store.forget(session, evaluation_id)
        self._record(session, "delete", evaluation_id)

    def _record(self, session: Session, act: str, evaluation_id: str, **told: Any) -> None:  # noqa: ANN401
        subject = f"evaluation:{evaluation_id}"
        self.trail.record(session, self.who, f"evaluation.{act}", subject, **told)
