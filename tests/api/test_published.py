"""What everybody may read without a key: pages, feeds and ClaimReview of published notes."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from datetime import datetime
from html.parser import HTMLParser
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit

import feedparser
import httpx
import pytest
from asking import body_of, problem
from desks import Served
from lxml import etree
from tiny_corpus import BOMBERS, LOAN

from service.claims.factchecks import read
from service.notes.publishing import RATINGS
from service.types import Verdict

DOCS = Path(__file__).parents[2] / "docs" / "publishing.md"
_NUMBERS = count(1)
EVIL = '</script><script>alert(1)</script><img src=x onerror="alert(2)">'


@pytest.fixture
def public(desk: Served) -> Iterator[httpx.Client]:
    with desk.client(None) as client:
        yield client


@pytest.fixture
def setting(desk: Served) -> Iterator:
    """Changes settings of the desk for a test."""
    before = desk.desk.settings

    def change(**values: object) -> None:
        object.__setattr__(desk.desk, "settings", before.model_copy(update=values))

    yield change
    object.__setattr__(desk.desk, "settings", before)


def drafted(desk: Served, claim: str = LOAN, **about: object) -> dict:
    about = {"title": f"Public {next(_NUMBERS)}", **about}
    with desk.client() as admin:
        id_ = desk.submit(claims=[claim], **about)
        (one,) = admin.get(f"/v1/submissions/{id_}").json()["claims"]
        found: dict = body_of(admin.get(f"/v1/notes/{one['note_id']}"), 200)
    return found


def decide(client: httpx.Client, note: dict, decision: str, **body: object) -> dict:
    told = {"decision": decision, "revision": 1, **body}
    shown: dict = body_of(client.post(f"/v1/notes/{note['id']}/decisions", json=told), 201)
    return shown


def published(
    desk: Served, client: httpx.Client, claim: str = LOAN, verdict: dict | None = None, **about
) -> dict:
    note = drafted(desk, claim, **about)
    decide(client, note, "approve", **(verdict or {}))
    return decide(client, note, "publish")


class _Reader(HTMLParser):
    """A page's text, its links, the tags in it, and its blocks of data."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.text, self.tags, self.data = "", [], []
        self._in: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag, attrs) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in {"meta", "link", "img", "br"}:
            self._in.append(tag)

    def handle_endtag(self, tag) -> None:
        assert self._in.pop() == tag, "the page is well nested"

    def handle_data(self, data) -> None:
        if self._in and self._in[-1] == "script":
            self.data.append(json.loads(data))
        else:
            self.text += data


def page_of(client: httpx.Client, path: str, status: int = 200) -> _Reader:
    answer = client.get(path)
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'self';")
    assert "unsafe" not in policy
    found = _Reader(answer.text)
    for tag, attributes in found.tags:
        assert not any(name.startswith("on") for name in attributes), "no inline script"
        assert "style" not in attributes, "no inline style"
        assert tag not in {"style", "iframe", "img", "form"}
        if tag == "script":
            assert attributes == {"type": "application/ld+json"}
        href = attributes.get("href", "")
        assert not urlsplit(href).scheme or urlsplit(href).scheme in {"http", "https"}
        if tag == "a" and urlsplit(href).scheme:
            assert "noopener" in attributes["rel"]
    return found


def check_claim_review(told: dict) -> None:
    """Hold a ClaimReview to what schema.org defines and Google's documentation asks for.

    Required: claimReviewed, reviewRating with alternateName, url. Recommended: author,
    itemReviewed, datePublished; a rating of numbers between worstRating and bestRating.
    """
    assert told["@context"] == "https://schema.org"
    assert told["@type"] == "ClaimReview"
    assert isinstance(told["claimReviewed"], str)
    assert told["claimReviewed"]
    assert urlsplit(told["url"]).scheme in {"http", "https"}
    assert datetime.fromisoformat(told["datePublished"]).tzinfo is not None
    assert told["dateModified"] >= told["datePublished"]
    rating = told["reviewRating"]
    assert rating["@type"] == "Rating"
    assert rating["alternateName"]
    numbers = [rating.get(name) for name in ("worstRating", "ratingValue", "bestRating")]
    if any(number is not None for number in numbers):
        worst, value, best = numbers
        assert 1 <= worst <= value <= best
        assert worst < best
    author = told["author"]
    assert author["@type"] in {"Organization", "Person"}
    assert author["name"]
    assert urlsplit(author["url"]).scheme in {"http", "https"}
    claim = told["itemReviewed"]
    assert claim["@type"] == "Claim"
    if "author" in claim:
        assert claim["author"]["@type"] in {"Organization", "Person"}
        assert claim["author"]["name"]
    if "datePublished" in claim:
        datetime.fromisoformat(claim["datePublished"])
    if "appearance" in claim:
        assert claim["appearance"]["@type"] == "CreativeWork"
        assert urlsplit(claim["appearance"]["url"]).scheme in {"http", "https"}
    known = {
        "@context", "@type", "url", "claimReviewed", "itemReviewed", "reviewRating", "author",
        "datePublished", "dateModified", "inLanguage",
    }  # fmt: skip
    assert told.keys() <= known, "schema.org defines no other of these for ClaimReview"


