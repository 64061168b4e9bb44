"""Feeds are synced from a real server on loopback; names of hosts lead there, and time is told."""

from __future__ import annotations

import gzip
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date
from http.server import BaseHTTPRequestHandler
from itertools import pairwise
from pathlib import Path

import pytest
from servers import Site, open_site
from typer.testing import CliRunner, Result

from service.audit.corpus import command_witness
from service.kit.database import Database
from service.kit.errors import SOME_FAILED, InputError
from service.settings import Settings
from service.statements import intake, repository
from service.statements.commands import corpus_app
from service.statements.feeds import Feed, FeedReport, Hosts, SyncReport, sync
from service.statements.feeds.sync import RunLimits
from service.statements.fetch import refusal
from service.statements.repository import StoredVersion
from service.types import Kind

FEED_KIND, PAGE_KIND = "application/rss+xml", "text/html; charset=utf-8"
GERMAN = (
    "Das Auswärtige Amt hat am Dienstag mitgeteilt, dass zwei Fregatten in das Mittelmeer verlegt "
    "werden. Die Entscheidung ist im Kabinett gefallen und gilt bis zum Ende des Jahres."
)


@dataclass
class Clock:
    """Time that passes only by waiting, and when each host was connected to."""

    now: float = 0.0
    asked: list[tuple[str, float]] = field(default_factory=list)

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def resolve(self, host: str, _: int) -> list[str]:
        self.asked.append((host, self.now))
        return ["127.0.0.1"]

    def pauses(self, host: str) -> list[float]:
        """Seconds between one request to a host and the next."""
        times = [when for name, when in self.asked if name == host]
        return [after - before for before, after in pairwise(times)]


@pytest.fixture
def site() -> Iterator[Site]:
    with open_site() as made:
        yield made


@pytest.fixture
def clock() -> Clock:
    return Clock()


@dataclass
class Desk:
    """A corpus that is synced with the feeds of a site."""

    site: Site
    database: Database
    settings: Settings
    clock: Clock

    def url(self, path: str, host: str = "ministry.test") -> str:
        return self.site.url(path, host)

    def feed(self, path: str = "/feed", host: str = "ministry.test", **keys: object) -> Feed:
        return Feed(url=self.url(path, host), **{"issuer": "Ministry of Tests", **keys})

    def sync(
        self, *feeds: Feed, limits: RunLimits | None = None, **hosts: object
    ) -> FeedReport | list[FeedReport]:
        """The report of each feed; the one where there is one."""
        reports = self.report(*feeds, limits=limits, **hosts).feeds
        return reports[0] if len(reports) == 1 else list(reports)

    def report(self, *feeds: Feed, limits: RunLimits | None = None, **hosts: object) -> SyncReport:
        world = {"clock": self.clock, "sleep": self.clock.sleep, "resolver": self.clock.resolve}
        asked = Hosts(self.settings, **{**world, **hosts})
        chosen = feeds or (self.feed(),)
        return sync(self.database, chosen, self.settings, hosts=asked, limits=limits)

    def stored(self) -> list[StoredVersion]:
        with self.database.transaction() as session:
            return repository.statements(session)

    def versions(self) -> dict[str, int]:
        """The newest version of each statement, by the path of its address."""
        return {stored.ref.url.rpartition("/")[2]: stored.ref.version for stored in self.stored()}

    def asked(self) -> list[str]:
        """The paths that were asked for since this was asked last."""
        paths = [path for path, _ in self.site.asked]
        self.site.asked.clear()
        return paths


@pytest.fixture
def desk(site: Site, database: Database, settings: Settings, clock: Clock) -> Desk:
    allowed = settings.model_copy(update={"fetch_allow_private": True})
    return Desk(site, database, allowed, clock)


@pytest.fixture
def lists(site: Site) -> Callable[..., None]:
    def say(*items: str, path: str = "/feed", **validators: str) -> None:
        """A feed that lists items; ``a=2`` is /a, changed on day 2."""
        entries = "".join(_item(*item.partition("=")[::2]) for item in items)
        body = f'<rss version="2.0"><channel><title>News</title>{entries}</channel></rss>'
        site.keeps(body.encode(), path, FEED_KIND, **(validators or {"ETag": f'"{body}"'}))

    return say


