"""Fetching an address that somebody gave us, without being led to what is not public.

The name is resolved here, every answer is checked, and the connection goes to a checked answer,
so that a second look-up cannot swap it (DNS rebinding); host header and certificate check keep
the name. Each redirect goes through the same door. One deadline covers look-up, connection and
every byte; one limit covers the bytes, before and after decompression.

Who asks many addresses gives a *turn*: it is taken for each request, redirects included, so that
neither a host's rules nor its pace can be left behind by a redirect.
"""

from __future__ import annotations

import ipaddress
import queue
import re
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass

import httpcore
import httpx

from service.kit.errors import FetchRefused, NoAnswer, NotPublic
from service.settings import Settings

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolver = Callable[[str, int], Iterable[str]]
"""Turns host and port into numeric addresses."""
Check = Callable[[Address], str | None]
"""Says why an address may not be connected to, None if it may."""
Turn = Callable[[str], AbstractContextManager[object]]
"""Entered with the address before each request and left after it. What it raises refuses the
request; its waiting is not counted against the deadline."""

PRODUCT = "verinote"
"""The name that robots.txt knows this program by."""

_REDIRECTS = {301, 302, 303, 307, 308}
_OK, _NOT_MODIFIED = 200, 304
_GZIP = 16 + zlib.MAX_WBITS
_HEADERS = [
    (b"User-Agent", f"{PRODUCT} (fact-checking desk; one document at a time)".encode()),
    (
        b"Accept",
        b"text/html, application/pdf, text/markdown, text/plain;q=0.9, */*;q=0.5",
    ),
    (b"Accept-Encoding", b"gzip"),
    (b"Connection", b"close"),
]

_METADATA_SERVICES = {
    ipaddress.ip_address(address)
    for address in ("169.254.169.254", "168.63.129.16", "100.100.100.200", "fd00:ec2::254")
}
"""Cloud metadata of AWS, Azure (a public number), Alibaba; others share these or are link-local."""
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_NAT64_LOCAL = ipaddress.ip_network("64:ff9b:1::/48")
_IPV4_COMPATIBLE = ipaddress.ip_network("::/96")
_DOCUMENTATION = ipaddress.ip_network("3fff::/20")
_CARRIER_NAT = ipaddress.ip_network("100.64.0.0/10")


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """What one fetch may cost, and where it may go.

    Attributes:
        timeout: seconds for everything, redirects included.
        max_bytes: largest content, counted after decompression.
        max_redirects: redirects followed.
        allow_private: lift the check of address ranges, and nothing else.
    """

    timeout: float = 20.0
    max_bytes: int = 50_000_000
    max_redirects: int = 5
    allow_private: bool = False

    @classmethod
    def of(cls, settings: Settings, *, max_bytes: int) -> FetchLimits:
        """The limits that an operator set."""
        return cls(
            timeout=settings.fetch_timeout,
            max_bytes=max_bytes,
            max_redirects=settings.fetch_max_redirects,
            allow_private=settings.fetch_allow_private,
        )


@dataclass(frozen=True, slots=True)
class Validators:
    """What an address gave with its answer, by which it can tell whether it changed since.

    Attributes:
        url: the address that answered. They are shown to no other: a redirect may lead elsewhere
            today, to a page that is older and was never fetched.
    """

    url: str
    etag: str | None
    last_modified: str | None


@dataclass(frozen=True, slots=True)
class Fetched:
    """What an address answered.

    Attributes:
        content: the decompressed body.
        media_type: as declared, without parameters, in lower case; empty when not declared.
        charset: the declared charset.
        url: the address that answered, after redirects.
    """

    content: bytes
    media_type: str
    charset: str | None
    url: str
    etag: str | None
    last_modified: str | None

    @property
    def content_type(self) -> str:
        """Media type and charset in one, as the readers take them."""
        return f"{self.media_type}; charset={self.charset}" if self.charset else self.media_type

    @property
    def validators(self) -> Validators:
        """What to show the address next time."""
        return Validators(self.url, self.etag, self.last_modified)


def resolve(host: str, port: int) -> list[str]:
    """Every address that the system's resolver gives for a name."""
    answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(answer[4][0]) for answer in answers]


