"""Notes made up over the seeds' statements, to fill a desk with."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta

from sqlalchemy import insert

from eval.benchmarks import filler
from service.claims.memory import digest_of
from service.claims.tables import ClaimRow, NoteRow
from service.kit.database import utc_now
from service.kit.ids import new_id
from service.kit.text import sha256_hex
from service.notes.process import NoteState
from service.notes.reviewed import stored
from service.notes.tables import RevisionRow
from service.statements.corpus import Corpus
from service.submissions.tables import SubmissionRow
from service.types import (
    Basis,
    Citation,
    Claim,
    ClaimState,
    Evidence,
    Finding,
    Hit,
    Note,
    Span,
    Stance,
    Verdict,
)

_CLAIMS_EACH = 20
_STATES = [NoteState.DRAFTED] * 6 + [NoteState.APPROVED, NoteState.PUBLISHED, NoteState.REJECTED]
_SEED = 20251212
EVIDENCE = 8
"""Pieces of it that a note has, the first one excepted."""


def fill(corpus: Corpus, count: int, evidence: int) -> str:
    """Store notes, the same each time but for their submissions' ids.

    Args:
        corpus: what they cite; holds the seeds' statements.
        count: how many.
        evidence: pieces of it in the first note.

    Returns:
        The id of the first note.
    """
    hits = corpus.search("The ministry announced an exercise.", evidence)
    claims = filler.claims(None, count)
    chance = random.Random(_SEED)  # noqa: S311  the same each time, no secret
    made = [_note(text, hits, chance, EVIDENCE) for text in claims]
    made[0] = _note(claims[0], hits, chance, evidence)
    with corpus.database.transaction() as session:
        for first in range(0, count, _CLAIMS_EACH):
            for kind, rows in _rows(made[first : first + _CLAIMS_EACH], first, chance):
                session.execute(insert(kind), rows)
    return _id(0)


def _id(number: int) -> str:
    return sha256_hex(f"note {number}")


def _rows(
    notes: Sequence[Note], first: int, chance: random.Random
) -> Iterator[tuple[type, list[dict[str, object]]]]:
    submission, at = new_id(), utc_now() - timedelta(minutes=first)
    text = " ".join(note.claim.text for note in notes)
    yield SubmissionRow, [
        {
            "id": submission, "sha256": sha256_hex(text), "text": text, "title": f"Text {first}",
            "claims_only": False, "local_only": False, "created_at": at, "state": "done",
            "submitted_by": "admin", "read": True,
        }
    ]  # fmt: skip
    claims, stored_notes, revisions = [], [], []
    for number, note in enumerate(notes, start=first):
        id_, claim_id, body = _id(number), note.claim.id, stored(note)
        claims.append(
            {
                "id": claim_id, "submission_id": submission, "text": note.claim.text,
                "digest": digest_of(note.claim.text), "body": body["claim"], "created_at": at,
                "state": "drafted", "position": number - first, "note_id": id_,
            }
        )  # fmt: skip
        stored_notes.append(
            {
                "id": id_, "claim_id": claim_id, "as_of": date(2025, 12, 12), "corpus_revision": 1,
                "engine": note.engine, "model": note.model, "prompt_version": note.prompt_version,
                "state": chance.choice(_STATES), "verdict": note.verdict, "body": body,
                "created_at": at + timedelta(seconds=number - first), "reusable": True,
                "revision": 1, "confidence": note.confidence, "warned": bool(note.warnings),
            }
        )  # fmt: skip
        revisions.append({"note_id": id_, "revision": 1, "body": body, "created_at": at})
    yield ClaimRow, claims
    yield NoteRow, stored_notes
    yield RevisionRow, revisions


def _note(text: str, hits: Sequence[Hit], chance: random.Random, count: int) -> Note:
    verdict = chance.choice(list(Verdict))
    pieces = [_piece(hits[number % len(hits)], chance) for number in range(count)]
    deciding = replace(pieces[0], stance=Stance.SUPPORTS, decides=True, why="supports the claim")
    passage = deciding.passage
    cited = Citation(passage.statement, passage.text, passage.start, passage.end)
    return Note(
        claim=Claim(sha256_hex(text)[:16], text, Span(0, len(text), text)),
        state=ClaimState.DRAFTED,
        verdict=verdict,
        confidence=round(chance.random(), 4),
        findings=(Finding(passage.text, (cited,)),),
        basis=Basis(text, "61 statements", 61, 130, 56, None, None),
        warnings=("Only digests decide.",) if chance.random() < 0.3 else (),
        evidence=(deciding, *pieces[1:]),
        engine="local",
        model="made up",
        prompt_version="made up",
        corpus_revision=1,
    )


def _piece(hit: Hit, chance: random.Random) -> Evidence:
    passage = hit.passage
    stance = chance.choice(list(Stance))
    return Evidence(passage, stance, round(chance.random(), 4), passage.start, passage.end)
