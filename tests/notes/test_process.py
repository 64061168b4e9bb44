"""The way of a note: the page of the docs says what the code does, in every state."""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path

import pytest

from service.access.register import Caller, Role
from service.notes.process import (
    MOVES,
    Act,
    Forbidden,
    NoteState,
    NotPossible,
    allowed,
    check_may,
    way,
)

DOCS = Path(__file__).parents[2] / "docs" / "review.md"
ROW = re.compile(r"^\| `(\w+)` \| ([^|]+) \| ([^|]*)\| (\w+) \|$", re.MULTILINE)
ANY = frozenset(NoteState) - {NoteState.FAILED}
TABLE = {
    Act(act): (
        ANY if states == "any" else frozenset(NoteState(one) for one in states.split(", ")),
        NoteState(leads_to.strip()) if leads_to.strip() else None,
        Role(role),
    )
    for act, states, leads_to, role in ROW.findall(DOCS.read_text())
}
REVIEWER = Caller("ana", Role.REVIEWER, "k1", for_service=False)


def test_the_page_has_the_table_of_the_code() -> None:
    assert {act: (move.comes_from, move.leads_to, move.role) for act, move in MOVES.items()} == (
        TABLE
    )
    assert set(MOVES) == set(Act)


@pytest.mark.parametrize(("state", "act"), list(product(NoteState, Act)))
def test_an_act_is_allowed_where_the_page_says_so(state: NoteState, act: Act) -> None:
    states, _, _ = TABLE[act]
    if state in states:
        assert way(state, act) == (act,)
    elif state is NoteState.DRAFTED and NoteState.IN_REVIEW in states:
        assert way(state, act) == (Act.REVIEW, act)
    else:
        with pytest.raises(NotPossible, match=rf"{act}: the note is {state}"):
            way(state, act)
        assert act not in allowed(state, REVIEWER)
        return
    assert act in allowed(state, REVIEWER)


@pytest.mark.parametrize("act", Act)
def test_neither_a_program_nor_a_lesser_role_may_do_anything(act: Act) -> None:
    check_may(REVIEWER, act)
    with pytest.raises(Forbidden, match="a person has to"):
        check_may(Caller("ana", Role.ADMIN, "k1", for_service=True), act)
    with pytest.raises(Forbidden, match=f"takes the role of {TABLE[act][2]}"):
        check_may(Caller("ben", Role.SUBMITTER, "k2", for_service=False), act)


def test_nothing_is_published_that_was_not_approved() -> None:
    before = {
        state for state in NoteState for act in Act if _leads(state, act) is NoteState.PUBLISHED
    }
    assert before == {NoteState.APPROVED}
    assert {
        state for state in NoteState for act in Act if _leads(state, act) is NoteState.APPROVED
    } == {NoteState.DRAFTED, NoteState.IN_REVIEW}


def _leads(state: NoteState, act: Act) -> NoteState | None:
    try:
        return MOVES[way(state, act)[-1]].leads_to
    except NotPossible:
        return None
