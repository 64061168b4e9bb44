from __future__ import annotations

import codecs
import io
import json
from datetime import date

import docx
import pytest

from service.kit.errors import InputError, InputTooLarge
from service.statements.readers import Reading, read, read_many
from service.types import Kind

TURNED = "Port\u202e of \u2066Kemi\u2069"

LIMIT = 1_000_000


def reading(content: bytes | str, name: str, media_type: str | None = None) -> Reading:
    data = content.encode() if isinstance(content, str) else content
    return read(data, name=name, media_type=media_type, max_bytes=LIMIT)


def refusal(content: bytes | str, name: str, media_type: str | None = None) -> str:
    with pytest.raises(InputError) as caught:
        reading(content, name, media_type)
    return str(caught.value)


def test_plain_text_is_kept_in_stored_form():
    read_text = reading("Cafe\u0301\r\n closed. ", "a.txt")

    assert read_text.text == "Caf\u00e9\n closed. "
    assert read_text.reader == "text/1"


def test_front_matter_says_what_a_markdown_statement_is():
    content = """---
id: S01
issuer: Joint Staff
title: Bilateral exercise
published: 2025-12-11
kind: digest
language: en-GB
url: https://example.org/press/1
reported_by: [nippon.com/en/1, post of @jointstaffpa]
author: somebody
---

Two bombers flew.
"""
    found = reading(content, "a.md")

    assert found.text == "Two bombers flew."
    assert (found.declared_id, found.issuer, found.title) == (
        "S01",
        "Joint Staff",
        "Bilateral exercise",
    )
    assert found.published == date(2025, 12, 11)
    assert found.kind is Kind.DIGEST
    assert found.language == "en"
    assert found.url == "https://example.org/press/1"
    assert found.reported_by == ("nippon.com/en/1", "post of @jointstaffpa")


def test_markdown_without_a_declared_title_is_called_by_its_heading():
    assert reading("# Press release\n\nText.", "a.md").title == "Press release"


@pytest.mark.parametrize(
    "content", ["---\nJust a rule across the page.\n---\nText.", "Text.\n\n---\n\nMore.\n\n---\n"]
)
def test_a_rule_across_the_page_is_not_front_matter(content: str):
    assert reading(content, "a.md").text == content.strip()


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ("published: 2025-13-40", "published"),
        ("published: last Tuesday", "published"),
        ("kind: rumour", "kind"),
        ("url: javascript:alert(1)", "url"),
        ("language: English, mostly", "language"),
        ("id: ../../etc/passwd", "id"),
        ("title: {a: b}", "title"),
        ("reported_by: [[a]]", "reported_by"),
    ],
)
def test_an_unusable_value_in_front_matter_is_named_by_its_key(line: str, key: str):
    message = refusal(f"---\n{line}\n---\nText.", "a.md")

    assert message.startswith(f"a.md: {key}: ")


@pytest.mark.parametrize(
    "content",
    ["---\nid: [a\n---\nText.", "---\nid: a\n\nText.", "---\na: " + "[" * 30_000 + "\n---\nText."],
    ids=["not YAML", "not closed", "nested to crash the loader"],
)
def test_broken_front_matter_is_refused(content: str):
    assert "front matter" in refusal(content, "a.md")


def test_a_page_gives_its_main_text_title_date_and_site(page):
    head = (
        '<meta property="og:site_name" content="Ministry of Defense">'
        '<meta property="article:published_time" content="2025-12-11T09:00:00+09:00">'
    )
    found = reading(page(head=head), "a.html")

    assert "two bombers and three fighters" in found.text
    assert "Contact" not in found.text
    assert "Imprint" not in found.text
    assert found.title == "Bilateral exercise"
    assert found.published == date(2025, 12, 11)
    assert found.issuer == "Ministry of Defense"
    assert found.reader.startswith("trafilatura/")


def test_a_year_in_a_table_is_not_taken_for_the_date_of_a_page(page):
    body = (
        "<p>The figures of the ministry are listed below, and they are final for the year.</p>"
        "<table><tr><td>2019</td><td>42</td></tr></table>"
    )

    assert reading(page(body), "a.html").published is None