def _item(name: str, day: str) -> str:
    changed = f"<pubDate>Mon, {int(day):02} Dec 2025 09:00:00 GMT</pubDate>" if day else ""
    link = name if ":" in name else f"/{name}"
    return f"<item><title>About {name}</title><link>{link}</link>{changed}</item>"


@pytest.fixture
def pages(site: Site, page) -> Callable[..., None]:
    def say(*names: str, text: str = "", head: str = "", **validators: str) -> None:
        for name in names:
            words = text or f"The ministry announced plan {name} on Tuesday, with all its details."
            site.keeps(page(f"<p>{words}</p>", head).encode(), f"/{name}", PAGE_KIND, **validators)

    return say


def counts(report: FeedReport) -> tuple[int, ...]:
    """Listed, new, changed, unchanged, failed, skipped."""
    return (
        report.listed,
        len(report.new),
        len(report.changed),
        report.unchanged,
        len(report.failed),
        len(report.skipped),
    )


# New, changed, unchanged, gone.


def test_new_items_become_statements(desk: Desk, lists, pages):
    lists("a", "b")
    pages("a", "b")

    assert counts(desk.sync()) == (2, 2, 0, 0, 0, 0)
    assert desk.versions() == {"a": 1, "b": 1}
    assert desk.asked() == ["/robots.txt", "/feed", "/a", "/b"]


def test_a_feed_that_says_that_nothing_changed_costs_one_request(desk: Desk, lists, pages):
    lists("a", "b")
    pages("a", "b")
    desk.sync()
    desk.asked()

    report = desk.report()

    assert counts(report.feeds[0]) == (2, 0, 0, 2, 0, 0)
    assert report.revision == 2
    assert desk.asked() == ["/robots.txt", "/feed"]


def test_items_that_a_feed_lists_as_before_are_not_fetched_again(desk: Desk, lists, pages):
    lists("a=1", "b=1")
    pages("a", "b", "c")
    desk.sync()
    desk.asked()
    lists("c=2", "a=1", "b=1")

    assert counts(desk.sync()) == (3, 1, 0, 2, 0, 0)
    assert desk.asked() == ["/robots.txt", "/feed", "/c"]


def test_a_changed_item_becomes_a_new_version(desk: Desk, lists, pages):
    lists("a=1")
    pages("a")
    desk.sync()
    lists("a=2")
    pages("a", text="The ministry announced on Wednesday that plan A is given up after all.")

    report = desk.sync()

    assert counts(report) == (1, 0, 1, 0, 0, 0)
    assert report.changed == [desk.stored()[0].ref.statement_id]
    assert desk.versions() == {"a": 2}


def test_a_change_that_only_the_feed_tells_is_none(desk: Desk, lists, pages):
    lists("a=1")
    pages("a", ETag='"1"')
    desk.sync()
    desk.asked()
    lists("a=2")

    assert counts(desk.sync()) == (1, 0, 0, 1, 0, 0)
    assert "/a" in desk.asked()
    lists("a=2", ETag='"another"')
    desk.sync()
    assert "/a" not in desk.asked()


def test_an_item_that_is_listed_no_more_stays(desk: Desk, lists, pages):
    lists("a", "b")
    pages("a", "b")
    desk.sync()
    lists("b")

    assert counts(desk.sync()) == (1, 0, 0, 1, 0, 0)
    assert desk.versions() == {"a": 1, "b": 1}


def test_a_statement_that_was_added_by_hand_is_the_same_one(desk: Desk, lists, pages):
    lists("a")
    pages("a")
    address = desk.site.url("/a")
    intake.add(desk.database, [address], desk.settings)

    assert counts(desk.sync(desk.feed(host="127.0.0.1"))) == (1, 0, 0, 1, 0, 0)
    assert len(desk.stored()) == 1


def test_a_withdrawn_statement_stays_withdrawn(desk: Desk, lists, pages):
    lists("a=1")
    pages("a")
    desk.sync()
    (stored,) = desk.stored()
    intake.withdraw(desk.database, stored.ref.statement_id)
    lists("a=2")
    pages("a", text="The ministry announced something else about plan A later on Friday.")

    assert counts(desk.sync()) == (1, 0, 0, 1, 0, 0)
    assert desk.stored()[0].withdrawn_at is not None


# What is known of a statement.


