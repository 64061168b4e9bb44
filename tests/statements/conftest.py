"""Factories for documents and databases of the corpus tests."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import docx
import pytest
from reportlab.pdfgen import canvas

from service.kit.database import Database
from service.settings import Settings

PARAGRAPH = (
    "The Joint Staff announced that two bombers and three fighters flew over the Sea of Japan. "
    "The exercise was held on Wednesday, and it was made public the day after."
)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(_env_file=None, data_dir=tmp_path / "data")


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(f"sqlite:///{tmp_path / 'corpus.db'}")
    opened.migrate()
    yield opened
    opened.close()


@pytest.fixture
def pdf() -> Callable[..., bytes]:
    def make(*pages: str, title: str | None = None, lock: str | None = None) -> bytes:
        stream = io.BytesIO()
        drawing = canvas.Canvas(stream, encrypt=lock, invariant=1)
        if title:
            drawing.setTitle(title)
        for page in pages:
            for line, words in enumerate(page.split("\n")):
                drawing.drawString(72, 700 - 14 * line, words)
            drawing.showPage()
        drawing.save()
        return stream.getvalue()

    return make


@pytest.fixture
def word() -> Callable[..., bytes]:
    def make(*paragraphs: str, title: str = "") -> bytes:
        document = docx.Document()
        document.core_properties.title = title
        for paragraph in paragraphs:
            document.add_paragraph(paragraph)
        stream = io.BytesIO()
        document.save(stream)
        return stream.getvalue()

    return make


@pytest.fixture
def repacked() -> Callable[[bytes, str, bytes], bytes]:
    def replace(archive: bytes, part: str, content: bytes) -> bytes:
        """The archive with one part's content replaced, or added."""
        stream = io.BytesIO()
        with (
            zipfile.ZipFile(io.BytesIO(archive)) as old,
            zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as new,
        ):
            for name in dict.fromkeys([*old.namelist(), part]):
                new.writestr(name, content if name == part else old.read(name))
        return stream.getvalue()

    return replace


@pytest.fixture
def page() -> Callable[..., str]:
    def make(body: str = f"<p>{PARAGRAPH}</p>", head: str = "") -> str:
        return (
            "<!doctype html><html><head><title>Bilateral exercise</title>"
            f"{head}</head><body><nav>Home Contact</nav><article><h1>Bilateral exercise</h1>"
            f"{body}</article><footer>Imprint</footer></body></html>"
        )

    return make


@pytest.fixture
def folder(tmp_path: Path) -> Callable[..., Path]:
    def make(**files: str | bytes) -> Path:
        """A directory; ``a_md="..."`` becomes the file ``a.md``."""
        made = tmp_path / "sources"
        made.mkdir(exist_ok=True)
        for name, content in files.items():
            stem, _, extension = name.rpartition("_")
            data = content.encode() if isinstance(content, str) else content
            (made / f"{stem}.{extension}").write_bytes(data)
        return made

    return make