def test_a_line_break_in_a_page_does_not_end_the_paragraph(page):
    body = (
        "<p>Two bombers of the U.S.<br>Air Force flew over the sea with three fighters.</p>"
        "<p>They landed in the evening, and the exercise ended as it had been planned.</p>"
    )

    text = reading(page(body), "a.html").text

    assert "of the U.S.\nAir Force flew over the sea with three fighters.\n\nThey landed" in text


def test_a_table_in_a_page_keeps_its_rows_together(page):
    body = (
        "<p>The ministry plans the following numbers of aircraft for the years to come.</p>"
        "<table><tr><th>Type</th><th>Number</th></tr><tr><td>F-35B</td><td>42</td></tr></table>"
    )

    assert "Type | Number\nF-35B | 42" in reading(page(body), "a.html").text


def test_a_page_is_decoded_by_the_charset_that_it_declares(page):
    content = page("<p>Le ministère a été informé de la décision du président.</p>")
    content = content.replace("<head>", '<head><meta charset="iso-8859-1">')

    assert "ministère a été informé" in reading(content.encode("latin-1"), "a.html").text


def test_a_page_without_text_is_refused():
    assert "no text" in refusal("<html><body><script>x</script></body></html>", "a.html")


def test_a_pdf_gives_its_text_title_and_date(pdf):
    found = reading(pdf("Two bombers flew\nover the sea", title="Exercise"), "a.pdf")

    assert found.text == "Two bombers flew\nover the sea"
    assert found.title == "Exercise"
    assert found.published == date(2000, 1, 1)
    assert found.media_type == "application/pdf"


def test_a_sentence_goes_on_over_the_pages_of_a_pdf(pdf):
    found = reading(pdf("It was announced that", "bombers flew. They landed.", "Next."), "a.pdf")

    assert found.text == "It was announced that\nbombers flew. They landed.\n\nNext."


def test_a_hyphen_at_a_line_end_of_a_pdf_stays_unless_the_joined_word_is_known(pdf):
    found = reading(pdf("software is a long-\nterm matter of soft-\nware."), "a.pdf")

    assert found.text == "software is a long-term matter of software."


def test_a_pdf_that_is_a_scan_says_so(pdf):
    assert "no text layer" in refusal(pdf(""), "scan.pdf")


def test_a_locked_pdf_says_so(pdf):
    assert "password" in refusal(pdf("secret", lock="open sesame"), "a.pdf")


def test_a_word_document_gives_paragraphs_and_tables_in_order(word):
    document = docx.Document(io.BytesIO(word("First.", "Second.", title="Exercise")))
    table = document.add_table(1, 2)
    table.cell(0, 0).text, table.cell(0, 1).text = "F-35B", "42"
    document.add_paragraph("Last.")
    stream = io.BytesIO()
    document.save(stream)

    found = reading(stream.getvalue(), "a.docx")

    assert found.text == "First.\n\nSecond.\n\nF-35B | 42\n\nLast."
    assert found.title == "Exercise"


def test_the_template_date_of_a_word_document_is_not_its_date(word):
    assert reading(word("Text."), "a.docx").published is None


def test_words_inserted_under_change_tracking_are_read_and_deleted_ones_are_not(word, repacked):
    body = (
        '<w:p><w:r><w:t>Kept </w:t></w:r><w:ins w:id="1" w:author="a"><w:r><w:t>added</w:t></w:r>'
        '</w:ins><w:del w:id="2" w:author="a"><w:r><w:delText>gone</w:delText></w:r></w:del></w:p>'
    )
    namespace = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    xml = f'<w:document xmlns:w="{namespace}"><w:body>{body}</w:body></w:document>'
    document = repacked(word("x"), "word/document.xml", xml.encode())

    assert reading(document, "a.docx").text == "Kept added"


def test_jsonl_holds_a_statement_a_line():
    lines = [
        {"id": "a", "text": "First text.", "issuer": "Bank", "published": "2025-01-02"},
        {"id": "b", "text": "Second text."},
    ]
    content = "\n".join(map(json.dumps, lines)).encode()

    records = list(read_many(content, name="a.jsonl", max_bytes=LIMIT))

    assert [record.outcome.text for record in records] == ["First text.", "Second text."]
    assert [record.line for record in records] == [1, 2]
    assert records[0].outcome.issuer == "Bank"


