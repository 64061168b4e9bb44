"""Quantities in English text: how many or how much, of what, and how exactly."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

from text_to_num import text2num

from service.facts.dates import DateMention, dates_in
from service.facts.designations import Designation, designations_in
from service.models.parser import parse

if TYPE_CHECKING:
    from spacy.tokens import Doc, Token

_WORDS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety "
    "hundred thousand million billion trillion"
).split()
_GROUPS = {"dozen": 12.0, "pair": 2.0, "couple": 2.0, "trio": 3.0, "quartet": 4.0, "score": 20.0}
_SCALES = {
    "hundred": 1e2, "thousand": 1e3, "k": 1e3, "million": 1e6, "mn": 1e6, "m": 1e6,
    "billion": 1e9, "bn": 1e9, "b": 1e9, "trillion": 1e12, "tn": 1e12, "trn": 1e12,
}  # fmt: skip
_CURRENCIES = {
    "€": "eur", "eur": "eur", "euro": "eur", "euros": "eur",
    "$": "usd", "us$": "usd", "usd": "usd", "dollar": "usd", "dollars": "usd",
    "£": "gbp", "gbp": "gbp", "pound": "gbp", "pounds": "gbp",
    "¥": "jpy", "jpy": "jpy", "yen": "jpy",
    "rupee": "inr", "rupees": "inr", "inr": "inr", "₹": "inr",
    "yuan": "cny", "cny": "cny", "rmb": "cny", "renminbi": "cny",
    "franc": "chf", "francs": "chf", "chf": "chf",
    "rouble": "rub", "roubles": "rub", "ruble": "rub", "rubles": "rub",
    "won": "krw", "krw": "krw",
}  # fmt: skip
CURRENCY_CODES = frozenset(_CURRENCIES.values())
_UNITS: dict[str, tuple[str, float]] = {
    "%": ("percent", 1), "percent": ("percent", 1), "per cent": ("percent", 1),
    "pc": ("percent", 1),
    "percentage point": ("point", 1), "percentage points": ("point", 1),
    "basis point": ("point", 0.01), "basis points": ("point", 0.01),
    "second": ("s", 1), "seconds": ("s", 1), "minute": ("s", 60), "minutes": ("s", 60),
    "hour": ("s", 3600), "hours": ("s", 3600), "day": ("day", 1), "days": ("day", 1),
    "week": ("day", 7), "weeks": ("day", 7), "fortnight": ("day", 14),
    "month": ("month", 1), "months": ("month", 1), "year": ("month", 12), "years": ("month", 12),
    "decade": ("month", 120), "decades": ("month", 120), "century": ("month", 1200),
    "mm": ("m", 1e-3), "cm": ("m", 1e-2), "metre": ("m", 1), "metres": ("m", 1), "meter": ("m", 1),
    "meters": ("m", 1), "km": ("m", 1e3), "kilometre": ("m", 1e3), "kilometres": ("m", 1e3),
    "kilometer": ("m", 1e3), "kilometers": ("m", 1e3), "mile": ("m", 1609.344),
    "miles": ("m", 1609.344), "foot": ("m", 0.3048), "feet": ("m", 0.3048),
    "g": ("kg", 1e-3), "gram": ("kg", 1e-3), "grams": ("kg", 1e-3), "kg": ("kg", 1),
    "kilogram": ("kg", 1), "kilograms": ("kg", 1), "tonne": ("kg", 1e3), "tonnes": ("kg", 1e3),
    "ton": ("kg", 1e3), "tons": ("kg", 1e3), "°c": ("celsius", 1),
    "degrees celsius": ("celsius", 1), "degree celsius": ("celsius", 1), "degrees": ("degree", 1),
    "mw": ("w", 1e6), "megawatts": ("w", 1e6), "gw": ("w", 1e9), "gigawatts": ("w", 1e9),
}  # fmt: skip
_FRACTIONS = {
    "half": 1 / 2, "third": 1 / 3, "quarter": 1 / 4, "fifth": 1 / 5, "sixth": 1 / 6,
    "seventh": 1 / 7, "eighth": 1 / 8, "ninth": 1 / 9, "tenth": 1 / 10, "twentieth": 1 / 20,
    "fiftieth": 1 / 50, "hundredth": 1 / 100,
}  # fmt: skip
_GLYPHS = {"¼": 0.25, "½": 0.5, "¾": 0.75, "⅓": 1 / 3, "⅔": 2 / 3}
_ORDINALS = {
    "first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7,
    "eighth": 8, "ninth": 9, "tenth": 10, "eleventh": 11, "twelfth": 12, "thirteenth": 13,
    "fourteenth": 14, "fifteenth": 15, "sixteenth": 16, "seventeenth": 17, "eighteenth": 18,
    "nineteenth": 19, "twentieth": 20, "thirtieth": 30, "fortieth": 40, "fiftieth": 50,
}  # fmt: skip

_ABOUT = {"about", "around", "roughly", "approximately", "nearly", "almost", "some", "circa"}
_AT_LEAST = {
    "more than",
    "over",
    "at least",
    "above",
    "upwards of",
    "exceeding",
    "no fewer than",
    "exceeds?",
    "exceeded",
    "topped",
    "surpassed",
    "in excess of",
    "not less than",
    "a minimum of",
}
_AT_MOST = {
    "less than",
    "fewer than",
    "under",
    "below",
    "at most",
    "up to",
    "no more than",
    "not more than",
    "a maximum of",
    "no higher than",
}

_word = "|".join(sorted(_WORDS, key=len, reverse=True))
_NUMBER_WORDS = rf"(?:{_word})(?:(?:[ -]|\sand\s)(?:{_word}))*"
_DIGITS = r"\d{1,3}(?:[,\u2009\u202f\u00a0]\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"
_CODES = ("eur", "usd", "gbp", "jpy", "inr", "cny", "rmb", "chf", "krw")
"""Those that stand before an amount; a word there is another one ("Euro 2024", "won 12 seats")."""
_code = "|".join(map(re.escape, _CODES))
_currency = "|".join(
    re.escape(name)
    for name in sorted(_CURRENCIES, key=len, reverse=True)
    if len(name) > 1 and name != "won"
)
_unit = "|".join(re.escape(name) for name in sorted(_UNITS, key=len, reverse=True) if len(name) > 1)
_fraction = "|".join(sorted(_FRACTIONS, key=len, reverse=True))
_ordinal = "|".join(sorted(_ORDINALS, key=len, reverse=True))
_tens = "|".join(word for word in _WORDS if word.endswith("ty"))
_PATTERN = re.compile(
    rf"""
    (?<![\w.:+/])(?<![A-Za-z]-)
    (?:(?P<before>US\$|[€$£¥₹]|(?:{_code})(?=[\s\d]))\s?)?
    (?:
        (?P<mixed>\d+)[ -](?P<mixed_top>\d)/(?P<mixed_bottom>[1-9])(?!\d)
      | (?P<glyph_whole>\d*)(?P<glyph>[¼½¾⅓⅔])
      | (?P<half_of>half\ an?\ (?P<half_unit>
            hour|day|year|century|decade|million|billion|trillion|percent(?:age\ point)?))\b
      | (?P<and_half>(?P<and_half_whole>{_NUMBER_WORDS}|\d+)\ and\ a\ half)\b
      | (?P<time_and_half>(?P<time_count>an?|{_NUMBER_WORDS}|\d+)
            \ (?P<time_unit>hour|day|week|month|year|decade)s?\ and\ a\ half)\b
      | (?P<ordinal_compound>(?P<ordinal_tens>{_tens})-(?P<ordinal_ones>{_ordinal}))\b
      | (?P<slash_top>\d)/(?P<slash_bottom>[2-9]|10)(?![\d/])
      | (?P<share>(?P<share_top>{_NUMBER_WORDS}|an?|\d+)[ -](?P<share_bottom>{_fraction})s?)\b
      | (?P<lone_half>(?<!first[ -])(?<!second[ -])half)\b(?!\ a\ dozen)
      | (?P<half_dozen>half\ a\ dozen|a\ half[ -]dozen)\b
      | (?P<group>(?P<group_count>an?|{_NUMBER_WORDS}|\d+)
            \ (?P<group_name>dozen|pair|couple|trio|quartet))\b
      | (?P<ordinal_digits>\d+)(?:st|nd|rd|th)\b
      | (?P<ordinal_word>{_ordinal})\b
      | (?P<digits>(?>{_DIGITS}))(?!/\d|[ -]?(?:hundred|thousand|[mb]illion)th)
      | (?P<words>{_NUMBER_WORDS})\b
    )
    (?:[ -]?(?P<scale>hundred|thousand|million|billion|trillion|mn|bn|trn|tn
            |[kmb](?=\b)(?!-\d))(?![\w]))?
    (?:[ -]?(?P<after>%|°C|(?:{_unit}|{_currency}|points?|(?(scale)won|(?!)))\b))?
    (?![:+]\d|\+|\ ?[ap]\.?m\b)
    """,
    re.VERBOSE | re.IGNORECASE,
)
_LABEL_HEADS = {
    "article", "chapter", "section", "resolution", "flight", "number", "no", "no.", "annex",
    "phase", "page", "paragraph", "group", "level", "type", "category", "class", "round",
}  # fmt: skip
_NOT_COUNTED = {"one"}
_ROMAN = re.compile(
    r"\b(?P<head>(?i:article|chapter|annex|phase|section|protocol|clade|tier|type|class|category"
    r"|division|stage|level|part|title|volume|war))s?\ (?P<roman>[IVXLC]+)\b"
)
_ROMAN_VALUES = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100}
_SOME_OF = re.compile(
    rf"\b(?P<some>{_NUMBER_WORDS}|\d{{1,2}})\ (?:in|out\ of)\ (?:every\ )?$", re.IGNORECASE
)
_NEAR = 40
_ROUND = {*range(2, 11), 12, 20, 50, 100, 1000}
"""Of so many, people say some: "three in ten" is a share, "47 in 12 cities" is none."""
QUARTER = re.compile(r"\bQ(?P<number>[1-4])\b")
_DAY_RANGE = re.compile(r"\s*(?:-|–|to|and|or|until)\s*", re.IGNORECASE)
_MOVED = (
    r"up|down|cut|cutting|rose|risen|fell|grew|went|gone|goes|sank|shrank|shrunk"
    r"|(?:ris|fall|grow|drop|declin|climb|jump|increas|decreas|reduc|lower|rais|lift|mov|go|slid"
    r"|sink|shrink|plung|surg|slow|widen|narrow|chang)(?:e?[ds]?|e?n|ing|p(?:ed|ing))"
)
"""Before "from" and what a figure was."""
_FORMER = re.compile(
    rf"\b(?:(?:{_MOVED})(?:\s+\w+ly)?\s+from"
    r"|compared\s+(?:with|to)|against|versus|instead\s+of|rather\s+than)\s+(?:about\s+|some\s+)?$",
    re.IGNORECASE,
)
_ON_TO = re.compile(r"(?:\s+[a-z-]+){0,3}\s+to\s+", re.IGNORECASE)
_MOVED_FROM = re.compile(rf"\b(?:{_MOVED})\b[^.;:,]{{0,40}}\sfrom\s+$", re.IGNORECASE)
_FROM = re.compile(r"(?:[^.;:]{1,25})?\bfrom\s+(?:the\s+|about\s+)?", re.IGNORECASE)
_TO = re.compile(r"\bto\s+(?:about\s+|some\s+|nearly\s+)?$", re.IGNORECASE)
_PART_OF_YEAR = re.compile(r"[ -](?P<part>quarter|half)\b", re.IGNORECASE)
_RELATIVE = re.compile(r"\b(?:next|last|past|coming|previous|recent)\s+$", re.IGNORECASE)
_BELOW_ZERO = re.compile(r"(?:\bminus\s|(?<![\w.,)%])[-−])$", re.IGNORECASE)
_WHOLE_UNITS = {"count", "ordinal", "fraction"}


@dataclass(frozen=True, slots=True)
class Quantity:
    """How many or how much, of what.

    Attributes:
        value: in ``unit``'s base (seconds, days, months, metres, kilograms, whole currency).
        unit: ``count``, ``ordinal``, ``fraction``, ``label``, a currency code, ``percent``,
            ``point`` or a base unit.
        bound: ``exact``, ``about``, ``at_least`` or ``at_most``.
        head: lemma of the noun counted ("bomber"), empty when none was found.
        designation: the model counted ("F-35A"), empty when none was found.
        modifiers: lemmas of the words that narrow the noun ("strategic", "b-52").
        former: it is what a figure was before ("up from 488,000").
        start: offset of the first code point in the text read.
        end: offset past the last.
    """

    value: float
    unit: str
    bound: str
    head: str
    designation: str
    modifiers: frozenset[str]
    former: bool
    start: int
    end: int
    text: str


def quantities_in(text: str) -> list[Quantity]:
    """Return the quantities of an English text in order.

    Numbers inside dates ("10 December") and model designations ("B-52") are no quantities.
    """
    return list(_quantities_of(text))


@lru_cache(maxsize=4096)
def _quantities_of(text: str) -> tuple[Quantity, ...]:
    doc = parse(text)
    dates = dates_in(text)
    taken = [(found.start, found.end) for found in dates]
    taken += [(found.start, found.end) for found in designations_in(text)]
    found = [_roman(match) for match in _ROMAN.finditer(text)]
    found += [_quarter(match) for match in QUARTER.finditer(text)]
    for match in _PATTERN.finditer(text):
        if any(start < match.end() and match.start() < end for start, end in taken):
            continue
        if match["digits"] and _in_day_range(match, text, dates):
            continue
        quantity = _read(match, text, doc)
        if quantity is not None:
            found.append(quantity)
    found.sort(key=lambda quantity: quantity.start)
    for step in (_with_shares, _with_shared_currency, _with_former, _with_ranges):
        found = step(found, text)
    return tuple(found)


def _with_shares(found: list[Quantity], text: str) -> list[Quantity]:
    """Make one share of two numbers: "one in five adults", "three out of every ten"."""
    shares: list[Quantity] = []
    for quantity in found:
        some = _SOME_OF.search(text, max(0, quantity.start - _NEAR), quantity.start)
        part = _number(some["some"].lower()) if some and quantity.unit == "count" else 0.0
        if some and 0 < part < quantity.value and (part == 1 or quantity.value in _ROUND):
            if shares and shares[-1].end > some.start():
                shares.pop()
            share = replace(
                quantity,
                value=part / quantity.value,
                unit="fraction",
                bound=_bound(text[max(0, some.start() - 16) : some.start()].lower()),
                start=some.start(),
                text=text[some.start() : quantity.start + len(quantity.text)],
            )
            shares.append(share)
        else:
            shares.append(quantity)
    return shares


def _with_ranges(found: list[Quantity], text: str) -> list[Quantity]:
    """Make bounds of the ends of a range: "between 10 and 15 aircraft", "EUR 10-15 billion"."""
    ranged = list(found)
    for index, (low, high) in enumerate(pairwise(found)):
        link = text[low.end : high.start].strip().lower()
        between = bool(re.search(r"\bbetween\s+$", text[: low.start], re.IGNORECASE))
        if link not in {"-", "–", "to"} and not (link == "and" and between):
            continue
        least = low.value * _shared_factor(low, high, text)
        if (
            low.unit in {high.unit, "count"}
            and least < high.value
            and (low.bound, high.bound, low.former) == ("exact", "exact", False)
        ):
            ranged[index] = replace(low, value=least, unit=high.unit, bound="at_least")
            ranged[index + 1] = replace(high, bound="at_most")
    return ranged


def _with_former(found: list[Quantity], text: str) -> list[Quantity]:
    """Tell what a figure was: "from 25 to 20 percent", "to 4.1 percent from 4.3 in April"."""
    told = list(found)
    for index, (one, other) in enumerate(pairwise(found)):
        link = text[one.end : other.start]
        was = one.former or bool(_MOVED_FROM.search(text, 0, one.start))
        if was and _ON_TO.fullmatch(link):
            told[index] = replace(_in_unit_of(other, one, text), former=True)
            told[index + 1] = other if other.head else _in_unit_of(one, other, text)
        elif (
            other.head in {"", one.head}
            and _FROM.fullmatch(link)
            and _TO.search(text, 0, one.start)
        ):
            told[index + 1] = replace(_in_unit_of(one, other, text), former=True)
    return told


def _in_unit_of(other: Quantity, bare: Quantity, text: str) -> Quantity:
    """A bare figure with the unit and scale of the one that it is told with."""
    whole = other.unit in {"ordinal", "fraction", "label"}
    counts_other = other.unit == "count" and bare.head not in {"", other.head}
    if bare.unit != "count" or whole or counts_other:
        return bare
    return replace(
        bare,
        value=bare.value * _shared_factor(bare, other, text),
        unit=other.unit,
        head=other.head,
        modifiers=other.modifiers,
        text=text[bare.start : bare.end],
    )


def _shared_factor(low: Quantity, high: Quantity, text: str) -> float:
    """What the scale and unit of a range's end make of its beginning ("2-3 million")."""
    figure = re.search(r"\d[\d,]*(?:\.\d+)?$", text[low.start : low.end])
    other = re.search(r"\d[\d,]*(?:\.\d+)?", text[high.start : high.end])
    if figure is None or other is None or not (number := _number(other.group())):
        return 1.0
    return abs(high.value) / number