# Pages.


def test_a_published_note_is_a_page_with_who_said_what_when(desk: Served, reviewer, public) -> None:
    note = published(desk, reviewer)
    page = page_of(public, f"/published/{note['id']}")
    for words in (
        LOAN,
        "Supported by official statements",
        note["note"][0]["text"],
        note["note"][0]["citations"][0]["quote"],
        "European Council, 10 December 2025",
        "Searched: ",
    ):
        assert words in page.text
    (told,) = page.data
    check_claim_review(told)
    assert told["url"] == f"{desk.url}/published/{note['id']}"
    assert note["id"] in json.dumps(page_of(public, "/published").tags)


def test_what_is_not_published_has_no_page(desk: Served, reviewer, public) -> None:
    note = drafted(desk)
    page_of(public, f"/published/{note['id']}", 404)
    decide(reviewer, note, "approve")
    page_of(public, f"/published/{note['id']}", 404)
    for odd in ("0" * 64, "x", "%00", "..%5c..", "A" * 3_000):
        page_of(public, f"/published/{odd}", 404)
    listed = page_of(public, "/published")
    assert note["id"] not in json.dumps(listed.tags)


def test_nothing_of_the_desk_is_told_to_the_public(desk: Served, reviewer, public) -> None:
    note = published(
        desk,
        reviewer,
        verdict={"verdict": "refuted", "reason": "Inner reason.", "comment": "Inner comment."},
    )
    text = {"text": "Inner talk."}
    body_of(reviewer.post(f"/v1/notes/{note['id']}/comments", json=text), 201)
    for path in (f"/published/{note['id']}", "/published", "/published/feed.json"):
        told = public.get(path).text
        assert "Inner" not in told
        assert "a.reviewer" not in told


def test_the_persons_verdict_is_what_is_published(desk: Served, reviewer, public) -> None:
    note = published(desk, reviewer, verdict={"verdict": "refuted", "reason": "Withdrawn."})
    assert note["verdict"] == "supported"
    page = page_of(public, f"/published/{note['id']}")
    assert "Refuted by official statements" in page.text
    assert "Supported by" not in page.text
    assert page.data[0]["reviewRating"]["ratingValue"] == 1


def test_corrections_are_dated_and_told_with_their_reason(desk: Served, reviewer, public) -> None:
    note = published(desk, reviewer)
    decide(reviewer, note, "correct", verdict="conflicting", reason="A second statement was found.")
    decide(reviewer, note, "correct", verdict="refuted", reason="The first was withdrawn.")
    page = page_of(public, f"/published/{note['id']}")
    today = datetime.now().astimezone().year
    assert page.text.count("Corrected on") == 2
    assert str(today) in page.text
    assert page.text.index("The first was withdrawn.") < page.text.index("A second statement")
    assert "The verdict was set to: Refuted by official statements." in page.text
    (told,) = page.data
    check_claim_review(told)
    assert told["reviewRating"]["ratingValue"] == 1


def test_a_retracted_note_keeps_its_address_and_says_why(desk: Served, reviewer, public) -> None:
    note = published(desk, reviewer)
    decide(reviewer, note, "retract", reason="The statement was a forgery.")
    page = page_of(public, f"/published/{note['id']}")
    assert "Retracted on" in page.text
    assert "The statement was a forgery." in page.text
    assert note["note"][0]["citations"][0]["quote"] not in page.text
    assert page.data == []
    assert problem(reviewer.get(f"/v1/notes/{note['id']}/claimreview"), 404) == "not-found"
    (item,) = [one for one in _items(public) if note["id"] in one["id"]]
    assert item["title"].startswith("Retracted: ")
    assert item["tags"] == ["retracted"]


