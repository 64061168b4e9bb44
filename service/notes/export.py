"""A submission's claims and notes as files: CSV for spreadsheets, JSON lines for programs."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from service.claims import queries
from service.claims.queries import FoundClaim
from service.notes.jsonl import escaped, to_json
from service.notes.publishing import iso
from service.notes.reviewed import Reviewed, notes_of
from service.notes.wording import attribution

COLUMNS = (
    "claim_id",
    "claim",
    "speaker",
    "claim_date",
    "source_start",
    "source_end",
    "state",
    "verdict",
    "decided_verdict",
    "confidence",
    "findings",
    "citations",
    "warnings",
    "note_id",
    "revision",
    "published_at",
    "error",
)
_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
"""What a spreadsheet takes the rest of a cell for a formula after."""


@dataclass(frozen=True, slots=True)
class Exported:
    """A claim, and its note, if it has one that people see."""

    claim: FoundClaim
    note: Reviewed | None


def of_submission(session: Session, submission_id: str) -> list[Exported]:
    """The claims of a submission with their notes, in the order of its text."""
    notes = {one.id: one for one in notes_of(session, submission_id)}
    return [
        Exported(claim, notes.get(claim.note_id or ""))
        for claim in queries.of_submission(session, submission_id)
    ]


def to_csv(claims: Iterable[Exported]) -> str:
    """Claims as CSV (RFC 4180), the names of the columns first. No cell is a formula."""
    told = io.StringIO(newline="")
    writer = csv.writer(told)
    writer.writerow(COLUMNS)
    for one in claims:
        cells = _cells(one)
        writer.writerow([cell_of(cells[column]) for column in COLUMNS])
    return told.getvalue()


def to_jsonl(claims: Iterable[Exported]) -> str:
    """Claims as JSON lines: a note as ``verinote verify --json`` prints it, with its review."""
    lines = (json.dumps(_object(one), ensure_ascii=False, allow_nan=False) for one in claims)
    return "".join(f"{escaped(line)}\n" for line in lines)


def cell_of(value: object) -> str:
    """A value as a cell of a spreadsheet, which takes it for the text that it is.

    A cell that could be taken for a formula gets an apostrophe before it, as
    https://owasp.org/www-community/attacks/CSV_Injection advises.
    """
    text = "" if value is None else str(value)
    is_formula = text.lstrip().startswith(_FORMULA) or text.startswith(("\t", "\r", "\n"))
    return f"'{text}" if is_formula else text


def _cells(one: Exported) -> dict[str, Any]:
    claim, note = one.claim.claim, one.note
    cells: dict[str, Any] = dict.fromkeys(COLUMNS) | {
        "claim_id": claim.id,
        "claim": claim.text,
        "speaker": claim.speaker,
        "claim_date": claim.claim_date,
        "source_start": claim.source.start,
        "source_end": claim.source.end,
        "state": one.claim.state,
        "error": one.claim.error,
    }
    if note is None:
        return cells
    cited = [citation for found in note.note.findings for citation in found.citations]
    return cells | {
        "state": note.state,
        "verdict": note.note.verdict,
        "decided_verdict": note.decided_verdict,
        "confidence": note.note.confidence,
        "findings": "\n".join(found.text for found in note.note.findings),
        "citations": "\n".join(
            f"{attribution(one.statement)} ({one.statement.statement_id}, version "
            f"{one.statement.version}, {one.start} to {one.end})"
            for one in cited
        ),
        "warnings": "\n".join(note.note.warnings),
        "note_id": note.id,
        "revision": note.revision,
        "published_at": iso(note.published_at) if note.published_at else None,
    }


def _object(one: Exported) -> dict[str, Any]:
    claim, note = one.claim.claim, one.note
    if note is None:
        return {
            "claim_id": claim.id,
            "claim": claim.text,
            "speaker": claim.speaker,
            "claim_date": claim.claim_date.isoformat() if claim.claim_date else None,
            "source": {
                "start": claim.source.start,
                "end": claim.source.end,
                "text": claim.source.text,
            },
            "state": one.claim.state,
            "error": one.claim.error,
        }
    return to_json(note.note) | {
        "state": note.state,
        "note_id": note.id,
        "revision": note.revision,
        "decided_verdict": note.decided_verdict,
        "published_at": iso(note.published_at) if note.published_at else None,
    }
