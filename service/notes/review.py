"""Review: what people do to notes, and how they see them; the rooms above need no other module.

A note is changed only by a new revision, and only by who has seen the newest: every change names
the revision that it is about. What an engine drafted stays as revision 1. Everything that is done
is recorded in the audit trail, in the same transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from service.access.register import Caller, Role, who_may
from service.audit.trail import Actor, Trail
from service.claims.tables import ClaimRow, NoteRow
from service.kit.database import utc_now
from service.kit.errors import InputError, NotFound, NotPossible
from service.kit.ids import new_id
from service.notes.gate import problems
from service.notes.process import (
    MOVES,
    OPEN,
    PUBLIC,
    Act,
    Decision,
    Forbidden,
    NoteState,
    allowed,
    check_may,
    way,
)
from service.notes.reviewed import (
    NOBODY,
    Changed,
    Comment,
    Decided,
    Opinion,
    Order,
    Place,
    Queued,
    Reviewed,
    Revision,
    Wanted,
    change_of,
    changed_citations,
    citing,
    claims_of,
    comments,
    counts,
    find,
    history,
    page,
    place_of,
    queue,
    read,
    reviewed,
    row_of,
    stored,
)
from service.notes.tables import CitationRow, CommentRow, DecisionRow, OpinionRow, RevisionRow
from service.statements import repository
from service.submissions.tables import SubmissionRow
from service.types import Citation, Finding, Note, Verdict

__all__ = [
    "MAX_FINDINGS",
    "MOVES",
    "NOBODY",
    "OPEN",
    "PUBLIC",
    "Act",
    "Changed",
    "Comment",
    "Decided",
    "Decision",
    "Edited",
    "Forbidden",
    "GateRefused",
    "NoteState",
    "Opinion",
    "Order",
    "Outcome",
    "Outdated",
    "Person",
    "Place",
    "Queued",
    "Quoted",
    "Reviewed",
    "Revision",
    "Seen",
    "Wanted",
    "allowed",
    "answer",
    "ask",
    "assign",
    "assign_many",
    "begin",
    "citing",
    "claims_of",
    "comment",
    "comments",
    "counts",
    "decide",
    "edit",
    "find",
    "history",
    "page",
    "place_of",
    "queue",
    "request_changes_of_many",
    "stands",
    "unassign",
]

MAX_FINDINGS = 20


class Outdated(InputError):
    """Somebody changed the note meanwhile."""


class GateRefused(InputError):
    """A finding does not pass the citation gate.

    Attributes:
        reasons: each finding's text with why.
    """

    def __init__(self, reasons: Sequence[tuple[str, str]]) -> None:
        told = "; ".join(f"“{text}”: {why}" for text, why in reasons)
        super().__init__(f"the citation gate refuses: {told}")
        self.reasons = tuple(reasons)


@dataclass(frozen=True, slots=True)
class Person:
    """Who does something to a note, and the trail in which it is recorded.

    Attributes:
        origin: where the request comes from.
    """

    caller: Caller
    trail: Trail
    origin: str | None = None

    @property
    def name(self) -> str:
        """What records show of them."""
        return self.caller.user

    def did(
        self,
        session: Session,
        act: str,
        note_id: str,
        revision: int | None = None,
        **detail: Any,  # noqa: ANN401  any JSON
    ) -> None:
        """Record what they did."""
        actor = Actor(self.caller.user, self.caller.key_id, self.origin)
        self.trail.record(
            session, actor, f"note.{act}", f"note:{note_id}", revision=revision, **detail
        )


@dataclass(frozen=True, slots=True)
class Quoted:
    """Where a quote stands: offsets in the stored text of a statement's version."""

    statement_id: str
    version: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Edited:
    """A finding as a person wrote it."""

    text: str
    citations: tuple[Quoted, ...]


def begin(session: Session, note_id: str, note: Note) -> None:
    """Put a stored draft on the desk: its first revision, and what it cites."""
    session.add(
        RevisionRow(
            note_id=note_id, revision=1, body=stored(note), author=None, created_at=utc_now()
        )
    )
    _cite(session, note_id, note)


