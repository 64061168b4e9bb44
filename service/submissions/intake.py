"""Takes a submission in: from a file, standard input or an address, as an article or as claims."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from service.kit.errors import InputError, InputTooLarge, NotEnglish, VerinoteError
from service.kit.language import UNDETERMINED, detect
from service.kit.text import normalise, sha256_hex
from service.settings import Settings
from service.statements.fetch import FetchLimits, fetch
from service.statements.readers import Reading, read
from service.types import Claim, Span, Submission, claim_id

STANDARD_INPUT = "-"

MAX_CLAIM_CHARACTERS = 1000
"""A claim is a sentence or two; what is longer is an article."""

_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_BULLET = re.compile(r"(?:[-*•–]|\(?\d{1,4}[.)])\s+")
_NAMES = {
    "de": "German", "fr": "French", "es": "Spanish", "it": "Italian", "nl": "Dutch",
    "pt": "Portuguese", "pl": "Polish", "id": "Indonesian", "ja": "Japanese", "zh": "Chinese",
    "ko": "Korean", "ru": "Russian", "uk": "Ukrainian", "ar": "Arabic", "sv": "Swedish",
    "da": "Danish", "no": "Norwegian", "fi": "Finnish", "tr": "Turkish", "cs": "Czech",
    "ro": "Romanian", "hu": "Hungarian", "el": "Greek", "he": "Hebrew", "hi": "Hindi",
    "vi": "Vietnamese", "th": "Thai", "fa": "Persian",
}  # fmt: skip


def read_submission(
    source: str | Path, settings: Settings, *, claims_only: bool = False
) -> Submission:
    """Read a submission.

    Args:
        source: a file, ``-`` for standard input, or an http or https address.
        settings: limits on size and on fetching.
        claims_only: each non-empty line is one claim, not an article.

    Raises:
        InputError: without a name, missing, empty, binary, broken, or of a format that is not read.
        InputTooLarge: more than ``settings.max_submission_bytes``.
        FetchRefused: the address was refused or did not answer.
        NotEnglish: the text is in another language (with ``claims_only``, ``check_line`` looks
            line by line instead).
    """
    limit = settings.max_submission_bytes
    if isinstance(source, str) and not source.strip():
        raise InputError("the name of a source is empty; give a file, an address or -")
    name, address = str(source), None
    if isinstance(source, str) and _ADDRESS.match(source):
        fetched = fetch(source, FetchLimits.of(settings, max_bytes=limit))
        address, media_type = fetched.url, fetched.media_type
        if fetched.charset:
            media_type = f"{media_type}; charset={fetched.charset}"
        reading = read(fetched.content, name=source, media_type=media_type, max_bytes=limit)
    else:
        if name == STANDARD_INPUT:
            name, content = "standard input", _standard_input(limit)
        else:
            content = _file(Path(source), limit)
        if len(content) > limit:
            raise _too_large(name, f"more than {limit:,}", limit)
        reading = read(content, name=name, max_bytes=limit)
    return _as_submission(reading, address or name, claims_only)


def read_content(content: bytes, name: str, settings: Settings) -> Submission:
    """Read an article that came as a file's content. Raises as ``read_submission`` does.

    Args:
        content: of the file.
        name: of the file: its ending tells the format.
        settings: the limit on its size.
    """
    limit = settings.max_submission_bytes
    if len(content) > limit:
        raise _too_large(name, f"{len(content):,}", limit)
    return _as_submission(read(content, name=name, max_bytes=limit), name, claims_only=False)


def _as_submission(reading: Reading, source: str, claims_only: bool) -> Submission:
    if not claims_only:
        _check_language(reading.text, reading.language, source)
    return Submission(
        text=reading.text,
        sha256=sha256_hex(reading.text),
        title=reading.title,
        published=reading.published,
        source=source,
        language="en" if not claims_only else reading.language,
        claims_only=claims_only,
    )


def read_text(
    text: str,
    settings: Settings,
    *,
    title: str | None = None,
    published: date | None = None,
    source: str | None = None,
    language: str | None = None,
) -> Submission:
    """Read an article that came as text.

    Args:
        text: as it was sent.
        settings: the limit on its size.
        title: its headline.
        published: when it was published.
        source: where it is from, for people.
        language: what the sender says that it is in.

    Raises:
        InputError: it holds no word.
        InputTooLarge: more than ``settings.max_submission_bytes``.
        NotEnglish: it is in another language, or said to be.
    """
    limit = settings.max_submission_bytes
    size = len(text.encode("utf-8", "surrogatepass"))
    if size > limit:
        raise _too_large("text", f"{size:,}", limit)
    whole = normalise(text)
    if not any(map(str.isalnum, whole)):
        raise InputError("text: holds no word")
    _check_language(whole, language, "text")
    return Submission(
        text=whole,
        sha256=sha256_hex(whole),
        title=title,
        published=published,
        source=source,
        language="en",
    )


def read_claims(
    claims: Sequence[str],
    settings: Settings,
    *,
    title: str | None = None,
    published: date | None = None,
    source: str | None = None,
) -> Submission:
    """Read claims that came one by one: each becomes a line. See ``read_text``.

    Raises:
        InputError: there is none, or one holds no word; the message has its number, from 1.
        InputTooLarge: all together are more than ``settings.max_submission_bytes``.
    """
    lines = [" ".join(normalise(claim).split()) for claim in claims]
    for number, line in enumerate(lines, start=1):
        if not any(map(str.isalnum, line)):
            raise InputError(f"claims: number {number} holds no word")
    if not lines:
        raise InputError("claims: there is none")
    text = "\n".join(lines)
    size, limit = len(text.encode()), settings.max_submission_bytes
    if size > limit:
        raise _too_large("claims", f"{size:,}", limit)
    return Submission(
        text=text,
        sha256=sha256_hex(text),
        title=title,
        published=published,
        source=source,
        claims_only=True,
    )


def claims_from_lines(submission: Submission) -> list[Claim]:
    """Return one claim for each non-empty line of a submission, bullets and numbers left off.

    A line that ``check_line`` refuses is among them, so that the others are still verified and it
    ends as a claim that failed.

    Raises:
        NotEnglish, InputTooLarge: every line is refused; the error is that of the first.
    """
    claims: list[Claim] = []
    refused: list[VerinoteError] = []
    position = 0
    for line in submission.text.split("\n"):
        start = position + len(line) - len(line.lstrip())
        end = position + len(line.rstrip())
        position += len(line) + 1
        bullet = _BULLET.match(submission.text, start, end)
        start = bullet.end() if bullet else start
        text = submission.text[start:end]
        if not any(character.isalnum() for character in text):
            continue
        source = Span(start, end, text)
        claims.append(
            Claim(
                id=claim_id(submission, source, text),
                text=text,
                source=source,
                claim_date=submission.published,
                score=1.0,
            )
        )
        try:
            check_line(claims[-1], submission)
        except VerinoteError as error:
            refused.append(error)
    if claims and len(refused) == len(claims):
        raise refused[0]
    return claims


def check_line(claim: Claim, submission: Submission) -> None:
    """Check that a claim of ``claims_from_lines`` can be verified.

    Raises:
        NotEnglish: it is not in English; the message has the number of its line.
        InputTooLarge: it is too long for a claim.
    """
    number = submission.text.count("\n", 0, claim.source.start) + 1
    where = f"{submission.source or 'submission'}: line {number}"
    if len(claim.text) > MAX_CLAIM_CHARACTERS:
        raise InputTooLarge(
            f"{where} has {len(claim.text):,} characters; a claim has at most "
            f"{MAX_CLAIM_CHARACTERS:,}; give an article without --claims"
        )
    language = detect(claim.text)
    if language != "en":
        raise NotEnglish(f"{where} {_looks_like(language)}; claims are checked in English")


def _standard_input(limit: int) -> bytes:
    if sys.stdin is None:  # Python's way to say that it was closed before the start
        raise InputError("standard input: is closed; give a file, or pipe the text in")
    try:
        return sys.stdin.buffer.read(limit + 1)
    except OSError as error:
        raise InputError(f"standard input: cannot be read: {error.strerror}") from error


def _file(path: Path, limit: int) -> bytes:
    try:
        if path.is_file() and (size := path.stat().st_size) > limit:
            raise _too_large(str(path), f"{size:,}", limit)
        with path.open("rb") as file:
            return file.read(limit + 1)
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file; give a file, an address or -") from error
    except IsADirectoryError as error:
        raise InputError(f"{path}: is a directory; give one file at a time") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error


def _too_large(name: str, size: str, limit: int) -> InputTooLarge:
    return InputTooLarge(
        f"{name}: {size} bytes; at most {limit:,} are read: split it, or set "
        "VERINOTE_MAX_SUBMISSION_BYTES"
    )


def _check_language(text: str, said: str | None, name: str) -> None:
    found = detect(text)
    if said not in (None, "en"):
        raise NotEnglish(
            f"{name}: says that its language is {_named(said)}; articles are checked in English"
        )
    if found == "en" or (found == UNDETERMINED and said == "en"):
        return
    raise NotEnglish(f"{name}: {_looks_like(found)}; articles are checked in English")


def _looks_like(language: str) -> str:
    if language == UNDETERMINED:
        return "does not look like English"
    return f"looks like {_named(language)}"


def _named(language: str | None) -> str:
    name = _NAMES.get(language or "")
    return f"{name} ({language})" if name else f"another language ({language})"
