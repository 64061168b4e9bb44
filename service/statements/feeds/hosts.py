"""Asking hosts politely: one request at a time, a pause between two, by the rules they publish.

Rules are those of robots.txt (RFC 9309), read once for each host and run. A host that asks to be
left alone, or does not answer, is left alone for the rest of the run.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from protego import Protego

from service.kit.errors import FetchRefused, NoAnswer, NotPublic, RobotsRefused
from service.settings import Settings
from service.statements.fetch import (
    PRODUCT,
    Check,
    Fetched,
    FetchLimits,
    Resolver,
    Validators,
    fetch,
    fetch_if_changed,
    refusal,
    resolve,
)

_LARGEST_ROBOTS = 512_000
"""Bytes of robots.txt: RFC 9309 asks for no less than 500 KiB."""

_LONGEST_DELAY = 30.0
"""Seconds: a longer Crawl-delay counts as this, or a feed would never come to its end."""

_SILENT = 3
"""Requests in a row that were not answered, after which a host is left alone."""

_BUSY = {429, 503}
_NO_RULES = range(400, 500)
"""A host that answers so has no robots.txt; one that answers with 500 may have it tomorrow."""


class Stopped(Exception):
    """The run ended while a request waited for its turn."""


@dataclass(slots=True)
class _Host:
    """A machine's name: its pace, and whether it answers."""

    pause: float
    free_at: float = 0.0
    silent: int = 0
    left_alone: str | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)


@dataclass(slots=True)
class _Rules:
    """What robots.txt of one origin says.

    Attributes:
        closed: why nothing may be fetched for now.
    """

    parsed: Protego | None = None
    closed: str | None = None


@dataclass(slots=True)
class _Origin:
    """Scheme, host and port: what a robots.txt is for."""

    rules: _Rules | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)


class Hosts:
    """All hosts that one run asks. Thread-safe; made for one run and closed after it."""

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] | None = None,
        resolver: Resolver = resolve,
        check: Check = refusal,
    ) -> None:
        """Take what a run needs of the world.

        Args:
            settings: limits of fetching, and the pause.
            clock: seconds, from anywhere.
            sleep: waits for so many seconds; by default until the run is closed at the latest.
            resolver: see ``fetch``.
            check: see ``fetch``.
        """
        self.clock = clock
        self._settings = settings
        self._closed = threading.Event()
        self._sleep = sleep or self._closed.wait
        self._resolver = resolver
        self._check = check
        self._hosts: dict[str, _Host] = {}
        self._origins: dict[str, _Origin] = {}
        self._lock = threading.Lock()

    def fetch(self, url: str, known: Validators | None, max_bytes: int) -> Fetched | None:
        """Fetch an address in its host's turn, as ``fetch_if_changed`` does.

        Raises:
            RobotsRefused: the host's rules do not let it be fetched, or cannot be read for now.
            NoAnswer: the host does not answer, or is left alone.
            FetchRefused: see ``fetch_if_changed``.
            Stopped: the run is closed.
        """
        return fetch_if_changed(
            url,
            FetchLimits.of(self._settings, max_bytes=max_bytes),
            known,
            turn=self._allowed_turn,
            resolver=self._resolver,
            check=self._check,
        )

    def close(self) -> None:
        """End the run: whoever waits for a turn is sent away."""
        self._closed.set()

    @contextmanager
    def _allowed_turn(self, url: str) -> Iterator[None]:
        rules = self._rules(url)
        if rules.closed:
            raise RobotsRefused(f"{url}: {rules.closed}")
        if rules.parsed and not rules.parsed.can_fetch(url, PRODUCT):
            raise RobotsRefused(f"{url}: robots.txt does not let it be fetched")
        with self._turn(url):
            yield

    @contextmanager
    def _turn(self, url: str) -> Iterator[None]:
        host = self._host(url)
        with host.lock:
            if host.left_alone:
                raise NoAnswer(f"{url}: not tried: {host.left_alone}")
            wait = host.free_at - self.clock()
            if wait > 0:
                self._sleep(wait)
            if self._closed.is_set():
                raise Stopped
            try:
                yield
                host.silent = 0
            except FetchRefused as error:
                _note(host, error)
                raise
            finally:
                host.free_at = self.clock() + host.pause

    def _host(self, url: str) -> _Host:
        name = urlsplit(url).hostname or ""
        with self._lock:
            return self._hosts.setdefault(name, _Host(self._settings.feed_pause))

    def _rules(self, url: str) -> _Rules:
        parts = urlsplit(url)
        place = f"{parts.scheme}://{parts.netloc}"
        with self._lock:
            origin = self._origins.setdefault(place, _Origin())
        # No host's turn is held in here but while robots.txt itself is asked for, which may
        # redirect to another host: two hosts that wait for each other would wait for ever.
        with origin.lock:
            if origin.rules is None:
                origin.rules = self._read_rules(f"{place}/robots.txt")
                self._slow_down(url, origin.rules)
            return origin.rules

    def _read_rules(self, url: str) -> _Rules:
        limits = FetchLimits.of(self._settings, max_bytes=_LARGEST_ROBOTS)
        try:
            found = fetch(url, limits, turn=self._turn, resolver=self._resolver, check=self._check)
        except NotPublic:
            return _Rules()  # the address itself is refused for the same, by its own name
        except FetchRefused as error:
            if error.status in _NO_RULES:
                return _Rules()
            return _Rules(closed=f"robots.txt cannot be read, so nothing is fetched ({error})")
        return _Rules(Protego.parse(found.content.decode("utf-8", "replace")))

    def _slow_down(self, url: str, rules: _Rules) -> None:
        delay = rules.parsed.crawl_delay(PRODUCT) if rules.parsed else None
        if delay:
            host = self._host(url)
            host.pause = max(host.pause, min(delay, _LONGEST_DELAY))
            host.free_at = max(host.free_at, self.clock() + host.pause)


def _note(host: _Host, error: FetchRefused) -> None:
    """Remember what an answer says of the host as a whole."""
    if error.status in _BUSY:
        host.left_alone = f"the host answered {error.status} and is left alone for now"
    if not isinstance(error, NoAnswer):
        host.silent = 0
        return
    host.silent += 1
    if host.silent >= _SILENT:
        host.left_alone = f"the host did not answer {_SILENT} times and is left alone for now"
