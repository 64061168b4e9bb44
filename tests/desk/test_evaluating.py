"""An evaluation at the desk: a file of claims sent in, watched, its report, and two compared."""

from __future__ import annotations

import csv
import io

import pytest
from conftest import Visits
from desks import Served
from playwright.sync_api import expect

ROWS = [
    ("a", "Two U.S. B-52 bombers took part in the exercise on 10 December 2025.", "supported"),
    ("b", "Four U.S. B-52 bombers took part in the exercise on 10 December 2025.", "refuted"),
    ("c", "The <b>mayor</b> of Kemi opened a library.", "supported"),
]


def table(rows: list[tuple[str, str, str]]) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerows([("id", "claim", "verdict"), *rows])
    return out.getvalue().encode()


def test_a_file_of_claims_is_sent_in_watched_and_read(desk: Served, visit: Visits) -> None:
    page = visit("reviewer").go("/evaluations")
    chosen = {"name": "monday.csv", "mimeType": "text/csv", "buffer": table([*ROWS, ("", "x", "")])}
    page.get_by_label("Your claims").set_input_files(chosen)
    page.get_by_role("button", name="Evaluate").click()

    expect(page.get_by_role("status")).to_contain_text("3 of 3 rows answered", timeout=60_000)
    expect(page.get_by_role("status")).to_contain_text("1 malformed left out")
    expect(page.get_by_text("line 5:")).to_be_attached()
    expect(page.get_by_role("heading", name="Figures")).to_be_visible()
    assert page.locator(".plots svg").count() > 0
    assert page.locator("tr.first").inner_text().startswith("accuracy")

    page.get_by_role("link", name="Report, with the worst errors").click()
    expect(page.get_by_text("The <b>mayor</b> of Kemi opened a library.").first).to_be_visible()


def test_two_are_chosen_and_compared(desk: Served, visit: Visits) -> None:
    rows = [{"id": id_, "claim": claim, "verdict": verdict} for id_, claim, verdict in ROWS]
    for _ in range(2):
        desk.evaluate(claims=rows)
    page = visit("submitter").go("/evaluations")
    page.locator("input[name=before]").nth(1).check()
    page.locator("input[name=after]").first.check()
    page.get_by_role("button", name="Compare the two").click()

    expect(page.get_by_text("0 righted, 0 broken, 0 of 3 answered differently")).to_be_visible()
    assert page.get_by_role("button", name="Evaluate").count() == 0


@pytest.mark.parametrize(
    ("filled", "told"),
    [
        ({}, "choose a file of claims"),
        ({"Only the first rows": "three"}, "limit: 'three' is no number"),
        ({"Tokens at most": "0"}, "max_tokens"),
    ],
)
def test_what_cannot_be_run_is_told_beside_what_was_typed(
    desk: Served, visit: Visits, filled: dict[str, str], told: str
) -> None:
    page = visit("reviewer").go("/evaluations")
    if filled:
        chosen = {"name": "a.csv", "mimeType": "text/csv", "buffer": table(ROWS)}
        page.get_by_label("Your claims").set_input_files(chosen)
    for label, value in filled.items():
        page.get_by_label(label).fill(value)
    page.get_by_role("button", name="Evaluate").click()
    expect(page.get_by_role("alert")).to_contain_text(told)
    for label, value in filled.items():
        expect(page.get_by_label(label)).to_have_value(value)
