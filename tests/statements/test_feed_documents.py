"""What a feed says, and which feeds are read."""

from __future__ import annotations

import gzip
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from service.kit.database import Database, utc_now
from service.kit.errors import InputError, InputTooLarge
from service.statements.feeds import Feed, due, load_feeds, state
from service.statements.feeds.documents import LARGEST_FEED, FeedDocument, Item, read_document
from service.statements.fetch import Fetched

SEEDS = Path(__file__).parents[2] / "seeds"
HERE = "https://ministry.test/news/feed.xml"


def read(content: str | bytes, kind: str | None = None, charset: str | None = None) -> FeedDocument:
    data = content.encode() if isinstance(content, str) else content
    return read_document(Fetched(data, "text/xml", charset, HERE, None, None), kind)


def only(content: str | bytes) -> Item:
    (item,) = read(content).items
    return item


def rss(items: str) -> str:
    return f'<rss version="2.0"><channel><title>News</title>{items}</channel></rss>'


def urlset(entries: str) -> str:
    return f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{entries}</urlset>'


# RSS and Atom.


def test_an_item_of_rss_has_address_guid_title_and_day():
    item = only(
        rss(
            "<item><title>Loan &amp; bonds</title><link> https://ministry.test/a </link>"
            "<guid isPermaLink='false'>7</guid><pubDate>Wed, 10 Dec 2025 09:00:00 GMT</pubDate>"
            "</item>"
        )
    )

    assert item == Item(
        "https://ministry.test/a",
        guid="7",
        updated="Wed, 10 Dec 2025 09:00:00 GMT",
        title="Loan & bonds",
        published=date(2025, 12, 10),
        day=date(2025, 12, 10),
    )


def test_an_item_of_atom_knows_when_it_changed():
    item = only(
        '<feed xmlns="http://www.w3.org/2005/Atom"><title>News</title><entry><id>tag:7</id>'
        '<title>A</title><link rel="self" href="/api/a"/><link href="/a"/>'
        "<published>2025-12-10T09:00:00Z</published><updated>2025-12-12T09:00:00Z</updated>"
        "</entry></feed>"
    )

    assert item.address == "https://ministry.test/a"
    assert item.updated == "2025-12-12T09:00:00Z"
    assert (item.published, item.day) == (date(2025, 12, 10), date(2025, 12, 12))


@pytest.mark.parametrize(
    "feed",
    [
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" '
        'xmlns="http://my.netscape.com/rdf/simple/0.9/"><item><title>A</title>'
        "<link>https://ministry.test/a</link></item></rdf:RDF>",
        '<!DOCTYPE rss PUBLIC "-//Netscape Communications//DTD RSS 0.91//EN" '
        '"http://my.netscape.com/publish/formats/rss-0.91.dtd"><rss version="0.91"><channel><item>'
        "<title>A</title><link>https://ministry.test/a</link></item></channel></rss>",
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" '
        'xmlns="http://purl.org/rss/1.0/"><item rdf:about="https://ministry.test/a"><title>A</title>'
        "<link>https://ministry.test/a</link></item></rdf:RDF>",
    ],
    ids=["RSS 0.90", "RSS 0.91", "RSS 1.0"],
)
def test_old_kinds_of_rss_are_read(feed: str):
    assert only(feed).address == "https://ministry.test/a"


def test_a_day_is_that_of_the_writer_and_not_of_greenwich():
    item = only(
        rss("<item><link>/a</link><pubDate>Wed, 10 Dec 2025 08:00:00 +0900</pubDate></item>")
    )

    assert item.published == date(2025, 12, 10)


@pytest.mark.parametrize("told", ["soon", "2025-13-40", "Wed, 99 Foo 2025"])
def test_a_date_that_is_none_is_left_out(told: str):
    assert only(rss(f"<item><link>/a</link><pubDate>{told}</pubDate></item>")).published is None


def test_a_relative_link_leads_from_the_feed():
    assert only(rss("<item><link>../a?b=1#c</link></item>")).address == (
        "https://ministry.test/a?b=1"
    )


def test_what_tells_where_a_reader_came_from_is_no_part_of_an_address():
    item = only(rss("<item><link>/a?utm_source=rss&amp;id=3&amp;utm_medium=feed</link></item>"))

    assert item.address == "https://ministry.test/a?id=3"


