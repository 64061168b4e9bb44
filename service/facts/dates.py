"""Dates in English text, as far as they are given: a day, a month, a year, a weekday, a decade."""

from __future__ import annotations

import re
from calendar import day_name, month_abbr, month_name
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import lru_cache

_MONTHS = {name.lower(): number for number, name in enumerate(month_name) if name}
_MONTHS |= {name.lower(): number for number, name in enumerate(month_abbr) if name}
_MONTHS["sept"] = 9
_WEEKDAYS = {name.lower(): number for number, name in enumerate(day_name)}

_month = (
    r"(?:January|February|March|April|May|June|July|August|September|October|November|December"
    r"|Jan\.|Feb\.|Mar\.|Apr\.|Jun\.|Jul\.|Aug\.|Sept?\.|Oct\.|Nov\.|Dec\."
    r"|(?:Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)\b)"
)
_year = r"(?:1[5-9]\d\d|20\d\d|21\d\d)"
_weekday = r"(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day"
_PATTERN = re.compile(
    rf"""
    (?<![\w\d,.])(?:
      (?:(?P<weekday1>{_weekday}),?\s+(?:the\s+)?)?
      (?P<day1>\d{{1,2}})(?:st|nd|rd|th)?(?:\s+of)?
      \s+(?P<month1>{_month})(?:,?\s+(?P<year1>{_year}))?
    | (?:(?P<weekday2>{_weekday}),?\s+)?
      (?P<month2>{_month})\s+(?P<day2>\d{{1,2}})(?:st|nd|rd|th)?(?!\d)(?:,?\s+(?P<year2>{_year}))?
    | (?P<year3>{_year})-(?P<month3>\d\d)-(?P<day3>\d\d)(?!\d)
    | (?P<fiscal>(?:fiscal|financial|budget)\s+(?:year\s+)?|FY\s?)(?P<year4>{_year})
    | (?P<month5>{_month})(?:,?\s+(?:of\s+)?(?P<year5>{_year}))?
    | (?P<decade>(?:1[5-9]|20)\d0)s
    | (?P<year6>{_year})\s?[-–/]\s?(?P<to_year>\d\d(?:\d\d)?)(?!\d)
    | (?P<weekday7>{_weekday})s?
    | (?P<year8>{_year})
      (?!\s*(?:%|percent|per\ cent|euros?|dollars?|yen|people|troops|billion|million))
    )(?![\w]|,\d|\.\d)
    """,
    re.VERBOSE,
)
_LINK = re.compile(r"\s*(?:-|–|to|and|or|until|through)\s*", re.IGNORECASE)
_DAY_LINK = r"\s*(?:-|–|\bto\b|\band\b|\bor\b|\buntil\b|\bthrough\b)\s*"
_DAY_BEFORE = re.compile(
    rf"(?<![\w.,:-])(?P<day>\d{{1,2}})(?:st|nd|rd|th)?{_DAY_LINK}(?:the\s+)?$", re.IGNORECASE
)
_DAY_AFTER = re.compile(
    rf"{_DAY_LINK}(?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?![\w.]\d|\w|\s+{_month}"
    r"|\s+(?!(?:in|at|on|of|by|for|with|as|when|after|before|to|and|but|over|near|from|the)\b)[a-z])"
    rf"(?:,?\s+(?P<year>{_year})\b)?",
    re.IGNORECASE,
)
_NOT_A_MONTH = {"may", "march"}


