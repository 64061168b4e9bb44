"""The seed article on a desk with a scripted model, and a witness of what its notes show."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from eval import citations
from eval.endpoint.faults import Faults, never
from eval.endpoint.server import Counted, Script, ScriptedEndpoint
from service.notes.jsonl import to_line
from service.pipeline import Pipeline
from service.settings import Settings
from service.submissions.account import SubmissionAccount
from service.submissions.intake import read_submission
from service.types import Finding, Note, Submission

SEEDS = Path(__file__).parents[3] / "seeds"
ARTICLE = SEEDS / "articles" / "japan-us-air-exercise.md"


@dataclass(frozen=True)
class Desk:
    """What came of a submission."""

    notes: list[Note]
    counted: Counted
    account: SubmissionAccount
    rejected: tuple[tuple[str, str], ...]

    def of(self, words: str) -> Note:
        """The one note whose claim holds these words."""
        (found,) = [note for note in self.notes if words in note.claim.text]
        return found


async def verify(
    settings: Settings,
    script: Script,
    *,
    submission: Submission | None = None,
    faults: Faults = never,
    latency: float = 0.0,
    **changed,
) -> Desk:
    """Verify the seed article, or another submission, with a scripted model."""
    with ScriptedEndpoint(script, faults=faults, latency=latency, retry_after=0.2) as endpoint:
        chosen = {
            "engine": "openai",
            "openai_base_url": endpoint.url,
            "llm_cache": False,
            "llm_concurrency": 0,
        }
        settings = settings.model_copy(update=chosen | changed)
        submission = submission or read_submission(ARTICLE, settings)
        async with Pipeline.open(settings, memory=False) as pipeline:
            account = pipeline.account(submission)
            found = await pipeline.claims_of(submission, account)
            verified = pipeline.verify(submission, account=account, extracted=found)
            notes = [note async for note in verified]
        return Desk(notes, endpoint.counted, account, found.rejected)


def assert_all_is_quoted(notes: list[Note], folder: Path, statements: Path = SEEDS) -> int:
    """Hold every citation against the statements' files, and figures of findings against quotes.

    Returns:
        How many findings there are.
    """
    lines = folder / "notes.jsonl"
    lines.write_text("".join(f"{to_line(note)}\n" for note in notes), "utf-8")
    counted = citations.count(lines, statements / "statements")
    assert counted.faults == []
    assert counted.verbatim == counted.citations
    for note in notes:
        for finding in note.findings:
            assert finding.citations
            shown = " ".join(
                f"{cited.quote} {cited.statement.issuer} {cited.statement.title} "
                f"{_written(cited.statement.published)}"
                for cited in finding.citations
            )
            assert figures_of(_own_words(finding, note)) <= figures_of(shown), finding.text
    return sum(len(note.findings) for note in notes)


_CLAIM_SAYS = re.compile(r"[Tt]he claim says “([^”]+)”")
_NUMBERS = (
    "two three four five six seven eight nine ten eleven twelve dozen hundred thousand".split()
)
_WORDS = {word: str(value) for value, word in enumerate(_NUMBERS[:11], start=2)}
_FIGURE = re.compile(rf"\d+|\b(?:{'|'.join(_NUMBERS)})\b", re.IGNORECASE)


def figures_of(text: str) -> set[str]:
    """Every figure of a text, in digits; number words up to twelve count as their digits."""
    found = {one.lower() for one in _FIGURE.findall(text)}
    return {_WORDS.get(one, one) for one in found}


def _own_words(finding: Finding, note: Note) -> str:
    """A finding without what it says that the claim says, which must be the claim's own words."""
    for said in _CLAIM_SAYS.findall(finding.text):
        assert said in note.claim.text, finding.text
    return _CLAIM_SAYS.sub("", finding.text)


def _written(day: date | None) -> str:
    return f"{day.day} {day.year}" if day else ""
