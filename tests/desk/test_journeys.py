"""Journeys of people through the desk, in a real browser against the real server."""

from __future__ import annotations

import json
import re

import pytest
from conftest import SEEDS, Visits
from desks import Served
from playwright.sync_api import Page, expect

ARTICLE = (SEEDS / "articles" / "japan-us-air-exercise.md").read_text(encoding="utf-8")
TEXT = ARTICLE.partition("---\n")[2].partition("---\n")[2].strip()
WITHIN = 60_000
WRONG = "The exercise featured four U.S. B-52H Stratofortress strategic bombers."
RIGHT = "Two U.S. B-52 bombers took part in the exercise over the Sea of Japan on 10 December 2025."
QUOTE = "Two U.S. Air Force B-52 strategic bombers took part together with three F-35A"


@pytest.fixture(scope="module")
def notes(desk: Served) -> list[str]:
    """Notes on the same claim of several submissions, one for each test that decides."""
    claims = [WRONG, RIGHT]
    submitted = [desk.submit(claims=claims) for _ in range(5)]
    with desk.client() as client:
        found = []
        for id_ in submitted:
            shown = client.get(f"/v1/submissions/{id_}").json()
            found += [one["note_id"] for one in shown["claims"] if one["text"] == RIGHT]
    return found


def open_note(page: Page, number: int = 0) -> None:
    page.locator("[data-open]").nth(number).click()
    expect(page.get_by_role("heading", name="Evidence")).to_be_visible()


def test_from_an_article_to_a_correction(desk: Served, visit: Visits) -> None:  # noqa: PLR0915  a journey
    """Submit, watch, read, edit, be refused, approve, publish, see the data, correct it."""
    me = visit()
    page = me.page
    page.get_by_role("link", name="Check a text", exact=True).click()
    expect(page.get_by_text("Stays on this machine", exact=True)).to_be_visible()
    page.get_by_label("The text").fill(TEXT)
    page.get_by_label("Headline").fill("Japan and the United States hold an air exercise")
    page.get_by_label("Published on").fill("2025-12-12")
    page.get_by_role("button", name="Check it").click()
    expect(page.locator(".progress")).to_contain_text("Done", timeout=WITHIN)
    text = page.locator("article.text").inner_text()
    assert "In a rare display of joint military coordination" in text
    found = page.locator(".claims li")
    assert found.count() > 20

    two = found.filter(has_text="involved two U.S. B-52H Stratofortress")
    expect(two.locator(".verdict")).to_contain_text("supported")
    two.locator("[data-open]").click()
    marked = page.locator("mark.quoted").first
    assert "Two U.S. Air Force B-52 strategic bombers" in marked.inner_text()
    expect(page.locator(".finding")).to_contain_text("our digest")
    assert "“" not in page.locator(".cited").first.inner_text()

    page.get_by_role("link", name="Edit", exact=True).click()
    words = page.get_by_label("Quote, word for word").first
    own = words.input_value()
    words.fill(own.replace("Two", "Four"))
    page.get_by_role("button", name="Save a new revision").click()
    refused = page.get_by_role("alert")
    expect(refused).to_contain_text("does not stand in")
    expect(refused).to_contain_text("Four U.S. Air Force B-52")
    page.get_by_label("Quote, word for word").first.fill(own)
    said = page.get_by_label("What officials said").first
    said.fill("Joint Staff, Ministry of Defense, Japan, in our digest: " + own)
    page.get_by_role("button", name="Save a new revision").click()
    expect(page.locator(".facts")).to_contain_text("revision 2")

    page.get_by_role("button", name="Approve").click()
    expect(page.locator(".decide")).to_contain_text("approve by a.reviewer")
    page.get_by_role("button", name="Publish").click()
    expect(page.locator(".facts")).to_contain_text("published")
    page.get_by_role("link", name="The published page").click()
    data = json.loads(page.locator("script[type='application/ld+json']").inner_text())
    assert data["@type"] == "ClaimReview"
    assert "two U.S. B-52H" in data["claimReviewed"]
    assert data["reviewRating"]["alternateName"]
    page.go_back()

    page.get_by_role("link", name="Correct…").click()
    page.get_by_label("What officials said").first.fill(
        "Joint Staff, Ministry of Defense, Japan, 11 December 2025, in our digest: " + own
    )
    page.get_by_label("Why it is corrected").fill("The date of the announcement was missing.")
    page.get_by_role("button", name="Publish the correction").click()
    expect(page.locator(".facts")).to_contain_text("corrected")
    page.get_by_role("link", name="The published page").click()
    expect(page.locator("body")).to_contain_text("The date of the announcement was missing.")


def test_of_two_who_decide_at_once_one_sees_why_not(
    desk: Served, visit: Visits, notes: list[str]
) -> None:
    mine, theirs = visit("reviewer").page, visit("admin").page
    for page in (mine, theirs):
        page.goto(f"{desk.url}/notes/{notes[0]}")
    mine.get_by_role("button", name="Approve").click()
    expect(mine.locator(".decide")).to_contain_text("approve by a.reviewer")
    theirs.get_by_label("Comment", exact=True).fill("I think otherwise")
    theirs.get_by_role("button", name="Reject").click()
    expect(theirs.get_by_role("alert")).to_contain_text("the note is approved")
    expect(theirs.locator(".decide")).to_contain_text("approve by a.reviewer")