@dataclass(frozen=True, slots=True)
class DateMention:
    """A date as far as the text gives it; None where it does not say.

    Attributes:
        weekday: 0 is Monday.
        year_end: last year of a span such as "2026-27".
        fiscal: the year is a fiscal one.
    """

    year: int | None
    month: int | None
    day: int | None
    weekday: int | None
    year_end: int | None
    fiscal: bool
    start: int
    end: int
    text: str

    @property
    def only_weekday(self) -> bool:
        """Whether nothing but the weekday is said."""
        return self.weekday is not None and (self.year, self.month, self.day) == (None, None, None)

    @property
    def known_weekday(self) -> int | None:
        """The weekday that was said or follows from a full date."""
        if self.weekday is not None:
            return self.weekday
        if self.year and self.month and self.day:
            return date(self.year, self.month, self.day).weekday()
        return None

    def within(self, reference: date | None) -> DateMention:
        """The same date with its year filled in from when the text was published, if missing.

        A month later than the publication by more than half a year is read as the year before.
        """
        if reference is None or self.year is not None or self.month is None:
            return self
        year = reference.year
        if self.month - reference.month > 6:
            year -= 1
        elif reference.month - self.month > 9:
            year += 1
        try:
            if self.day:
                date(year, self.month, self.day)
        except ValueError:
            return self
        return replace(self, year=year)


@lru_cache(maxsize=4096)
def dates_in(text: str) -> tuple[DateMention, ...]:
    """Return the dates of an English text in order. Impossible dates (31 June) are left out."""
    found: list[DateMention] = []
    for match in _PATTERN.finditer(text):
        mention = _read(match, text)
        read_before = found and match.start() < found[-1].end  # the year of "July 13 to 14, 2024"
        if mention is not None and not read_before:
            found += _with_shared_month(mention, text)
    return tuple(_with_shared_year(found, text))


def day_meant(words: str, published: date | None) -> date | None:
    """The one day that words mean in a text of a date: "Thursday", "11 December", "yesterday".

    Args:
        words: as the text has them. A weekday is the last one before the publication, or its day.
        published: when the text was; None leaves days open that hang on it.

    Returns:
        None where they mean no day, or more than one.
    """
    told = [_AGO[word] for word in re.findall(r"[a-z]+", words.lower()) if word in _AGO]
    mentions = dates_in(words)
    if len(told) + len(mentions) != 1:
        return None
    if told:
        return published - told[0] if published else None
    mention = mentions[0].within(published)
    if mention.year and mention.month and mention.day and not mention.fiscal:
        return date(mention.year, mention.month, mention.day)
    if mention.weekday is not None and mention.month is None and mention.year is None and published:
        return published - timedelta(days=(published.weekday() - mention.weekday) % 7)
    return None


_AGO = {"today": timedelta(0), "yesterday": timedelta(days=1)}


def _with_shared_month(mention: DateMention, text: str) -> list[DateMention]:
    """A day of a month with another that shares its month: "2 and 9 January", "July 13 to 14"."""
    if mention.day is None or mention.month is None:
        return [mention]
    before = _DAY_BEFORE.search(text, max(0, mention.start - 24), mention.start)
    after = _DAY_AFTER.match(text, mention.end)
    if before and mention.text[:1].isdigit():
        other = _on_day(mention, int(before["day"]), before.start("day"), before.end("day"), text)
        return [other, mention] if other else [mention]
    if after and not mention.text[:1].isdigit():
        year = mention.year or (int(after["year"]) if after["year"] else None)
        mention = replace(mention, year=year)
        other = _on_day(mention, int(after["day"]), after.start("day"), after.end(), text)
        return [mention, other] if other else [mention]
    return [mention]


def _on_day(mention: DateMention, day: int, start: int, end: int, text: str) -> DateMention | None:
    try:
        date(mention.year or 2000, mention.month or 1, day)
    except ValueError:
        return None
    return replace(
        mention, day=day, weekday=None, start=start, end=end, text=text[start:end].strip()
    )


def _with_shared_year(found: list[DateMention], text: str) -> list[DateMention]:
    """Give "September" its year in "between September and October 2022"."""
    shared = []
    for mention, following in zip(found, [*found[1:], None], strict=False):
        if (
            following is not None
            and mention.year is None
            and mention.month is not None
            and following.month is not None
            and _LINK.fullmatch(text, mention.end, following.start)
        ):
            mention = replace(mention, year=following.year)  # noqa: PLW2901
        shared.append(mention)
    return shared