def _with_shared_currency(found: list[Quantity], text: str) -> list[Quantity]:
    """Give "33 billion" its currency in "of the 50 billion euros, 33 billion are loans"."""
    shared: list[Quantity] = []
    for quantity in found:
        previous = shared[-1] if shared else None
        if (
            previous is not None
            and quantity.unit == "count"
            and not quantity.head
            and quantity.value >= 1e6
            and previous.unit in CURRENCY_CODES
            and not re.search(r"[.;!?]\s", text[previous.end : quantity.start])
        ):
            shared.append(replace(quantity, unit=previous.unit))
        else:
            shared.append(quantity)
    return shared


def _in_day_range(match: re.Match[str], text: str, dates: tuple[DateMention, ...]) -> bool:
    """Whether a number is the other day of a range ("2 and 9 January", "July 13 to 14")."""
    return any(
        _DAY_RANGE.fullmatch(text, match.end(), found.start)
        or (found.day is not None and _DAY_RANGE.fullmatch(text, found.end, match.start()))
        for found in dates
    )


def _roman(match: re.Match[str]) -> Quantity:
    digits = [_ROMAN_VALUES[letter] for letter in match["roman"].upper()]
    value = sum(
        -digit if digit < max(digits[index + 1 :], default=0) else digit
        for index, digit in enumerate(digits)
    )
    return Quantity(
        float(value), "label", "exact", match["head"].lower(), "", frozenset(),
        False, match.start(), match.end(), match.group(),
    )  # fmt: skip


