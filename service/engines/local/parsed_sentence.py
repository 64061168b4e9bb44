"""A sentence of the submission with its parse, and the way from tokens back to its very words.

Quotation marks and short brackets confuse a parser, so it reads the sentence without them. Every
token still knows where it stands in the submission, and words are always cut out of the submission
itself, marks and brackets included.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from service.models.parser import parse

if TYPE_CHECKING:
    Doc: TypeAlias = Any
    Token: TypeAlias = Any

MAX_CHARACTERS = 1200
"""Longer "sentences" are lists, tables or no prose at all: they are not parsed."""

Piece: TypeAlias = "int | str"
"""A token of the sentence, by its index, or a small word put in by a rule."""

Pieces: TypeAlias = "tuple[Piece, ...]"

_FEWEST_LETTERS = 0.4
"""Share of signs that are Latin letters: below it a "sentence" is a table or another script."""

_BRACKETS = re.compile(r"\s?[(\[][^()\[\]]{1,60}[)\]]")
_DATELINE = re.compile(
    r"[A-Z][A-Z .'’/-]+(?:,[^—–()\n]{1,40})?(?:\s*\([^()\n]{1,30}\))?\s*(?:[—–]|--|\s-)\s+"
    r"(?=[A-Z0-9\"“‘])"
)
_OPENING = {"“": "”", "‘": "’", "«": "»", "„": "”", '"': '"', "'": "'"}
_CLOSING = frozenset(_OPENING.values())
_GLUED = re.compile(r"^(?:[,.;:!?)%\]]|['’]s\b|['’](?:\s|$)|n['’]t\b)")


@dataclass(frozen=True, eq=False)
class ParsedSentence:
    """A sentence, its parse and the places of its tokens.

    Attributes:
        text: the whole submission.
        start: where the sentence begins in it.
        end: where it ends.
        doc: the parse of the sentence without quotation marks and short brackets.
        starts: for each token where it begins in the submission.
        ends: for each token where it ends.
        marks: places of quotation marks in the submission, with the closing mark that belongs to
            an opening one and "" for a closing one.
        quoted: indices of tokens between quotation marks.
    """

    text: str
    start: int
    end: int
    doc: Doc
    starts: tuple[int, ...]
    ends: tuple[int, ...]
    marks: dict[int, str]
    quoted: frozenset[int]

    def words(self, pieces: Sequence[Piece]) -> str:
        """Join pieces to text: neighbouring tokens keep what stands between them."""
        parts: list[str] = []
        run: list[int] = []
        for piece in pieces:
            if isinstance(piece, int):
                if run and piece != run[-1] + 1:
                    parts.append(self._cut(run, first=not parts))
                    run = []
                run.append(piece)
                continue
            if run:
                parts.append(self._cut(run, first=not parts))
                run = []
            parts.append(piece)
        if run:
            parts.append(self._cut(run, first=not parts))
        joined = ""
        for part in parts:
            glue = "" if not joined or _GLUED.match(part) else " "
            joined += glue + part
        return joined

    def stretch(self, pieces: Sequence[Piece]) -> tuple[int, int]:
        """The shortest stretch of the submission that holds all tokens of ``pieces``."""
        tokens = sorted({piece for piece in pieces if isinstance(piece, int)})
        while len(tokens) > 1 and self.doc[tokens[-1]].is_punct:
            tokens.pop()
        while len(tokens) > 1 and self.doc[tokens[0]].is_punct:
            tokens.pop(0)
        start, end = self.starts[min(tokens)], self.ends[max(tokens)]
        while self.marks.get(end) == "" and self._opens_after(start, end):
            end += 1
        return start, end

    def _opens_after(self, start: int, end: int) -> bool:
        opened = sum(
            1 if closing else -1 for at, closing in self.marks.items() if start <= at < end
        )
        return opened > 0

    def _cut(self, run: list[int], *, first: bool) -> str:
        """The submission's words from the first to the last token, quotation marks in pairs."""
        start, end = self.starts[run[0]], self.ends[run[-1]]
        kept: list[str] = []
        owed: list[str] = []
        for position in range(start, end):
            closing = self.marks.get(position)
            if closing:
                owed.append(closing)
            elif closing is not None:
                if not owed:
                    continue
                owed.pop()
            kept.append(self.text[position])
        words = " ".join("".join(kept).split())
        for mark in reversed(owed):
            words = words[:-1] + mark + words[-1] if words[-1:] in ",;" else words + mark
        token = self.doc[run[0]]
        if not first and run[0] == 0 and token.text.istitle() and not names_something(token):
            words = words[:1].lower() + words[1:]
        return words