def test_what_the_page_does_not_say_comes_from_the_feed(desk: Desk, lists, site: Site):
    lists("a=9")
    site.says(b"Two bombers flew over the sea on Tuesday.", "/a", Content_Type="text/plain")

    desk.sync(desk.feed(statement_kind="translation", reported_by=["https://desk.test/"]))

    (ref,) = [stored.ref for stored in desk.stored()]
    assert (ref.issuer, ref.title) == ("Ministry of Tests", "About a")
    assert ref.published == date(2025, 12, 9)
    assert ref.kind is Kind.TRANSLATION
    assert ref.reported_by == ("https://desk.test/",)


def test_what_the_page_says_goes_before_the_feed(desk: Desk, lists, pages):
    lists("a=9")
    pages(
        "a",
        head='<meta property="og:site_name" content="Joint Staff">'
        '<meta property="article:published_time" content="2025-12-08">',
    )

    desk.sync()

    (ref,) = [stored.ref for stored in desk.stored()]
    assert (ref.issuer, ref.title) == ("Joint Staff", "Bilateral exercise")
    assert ref.published == date(2025, 12, 8)


def test_the_name_of_a_host_does_not_go_before_the_feeds_issuer(desk: Desk, lists, pages):
    lists("a")
    pages("a", head='<link rel="canonical" href="https://www.ministry.test/a">')

    desk.sync()

    assert desk.stored()[0].ref.issuer == "Ministry of Tests"


def test_a_pdf_is_read_as_one(desk: Desk, lists, site: Site, pdf):
    lists("a.pdf")
    site.says(pdf("Two bombers flew over the sea."), "/a.pdf", Content_Type="application/pdf")

    assert counts(desk.sync()) == (1, 1, 0, 0, 0, 0)
    assert desk.stored()[0].media_type == "application/pdf"


def test_a_german_item_is_stored_and_counted_as_not_searched(desk: Desk, lists, pages):
    lists("a", "b")
    pages("a", text=GERMAN)
    pages("b")

    report = desk.sync()

    assert (len(report.new), report.not_searched) == (2, 1)
    assert {stored.ref.language for stored in desk.stored()} == {"de", "en"}


# What is wanted.


def test_only_wanted_items_are_listed(desk: Desk, lists, pages):
    lists("press1=9", "press2=1", "about=9")
    pages("press1")

    feed = desk.feed(include=["*/press*"], since=date(2025, 12, 5))

    assert counts(desk.sync(feed)) == (1, 1, 0, 0, 0, 0)


def test_a_feed_as_before_is_read_again_when_other_items_are_wanted(desk: Desk, lists, pages):
    lists("a", "b")
    pages("a", "b")
    desk.sync(desk.feed(include=["*/a"]))

    assert counts(desk.sync()) == (2, 1, 0, 1, 0, 0)


def test_what_is_over_the_limit_is_left_for_the_next_run(desk: Desk, lists, pages):
    lists("a", "b", "c")
    pages("a", "b", "c")
    feed = desk.feed(limit=2)

    first, second = desk.sync(feed), desk.sync(feed)

    assert (counts(first), first.left) == ((3, 2, 0, 0, 0, 0), 1)
    assert (counts(second), second.left) == ((3, 1, 0, 2, 0, 0), 0)


def test_broken_items_do_not_keep_out_the_one_behind_them(desk: Desk, lists, pages):
    lists("gone1", "gone2", "a")
    pages("a")
    feed = desk.feed(limit=2)

    assert counts(desk.sync(feed)) == (3, 0, 0, 0, 2, 0)
    assert counts(desk.sync(feed)) == (3, 1, 0, 0, 1, 0)


def test_a_feed_that_takes_too_long_leaves_the_rest_for_the_next_run(desk: Desk, lists, pages):
    lists("a", "b", "c")
    pages("a", "b", "c")

    first = desk.sync(limits=RunLimits(seconds=2.5))  # one second a request: feed, a, b

    assert (len(first.new), first.left) == (2, 1)
    assert desk.sync().left == 0
    assert desk.versions() == {"a": 1, "b": 1, "c": 1}


# Sitemaps.


def sitemap(*entries: str, tag: str = "url", day: str = "") -> bytes:
    lastmod = f"<lastmod>{day}</lastmod>" if day else ""
    inside = "".join(f"<{tag}><loc>{entry}</loc>{lastmod}</{tag}>" for entry in entries)
    outer = {"url": "urlset", "sitemap": "sitemapindex"}[tag]
    space = "http://www.sitemaps.org/schemas/sitemap/0.9"
    return f'<?xml version="1.0"?><{outer} xmlns="{space}">{inside}</{outer}>'.encode()