def test_an_address_that_is_listed_twice_is_one_item():
    document = read(rss("<item><link>/a</link></item><item><link>/a#part</link></item>"))

    assert len(document.items) == 1


@pytest.mark.parametrize(
    ("item", "name", "reason"),
    [
        ("<title>A</title>", "A", "gives no address"),
        ("<link>javascript:alert(1)</link>", "javascript:alert(1)", "not an http or https"),
        (f"<link>/{'a' * 1000}</link>", "https://ministry.test/aaaa", "longer than 1000"),
    ],
)
def test_an_item_without_an_address_to_fetch_is_named(item: str, name: str, reason: str):
    ((found, why),) = read(rss(f"<item>{item}</item>")).unusable

    assert name in found
    assert reason in why


def test_an_entry_of_a_sitemap_without_an_address_to_fetch_is_named():
    document = read(
        urlset("<url><loc>http://[::1</loc></url><url/><url><loc>mailto:a@b.test</loc></url>")
    )

    assert document.unusable == (
        ("http://[::1", "is not an address"),
        (f"an entry of {HERE}", "the sitemap gives no address for it"),
        ("mailto:a@b.test", "is not an http or https address"),
    )


def test_a_feed_in_another_charset_is_read():
    item = only(
        b'<?xml version="1.0" encoding="iso-8859-1"?>'
        + rss("<item><title>Erklärung</title><link>/a</link></item>").encode("latin-1")
    )
    assert item.title == "Erklärung"


def test_a_feed_that_is_not_well_formed_is_read_as_far_as_it_can_be_and_said_so():
    document = read(rss("<item><title>Q&A</title><link>/a</link></item>"))

    assert [item.address for item in document.items] == ["https://ministry.test/a"]
    assert document.flaw.startswith("is not well-formed")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("<rss version='2.0'><channel><title>half", "is a broken feed"),
        ("", "is empty"),
        ("just words", "is no feed"),
        ('{"items": []}', "is no feed"),
        ("<other/>", "is no feed"),
        ("<!doctype html><html><body>Not here</body></html>", "is an HTML page"),
        ("<urlset><url><loc>https://a.test/</loc>", "is a broken sitemap"),
    ],
)
def test_what_is_neither_feed_nor_sitemap_is_refused(content: str, reason: str):
    with pytest.raises(InputError, match=reason) as caught:
        read(content)

    assert str(caught.value).startswith(HERE)


def test_a_feed_without_items_is_no_error():
    assert read(rss("")).items == ()


@pytest.mark.parametrize(
    ("content", "kind"), [(rss(""), "sitemap"), (urlset(""), "feed")], ids=["feed", "sitemap"]
)
def test_a_document_of_the_other_kind_is_refused(content: str, kind: str):
    with pytest.raises(InputError, match=f"is no {kind}"):
        read(content, kind)


BOMB = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">' + "".join(
    f'<!ENTITY {new} "{f"&{old};" * 10}">' for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    "document",
    [rss("<item><title>&i;</title><link>/a</link></item>"), urlset("<url><loc>&i;</loc></url>")],
    ids=["feed", "sitemap"],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_an_entity_bomb_is_refused_unread(document: str, encoding: str):
    with pytest.raises(InputError, match="declares entities"):
        read(f"{BOMB}]>{document}".encode(encoding))


def test_a_local_file_is_not_read_into_a_feed(tmp_path: Path):
    (tmp_path / "secret").write_text("secret")
    content = f'<!DOCTYPE urlset SYSTEM "file://{tmp_path}/secret">' + urlset("")

    assert read(content).items == ()
    with pytest.raises(InputError, match="is no feed"):
        read(str(tmp_path / "secret"))


def test_a_feed_that_is_too_large_is_refused():
    with pytest.raises(InputTooLarge, match=r"bytes of feed; at most 5000000"):
        read(rss("<item><link>/a</link></item>" + " " * LARGEST_FEED))


# Sitemaps.


