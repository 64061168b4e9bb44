"""Normalisation at intake: the one form of a text that is stored, hashed and pointed into."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterable
from pathlib import Path

TURNS = dict.fromkeys((*range(0x202A, 0x202F), *range(0x2066, 0x206A)))
"""Characters that turn the order in which the rest of a line is read."""
_DROPPED = {0x00: None} | dict.fromkeys(range(0xD800, 0xE000))


def normalise(text: str) -> str:
    """Return ``text`` in stored form: Unicode NFC, LF line ends, no NUL, no lone surrogates.

    Idempotent. Offsets into stored texts count code points of this form.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n").translate(_DROPPED)
    return unicodedata.normalize("NFC", text)


def one_line(text: str) -> str:
    """Return a name or title in stored form: on one line, and turning the order of nothing."""
    return " ".join(normalise(text.translate(TURNS)).split())


def is_storable(text: str) -> bool:
    """Whether every database can take a text: it has no NUL and no lone surrogates."""
    return text == text.translate(_DROPPED)


def sha256_hex(text: str) -> str:
    """Hex digest of the UTF-8 bytes of a normalised text."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def sha256_of_files(folder: Path, patterns: Iterable[str]) -> str:
    """Hex digest of the contents of a folder's files, pattern by pattern, in order of name."""
    digest = hashlib.sha256()
    for pattern in patterns:
        for path in sorted(folder.glob(pattern)):
            digest.update(path.read_bytes())
    return digest.hexdigest()
