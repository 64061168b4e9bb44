"""Notes as a table for people at a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from service.notes.wording import SIGNS, WHOSE, words
from service.statements.commands import plain
from service.types import NEEDS_ATTENTION, Kind, Note, Verdict

_COLOURS = {
    Verdict.SUPPORTED: "green",
    Verdict.REFUTED: "red",
    Verdict.CONFLICTING: "magenta",
    Verdict.NOT_ENOUGH_EVIDENCE: "yellow",
}


def print_notes(notes: Sequence[Note], title: str, console: Console) -> None:
    """Print a table of claims, verdicts and citations, and how many there are of each verdict.

    What comes from texts is printed as it is: neither markup nor control characters act.
    """
    table = Table(title=_text(title), show_lines=True, expand=True, title_justify="left")
    table.add_column("claim", ratio=5)
    table.add_column("verdict", ratio=2, no_wrap=False)
    table.add_column("what officials said", ratio=7)
    for note in notes:
        table.add_row(_claim(note), _verdict(note), _said(note))
    console.print(table)
    counts = {verdict: sum(note.verdict is verdict for note in notes) for verdict in Verdict}
    failed = sum(note.verdict is None for note in notes)
    parts = [f"{count} {words(verdict)}" for verdict, count in counts.items() if count]
    if failed:
        parts.append(f"{failed} failed")
    counted = "1 claim" if len(notes) == 1 else f"{len(notes)} claims"
    console.print(f"{counted}: {', '.join(parts) or 'none'}.")


def _claim(note: Note) -> Text:
    text = _text(note.claim.text)
    if note.claim.speaker:
        text.append("\n").append_text(_text(f"said by: {note.claim.speaker}", "dim"))
    return text


def _verdict(note: Note) -> Text:
    if note.verdict is None:
        return Text("failed", "bold red")
    text = Text(f"{SIGNS[note.verdict]} {words(note.verdict)}", _COLOURS[note.verdict])
    if note.confidence is not None:
        text.append(f"\n{note.confidence:.0%} sure", "dim")
    return text


def _said(note: Note) -> Text:
    if note.error:
        return _text(note.error, "red")
    text = Text()
    for finding in note.findings:
        for citation in finding.citations:
            statement = citation.statement
            mark = "" if statement.kind is Kind.DIGEST else "“"
            end = "" if statement.kind is Kind.DIGEST else "”"
            text.append_text(_text(f"{mark}{citation.quote}{end}")).append("\n")
            said = f"{WHOSE[statement.kind]}{statement.issuer or 'no known issuer'}"
            where = _text(
                f"{statement.statement_id} v{statement.version} · {said} · "
                f"{statement.published or 'undated'} · {citation.start}–{citation.end}",
                "cyan",
            )
            text.append("  ").append_text(where).append("\n")
    for piece in note.evidence:
        if piece.decides:
            for mismatch in piece.mismatches:
                style = "red" if mismatch.decisive else "dim"
                text.append_text(_text(str(mismatch), style)).append("\n")
    if not note.findings and note.basis is not None and note.basis.nearest:
        near = ", ".join(
            f"{near.statement.statement_id} ({near.statement.published or 'undated'})"
            for near in note.basis.nearest
        )
        text.append_text(_text(f"nothing decides; nearest: {near}", "dim")).append("\n")
    for warning in note.warnings:
        if warning.startswith(NEEDS_ATTENTION):
            text.append_text(_text(f"! {warning}", "bold yellow")).append("\n")
    text.rstrip()
    return text


def _text(told: str, style: str = "") -> Text:
    """Words of a document on one line, for a terminal."""
    text = plain(" ".join(told.split()))
    text.stylize(style)
    return text
