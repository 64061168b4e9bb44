"""Notes as a table for people at a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from service.types import Kind, Note, Verdict

_LOOKS = {
    Verdict.SUPPORTED: ("✔ supported", "green"),
    Verdict.REFUTED: ("✘ refuted", "red"),
    Verdict.CONFLICTING: ("≠ conflicting", "magenta"),
    Verdict.NOT_ENOUGH_EVIDENCE: ("? not enough evidence", "yellow"),
}


def print_notes(notes: Sequence[Note], title: str, console: Console) -> None:
    """Print a table of claims, verdicts and citations, and how many there are of each verdict."""
    table = Table(title=title, show_lines=True, expand=True, title_justify="left")
    table.add_column("claim", ratio=5)
    table.add_column("verdict", ratio=2, no_wrap=False)
    table.add_column("what officials said", ratio=7)
    for note in notes:
        table.add_row(_claim(note), _verdict(note), _said(note))
    console.print(table)
    counts = {verdict: sum(note.verdict is verdict for note in notes) for verdict in Verdict}
    failed = sum(note.verdict is None for note in notes)
    parts = [
        f"{count} {verdict.value.replace('_', ' ')}" for verdict, count in counts.items() if count
    ]
    if failed:
        parts.append(f"{failed} failed")
    counted = "1 claim" if len(notes) == 1 else f"{len(notes)} claims"
    console.print(f"{counted}: {', '.join(parts) or 'none'}.")


def _claim(note: Note) -> Text:
    text = Text(note.claim.text)
    if note.claim.speaker:
        text.append(f"\nsaid by: {note.claim.speaker}", "dim")
    return text


def _verdict(note: Note) -> Text:
    if note.verdict is None:
        return Text("failed", "bold red")
    words, colour = _LOOKS[note.verdict]
    text = Text(words, colour)
    if note.confidence is not None:
        text.append(f"\n{note.confidence:.0%} sure", "dim")
    return text


def _said(note: Note) -> Text:
    if note.error:
        return Text(note.error, "red")
    text = Text()
    for finding in note.findings:
        for citation in finding.citations:
            statement = citation.statement
            mark = "" if statement.kind is Kind.DIGEST else "“"
            end = "" if statement.kind is Kind.DIGEST else "”"
            quote = " ".join(citation.quote.split())
            text.append(f"{mark}{quote}{end}\n")
            label = "our digest of " if statement.kind is Kind.DIGEST else ""
            text.append(
                f"  {statement.statement_id} v{statement.version} · {label}{statement.issuer} · "
                f"{statement.published} · {citation.start}–{citation.end}\n",
                "cyan",
            )
    for piece in note.evidence:
        if piece.decides:
            for mismatch in piece.mismatches:
                text.append(f"{mismatch}\n", "red" if mismatch.decisive else "dim")
    if not note.findings and note.basis is not None and note.basis.nearest:
        near = ", ".join(
            f"{near.statement.statement_id} ({near.statement.published})"
            for near in note.basis.nearest
        )
        text.append(f"nothing decides; nearest: {near}", "dim")
    text.rstrip()
    return text
