"""Fetching is tested against a real server on loopback; only the range check is lifted for it."""

from __future__ import annotations

import gzip
import ipaddress
import socket
import ssl
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from servers import Site, open_site

from service.kit.database import Database
from service.kit.errors import FetchRefused, NoAnswer, NotPublic
from service.settings import Settings
from service.statements import repository
from service.statements.fetch import (
    Fetched,
    FetchLimits,
    Validators,
    fetch,
    fetch_if_changed,
    refusal,
)
from service.statements.intake import add

TLS = Path(__file__).parent / "tls"
"""A certificate for ministry.test and its key, made for these tests alone."""

LIMITS = FetchLimits(timeout=5, max_bytes=100_000, max_redirects=3, allow_private=True)
CHECKED = FetchLimits(timeout=5)


@pytest.fixture
def site() -> Iterator[Site]:
    with open_site() as made:
        yield made


@pytest.fixture
def secure_site(monkeypatch) -> Iterator[Site]:
    monkeypatch.setenv("SSL_CERT_FILE", str(TLS / "certificate.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(TLS / "certificate.pem", TLS / "key.pem")
    with open_site(context) as made:
        yield made


def why(url: str, limits: FetchLimits = LIMITS, **options: object) -> str:
    """Why an address is refused."""
    with pytest.raises(FetchRefused) as caught:
        fetch(url, limits, **options)
    return str(caught.value)


def test_an_answer_comes_with_what_is_known_about_it(site: Site):
    url = site.says(
        b"Gr\xfc\xdfe",
        Content_Type="text/HTML; charset=ISO-8859-1",
        ETag='"abc"',
        Last_Modified="Thu, 11 Dec 2025 00:00:00 GMT",
    )

    assert fetch(url, LIMITS) == Fetched(
        content=b"Gr\xfc\xdfe",
        media_type="text/html",
        charset="ISO-8859-1",
        url=url,
        etag='"abc"',
        last_modified="Thu, 11 Dec 2025 00:00:00 GMT",
    )


def test_gzip_is_decompressed(site: Site):
    url = site.says(gzip.compress(b"words") + gzip.compress(b" more"), Content_Encoding="gzip")

    assert fetch(url, LIMITS).content == b"words more"


def test_redirects_are_followed_to_the_last_address(site: Site):
    start = site.says(b"", "/a", 302, Location="b?x=1#part")
    site.says(b"", "/b?x=1", 301, Location=site.url("/c"))
    site.says(b"here", "/c")

    found = fetch(start, LIMITS)

    assert found.content == b"here"
    assert found.url == site.url("/c")


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://a.org/x",
        "javascript:alert(1)",
        "data:text/plain,x",
        "gopher://a",
    ],
)
def test_other_schemes_are_refused(url: str):
    assert "only http and https" in why(url)


@pytest.mark.parametrize("url", ["http://", "https:///path", "http://[::1", "http://a:99999/"])
def test_what_is_no_address_is_refused(url: str):
    assert why(url).startswith(url)


def test_credentials_in_an_address_are_refused_and_not_repeated():
    message = why("http://user:secret@example.org/")

    assert "user name or password" in message
    assert "secret" not in message


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("127.0.0.1", "loopback"),
        ("10.0.0.1", "private"),
        ("172.16.0.1", "private"),
        ("192.168.1.1", "private"),
        ("169.254.1.1", "link-local"),
        ("169.254.169.254", "cloud metadata"),
        ("168.63.129.16", "cloud metadata"),
        ("100.64.0.1", "carrier-grade NAT"),
        ("0.0.0.0", "unspecified"),  # noqa: S104
        ("224.0.0.1", "multicast"),
        ("240.0.0.1", "private"),
        ("255.255.255.255", "private"),
        ("::", "unspecified"),
        ("::1", "loopback"),
        ("fe80::1", "link-local"),
        ("fc00::1", "private"),
        ("fec0::1", "private"),
        ("ff02::1", "multicast"),
        ("fd00:ec2::254", "cloud metadata"),
        ("2001:db8::1", "private"),
        ("::ffff:127.0.0.1", "loopback, carried as IPv4-mapped"),
        ("::ffff:10.0.0.1", "private, carried as IPv4-mapped"),
        ("::127.0.0.1", "loopback, carried as IPv4-compatible"),
        ("64:ff9b::169.254.169.254", "cloud metadata, carried as NAT64"),
        ("64:ff9b:1::1", "private"),
        ("2002:7f00:1::", "loopback, carried as 6to4"),
        ("2002:a00:1::", "private, carried as 6to4"),
        ("2001:0:a00:1::", "private, carried as Teredo"),
    ],
)
def test_an_address_that_is_not_public_is_called_by_what_it_is(address: str, reason: str):
    assert refusal(ipaddress.ip_address(address)) == reason


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808::"]
)
def test_a_public_address_is_not_refused(address: str):
    assert refusal(ipaddress.ip_address(address)) is None


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "2130706433",
        "0x7f000001",
        "127.1",
        "0",
        "[::1]",
        "[::ffff:7f00:1]",
    ],
)
def test_loopback_is_refused_however_it_is_spelt(site: Site, host: str):
    site.says(b"secret")

    assert "is not a public address" in why(site.url(host=host), CHECKED)
    assert site.asked == []