def refusal(address: Address) -> str | None:
    """Say why an address is not public, or None if it is.

    Addresses that carry an IPv4 address inside (mapped, NAT64, 6to4, Teredo) are as public as
    what they carry.
    """
    if address in _METADATA_SERVICES:
        return "cloud metadata"
    if isinstance(address, ipaddress.IPv6Address):
        for kind, inner in _carried(address):
            if reason := refusal(inner):
                return f"{reason}, carried as {kind}"
        if address.ipv4_mapped or address in _NAT64:
            return None
        if address in _NAT64_LOCAL or address in _DOCUMENTATION or address.is_site_local:
            return "private"
    for reason, holds in (
        ("unspecified", address.is_unspecified),
        ("loopback", address.is_loopback),
        ("link-local", address.is_link_local),
        ("multicast", address.is_multicast),
        ("carrier-grade NAT", address.version == 4 and address in _CARRIER_NAT),
        ("private", address.is_private),
        ("reserved", address.is_reserved or not address.is_global),
    ):
        if holds:
            return reason
    return None


def _carried(address: ipaddress.IPv6Address) -> Iterator[tuple[str, Address]]:
    low = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    if address.ipv4_mapped:
        yield "IPv4-mapped", address.ipv4_mapped
    if address in _NAT64:
        yield "NAT64", low
    if address.sixtofour:
        yield "6to4", address.sixtofour
    if address.teredo:
        for inner in address.teredo:
            yield "Teredo", inner
    if address in _IPV4_COMPATIBLE and int(address) > 1:
        yield "IPv4-compatible", low


def fetch(
    url: str,
    limits: FetchLimits,
    *,
    turn: Turn = nullcontext,
    resolver: Resolver = resolve,
    check: Check = refusal,
) -> Fetched:
    """Fetch an http or https address.

    Proxies of the environment are not used.

    Args:
        url: the address.
        limits: what the fetch may cost and where it may go.
        turn: taken for each request.
        resolver: turns host and port into numeric addresses.
        check: says why an address is refused; not asked where the limits allow private ones.

    Raises:
        NotPublic: the address leads to one that is not public.
        NoAnswer: it cannot be reached, or is too slow.
        FetchRefused: a scheme other than http and https, credentials in the address, too many
            redirects, an answer other than 200, too large or broken. Every message names the
            address.
    """
    fetched = fetch_if_changed(url, limits, None, turn=turn, resolver=resolver, check=check)
    if fetched is None:
        raise AssertionError("only an address that is shown validators may answer 304")
    return fetched


def fetch_if_changed(
    url: str,
    limits: FetchLimits,
    known: Validators | None,
    *,
    turn: Turn = nullcontext,
    resolver: Resolver = resolve,
    check: Check = refusal,
) -> Fetched | None:
    """Fetch an address unless it says that it is as it was (RFC 9110, 13.1).

    Args:
        url: the address.
        limits: what the fetch may cost and where it may go.
        known: what it gave with its last answer.
        turn: as for ``fetch``.
        resolver: as for ``fetch``.
        check: as for ``fetch``.

    Returns:
        What it answered; None where nothing changed.

    Raises:
        FetchRefused: as for ``fetch``.
    """
    deadline = _Deadline(limits.timeout)
    backend = _CheckedBackend(url, deadline, resolver, None if limits.allow_private else check)
    current = _parsed(url)
    with httpcore.ConnectionPool(
        ssl_context=httpx.create_ssl_context(), network_backend=backend, max_connections=1
    ) as pool:
        for _ in range(limits.max_redirects + 1):
            backend.url = str(current)
            with ExitStack() as stack:
                with deadline.stopped():
                    stack.enter_context(turn(str(current)))
                answer = _asked(pool, current, limits, known)
            if not isinstance(answer, httpx.URL):
                return answer
            current = answer
    raise _refused(url, f"redirects more than {limits.max_redirects} times")