def edit(
    session: Session, note_id: str, revision: int, findings: Sequence[Edited], by: Person
) -> Reviewed:
    """Give a note other findings: a new revision, drafted again.

    Raises:
        NotFound: there is no such note, or no such statement version.
        Outdated: ``revision`` is not the newest.
        NotPossible: the note was decided on, or failed.
        Forbidden: the person may not.
        GateRefused: a finding does not pass the citation gate.
        InputError: there are too many findings.
    """
    row, claim, _ = _to_change(session, note_id, revision, Act.EDIT, by)
    _revise(session, row, findings, by)
    row.state = NoteState.DRAFTED
    by.did(session, Act.EDIT, note_id, row.revision)
    session.flush()
    return reviewed(session, [(row, claim)])[0]


def decide(
    session: Session,
    note_id: str,
    revision: int,
    decision: Decision,
    by: Person,
    *,
    verdict: Verdict | None = None,
    findings: Sequence[Edited] | None = None,
    reason: str | None = None,
    comment: str | None = None,
    four_eyes: bool = False,
) -> Reviewed:
    """Record what a person decided about the newest revision of a note.

    An approval that does not suffice alone is kept, and the note stays in review until somebody
    else approves of the same revision with the same verdict.

    Args:
        session: in the transaction of the request.
        note_id: which note.
        revision: the one that the person has seen.
        decision: what they decided; about a draft, it is taken into review first.
        by: who they are.
        verdict: theirs, where it is another than the note has; of an approval or a correction.
        findings: those of a correction, where they are corrected.
        reason: why the verdict is another; why something published is corrected or retracted,
            which is published.
        comment: anything else; not published.
        four_eyes: whether who edited the note, or sent its text in, cannot approve of it alone.

    Raises:
        NotFound: there is no such note, or no such statement version.
        Outdated: ``revision`` is not the newest.
        NotPossible: the note's state does not allow it, or it was approved by this person before,
            or what is published may not leave the machine.
        Forbidden: the person may not.
        GateRefused: a finding does not pass the citation gate.
        InputError: something is missing that the decision needs, or is there that it has not.
    """
    row, claim, steps = _to_change(session, note_id, revision, decision, by)
    _check_parts(decision, verdict, findings, reason)
    verdict = None if verdict == (row.decided_verdict or row.verdict) else verdict
    if verdict is not None and not (reason or "").strip():
        raise InputError("reason: a verdict other than the note's needs one")
    if decision is Act.CORRECT:
        _correct(session, row, verdict, findings, by)
    if decision is Act.PUBLISH:
        _check_may_leave(session, claim)
        row.published_at = utc_now()
    enough = decision is not Act.APPROVE or _suffices(
        session, row, claim, verdict, by.name, four_eyes
    )
    for step, id_ in zip(steps, sorted(new_id() for _ in steps), strict=True):
        is_it = step is decision
        session.add(
            DecisionRow(
                id=id_,
                note_id=note_id,
                revision=row.revision,
                decision=step,
                verdict=verdict if is_it else None,
                reason=reason if is_it else None,
                comment=comment if is_it else None,
                user=by.name,
                key_id=by.caller.key_id,
                created_at=utc_now(),
            )
        )
        if enough or not is_it:
            row.state = MOVES[step].leads_to or row.state
            if is_it and verdict is not None:
                row.decided_verdict = None if verdict == row.verdict else verdict
        told = {"verdict": verdict or row.decided_verdict or row.verdict} if is_it else {}
        by.did(session, step, note_id, row.revision, **told)
    session.flush()
    return reviewed(session, [(row, claim)])[0]


def assign(
    session: Session,
    note_id: str,
    revision: int,
    by: Person,
    *,
    to: str | None = None,
    due_at: datetime | None = None,
    instead_of: str | None = None,
) -> Reviewed:
    """Say who is to decide on a note.

    Args:
        session: in the transaction of the request.
        note_id: which note.
        revision: the one that was seen.
        by: who says so.
        to: who is to; without it, who says so takes the note.
        due_at: until when, UTC; without it, the time stays as it is.
        instead_of: who has it, where somebody has.

    Raises:
        NotFound: there is no such note.
        Outdated: ``revision`` is not the newest, or somebody else has the note.
        NotPossible: there is nothing to decide on.
        Forbidden: the person may not.
        InputError: ``to`` is nobody who may review.
    """
    row, claim, _ = _to_change(session, note_id, revision, Act.ASSIGN, by)
    to = to or by.name
    if row.assigned_to not in {None, to, instead_of}:
        raise Outdated(f"instead_of: {row.assigned_to} has the note by now; look at it again")
    if to not in who_may(session, Role.REVIEWER):
        raise InputError(f"to: {to} is nobody here who may review")
    row.assigned_to = to
    row.due_at = due_at or row.due_at
    due = row.due_at.isoformat() if row.due_at else None
    by.did(session, Act.ASSIGN, note_id, revision, to=to, due_at=due)
    session.flush()
    return reviewed(session, [(row, claim)])[0]