def test_a_name_is_refused_if_any_of_its_answers_is_not_public(site: Site):
    message = why(
        "http://news.test/", CHECKED, resolver=lambda *_: ["8.8.8.8", "192.168.0.7", "1.1.1.1"]
    )

    assert "news.test leads to 192.168.0.7" in message
    assert "private" in message


def test_a_redirect_to_what_is_not_public_is_refused(site: Site):
    start = site.says(b"", "/a", 302, Location=site.url("/secret", host="localhost"))

    message = why(
        start,
        CHECKED,
        resolver=lambda host, _: ["127.0.0.1" if host == "127.0.0.1" else "127.0.0.2"],
        check=lambda address: "private" if str(address) == "127.0.0.2" else None,
    )

    assert message.startswith(site.url("/secret", host="localhost"))
    assert "leads to 127.0.0.2" in message
    assert [path for path, _ in site.asked] == ["/a"]


def test_the_connection_goes_to_the_address_that_was_checked(site: Site):
    site.says(b"public")
    answers = iter([["127.0.0.1"], ["127.0.0.2"]])

    found = fetch(
        site.url(host="rebinding.test"),
        CHECKED,
        resolver=lambda *_: next(answers),
        check=lambda address: None if str(address) == "127.0.0.1" else "private",
    )

    assert found.content == b"public"
    assert list(answers) == [["127.0.0.2"]]


def test_the_server_is_asked_by_name_though_reached_by_number(site: Site):
    site.says(b"x")

    fetch(site.url(host="ministry.test"), LIMITS, resolver=lambda *_: ["127.0.0.1"])

    assert site.asked == [("/", f"ministry.test:{site.port}")]


def test_the_next_answer_is_tried_where_one_does_not_connect(site: Site):
    site.says(b"x")
    answers = ["127.0.0.9", "127.0.0.1"]

    found = fetch(site.url(host="ministry.test"), LIMITS, resolver=lambda *_: answers)

    assert found.content == b"x"


def test_a_certificate_is_checked_for_the_name(secure_site: Site):
    secure_site.says(b"secure")
    url = secure_site.url(host="ministry.test", scheme="https")

    assert fetch(url, LIMITS, resolver=lambda *_: ["127.0.0.1"]).content == b"secure"


def test_a_certificate_for_another_name_is_refused(secure_site: Site):
    secure_site.says(b"secure")
    url = secure_site.url(host="bank.test", scheme="https")

    message = why(url, resolver=lambda *_: ["127.0.0.1"])

    assert "certificate" in message
    assert secure_site.asked == []


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("file:///etc/passwd", "only http and https"),
        ("http://user:secret@127.0.0.1/", "user name or password"),
        ("http://[::1", "not an address"),
    ],
)
def test_a_redirect_is_held_to_the_same_rules(site: Site, location: str, reason: str):
    assert reason in why(site.says(b"", "/a", 302, Location=location))


def test_a_loop_of_redirects_ends(site: Site):
    start = site.says(b"", "/a", 302, Location="/b")
    site.says(b"", "/b", 302, Location="/a")

    assert "redirects more than 3 times" in why(start)
    assert len(site.asked) == 4


@pytest.mark.parametrize("status", [204, 206, 304, 404, 500])
def test_an_answer_other_than_200_is_refused(site: Site, status: int):
    assert f"answered {status}" in why(site.says(b"", "/", status))


def test_a_redirect_without_a_target_is_refused(site: Site):
    assert "answered 302" in why(site.says(b"", "/", 302))


