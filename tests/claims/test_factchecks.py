from __future__ import annotations

import json
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from service.claims.commands import claims_app
from service.claims.factchecks import FactCheck, parse, read
from service.kit.errors import InputError

REVIEW = {
    "@context": "https://schema.org",
    "@type": "ClaimReview",
    "claimReviewed": "Four B-52 bombers flew over the Sea of Japan.",
    "url": "https://example.org/check/1",
    "datePublished": "2025-12-12T08:00:00+01:00",
    "author": {"@type": "Organization", "name": "Correctiv"},
    "itemReviewed": {"@type": "Claim", "author": {"@type": "Person", "name": "A minister"}},
    "reviewRating": {
        "@type": "Rating",
        "alternateName": "False",
        "ratingValue": 1,
        "bestRating": 5,
    },
}
CHECK = FactCheck(
    claim="Four B-52 bombers flew over the Sea of Japan.",
    rating="False",
    publisher="Correctiv",
    url="https://example.org/check/1",
    checked_on=date(2025, 12, 12),
    claimant="A minister",
)
HEADER = "claim,rating,publisher,url,date,claimant"


def checks(content: str | bytes) -> list[FactCheck]:
    found, problems = parse(content.encode() if isinstance(content, str) else content, "file")
    assert problems == []
    return found


def problems(content: str | bytes) -> list[tuple[str, str]]:
    _, found = parse(content.encode() if isinstance(content, str) else content, "file")
    return [(problem.where, problem.reason) for problem in found]


def review(**changes: object) -> dict[str, object]:
    return {key: value for key, value in (REVIEW | changes).items() if value is not None}


# JSON-LD.


@pytest.mark.parametrize(
    "document",
    [
        REVIEW,
        [REVIEW],
        {"@context": "https://schema.org", "@graph": [{"@type": "WebPage"}, REVIEW]},
        {"@type": "DataFeed", "dataFeedElement": [{"@type": "DataFeedItem", "item": [REVIEW]}]},
        {"@type": "DataFeed", "dataFeedElement": [{"@type": "DataFeedItem", "item": REVIEW}]},
        {"@type": "Article", "hasPart": {"mainEntity": REVIEW}},
        review(**{"@type": ["Review", "ClaimReview"]}),
        review(**{"@type": "http://schema.org/ClaimReview"}),
        review(author=[{"name": "Correctiv"}]),
        review(author="Correctiv"),
        review(author=None, publisher={"name": "Correctiv"}),
        review(claimReviewed={"@value": REVIEW["claimReviewed"], "@language": "en"}),
        review(claimReviewed=["Four B-52 bombers flew over the Sea of Japan."]),
        review(claimReviewed="  Four B-52 bombers\n flew over the Sea of Japan. "),
        {"@graph": [review(author={"@id": "#us"}), {"@id": "#us", "name": "Correctiv"}]},
    ],
)
def test_a_claim_review_is_read_wherever_it_stands(document):
    assert checks(json.dumps(document)) == [CHECK]


def test_a_rating_without_words_is_its_figures():
    document = review(reviewRating={"ratingValue": 2, "bestRating": 5})

    assert [check.rating for check in checks(json.dumps(document))] == ["2 of 5"]


def test_a_review_without_an_author_is_by_the_site_it_stands_on():
    assert [check.publisher for check in checks(json.dumps(review(author=None)))] == ["example.org"]


def test_what_a_review_may_leave_out_is_not_known():
    (check,) = checks(json.dumps(review(url=None, datePublished=None, itemReviewed=None)))

    assert (check.url, check.checked_on, check.claimant) == (None, None, None)


def test_a_date_of_another_form_is_not_known():
    assert checks(json.dumps(review(datePublished="Dec. 12, 2025")))[0].checked_on is None


def test_entities_are_read_as_the_letters_they_stand_for():
    document = review(claimReviewed="&quot;Rain&quot; &amp; snow")

    assert checks(json.dumps(document))[0].claim == '"Rain" & snow'


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (review(claimReviewed=None), "has no claimReviewed"),
        (review(claimReviewed=" "), "has no claimReviewed"),
        (review(reviewRating=None), "has no reviewRating"),
        (review(author=None, url=None), "has no author"),
        (review(url="javascript:alert(1)"), "must begin with http:// or https://"),
        (review(claimReviewed="x" * 10_001), "claimReviewed: longer than 10000 characters"),
        (review(claimReviewed="\ud800"), "claimReviewed: is not UTF-8"),
    ],
)
def test_a_review_that_cannot_be_used_is_named_and_the_rest_is_read(document, reason: str):
    found, reported = parse(json.dumps([REVIEW, document, REVIEW]).encode(), "file")

    assert found == [CHECK, CHECK]
    assert [problem.where for problem in reported] == ["review 2"]
    assert reason in reported[0].reason


@pytest.mark.parametrize(
    "content", ["{}", "[]", '{"@type": "Article"}', "{broken", "[" * 100_000, "<p>no review</p>"]
)
def test_a_file_without_a_review_is_refused(content: str):
    with pytest.raises(InputError, match=r"^file: "):
        parse(content.encode(), "file")


# Pages.


def page(*scripts: str) -> str:
    tags = "".join(f'<script type="application/ld+json">{script}</script>' for script in scripts)
    return f"<!doctype html><html><head>{tags}</head><body><p>Check</p></body></html>"