def _quarter(match: re.Match[str]) -> Quantity:
    return Quantity(
        float(match["number"]), "ordinal", "exact", "quarter", "", frozenset(),
        False, match.start(), match.end(), match.group(),
    )  # fmt: skip


def _read(match: re.Match[str], text: str, doc: Doc) -> Quantity | None:  # noqa: PLR0915  one case a form
    parts = match.groupdict()
    unit, value = "count", 0.0
    if parts["mixed"]:
        value = float(parts["mixed"]) + float(parts["mixed_top"]) / float(parts["mixed_bottom"])
    elif parts["glyph"]:
        value = float(parts["glyph_whole"] or 0) + _GLYPHS[parts["glyph"]]
    elif parts["half_of"]:
        name = parts["half_unit"].lower()
        if name in _SCALES:
            value = 0.5 * _SCALES[name]
        else:
            unit, factor = _UNITS[name if name in _UNITS else f"{name}s"]
            value = 0.5 * factor
    elif parts["and_half"]:
        value = _number(parts["and_half_whole"].lower()) + 0.5
    elif parts["slash_top"]:
        value, unit = float(parts["slash_top"]) / float(parts["slash_bottom"]), "fraction"
        if value >= 1:
            return None
    elif parts["time_and_half"]:
        count = parts["time_count"].lower()
        unit, factor = _UNITS[parts["time_unit"].lower()]
        value = ((1.0 if count in {"a", "an"} else _number(count)) + 0.5) * factor
    elif parts["share"]:
        top = parts["share_top"].lower()
        value = (1.0 if top in {"a", "an"} else _number(top)) * _FRACTIONS[
            parts["share_bottom"].lower()
        ]
        unit = "fraction"
    elif parts["lone_half"]:
        value, unit = 0.5, "fraction"
    elif parts["half_dozen"]:
        value = 6.0
    elif parts["group"]:
        count = parts["group_count"].lower()
        value = (1.0 if count in {"a", "an"} else _number(count)) * _GROUPS[
            parts["group_name"].lower()
        ]
    elif parts["ordinal_compound"]:  # "seventy-eighth" is no fraction
        tens, ones = parts["ordinal_tens"].lower(), parts["ordinal_ones"].lower()
        value, unit = _number(tens) + _ORDINALS[ones], "ordinal"
    elif parts["ordinal_digits"] or parts["ordinal_word"]:
        word = (parts["ordinal_word"] or "").lower()
        value = float(parts["ordinal_digits"] or _ORDINALS[word])
        unit = "ordinal"
    else:
        value = _number((parts["digits"] or parts["words"]).lower())
    if parts["scale"] and unit == "count":
        scale = parts["scale"].lower()
        if len(scale) == 1 and not (parts["before"] or parts["after"]):
            many = _counted(_token_at(doc, match.end() - 1), match)
            if many is None or not _is_plural(many):
                return None  # "a 1.2m wall" is no million of anything
        value *= _SCALES[scale]
    sign = _BELOW_ZERO.search(text, max(0, match.start() - 8), match.start())
    start = sign.start() if sign else match.start()
    value = -value if sign else value
    before, after = (parts["before"] or "").strip().lower(), (parts["after"] or "").lower()
    if before in _CURRENCIES:
        unit = _CURRENCIES[before]
    elif unit in {"count", "fraction"} and after in _CURRENCIES:
        unit = _CURRENCIES[after]
    elif after in {"point", "points"}:
        unit = "point" if unit == "fraction" else unit
    elif unit == "count" and after in _UNITS:
        unit, factor = _UNITS[after]
        value *= factor
    if re.match(r"\s*ago\b", text[match.end() :]) or (
        unit in {"day", "month"} and _RELATIVE.search(text, 0, match.start())
    ):
        return None  # a date relative to the text, not an amount
    token = _token_at(doc, match.start() if unit == "ordinal" else match.end() - 1)
    if token is None:
        return None
    head = _counted(token, match) if unit in _WHOLE_UNITS else None
    part_of_year = _PART_OF_YEAR.match(text, match.end()) if unit == "ordinal" else None
    if part_of_year:
        head = _token_at(doc, part_of_year.start("part"))
    if unit == "count":
        first = _token_at(doc, match.start())
        if first is not None and first.i and first.nbor(-1).lower_ in _LABEL_HEADS:
            unit, head = "label", first.nbor(-1)
        elif parts["words"] and _is_pronoun_or_name(match, first, head):
            return None
    if (
        unit == "ordinal"
        and not part_of_year
        and (head is None or token.pos_ == "ADV" or value == 1)
    ):
        return None  # "first" is more often an adverb or an emphasis than a count
    designation = _designation_after(text, match.end(), head)
    reaches = max(
        match.end(),
        head.idx + len(head) if head is not None and unit != "label" else 0,
        designation.end if designation else 0,
    )
    joint = re.search(r",| and | or ", text[match.end() : reaches])
    if joint:  # "three F-35A and three F-15 fighters": the phrase ends before the next one
        reaches = match.end() + joint.start()
    return Quantity(
        value=value,
        unit=unit,
        bound=_bound(text[max(0, match.start() - 16) : match.start()].lower()),
        head=head.lemma_.lower() if head is not None else "",
        designation=designation.text if designation else "",
        modifiers=_modifiers(head, match) if head is not None else frozenset(),
        former=bool(_FORMER.search(text, 0, match.start())),
        start=start,
        end=match.end(),
        text=text[start : reaches if reaches - start <= 60 else match.end()],
    )