def test_a_declared_size_over_the_limit_is_refused(site: Site):
    url = site.sends(b"HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n", b"x", pause=0.01)

    assert "is 999999999 bytes" in why(url)


def test_a_body_that_grows_over_the_limit_is_refused(site: Site):
    url = site.sends(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 10_000, pause=0.001)

    assert "larger than the 100000 bytes" in why(url)


def test_a_gzip_bomb_is_refused_before_it_is_inflated(site: Site):
    stream = zlib.compressobj(9, wbits=31)
    bomb = b"".join(stream.compress(bytes(1_000_000)) for _ in range(200)) + stream.flush()
    url = site.says(bomb, Content_Encoding="gzip")
    limits = FetchLimits(timeout=5, max_bytes=1_000_000, allow_private=True)

    assert len(bomb) < limits.max_bytes
    assert "larger than the 1000000 bytes" in why(url, limits)


@pytest.mark.parametrize(
    ("body", "encoding", "reason"),
    [
        (b"not gzip", "gzip", "not the gzip"),
        (gzip.compress(b"words" * 1000, mtime=0)[:-12], "gzip", "broke off"),
        (b"x", "br", "not asked for"),
        (gzip.compress(b"x", mtime=0), "gzip, gzip", "not asked for"),
    ],
    ids=["not gzip", "broken off", "brotli", "gzip twice"],
)
def test_a_broken_or_unasked_encoding_is_refused(
    site: Site, body: bytes, encoding: str, reason: str
):
    assert reason in why(site.says(body, Content_Encoding=encoding))


