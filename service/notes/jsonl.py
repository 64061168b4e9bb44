"""A note as one JSON object a line: the contract of ``verinote verify --json``."""

from __future__ import annotations

import json
import re
from datetime import date
from typing import Any

from service.types import Basis, Citation, ClaimLink, Evidence, Finding, Note, StatementRef

_TO_ESCAPE = re.compile(
    "[\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
"""What JSON leaves as it is and a terminal, a reader of lines or an encoder would act on."""


def to_line(note: Note) -> str:
    """Return the note as one line of JSON, without the line end.

    One line to every reader, and safe to print: control characters, other line ends, marks of
    direction and lone surrogates are escaped.
    """
    return escaped(
        json.dumps(to_json(note), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    )


def escaped(line: str) -> str:
    """Return a line of JSON without what a terminal, or a reader of lines, would act on."""
    return _TO_ESCAPE.sub(lambda match: f"\\u{ord(match.group()):04x}", line)


def to_json(note: Note) -> dict[str, Any]:
    """Return the note as plain JSON values."""
    claim = note.claim
    return {
        "claim_id": claim.id,
        "claim": claim.text,
        "speaker": claim.speaker,
        "claim_date": _iso(claim.claim_date),
        "source": {
            "start": claim.source.start,
            "end": claim.source.end,
            "text": claim.source.text,
        },
        "context": claim.context,
        "score": round(claim.score, 4),
        "state": note.state.value,
        "error": note.error,
        "verdict": note.verdict.value if note.verdict else None,
        "confidence": note.confidence,
        "note": [finding_to_json(finding) for finding in note.findings],
        "basis": _basis(note.basis) if note.basis else None,
        "warnings": list(note.warnings),
        "evidence": [_evidence(piece) for piece in note.evidence],
        "dropped": [{"text": text, "reason": reason} for text, reason in note.dropped],
        "links": [link_to_json(link) for link in note.links],
        "reused_from": note.reused_from,
        "engine": note.engine,
        "model": note.model,
        "prompt_version": note.prompt_version,
        "corpus_revision": note.corpus_revision,
        "usage": {
            "calls": note.usage.calls,
            "prompt_tokens": note.usage.prompt_tokens,
            "completion_tokens": note.usage.completion_tokens,
            "cost": note.usage.cost,
            "seconds": round(note.usage.seconds, 3),
        },
    }


def finding_to_json(finding: Finding) -> dict[str, Any]:
    """Return a finding as plain JSON values."""
    return {"text": finding.text, "citations": [_citation(one) for one in finding.citations]}


def _statement(statement: StatementRef) -> dict[str, Any]:
    return {
        "statement_id": statement.statement_id,
        "version": statement.version,
        "sha256": statement.sha256,
        "kind": statement.kind.value,
        "issuer": statement.issuer,
        "title": statement.title,
        "published": _iso(statement.published),
        "url": statement.url,
    }


def _citation(citation: Citation) -> dict[str, Any]:
    return _statement(citation.statement) | {
        "quote": citation.quote,
        "start": citation.start,
        "end": citation.end,
    }


def _evidence(piece: Evidence) -> dict[str, Any]:
    statement = piece.passage.statement
    return {
        "statement_id": statement.statement_id,
        "version": statement.version,
        "start": piece.start,
        "end": piece.end,
        "passage": piece.passage.text,
        "passage_start": piece.passage.start,
        "stance": piece.stance.value,
        "probability": None if piece.probability is None else round(piece.probability, 4),
        "cross_check": piece.cross_check.value if piece.cross_check else None,
        "mismatches": [
            {
                "kind": mismatch.kind.value,
                "claim": mismatch.claim,
                "statement": mismatch.statement,
                "decisive": mismatch.decisive,
                "text": str(mismatch),
            }
            for mismatch in piece.mismatches
        ],
        "decides": piece.decides,
        "why": piece.why,
    }


def _basis(basis: Basis) -> dict[str, Any]:
    return {
        "claim": basis.claim,
        "searched": basis.searched,
        "statements": basis.statements,
        "passages": basis.passages,
        "issuers": basis.issuers,
        "earliest": _iso(basis.earliest),
        "latest": _iso(basis.latest),
        "not_searched": basis.not_searched,
        "as_of": _iso(basis.as_of),
        "nearest": [
            _statement(near.statement)
            | {"start": near.start, "end": near.end, "passage": near.passage}
            for near in basis.nearest
        ],
    }


def link_to_json(link: ClaimLink) -> dict[str, Any]:
    """Return a link as plain JSON values."""
    return {
        "relation": link.relation,
        "text": link.text,
        "similarity": round(link.similarity, 4),
        "claim_id": link.claim_id,
        "verdict": link.verdict.value if link.verdict else None,
        "checked_by": link.checked_by,
        "rating": link.rating,
        "url": link.url,
        "checked_on": _iso(link.checked_on),
    }


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None