def names_something(token: Token) -> bool:
    """Whether a capital letter belongs to the word wherever it stands."""
    return token.tag_ in ("NNP", "NNPS") or token.text == "I" or token.ent_type_ == "NORP"


def read_sentence(text: str, start: int, end: int) -> ParsedSentence | None:
    """Parse ``text[start:end]``; None when it is too long for a sentence, or no English words."""
    sentence = text[start:end]
    signs = "".join(sentence.split())
    letters = sum(character.isascii() and character.isalpha() for character in signs)
    if len(sentence) > MAX_CHARACTERS or not letters or letters < _FEWEST_LETTERS * len(signs):
        return None
    marks = _quotation_marks(sentence)
    dropped = set(marks)
    if dateline := _DATELINE.match(sentence):
        dropped.update(range(dateline.end()))
    for match in _BRACKETS.finditer(sentence):
        dropped.update(range(match.start(), match.end()))
    origin = [
        place
        for place, character in enumerate(sentence)
        if place not in dropped and (character.isprintable() or character.isspace())
    ]
    clean = "".join(" " if sentence[place].isspace() else sentence[place] for place in origin)
    doc = parse(clean)
    tokens = [token for token in doc if not token.is_space]
    if len(tokens) != len(doc):
        # Runs of blanks become tokens of their own; one blank at a time never does.
        origin = [
            place
            for index, place in enumerate(origin)
            if clean[index] != " " or (index and clean[index - 1] != " ")
        ]
        clean = "".join(" " if sentence[place].isspace() else sentence[place] for place in origin)
        doc = parse(clean)
    if not len(doc):
        return None
    starts = tuple(start + origin[token.idx] for token in doc)
    ends = tuple(start + origin[token.idx + len(token) - 1] + 1 for token in doc)
    placed = {start + place: closing for place, closing in marks.items()}
    return ParsedSentence(text, start, end, doc, starts, ends, placed, _quoted(starts, placed))


def _quotation_marks(sentence: str) -> dict[int, str]:
    """Places of paired quotation marks: the closing mark at an opening one, "" at a closing one.

    An apostrophe is no mark: a closing single mark counts only after an opening one, outside words.
    """
    marks: dict[int, str] = {}
    stack: list[tuple[int, str]] = []
    for place, character in enumerate(sentence):
        before = sentence[place - 1] if place else " "
        after = sentence[place + 1] if place + 1 < len(sentence) else " "
        if stack and character == stack[-1][1] and not after.isalnum():
            opened, closing = stack.pop()
            marks[opened] = closing
            marks[place] = ""
        elif character in _OPENING and not before.isalnum() and after.isalnum():
            stack.append((place, _OPENING[character]))
    # What is closed in a later sentence, or never, is quoted all the same; but not an apostrophe.
    marks |= {opened: closing for opened, closing in stack if closing not in "'’"}
    for place, character in enumerate(sentence):
        if character in "“”«»„" and place not in marks:
            marks[place] = ""
    return marks


def _quoted(starts: tuple[int, ...], marks: dict[int, str]) -> frozenset[int]:
    inside: set[int] = set()
    depth = 0
    places = sorted(marks)
    following = 0
    for index, start in enumerate(starts):
        while following < len(places) and places[following] < start:
            depth = depth + 1 if marks[places[following]] else max(0, depth - 1)
            following += 1
        if depth:
            inside.add(index)
    return frozenset(inside)