def unassign(session: Session, note_id: str, revision: int, by: Person) -> Reviewed:
    """Let a note be nobody's, without a time.

    Raises:
        NotFound: there is no such note.
        Outdated: ``revision`` is not the newest.
        NotPossible: there is nothing to decide on.
        Forbidden: the person may not.
    """
    row, claim, _ = _to_change(session, note_id, revision, Act.ASSIGN, by)
    if row.assigned_to is not None:
        row.assigned_to = row.due_at = None
        by.did(session, "unassign", note_id, revision)
        session.flush()
    return reviewed(session, [(row, claim)])[0]


def comment(session: Session, note_id: str, text: str, by: Person) -> Comment:
    """Say something about a note.

    Raises:
        NotFound: there is no such note.
        NotPossible: there is nothing to talk about.
        Forbidden: the person may not.
        InputError: nothing is said.
    """
    check_may(by.caller, Act.COMMENT)
    row, _ = row_of(session, note_id, lock=True)
    way(NoteState(row.state), Act.COMMENT)
    if not text.strip():
        raise InputError("text: a comment says something")
    said = CommentRow(id=new_id(), note_id=note_id, text=text, user=by.name, created_at=utc_now())
    session.add(said)
    by.did(session, Act.COMMENT, note_id, row.revision, comment=said.id)
    session.flush()
    return Comment(said.id, said.text, said.user, said.created_at)


def ask(session: Session, note_id: str, revision: int, question: str, by: Person) -> Reviewed:
    """Ask for a second opinion; until it is there, who asks cannot approve of the note alone.

    Raises:
        NotFound: there is no such note.
        Outdated: ``revision`` is not the newest.
        NotPossible: one is wanted already, or the note was decided on.
        Forbidden: the person may not.
        InputError: nothing is asked.
    """
    row, claim, _ = _to_change(session, note_id, revision, Act.ASK_OPINION, by)
    if not question.strip():
        raise InputError("question: say what the opinion is wanted on")
    if (wanted := _wanted(session, note_id)) is not None:
        raise NotPossible(f"ask_opinion: {wanted.asked_by} has asked for one already")
    session.add(
        OpinionRow(
            id=new_id(),
            note_id=note_id,
            revision=revision,
            question=question,
            asked_by=by.name,
            asked_at=utc_now(),
        )
    )
    by.did(session, Act.ASK_OPINION, note_id, revision)
    session.flush()
    return reviewed(session, [(row, claim)])[0]


def answer(
    session: Session,
    note_id: str,
    revision: int,
    by: Person,
    *,
    agrees: bool,
    verdict: Verdict,
    words: str,
) -> Reviewed:
    """Give the second opinion that is wanted.

    Raises:
        NotFound: there is no such note.
        Outdated: ``revision`` is not the newest.
        NotPossible: nobody asked, or nobody but this person.
        Forbidden: the person may not.
        InputError: nothing is said, or who agrees has another verdict.
    """
    row, claim, _ = _to_change(session, note_id, revision, Act.GIVE_OPINION, by)
    wanted = _wanted(session, note_id)
    if wanted is None:
        raise NotPossible("give_opinion: nobody has asked for one")
    if wanted.asked_by == by.name:
        raise NotPossible("give_opinion: you have asked: another person has to answer")
    if not words.strip():
        raise InputError("words: an opinion says why")
    ours = row.decided_verdict or row.verdict
    if agrees and verdict != ours:
        raise InputError(f"verdict: the note's is {ours}: who agrees has the same")
    wanted.answered_revision = revision
    wanted.agrees, wanted.verdict, wanted.words = agrees, verdict, words
    wanted.answered_by, wanted.answered_at = by.name, utc_now()
    by.did(session, Act.GIVE_OPINION, note_id, revision, agrees=agrees, verdict=verdict)
    session.flush()
    return reviewed(session, [(row, claim)])[0]