def test_an_edit_meanwhile_is_told_and_what_was_written_is_kept(
    desk: Served, visit: Visits, notes: list[str]
) -> None:
    mine, theirs = visit("reviewer").page, visit("admin").page
    for page in (mine, theirs):
        page.goto(f"{desk.url}/notes/{notes[1]}/edit")
    for page in (mine, theirs):
        quote = page.get_by_label("Quote, word for word").first.input_value()
        page.get_by_label("What officials said").first.fill(f"In our digest: {quote}")
        page.get_by_role("button", name="Save a new revision").click()
    expect(mine.locator(".facts")).to_contain_text("revision 2")
    expect(theirs.get_by_role("alert")).to_contain_text("the note is at 2 by now")
    assert theirs.get_by_label("What officials said").first.input_value().startswith("In our")


def test_a_whole_review_with_the_keyboard_alone(
    desk: Served, visit: Visits, notes: list[str]
) -> None:
    page = visit().page
    page.keyboard.press("/")
    page.keyboard.type("took part in the exercise over the Sea of Japan")
    page.keyboard.press("Enter")
    page.wait_for_url("**q=took**")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    page.keyboard.press("Enter")
    page.wait_for_url("**/notes/*")
    first = page.url
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    page.keyboard.press("a")
    expect(page.get_by_role("button", name="Approve")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".decide")).to_contain_text("approve by a.reviewer")
    expect(page.get_by_role("button", name="Publish")).not_to_be_focused()
    expect(page.get_by_role("link", name="Next that waits")).to_be_focused()
    page.keyboard.press("j")
    page.wait_for_url(lambda url: "/notes/" in url and not url.startswith(first))
    page.keyboard.press("r")
    expect(page.get_by_role("button", name="Reject")).to_be_focused()
    page.keyboard.press("c")
    expect(page.get_by_role("button", name="Request changes")).to_be_focused()
    page.keyboard.press("e")
    page.wait_for_url("**/edit")


def test_citations_light_up_their_quotes(desk: Served, visit: Visits, notes: list[str]) -> None:
    page = visit().go(f"/notes/{notes[2]}")
    quote = page.locator("mark.quoted").first
    expect(quote).not_to_have_class(re.compile("lit"))
    page.locator(".ref").first.focus()
    expect(quote).to_have_class(re.compile("lit"))
    page.locator("h1").hover()
    page.locator("body").click(position={"x": 2, "y": 2})
    expect(quote).not_to_have_class(re.compile("lit"))
    page.locator(".cited").first.hover()
    expect(quote).to_have_class(re.compile("lit"))


def test_selected_words_become_a_quote(desk: Served, visit: Visits, notes: list[str]) -> None:
    page = visit().go(f"/notes/{notes[2]}/edit")
    page.evaluate(
        """() => {
            const passage = [...document.querySelectorAll("[data-statement]")]
                .find((one) => one.textContent.includes("growing severe") ||
                               one.textContent.includes("severe"));
            const walker = document.createTreeWalker(passage, NodeFilter.SHOW_TEXT);
            let node;
            while ((node = walker.nextNode()) && !node.data.includes("severe")) {}
            const range = document.createRange();
            range.setStart(node, node.data.indexOf("security environment"));
            range.setEnd(node, node.data.indexOf("severe") + 6);
            getSelection().removeAllRanges();
            getSelection().addRange(range);
        }"""
    )
    page.get_by_role("button", name="Quote this").click()
    quotes = page.get_by_label("Quote, word for word")
    filled = [quotes.nth(i).input_value() for i in range(quotes.count())]
    assert any(one.startswith("security environment") and one.endswith("severe") for one in filled)
    page.get_by_role("button", name="Save a new revision").click()
    expect(page.locator(".facts").or_(page.get_by_role("alert"))).to_be_visible()
    assert "does not stand in" not in page.locator("body").inner_text()


def test_reading_and_deciding_without_script(desk: Served, visit: Visits, notes: list[str]) -> None:
    page = visit(java_script_enabled=False).go(f"/notes/{notes[3]}")
    page.locator(".ref").first.click()
    assert page.url.endswith("#q-1")
    page.get_by_text("Another verdict than the engine's").click()
    page.locator("select[name=verdict]").select_option("conflicting")
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_role("alert")).to_contain_text("reason")
    page.get_by_label("Because").fill("A second account differs.")
    page.get_by_role("button", name="Approve").click()
    expect(page.locator(".verdict-line")).to_contain_text("conflicting")
    expect(page.locator(".claim-column")).to_contain_text("The engine's: supported")


def test_on_a_phone_nothing_is_cut_off(desk: Served, visit: Visits, notes: list[str]) -> None:
    me = visit(width=360)
    for address in ("/queue", "/submissions", "/submissions/new", f"/notes/{notes[4]}",
                    f"/notes/{notes[4]}/edit", "/statements", "/statements/S01"):  # fmt: skip
        page = me.go(address)
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= 360, (address, wide)
    page = me.go(f"/notes/{notes[4]}")
    page.get_by_role("button", name="Request changes").click()
    expect(page.locator(".facts")).to_contain_text("changes requested")


def test_many_notes_are_taken_at_once_and_never_approved(desk: Served, visit: Visits) -> None:
    desk.submit(claims=["The exercise of 10 December 2025 took place over the Sea of Japan."])
    desk.submit(claims=["Two B-52 flew over the Sea of Japan on 10 December 2025."])
    page = visit().go("/queue?whose=nobody&q=10 December")
    boxes = page.get_by_role("checkbox", name=re.compile("^Choose"))
    boxes.nth(0).check()
    boxes.nth(1).check()
    expect(page.get_by_role("button", name=re.compile("Approve"))).to_have_count(0)
    page.get_by_role("button", name="Take them").click()
    page.goto(f"{desk.url}/queue?whose=me")
    expect(page.locator("[data-row]")).to_have_count(2)