def _read(match: re.Match[str], text: str) -> DateMention | None:
    def first(*names: str) -> str | None:
        return next((match[name] for name in names if match[name]), None)

    month_text = first("month1", "month2", "month5")
    if match["month3"]:
        month: int | None = int(match["month3"])
    else:
        month = _MONTHS[month_text.lower().rstrip(".")] if month_text else None
    year_text = first("year1", "year2", "year3", "year4", "year5", "year6", "year8", "decade")
    day_text = first("day1", "day2", "day3")
    weekday_text = first("weekday1", "weekday2", "weekday7")
    year = int(year_text) if year_text else None
    day = int(day_text) if day_text else None
    bare_month = match["month5"] and not match["year5"]
    if bare_month and match["month5"].lower() in _NOT_A_MONTH and not _month_context(match, text):
        return None
    year_end = None
    if match["to_year"]:
        tail = match["to_year"]
        year_end = int(tail) if len(tail) == 4 else int(str(year)[:2] + tail)
        if year is None or not year < year_end <= year + 30:
            year_end = None
    if match["decade"]:
        year_end = int(match["decade"]) + 9
    if match["year8"] and _is_counted(match, text):
        return None
    if month is not None and not 1 <= month <= 12:
        return None
    if day is not None:
        try:
            date(year or 2000, month or 1, day)
        except ValueError:
            return None
    return DateMention(
        year=year,
        month=month,
        day=day,
        weekday=_WEEKDAYS[weekday_text.lower()] if weekday_text else None,
        year_end=year_end,
        fiscal=bool(match["fiscal"]),
        start=match.start(),
        end=match.end(),
        text=match.group().strip(),
    )


def _is_counted(match: re.Match[str], text: str) -> bool:
    """Whether four figures are a number of things ("some 2000 soldiers", "1500 ships")."""
    if not re.match(r"\s+[a-z]+s\b", text[match.end() :]):
        return False
    before = text[max(0, match.start() - 24) : match.start()].lower()
    if re.search(
        r"\b(?:than|over|about|around|some|nearly|almost|least|all|roughly|only)\s+$", before
    ):
        return True
    placed = re.search(
        r"\b(?:in|since|of|the|during|until|from|by|for|year|late|early)\s+$", before
    )
    return int(match["year8"]) < 1900 and not placed


def _month_context(match: re.Match[str], text: str) -> bool:
    """Whether a bare "May" or "March" stands where a month would."""
    before = text[: match.start()].rstrip().lower()
    leading = r"\b(?:in|since|by|until|from|of|during|last|early|late|mid|next)$"
    return bool(re.search(leading, before))


def agree(claim: DateMention, other: DateMention) -> bool:
    """Whether nothing that both dates say differs, and ``other`` says something of the claim's."""
    return _said_by_both(claim, other) and not conflict(claim, other)


def conflict(claim: DateMention, other: DateMention) -> bool:
    """Whether the dates cannot be the same: something that both say differs."""
    if claim.year is not None and other.year is not None and not _years_overlap(claim, other):
        return True
    if claim.month is not None and other.month not in (None, claim.month):
        return True
    if claim.day is not None and other.day not in (None, claim.day):
        return True
    mine, theirs = claim.known_weekday, other.known_weekday
    said = claim.weekday is not None or other.weekday is not None
    return said and mine is not None and theirs not in (None, mine)


def _said_by_both(claim: DateMention, other: DateMention) -> bool:
    pairs = (
        (claim.year, other.year),
        (claim.month, other.month),
        (claim.day, other.day),
        (claim.known_weekday, other.known_weekday),
    )
    return any(mine is not None and theirs is not None for mine, theirs in pairs)


def states(claim: DateMention, other: DateMention) -> bool:
    """Whether ``other`` says all of the claim's date: they agree and ``other`` is as fine."""
    return agree(claim, other) and all(
        mine is None or theirs is not None
        for mine, theirs in (
            (claim.year, other.year),
            (claim.month, other.month),
            (claim.day, other.day),
        )
    )


def _years_overlap(a: DateMention, b: DateMention) -> bool:
    assert a.year is not None and b.year is not None  # noqa: S101  both checked by the caller
    return a.year <= (b.year_end or b.year) and b.year <= (a.year_end or a.year)
