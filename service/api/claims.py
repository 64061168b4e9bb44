"""Routes of claims: those of submissions, and what is known from before."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic.json_schema import SkipJsonSchema

from service.api import paging, schemas
from service.api.access import Reader
from service.api.desk import TheDesk
from service.api.problems import responses
from service.claims import queries
from service.claims.queries import FoundClaim
from service.notes.jsonl import link_to_json, to_json
from service.types import ClaimState, Usage, Verdict

router = APIRouter(prefix="/claims", tags=["claims"])

ClaimId = Annotated[str, Path(pattern="^[0-9a-f]{16}$")]
Words = Annotated[str, Query(min_length=1, max_length=1_000, pattern=r"^[^\x00]*$")]


@router.get("", responses=responses())
def listed(
    desk: TheDesk,
    caller: Reader,
    verdict: Verdict | SkipJsonSchema[None] = None,
    state: ClaimState | SkipJsonSchema[None] = None,
    text: Words | SkipJsonSchema[None] = None,
    since: schemas.Day | SkipJsonSchema[None] = None,
    until: schemas.Day | SkipJsonSchema[None] = None,
    limit: paging.Limit = 50,
    cursor: paging.Cursor = None,
) -> schemas.Page[schemas.ClaimShown]:
    """Claims of all submissions, the newest first."""
    with desk.transaction() as session:
        found = queries.page(
            session,
            before=paging.moment_and_id_in(cursor),
            limit=limit + 1,
            verdict=verdict,
            state=state,
            words=text,
            since=since,
            until=until,
        )
    return paging.page_of(
        found, limit, shown, lambda one: paging.held((one.created_at, one.claim.id))
    )


@router.get("/similar", responses=responses())
def similar(
    desk: TheDesk,
    caller: Reader,
    text: Words,
    limit: Annotated[int, Query(ge=1, le=100, description="how many of each kind")] = 10,
) -> list[schemas.LinkShown]:
    """Claims known from before and fact-checks by others that are near a text. Never evidence."""
    memory = desk.pipeline.memory
    links = memory.similar(text, limit=limit) if memory is not None else []
    return [schemas.LinkShown(**link_to_json(link)) for link in links]


@router.get("/{claim_id}", responses=responses(404))
def one(claim_id: ClaimId, desk: TheDesk, caller: Reader) -> schemas.ClaimWithEvidence:
    """A claim with the evidence that its note rests on."""
    with desk.transaction() as session:
        found = queries.find(session, claim_id)
    told = to_json(found.note) if found.note is not None else {"evidence": [], "links": []}
    return schemas.ClaimWithEvidence(
        **shown(found).model_dump(),
        evidence=told["evidence"],
        links=told["links"],
    )


def shown(found: FoundClaim) -> schemas.ClaimShown:
    """A claim as it goes over the wire."""
    claim, note = found.claim, found.note
    return schemas.ClaimShown(
        id=claim.id,
        submission_id=found.submission_id,
        text=claim.text,
        speaker=claim.speaker,
        claim_date=claim.claim_date,
        source=schemas.Source(**asdict(claim.source)),
        state=found.state,
        error=found.error,
        verdict=note.verdict if note is not None else None,
        decided_verdict=found.decided_verdict,
        confidence=note.confidence if note is not None else None,
        note_id=found.note_id,
    )


def shown_usage(usage: Usage) -> schemas.UsageShown:
    """What was spent, as it goes over the wire."""
    return schemas.UsageShown(**asdict(usage))
