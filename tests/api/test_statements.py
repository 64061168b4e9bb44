"""The reference corpus over HTTP: its list in pages."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from asking import body_of, problem
from desks import Served, database_of, served, settings_for
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

# The service runs beside in this process, and may well use ``random`` while strategies draw.
pytestmark = pytest.mark.filterwarnings("ignore:Do not use the `random` module")

KINDS = ["original", "translation", "digest"]
GIVEN = [
    {
        "id": f"P{number:02}",
        "text": f"The board met for the {number}th time, and it decided nothing at all.",
        "issuer": f"Board_{number % 3} 100%",
        "title": f"Meeting {number} of the Board",
        "published": f"2025-0{1 + number % 3}-1{number % 10}" if number % 4 else None,
        "kind": KINDS[number % 3],
    }
    for number in range(24)
]
WITHDRAWN = {"P03", "P08"}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def desk(request, tmp_path_factory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("desk")
    (folder / "none").mkdir()
    with (
        database_of(request.param, request) as changed,
        served(settings_for(folder, requests_per_minute=0, **changed), folder / "none") as opened,
    ):
        with opened.client("reviewer") as client:
            for start in (0, 12):
                body = {"statements": GIVEN[start : start + 12]}
                body_of(client.post("/v1/statements", json=body), 201)
            for id_ in WITHDRAWN:
                body_of(client.delete(f"/v1/statements/{id_}"), 200)
        yield opened


@pytest.fixture(scope="module")
def asking(desk: Served) -> Iterator[httpx.Client]:
    with desk.client("submitter") as client:
        yield client


def pages(asking: httpx.Client, limit: int, **filters: object) -> list[list[str]]:
    """The ids of every page, to the end."""
    found: list[list[str]] = []
    params = {"limit": limit, **filters}
    while True:
        page = body_of(asking.get("/v1/statements", params=params), 200)
        found.append([one["statement_id"] for one in page["items"]])
        if page["next"] is None:
            return found
        params["cursor"] = page["next"]


def ids(asking: httpx.Client, **filters: object) -> list[str]:
    return [id_ for page in pages(asking, 200, **filters) for id_ in page]


@given(limit=st.integers(1, 30))
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_pages_of_any_length_hold_every_statement_once_by_id(
    asking: httpx.Client, limit: int
) -> None:
    found = pages(asking, limit)
    assert [id_ for page in found for id_ in page] == [one["id"] for one in GIVEN]
    assert {len(page) for page in found[:-1]} <= {limit}


def test_the_newest_version_is_listed_with_what_is_known_of_it(asking: httpx.Client) -> None:
    first, *_ = body_of(asking.get("/v1/statements", params={"limit": 1}), 200)["items"]
    assert (first["version"], first["current"]) == (1, True)
    assert (first["issuer"], first["title"]) == ("Board_0 100%", "Meeting 0 of the Board")


@given(
    issuer=st.none() | st.sampled_from(["board_1", "BOARD", "_1", "%", "100%", "1 1", "no such"]),
    kind=st.none() | st.sampled_from(KINDS),
    title=st.none() | st.sampled_from(["meeting 1", "OF THE", "_", "Meeting 2 of"]),
    since=st.none() | st.sampled_from(["2025-01-13", "2025-02-11", "2025-03-19", "9999-12-31"]),
    until=st.none() | st.sampled_from(["2025-01-13", "2025-02-11", "2025-03-19", "0001-01-01"]),
    withdrawn=st.none() | st.booleans(),
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_filters_leave_exactly_what_they_say(
    asking: httpx.Client, issuer, kind, title, since, until, withdrawn
) -> None:
    def wanted(one: dict) -> bool:
        day = one["published"]
        return (
            (issuer is None or issuer.lower() in one["issuer"].lower())
            and (kind is None or one["kind"] == kind)
            and (title is None or title.lower() in one["title"].lower())
            and (since is None or (day is not None and day >= since))
            and (until is None or (day is not None and day <= until))
            and (withdrawn is None or (one["id"] in WITHDRAWN) == withdrawn)
        )

    filters = {
        "issuer": issuer,
        "kind": kind,
        "title": title,
        "since": since,
        "until": until,
        "withdrawn": withdrawn,
    }
    asked = {name: value for name, value in filters.items() if value is not None}
    assert ids(asking, **asked) == [one["id"] for one in GIVEN if wanted(one)]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("kind", "speech"),
        ("since", "yesterday"),
        ("until", "1733961600"),
        ("withdrawn", "1"),
        ("withdrawn", "TRUE"),
        ("issuer", ""),
        ("title", "a\x00b"),
        ("cursor", "bm8"),
        ("limit", "0"),
    ],
)
def test_what_is_no_filter_is_refused_by_name(asking: httpx.Client, name: str, value: str) -> None:
    answer = asking.get("/v1/statements", params={name: value})
    assert problem(answer, 422) == "invalid-request"
    assert name in answer.json()["detail"]