def _is_pronoun_or_name(match: re.Match[str], first: Token | None, head: Token | None) -> bool:
    """Whether number words are a pronoun ("one of them") or part of a name ("Group of Seven")."""
    words = match["words"]
    if words.lower() in _NOT_COUNTED and (
        head is None or re.match(r"\s+of\b", match.string[match.end() :])
    ):
        return True
    return first is not None and words[0].isupper() and not first.is_sent_start and head is None


def _designation_after(text: str, offset: int, head: Token | None) -> Designation | None:
    """The model that a count counts: between the number and its noun, or right after it."""
    limit = max(offset + 24, head.idx + len(head) if head is not None else 0)
    between = re.compile(r"[^,;:\d]*")
    for found in designations_in(text):
        if offset <= found.start <= limit and between.fullmatch(text, offset, found.start):
            if re.search(r"\b(?:and|or|with|to)\b", text[offset : found.start]):
                return None
            return found
    return None


def _number(words: str) -> float:
    cleaned = re.sub(r"[,\u2009\u202f\u00a0]", "", words)
    try:
        return float(cleaned)
    except ValueError:
        pass
    words = re.sub(r"[\s-]+(?:and\s)?", " ", cleaned).strip()
    if "trillion" in words:  # text2num counts up to billions
        high, _, low = (part.strip() for part in words.partition("trillion"))
        return (_number(high) if high else 1) * _SCALES["trillion"] + (_number(low) if low else 0)
    for candidate in (words, words.split(" ")[0]):  # "two three": the first word is the number
        try:
            return float(text2num(candidate, "en"))
        except ValueError:
            continue
    raise ValueError(f"no number: {words!r}")


