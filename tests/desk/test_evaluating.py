"""An evaluation at the desk: a file of claims sent in, watched, its report, and two compared."""

from __future__ import annotations

import csv
import io
import tempfile

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
    expect(page.get_by_role("heading", level=1)).to_contain_text("monday.csv")
    expect(page.get_by_role("heading", name="Figures")).to_be_visible()
    assert page.locator(".plots svg").count() > 0
    assert page.locator("tr.first").inner_text().startswith("accuracy")

    page.get_by_role("link", name="Report, with the worst errors").click()
    expect(page.get_by_text("The <b>mayor</b> of Kemi opened a library.").first).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_contain_text("monday.csv")

    page = visit("reviewer").go("/evaluations")
    expect(page.get_by_role("link", name="monday.csv")).to_be_visible()


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


def test_the_form_to_go_on_keeps_the_limits_that_were_set(desk: Served, visit: Visits) -> None:
    rows = [{"id": id_, "claim": claim, "verdict": verdict} for id_, claim, verdict in ROWS]
    with desk.client("reviewer") as client:
        body = {"claims": rows, "max_tokens": 7, "max_cost": 0}
        id_ = client.post("/v1/evaluations", json=body).json()["id"]
    assert desk.evaluated(id_)["state"] == "stopped"
    page = visit("reviewer").go(f"/evaluations/{id_}")
    expect(page.get_by_text("the limit in cost, 0, is reached").first).to_be_visible()
    expect(page.get_by_label("Tokens at most")).to_have_value("7")
    expect(page.get_by_label("Cost at most")).to_have_value("0.0")
    page.get_by_label("Cost at most").fill("")
    page.get_by_role("button", name="Go on with what has no answer").click()
    expect(page.get_by_role("status")).to_contain_text("3 of 3 rows answered", timeout=60_000)


FILES = {
    "a file and seeds are chosen": ("a.csv", table(ROWS), {"dataset": "seeds"}),
    "a.csv: no row could be read: it is empty": ("a.csv", b"id,claim,verdict\n", {}),
    "a.jsonl: no row could be read: line 1: nested too deeply": ("a.jsonl", b"[" * 100_000, {}),
    "a.xlsx: no row could be read: line 1: not UTF-8": ("a.xlsx", b"PK\xff\xfe\n", {}),
    "a.jsonl: more than 1,000 lines cannot be read, as line 1: not JSON": (
        "a.jsonl",
        b"x\n" * 100_000,
        {},
    ),
    "a.csv: has more than 20,000 rows": (
        "a.csv",
        b"id,claim,verdict\n" + b"a,The sea is wide.,refuted\n" * 20_001,
        {},
    ),
    "save the table as CSV in UTF-8": (
        "a.csv",
        b"id,claim,verdict\na,b,refuted\n\xff,c,refuted\n",
        {},
    ),
    "max_cost: Input should be a finite number": ("a.csv", table(ROWS), {"max_cost": "1e400"}),
    "openai would send texts to": ("a.csv", table(ROWS), {"engine": "openai"}),
}


@pytest.mark.parametrize("told", FILES)
def test_a_file_that_cannot_be_run_is_refused_at_once_by_its_name(
    desk: Served, visit: Visits, told: str
) -> None:
    name, content, more = FILES[told]
    me = visit("reviewer")
    token = me.go("/evaluations").locator("input[name=csrf]").last.get_attribute("value")
    answer = me.context.request.post(
        f"{desk.url}/evaluations",
        multipart={
            "csrf": token,
            "claims": {"name": name, "mimeType": "text/plain", "buffer": content},
            **more,
        },
        headers={"Origin": desk.url},
    )
    assert answer.status == 422
    me.page.set_content(answer.text())
    shown = me.page.get_by_role("alert").inner_text()
    assert told in shown
    assert tempfile.gettempdir() not in shown


def test_texts_go_nowhere_that_the_service_is_not_set_to(desk: Served) -> None:
    rows = [{"id": id_, "claim": claim, "verdict": verdict} for id_, claim, verdict in ROWS]
    with desk.client("reviewer") as client:
        answer = client.post("/v1/evaluations", json={"claims": rows, "engine": "openai"})
    assert answer.status_code == 422
    assert "engine: openai would send texts to" in answer.json()["detail"]
    assert "VERINOTE_ENGINE" in answer.json()["detail"]
