"""Whether everything in a finding that could be wrong stands in its sources.

Figures, dates, models and names are read and held against the sources one by one. What reading
does not recognise is then looked at word by word, so that a figure or a name in an unusual shape
("XII", "①", "twice", "putin") is not overlooked: every word that is capitalised, holds a digit,
means a number or is not English has to stand in the sources as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property

from service.facts.compare import content_lemmas, held_in
from service.facts.dates import DateMention, dates_in, states
from service.facts.designations import Designation, designations_in
from service.facts.lexicon import CAPITAL, POLITY, STOP
from service.facts.names import Name, is_named, names_in, same_initials
from service.facts.quantities import Quantity, quantities_in
from service.facts.quoting import denials_in
from service.kit.language import is_english_word
from service.models.parser import parse

_WORD = re.compile(r"[^\W_]+(?:[-'’.&/][^\W_]+)*")
_NUMBER_WORDS = frozenset(
    """zero nil nought one once single sole lone first two twice second seconds double doubled
    doubles doubling twofold pair pairs couple duo twin three thrice third thirds triple
    tripled triples tripling treble threefold trio four fourth quadruple quadrupled fourfold
    quartet five fifth fivefold quintet six sixth seven seventh eight eighth nine ninth ten
    tenth tenfold eleventh dozen dozens score scores twelfth thirteenth twentieth hundred
    hundreds hundredth thousand thousands million millions billion billions trillion trillions
    half halves halved quarter quarters percent decade decades century centuries fortnight
    yesterday today tomorrow tonight overnight""".split()
)
"""Words that mean a number or a day, as far as reading quantities and dates passes them over."""
_RELATIVE_DAY = re.compile(
    r"\b(?:last|next|this|previous|following)\s+(?:day|week|weekend|month|year|spring|summer|autumn"
    r"|winter|quarter)s?\b",
    re.IGNORECASE,
)
_ROMAN = re.compile(r"m{0,3}(?:cm|cd|d?c{0,3})(?:xc|xl|l?x{0,3})(?:ix|iv|v?i{0,3})")
_ROMAN_BY_CHANCE = frozenset({"mix", "i"})
_POSSESSIVE = re.compile(r"['’]s?(?!\w)")
_NAMES = frozenset({"PERSON", "GPE", "LOC", "FAC", "NORP", "ORG"})
_ADDRESS = re.compile(r"\b(?:\w+://|www\.)\S+", re.IGNORECASE)
_PRONOUNS = frozenset({"us", "who", "no", "in", "am", "it", "i", "a"})
_OPENS_SENTENCE = re.compile(r"(?:^|[.!?:;…\n][”’\"')\]]*|[“‘\"(])\s*$")
_DASHES = {
    code: "-" for code in range(0x2010, 0x2016) if code not in (0x2014, 0x2015)
} | {0x2212: "-", 0xFE63: "-", 0xFF0D: "-"}  # fmt: skip


@dataclass(frozen=True)
class Sources:
    """What a finding may draw on.

    Attributes:
        texts: its quotes and what its citations say of their statements (issuer, title).
        issued: when the statements were published.
    """

    texts: tuple[str, ...]
    issued: tuple[date, ...]

    @cached_property
    def text(self) -> str:
        """All texts as one."""
        return "\n\n".join(_with_hyphens(text) for text in self.texts)

    @cached_property
    def quantities(self) -> list[Quantity]:
        """Every figure."""
        return [figure for text in self.texts for figure in quantities_in(_with_hyphens(text))]

    @cached_property
    def dates(self) -> list[DateMention]:
        """Every date, undated days in the year of publication, and the days of publication."""
        found = [mention for text in self.texts for mention in dates_in(_with_hyphens(text))]
        placed = [mention.within(day) for day in self.issued for mention in found]
        return [*found, *placed, *(_as_mention(day) for day in self.issued)]

    @cached_property
    def designations(self) -> list[Designation]:
        """Every model."""
        return designations_in(self.text)

    @cached_property
    def names(self) -> list[Name]:
        """Every name."""
        return [name for text in self.texts for name in names_in(_with_hyphens(text))]

    @cached_property
    def words(self) -> frozenset[str]:
        """Every word in lower case: compounds as they are, and the parts that are plain words."""
        whole = {match.group().casefold() for match in _WORD.finditer(self.text)}
        parts = {part for word in whole for part in re.split(r"[-'’.&/]", word)}
        return frozenset(whole | {part for part in parts if len(part) > 1 and part.isalpha()})

    @cached_property
    def denials(self) -> int:
        """How often something in them is denied."""
        return sum(len(denials_in(text)) for text in self.texts)

    @cached_property
    def figures(self) -> frozenset[str]:
        """Every word with a digit in it that is no part of a date."""
        rest = _blanked(self.text, [(day.start, day.end) for day in dates_in(self.text)])
        return frozenset(
            match.group().casefold() for match in _WORD.finditer(rest) if _has_digit(match.group())
        )


def ungrounded(text: str, sources: Sources) -> Iterator[str]:
    """Say what of a text does not stand in the sources, in words for a person.

    Args:
        text: what a finding says in its own words.
        sources: what it may draw on.
    """
    text = _with_hyphens(text)
    yield from ungrounded_figures(text, sources)
    read = [(figure.start, figure.end) for figure in quantities_in(text)]
    read += [(model.start, model.end) for model in designations_in(text)]
    for word in denials_in(text)[sources.denials :]:  # two denials of one would turn it round
        yield f"the denial “{word}” stands in none of its quotes"
    for day in dates_in(text):
        read.append((day.start, day.end))
        if not any(_is_same_date(day, other) for other in sources.dates):
            yield f"the date “{day.text}” stands in none of its quotes"
    for relative in _RELATIVE_DAY.findall(text):
        if relative.lower() not in sources.text.lower():
            yield f"the date “{relative}” stands in none of its quotes"
    for address in _ADDRESS.findall(text):
        if address not in sources.text:
            yield f"the address “{address}” stands in none of its quotes"
    known: list[tuple[int, int]] = []
    for name in names_in(text):
        if _is_abbreviated(name, sources) or _is_polity(name, sources):
            known.append((name.start, name.end))
        elif not is_named(name, sources.text) or _is_mixed(name, sources):
            yield f"the name “{name.text}” stands in none of its quotes"
    yield from _unknown_words(text, read, known, sources)


def own_words(text: str, sources: Sources) -> tuple[list[str], int]:
    """The content words of a text that its sources have in no form, and how many it has in all.

    Words that only tell who says it ("digest", "names") are none of either.
    """
    text = _with_hyphens(text)
    grounded = [(day.start, day.end) for day in dates_in(text)]
    grounded += [(figure.start, figure.end) for figure in quantities_in(text)]
    rest = _blanked(text, grounded)  # figures and dates are held to the sources by themselves
    words = [word for word in content_lemmas(rest) if word not in _TELLING]
    words += [
        token.lower_ for token in parse(rest) if token.pos_ == "ADV" and token.lower_ not in STOP
    ]
    lacking = [
        word
        for word in words
        if not any(held_in(form, sources.text) for form in {word, word.rstrip(".")})
    ]
    return lacking, len(words)


_TELLING = frozenset(
    """digest translation statement claim differ name list add mention describe note declare
    inform recall specify publish""".split()
)


def ungrounded_figures(text: str, sources: Sources) -> Iterator[str]:
    """Say which figures and models do not stand in the sources, as ``ungrounded`` does."""
    text = _with_hyphens(text)
    for figure in quantities_in(text):
        if not any(_is_same_figure(figure, other, sources) for other in sources.quantities):
            yield f"the figure “{figure.text}” stands in none of its quotes"
    for model in designations_in(text):
        if not any(_is_same_model(model, other) for other in sources.designations):
            yield f"the model “{model.text}” stands in none of its quotes"


def _unknown_words(
    text: str,
    read: Sequence[tuple[int, int]],
    known: Sequence[tuple[int, int]],
    sources: Sources,
) -> Iterator[str]:
    doc = parse(text)
    named = {token.idx for token in doc if token.ent_type_ in _NAMES}
    named |= {token.idx for token in doc if token.pos_ == "PROPN" and token.text.islower()}
    unread = _blanked(text, read)
    for match in _WORD.finditer(_blanked(unread, known)):
        word = match.group().removesuffix("'s").removesuffix("’s")
        opens = bool(_OPENS_SENTENCE.search(text, 0, match.start()))
        if not _is_accounted_for(word, opens, match.start() in named, sources):
            kind = "figure" if _has_digit(word) or _is_number(word) else "word"
            yield f"the {kind} “{word}” stands in none of its quotes"
    for character in unread:
        if _is_odd_numeral(character) and character not in sources.text:
            yield f"the figure “{character}” stands in none of its quotes"


def _is_accounted_for(word: str, opens: bool, named: bool, sources: Sources) -> bool:
    lower = word.casefold()
    if _has_digit(word):
        return lower in sources.figures
    if lower in sources.words or _singular(lower) in map(_singular, _of_length(sources, lower)):
        return True
    if _is_number(word):
        return False
    if lower in _PRONOUNS and (word == lower or opens or word == "I"):
        return True
    if lower in POLITY or lower in CAPITAL:
        polity = POLITY.get(lower) or CAPITAL.get(lower)
        return any(polity == name.polity for name in sources.names)
    parts = re.split(r"[-'’.&/]", word)
    if len(parts) > 1:
        return all(
            _is_accounted_for(part, opens and not index, False, sources)
            for index, part in enumerate(parts)
            if part not in {"s", "t", "re", "ll", "ve", "d"}
        )
    if not (word.islower() or (opens and word.istitle())):
        return False
    if lower in STOP:
        return True
    return is_english_word(lower) and not named


def _of_length(sources: Sources, word: str) -> Iterable[str]:
    return (other for other in sources.words if abs(len(other) - len(word)) <= 1)


def _singular(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") else word


def _is_number(word: str) -> bool:
    lower = word.casefold()
    roman = len(lower) > 1 and lower not in _ROMAN_BY_CHANCE and _ROMAN.fullmatch(lower)
    return lower in _NUMBER_WORDS or bool(roman)


def _has_digit(word: str) -> bool:
    return any(character.isnumeric() and not character.isalpha() for character in word)


def _is_odd_numeral(character: str) -> bool:
    """Whether a character means a number without being a digit: "½", "²", "Ⅻ", "四"."""
    return character.isnumeric() and not character.isdecimal()


def _is_same_figure(figure: Quantity, other: Quantity, sources: Sources) -> bool:
    if figure.value != other.value or figure.bound not in {other.bound, "exact"}:
        return False
    if figure.bound == "exact" and other.bound in {"at_least", "at_most"}:
        return False
    if figure.unit != other.unit and {figure.unit, other.unit} != {"count", "label"}:
        return False
    return not _counts_another_thing(figure, other, sources)


def _counts_another_thing(figure: Quantity, other: Quantity, sources: Sources) -> bool:
    """Whether the sources give this number for something else only.

    "Three B-52" where they have two B-52 and three F-35A, "three ships" where they have none.
    """
    mine, theirs = _model(figure), _model(other)
    if mine is not None and theirs is not None:
        return not _is_same_model(mine, theirs)
    if not figure.head or not other.head or _is_same_thing(figure.head, other.head):
        return False
    return not held_in(figure.head, sources.text) or any(
        _is_same_thing(figure.head, third.head) and third.value != figure.value
        for third in sources.quantities
        if third.unit == figure.unit and third.head
    )


def _is_same_thing(one: str, other: str) -> bool:
    return one == other or held_in(one, other)


def _model(figure: Quantity) -> Designation | None:
    return next(iter(designations_in(figure.designation)), None)


def _is_same_model(model: Designation, other: Designation) -> bool:
    """Whether a finding's model is the source's, or the same less finely named."""
    return model.family == other.family and model.variant in {"", other.variant}


def _is_same_date(day: DateMention, other: DateMention) -> bool:
    return (
        states(day, other)
        and (day.year is None or (day.year, day.year_end) == (other.year, other.year_end))
        and day.fiscal == other.fiscal
    )


def _is_abbreviated(name: Name, sources: Sources) -> bool:
    short = name.text.replace(".", "")
    return short.isupper() and any(same_initials(short, text) for text in sources.texts)


def _is_polity(name: Name, sources: Sources) -> bool:
    """Whether a name is nothing but a country's or union's, and the sources name it too."""
    key = name.text.lower()
    return (key in POLITY or key in CAPITAL) and is_named(name, sources.text)


def _is_mixed(name: Name, sources: Sources) -> bool:
    """Whether a person's name is put together from the names of two: one's first, other's last."""
    if name.kind != "person" or len(name.words) < 2:
        return False
    in_a_row = r"(?:\W+\w+\.?)?\W+".join(map(re.escape, name.words))
    return not re.search(rf"(?<!\w){in_a_row}(?!\w)", sources.text, re.IGNORECASE)


def _as_mention(day: date) -> DateMention:
    return replace(_NO_DAY, year=day.year, month=day.month, day=day.day)


_NO_DAY = DateMention(None, None, None, None, None, False, 0, 0, "")


def _with_hyphens(text: str) -> str:
    """A text with every dash that can stand in a word as a hyphen: "F‑35B" is F-35B."""
    return text.translate(_DASHES)


def _blanked(text: str, spans: Iterable[tuple[int, int]]) -> str:
    """The text with blanks for some spans and for the possessive endings right after them."""
    for start, end in spans:
        ending = _POSSESSIVE.match(text, end)
        stop = ending.end() if ending else end
        text = f"{text[:start]}{' ' * (stop - start)}{text[stop:]}"
    return text