def stands(
    session: Session,
    note_id: str,
    revision: int,
    seen: Sequence[Changed],
    by: Person,
    *,
    comment: str | None = None,
) -> Reviewed:
    """Say that a note was looked at again and stands, whatever has changed of what it cites.

    It waits for no second look until something changes again.

    Args:
        session: in the transaction of the request.
        note_id: which note.
        revision: the one that was looked at.
        seen: what the person has seen to have changed.
        by: who says so.
        comment: anything else.

    Raises:
        NotFound: there is no such note.
        Outdated: ``revision`` is not the newest, or other things have changed by now.
        NotPossible: nothing has changed.
        Forbidden: the person may not.
    """
    row, claim, _ = _to_change(session, note_id, revision, Act.STANDS, by)
    rows = session.execute(changed_citations().where(CitationRow.note_id == note_id)).all()
    changed = {change_of(*one) for one in rows}
    if not changed:
        raise NotPossible("stands: nothing has changed of what the note cites")
    if changed != set(seen):
        raise Outdated("changed: something else has changed by now; look at it again")
    for cited, statement in rows:
        cited.seen_version = statement.current_version
        cited.seen_withdrawn_at = statement.withdrawn_at
    session.add(
        DecisionRow(
            id=new_id(),
            note_id=note_id,
            revision=revision,
            decision=Act.STANDS,
            comment=comment,
            user=by.name,
            key_id=by.caller.key_id,
            created_at=utc_now(),
        )
    )
    told = [f"{one.statement_id}@{one.current}" for one in changed]
    by.did(session, Act.STANDS, note_id, revision, statements=sorted(told))
    session.flush()
    return reviewed(session, [(row, claim)])[0]


@dataclass(frozen=True, slots=True)
class Seen:
    """A note, and the revision of it that somebody has seen."""

    note_id: str
    revision: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one note of many; ``error``: why nothing did."""

    note_id: str
    error: InputError | NotFound | None = None


Transaction = Callable[[], AbstractContextManager[Session]]
"""Opens a transaction."""


def assign_many(
    transaction: Transaction,
    notes: Sequence[Seen],
    by: Person,
    *,
    to: str | None = None,
    due_at: datetime | None = None,
    instead_of: str | None = None,
) -> list[Outcome]:
    """Assign notes as ``assign`` does, each in a transaction of its own."""

    def change(session: Session, seen: Seen) -> None:
        assign(
            session, seen.note_id, seen.revision, by, to=to, due_at=due_at, instead_of=instead_of
        )

    return _each(transaction, notes, change)


def request_changes_of_many(
    transaction: Transaction, notes: Sequence[Seen], by: Person, *, comment: str | None = None
) -> list[Outcome]:
    """Ask for changes of notes, each in a transaction of its own. Nothing approves of many."""

    def change(session: Session, seen: Seen) -> None:
        decide(session, seen.note_id, seen.revision, Act.REQUEST_CHANGES, by, comment=comment)

    return _each(transaction, notes, change)


def _each(
    transaction: Transaction, notes: Sequence[Seen], change: Callable[[Session, Seen], None]
) -> list[Outcome]:
    found = []
    for seen in notes:
        try:
            with transaction() as session:
                change(session, seen)
        except (InputError, NotFound) as error:
            found.append(Outcome(seen.note_id, error))
        else:
            found.append(Outcome(seen.note_id))
    return found


def _to_change(
    session: Session, note_id: str, revision: int, act: Act, by: Person
) -> tuple[NoteRow, ClaimRow, tuple[Act, ...]]:
    """The rows of a note that somebody who has seen its newest revision may change, locked."""
    check_may(by.caller, act)
    row, claim = row_of(session, note_id, lock=True)
    if row.revision != revision:
        raise Outdated(
            f"revision: the note is at {row.revision} by now, not at {revision}; look at it again"
        )
    return row, claim, way(NoteState(row.state), act)


_NEEDS_REASON = {Act.CORRECT: "a correction", Act.RETRACT: "a retraction"}


def _check_parts(
    decision: Decision,
    verdict: Verdict | None,
    findings: Sequence[Edited] | None,
    reason: str | None,
) -> None:
    if verdict is not None and decision not in {Act.APPROVE, Act.CORRECT}:
        raise InputError("verdict: only an approval and a correction set one")
    if findings is not None and decision is not Act.CORRECT:
        raise InputError("findings: only a correction brings others; edit the note")
    if decision in _NEEDS_REASON and not (reason or "").strip():
        raise InputError(f"reason: {_NEEDS_REASON[decision]} needs one, which is published")


def _correct(
    session: Session,
    row: NoteRow,
    verdict: Verdict | None,
    findings: Sequence[Edited] | None,
    by: Person,
) -> None:
    before = read(row.body).findings
    if findings is not None:
        _revise(session, row, findings, by)
    if verdict is None and read(row.body).findings == before:
        raise InputError("findings, verdict: a correction changes at least one of them")


def _check_may_leave(session: Session, claim: ClaimRow) -> None:
    if session.get_one(SubmissionRow, claim.submission_id).local_only:
        raise NotPossible("publish: the submission is local_only: it never leaves this machine")


def _suffices(
    session: Session,
    row: NoteRow,
    claim: ClaimRow,
    verdict: Verdict | None,
    user: str,
    four_eyes: bool,
) -> bool:
    """Whether somebody's approval of a note decides, with those that are there."""
    wanted = _wanted(session, row.id)
    hindered = {wanted.asked_by} if wanted is not None else set()
    if four_eyes:
        hindered |= _involved(session, row, claim)
    if user not in hindered:
        return True
    same = select(DecisionRow.user).where(
        DecisionRow.note_id == row.id,
        DecisionRow.revision == row.revision,
        DecisionRow.decision == Act.APPROVE,
        DecisionRow.verdict.is_not_distinct_from(verdict),
    )
    approvers = set(session.scalars(same))
    if approvers - {user}:
        return True
    if user in approvers:
        raise NotPossible(f"approve: {user} has approved already: another person has to")
    return False


