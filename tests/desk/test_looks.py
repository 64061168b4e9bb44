"""Every page, light and dark, on a desk and on a phone: nothing that axe finds, and nothing that
is cut off."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from conftest import Visits
from desks import Served

WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
CLAIMS = [
    "Two U.S. B-52 bombers took part in the exercise over the Sea of Japan on 10 December 2025.",
    "Four U.S. B-52 bombers took part in the exercise over the Sea of Japan on 10 December 2025.",
    "The exercise of 10 December 2025 was conducted ahead of schedule.",
]


@pytest.fixture(scope="module")
def addresses(desk: Served) -> list[str]:
    """Every page that there is, with something on it."""
    id_ = desk.submit(claims=CLAIMS, title="Bombers over the sea")
    with desk.client() as client:
        shown = client.get(f"/v1/submissions/{id_}").json()
        notes = [one["note_id"] for one in shown["claims"]]
        for decision in ("approve", "publish"):
            body = {"revision": 1, "decision": decision, "comment": "clear"}
            assert client.post(f"/v1/notes/{notes[0]}/decisions", json=body).status_code == 201
        asked = client.post(
            f"/v1/notes/{notes[1]}/opinions", json={"revision": 1, "question": "Is it so?"}
        )
        assert asked.status_code == 201, asked.text
        said = client.post(f"/v1/notes/{notes[1]}/comments", json={"text": "Look twice."})
        assert said.status_code == 201, said.text
    rows = [{"id": str(n), "claim": text, "verdict": "refuted"} for n, text in enumerate(CLAIMS)]
    before, after = (desk.evaluate(claims=rows, limit=limit)["id"] for limit in (2, 3))
    return [
        "/evaluations",
        f"/evaluations/{after}",
        f"/evaluations/comparison?before={before}&after={after}",
        "/queue",
        "/queue?state=all&verdict=refuted",
        "/submissions",
        "/submissions/new",
        f"/submissions/{id_}",
        *(f"/notes/{note}" for note in notes),
        f"/notes/{notes[1]}/edit",
        "/statements",
        "/statements?q=bombers",
        "/statements/S01?start=20&end=90",
        "/statements/S01/differences?old=1&new=1",
        "/statements/new",
        "/published",
        f"/published/{notes[0]}",
        "/people",
        "/audit",
        "/nothing",
    ]


@pytest.mark.parametrize(("width", "scheme"), [(360, "dark"), (1440, "light")])
def test_everybody_can_use_every_page(
    desk: Served, visit: Visits, addresses: list[str], width: int, scheme: str
) -> None:
    me = visit("admin", width=width, color_scheme=scheme, reduced_motion="reduce")
    found = {}
    for address in addresses:
        page = me.go(address)
        page.evaluate("document.querySelectorAll('details').forEach((one) => one.open = true)")
        told = Axe().run(page, options={"runOnly": WCAG})
        assert told.response["passes"], address
        for one in told.response["violations"]:
            found[address, one["id"]] = [node["html"][:200] for node in one["nodes"][:3]]
        wide = page.evaluate("document.documentElement.scrollWidth")
        if wide > width:
            found[address, "wide"] = wide
    assert found == {}


def test_the_way_in_can_be_used_by_everybody(desk: Served, visit: Visits) -> None:
    page = visit().page
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/sign-in")
    told = Axe().run(page, options={"runOnly": WCAG})
    assert told.response["violations"] == []


def test_one_long_word_cuts_nothing_off(desk: Served, visit: Visits) -> None:
    long = "W" * 300
    claims = [f"Two U.S. B-52 bombers took part in the exercise at {long}."]
    id_ = desk.submit(claims=claims, title=long, source_url=f"https://example.org/{long}")
    with desk.client() as client:
        (claim,) = client.get(f"/v1/submissions/{id_}").json()["claims"]
        note = claim["note_id"]
        assert client.post(f"/v1/notes/{note}/comments", json={"text": long}).status_code == 201
        for decision in ("approve", "publish", "retract"):
            body = {"revision": 1, "decision": decision, "reason": long, "comment": long}
            assert client.post(f"/v1/notes/{note}/decisions", json=body).status_code == 201
    row = {"id": long[:200], "claim": claims[0], "verdict": "refuted", "type": long[:200]}
    before, after = (desk.evaluate(claims=[row])["id"] for _ in range(2))
    for width in (360, 1280):
        me = visit("admin", width=width)
        for address in ("/queue?state=all", "/submissions", f"/submissions/{id_}",
                        f"/notes/{note}", f"/notes/{note}/edit", f"/statements?q={long}",
                        "/published", f"/published/{note}", "/audit", f"/evaluations/{after}",
                        f"/evaluations/comparison?before={before}&after={after}"):  # fmt: skip
            wide = me.go(address).evaluate("document.documentElement.scrollWidth")
            assert wide <= width, (address, wide)
