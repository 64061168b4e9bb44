"""Windows are runs of whole sentences of bounded size."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st

from service.kit.sentences import sentences
from service.kit.text import normalise, sha256_hex
from service.submissions import windows
from service.submissions.windows import MAX_CHARACTERS, MAX_SENTENCES
from service.types import Submission

Make = Callable[[str], Submission]


def test_a_short_text_is_one_window(submitted: Make) -> None:
    submission = submitted("  Rates rose. Prices fell.\n")
    (window,) = windows(submission)
    assert submission.text[window.start : window.end] == "Rates rose. Prices fell."


def test_a_window_holds_twelve_sentences(submitted: Make) -> None:
    submission = submitted(" ".join(f"The rate was {n} percent in May." for n in range(30)))
    sizes = [
        len(sentences(submission.text[window.start : window.end])) for window in windows(submission)
    ]
    assert sizes == [MAX_SENTENCES, MAX_SENTENCES, 6]


def test_no_sentence_of_ordinary_length_is_cut(submitted: Make) -> None:
    submission = submitted("The rate rose again, as it had in the year before. " * 200)
    for start, end in sentences(submission.text):
        assert any(w.start <= start and end <= w.end for w in windows(submission))


def test_an_endless_sentence_is_cut_at_blanks(submitted: Make) -> None:
    submission = submitted("word " * 5000)
    found = windows(submission)
    assert all(window.end - window.start <= MAX_CHARACTERS for window in found)
    assert all(submission.text[w.start : w.end].endswith("word") for w in found)


def test_a_text_without_words_has_no_windows(submitted: Make) -> None:
    assert windows(submitted(" \n \n")) == []


@given(st.text(max_size=2000), st.integers(1, 6))
@settings(max_examples=60, deadline=None)
def test_windows_lose_nothing_but_blanks(text: str, times: int) -> None:
    text = normalise(text * times)
    submission = Submission(text=text, sha256=sha256_hex(text))
    kept, position = "", 0
    for window in windows(submission):
        assert position <= window.start < window.end
        assert window.end - window.start <= MAX_CHARACTERS
        kept += text[window.start : window.end]
        position = window.end
    assert "".join(kept.split()) == "".join(text.split())
