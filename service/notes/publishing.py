"""What the public sees of a note: the person's verdict, what officials said, and corrections.

``docs/publishing.md`` has the table of ratings, and says where each part comes from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Exists, exists, func, select
from sqlalchemy.orm import Session

from service.claims.tables import ClaimRow, NoteRow
from service.kit.database import comes_after
from service.kit.errors import NotFound
from service.notes.process import PUBLIC, Act, NoteState
from service.notes.reviewed import Reviewed, find, reviewed
from service.notes.tables import DecisionRow
from service.settings import Settings
from service.submissions.tables import SubmissionRow
from service.types import Finding, Verdict

_AMENDS = {Act.CORRECT: "corrected", Act.RETRACT: "retracted"}
_TOLD = (Act.PUBLISH, *_AMENDS)
LANGUAGE = "en"


@dataclass(frozen=True, slots=True)
class Rating:
    """A verdict on the scale of ClaimReview, 1 (worst) to 5 (best); None: on none."""

    value: int | None
    label: str


RATINGS = {
    Verdict.SUPPORTED: Rating(5, "Supported by official statements"),
    Verdict.CONFLICTING: Rating(3, "Official statements conflict"),
    Verdict.REFUTED: Rating(1, "Refuted by official statements"),
    Verdict.NOT_ENOUGH_EVIDENCE: Rating(None, "Not enough evidence"),
}
BEST, WORST = 5, 1


@dataclass(frozen=True, slots=True)
class Publisher:
    """Who publishes.

    Attributes:
        labels: the newsroom's own words for verdicts.
    """

    name: str
    url: str
    logo: str | None
    labels: dict[Verdict, str]

    @classmethod
    def of(cls, settings: Settings, here: str) -> Publisher:
        """The publisher of an installation; ``here``: its address, where the settings have none."""
        return cls(
            settings.publisher_name,
            settings.publisher_url or f"{here}/",
            settings.publisher_logo,
            settings.rating_labels,
        )

    def rating(self, verdict: Verdict) -> Rating:
        """A verdict as they rate it."""
        known = RATINGS[verdict]
        return Rating(known.value, self.labels.get(verdict, known.label))


@dataclass(frozen=True, slots=True)
class Amendment:
    """That something published was corrected or retracted.

    Attributes:
        kind: ``corrected`` or ``retracted``.
        verdict: the one that it brought, where it brought another.
    """

    kind: str
    at: datetime
    reason: str
    verdict: Verdict | None


@dataclass(frozen=True, slots=True)
class Published:
    """A note as everybody may read it.

    Attributes:
        verdict: the person's.
        searched: in words, what was searched.
        appeared_at: where the claim was made, if that has an address.
        amendments: the newest first.
    """

    id: str
    claim: str
    speaker: str | None
    claim_date: date | None
    appeared_at: str | None
    state: NoteState
    verdict: Verdict
    findings: tuple[Finding, ...]
    searched: str
    published_at: datetime
    amendments: tuple[Amendment, ...]

    @property
    def is_retracted(self) -> bool:
        """Whether it no longer stands."""
        return self.state is NoteState.RETRACTED

    @property
    def changed_at(self) -> datetime:
        """When it was published or, since then, last amended."""
        return self.amendments[0].at if self.amendments else self.published_at


def find_published(session: Session, note_id: str) -> Published:
    """A note that is or was published.

    Raises:
        NotFound: there is no such note, or it was never published.
    """
    found = find(session, note_id)
    if found.state not in PUBLIC:
        raise NotFound(f"note {note_id}: is not published")
    return _published(session, [found])[0]


def published(
    session: Session, *, before: tuple[datetime, str] | None = None, limit: int
) -> list[Published]:
    """Published notes, the newest first; those that were retracted keep their place.

    Args:
        session: on the desk's database.
        before: when a note was published, and its id: only those after it in this order.
        limit: how many at most.
    """
    query = (
        select(NoteRow, ClaimRow)
        .join(ClaimRow, ClaimRow.note_id == NoteRow.id)
        .where(NoteRow.published_at.is_not(None))
        .order_by(NoteRow.published_at.desc(), NoteRow.id.desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(comes_after(NoteRow.published_at, NoteRow.id, before))
    rows = [(note, claim) for note, claim in session.execute(query)]
    return _published(session, reviewed(session, rows))


def newest(session: Session, limit: int) -> list[Published]:
    """What was published, corrected or retracted last, the newest first: for feeds."""
    changed = func.max(DecisionRow.created_at)
    query = (
        select(DecisionRow.note_id)
        .where(DecisionRow.decision.in_(_TOLD))
        .group_by(DecisionRow.note_id)
        .order_by(changed.desc(), DecisionRow.note_id)
        .limit(limit)
    )
    ids = list(session.scalars(query))
    rows = session.execute(
        select(NoteRow, ClaimRow)
        .join(ClaimRow, ClaimRow.note_id == NoteRow.id)
        .where(NoteRow.id.in_(ids))
    )
    found = _published(session, reviewed(session, [(note, claim) for note, claim in rows]))
    return sorted(found, key=lambda one: ids.index(one.id))


def is_out(session: Session, submission_id: str) -> bool:
    """Whether a note of a submission is or was published."""
    return bool(session.scalar(select(out_of(submission_id))))


def out_of(submission_id: Any) -> Exists:  # noqa: ANN401  an id, or a column of ids
    """That a note of a submission is or was published, as a condition."""
    return exists(
        select(NoteRow.id)
        .join(ClaimRow, ClaimRow.id == NoteRow.claim_id)
        .where(ClaimRow.submission_id == submission_id, NoteRow.published_at.is_not(None))
    )


def claim_review(note: Published, publisher: Publisher, address: str) -> dict[str, Any]:
    """A published note as schema.org's ClaimReview, in JSON-LD.

    It has what https://developers.google.com/search/docs/appearance/structured-data/factcheck
    requires and recommends. Who said the claim is given as an Organization: a text does not say
    which of the two that are allowed, it or a Person, somebody is.

    Args:
        note: not a retracted one.
        publisher: who publishes it.
        address: where its page is.
    """
    rating = publisher.rating(note.verdict)
    scale = (
        {"ratingValue": rating.value, "bestRating": BEST, "worstRating": WORST}
        if rating.value is not None
        else {}
    )
    organization = {"@type": "Organization", "name": publisher.name, "url": publisher.url}
    if publisher.logo:
        organization["logo"] = publisher.logo
    claim: dict[str, Any] = {"@type": "Claim"}
    if note.speaker:
        claim["author"] = {"@type": "Organization", "name": note.speaker}
    if note.claim_date:
        claim["datePublished"] = note.claim_date.isoformat()
    if note.appeared_at:
        claim["appearance"] = {"@type": "CreativeWork", "url": note.appeared_at}
    return {
        "@context": "https://schema.org",
        "@type": "ClaimReview",
        "url": address,
        "claimReviewed": note.claim,
        "itemReviewed": claim,
        "reviewRating": {"@type": "Rating", "alternateName": rating.label, **scale},
        "author": organization,
        "datePublished": iso(note.published_at),
        "dateModified": iso(note.changed_at),
        "inLanguage": LANGUAGE,
    }


def summary(note: Published, publisher: Publisher) -> str:
    """A published note in a few sentences of plain text."""
    if note.is_retracted:
        return f"Retracted: {note.amendments[0].reason}"
    corrections = [f"Corrected: {one.reason}" for one in note.amendments]
    label = publisher.rating(note.verdict).label.rstrip(".")
    return "\n\n".join([*corrections, f"{label}.", *(one.text for one in note.findings)])


def title(note: Published, publisher: Publisher) -> str:
    """What a published note is called where only its name is shown."""
    if note.is_retracted:
        return f"Retracted: {note.claim}"
    return f"{publisher.rating(note.verdict).label}: {note.claim}"


def is_address(text: str | None) -> bool:
    """Whether a text may be linked to: nothing but the web's addresses, and no password in them."""
    try:
        parts = urlsplit(text or "")
    except ValueError:
        return False
    named = bool(parts.hostname) and parts.username is None
    return named and parts.scheme in {"http", "https"}