def test_an_index_of_sitemaps_is_followed_gzip_too(desk: Desk, site: Site, pages):
    index = sitemap("/one.xml.gz", "/two.xml", "/fr.xml", tag="sitemap")
    site.keeps(index, "/feed", "application/xml", ETag='"same as ever"')
    packed = gzip.compress(sitemap("/a", "/b", day="2025-12-01"))
    site.keeps(packed, "/one.xml.gz", "application/gzip", ETag='"1"')
    site.keeps(sitemap("/b", "/c"), "/two.xml", "application/xml", ETag='"2"')
    pages("a", "b", "c")
    feed = desk.feed(kind="sitemap", exclude=["*/fr.xml"])

    first = desk.sync(feed)
    desk.asked()
    second = desk.sync(feed)

    assert counts(first) == (3, 3, 0, 0, 0, 0)
    assert counts(second)[1:] == (0, 0, second.listed, 0, 0)
    assert desk.asked() == ["/robots.txt", "/feed", "/one.xml.gz", "/two.xml"]


def test_a_changed_lastmod_is_a_change(desk: Desk, site: Site, pages):
    site.says(sitemap("/a", day="2025-12-01"), "/feed")
    pages("a")
    desk.sync()
    site.says(sitemap("/a", day="2025-12-02"), "/feed")
    pages("a", text="The ministry announced on Wednesday that plan A is given up after all.")

    assert counts(desk.sync()) == (1, 0, 1, 0, 0, 0)
    assert desk.stored()[0].ref.published is None


def test_a_broken_sitemap_inside_an_index_is_named_and_the_others_read(desk, site: Site, pages):
    site.says(sitemap("/gone.xml", "/bad.xml", "/good.xml", tag="sitemap"), "/feed")
    site.says(b"<urlset><url>", "/bad.xml")
    site.says(sitemap("/a"), "/good.xml")
    pages("a")

    report = desk.sync()

    assert counts(report) == (1, 1, 0, 0, 2, 0)
    assert [name for name, _ in report.failed] == [desk.url("/gone.xml"), desk.url("/bad.xml")]


def test_sitemaps_that_list_each_other_come_to_an_end(desk: Desk, site: Site):
    site.says(sitemap("/feed", "/other", tag="sitemap"), "/feed")
    site.says(sitemap("/feed", tag="sitemap"), "/other")

    assert counts(desk.sync()) == (0, 0, 0, 0, 0, 0)


def test_there_is_a_limit_to_sitemaps_and_items(desk: Desk, site: Site, pages):
    site.says(sitemap("/one", "/two", "/three", tag="sitemap"), "/feed")
    site.says(sitemap("/a", "/b"), "/one")
    site.says(sitemap("/c", "/d"), "/two")
    pages("a", "b", "c", "d")

    report = desk.sync(limits=RunLimits(documents=3, listed=3))

    assert (report.listed, len(report.new)) == (3, 3)
    told = dict(report.failed)
    assert "more than 3 sitemaps" in told[desk.url("/three")]
    assert "more than 3 items" in told[desk.url("/two")]


# What fails.


def test_an_item_that_fails_is_named_and_tried_again(desk: Desk, lists, pages):
    lists("a", "b")
    pages("b")

    report = desk.sync()

    assert counts(report) == (2, 1, 0, 0, 1, 0)
    assert report.failed == [(desk.url("/a"), "answered 404, not 200")]
    pages("a")
    desk.asked()
    assert counts(desk.sync()) == (2, 1, 0, 1, 0, 0)
    assert desk.asked() == ["/robots.txt", "/feed", "/a"]


def test_a_feed_that_fails_is_named_and_the_others_are_read(desk: Desk, lists, pages):
    lists("a", path="/good")
    pages("a")

    gone, good = desk.sync(desk.feed("/gone"), desk.feed("/good"))

    assert gone.error == "answered 404, not 200"
    assert counts(good) == (1, 1, 0, 0, 0, 0)


def test_a_broken_feed_is_named(desk: Desk, site: Site):
    site.says(b"<rss version='2.0'><channel><item", "/feed", Content_Type=FEED_KIND)

    assert "is a broken feed" in desk.sync().error