def _asked(
    pool: httpcore.ConnectionPool, url: httpx.URL, limits: FetchLimits, known: Validators | None
) -> Fetched | httpx.URL | None:
    """One request: what was answered, where it redirects to, or None if nothing changed."""
    condition = _condition(url, known)
    try:
        with pool.stream("GET", _wire(url), headers=_sent(url) + condition) as response:
            headers = _headers(response)
            if response.status in _REDIRECTS and "location" in headers:
                return _redirected(url, headers["location"])
            if condition and response.status == _NOT_MODIFIED:
                return None
            return _received(response, headers, str(url), limits)
    except (httpcore.TimeoutException, TimeoutError) as error:
        raise NoAnswer(f"{url}: did not answer in full within {limits.timeout:g} s") from error
    except (httpcore.NetworkError, OSError) as error:
        raise NoAnswer(f"{url}: cannot be reached: {error}") from error
    except (httpcore.ProtocolError, httpcore.UnsupportedProtocol) as error:
        raise _refused(url, f"gave a broken answer: {error}") from error


def _condition(url: httpx.URL, known: Validators | None) -> list[tuple[bytes, bytes]]:
    if known is None or known.url != str(url):
        return []
    told = ((b"If-None-Match", known.etag), (b"If-Modified-Since", known.last_modified))
    return [(name, value.encode("latin-1", "replace")) for name, value in told if value]


def _refused(url: httpx.URL | str, reason: str) -> FetchRefused:
    return FetchRefused(f"{url}: {reason}")


def _parsed(url: str) -> httpx.URL:
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, UnicodeError, ValueError) as error:
        raise _refused(url[:200], f"is not an address: {error}") from error
    if parsed.scheme not in {"http", "https"}:
        raise _refused(url[:200], "only http and https addresses are fetched")
    if parsed.userinfo:
        raise FetchRefused(
            f"{parsed.scheme}://{parsed.host}: addresses with a user name or password are refused"
        )
    if not parsed.host:
        raise _refused(url[:200], "has no host")
    return parsed.copy_with(fragment=None)


def _redirected(current: httpx.URL, location: str) -> httpx.URL:
    try:
        target = str(current.join(location))
    except (httpx.InvalidURL, UnicodeError, ValueError) as error:
        raise _refused(current, f"redirects to what is not an address: {error}") from error
    return _parsed(target)


def _wire(url: httpx.URL) -> httpcore.URL:
    return httpcore.URL(
        scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
    )


def _sent(url: httpx.URL) -> list[tuple[bytes, bytes]]:
    return [(b"Host", url.netloc), *_HEADERS]


def _headers(response: httpcore.Response) -> dict[str, str]:
    return {_as_text(key).lower(): _as_text(value) for key, value in response.headers}


def _as_text(value: bytes) -> str:
    # Latin-1 by the letter of HTTP, but addresses in Location come as UTF-8 where not escaped.
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")


def _received(
    response: httpcore.Response, headers: dict[str, str], url: str, limits: FetchLimits
) -> Fetched:
    if response.status != _OK:
        raise FetchRefused(f"{url}: answered {response.status}, not 200", response.status)
    declared = headers.get("content-length", "")
    if declared.isdigit() and int(declared) > limits.max_bytes:
        raise _refused(url, f"is {declared} bytes; at most {limits.max_bytes} are fetched")
    encoding = headers.get("content-encoding", "identity").strip().lower()
    if encoding not in {"", "identity", "gzip", "x-gzip"}:
        raise _refused(url, f"answers in the encoding {encoding!r}, which was not asked for")
    chunks = response.iter_stream()
    if encoding.endswith("gzip"):
        chunks = gunzip(chunks, url, limits.max_bytes)
    content = bytearray()
    for chunk in chunks:
        content += chunk
        if len(content) > limits.max_bytes:
            raise _refused(url, f"is larger than the {limits.max_bytes} bytes that are fetched")
    media_type, _, parameters = headers.get("content-type", "").partition(";")
    charset = re.search(r"charset\s*=\s*[\"']?([^\s\"';]+)", parameters, re.I)
    return Fetched(
        content=bytes(content),
        media_type=media_type.strip().lower(),
        charset=charset[1] if charset else None,
        url=url,
        etag=headers.get("etag"),
        last_modified=headers.get("last-modified"),
    )