@pytest.mark.parametrize(
    "bad",
    [
        "{",
        "[]",
        '{"title": "no text"}',
        '{"text": " "}',
        '{"text": "x", "published": "soon"}',
        "[" * 100_000,
        '{"text": "x", "title": ' + "9" * 5000 + "}",
    ],
    ids=["cut", "no object", "no text", "blank", "bad date", "nested", "huge number"],
)
def test_a_bad_line_of_jsonl_is_named_by_its_number_and_the_rest_is_read(bad: str):
    content = f'{{"text": "One."}}\n{bad}\n{{"text": "Three."}}\n'.encode()

    first, second, third = read_many(content, name="a.jsonl", max_bytes=LIMIT)

    assert first.outcome.text == "One."
    assert str(second.outcome).startswith("a.jsonl: line 2: ")
    assert third.outcome.text == "Three."


@pytest.mark.parametrize(
    "content",
    [
        codecs.BOM_UTF8 + "Köln".encode(),
        "Köln".encode("utf-16"),
        codecs.BOM_UTF16_BE + "Köln".encode("utf-16-be"),
        codecs.BOM_UTF32_LE + "Köln".encode("utf-32-le"),
    ],
    ids=["UTF-8 with mark", "UTF-16", "UTF-16 big endian", "UTF-32"],
)
def test_a_byte_order_mark_tells_the_encoding(content: bytes):
    assert reading(content, "a.txt").text == "Köln"


def test_the_declared_charset_of_a_download_is_used():
    content = "Übung".encode("cp1252")

    assert reading(content, "a.txt", "text/plain; charset=windows-1252").text == "Übung"


@pytest.mark.parametrize("charset", ["utf-7", "rot13", "unicode_escape", "idna", "no-such"])
def test_a_charset_that_is_none_for_texts_is_refused(charset: str):
    assert "charset" in refusal("text", "a.txt", f"text/plain; charset={charset}")


def test_bytes_that_are_not_utf_8_are_named_by_their_offset():
    assert "0xe9 at offset 3" in refusal(b"caf\xe9", "a.txt")


def test_a_nul_byte_is_named_by_its_offset():
    assert "NUL byte at offset 2" in refusal(b"ab\0cd", "a.txt")


@pytest.mark.parametrize(
    ("name", "media_type", "expected"),
    [
        ("notes", None, "text/plain"),
        ("notes.html", None, "text/html"),
        ("https://a.org/x.md?raw=1", "text/plain", "text/markdown"),
        ("https://a.org/report.pdf", "text/html; charset=utf-8", "text/html"),
        ("https://a.org/", "application/octet-stream", "text/html"),
    ],
)
def test_the_reader_is_chosen_by_media_type_then_name_then_content(
    page, name: str, media_type: str | None, expected: str
):
    content = "Plain words." if expected != "text/html" else page()

    assert reading(content, name, media_type).media_type == expected


def test_content_overrules_a_wrong_name(pdf):
    assert reading(pdf("Two bombers flew"), "a.txt").media_type == "application/pdf"


@pytest.mark.parametrize("media_type", ["image/png", "application/json", "video/mp4"])
def test_other_media_types_are_refused_by_name(media_type: str):
    assert media_type in refusal("x", "https://a.org/x", media_type)


def test_content_over_the_limit_is_refused_before_it_is_read():
    with pytest.raises(InputTooLarge, match=r"a\.txt: 11 bytes; at most 10"):
        read(b"x" * 11, name="a.txt", max_bytes=10)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.md", f"---\nissuer: {TURNED}\ntitle: {TURNED}\n---\nThe port was closed."),
        ("a.md", f"---\nissuer: {TURNED}\n---\n# {TURNED}\n\nThe port was closed."),
        (
            "a.html",
            f'<html><head><title>{TURNED}</title><meta property="og:site_name" '
            f'content="{TURNED}"></head><body><article><h1>{TURNED}</h1><p>The port of Kemi was '
            "closed for five days because of the ice on the sea.</p></article></body></html>",
        ),
    ],
)
def test_a_name_turns_the_order_of_nothing(name: str, content: str) -> None:
    found = reading(content, name)
    assert (found.issuer, found.title) == ("Port of Kemi", "Port of Kemi")