def test_our_digests_words_stand_in_no_quotation_marks(desk: Served, reviewer, public) -> None:
    words = "The port of Kemi handled 4,711 containers in November 2025."
    statement = {
        "id": "D1", "issuer": "Port of Kemi", "published": "2025-12-01", "kind": "digest",
        "text": words,
    }  # fmt: skip
    body_of(reviewer.post("/v1/statements", json={"statements": [statement]}), 201)
    note = published(desk, reviewer, words)
    page = public.get(f"/published/{note['id']}").text
    assert f'<span class="kind digest">our digest</span> {words}</p>' in page
    assert "our digest of Port of Kemi" in page
    assert f"<q>{words}" not in page
    shown = page_of(public, f"/published/{note['id']}").text
    assert shown.count(words) >= 2
    assert not re.search(f"[“\"«„']{re.escape(words)}", shown)


def test_hostile_words_are_words(desk: Served, reviewer, public) -> None:
    note = published(desk, reviewer, f"{LOAN} {EVIL}", source_url="https://example.org/?a=<b>&c")
    decide(reviewer, note, "correct", verdict="refuted", reason=EVIL)
    page = page_of(public, f"/published/{note['id']}")
    assert EVIL in page.text
    assert [one["claimReviewed"] for one in page.data] == [f"{LOAN} {EVIL}"]
    page_of(public, "/published")
    raw = public.get(f"/published/{note['id']}").text
    assert "<script>" not in raw
    assert "<img" not in raw


def test_an_address_that_is_none_of_the_webs_is_no_link(desk: Served, reviewer, public) -> None:
    evil = "javascript:alert(1)"
    statement = {"id": "J1", "issuer": "Port of Pori", "published": "2025-12-01"}
    text = "The port of Pori handled 3,141 containers in November 2025."
    line = json.dumps({**statement, "text": text, "url": evil})
    files = {"files": ("one.jsonl", line.encode(), "application/jsonl")}
    body_of(reviewer.post("/v1/statements/files", files=files), 201)
    note = published(desk, reviewer, text)
    assert evil not in public.get(f"/published/{note['id']}").text
    page_of(public, f"/published/{note['id']}")


def test_the_list_goes_on_page_by_page(desk: Served, reviewer, public, monkeypatch) -> None:
    monkeypatch.setattr("service.desk.published._AT_ONCE", 2)
    ids = {published(desk, reviewer)["id"] for _ in range(3)}
    seen: list[str] = []
    path = "/published"
    while path:
        page = page_of(public, path)
        links = [one["href"] for tag, one in page.tags if tag == "a"]
        seen += [link.rpartition("/")[2] for link in links if re.search("/[0-9a-f]{64}$", link)]
        path = next((link for link in links if "cursor=" in link), "")
    assert len(seen) == len(set(seen))
    assert ids <= set(seen)
    assert problem(public.get("/published?cursor=x"), 422) == "invalid-request"


def test_the_stylesheet_is_a_file_of_ours(public) -> None:
    answer = public.get("/static/desk.css")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/css")


def test_the_public_is_let_in_unless_it_is_switched_off(
    desk: Served, reviewer, public, setting
) -> None:
    note = published(desk, reviewer)
    setting(public=False)
    for path in ("", f"/{note['id']}", "/feed.json", "/feed.atom"):
        assert problem(public.get(f"/published{path}"), 404) == "not-found"
    body_of(reviewer.get(f"/v1/notes/{note['id']}/claimreview"), 200)


# Feeds.


def _items(client: httpx.Client) -> list[dict]:
    answer = client.get("/published/feed.json")
    assert answer.headers["Content-Type"] == "application/feed+json"
    feed = body_of(answer, 200)
    assert feed["version"] == "https://jsonfeed.org/version/1.1"
    assert feed["title"]
    assert feed["feed_url"].endswith("/published/feed.json")
    items: list[dict] = feed["items"]
    for item in items:
        assert isinstance(item["id"], str)
        assert item["content_text"]
        for name in ("date_published", "date_modified"):
            assert datetime.fromisoformat(item[name]).tzinfo is not None
    assert len({item["id"] for item in items}) == len(items)
    return items


