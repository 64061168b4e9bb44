"""The embedded engine: models in the package, no key, no network, nothing leaves the machine."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from service.engines.local.assess import Embedder, Reading, read
from service.engines.local.extract import extract_claims
from service.engines.local.stance import Fitted, Weighed, packaged, weigh
from service.kit.text import sha256_of_files
from service.models import ENCODER_NAME, STANCE_NAME
from service.models.parser import PARSER_NAME
from service.models.stance import STANCES, Scorer, opinion_of
from service.types import (
    Account,
    Assessment,
    Claim,
    Extraction,
    Opinion,
    Passage,
    Stance,
    Window,
)

_SAME_MATTER = 0.1
"""How much less of the claim a statement may hold than the one that holds most and still be about
the same event."""
_SHAPED_BY = ("*.py", "*.json", "../../facts/*.py")


class LocalEngine:
    """Extracts by grammar, assesses by comparison, repair and the stance model.

    Args:
        scorer: the stance model.
        embedder: the sentence encoder; its vectors of sentences are kept for the next claims.
        fitted: other parameters than the packaged ones (evaluation reads a claim with parameters
            that were fitted without it).
    """

    name = "local"

    def __init__(self, scorer: Scorer, embedder: Embedder, fitted: Fitted | None = None) -> None:
        self._scorer = scorer
        self._fitted = fitted
        self._embedder = _Remembering(embedder)

    @property
    def model(self) -> str:
        """The models that ran."""
        return f"{STANCE_NAME} {ENCODER_NAME} {PARSER_NAME}"

    @cached_property
    def prompt_version(self) -> str:
        """Hash of the rules, weights and calibration: what stands in for a prompt."""
        return sha256_of_files(Path(__file__).parent, _SHAPED_BY)[:16]

    concurrent_claims = 2
    """While one waits for the database, the next uses the models."""

    async def extract(self, window: Window, account: Account | None = None) -> Extraction:
        """Find the checkable claims of a window."""
        return Extraction(await asyncio.to_thread(extract_claims, window))

    async def assess(
        self, claim: Claim, passages: tuple[Passage, ...], account: Account | None = None
    ) -> Assessment:
        """Say what each passage means for the claim; the verdict is left to the rules."""
        return await asyncio.to_thread(self._assess, claim, passages)

    async def revise(
        self,
        claim: Claim,
        passages: tuple[Passage, ...],
        assessment: Assessment,
        refused: tuple[tuple[str, str], ...],
        account: Account | None = None,
    ) -> Assessment:
        """Return the assessment: its findings are drafted by the note itself."""
        return assessment

    def _assess(self, claim: Claim, passages: tuple[Passage, ...]) -> Assessment:
        fitted = self._fitted or packaged()
        readings = read(claim, passages, self._scorer, self._embedder)
        return Assessment(opinions_of(readings, passages, fitted), reliability=fitted.reliability)


def opinions_of(
    readings: Sequence[Reading], passages: Sequence[Passage], fitted: Fitted
) -> tuple[Opinion, ...]:
    """What each passage means for the claim that they were read for, in the passages' order."""
    weighed = _about_the_same_matter(list(zip(readings, weigh(readings, fitted), strict=True)))
    opinions: dict[str, Opinion] = {}
    for reading, found in weighed:
        opinions |= _opinions(reading, found)
    return tuple(opinions[passage.id] for passage in passages if passage.id in opinions)


def _about_the_same_matter(
    weighed: list[tuple[Reading, Weighed]],
) -> list[tuple[Reading, Weighed]]:
    """Leave out of the decision statements that hold clearly less of the claim than the best.

    A statement about another event of the same kind has other dates and numbers in the same
    places; the one about the claim's own event holds more of the claim.
    """
    best = max(
        (
            reading.comparison.matching
            for reading, found in weighed
            if found.stance is not Stance.NEUTRAL
        ),
        default=0.0,
    )
    return [
        (reading, found)
        if found.stance is Stance.NEUTRAL or reading.comparison.matching >= best - _SAME_MATTER
        else (reading, _neutral(found))
        for reading, found in weighed
    ]


def _neutral(found: Weighed) -> Weighed:
    return Weighed(Stance.NEUTRAL, found.probabilities, found.window, ())


def _opinions(reading: Reading, found: Weighed) -> dict[str, Opinion]:
    """An opinion for every passage of a statement; the deciding window's carry the stance."""
    scores = tuple(zip(STANCES, found.probabilities, strict=True))
    carrying: dict[str, list[int]] = {}
    for index in reading.windows[found.window]:
        carrying.setdefault(reading.sentences[index].passage.id, []).append(index)
    opinions: dict[str, Opinion] = {}
    for sentence in reading.sentences:
        passage = sentence.passage
        indices = carrying.get(passage.id)
        stance = found.stance if indices else Stance.NEUTRAL
        inside = [reading.sentences[index] for index in indices] if indices else [sentence]
        opinions.setdefault(
            passage.id,
            Opinion(
                passage_id=passage.id,
                stance=stance,
                probability=dict(scores)[stance],
                start=min(part.start for part in inside),
                end=max(part.end for part in inside),
                mismatches=found.mismatches if indices else (),
                scores=scores,
                cross_check=opinion_of(reading.scores[found.window]),
            ),
        )
    return opinions


class _Remembering:
    """Keeps the vectors of texts seen before: an article's claims meet the same sentences."""

    _MOST = 20_000

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._known: dict[str, npt.NDArray[np.float32]] = {}

    def encode(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Embed texts, each at most once."""
        known = self._known
        missing = [text for text in dict.fromkeys(texts) if text not in known]
        fresh = dict(zip(missing, self._embedder.encode(missing), strict=True))
        result = np.stack([fresh[text] if text in fresh else known[text] for text in texts])
        if len(known) + len(fresh) > self._MOST:
            known = {}
        self._known = known | fresh
        return result
