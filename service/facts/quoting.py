"""Quoting word for word: where a quote stands in a stored text, and whether it is whole there.

The declared normalisation: a run of white space equals any other, and a quotation mark equals any
other of its kind (double or single). Nothing else is let through: not case, hyphens or digits.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from service.facts.dates import dates_in
from service.facts.lexicon import DENIAL_WORDS, NEGATIONS, STOP
from service.facts.quantities import Quantity, quantities_in

DOUBLE_MARKS = '“”„‟«»″"'
SINGLE_MARKS = "‘’‚‛′'"

_SHAPES = str.maketrans(dict.fromkeys(DOUBLE_MARKS, '"') | dict.fromkeys(SINGLE_MARKS, "'"))
_OTHER_MARKS = str.maketrans(
    dict.fromkeys("「『〝«‟", "“") | dict.fromkeys("」』〞〟»", "”")
    | {"❝": "“", "❞": "”", "《": "“", "》": "”", "｢": "“", "｣": "”", "〈": "“", "〉": "”"}
    | {"‹": "‘", "›": "’", "‚": "‘", "‛": "‘", "`": "'", "´": "'", "＇": "'", "＂": '"'}
)  # fmt: skip
_CLOSES = {"“": '”"', "„": '“”"', '"': '"”', "‘": "’'", "'": "'’"}
"""What ends a quotation, by what opened it."""

_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u312f\u31a0-\u9fff\uf900-\ufaff"
    "\U00020000-\U0003ffff]"
)
"""Scripts that put no blanks between words: Thai, Lao, Burmese, Khmer, Chinese, Japanese."""

_TIES_LETTERS = frozenset("-‐‑’'&@_/+")
_TIES_FIGURES = frozenset(".,:–")
_BEFORE_FIGURES = frozenset("-−+±$€£¥₹~<>≤≥#№")
_AFTER_FIGURES = frozenset("%‰°€$£¥₹²³")

_POSSESSIVE = re.compile(r"['’]s?(?!\w)")

_AROUND = 80
"""Characters looked at beside a quote for a figure that it cuts."""
_CLAUSE = 200
"""Characters looked at beside a quote for a denial that it leaves out."""
_CLAUSE_BREAK = re.compile(
    r"[.!?;:,—]\s|\n\s*\n|\b(?:but|while|whereas|although|though)\b", re.IGNORECASE
)
_SENTENCE_BREAK = re.compile(
    r"[.!?;](?:\s|$)|\n\s*\n|,\s+(?:but|and|while|whereas|although)\b", re.IGNORECASE
)
_WHOLE_BREAK = re.compile(
    r"[.!?][”’\"')]*\s|\n\s*\n|[,;]\s+(?:but|and|while|whereas|although|though|yet)\b",
    re.IGNORECASE,
)
_DENYING = (
    NEGATIONS
    | DENIAL_WORDS
    | frozenset(
        """deny denies denied denying denial refute refutes refuted refuting debunk debunked hardly
    barely scarcely seldom rarely stopped prevented refrained""".split()
    )
)
_OVERTURNING = DENIAL_WORDS | frozenset(
    """deny denies denied denying refute refutes refuted refuting debunk debunked reject rejects
    rejected rejecting dismiss dismisses dismissed dismissing contradict contradicts contradicted
    rebut rebuts rebutted refuse refuses refused doubt doubts doubted doubtful doubting rumour
    rumours rumor rumors allegation allegations alleged allegedly if whether unless unlikely no
    none neither nor never not cannot""".split()
)
"""Words that can turn round all that follows them in a sentence, also past a comma or a colon."""
_SAYS_NOTHING = STOP - NEGATIONS


def plain(text: str) -> str:
    """A text in the form in which quotes are compared: one kind of blank, one shape of marks."""
    return re.sub(r"\s+", " ", text).translate(_SHAPES)


def occurrences(quote: str, text: str, start: int = 0, end: int | None = None) -> list[range]:
    """Where a quote stands in a text, whole words only, without overlaps.

    Returns:
        Half-open ranges of code points of ``text``.
    """
    if not quote.strip():
        return []
    found = _pattern(quote.strip()).finditer(text, start, len(text) if end is None else end)
    return [range(*match.span()) for match in found if is_whole(text, *match.span())]


def locate(quote: str, text: str, start: int = 0, end: int | None = None) -> tuple[int, int] | None:
    """Find where a quote stands in a stored text, best where it cuts no word.

    Returns:
        Half-open offsets in ``text``, or None. What stands there is the quote to cite.
    """
    if not quote.strip():
        return None
    for place in occurrences(quote, text, start, end):
        return place.start, place.stop
    match = _pattern(quote.strip()).search(text, start, len(text) if end is None else end)
    return match.span() if match else None


@lru_cache(maxsize=1024)
def _pattern(quote: str) -> re.Pattern[str]:
    return re.compile(r"\s+".join(_any_shape(word) for word in quote.split()))


def _any_shape(word: str) -> str:
    double, single = (re.escape(marks) for marks in (DOUBLE_MARKS, SINGLE_MARKS))
    return "".join(
        f"[{double}]" if letter in DOUBLE_MARKS
        else f"[{single}]" if letter in SINGLE_MARKS
        else re.escape(letter)
        for letter in word
    )  # fmt: skip


def is_whole(text: str, start: int, end: int) -> bool:
    """Whether neither end of ``text[start:end]`` cuts through a word or a figure."""
    return not (_is_tied(text, start) or _is_tied(text, end))


def _is_tied(text: str, position: int) -> bool:
    """Whether the characters on both sides of a position belong to one word or figure."""
    if not 0 < position < len(text):
        return False
    before, after = text[position - 1], text[position]
    if _POSSESSIVE.match(text, position):
        return False
    if _is_word(before) and _is_word(after):
        return not (_UNSPACED.match(before) and _UNSPACED.match(after))
    if before in _BEFORE_FIGURES and after.isnumeric():
        return True
    if before.isnumeric() and after in _AFTER_FIGURES:
        return True
    if _is_word(before):  # perhaps a tie, and then the rest of the word
        return _ties(before, after, text[position + 1 : position + 2])
    if _is_word(after):
        return _ties(text[max(0, position - 2) : position - 1], before, after)
    return False


def _ties(left: str, tie: str, right: str) -> bool:
    """Whether a mark between two characters makes one word or figure of them."""
    if not (left and right and _is_word(left) and _is_word(right)):
        return False
    if tie in _TIES_LETTERS or (tie in _TIES_FIGURES and left.isnumeric() and right.isnumeric()):
        return True
    # "U.S", "example.com"; but "the end.The next" is a missing blank
    return tie == "." and left.isupper() == right.isupper() and not left.isnumeric()


def _is_word(character: str) -> bool:
    return character.isalnum() or unicodedata.category(character).startswith("M")


def cut_short(text: str, start: int, end: int) -> str | None:
    """What the ends of ``text[start:end]`` cut off that its meaning hangs on.

    A figure's scale, unit or bound ("EUR 90" of "EUR 90 billion"), or a denial of the same clause
    ("airspace was violated" of "No airspace was violated").

    Returns:
        The figure or the word, or None.
    """
    opens = bool(re.search(r"(?:^|[.!?]|\n\s*\n)[\s“‘\"'(]*$", text[max(0, start - 20) : start]))
    closes = bool(re.search(r"[.!?][”’\"')]*$", text[start:end])) or not text[end:].strip()
    if opens and closes:
        return None
    return _cut_figure(text, start, end) or _cut_denial(text, start, end, opens, closes)


def _cut_figure(text: str, start: int, end: int) -> str | None:
    left = text.rfind(" ", 0, max(0, start - _AROUND)) + 1
    right = text.find(" ", end + _AROUND)
    context = text[left : right if right >= 0 else len(text)]
    alone = {figure.start + start: figure for figure in quantities_in(text[start:end])}
    for figure in quantities_in(context):
        first, last = figure.start + left, figure.end + left
        if first < start < last or first < end < last:
            return figure.text
        if start <= first < end and figure.bound != _bound(alone.get(first)):
            return f"{context[: figure.start].split()[-1]} {figure.text}"
    return None


def _bound(figure: Quantity | None) -> str:
    return figure.bound if figure is not None else "exact"


def denied_before(text: str, start: int) -> list[str]:
    """The words of the same clause that deny what stands from a place on."""
    return _denials(_CLAUSE_BREAK.split(text[max(0, start - _CLAUSE) : start])[-1], _DENYING)


def _cut_denial(text: str, start: int, end: int, opens: bool, closes: bool) -> str | None:
    if not opens:
        found = _denials(_sentence_before(text, start), _OVERTURNING) + denied_before(text, start)
        if found:
            return found[-1]
    if not closes:
        after = _SENTENCE_BREAK.split(text[end : end + _CLAUSE])[0]
        found = _denials(after, DENIAL_WORDS)
        if found:
            return found[0]
    return None


def _sentence_before(text: str, start: int) -> str:
    """What stands before a place in its sentence; a comma or a colon alone ends none."""
    return _WHOLE_BREAK.split(text[max(0, start - 2 * _CLAUSE) : start])[-1]


def _denials(text: str, words: frozenset[str]) -> list[str]:
    return [
        word
        for word in re.findall(r"[^\W\d_]+(?:['’]t)?", text)
        if word.lower() in words or word.lower().replace("’", "'").endswith("n't")
    ]


def denials_in(text: str) -> list[str]:
    """The words of a text that deny something ("not", "never", "untrue", "refuted", "isn't")."""
    return _denials(text, _DENYING)


def quoted_stretches(text: str) -> tuple[list[str], str]:
    """What stands in quotation marks of any shape in a text, the inner ones too.

    Apostrophes are none: a single mark opens before a word only, and closes what one opened.

    Returns:
        The stretches, and a mark that has no partner (empty where all have one).
    """
    text = text.translate(_OTHER_MARKS)
    found: list[str] = []
    opened: list[tuple[str, int]] = []
    for index, mark in enumerate(text):
        before, after = text[max(0, index - 1) : index], text[index + 1 : index + 2]
        if mark not in "“”„\"‘’'" or (mark in "‘’'" and before.isalnum() and after.isalnum()):
            continue
        partners = [
            place
            for place, (first, start) in enumerate(opened)
            if mark in _CLOSES[first] and start < index
        ]
        if partners:
            found.append(text[opened[partners[-1]][1] : index])
            del opened[partners[-1] :]
        elif mark == "”":
            return found, mark
        elif mark in '“„"‘' or (mark == "'" and _opens(before, after)):
            opened.append((mark, index + 1))
    return found, opened[0][0] if opened else ""


def _opens(before: str, after: str) -> bool:
    """Whether a straight single mark opens a quotation, not being the apostrophe of "'90s"."""
    return not before.isalnum() and bool(after.strip()) and not after.isdigit()


def content_words(text: str) -> int:
    """How many different words of a text say something: no stop words and nothing of a date.

    Figures and negations count. In scripts without blanks between words, two characters are one.
    """
    for day in dates_in(text):
        text = f"{text[: day.start]}{' ' * (day.end - day.start)}{text[day.end :]}"
    words = re.findall(r"\d[\d.,]*|[^\W_]+", _UNSPACED.sub(" ", text))
    kept = {word.lower() for word in words} - _SAYS_NOTHING
    return len(kept) + len(_UNSPACED.findall(text)) // 2