def iso(moment: datetime) -> str:
    """A moment as the formats of the web have it."""
    return moment.replace(tzinfo=UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _published(session: Session, notes: Sequence[Reviewed]) -> list[Published]:
    ids = [one.submission_id for one in notes]
    rows = session.execute(
        select(SubmissionRow.id, SubmissionRow.source).where(SubmissionRow.id.in_(ids))
    )
    sources = {id_: source for id_, source in rows if is_address(source)}
    return [_one(note, sources.get(note.submission_id)) for note in notes]


def _one(found: Reviewed, appeared_at: str | None) -> Published:
    note, verdict, at = found.note, found.verdict, found.published_at
    assert verdict is not None  # noqa: S101  what was approved has one
    assert at is not None  # noqa: S101
    return Published(
        id=found.id,
        claim=note.claim.text,
        speaker=note.claim.speaker,
        claim_date=note.claim.claim_date,
        appeared_at=appeared_at,
        state=found.state,
        verdict=verdict,
        findings=note.findings,
        searched=note.basis.searched if note.basis else "",
        published_at=at,
        amendments=tuple(
            Amendment(_AMENDS[one.decision], one.at, one.reason or "", one.verdict)
            for one in reversed(found.decisions)
            if one.decision in _AMENDS
        ),
    )