def gunzip(chunks: Iterable[bytes], url: str, max_bytes: int) -> Iterator[bytes]:
    """Decompress, never more than ``max_bytes + 1`` at a time: the caller stops past the limit.

    Raises:
        FetchRefused: it is no gzip, or not all of one; the message names ``url``.
    """
    stream = zlib.decompressobj(_GZIP)
    try:
        for chunk in chunks:
            rest = chunk
            while rest:
                if stream.eof:  # a gzip file may have several members
                    stream = zlib.decompressobj(_GZIP)
                yield stream.decompress(rest, max_bytes + 1)
                rest = stream.unused_data if stream.eof else stream.unconsumed_tail
    except zlib.error as error:
        raise _refused(url, f"is not the gzip that it declares: {error}") from error
    if not stream.eof:
        raise _refused(url, "broke off in the middle of the gzip stream")


class _Deadline:
    """Seconds left of one fetch."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        """Seconds left; raises ``TimeoutError`` when there are none."""
        seconds = self._end - time.monotonic()
        if seconds <= 0:
            raise TimeoutError
        return seconds

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Time that passes in here does not count."""
        started = time.monotonic()
        try:
            yield
        finally:
            self._end += time.monotonic() - started


class _CheckedBackend(httpcore.NetworkBackend):
    """Connects only to addresses that were checked, and counts every wait against the deadline."""

    def __init__(
        self, url: str, deadline: _Deadline, resolver: Resolver, check: Check | None
    ) -> None:
        self.url = url
        self._deadline = deadline
        self._resolver = resolver
        self._check = check
        self._inner = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first checked address of ``host`` that answers."""
        failure: Exception = httpcore.ConnectError(f"{host} has no address")
        for address in self._checked(host, port):
            try:
                stream = self._inner.connect_tcp(
                    address, port, self._deadline.left(), local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
            else:
                return _TimedStream(stream, self._deadline)
        raise failure

    def _checked(self, host: str, port: int) -> list[str]:
        answers = list(dict.fromkeys(self._resolved(host, port)))
        if self._check:
            for answer in answers:
                reason = self._check(ipaddress.ip_address(answer.partition("%")[0]))
                if reason:
                    leads = "" if host == answer else f"{host} leads to {answer}, which "
                    raise NotPublic(
                        f"{self.url}: {leads}is not a public address ({reason}); "
                        "VERINOTE_FETCH_ALLOW_PRIVATE=true lets it be fetched all the same"
                    )
        return answers

    def _resolved(self, host: str, port: int) -> Iterable[str]:
        # The system's resolver knows no deadline, so it is waited for from outside.
        answer: queue.Queue[Iterable[str] | OSError] = queue.Queue()

        def look_up() -> None:
            try:
                answer.put(list(self._resolver(host.strip("[]"), port)))
            except (OSError, UnicodeError) as error:
                answer.put(error if isinstance(error, OSError) else OSError(str(error)))

        threading.Thread(target=look_up, daemon=True, name="verinote-resolve").start()
        try:
            found = answer.get(timeout=self._deadline.left())
        except queue.Empty as error:
            raise TimeoutError from error
        if isinstance(found, OSError):
            raise httpcore.ConnectError(f"the name {host} is not found ({found})") from found
        return found


class _TimedStream(httpcore.NetworkStream):
    """A connection whose every wait ends at the deadline: a slow drip does not renew it."""

    def __init__(self, inner: httpcore.NetworkStream, deadline: _Deadline) -> None:
        self._inner = inner
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read what is there, up to ``max_bytes``."""
        return self._inner.read(max_bytes, self._deadline.left())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write all of ``buffer``."""
        self._inner.write(buffer, self._deadline.left())

    def close(self) -> None:
        """Close the connection."""
        self._inner.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        """Speak TLS; the certificate is checked for the name, not the number."""
        secure = self._inner.start_tls(ssl_context, server_hostname, self._deadline.left())
        return _TimedStream(secure, self._deadline)

    def get_extra_info(self, info: str) -> object:
        """What the connection knows of itself."""
        return self._inner.get_extra_info(info)