def test_a_sitemap_gives_the_newest_first():
    document = read(
        urlset(
            "<url><loc>https://ministry.test/none</loc></url>"
            "<url><loc>https://ministry.test/old</loc><lastmod>2024-01-01</lastmod></url>"
            "<url><loc>/new</loc><lastmod>2025-12-10T01:00:00+09:00</lastmod></url>"
        )
    )

    assert [item.address.rpartition("/")[2] for item in document.items] == ["new", "old", "none"]
    assert document.items[0].updated == "2025-12-10T01:00:00+09:00"


def test_a_change_in_a_sitemap_is_no_day_of_publication():
    item = only(urlset("<url><loc>/a</loc><lastmod>2025-12-10</lastmod></url>"))

    assert item.published is None
    assert item.day == date(2025, 12, 10)


def test_title_and_day_of_a_news_sitemap_are_known():
    item = only(
        urlset(
            '<url><loc>/a</loc><n:news xmlns:n="http://www.google.com/schemas/sitemap-news/0.9">'
            "<n:publication><n:name>Not this</n:name></n:publication>"
            "<n:publication_date>2025-12-10</n:publication_date><n:title>Loan</n:title></n:news>"
            '<i:image xmlns:i="x"><i:loc>https://ministry.test/picture.png</i:loc></i:image></url>'
        )
    )

    assert (item.title, item.published) == ("Loan", date(2025, 12, 10))
    assert item.address == "https://ministry.test/a"


def test_an_index_gives_sitemaps_in_the_order_of_their_change():
    document = read(
        gzip.compress(
            b"<sitemapindex><sitemap><loc>/old.xml</loc><lastmod>2024</lastmod></sitemap>"
            b"<sitemap><loc>/new.xml.gz</loc><lastmod>2025</lastmod></sitemap></sitemapindex>"
        )
    )

    assert document.sitemaps == (
        "https://ministry.test/new.xml.gz",
        "https://ministry.test/old.xml",
    )
    assert document.items == ()


def test_a_sitemap_that_unpacks_without_end_is_refused():
    with pytest.raises(InputTooLarge, match="unpacks to more than"):
        read(gzip.compress(bytes(60_000_000), 9))


def test_broken_gzip_is_refused():
    with pytest.raises(InputError, match="gzip"):
        read(gzip.compress(urlset("").encode())[:-6])


def test_a_sitemap_nested_without_end_is_refused():
    with pytest.raises(InputError, match="is a broken sitemap"):
        read(urlset("<url>" * 100_000))


# feeds.toml.


@pytest.fixture
def file(tmp_path: Path):
    def write(content: str) -> Path:
        path = tmp_path / "feeds.toml"
        path.write_text(content)
        return path

    return write


def why(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        load_feeds(path)
    return str(caught.value)


def entry(**keys: object) -> str:
    lines = {"url": '"https://a.test/feed"', "issuer": '"A"', **keys}
    return "[[feed]]\n" + "".join(f"{key} = {value}\n" for key, value in lines.items())


def test_the_example_lists_feeds_of_many_bodies():
    feeds = load_feeds(SEEDS / "feeds.toml")

    assert len({feed.issuer for feed in feeds}) > 15
    assert (SEEDS / "feeds.toml").read_text().startswith("# Addresses change.")


def test_the_feeds_of_the_documentation_are_valid(file):
    text = (SEEDS.parent / "docs" / "feeds.md").read_text()

    assert len(load_feeds(file(text.split("```toml\n")[1].split("```")[0]))) == 2
    told = [line.split("`")[1] for line in text.splitlines() if line.startswith("| `")]
    assert set(told) == set(Feed.model_fields)


def test_a_feed_has_sensible_defaults(file):
    (feed,) = load_feeds(file(entry()))

    assert feed == Feed(url="https://a.test/feed", issuer="A")
    assert feed.kind is feed.language is feed.every is None
    assert feed.limit == 200


def test_every_key_is_read(file):
    (feed,) = load_feeds(
        file(
            entry(
                kind='"sitemap"',
                include='["*/press/*"]',
                exclude='["*/fr/*"]',
                since="2025-01-01",
                language='"en"',
                statement_kind='"digest"',
                reported_by='["https://b.test/"]',
                limit=3,
                every='"6h"',
            )
        )
    )

    assert feed.since == date(2025, 1, 1)
    assert feed.every == timedelta(hours=6)
    assert feed.reported_by == ("https://b.test/",)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"isuer": '"A"'}, "isuer: is not known; the keys are url, issuer, kind"),
        ({"issuer": '""'}, "issuer: String should have at least 1 character"),
        ({"url": '"ftp://a.test/"'}, "url: give an http or https address"),
        ({"kind": '"atom"'}, "kind: Input should be 'feed' or 'sitemap'"),
        ({"since": '"yesterday"'}, "since: "),
        ({"every": '"often"'}, "every: write it as 30m, 6h or 1d"),
        ({"every": '"0m"'}, "every: write it as 30m, 6h or 1d"),
        ({"every": "60"}, "every: write it as 30m, 6h or 1d"),
        ({"limit": "0"}, "limit: Input should be greater than or equal to 1"),
        ({"include": '"*"'}, "include: Input should be a valid tuple"),
        ({"language": '"English"'}, "language: "),
        ({"statement_kind": '"copy"'}, "statement_kind: Input should be 'original'"),
    ],
)
def test_a_wrong_entry_is_named_with_file_entry_and_field(file, keys, message: str):
    path = file(entry(url='"https://good.test/"') + entry(**keys))

    told = why(path)

    assert told.startswith(f"{path}: feed 2")
    assert f": {message}" in told