def _involved(session: Session, row: NoteRow, claim: ClaimRow) -> set[str]:
    """Who edited any revision of a note, or sent its text in."""
    authors = session.scalars(select(RevisionRow.author).where(RevisionRow.note_id == row.id))
    sender = session.get_one(SubmissionRow, claim.submission_id).submitted_by
    return {name for name in (*authors, sender) if name is not None}


def _wanted(session: Session, note_id: str) -> OpinionRow | None:
    """The second opinion that is wanted on a note."""
    return session.scalars(
        select(OpinionRow).where(OpinionRow.note_id == note_id, OpinionRow.answered_at.is_(None))
    ).one_or_none()


def _revise(session: Session, row: NoteRow, findings: Sequence[Edited], by: Person) -> None:
    """Give a note other findings, as its next revision. They pass the citation gate first."""
    if len(findings) > MAX_FINDINGS:
        raise InputError(f"findings: a note has at most {MAX_FINDINGS}")
    before = read(row.body)
    after = replace(before, findings=tuple(_finding(session, found) for found in findings))

    def stored_text(statement_id: str, version: int) -> str:
        return repository.text(session, statement_id, version)

    refused = [
        (found.text, why)
        for found in after.findings
        for why in problems(found, before.claim.text, stored_text)
    ]
    if refused:
        raise GateRefused(refused)
    row.revision += 1
    row.body = stored(after)
    session.add(
        RevisionRow(
            note_id=row.id,
            revision=row.revision,
            body=row.body,
            author=by.name,
            created_at=utc_now(),
        )
    )
    session.execute(delete(CitationRow).where(CitationRow.note_id == row.id))
    _cite(session, row.id, after)


def _finding(session: Session, edited: Edited) -> Finding:
    return Finding(edited.text, tuple(_citation(session, quoted) for quoted in edited.citations))


def _citation(session: Session, quoted: Quoted) -> Citation:
    known = repository.versions(session, quoted.statement_id)
    found = next((one for one in known if one.ref.version == quoted.version), None)
    if found is None:
        raise NotFound(f"{quoted.statement_id}: has no version {quoted.version}")
    text = repository.text(session, quoted.statement_id, quoted.version)
    return Citation(found.ref, text[quoted.start : quoted.end], quoted.start, quoted.end)


def _cite(session: Session, note_id: str, note: Note) -> None:
    cited = {
        (citation.statement.statement_id, citation.statement.version)
        for finding in note.findings
        for citation in finding.citations
    }
    session.add_all(
        CitationRow(note_id=note_id, statement_id=statement_id, version=version)
        for statement_id, version in sorted(cited)
    )
