"""Extraction on ordinary news texts of many kinds, against claims expected by hand.

Beside each ``articles/*.txt`` stands a ``.expected`` file: ``+`` a claim that holds all the words
between semicolons and none after ``!``; ``-`` words that no claim may hold.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from service.engines.local.extract import extract_claims
from service.kit.text import normalise, sha256_hex
from service.submissions import windows
from service.types import Claim, Submission

ARTICLES = sorted((Path(__file__).parent / "articles").glob("*.txt"))


@dataclass(frozen=True)
class Expected:
    line: str

    @property
    def is_claim(self) -> bool:
        return self.line.startswith("+")

    def fits(self, claim: Claim) -> bool:
        terms = [term.strip() for term in self.line[1:].split(";")]
        return all(
            term[1:] not in claim.text if term.startswith("!") else term in claim.text
            for term in terms
        )


def expectations(path: Path) -> list[Expected]:
    lines = path.with_suffix(".expected").read_text().splitlines()
    return [Expected(line) for line in lines if line[:1] in ("+", "-")]


def claims_of(path: Path) -> list[Claim]:
    text = normalise(path.read_text())
    submission = Submission(text=text, sha256=sha256_hex(text))
    return [claim for window in windows(submission) for claim in extract_claims(window)]


@pytest.mark.parametrize("path", ARTICLES, ids=lambda path: path.stem)
def test_nine_in_ten_expected_claims_are_found(path: Path) -> None:
    found = claims_of(path)
    wanted = [item for item in expectations(path) if item.is_claim]
    missed = [item.line for item in wanted if not any(map(item.fits, found))]
    assert len(missed) <= len(wanted) / 10, missed


@pytest.mark.parametrize("path", ARTICLES, ids=lambda path: path.stem)
def test_nine_in_ten_claims_found_are_expected(path: Path) -> None:
    found = claims_of(path)
    wanted = [item for item in expectations(path) if item.is_claim]
    extra = [claim.text for claim in found if not any(item.fits(claim) for item in wanted)]
    assert len(extra) <= len(found) / 10, extra


@pytest.mark.parametrize("path", ARTICLES, ids=lambda path: path.stem)
def test_opinions_predictions_and_atmosphere_are_left_out(path: Path) -> None:
    found = claims_of(path)
    unwanted = [item for item in expectations(path) if not item.is_claim]
    taken = [claim.text for claim in found for item in unwanted if item.fits(claim)]
    assert taken == []


@pytest.mark.parametrize("path", ARTICLES, ids=lambda path: path.stem)
def test_every_claim_is_a_sentence_of_the_text_at_its_place(path: Path) -> None:
    text = normalise(path.read_text())
    for claim in claims_of(path):
        assert text[claim.source.start : claim.source.end] == claim.source.text
        assert claim.text[0].isupper() or claim.text[0].isdigit()
        assert claim.text.endswith(".")
        assert len(claim.context) <= 300
