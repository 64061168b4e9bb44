"""Model designations: F-35A, B-52H, Tu-95, A321. A letter after the number is a variant."""

from __future__ import annotations

import re
from dataclasses import dataclass

_PATTERN = re.compile(
    r"(?<![\w-])(?P<prefix>[A-Z][A-Za-z]{0,3})-(?P<number>\d{1,4})(?P<variant>[A-Z]{0,3}(?:/[A-Z])?)"
    r"(?P<plural>s?)(?![\w]|-\d)"
    r"|(?<![\w-])(?P<prefix2>[A-Z]{1,3})(?P<number2>\d{2,4})(?P<variant2>[A-Z]{0,2})(?P<plural2>s?)(?![\w-])"
)
_NOT_MODELS = {"FY", "CY", "COVID", "UTC", "GMT"}
_NOT_MODELS_UNHYPHENATED = {"Q", "H", "G", "COP", "EUR", "USD", "GBP", "JPY", "CHF", "CNY", "INR"}


@dataclass(frozen=True, slots=True)
class Designation:
    """A named model: ``prefix`` and ``number`` make the family, ``variant`` is finer."""

    prefix: str
    number: str
    variant: str
    start: int
    end: int
    text: str

    @property
    def family(self) -> str:
        """The model without its variant, such as ``f-35``."""
        return f"{self.prefix}-{self.number}".lower()

    def conflicts(self, other: Designation) -> bool:
        """Whether both name variants of one family, and different ones."""
        return (
            self.family == other.family
            and bool(self.variant and other.variant)
            and self.variant != other.variant
        )

    def covers(self, other: Designation) -> bool:
        """Whether both can be the same model: a missing variant is only less fine."""
        return self.family == other.family and not self.conflicts(other)


def designations_in(text: str) -> list[Designation]:
    """Return the model designations of a text in order."""
    found = []
    for match in _PATTERN.finditer(text):
        prefix = match["prefix"] or match["prefix2"]
        if prefix in _NOT_MODELS or match["prefix2"] in _NOT_MODELS_UNHYPHENATED:
            continue
        found.append(
            Designation(
                prefix=prefix,
                number=match["number"] or match["number2"],
                variant=match["variant"] or match["variant2"] or "",
                start=match.start(),
                end=match.end(),
                text=match.group().removesuffix("s")
                if (match["plural"] or match["plural2"])
                else match.group(),
            )
        )
    return found