def _token_at(doc: Doc, offset: int) -> Token | None:
    span = doc.char_span(offset, offset + 1, alignment_mode="expand")
    return span[0] if span is not None and len(span) else None


def _counted(token: Token | None, match: re.Match[str]) -> Token | None:
    """The noun that a number counts: its syntactic head, or the noun right after it."""
    if token is None:
        return None
    head = token
    modifying = {"nummod", "quantmod", "amod", "compound", "nmod", "npadvmod", "advmod"}
    for _ in range(4):
        if head.dep_ in modifying and head.head.i > token.i and head.head.sent == token.sent:
            head = head.head
        else:
            break
    a_time = head.ent_type_ in {"DATE", "TIME"}
    if head is not token and head.pos_ in {"NOUN", "PROPN"} and not a_time:
        return head
    for child in token.children:  # "two of the bombers"
        if child.lower_ == "of" and child.i > token.i:
            nouns = [grand for grand in child.children if grand.pos_ in {"NOUN", "PROPN"}]
            if nouns:
                return nouns[0]
    after = token.doc[token.i + 1 : token.i + 6]
    following = [other for other in after if other.idx >= match.end()]
    for other in following:
        if other.ent_type_ in {"DATE", "TIME"}:
            break
        if other.pos_ in {"NOUN", "PROPN"}:
            last = other
            for later in other.doc[other.i + 1 : other.i + 4]:
                if later.pos_ not in {"NOUN", "PROPN"}:
                    break
                last = later
            return last
        if other.pos_ != "ADJ" and other.lower_ != "of" and other.text != "-":
            break
    return None


