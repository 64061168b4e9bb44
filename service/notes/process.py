"""The review process: which way a note may go, and who may take it there.

One table says it: every check follows from it, and so does the one in ``docs/review.md``.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from service.access.register import Caller, Role
from service.kit.errors import InputError, NotPossible


class NoteState(StrEnum):
    """Where a note is on its way. ``FAILED``: there is none to decide on."""

    DRAFTED = "drafted"
    FAILED = "failed"
    IN_REVIEW = "in_review"
    CHANGES_REQUESTED = "changes_requested"
    APPROVED = "approved"
    REJECTED = "rejected"
    PUBLISHED = "published"
    CORRECTED = "corrected"
    RETRACTED = "retracted"


class Act(StrEnum):
    """What a person may do to a note."""

    REVIEW = "review"
    APPROVE = "approve"
    REJECT = "reject"
    REQUEST_CHANGES = "request_changes"
    PUBLISH = "publish"
    CORRECT = "correct"
    RETRACT = "retract"
    STANDS = "stands"
    EDIT = "edit"
    ASSIGN = "assign"
    COMMENT = "comment"
    ASK_OPINION = "ask_opinion"
    GIVE_OPINION = "give_opinion"


Decision = Literal[
    Act.REVIEW,
    Act.APPROVE,
    Act.REJECT,
    Act.REQUEST_CHANGES,
    Act.PUBLISH,
    Act.CORRECT,
    Act.RETRACT,
]
"""What a person decides about a note: each leads to another state."""


class Forbidden(InputError):
    """Who asks may not do it."""


@dataclass(frozen=True, slots=True)
class Move:
    """When an act is allowed, and to whom. It always takes a person.

    Attributes:
        comes_from: the states in which it is allowed.
        leads_to: the state that follows; None where it stays.
        role: the least that the person has to be.
    """

    comes_from: frozenset[NoteState]
    leads_to: NoteState | None = None
    role: Role = Role.REVIEWER


_ANY = frozenset(NoteState) - {NoteState.FAILED}
_OUT = frozenset({NoteState.PUBLISHED, NoteState.CORRECTED})
OPEN = frozenset({NoteState.DRAFTED, NoteState.IN_REVIEW, NoteState.CHANGES_REQUESTED})
"""States in which a note waits for somebody."""
PUBLIC = _OUT | {NoteState.RETRACTED}
"""States in which a note has an address that everybody may read."""

MOVES = {
    Act.REVIEW: Move(frozenset({NoteState.DRAFTED}), NoteState.IN_REVIEW),
    Act.APPROVE: Move(frozenset({NoteState.IN_REVIEW}), NoteState.APPROVED),
    Act.REJECT: Move(frozenset({NoteState.IN_REVIEW}), NoteState.REJECTED),
    Act.REQUEST_CHANGES: Move(
        frozenset({NoteState.IN_REVIEW, NoteState.APPROVED}), NoteState.CHANGES_REQUESTED
    ),
    Act.EDIT: Move(OPEN | {NoteState.REJECTED}, NoteState.DRAFTED),
    Act.PUBLISH: Move(frozenset({NoteState.APPROVED}), NoteState.PUBLISHED),
    Act.CORRECT: Move(_OUT, NoteState.CORRECTED),
    Act.RETRACT: Move(_OUT, NoteState.RETRACTED),
    Act.STANDS: Move(_ANY),
    Act.ASSIGN: Move(_ANY),
    Act.COMMENT: Move(_ANY),
    Act.ASK_OPINION: Move(frozenset({NoteState.DRAFTED, NoteState.IN_REVIEW})),
    Act.GIVE_OPINION: Move(_ANY),
}


def way(state: NoteState, act: Act) -> tuple[Act, ...]:
    """The moves by which an act is done: a decision on a draft takes it into review first.

    Raises:
        NotPossible: the state does not allow it.
    """
    comes_from, review = MOVES[act].comes_from, MOVES[Act.REVIEW]
    if state in comes_from:
        return (act,)
    if state in review.comes_from and review.leads_to in comes_from:
        return (Act.REVIEW, act)
    raise NotPossible(f"{act}: the note is {state}; it takes one that is {_listed(comes_from)}")


def check_may(caller: Caller, act: Act) -> None:
    """See that somebody may do something to notes at all.

    Raises:
        Forbidden: they may not.
    """
    role = MOVES[act].role
    if not caller.may(role):
        raise Forbidden(f"{act}: {caller.user} is {caller.role}: it takes the role of {role}")
    if caller.for_service:
        raise Forbidden(f"{act}: a service's key cannot do this: a person has to")


def allowed(state: NoteState, caller: Caller) -> frozenset[Act]:
    """What somebody may do to a note in a state."""
    return frozenset(act for act in Act if _is_allowed(state, act, caller))


def _is_allowed(state: NoteState, act: Act, caller: Caller) -> bool:
    try:
        check_may(caller, act)
        way(state, act)
    except (Forbidden, NotPossible):
        return False
    return True


def _listed(states: frozenset[NoteState]) -> str:
    return " or ".join(state for state in NoteState if state in states)
