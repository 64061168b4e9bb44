"""Notes as a table for people at a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from service.statements.commands import plain
from service.types import NEEDS_ATTENTION, Kind, Note, Verdict

_LOOKS = {
    Verdict.SUPPORTED: ("✔ supported", "green"),
    Verdict.REFUTED: ("✘ refuted", "red"),
    Verdict.CONFLICTING: ("≠ conflicting", "magenta"),
    Verdict.NOT_ENOUGH_EVIDENCE: ("? not enough evidence", "yellow"),
}


_LABELS = {Kind.ORIGINAL: "", Kind.TRANSLATION: "translated from ", Kind.DIGEST: "our digest of "}


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
    parts = [
        f"{count} {verdict.value.replace('_', ' ')}" for verdict, count in counts.items() if count
    ]
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
    words, colour = _LOOKS[note.verdict]
    text = Text(words, colour)
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
            label = _LABELS[statement.kind]
            where = _text(
                f"{statement.statement_id} v{statement.version} · {label}"
                f"{statement.issuer or 'no known issuer'} · {statement.published or 'undated'} · "
                f"{citation.start}–{citation.end}",
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


def _text(words: str, style: str = "") -> Text:
    """Words of a document on one line, for a terminal."""
    text = plain(" ".join(words.split()))
    text.stylize(style)
    return text