def test_a_feed_that_is_not_well_formed_is_read_and_said_so(desk: Desk, site: Site, pages):
    site.says(
        b"<rss version='2.0'><channel><item><title>Q&A</title><link>/a</link></item>", "/feed"
    )
    pages("a")

    report = desk.sync()

    assert len(report.new) == 1
    assert report.flaw.startswith("is not well-formed")


def test_an_entity_bomb_is_named(desk: Desk, site: Site):
    bomb = b'<!DOCTYPE rss [<!ENTITY a "b"><!ENTITY c "&a;&a;">]><rss version="2.0">&c;</rss>'
    site.says(bomb, "/feed")

    assert "declares entities" in desk.sync().error


def test_a_feed_over_the_size_limit_is_named(desk: Desk, site: Site):
    site.says(b"<rss>" + b" " * 200_000, "/feed")
    desk.settings = desk.settings.model_copy(update={"max_statement_bytes": 100_000})

    assert "at most 100000 are fetched" in desk.sync().error


def test_an_item_that_leads_to_a_private_address_is_refused(desk: Desk, lists, site: Site, clock):
    lists("a", "http://inside.test/b")
    site.says(b"", "/a", 302, Location="http://inside.test/secret")
    desk.settings = desk.settings.model_copy(update={"fetch_allow_private": False})

    def resolver(host: str, port: int) -> list[str]:
        return ["10.0.0.7"] if host == "inside.test" else clock.resolve(host, port)

    report = desk.sync(
        resolver=resolver,
        check=lambda address: None if str(address) == "127.0.0.1" else refusal(address),
    )

    assert [name for name, _ in report.failed] == [desk.url("/a"), "http://inside.test/b"]
    assert all("10.0.0.7, which is not a public address" in why for _, why in report.failed)
    assert "http://inside.test/secret" in report.failed[0][1]
    assert desk.stored() == []


def test_a_feed_of_a_private_address_is_refused(desk: Desk, lists):
    lists("a")
    desk.settings = desk.settings.model_copy(update={"fetch_allow_private": False})

    assert "is not a public address (loopback)" in desk.sync().error
    assert desk.asked() == []


# Several feeds.


def test_an_item_of_two_feeds_is_fetched_once(desk: Desk, lists, pages):
    lists("a", "b", path="/one")
    lists("b", "c", path="/two")
    pages("a", "b", "c")

    one, two = desk.sync(desk.feed("/one"), desk.feed("/two"))

    assert (counts(one), counts(two)) == ((2, 2, 0, 0, 0, 0), (2, 1, 0, 1, 0, 0))
    assert desk.asked().count("/b") == 1
    assert desk.versions() == {"a": 1, "b": 1, "c": 1}
    desk.sync(desk.feed("/one"), desk.feed("/two"))
    assert desk.asked() == ["/robots.txt", "/one", "/two"]


def test_feeds_of_many_hosts_are_read_side_by_side_and_told_in_order(desk: Desk, lists, pages):
    lists("a", "b")
    pages("a", "b")
    hosts = [f"ministry{number}.test" for number in range(6)]

    reports = desk.sync(*(desk.feed(host=host) for host in hosts))

    assert [counts(report) for report in reports] == [(2, 2, 0, 0, 0, 0)] * 6
    assert [report.feed for report in reports] == [desk.url("/feed", host) for host in hosts]


def test_a_slow_host_does_not_hold_up_the_others(desk: Desk, lists, pages, site: Site):
    lists("a")
    pages("a")
    others = threading.Event()
    slow = site.answers["/feed"]

    def wait(request: BaseHTTPRequestHandler) -> None:
        if request.headers["Host"].startswith("slow"):
            others.wait(10)
        slow(request)

    site.answers["/feed"] = wait

    def progress(done: int, total: int, name: str) -> None:
        if done == 2:
            others.set()  # feed and item of the quick host

    feeds = [desk.feed(host="slow.test"), desk.feed(host="quick.test")]
    hosts = Hosts(desk.settings, sleep=lambda _: None, resolver=desk.clock.resolve)
    report = sync(desk.database, feeds, desk.settings, progress, hosts=hosts)

    assert others.is_set()
    assert [counts(feed) for feed in report.feeds] == [(1, 1, 0, 0, 0, 0)] * 2


# Politeness.


