"""The claim memory: what was claimed before, how it was judged, and what others found.

What it says of a claim is a link for people, never evidence. Only one thing goes further: the
note on the very same claim, made under the very same conditions, is used again.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from typing import Any, Literal

from pydantic import TypeAdapter
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from service.claims.factchecks import FactCheck
from service.claims.tables import ClaimRow, FactCheckRow, NoteRow, verdict_that_counts
from service.kit.database import Database, insert_new, utc_now
from service.kit.text import normalise, sha256_hex
from service.kit.vectors import VectorCollection, VectorStore, batches
from service.statements.embeddings import EmbeddingCache
from service.submissions.inbox import columns_of
from service.submissions.tables import SubmissionRow
from service.types import Claim, ClaimLink, ClaimState, Note, Span, Submission, Usage, Verdict

CLAIMS = "claims"
FACT_CHECKS = "fact_checks"
REMEDY = "verinote claims reindex"
ELSEWHERE = "openai:"
"""How the names of encoders begin that send texts to an endpoint."""

NEAR = 0.72
"""Least cosine of claims that are linked. A paraphrase has 0.75 to 0.95 ("EU agreed to lend Ukraine
90 billion euros" and the Council's own sentence: 0.85), another claim on the same topic 0.4 to 0.6;
"four B-52" and "two B-52" have 0.92: nearness never says that the facts are the same."""
_LOOKED_AT = 20
"""Nearest texts whose facts are compared; comparing takes some milliseconds each."""

SameFacts = Callable[[str, str], bool]
"""Whether two claims say the same of the same: numbers, dates, names, denial."""
Progress = Callable[[int, int, str], None]

_NOT_AGAIN = ("failed", "rejected", "changes_requested", "corrected", "retracted")
"""States of notes that are not used again: they failed, or a person found fault with them."""

_NO_VERDICT = ("failed", "rejected", "retracted")
"""States of notes whose verdict nobody stands by."""

_NOTE = TypeAdapter(Note)
_CLAIM = TypeAdapter(Claim)
_SINGLE_QUOTES = re.compile("[‘’‚‛′`´]")
_DOUBLE_QUOTES = re.compile("[“”„‟″«»]")


@dataclass(frozen=True, slots=True)
class ReuseKey:
    """Everything beside the claim that a verdict hangs on."""

    as_of: date
    corpus_revision: int
    engine: str
    model: str
    prompt_version: str

    @classmethod
    def of(cls, note: Note, as_of: date) -> ReuseKey:
        """The key that a note was made under."""
        return cls(as_of, note.corpus_revision, note.engine, note.model, note.prompt_version)


@dataclass(frozen=True, slots=True)
class KnownClaim:
    """A remembered claim and the verdict of its newest note."""

    id: str
    text: str
    verdict: Verdict | None
    noted_at: datetime


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of imported fact-checks."""

    added: int
    changed: int
    known: int


def same_words(text: str) -> str:
    """The form in which two claims of the same words are equal.

    White space, quotation marks and case make no difference.
    """
    text = _DOUBLE_QUOTES.sub('"', _SINGLE_QUOTES.sub("'", normalise(text)))
    return normalise(" ".join(text.split()).casefold())


def digest_of(text: str) -> str:
    """Digest that claims of the same words share; the key of a claim's vector."""
    return sha256_hex(same_words(text))


class Memory:
    """Remembers claims with their notes, and fact-checks by others. Blocking; thread-safe.

    The database commits first; vectors come later, of many claims together, and those that a crash
    left out are added at the next opening.

    Args:
        database: migrated.
        store: where the vectors' collections are.
        cache: vectors of texts, by the encoder in use.
        same_facts: compares the facts of two claims; the project's own comparison by default.
    """

    def __init__(
        self,
        database: Database,
        store: VectorStore,
        cache: EmbeddingCache,
        same_facts: SameFacts | None = None,
    ) -> None:
        self._database = database
        self._store = store
        self._cache = cache
        self._same_facts = same_facts or _compared
        self._opened: dict[str, VectorCollection] = {}
        self._opening = threading.RLock()
        self._waiting: dict[str, str] = {}

    def remember(self, note: Note, submission: Submission, as_of: date) -> None:
        """Store a note with its claim and submission.

        The same claim under the same key is stored once: a note that is there stays, unless it
        failed. The claim's vector is made by the next ``index`` or ``link``.
        """
        with self._database.transaction() as session:
            session.execute(insert_new(session, SubmissionRow), [columns_of(submission)])
            session.execute(insert_new(session, ClaimRow), [claim_row(note.claim, submission.key)])
            store_note(session, note, as_of)
        self.await_vector(note.claim, submission)

    def await_vector(self, claim: Claim, submission: Submission) -> None:
        """Let the next ``index`` give a stored claim its vector."""
        if self._is_embedded_here or not submission.local_only:
            with self._opening:
                self._waiting[digest_of(claim.text)] = claim.text

    def forget(self, digests: Iterable[str]) -> None:
        """Take the vectors of words out that no stored claim has any more."""
        with self._opening:
            for digest in digests:
                self._waiting.pop(digest, None)
            left = set(digests) - self._digests(CLAIMS).keys()
            self._collection(CLAIMS).delete(sorted(left))

    def index(self) -> None:
        """Give their vectors to the claims that were remembered since the last time."""
        with self._opening:
            waiting = self._waiting
            if waiting:
                self._embed(CLAIMS, waiting)
            self._waiting = {}

    def reusable(self, claim: Claim, key: ReuseKey) -> Note | None:
        """Return the note on the very same claim made under the very same conditions.

        The same are: the words (white space, quotation marks and case apart), the facts, the
        context, the speaker and the claim's date, and the whole key. Anything less is a link.

        Returns:
            The note as one on ``claim``, with ``reused_from`` set and no usage of its own.
        """
        with self._database.transaction() as session:
            bodies = session.scalars(
                select(NoteRow.body)
                .join(ClaimRow, ClaimRow.id == NoteRow.claim_id)
                .where(
                    ClaimRow.digest == digest_of(claim.text),
                    NoteRow.as_of == key.as_of,
                    NoteRow.corpus_revision == key.corpus_revision,
                    NoteRow.engine == key.engine,
                    NoteRow.model == key.model,
                    NoteRow.prompt_version == key.prompt_version,
                    NoteRow.state.not_in(_NOT_AGAIN),
                    NoteRow.reusable,
                )
                .order_by(NoteRow.created_at, NoteRow.id)
            ).all()
        for body in bodies:
            note = _NOTE.validate_python(body)
            if self._same_claim(claim, note.claim):
                return _as_note_on(claim, note)
        return None

    def link(
        self, claim: Claim, submission: Submission | None = None, *, limit: int = 5
    ) -> list[ClaimLink]:
        """Link a claim to those known from elsewhere, and to fact-checks by others.

        Args:
            claim: the new claim.
            submission: where it comes from; its own claims are not linked.
            limit: how many known claims, and how many fact-checks, at most.

        Returns:
            Known claims first: duplicates, then those with the same facts, then those near in
            meaning whose facts differ, each with the verdict of its newest note; then
            fact-checks. The most similar of each come first.
        """
        near = self._near(claim.text)
        with self._database.transaction() as session:
            newest = _newest(session, [digest for digest, _ in near[CLAIMS]], submission)
            checks = [
                _check_link(row, similarity)
                for digest, similarity in near[FACT_CHECKS]
                for row in _checks(session, digest)
            ]
        known = [
            self._link_of(claim, *newest[digest], similarity)
            for digest, similarity in near[CLAIMS]
            if digest in newest
        ]
        known.sort(key=lambda link: _RELATIONS.index(link.relation))
        return known[:limit] + checks[:limit]

    def similar(self, text: str, *, limit: int = 10) -> list[ClaimLink]:
        """Return what is known about a text as ``link`` does for a claim."""
        return self.link(_bare(text), limit=limit)

    def import_checks(
        self, checks: Iterable[FactCheck], progress: Progress | None = None
    ) -> Imported:
        """Store fact-checks by others. The same again changes nothing; a new rating is taken over.

        Args:
            checks: see ``factchecks.read``.
            progress: told how many are stored.
        """
        rows = {row["id"]: row for row in map(_check_row, checks)}
        counts = {"added": 0, "changed": 0, "known": 0}
        done = 0
        for batch in batches(sorted(rows)):  # in one order: see ``EmbeddingCache.vectors``
            with self._database.transaction() as session:
                for id_ in batch:
                    counts[_store_check(session, rows[id_])] += 1
            self._embed(FACT_CHECKS, {rows[id_]["digest"]: rows[id_]["claim"] for id_ in batch})
            done += len(batch)
            if progress:
                progress(done, len(rows), "fact-checks stored")
        return Imported(**counts)

    def claims(self) -> list[KnownClaim]:
        """Every remembered claim, the newest first."""
        with self._database.transaction() as session:
            rows = session.execute(
                select(ClaimRow.id, ClaimRow.text, NoteRow.verdict, NoteRow.created_at)
                .join(NoteRow, NoteRow.claim_id == ClaimRow.id)
                .order_by(NoteRow.created_at.desc(), NoteRow.id)
            ).all()
        newest: dict[str, KnownClaim] = {}
        for id_, text, verdict, noted_at in rows:
            newest.setdefault(id_, KnownClaim(id_, text, _verdict(verdict), noted_at))
        return list(newest.values())

    def count_checks(self) -> int:
        """How many fact-checks by others are stored."""
        with self._database.transaction() as session:
            return session.scalar(select(func.count()).select_from(FactCheckRow)) or 0

    def reindex(self, progress: Progress | None = None) -> None:
        """Make both collections again from the database; embeds only what isn't cached."""
        with self._opening:
            for name in (CLAIMS, FACT_CHECKS):
                self._opened[name] = self._store.recreate(name, self._cache.encoder.name, REMEDY)
                self._repair(name, progress)

    def _same_claim(self, claim: Claim, other: Claim) -> bool:
        return (
            claim.context == other.context
            and claim.claim_date == other.claim_date
            and _said(claim) == _said(other)
            and (claim.text == other.text or self._same_facts(claim.text, other.text))
        )

    def _link_of(
        self, claim: Claim, row: ClaimRow, verdict: str | None, similarity: float
    ) -> ClaimLink:
        if not self._same_facts(claim.text, row.text):
            relation = "near"
        elif row.digest == digest_of(claim.text):
            relation = "duplicate"
        else:
            relation = "same_facts"
        return ClaimLink(relation, row.text, similarity, claim_id=row.id, verdict=_verdict(verdict))

    def _near(self, text: str) -> dict[str, list[tuple[str, float]]]:
        """The digests near a text in each collection, with cosine, the most similar first."""
        self.index()
        vectors = self._cache.encoder.encode([text])
        return {
            name: [
                (digest, similarity)
                for digest, similarity in self._collection(name).nearest(vectors, _LOOKED_AT)[0]
                if similarity >= NEAR
            ]
            for name in (CLAIMS, FACT_CHECKS)
        }

    def _embed(self, name: str, texts: dict[str, str]) -> None:
        self._collection(name).upsert(list(texts), self._cache.vectors(list(texts.values())))

    def _collection(self, name: str) -> VectorCollection:
        with self._opening:  # a repair must not meet vectors that another thread adds meanwhile
            if name not in self._opened:
                self._opened[name] = self._store.open(name, self._cache.encoder.name, REMEDY)
                if self._opened[name].count() != len(self._digests(name)):
                    self._repair(name)
            return self._opened[name]

    def _digests(self, name: str) -> dict[str, str]:
        """What must have a vector: each digest with a text of its words."""
        columns = (
            (ClaimRow.digest, func.min(ClaimRow.text))
            if name == CLAIMS
            else (FactCheckRow.digest, func.min(FactCheckRow.claim))
        )
        query = select(*columns).group_by(columns[0])
        if name == CLAIMS and not self._is_embedded_here:
            query = query.join(SubmissionRow, SubmissionRow.id == ClaimRow.submission_id).where(
                SubmissionRow.local_only.is_(False)
            )
        with self._database.transaction() as session:
            return dict(session.execute(query).all())

    @property
    def _is_embedded_here(self) -> bool:
        """Whether texts stay on this machine to be embedded."""
        return not self._cache.encoder.name.startswith(ELSEWHERE)

    def _repair(self, name: str, progress: Progress | None = None) -> None:
        wanted = self._digests(name)
        there = self._opened[name].ids()
        self._opened[name].delete(sorted(there - wanted.keys()))
        done = 0
        for batch in batches(sorted(wanted.keys() - there)):
            self._embed(name, {digest: wanted[digest] for digest in batch})
            done += len(batch)
            if progress:
                progress(done, len(wanted), f"{name} indexed")


_RELATIONS = ("duplicate", "same_facts", "near")


def _compared(a: str, b: str) -> bool:
    from service.facts.compare import same_facts  # loads the parser

    return same_facts(a, b)


def _said(claim: Claim) -> tuple[str, str] | None:
    return (claim.attribution.speaker, claim.attribution.cue) if claim.attribution else None


def _as_note_on(claim: Claim, note: Note) -> Note:
    basis = note.basis
    if basis is not None and basis.claim == note.claim.text:
        basis = replace(basis, claim=claim.text)
    return replace(
        note,
        claim=claim,
        basis=basis,
        usage=Usage(),
        links=(),
        reused_from=note.reused_from or note.claim.id,
    )


def _bare(text: str) -> Claim:
    text = normalise(text).strip()
    return Claim(id="", text=text, source=Span(0, len(text), text))


def _verdict(stored: str | None) -> Verdict | None:
    return Verdict(stored) if stored else None


def _newest(
    session: Session, digests: Sequence[str], but_of: Submission | None
) -> dict[str, tuple[ClaimRow, str | None]]:
    """For each words' digest the newest claim that another submission made, with its verdict."""
    order = (ClaimRow.created_at.desc(), ClaimRow.id)
    rank = func.row_number().over(partition_by=ClaimRow.digest, order_by=order)
    ranked = select(ClaimRow.id, rank.label("rank")).where(ClaimRow.digest.in_(digests))
    if but_of is not None:
        ranked = ranked.where(ClaimRow.submission_id != but_of.key)
    first = ranked.subquery()
    query = select(ClaimRow).join(first, first.c.id == ClaimRow.id).where(first.c.rank == 1)
    rows = session.scalars(query).all()
    notes = session.execute(
        select(NoteRow.claim_id, verdict_that_counts)
        .where(NoteRow.claim_id.in_([row.id for row in rows]), NoteRow.state.not_in(_NO_VERDICT))
        .order_by(NoteRow.created_at, NoteRow.id.desc())
    )
    verdicts = dict(notes.all())
    return {row.digest: (row, verdicts.get(row.id)) for row in rows}


def _checks(session: Session, digest: str) -> Sequence[FactCheckRow]:
    return session.scalars(
        select(FactCheckRow)
        .where(FactCheckRow.digest == digest)
        .order_by(FactCheckRow.publisher, FactCheckRow.id)
    ).all()


def _check_link(row: FactCheckRow, similarity: float) -> ClaimLink:
    return ClaimLink(
        relation="fact_check",
        text=row.claim,
        similarity=similarity,
        checked_by=row.publisher,
        rating=row.rating,
        url=row.url,
        checked_on=row.checked_on,
    )


def claim_row(claim: Claim, submission_id: str) -> dict[str, Any]:
    """The columns of a claim's row that come from itself."""
    return {
        "id": claim.id,
        "submission_id": submission_id,
        "text": claim.text,
        "digest": digest_of(claim.text),
        "body": _CLAIM.dump_python(claim, mode="json"),
        "position": claim.source.start,
        "created_at": utc_now(),
    }


def store_note(session: Session, note: Note, as_of: date) -> str:
    """Store a note on a claim that is stored. A note that is there stays, unless it failed.

    Returns:
        The id of its row.
    """
    row = _note_row(note, ReuseKey.of(note, as_of))
    stored = session.get(NoteRow, row["id"])
    if stored is not None and stored.state == ClaimState.FAILED:
        session.delete(stored)
        session.flush()
    session.execute(insert_new(session, NoteRow), [row])
    id_: str = row["id"]
    return id_


def _note_row(note: Note, key: ReuseKey) -> dict[str, Any]:
    hangs_on = {"claim": note.claim.id, **asdict(key), "as_of": key.as_of.isoformat()}
    return {
        "id": sha256_hex(json.dumps(hangs_on, sort_keys=True)),
        "claim_id": note.claim.id,
        "as_of": key.as_of,
        "corpus_revision": key.corpus_revision,
        "engine": key.engine,
        "model": key.model,
        "prompt_version": key.prompt_version,
        "state": note.state,
        "verdict": note.verdict,
        "confidence": note.confidence,
        "warned": bool(note.warnings),
        "body": _NOTE.dump_python(note, mode="json"),
        "reusable": not note.provisional,
        "created_at": utc_now(),
    }


def _check_row(check: FactCheck) -> dict[str, Any]:
    digest = digest_of(check.claim)
    return {
        "id": sha256_hex(json.dumps((check.publisher, check.url, digest))),
        "claim": check.claim,
        "digest": digest,
        "rating": check.rating,
        "publisher": check.publisher,
        "url": check.url,
        "checked_on": check.checked_on,
        "claimant": check.claimant,
        "imported_at": utc_now(),
    }


def _store_check(session: Session, row: dict[str, Any]) -> Literal["added", "changed", "known"]:
    stored = session.get(FactCheckRow, row["id"])
    if stored is None:
        session.execute(insert_new(session, FactCheckRow), [row])
        return "added"
    changed = [
        name
        for name in ("claim", "rating", "checked_on", "claimant")
        if getattr(stored, name) != row[name]
    ]
    for name in changed:
        setattr(stored, name, row[name])
    return "changed" if changed else "known"
