"""Routes of the audit trail."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from service.api import paging, schemas
from service.api.access import Admin
from service.api.desk import TheDesk
from service.api.problems import errors, responses
from service.audit.trail import Entry, entries

router = APIRouter(prefix="/audit", tags=["audit"])


@router.get("", responses=responses(403))
def listed(
    desk: TheDesk,
    caller: Admin,
    subject: Annotated[
        Annotated[str, Field(pattern=r"^[a-z]+:[A-Za-z0-9._-]{1,100}$")] | SkipJsonSchema[None],
        Query(examples=["note:1f2e"]),
    ] = None,
    limit: paging.Limit = 50,
    cursor: paging.Cursor = None,
) -> schemas.Page[schemas.AuditEntry]:
    """Who did what, the oldest first."""
    with desk.transaction() as session:
        found = entries(session, after=paging.number_in(cursor), limit=limit + 1, subject=subject)
    return paging.page_of(found, limit, _shown, lambda entry: [entry.number])


@router.get("/verification", responses=errors(401, 403, 429, 500, 503))
def verification(desk: TheDesk, caller: Admin) -> schemas.AuditVerified:
    """Whether every entry is as it was written; otherwise, the first that is not."""
    with desk.transaction() as session:
        broken = desk.trail.first_broken(session)
        head = desk.trail.head(session)
    return schemas.AuditVerified(
        whole=broken is None,
        head=schemas.AuditHead(**asdict(head)),
        broken=schemas.AuditBroken(**asdict(broken)) if broken is not None else None,
    )


def _shown(entry: Entry) -> schemas.AuditEntry:
    return schemas.AuditEntry(
        number=entry.number,
        at=entry.at,
        user=entry.actor.user,
        key_id=entry.actor.key_id,
        origin=entry.actor.origin,
        action=entry.action,
        subject=entry.subject,
        revision=entry.revision,
        detail=entry.detail,
    )