def test_what_is_missing_is_named(file):
    assert "feed 1: url: is missing; feed 1: issuer: is missing" in why(file("[[feed]]\n"))


def test_a_password_in_an_address_is_refused_and_not_repeated(file):
    told = why(file(entry(url='"https://me:secret@a.test/"')))

    assert "without user name and password" in told
    assert "secret" not in told


def test_a_feed_that_is_listed_twice_is_refused(file):
    assert "feed 2 (https://a.test/feed): url: is that of feed 1 too" in why(
        file(entry() + entry())
    )


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "lists no feeds"),
        ("feed = 3", "lists no feeds"),
        ("[feed]\nurl = 'x'", "lists no feeds"),
        ("[[feeds]]\nurl = 'x'", "feeds: is not known here"),
        ("[[feed]", "is not TOML"),
    ],
)
def test_a_file_that_lists_no_feeds_is_refused(file, content: str, reason: str):
    assert reason in why(file(content))


def test_a_file_that_is_not_there_is_named(tmp_path: Path):
    assert f"{tmp_path / 'feeds.toml'}: is not there" in why(tmp_path / "feeds.toml")
    assert "cannot be read" in why(tmp_path)


def test_patterns_and_days_choose_items():
    feed = Feed(
        url="https://a.test/",
        issuer="A",
        include=("*/press/*", "*/news/*"),
        exclude=("*.pdf",),
        since=date(2025, 1, 1),
    )

    assert feed.takes("https://a.test/press/1", None)
    assert feed.takes("https://a.test/news/1", date(2025, 1, 1))
    assert not feed.takes("https://a.test/news/1", date(2024, 12, 31))
    assert not feed.takes("https://a.test/about", None)
    assert not feed.takes("https://a.test/press/1.pdf", None)


# When feeds are due.


def test_a_feed_is_due_when_its_interval_is_over(database: Database):
    hourly = Feed(url="https://a.test/", issuer="A")
    daily = Feed(url="https://b.test/", issuer="B", every="1d")
    new = Feed(url="https://c.test/", issuer="C")
    with database.transaction() as session:
        for feed in (hourly, daily):
            state.begin(session, feed.url)
            state.finish(session, feed.url, feed.selection, {}, (), None)

    def found(after: timedelta, every: timedelta = timedelta(hours=1)) -> list[Feed]:
        return due(database, [hourly, daily, new], every, utc_now() + after)

    assert due(database, [hourly, daily, new]) == [new]
    assert found(timedelta(minutes=59)) == [new]
    assert found(timedelta(minutes=61)) == [hourly, new]
    assert found(timedelta(minutes=61), timedelta(hours=2)) == [new]
    assert found(timedelta(days=1)) == [hourly, daily, new]


def test_moments_are_kept_in_utc(database: Database):
    with database.transaction() as session:
        state.begin(session, "https://a.test/")
        state.finish(session, "https://a.test/", "", {}, (), None)
        (checked,) = state.last_checked(session).values()

    assert abs(checked - datetime.now(UTC).replace(tzinfo=None)) < timedelta(minutes=1)
