"""An independent witness: does every citation stand word for word in the statement files?

Reads only ``notes.jsonl`` and the statement files (Markdown with front matter), and imports nothing
of the service: it normalises texts by itself, as the design says (Unicode NFC, LF line ends, no NUL
or lone surrogates; the text of a Markdown statement is its body after the front matter). So a
mistake in the product cannot hide in the code that checks it. Runs alone, too::

    python -m eval.citations var/demo/notes.jsonl --statements seeds/statements
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import frontmatter

_SUFFIXES = {".md", ".markdown", ".txt"}
_METADATA = ("kind", "issuer", "title", "published", "url")


@dataclass(frozen=True, slots=True)
class Source:
    """A statement file as this witness reads it."""

    path: Path
    text: str
    metadata: dict[str, Any]


@dataclass(slots=True)
class Count:
    """What was counted.

    Attributes:
        notes: lines of the notes file.
        findings: findings in them.
        citations: citations of those findings.
        verbatim: citations that stand word for word where they say, in the file they name.
        faults: what is wrong, one line of words each.
    """

    notes: int = 0
    findings: int = 0
    citations: int = 0
    verbatim: int = 0
    faults: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether there were citations and nothing is wrong with any of them."""
        return self.citations > 0 and not self.faults


def stored_form(text: str) -> str:
    """Return ``text`` as design.md says it is stored: NFC, LF line ends, no NUL or surrogates."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    kept = (mark for mark in text if mark != "\0" and not 0xD800 <= ord(mark) <= 0xDFFF)
    return unicodedata.normalize("NFC", "".join(kept))


def read_sources(folder: Path) -> dict[str, Source]:
    """Return the statement files under ``folder`` by the sha256 of their text."""
    sources: dict[str, Source] = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() not in _SUFFIXES or not path.is_file():
            continue
        raw = stored_form(path.read_bytes().decode("utf-8-sig"))
        post = frontmatter.loads(raw)
        # A plain text file is stored with the blanks at its ends.
        for text in (post.content, raw):
            digest = hashlib.sha256(text.encode()).hexdigest()
            sources.setdefault(digest, Source(path, text, dict(post.metadata)))
    return sources


def count(notes: Path, statements: Path) -> Count:
    """Count the citations of every note and those that are verbatim.

    Args:
        notes: one JSON object a line, as ``verinote verify --json`` writes.
        statements: the folder of the statement files.

    Raises:
        FileNotFoundError: one of them isn't there.
    """
    if not statements.is_dir():
        raise FileNotFoundError(f"{statements}: no such folder of statements")
    sources = read_sources(statements)
    result = Count()
    with notes.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            result.notes += 1
            try:
                findings = json.loads(line)["note"]
            except (json.JSONDecodeError, KeyError, TypeError):
                result.faults.append(f"line {number}: not a note (JSON object with 'note')")
                continue
            for finding in findings:
                result.findings += 1
                _count_finding(finding, f"line {number}", sources, result)
    return result


def _count_finding(
    finding: dict[str, Any], where: str, sources: dict[str, Source], result: Count
) -> None:
    citations = finding.get("citations") or []
    if not citations:
        result.faults.append(f"{where}: a finding cites nothing: {finding.get('text', '')!r}")
    for citation in citations:
        result.citations += 1
        faults = list(_faults(citation, sources))
        result.verbatim += not faults
        named = citation.get("statement_id", "?")
        result.faults.extend(f"{where}: citation of {named}: {fault}" for fault in faults)


def _faults(citation: dict[str, Any], sources: dict[str, Source]) -> Iterator[str]:
    source = sources.get(citation.get("sha256", ""))
    if source is None:
        yield f"no statement file has sha256 {citation.get('sha256')!r}"
        return
    quote, start, end = citation.get("quote"), citation.get("start"), citation.get("end")
    if not isinstance(quote, str) or not quote.strip():
        yield "the quote is empty"
    elif not (isinstance(start, int) and isinstance(end, int) and 0 <= start < end):
        yield f"start {start!r} and end {end!r} are no offsets"
    elif source.text[start:end] != quote:
        yield f"{source.path.name}[{start}:{end}] is {source.text[start:end]!r}, not {quote!r}"
    metadata = source.metadata
    if "id" in metadata and str(metadata["id"]) != citation.get("statement_id"):
        yield f"{source.path.name} is statement {metadata['id']}"
    for name in _METADATA:
        if metadata.get(name) is not None and str(metadata[name]) != citation.get(name):
            yield (
                f"{name} is {citation.get(name)!r}, but {source.path.name} says "
                f"{str(metadata[name])!r}"
            )


def report(result: Count) -> str:
    """The count in one line, then what is wrong, one line each."""
    share = f"{result.verbatim / result.citations:.1%}" if result.citations else "none"
    head = (
        f"{result.notes} notes, {result.findings} findings, {result.citations} citations, "
        f"{result.verbatim} verbatim ({share})"
    )
    if not result.citations:
        head += "; there was no citation to check"
    return "\n".join([head, *result.faults])


def main() -> int:
    """Check the notes named on the command line; 0 when every citation is verbatim."""
    parser = argparse.ArgumentParser(description="Count the verbatim citations of notes.jsonl.")
    parser.add_argument("notes", type=Path)
    parser.add_argument("--statements", type=Path, required=True)
    chosen = parser.parse_args()
    result = count(chosen.notes, chosen.statements)
    sys.stdout.write(report(result) + "\n")
    return 0 if result.passed else 1


if __name__ == "__main__":
    sys.exit(main())