def _is_plural(noun: Token) -> bool:
    return noun.tag_ in {"NNS", "NNPS"} or noun.lemma_ == "people"


def _modifiers(head: Token, match: re.Match[str]) -> frozenset[str]:
    return frozenset(
        child.lemma_.lower()
        for child in head.subtree
        if child.i != head.i
        and child.pos_ in {"NOUN", "PROPN", "ADJ"}
        and not match.start() <= child.idx < match.end()
        and abs(child.i - head.i) < 6
    )


def _bound(before: str) -> str:
    before = re.sub(r"\s+an?$", "", before.rstrip(" ("))
    for phrases, name in ((_AT_LEAST, "at_least"), (_AT_MOST, "at_most"), (_ABOUT, "about")):
        if any(re.search(rf"\b{phrase}$", before) for phrase in phrases):
            return name
    return "exact"


def same_value(claim: Quantity, other: Quantity) -> bool:
    """Whether ``other`` states the claim's amount, allowing for rounding and for bounds.

    An exact claim needs the same value, or a rounding of it that has at least two digits in
    common with it ("1.1 million" for 1,120,000); "about" allows a tenth; "more than" allows up
    to a tenth more ("more than a million" for 1.12 million allows 12 percent).
    """
    a, b = claim.value, other.value
    if {claim.unit, other.unit} == {"fraction", "percent"}:  # "half" is 50 percent
        a, b = (
            100 * quantity.value if quantity.unit == "fraction" else quantity.value
            for quantity in (claim, other)
        )
    if {claim.bound, other.bound} == {"at_least", "at_most"}:
        return False
    if a == b:
        return True
    if {claim.unit, other.unit} & {"ordinal", "label"} or min(abs(a), abs(b)) == 0:
        return False
    if (a < 0) != (b < 0):
        return False
    ratio = b / a
    if claim.bound == "at_least":
        return 1 <= ratio <= 1.25
    if claim.bound == "at_most":
        return 0.8 <= ratio <= 1
    if "about" in {claim.bound, other.bound}:
        return 0.9 <= ratio <= 1.1
    return _rounds_to(b, a) or _rounds_to(a, b)


def leaves_room(other: Quantity, claim: Quantity) -> bool:
    """Whether an amount given as a bound does not contradict another one within a quarter of it.

    "More than 40,000 troops" is no contradiction to 45,000, "between 10 and 15" none to 12; but to
    "fewer than 40,000" it is.
    """
    if other.value == 0 or claim.unit != other.unit:
        return False
    if {claim.bound, other.bound} == {"at_least", "at_most"}:
        low, high = sorted((claim, other), key=lambda one: one.bound)
        return low.value < high.value
    ratio = claim.value / other.value
    return (other.bound == "at_least" and 1 <= ratio <= 1.25) or (
        other.bound == "at_most" and 0.8 <= ratio <= 1
    )


def _rounds_to(exact: float, rounded: float) -> bool:
    if abs(exact) < 100 and exact == int(exact):
        return False
    digits = f"{rounded:.10g}".replace(".", "").replace("-", "").rstrip("0").lstrip("0")
    return len(digits) >= 2 and float(f"{exact:.{len(digits)}g}") == rounded
