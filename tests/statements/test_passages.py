from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from service.kit.text import normalise
from service.models.files import tokenizer
from service.statements.passages import MOST_CHARACTERS, MOST_PIECES, sentences, split

SENTENCE = "The ministry said on Monday that two aircraft had flown over the sea. "
NEWS = """The U.S. Air Force flew two B-52H. “It was so.” No. 5 - * | … 他说。 Straße 😀 e\u0301"""
BREAKS = ["\n", "\n\n", "\n# Title\n", "\n- item", "\u200b", "\u2029", "\x1f", "x" * 120]
WORDS = st.sampled_from([*NEWS.split(), *BREAKS])
TEXTS = st.one_of(
    st.text(max_size=400),
    st.lists(WORDS, max_size=200).map(" ".join),
    st.lists(st.sampled_from([SENTENCE, SENTENCE.upper(), "\n\n"]), max_size=40).map("".join),
).map(normalise)


def texts_of(text: str) -> list[str]:
    return [text[span.start : span.end] for span in split(text)]


def pieces(text: str) -> int:
    return len(tokenizer().encode(text, add_special_tokens=False).ids)


@settings(max_examples=100, deadline=None)
@given(TEXTS)
@example("a" * 5000)
@example("1 | 2 | " * 800)
def test_every_character_but_white_space_stands_in_one_passage_and_in_order(text: str):
    spans = split(text)
    covered = [position for span in spans for position in range(span.start, span.end)]
    needed = [position for position, character in enumerate(text) if not character.isspace()]

    assert covered == sorted(set(covered))
    assert set(needed) <= set(covered)


@settings(max_examples=100, deadline=None)
@given(TEXTS)
def test_slicing_the_text_gives_the_passage_back(text: str):
    for passage in texts_of(text):
        assert passage
        assert passage == passage.strip()
        assert passage in text


@settings(max_examples=100, deadline=None)
@given(TEXTS)
@example("他说" * 2000)
@example("ก" * 3000)
def test_no_passage_is_longer_than_the_stance_model_reads(text: str):
    for passage in texts_of(text):
        assert pieces(passage) <= MOST_PIECES + 10  # blanks between sentences, joined again
        assert len(passage) <= MOST_CHARACTERS + 100


@settings(max_examples=100, deadline=None)
@given(TEXTS)
def test_no_sentence_is_lost_or_read_twice(text: str):
    spans = sentences(text)

    assert all(left[1] <= right[0] for left, right in pairwise(spans))
    outside = text
    for start, end in reversed(spans):
        outside = outside[:start] + outside[end:]
    assert not outside.strip()


def test_a_passage_is_a_few_whole_sentences():
    found = texts_of(SENTENCE * 20)

    assert all(passage.endswith(".") and passage.startswith("The") for passage in found)
    assert all(3 <= passage.count(".") <= 7 for passage in found)


def test_the_parts_of_a_long_paragraph_are_of_about_one_size():
    sizes = [pieces(passage) for passage in texts_of(SENTENCE * 8)]

    assert len(sizes) == 2
    assert max(sizes) - min(sizes) <= pieces(SENTENCE)


def test_a_passage_ends_where_a_paragraph_ends():
    first, second = SENTENCE * 4, "Another matter was decided by the bank. " * 5

    assert texts_of(f"{first.strip()}\n\n{second.strip()}") == [first.strip(), second.strip()]


def test_a_heading_goes_with_the_paragraph_below_it():
    paragraph = (SENTENCE * 4).strip()

    assert texts_of(f"{paragraph}\n\nMonetary policy\n\n{paragraph}") == [
        paragraph,
        f"Monetary policy\n\n{paragraph}",
    ]


def test_a_last_line_goes_with_the_paragraph_above_it():
    paragraph = (SENTENCE * 4).strip()

    assert texts_of(f"{paragraph}\n\nEnds.") == [f"{paragraph}\n\nEnds."]


def test_a_line_broken_after_an_abbreviation_stays_one_sentence():
    text = "It was flown by the U.S.\nAir Force with two U.S.\nB-52H bombers."

    assert sentences(text) == [(0, len(text))]


def test_a_quotation_of_many_sentences_is_cut_between_them():
    passages = texts_of("“" + SENTENCE * 30 + "”")

    assert len(passages) > 1
    assert all(passage.rstrip(" ”").endswith(".") for passage in passages)


@pytest.mark.parametrize(
    "text",
    ["word " * 10_000, "x" * 50_000, "12 | 34 | 56\n" * 4000, "a, b; " * 8000],
    ids=["no full stops", "no white space", "a table", "clauses"],
)
def test_50_000_characters_without_a_sentence_are_cut(text: str):
    passages = texts_of(text)

    assert "".join("".join(passages).split()) == "".join(text.split())
    assert max(map(len, passages)) <= MOST_CHARACTERS


def test_a_text_without_full_stops_is_cut_at_white_space():
    assert all(passage.split()[-1] == "word" for passage in texts_of("word " * 3000))


def test_a_text_of_white_space_has_no_passage():
    assert split(" \n\n\t ") == []


def test_the_seed_article_is_cut_into_passages_that_hold_its_sentences():
    seeds = Path(__file__).parents[2] / "seeds" / "articles"
    for article in seeds.glob("*.md"):
        text = normalise(article.read_text(encoding="utf-8"))
        spans = split(text)
        for start, end in sentences(text):
            assert any(span.start <= start and end <= span.end for span in spans)
