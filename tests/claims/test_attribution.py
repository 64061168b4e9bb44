"""Who is said to have said it is checked apart from what was said."""

from __future__ import annotations

from dataclasses import replace

import pytest
from pieces import STAFF, S, piece

from service.claims.attribution import attribution_warning
from service.types import Attribution, Span


def said_by(speaker: str) -> Attribution:
    return Attribution(speaker, "said", Span(0, len(speaker), speaker))


def warning(speaker: str, *issuers: str | None) -> str | None:
    pieces = [
        replace(piece(S, f"S{number}", issuer=issuer), decides=True)
        for number, issuer in enumerate(issuers)
    ]
    return attribution_warning(said_by(speaker), pieces)


@pytest.mark.parametrize(
    ("speaker", "issuer"),
    [
        ("the Joint Staff", STAFF),
        ("Japan's Ministry of Defense", STAFF),
        (
            "Chief Cabinet Secretary Minoru Kihara",
            "Chief Cabinet Secretary of Japan (Minoru Kihara)",
        ),
        ("Kihara", "Chief Cabinet Secretary of Japan (Minoru Kihara)"),
        ("the WHO", "World Health Organization"),
        ("NASA", "National Aeronautics and Space Administration"),
        ("Tokyo", "Cabinet of Japan"),
        ("the Japanese government", "Cabinet of Japan"),
    ],
)
def test_the_one_who_is_named_spoke(speaker, issuer) -> None:
    assert warning(speaker, issuer) is None


@pytest.mark.parametrize(
    ("speaker", "issuer"),
    [
        ("The United Nations Security Council (UNSC)", STAFF),
        ("Japanese Prime Minister Sanae Takaichi", STAFF),
        ("the Joint Chiefs of Staff of Japan", STAFF),
        ("the Bank of England", "Bank of Japan"),
        ("China", "Cabinet of Japan"),
        ("insiders", STAFF),
        ("", STAFF),
        ("the Joint Staff", None),
    ],
)
def test_somebody_else_spoke(speaker, issuer) -> None:
    told = warning(speaker, issuer)
    assert told is not None
    assert speaker in told
    assert (issuer or "no issuer") in told


def test_one_of_several_deciding_statements_is_enough() -> None:
    assert warning("the Joint Staff", "European Commission", STAFF) is None


def test_where_nothing_decides_nothing_shows_who_said_it() -> None:
    told = attribution_warning(said_by("insiders"), [piece(S)])
    assert told == "Nothing stored shows that insiders said this (said)."


def test_what_nobody_is_said_to_have_said_needs_no_check() -> None:
    assert attribution_warning(None, [replace(piece(S), decides=True)]) is None
