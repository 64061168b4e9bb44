"""A broken file is reported by name and reason, and the rest of its directory is still added."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from service.kit.database import Database
from service.settings import Settings
from service.statements.intake import AddReport, add

GOOD = "The ministry announced that two bombers flew over the sea on Wednesday."
BODY = '<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main">'
LAUGHS = (
    '<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "ha">'
    + "".join(
        f'<!ENTITY {name} "{f"&{before};" * 10}">'
        for before, name in zip("abcdefgh", "bcdefghi", strict=True)
    )
    + f"]>{BODY}<w:body><w:p><w:r><w:t>&i;</w:t></w:r></w:p></w:body></w:document>"
)


@pytest.fixture
def added(
    folder: Callable[..., Path], database: Database, settings: Settings
) -> Callable[[str, bytes], AddReport]:
    def run(name: str, content: bytes) -> AddReport:
        """Add a directory with this file between two good ones."""
        made = folder(a_txt=GOOD, z_txt=GOOD)
        (made / name).write_bytes(content)
        return add(database, [made], settings)

    return run


def reason(report: AddReport, name: str) -> str:
    """Why the one failed source failed; the good ones around it must be in."""
    assert [Path(entry.name).name for entry in report.added] == ["a.txt", "z.txt"]
    ((failed, why),) = report.failed
    assert Path(failed).name == name
    return why


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9, 0.999])
def test_a_truncated_pdf(added, pdf, share: float):
    whole = pdf("Two bombers flew.", "They landed.")

    report = added("m.pdf", whole[: int(len(whole) * share)])

    assert "truncated" in reason(report, "m.pdf")


def test_a_pdf_whose_inside_is_damaged(added):
    assert "broken" in reason(added("m.pdf", b"%PDF-1.7\nnothing here\n%%EOF\n"), "m.pdf")


def test_what_is_only_called_a_pdf(added):
    assert reason(added("m.pdf", b"plain words"), "m.pdf") == "is not a PDF"


@pytest.mark.parametrize("name", ["m.txt", "m.md", "m.html", "m.jsonl"])
def test_a_wrong_encoding(added, name: str):
    report = added(name, "Verteidigungsministerium, Köln".encode("latin-1"))

    assert reason(report, name) == "is not utf-8 (byte 0xf6 at offset 27); save it as UTF-8"


def test_utf_16_cut_in_the_middle_of_a_character(added):
    report = added("m.txt", "Köln".encode("utf-16")[:-1])

    assert "is not utf-16-le" in reason(report, "m.txt")


@pytest.mark.parametrize("name", ["m.txt", "m.md", "m.html", "m.pdf", "m.docx", "m.jsonl"])
def test_an_empty_file(added, name: str):
    assert reason(added(name, b""), name) == "is empty"


@pytest.mark.parametrize("content", [b" \n\t ", "\ufeff\u2003\n".encode()])
def test_a_file_of_white_space(added, content: bytes):
    assert "only white space" in reason(added("m.txt", content), "m.txt")


def test_front_matter_without_a_body(added):
    assert "only white space" in reason(added("m.md", b"---\nid: x\n---\n"), "m.md")


def test_a_binary_file(added):
    assert "binary" in reason(added("m.txt", bytes(range(256))), "m.txt")


def test_200_megabytes_are_refused_without_being_read(added, folder, database, settings):
    made = folder(a_txt=GOOD, z_txt=GOOD)
    with (made / "m.pdf").open("wb") as sparse:
        sparse.truncate(200_000_000)

    report = add(database, [made], settings)

    assert reason(report, "m.pdf") == "200000000 bytes; at most 50000000 are read"


def test_a_zip_bomb_as_docx(added, word, repacked):
    bomb = repacked(word("x"), "word/media/bomb.xml", b"<a>" + b" " * 60_000_000)

    assert "zip bomb" in reason(added("m.docx", bomb), "m.docx")


def test_a_zip_bomb_that_lies_about_its_size(added, word, repacked):
    bomb = bytearray(repacked(word("x"), "word/media/bomb.xml", b"<a>" + b" " * 60_000_000))
    declared = (60_000_003).to_bytes(4, "little")
    while (position := bomb.find(declared)) >= 0:
        bomb[position : position + 4] = (1000).to_bytes(4, "little")

    why = reason(added("m.docx", bytes(bomb)), "m.docx")

    assert "cannot be inflated" in why


def test_a_docx_of_very_many_parts(added, word):
    stream = io.BytesIO(word("x"))
    with zipfile.ZipFile(stream, "a") as archive:
        for number in range(5001):
            archive.writestr(f"word/media/{number}", b"")

    assert "parts" in reason(added("m.docx", stream.getvalue()), "m.docx")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_billion_laughs_in_docx(added, word, repacked, encoding: str):
    bomb = repacked(word("x"), "word/document.xml", LAUGHS.encode(encoding))

    assert "declares a document type" in reason(added("m.docx", bomb), "m.docx")


def test_an_outside_entity_in_docx(added, word, repacked, tmp_path: Path):
    (tmp_path / "secret").write_text("secret")
    xml = (
        f'<!DOCTYPE d [<!ENTITY e SYSTEM "file://{tmp_path}/secret">]>{BODY}'
        "<w:body><w:p><w:r><w:t>&e;</w:t></w:r></w:p></w:body></w:document>"
    )
    document = repacked(word("x"), "word/document.xml", xml.encode())

    assert "declares a document type" in reason(added("m.docx", document), "m.docx")


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_a_truncated_docx(added, word, share: float):
    whole = word("Text.")

    assert "truncated" in reason(added("m.docx", whole[: int(len(whole) * share)]), "m.docx")


def test_a_zip_that_is_no_docx(added):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("a.txt", "x")

    assert "without a Word document" in reason(added("m.docx", stream.getvalue()), "m.docx")


def test_docx_whose_xml_is_damaged(added, word, repacked):
    document = repacked(word("x"), "word/document.xml", b"<w:document><unclosed")

    assert "m.docx" not in reason(added("m.docx", document), "m.docx")


@pytest.mark.parametrize(
    "content",
    [b"<html>" + b"<div>" * 100_000 + b"x", b"<html><body></body></html>", b"<html\xff"],
    ids=["nested", "no text", "not UTF-8"],
)
def test_a_broken_page(added, content: bytes):
    assert reason(added("m.html", content), "m.html")


def test_a_bad_line_of_jsonl_leaves_the_lines_around_it(folder, database, settings):
    lines = '{"text": "One is here."}\nnot json\n{"text": "Three is here."}\n'

    report = add(database, [folder(s_jsonl=lines)], settings)

    assert [entry.name.rpartition(": ")[2] for entry in report.added] == ["line 1", "line 3"]
    assert report.failed[0][0].endswith("s.jsonl: line 2")
    assert report.failed[0][1].startswith("is not JSON")


def test_a_file_that_is_not_there(folder, database, settings):
    made = folder(a_txt=GOOD)

    report = add(database, [made / "missing.txt", made / "a.txt"], settings)

    assert report.failed == [
        (str(made / "missing.txt"), "cannot be read: No such file or directory")
    ]
    assert len(report.added) == 1


def test_a_pipe_among_the_files(folder, database, settings):
    made = folder(a_txt=GOOD)
    os.mkfifo(made / "pipe.txt")

    report = add(database, [made], settings)

    assert report.failed == [(str(made / "pipe.txt"), "is not a file")]


def test_a_file_name_that_is_not_utf_8(folder, database, settings):
    made = folder()
    (Path(os.fsdecode(os.fsencode(made) + b"/caf\xe9.txt"))).write_text(GOOD)

    report = add(database, [made], settings)

    assert report.added[0].name.endswith("caf\\xe9.txt")
