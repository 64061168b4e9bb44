"""Bringing what feeds list into the corpus: what is new or changed, and nothing twice.

What is stored of an item is written after its statement: a run that is killed between the two asks
for the page once more and finds it there. What failed is tried again in every run, but after what
was never tried: a hundred broken items do not keep out the one behind them.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from service.kit.database import Database, utc_now
from service.kit.errors import InputError, RobotsRefused
from service.settings import Settings
from service.statements import repository
from service.statements.feeds import state
from service.statements.feeds.documents import LARGEST, FeedDocument, Item, read_document
from service.statements.feeds.hosts import Hosts
from service.statements.feeds.sources import Feed
from service.statements.feeds.state import KnownDocument, KnownItem, KnownPage
from service.statements.intake import Outcome, Progress, Witness, add_fetched

EVERY = timedelta(hours=1)
"""How often a feed is read that says nothing else."""


@dataclass(frozen=True, slots=True)
class RunLimits:
    """What one feed may cost in one run; the rest is left for the next.

    Attributes:
        seconds: after which no more of its items are begun.
        documents: sitemaps read, its own and those inside its index.
        listed: items looked at.
        side_by_side: hosts of feeds that are asked at a time.
    """

    seconds: float = 900.0
    documents: int = 100
    listed: int = 100_000
    side_by_side: int = 8


@dataclass(slots=True)
class FeedReport:
    """What became of one feed.

    Attributes:
        feed: its address.
        listed: items that it lists and feeds.toml wants.
        new: ids of statements that were not there before.
        changed: ids of statements that have a new version.
        unchanged: how many items were there as they are.
        failed: items and sitemaps that could not be read or stored, by name and reason.
        skipped: items that their host's robots.txt does not let be fetched, by name and reason.
        left: how many items are left for the next run.
        not_searched: how many of the new and changed are in a language that is not searched.
        flaw: what is wrong with the feed though it was read.
        error: why the feed could not be read at all.
    """

    feed: str
    listed: int = 0
    new: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    unchanged: int = 0
    failed: list[tuple[str, str]] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    left: int = 0
    not_searched: int = 0
    flaw: str | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class SyncReport:
    """What became of all feeds, in their order, and the corpus revision afterwards."""

    feeds: tuple[FeedReport, ...]
    revision: int


def due(
    database: Database,
    feeds: Iterable[Feed],
    every: timedelta = EVERY,
    now: datetime | None = None,
) -> list[Feed]:
    """The feeds that have not been read for as long as they say.

    Args:
        database: the migrated database.
        feeds: all feeds.
        every: the interval of feeds that name none.
        now: UTC, without a zone; by default this moment.
    """
    moment = now or utc_now()
    with database.transaction() as session:
        checked = state.last_checked(session)
    return [
        feed
        for feed in feeds
        if feed.url not in checked or checked[feed.url] + (feed.every or every) <= moment
    ]


def sync(
    database: Database,
    feeds: Sequence[Feed],
    settings: Settings,
    progress: Progress | None = None,
    witness: Witness | None = None,
    *,
    hosts: Hosts | None = None,
    limits: RunLimits | None = None,
) -> SyncReport:
    """Store what is new or changed in feeds. Nothing is indexed: ``Corpus.sync`` does both.

    Feeds of one host are read one after another, those of different hosts side by side.

    Args:
        database: the migrated database.
        feeds: what to read.
        settings: limits on size and fetching, and the pause between two requests to a host.
        progress: told of feeds and items; how many there are grows while feeds are read.
        witness: told of each statement that is new or changed.
        hosts: how hosts are asked; closed afterwards.
        limits: what one feed may cost.

    Raises:
        ConfigurationError: the database cannot be used. What was stored before stays.
    """
    hosts, limits = hosts or Hosts(settings), limits or RunLimits()
    run = _Run(database, settings, hosts, limits, _Tally(len(feeds), progress), witness)
    by_host: dict[str, list[Feed]] = defaultdict(list)
    for feed in feeds:
        by_host[urlsplit(feed.url).hostname or ""].append(feed)
    reports: dict[str, FeedReport] = {}
    pool = ThreadPoolExecutor(limits.side_by_side, thread_name_prefix="verinote-feeds")
    try:
        for group in pool.map(run.read_all, by_host.values()):
            reports.update(group)
    finally:
        hosts.close()
        pool.shutdown(cancel_futures=True)
    with database.transaction() as session:
        revision = repository.revision(session)
    return SyncReport(tuple(reports[feed.url] for feed in feeds), revision)


class _Tally:
    """Counts what is done, for the progress bar. Thread-safe."""

    def __init__(self, total: int, progress: Progress | None) -> None:
        self._done, self._total = 0, total
        self._progress = progress
        self._lock = threading.Lock()

    def expect(self, more: int) -> None:
        """So many items come in addition."""
        with self._lock:
            self._total += more

    def next(self, name: str) -> None:
        """Say what is begun."""
        with self._lock:
            if self._progress:
                self._progress(self._done, self._total, name)

    def done(self, count: int = 1) -> None:
        """So many are done."""
        with self._lock:
            self._done += count
            if self._progress:
                self._progress(self._done, self._total, "")


@dataclass(frozen=True, slots=True)
class _Listed:
    """A wanted item, and the document that lists it."""

    item: Item
    document: str


@dataclass(slots=True)
class _Reading:
    """One feed while it is read.

    Attributes:
        settled: what to remember of documents of which nothing is left to be tried again.
        unsettled: the other documents.
    """

    feed: Feed
    report: FeedReport
    until: float
    listed: dict[str, _Listed] = field(default_factory=dict)
    settled: dict[str, KnownDocument] = field(default_factory=dict)
    unsettled: set[str] = field(default_factory=set)


class _Run:
    """One run over all feeds. Thread-safe."""

    def __init__(
        self,
        database: Database,
        settings: Settings,
        hosts: Hosts,
        limits: RunLimits,
        tally: _Tally,
        witness: Witness | None,
    ) -> None:
        self._database = database
        self._settings = settings
        self._hosts = hosts
        self._limits = limits
        self._tally = tally
        self._witness = witness
        # What became of each page in this run, for the other feeds that list it too.
        self._taken: dict[str, KnownPage | InputError] = {}
        self._pages: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()

    def read_all(self, feeds: Sequence[Feed]) -> dict[str, FeedReport]:
        """Read the feeds of one host."""
        return {feed.url: self._read(feed) for feed in feeds}

    def _read(self, feed: Feed) -> FeedReport:
        reading = _Reading(feed, FeedReport(feed.url), self._hosts.clock() + self._limits.seconds)
        report = reading.report
        with self._database.transaction() as session:
            state.begin(session, feed.url)
            known = state.items(session, feed.url)
            documents = state.documents(session, feed.url, feed.selection)
        self._tally.next(feed.url)
        try:
            self._list(reading, documents)
        except InputError as error:
            report.error = _reason(error, feed.url)
            reading.unsettled.add(feed.url)
        else:
            self._take_all(reading, known)
        self._tally.done()
        for url in reading.unsettled:
            reading.settled.pop(url, None)
        with self._database.transaction() as session:
            state.finish(
                session,
                feed.url,
                feed.selection,
                reading.settled,
                reading.unsettled,
                report.error,
            )
        return report

    # What is listed.

    def _list(self, reading: _Reading, known: dict[str, KnownDocument]) -> None:
        """Read the feed's document and the sitemaps inside it.

        Raises:
            InputError: the feed's own document cannot be read.
        """
        feed, report = reading.feed, reading.report
        to_read, met = [feed.url], {feed.url}
        while to_read:
            url = to_read.pop(0)
            try:
                document = self._document(reading, url, known.get(url))
            except InputError as error:
                if url == feed.url:
                    raise
                report.failed.append((url, _reason(error, url)))
                reading.unsettled.add(url)
                continue
            wanted = [
                found
                for found in document.sitemaps
                if found not in met and not feed.leaves_out(found)
            ]
            room = self._limits.documents - len(met)
            for url_left_out in wanted[room:]:
                reason = f"not read: more than {self._limits.documents} sitemaps in one feed"
                report.failed.append((url_left_out, reason))
            to_read += wanted[:room]
            met.update(wanted[:room])

    def _document(self, reading: _Reading, url: str, known: KnownDocument | None) -> FeedDocument:
        """Read one document; nothing is in it where it is as it was."""
        feed, report = reading.feed, reading.report
        if self._hosts.clock() > reading.until:
            raise InputError(f"{url}: not read: the feed's time for one run is over")
        size = min(self._settings.max_statement_bytes, LARGEST)
        fetched = self._hosts.fetch(url, known.validators if known else None, size)
        if fetched is None and known:
            report.listed += known.listed
            report.unchanged += known.listed
            reading.settled[url] = known
        if fetched is None:
            return FeedDocument()
        document = read_document(fetched, feed.kind)
        report.flaw = report.flaw or document.flaw
        report.failed += document.unusable
        wanted = [item for item in document.items if feed.takes(item.address, item.day)]
        room = self._limits.listed - len(reading.listed)
        for item in wanted[:room]:
            reading.listed.setdefault(item.address, _Listed(item, url))
        if len(wanted) > room:
            reason = f"not read further: more than {self._limits.listed} items in one feed"
            report.failed.append((url, reason))
        if document.unusable or document.sitemaps or len(wanted) > room:
            # An index that did not change may list sitemaps that did.
            reading.unsettled.add(url)
        reading.settled[url] = KnownDocument(len(wanted), fetched.validators)
        return document

    # What is taken.

    def _take_all(self, reading: _Reading, known: dict[str, KnownItem]) -> None:
        report = reading.report
        report.listed += len(reading.listed)
        nothing = KnownItem()
        to_take = [
            listed
            for address, listed in reading.listed.items()
            if known.get(address, nothing).said != (listed.item.guid, listed.item.updated)
        ]
        report.unchanged += len(reading.listed) - len(to_take)
        to_take.sort(
            key=lambda listed: known.get(listed.item.address, nothing).failed_at or datetime.min
        )
        now, later = to_take[: reading.feed.limit], to_take[reading.feed.limit :]
        self._tally.expect(len(now))
        for place, listed in enumerate(now):
            if self._hosts.clock() > reading.until:
                later = now[place:] + later
                self._tally.done(len(now) - place)
                break
            self._tally.next(listed.item.address)
            if not self._take(reading, listed.item):
                reading.unsettled.add(listed.document)
            self._tally.done()
        report.left = len(later)
        reading.unsettled |= {listed.document for listed in later}

    def _take(self, reading: _Reading, item: Item) -> bool:
        """Take one item, and say whether it needs no other try."""
        feed, report = reading.feed, reading.report
        with self._lock:
            page = self._pages.setdefault(item.address, threading.Lock())
        with page:
            taken = self._taken.get(item.address)
            if taken is None:
                taken = self._taken[item.address] = self._fetch(reading, item)
            elif isinstance(taken, KnownPage):
                report.unchanged += 1
        with self._database.transaction() as session:
            if isinstance(taken, KnownPage):
                state.remember(session, feed.url, item, taken)
                return True
            state.remember_failure(session, feed.url, item)
        named = (item.address, _reason(taken, item.address))
        (report.skipped if isinstance(taken, RobotsRefused) else report.failed).append(named)
        return False

    def _fetch(self, reading: _Reading, item: Item) -> KnownPage | InputError:
        """Fetch an item's page and store it, if either is called for."""
        with self._database.transaction() as session:
            known = state.page(session, item.address)
        try:
            fetched = self._hosts.fetch(
                item.address,
                known.validators if known else None,
                self._settings.max_statement_bytes,
            )
            if fetched is None and known:
                reading.report.unchanged += 1
                return known
            if fetched is None:
                return InputError(f"{item.address}: answered 304, though nothing was known of it")
            told = reading.feed.told(item.title, item.published)
            outcome = add_fetched(
                self._database, item.address, fetched, told, self._settings, self._witness
            )
        except InputError as error:
            return error
        self._tell(reading.report, outcome)
        return KnownPage(outcome.statement_id, fetched.validators)

    def _tell(self, report: FeedReport, outcome: Outcome) -> None:
        if outcome.what not in {"added", "changed"}:
            report.unchanged += 1
            return
        (report.new if outcome.what == "added" else report.changed).append(outcome.statement_id)
        with self._database.transaction() as session:
            stored = repository.current(session, outcome.statement_id)
        report.not_searched += not stored.searched


def _reason(error: InputError, name: str) -> str:
    return str(error).removeprefix(f"{name}: ")