def test_a_body_cut_off_is_refused(site: Site):
    url = site.sends(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")

    assert "broken answer" in why(url)


def test_what_is_not_http_is_refused(site: Site):
    assert "broken answer" in why(site.sends(b"SSH-2.0-OpenSSH_9.2\r\n"))


@pytest.mark.parametrize(
    "head",
    [b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n", b"HTTP/1.1 200 OK\r\nX-Long: "],
    ids=["body", "headers"],
)
def test_a_slow_drip_ends_at_the_deadline(site: Site, head: bytes):
    url = site.sends(head, b"x", pause=0.02)
    started = time.monotonic()

    message = why(url, FetchLimits(timeout=0.4, allow_private=True))

    assert "did not answer in full within 0.4 s" in message
    assert time.monotonic() - started < 2


def test_a_silent_server_ends_at_the_deadline():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"

        assert "did not answer" in why(url, FetchLimits(timeout=0.3, allow_private=True))


def test_slow_redirects_share_one_deadline(site: Site):
    def answer(request: BaseHTTPRequestHandler) -> None:
        site.stop.wait(0.15)
        request.send_response(302)
        request.send_header("Location", "/a")
        request.end_headers()

    site.answers["/a"] = answer
    limits = FetchLimits(timeout=0.4, max_redirects=50, allow_private=True)

    assert "did not answer in full" in why(site.url("/a"), limits)


def test_a_name_that_takes_too_long_to_look_up_is_refused(site: Site):
    def resolver(*_: object) -> list[str]:
        site.stop.wait(10)
        return []

    message = why("http://slow.test/", FetchLimits(timeout=0.3), resolver=resolver)

    assert "did not answer in full within 0.3 s" in message


def test_a_name_that_nobody_knows_is_refused():
    def resolver(*_: object) -> list[str]:
        raise socket.gaierror(-2, "Name or service not known")

    assert "nowhere.test is not found" in why("http://nowhere.test/", resolver=resolver)


def test_a_port_where_nobody_listens_is_refused():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

    assert "cannot be reached" in why(f"http://127.0.0.1:{port}/")


def test_a_proxy_of_the_environment_is_not_used(site: Site, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")

    assert fetch(site.says(b"direct"), LIMITS).content == b"direct"


# What did not change, and whose turn it is.


@pytest.mark.parametrize(
    "validators", [{"ETag": '"abc"'}, {"Last_Modified": "Thu, 11 Dec 2025 00:00:00 GMT"}]
)
def test_what_did_not_change_is_not_sent_again(site: Site, validators: dict[str, str]):
    url = site.keeps(b"words", **validators)
    first = fetch_if_changed(url, LIMITS, None)

    assert first.content == b"words"
    assert fetch_if_changed(url, LIMITS, first.validators) is None
    site.keeps(b"others", ETag='"def"')
    assert fetch_if_changed(url, LIMITS, first.validators).content == b"others"


def test_validators_are_shown_to_no_other_address(site: Site):
    start = site.says(b"", "/a", 302, Location="/b")
    site.keeps(b"of b", "/b", Last_Modified="Thu, 11 Dec 2025 00:00:00 GMT")
    known = fetch_if_changed(start, LIMITS, None).validators
    site.says(b"", "/a", 302, Location="/c")
    site.keeps(b"of c", "/c", Last_Modified="Thu, 11 Dec 2025 00:00:00 GMT")

    assert known.url == site.url("/b")
    assert fetch_if_changed(start, LIMITS, known).content == b"of c"


def test_an_address_without_validators_is_fetched_whole(site: Site):
    url = site.says(b"words")

    assert fetch_if_changed(url, LIMITS, Validators(url, None, None)).content == b"words"
    with pytest.raises(FetchRefused, match="answered 304"):
        fetch_if_changed(site.says(b"", status=304), LIMITS, Validators(url, None, None))


def test_each_request_takes_a_turn_whose_waiting_does_not_count(site: Site):
    start = site.says(b"", "/a", 302, Location="/b")
    site.says(b"here", "/b")
    told = []

    @contextmanager
    def turn(url: str) -> Iterator[None]:
        site.stop.wait(0.3)
        told.append(f"before {url}")
        yield
        told.append(f"after {url}")

    found = fetch(start, FetchLimits(timeout=0.4, allow_private=True), turn=turn)

    assert found.content == b"here"
    assert told == [
        f"{when} {site.url(path)}" for path in ("/a", "/b") for when in ("before", "after")
    ]


def test_an_error_says_what_kind_of_refusal_it_is(site: Site):
    with pytest.raises(FetchRefused) as missing:
        fetch(site.says(b"", status=404), LIMITS)
    with pytest.raises(NotPublic):
        fetch(site.url(), CHECKED)
    with pytest.raises(NoAnswer):
        fetch("http://nowhere.test/", LIMITS, resolver=lambda *_: [])

    assert missing.value.status == 404


# Statements from addresses.


@pytest.fixture
def private(settings: Settings) -> Settings:
    return settings.model_copy(update={"fetch_allow_private": True})


def test_a_page_becomes_a_statement_that_bears_its_address(
    site: Site, page, database: Database, private: Settings
):
    head = '<link rel="canonical" href="https://elsewhere.org/x">'
    url = site.says(page(head=head).encode(), "/press", Content_Type="text/html; charset=utf-8")

    (added,) = add(database, [f"{url}#part"], private).added

    with database.transaction() as session:
        ref = repository.current(session, added.statement_id).ref
    assert ref.url == url
    assert ref.title == "Bilateral exercise"
    assert added.statement_id.startswith("127-0-0-1-press-")


def test_an_address_that_changed_becomes_a_new_version(
    site: Site, database: Database, private: Settings
):
    url = site.says(b"Two bombers flew over the sea.", Content_Type="text/plain")
    add(database, [url], private)

    assert len(add(database, [url], private).unchanged) == 1
    site.says(b"Three bombers flew over the sea.", Content_Type="text/plain")
    assert [entry.version for entry in add(database, [url], private).changed] == [2]


def test_a_page_cannot_take_the_place_of_another_statement(
    site: Site, folder, database: Database, private: Settings
):
    ours = "---\nid: s01\n---\nTwo bombers flew over the sea."
    theirs = b"---\nid: s01\nurl: https://ministry.test/\n---\nNo bomber flew over the sea."
    add(database, [folder(a_md=ours)], private)

    (added,) = add(database, [site.says(theirs, "/a.md", Content_Type="text/plain")], private).added

    assert added.statement_id != "s01"
    with database.transaction() as session:
        assert repository.current(session, "s01").ref.version == 1
        assert repository.current(session, added.statement_id).ref.url == site.url("/a.md")


def test_an_address_that_is_refused_is_reported_and_the_rest_is_added(
    site: Site, folder, database: Database, settings: Settings
):
    url = site.says(b"secret")

    report = add(database, [url, folder(a_txt="Two bombers flew over the sea.")], settings)

    assert len(report.added) == 1
    ((name, reason),) = report.failed
    assert name == url
    assert "is not a public address (loopback)" in reason