def _entries(client: httpx.Client) -> list[dict]:
    """The entries of the Atom feed, which has what RFC 4287 requires of feeds and entries."""
    answer = client.get("/published/feed.atom")
    assert answer.headers["Content-Type"] == "application/atom+xml"
    root = etree.fromstring(answer.content)
    ns = {"a": "http://www.w3.org/2005/Atom"}
    assert root.tag == f"{{{ns['a']}}}feed"
    for node in [root, *root.findall("a:entry", ns)]:
        for name in ("id", "title", "updated"):
            assert len(node.findall(f"a:{name}", ns)) == 1
            assert node.findtext(f"a:{name}", namespaces=ns)
        assert datetime.fromisoformat(node.findtext("a:updated", namespaces=ns)).tzinfo
    assert root.findtext("a:author/a:name", namespaces=ns)
    assert [one.get("rel") for one in root.findall("a:link", ns)] == ["self", "alternate"]
    parsed = feedparser.parse(io.BytesIO(answer.content))
    assert not parsed.bozo
    entries: list[dict] = parsed.entries
    return entries


def test_both_feeds_tell_the_same_the_newest_change_first(desk: Served, reviewer, public) -> None:
    first = published(desk, reviewer)
    second = published(desk, reviewer, BOMBERS)
    assert second["id"] in _items(public)[0]["id"]
    decide(reviewer, first, "correct", verdict="refuted", reason=f"Corrected. {EVIL}")
    items, entries = _items(public), _entries(public)
    assert first["id"] in items[0]["id"]
    assert [one["id"] for one in items] == [one["id"] for one in entries]
    assert [one["title"] for one in items] == [one["title"] for one in entries]
    assert [one["url"] for one in items] == [one["link"] for one in entries]
    assert [one["date_modified"] for one in items] == [one["updated"] for one in entries]
    assert EVIL in items[0]["content_text"]
    page_of(public, urlsplit(items[0]["url"]).path)


# ClaimReview, and whose it is.


def test_a_claim_review_is_what_the_rules_want_and_others_can_read(
    desk: Served, reviewer, submitter
) -> None:
    note = published(desk, reviewer, source_url="https://example.org/article")
    answer = submitter.get(f"/v1/notes/{note['id']}/claimreview")
    told = body_of(answer, 200)
    assert answer.headers["Content-Type"] == "application/ld+json"
    check_claim_review(told)
    assert told["claimReviewed"] == LOAN
    assert told["itemReviewed"]["appearance"]["url"] == "https://example.org/article"
    assert told["itemReviewed"]["datePublished"] == note["claim_date"]


def test_the_newsrooms_own_words_and_name_are_used(
    desk: Served, reviewer, public, setting, tmp_path
) -> None:
    note = published(desk, reviewer)
    setting(
        publisher_name="The <Daily>",
        publisher_url="https://daily.example",
        publisher_logo="https://daily.example/logo.png",
        rating_labels={Verdict.SUPPORTED: "True & fair"},
        public_url="https://facts.daily.example",
    )
    page = page_of(public, f"/published/{note['id']}")
    assert "True & fair" in page.text
    (told,) = page.data
    check_claim_review(told)
    assert told["reviewRating"]["alternateName"] == "True & fair"
    assert told["url"] == f"https://facts.daily.example/published/{note['id']}"
    assert told["author"] == {
        "@type": "Organization",
        "name": "The <Daily>",
        "url": "https://daily.example",
        "logo": "https://daily.example/logo.png",
    }
    assert _entries(public)[0]["link"].startswith("https://facts.daily.example/published/")
    assert _items(public)[0]["title"] == f"True & fair: {LOAN}"
    (tmp_path / "checks.json").write_text(json.dumps(told))
    ((check,), problems) = read(tmp_path / "checks.json")
    assert (check.claim, check.rating, check.publisher, problems) == (
        LOAN, "True & fair", "The <Daily>", [],
    )  # fmt: skip


def test_a_claim_review_is_of_what_is_published_alone(desk: Served, reviewer) -> None:
    note = drafted(desk)
    assert problem(reviewer.get(f"/v1/notes/{note['id']}/claimreview"), 404) == "not-found"


def test_the_page_of_the_docs_has_the_ratings() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (\S+) \| (\S+) \| (\S+) \| (.+) \|$", DOCS.read_text(), re.M)
    assert {
        Verdict(verdict): (None if value == "none" else int(value), label)
        for verdict, value, best, worst, label in rows
        if (best, worst) in {("5", "1"), ("none", "none")}
    } == {verdict: (rating.value, rating.label) for verdict, rating in RATINGS.items()}


def test_what_everybody_reads_is_erased_by_an_admin_alone(
    desk: Served, reviewer, submitter, public, admin
) -> None:
    note = published(desk, reviewer)
    path = f"/v1/submissions/{note['submission_id']}"
    assert problem(submitter.delete(path), 403) == "forbidden"
    page_of(public, f"/published/{note['id']}")
    assert admin.delete(path).status_code == 204
    page_of(public, f"/published/{note['id']}", 404)
