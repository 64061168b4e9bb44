"""Submissions come in from files, standard input and addresses, or are refused with a reason."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest
from servers import Quiet, serving

from service.kit.errors import FetchRefused, InputError, InputTooLarge, NotEnglish
from service.settings import Settings
from service.submissions import check_line, claims_from_lines, read_submission
from service.types import Submission

ARTICLE = "The bank raised its key rate to 4.5 percent on Tuesday. Prices had doubled since May."
GERMAN = "Die Zentralbank hat ihren Leitzins am Dienstag auf 4,5 Prozent erhöht."


def test_a_text_file_becomes_a_submission(tmp_path: Path, limits: Settings) -> None:
    path = tmp_path / "article.txt"
    path.write_bytes(ARTICLE.replace(" Prices", "\r\nPrices").encode())
    submission = read_submission(path, limits)
    assert submission.text == ARTICLE.replace(" Prices", "\nPrices")
    assert submission.source == str(path)
    assert submission.language == "en"


def test_front_matter_gives_date_and_title(tmp_path: Path, limits: Settings) -> None:
    path = tmp_path / "article.md"
    path.write_text(f"---\ntitle: Rates rise\npublished: 2024-05-07\n---\n{ARTICLE}\n")
    submission = read_submission(str(path), limits)
    assert submission.published == date(2024, 5, 7)
    assert submission.title == "Rates rise"
    assert submission.text.strip() == ARTICLE


def test_a_dash_reads_standard_input(
    limits: Settings, on_standard_input: Callable[[bytes], None]
) -> None:
    on_standard_input(ARTICLE.encode())
    submission = read_submission("-", limits)
    assert submission.text == ARTICLE
    assert submission.source == "standard input"


@pytest.fixture
def page() -> Iterator[str]:
    class Page(Quiet):
        def do_GET(self) -> None:
            body = f"<html><body><article><p>{ARTICLE}</p></article></body></html>"
            self.answer(body.encode(), "text/html; charset=utf-8")

    with serving(Page) as port:
        yield f"http://127.0.0.1:{port}/news"


def test_an_address_is_fetched(limits: Settings, page: str) -> None:
    allowed = limits.model_copy(update={"fetch_allow_private": True})
    submission = read_submission(page, allowed)
    assert ARTICLE in submission.text
    assert submission.source == page


def test_a_loopback_address_is_refused(limits: Settings, page: str) -> None:
    with pytest.raises(FetchRefused):
        read_submission(page, limits)


def test_another_scheme_is_refused(limits: Settings) -> None:
    with pytest.raises(FetchRefused, match="ftp"):
        read_submission("ftp://example.org/article.txt", limits)


def test_a_missing_file_is_named(tmp_path: Path, limits: Settings) -> None:
    with pytest.raises(InputError, match=r"nowhere\.txt: no such file"):
        read_submission(tmp_path / "nowhere.txt", limits)


@pytest.mark.parametrize("name", ["", " "])
def test_an_empty_name_is_refused_as_such(limits: Settings, name: str) -> None:
    with pytest.raises(InputError, match="name of a source is empty"):
        read_submission(name, limits)


def test_standard_input_that_is_closed_is_an_error(
    limits: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(InputError, match="standard input: is closed"):
        read_submission("-", limits)


def test_a_directory_is_refused(tmp_path: Path, limits: Settings) -> None:
    with pytest.raises(InputError, match="is a directory"):
        read_submission(tmp_path, limits)


@pytest.mark.parametrize("content", [b"", b" \n\t\n", b"\x00\x01\x02\xff\xfe\x00bank"])
def test_empty_and_binary_files_are_refused(
    tmp_path: Path, limits: Settings, content: bytes
) -> None:
    path = tmp_path / "article.txt"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"article\.txt"):
        read_submission(path, limits)


def test_a_file_over_the_limit_is_refused_before_it_is_read(
    tmp_path: Path, limits: Settings
) -> None:
    path = tmp_path / "article.txt"
    path.write_bytes(b"a" * 5001)
    with pytest.raises(InputTooLarge, match="5,001 bytes; at most 5,000"):
        read_submission(path, limits)


def test_standard_input_over_the_limit_is_refused(
    limits: Settings, on_standard_input: Callable[[bytes], None]
) -> None:
    on_standard_input(b"a" * 6000)
    with pytest.raises(InputTooLarge, match="standard input"):
        read_submission("-", limits)


def test_another_language_is_named_with_exit_code_3(tmp_path: Path, limits: Settings) -> None:
    path = tmp_path / "artikel.txt"
    path.write_text(GERMAN)
    with pytest.raises(NotEnglish, match=r"artikel\.txt: looks like German") as caught:
        read_submission(path, limits)
    assert caught.value.exit_code == 3


def test_a_declared_language_other_than_english_is_believed(
    tmp_path: Path, limits: Settings
) -> None:
    path = tmp_path / "article.md"
    path.write_text(f"---\nlanguage: fr\n---\n{ARTICLE}\n")
    with pytest.raises(NotEnglish, match="French"):
        read_submission(path, limits)


def test_each_line_is_a_claim_at_its_place(submitted: Callable[[str], Submission]) -> None:
    submission = submitted(
        "Rates rose to 4.5 percent.\n\n  - Two men died in Rome.\n2. Prices fell."
    )
    claims = claims_from_lines(submission)
    assert [claim.text for claim in claims] == [
        "Rates rose to 4.5 percent.",
        "Two men died in Rome.",
        "Prices fell.",
    ]
    for claim in claims:
        assert submission.text[claim.source.start : claim.source.end] == claim.source.text
        assert claim.claim_date == date(2024, 5, 1)
    assert len({claim.id for claim in claims}) == 3


def test_a_foreign_line_is_named_by_its_number(submitted: Callable[[str], Submission]) -> None:
    submission = submitted(f"Two men died in Rome.\n\n{GERMAN}")
    english, german = claims_from_lines(submission)
    check_line(english, submission)
    with pytest.raises(NotEnglish, match="line 3 looks like German"):
        check_line(german, submission)


def test_a_line_too_long_for_a_claim_does_not_stop_the_others(
    submitted: Callable[[str], Submission],
) -> None:
    submission = submitted("Two men died in Rome.\n" + "The bank raised its rate again. " * 40)
    _, long = claims_from_lines(submission)
    with pytest.raises(InputTooLarge, match="line 2"):
        check_line(long, submission)


def test_a_foreign_file_of_claims_is_told_by_line(tmp_path: Path, limits: Settings) -> None:
    path = tmp_path / "claims.txt"
    path.write_text(GERMAN)
    submission = read_submission(path, limits, claims_only=True)
    assert submission.claims_only
    with pytest.raises(NotEnglish, match="line 1"):
        claims_from_lines(submission)


def test_an_article_given_as_one_claim_is_refused(submitted: Callable[[str], Submission]) -> None:
    with pytest.raises(InputTooLarge, match="line 1"):
        claims_from_lines(submitted("The bank raised its key rate again. " * 40))
