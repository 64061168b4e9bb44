"""Decided notes as an evaluation set: what people concluded, in the format of ``probes``.

What is rejected or retracted does not say which verdict would be right, and is left out. So are the
claims of submissions that are ``local_only``: an evaluation set may be sent to an endpoint.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.claims.tables import ClaimRow, NoteRow
from service.kit.errors import InputError
from service.notes import review
from service.notes.review import NoteState, Order, Place, Reviewed, Wanted
from service.submissions.tables import SubmissionRow
from service.types import Verdict

DECIDED = frozenset({NoteState.APPROVED, NoteState.PUBLISHED, NoteState.CORRECTED})
UPHELD, OVERRIDDEN = "upheld", "overridden"
_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Decision:
    """A claim, the engine's verdict on it and the person's.

    Attributes:
        row: it as a line of the evaluation set.
    """

    engine: Verdict
    person: Verdict
    row: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Rate:
    """How often people set another verdict than the engine's.

    Attributes:
        verdict: the engine's; None: any.
        instead: how often people set each other one.
    """

    verdict: Verdict | None
    decided: int
    instead: dict[Verdict, int]

    @property
    def overridden(self) -> int:
        """How often it was another one."""
        return sum(self.instead.values())


def decisions(session: Session) -> Iterator[Decision]:
    """Every note that was decided on, the oldest first."""
    after: Place | None = None
    wanted = Wanted(states=DECIDED)
    while found := review.page(session, wanted, order=Order.OLDEST, after=after, limit=_AT_ONCE):
        after = review.place_of(found[-1], Order.OLDEST)
        as_of = dict(
            session.execute(
                select(NoteRow.id, NoteRow.as_of)
                .join(ClaimRow, ClaimRow.id == NoteRow.claim_id)
                .join(SubmissionRow, SubmissionRow.id == ClaimRow.submission_id)
                .where(
                    NoteRow.id.in_([one.id for one in found]), SubmissionRow.local_only.is_(False)
                )
            ).all()
        )
        for one in found:
            if one.id in as_of and one.note.verdict is not None and one.verdict is not None:
                yield Decision(one.note.verdict, one.verdict, _row(one, as_of[one.id].isoformat()))


def _row(found: Reviewed, as_of: str) -> dict[str, Any]:
    cited = {
        citation.statement.statement_id
        for finding in found.note.findings
        for citation in finding.citations
    }
    return {
        "id": found.id,
        "claim": found.note.claim.text,
        "verdict": found.verdict,
        "statement": sorted(cited),
        "as_of": as_of,
        "type": UPHELD if found.verdict is found.note.verdict else OVERRIDDEN,
    }


def rates(found: Sequence[Decision]) -> list[Rate]:
    """The rate of overrides for each of the engine's verdicts, and for all of them."""
    return [_rate(found, verdict) for verdict in (*Verdict, None)]


def _rate(found: Sequence[Decision], verdict: Verdict | None) -> Rate:
    of = [one for one in found if verdict in {None, one.engine}]
    instead = {
        other: sum(one.person is other and one.person is not one.engine for one in of)
        for other in Verdict
    }
    return Rate(verdict, len(of), instead)


def write(found: Sequence[Decision], out: Path) -> None:
    """Write an evaluation set.

    Raises:
        InputError: it cannot be written there.
    """
    lines = [json.dumps(one.row, ensure_ascii=False) + "\n" for one in found]
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text("".join(lines), encoding="utf-8")
    except OSError as error:
        raise InputError(f"{out}: cannot be written ({error.strerror})") from error