def test_requests_to_one_host_are_spaced(desk: Desk, lists, pages, clock: Clock):
    lists("a", "b", "c")
    pages("a", "b", "c")
    desk.settings = desk.settings.model_copy(update={"feed_pause": 2.5})

    desk.sync()

    assert clock.pauses("ministry.test") == [2.5] * 4


def test_other_hosts_are_not_waited_for(desk: Desk, lists, pages, clock: Clock):
    lists(desk.url("/a", "one.test"), desk.url("/b", "two.test"))
    pages("a", "b")

    desk.sync()

    assert {host for host, _ in clock.asked} == {"ministry.test", "one.test", "two.test"}
    assert clock.now == 3.0  # between robots.txt and what it is for, once for each host


@pytest.mark.parametrize(("delay", "pause"), [("7", 7.0), ("0.1", 1.0), ("86400", 30.0)])
def test_a_crawl_delay_is_honoured_within_reason(
    desk: Desk, lists, pages, site: Site, clock: Clock, delay: str, pause: float
):
    site.says(f"User-agent: *\nCrawl-delay: {delay}\n".encode(), "/robots.txt")
    lists("a")
    pages("a")

    assert counts(desk.sync()) == (1, 1, 0, 0, 0, 0)
    assert clock.pauses("ministry.test") == [pause, pause]


def test_one_host_gets_one_request_at_a_time(desk: Desk, site: Site):
    now, most = [0], [0]
    lock = threading.Lock()

    def answer(request: BaseHTTPRequestHandler) -> None:
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        site.stop.wait(0.01)
        with lock:
            now[0] -= 1
        request.send_response(200)
        request.send_header("Content-Length", "0")
        request.end_headers()

    for number in range(12):
        site.answers[f"/{number}"] = answer
    hosts = Hosts(desk.settings, sleep=lambda _: None, resolver=desk.clock.resolve)
    with ThreadPoolExecutor(6) as pool:
        urls = [desk.url(f"/{number}") for number in range(12)]
        list(pool.map(lambda url: hosts.fetch(url, None, 1000), urls))

    assert most == [1]


def test_hosts_whose_rules_lead_to_each_other_do_not_wait_for_ever(desk: Desk, site: Site):
    def robots(request: BaseHTTPRequestHandler) -> None:
        host = request.headers["Host"].partition(":")[0]
        other = {"one.test": "two.test", "two.test": "one.test"}[host]
        request.send_response(302)
        request.send_header("Location", desk.url("/rules", other))
        request.send_header("Content-Length", "0")
        request.end_headers()

    site.answers["/robots.txt"] = robots
    site.says(b"User-agent: *\nDisallow: /b\n", "/rules")
    site.says(b"words", "/a")
    hosts = Hosts(desk.settings, sleep=lambda _: None, resolver=desk.clock.resolve)

    with ThreadPoolExecutor(2) as pool:
        urls = [desk.url("/a", "one.test"), desk.url("/a", "two.test")]
        found = list(pool.map(lambda url: hosts.fetch(url, None, 1000), urls, timeout=30))

    assert [answer.content for answer in found] == [b"words"] * 2


def test_the_program_says_who_it_is(desk: Desk, lists, site: Site):
    told = []
    lists()
    feed = site.answers["/feed"]

    def answer(request: BaseHTTPRequestHandler) -> None:
        told.append(request.headers["User-Agent"])
        feed(request)

    site.answers["/feed"] = answer
    desk.sync()

    assert told == ["verinote (fact-checking desk; one document at a time)"]


# robots.txt.


def test_what_robots_txt_does_not_allow_is_skipped(desk: Desk, lists, pages, site: Site):
    site.says(b"User-agent: verinote\nDisallow: /b\n\nUser-agent: *\nDisallow: /\n", "/robots.txt")
    lists("a", "b")
    pages("a", "b")

    report = desk.sync()

    assert counts(report) == (2, 1, 0, 0, 0, 1)
    assert report.skipped == [(desk.url("/b"), "robots.txt does not let it be fetched")]
    assert "/b" not in desk.asked()
    site.says(b"", "/robots.txt")
    assert counts(desk.sync()) == (2, 1, 0, 1, 0, 0)


def test_a_feed_that_robots_txt_does_not_allow_is_named(desk: Desk, lists, site: Site):
    site.says(b"User-agent: *\nDisallow: /feed\n", "/robots.txt")
    lists("a")

    assert desk.sync().error == "robots.txt does not let it be fetched"


