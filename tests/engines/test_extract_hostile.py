"""Extraction stands any text: no crash, bounded time, exact sources."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.engines.local.extract import extract_claims
from service.kit.text import normalise, sha256_hex
from service.submissions import windows
from service.types import Claim, Submission


def claims_of(text: str) -> list[Claim]:
    text = normalise(text)
    submission = Submission(text=text, sha256=sha256_hex(text))
    found = [claim for window in windows(submission) for claim in extract_claims(window)]
    for claim in found:
        assert text[claim.source.start : claim.source.end] == claim.source.text
    return found


@pytest.mark.parametrize(
    "text",
    [
        "a a a " * 170_000,
        "A" * 1_000_000,
        "The bank raised rates and " * 200,
        "The minister, " + "who met the mayor, " * 60 + "resigned.",
        "The minister said that " * 60 + "he resigned.",
        "The minister met " + " and ".join(f"{n} men" for n in range(150)) + ".",
        "(" * 3000 + ")" * 3000 + " Two men died in Rome.",
        "“‘“‘\"'" * 20_000,
        "\x01\x1b[31m\u202e\u200b\ufeff" * 2000,
        "日本は42機を導入する。Два самолёта. 😀👍🏽 " * 100,
    ],
    ids=lambda text: text[:12].encode("ascii", "replace").decode(),
)
def test_hostile_text_is_taken_in_bounded_time(text: str) -> None:
    began = time.perf_counter()
    claims_of(text)
    assert time.perf_counter() - began < 5


def test_markup_is_no_claim() -> None:
    assert (
        claims_of('<div class="x"><script>run()</script><p>Two men died in Rome.</p></div>') == []
    )


def test_signs_around_a_claim_do_no_harm() -> None:
    (claim,) = claims_of("🎉 Two\u200b men \x07 died in Rome on Monday. 😀")
    assert claim.text.isprintable()
    assert "died in Rome on Monday" in claim.text


VOCABULARY = """
the a minister who which said that was were had Rome 5 percent , ; — and but because while if
“ ” ‘ ’ ( ) . ? to of in by including latter it they his
"""

words = st.sampled_from(sorted(set(VOCABULARY.split())))


@given(st.lists(words, max_size=60))
@settings(max_examples=80, deadline=None)
def test_any_order_of_words_is_read(sequence: list[str]) -> None:
    claims_of(" ".join(sequence))


@given(st.text(max_size=300))
@settings(max_examples=60, deadline=None)
def test_any_characters_are_read(text: str) -> None:
    claims_of(text)
