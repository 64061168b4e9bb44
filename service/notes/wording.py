"""Values of ours in words and signs, the same at a terminal, on pages and in files."""

from __future__ import annotations

from datetime import date

from service.kit.text import TURNS
from service.types import Kind, StatementRef, Verdict

SIGNS = {
    Verdict.SUPPORTED: "✔",
    Verdict.REFUTED: "✘",
    Verdict.CONFLICTING: "≠",
    Verdict.NOT_ENOUGH_EVIDENCE: "?",
}
"""A sign for each verdict: colour alone tells nothing to some."""
WHOSE = {Kind.ORIGINAL: "", Kind.TRANSLATION: "translated from ", Kind.DIGEST: "our digest of "}
"""What stands before the issuer of a statement: whose words it has."""


def words(value: str) -> str:
    """A value of ours for people: ``not_enough_evidence`` is "not enough evidence"."""
    return str(value).replace("_", " ")


def day(value: date) -> str:
    """A day, in words."""
    return f"{value.day} {value:%B %Y}"


def attribution(statement: StatementRef) -> str:
    """Who said it, when and how, in words."""
    titled = f", {statement.title}" if statement.title else ""
    named = f"{statement.issuer or 'an unnamed issuer'}{titled}".translate(TURNS)
    dated = f", {day(statement.published)}" if statement.published else ""
    return f"{WHOSE[statement.kind]}{named}{dated}"