@pytest.mark.parametrize("status", [500, 503])
def test_nothing_is_fetched_while_robots_txt_cannot_be_read(desk, lists, pages, site, status):
    lists(desk.url("/a", "other.test"), "b")
    pages("a", "b")
    allowed = site.answers.get("/robots.txt")

    def robots(request: BaseHTTPRequestHandler) -> None:
        broken = request.headers["Host"].startswith("other")
        request.send_response(status if broken else 404)
        request.send_header("Content-Length", "0")
        request.end_headers()

    site.answers["/robots.txt"] = robots
    report = desk.sync()

    assert allowed is None
    assert counts(report) == (2, 1, 0, 0, 0, 1)
    assert f"answered {status}" in report.skipped[0][1]
    assert "/a" not in desk.asked()


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_a_host_without_robots_txt_allows_all(desk: Desk, lists, pages, site: Site, status: int):
    site.says(b"User-agent: *\nDisallow: /", "/robots.txt", status)
    lists("a")
    pages("a")

    assert counts(desk.sync()) == (1, 1, 0, 0, 0, 0)


def test_a_redirect_is_held_to_the_rules_of_where_it_leads(desk: Desk, lists, pages, site: Site):
    def robots(request: BaseHTTPRequestHandler) -> None:
        rules = b"User-agent: *\nDisallow: /" if request.headers["Host"].startswith("x.") else b""
        request.send_response(200)
        request.send_header("Content-Length", str(len(rules)))
        request.end_headers()
        request.wfile.write(rules)

    site.answers["/robots.txt"] = robots
    lists("a")
    site.says(b"", "/a", 302, Location=desk.url("/b", "x.test"))
    pages("b")

    report = desk.sync()

    assert counts(report) == (1, 0, 0, 0, 0, 1)
    assert "/b" not in desk.asked()


def test_a_host_that_is_busy_is_left_alone(desk: Desk, lists, pages, site: Site):
    lists("a", "b", "c")
    site.says(b"", "/a", 429)
    pages("b", "c")

    report = desk.sync()

    assert counts(report) == (3, 0, 0, 0, 3, 0)
    assert "answered 429 and is left alone" in report.failed[1][1]
    assert desk.asked() == ["/robots.txt", "/feed", "/a"]


def test_a_host_that_does_not_answer_is_left_alone(desk: Desk, lists, site: Site):
    names = [f"a{number}" for number in range(6)]
    lists(*names)
    for name in names:
        site.sends(b"HTTP/1.1 200 OK\r\n", b"X-Long: x\r\n", path=f"/{name}", pause=0.02)
    desk.settings = desk.settings.model_copy(update={"fetch_timeout": 0.2})

    report = desk.sync()

    assert len(report.failed) == 6
    assert [path for path in desk.asked() if path.startswith("/a")] == ["/a0", "/a1", "/a2"]
    assert "did not answer 3 times" in report.failed[3][1]


# Interrupted, and run again.

SYNC = """
import sys
from pathlib import Path

from service.kit.database import Database
from service.settings import Settings
from service.statements.feeds import Feed, sync

feed, database, data = sys.argv[1:]
settings = Settings(_env_file=None, data_dir=Path(data), fetch_allow_private=True, feed_pause=0)
sync(Database(database), [Feed(url=feed, issuer="Ministry of Tests")], settings)
"""


def test_a_run_that_is_killed_neither_loses_nor_doubles_anything(desk, lists, pages, site: Site):
    names = ["a", "b", "c", "d"]
    lists(*names)
    pages(*names)
    reached = threading.Event()
    page = site.answers["/c"]

    def hold(_: BaseHTTPRequestHandler) -> None:
        reached.set()
        site.stop.wait(60)

    site.answers["/c"] = hold
    feed = desk.feed(host="127.0.0.1")
    running = subprocess.Popen(
        [sys.executable, "-c", SYNC, feed.url, desk.database.url, str(desk.settings.data_dir)]
    )
    try:
        assert reached.wait(60)
    finally:
        running.send_signal(signal.SIGKILL)
        running.wait()
    assert desk.versions() == {"a": 1, "b": 1}
    site.answers["/c"] = page
    desk.asked()

    report = desk.sync(feed)

    assert counts(report) == (4, 2, 0, 2, 0, 0)
    assert desk.asked() == ["/robots.txt", "/feed", "/c", "/d"]
    assert desk.versions() == dict.fromkeys(names, 1)