def test_the_reviews_of_a_page_are_read():
    assert checks(page('{"@type": "WebSite"}', json.dumps([REVIEW, REVIEW]))) == [CHECK, CHECK]


def test_a_broken_script_is_named_and_the_others_are_read():
    found, reported = parse(page("{broken", json.dumps(REVIEW)).encode(), "file")

    assert found == [CHECK]
    assert [problem.where for problem in reported] == ["script 1"]


def test_other_scripts_are_not_read():
    with pytest.raises(InputError):
        parse(f"<html><script>{json.dumps(REVIEW)}</script></html>".encode(), "file")


def test_a_page_in_another_encoding_is_read_as_it_declares():
    text = page(json.dumps(review(claimReviewed="Zürich"), ensure_ascii=False))
    content = text.replace("<head>", '<head><meta charset="windows-1252">').encode("cp1252")

    assert checks(content)[0].claim == "Zürich"


# CSV.


def test_a_row_is_a_fact_check():
    row = f"{CHECK.claim},False,Correctiv,{CHECK.url},2025-12-12,A minister"

    assert checks(f"{HEADER}\n{row}\n") == [CHECK]


@pytest.mark.parametrize(
    "content",
    [
        "\ufeffclaim,rating,publisher\nA,B,C\n",
        "Claim , RATING,publisher\r\nA,B,C\r\n",
        "publisher,claim,rating\nC,A,B\n",
        "claim;rating;publisher\nA;B;C\n",
        "claim\trating\tpublisher\nA\tB\tC\n",
        "claim,rating,publisher,url,date,claimant\nA,B,C,,,\n",
        "claim,rating,publisher,url\nA,B,C\n",
        "claim,rating,publisher,remark\nA,B,C,not read\n",
        'claim,rating,publisher\n"A","B","C"\n\n',
        "claim,rating,publisher\nA,B,C",
    ],
)
def test_the_ways_a_table_is_saved_make_no_difference(content: str):
    assert checks(content) == [FactCheck("A", "B", "C")]


def test_quoted_fields_hold_commas_quotation_marks_and_line_ends():
    content = f'{HEADER}\n"He said ""four, or\nfive""",False,C,,,\nB,True,C,,,\n'

    assert [check.claim for check in checks(content)] == ['He said "four, or five"', "B"]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (",False,C,,,", "has no claim"),
        ("A,,C,,,", "has no rating"),
        ("A,False,,,,", "has no publisher"),
        ("A,False", "has no publisher"),
        ("A,False,C,,,,more", "has 7 columns, the first line names 6"),
        ("A,False,C,,12.12.2025,", "date '12.12.2025': must be YYYY-MM-DD"),
        ("A,False,C,ftp://c.org,,", "url 'ftp://c.org': must begin with http:// or https://"),
        ("A,False,C,https://[,,", "must begin with http:// or https://"),
        ('"A"x,False,C,,,', "is not CSV"),
        ('"A,False,C,,,', "is not CSV"),
    ],
)
def test_a_bad_row_is_named_by_its_line_and_the_rest_is_read(row: str, reason: str):
    content = f'{HEADER}\nfirst,True,C,,,\n"two\nlines",True,C,,,\n{row}\nlast,"True",C,,,\n'

    found, reported = parse(content.encode(), "file")

    assert [check.claim for check in found] == ["first", "two lines", "last"]
    assert [problem.where for problem in reported] == ["line 5"]
    assert reason in reported[0].reason


def test_a_row_that_is_not_utf8_is_named():
    content = f"{HEADER}\nfirst,True,C,,,\n".encode() + b"Z\xfcrich,True,C,,,\n"

    assert problems(content) == [("line 3", "claim: is not UTF-8")]


@pytest.mark.parametrize(
    "content", [b"", b"\xef\xbb\xbf \n", b"\x00\x01", b"no,known,columns\n1,2,3\n", b"words only"]
)
def test_what_is_none_of_the_three_is_refused(content: bytes):
    with pytest.raises(InputError, match=r"^file: "):
        parse(content, "file")


def test_a_missing_file_is_refused_by_name(tmp_path):
    with pytest.raises(InputError, match=r"nothing\.csv: cannot be read"):
        read(tmp_path / "nothing.csv")


def test_ten_thousand_rows_with_open_quotation_marks_are_each_named():
    content = f"{HEADER}\n" + '"A,False,C,,,\n' * 9_999

    assert len(problems(content)) == 9_999


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(content: bytes):
    try:
        parse(content, "file")
    except InputError as error:
        assert str(error).startswith("file: ")


# The command.


def test_the_command_imports_and_says_what_it_could_not_read(tmp_path, monkeypatch):
    monkeypatch.setenv("VERINOTE_DATA_DIR", str(tmp_path / "data"))
    file = tmp_path / "checks.csv"
    file.write_text(f"{HEADER}\n{CHECK.claim},False,Correctiv,{CHECK.url},,\n,False,C,,,\n")
    runner = CliRunner()

    first = runner.invoke(claims_app, ["import", str(file)])
    again = runner.invoke(claims_app, ["import", str(file)])
    shown = runner.invoke(claims_app, ["similar", "4 B-52 flew over the Sea of Japan"])

    assert "1 fact-checks added, 0 changed, 0 known before, 1 not read" in first.output
    assert f"{file}: line 3: has no claim" in first.output
    assert "0 fact-checks added, 0 changed, 1 known before" in again.output
    assert "checked by Correctiv" in shown.output
    assert CHECK.url in shown.output
