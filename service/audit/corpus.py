"""Changes of the corpus as entries of the trail, written in the transaction of each change.

The corpus is a room below and knows of no trail: it is handed a witness.
"""

from __future__ import annotations

from sqlalchemy.orm import Session

from service.audit.trail import Actor, Trail, operator
from service.settings import Settings
from service.statements.intake import Change, Witness


def witness(trail: Trail, actor: Actor) -> Witness:
    """What records the changes of somebody."""

    def record(session: Session, change: Change) -> None:
        subject = f"statement:{change.statement_id}"
        trail.record(session, actor, f"statement.{change.what}", subject, revision=change.version)

    return record


def command_witness(settings: Settings) -> Witness:
    """What records the changes that a command makes.

    Raises:
        ConfigurationError: the installation secret can neither be read nor made.
    """
    return witness(Trail.of(settings), operator())
