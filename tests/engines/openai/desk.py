"""The seed article on a desk with a scripted model, and a witness of what its notes show."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from eval import citations
from eval.endpoint.faults import Faults, never
from eval.endpoint.server import Counted, Script, ScriptedEndpoint
from service.notes.jsonl import to_line
from service.pipeline import Pipeline
from service.settings import Settings
from service.submissions.account import SubmissionAccount
from service.submissions.intake import read_submission
from service.types import Note, Submission

SEEDS = Path(__file__).parents[3] / "seeds"
ARTICLE = SEEDS / "articles" / "japan-us-air-exercise.md"


@dataclass(frozen=True)
class Desk:
    """What came of a submission."""

    notes: list[Note]
    counted: Counted
    account: SubmissionAccount

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
            notes = [note async for note in pipeline.verify(submission, account=account)]
        return Desk(notes, endpoint.counted, account)


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
                f"{cited.statement.published}"
                for cited in finding.citations
            )
            figures = set(re.findall(r"\d+", finding.text))
            if cited := finding.citations[0].statement.published:
                figures -= {str(cited.day), str(cited.year)}
            assert figures <= set(re.findall(r"\d+", shown + note.claim.text)), finding.text
    return sum(len(note.findings) for note in notes)