def test_a_statement_whose_item_was_not_noted_any_more_is_not_doubled(desk: Desk, lists, pages):
    lists("a")
    pages("a")
    intake.add(desk.database, [desk.site.url("/a")], desk.settings)  # all that a kill leaves
    feed = desk.feed(host="127.0.0.1")

    assert counts(desk.sync(feed)) == (1, 0, 0, 1, 0, 0)
    assert counts(desk.sync(feed)) == (1, 0, 0, 1, 0, 0)
    assert len(desk.stored()) == 1


def test_two_runs_at_once_store_everything_once(desk: Desk, lists, pages):
    names = [f"a{number}" for number in range(8)]
    lists(*names)
    pages(*names)

    with ThreadPoolExecutor(2) as pool:
        reports = list(pool.map(lambda _: desk.sync(), range(2)))

    assert sum(len(report.new) for report in reports) == 8
    assert all(report.failed == [] for report in reports)
    assert desk.versions() == dict.fromkeys(names, 1)


# The command.


@pytest.fixture
def command(desk: Desk, tmp_path: Path, monkeypatch):
    """Runs ``verinote corpus`` with its own data folder, and with feeds in feeds.toml there."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VERINOTE_DATA_DIR", "data")
    monkeypatch.setenv("VERINOTE_FETCH_ALLOW_PRIVATE", "true")
    monkeypatch.setenv("VERINOTE_FEED_PAUSE", "0")
    Path("data").mkdir()

    def run(*arguments: str, feeds: tuple[str, ...] = ()) -> Result:
        entries = (f'[[feed]]\nurl = "{desk.site.url(path)}"\nissuer = "A"\n' for path in feeds)
        if feeds:
            Path("data/feeds.toml").write_text("".join(entries))
        return CliRunner().invoke(corpus_app, list(arguments), obj=command_witness)

    return run


def test_the_command_prints_a_line_for_each_feed(command, desk: Desk, lists, pages):
    lists("a", "b", path="/one")
    lists("c", path="/two")
    pages("a", "c")
    pages("b", text=GERMAN)

    result = command("sync", feeds=("/one", "/two"))

    assert result.exit_code == 0
    assert result.stderr == ""
    assert "skipped by robots" in result.stdout
    rows = [line for line in result.stdout.splitlines() if "http" in line]
    assert [row.split("│")[2:-1] for row in map(_squeezed, rows)] == [
        ["2", "2", "0", "0", "0", "0"],
        ["1", "1", "0", "0", "0", "0"],
    ]
    assert "1 of them are in a language that is not searched" in result.stdout
    assert "corpus revision 3" in result.stdout
    assert "127-0-0-1-a" in command("search", "plan a on Tuesday").stdout


def _squeezed(line: str) -> str:
    return line.replace(" ", "")


def test_the_command_names_what_failed(command, desk: Desk, lists, pages, site: Site):
    site.says(b"User-agent: *\nDisallow: /b\n", "/robots.txt")
    lists("a", "b", "gone", path="/one")
    pages("a")

    result = command("sync", feeds=("/one", "/two"))

    assert result.exit_code == SOME_FAILED
    assert f"failed: {site.url('/gone')}: answered 404" in result.stderr
    assert f"skipped: {site.url('/b')}: robots.txt" in result.stderr
    assert f"failed: {site.url('/two')}: answered 404" in result.stderr


def test_the_command_fails_where_no_feed_can_be_read(command):
    assert command("sync", feeds=("/one", "/two")).exit_code == InputError.exit_code


def test_the_command_reads_the_file_that_it_is_given(command, desk: Desk, lists, tmp_path: Path):
    lists(path="/one")
    (tmp_path / "mine.toml").write_text(
        f'[[feed]]\nurl = "{desk.site.url("/one")}"\nissuer = "A"\n'
    )

    assert command("sync", "mine.toml").exit_code == 0


def test_the_command_says_what_to_do_without_a_file(command):
    error = command("sync").exception

    assert isinstance(error, InputError)
    assert str(error).startswith("data/feeds.toml: is not there; write one")


def test_the_command_draws_a_progress_bar_on_a_terminal(command, desk, lists, pages, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    lists("a")
    pages("a")

    result = command("sync", feeds=("/feed",))

    assert "2/2" in result.stderr
    assert "2/2" not in result.stdout
