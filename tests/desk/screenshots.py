"""``make screenshots``: every page of the desk, light and dark, on a desk and on a phone.

Pictures go to the folder given (by default var/screenshots). They are there to be looked at.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

import httpx
from desks import Served, served, settings_for
from playwright.sync_api import Browser, sync_playwright

SEEDS = Path(__file__).parents[2] / "seeds"
WIDTHS = (1440, 360)
SCHEMES = ("light", "dark")


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as data, sync_playwright() as playwright:
        settings = settings_for(Path(data), requests_per_minute=0)
        with served(settings, SEEDS / "statements") as desk:
            pages = _pages(desk)
            browser = playwright.chromium.launch(
                executable_path=shutil.which("chromium"), args=["--no-sandbox"]
            )
            for width in WIDTHS:
                for scheme in SCHEMES:
                    _take(browser, desk, pages, width, scheme, folder)
            browser.close()


def _pages(desk: Served) -> dict[str, str]:
    article = SEEDS / "articles" / "japan-us-air-exercise.md"
    body = article.read_text(encoding="utf-8").partition("---\n")[2].partition("---\n")[2]
    title = "Japan and the United States hold an air exercise over the Sea of Japan"
    id_ = desk.submit(text=body, title=title)
    with desk.client("reviewer") as client:
        claims = client.get(f"/v1/submissions/{id_}").json()["claims"]
        first = {one["verdict"]: one["note_id"] for one in reversed(claims)}
        for decision in ("approve", "publish"):
            told = {"decision": decision, "revision": 1}
            _sent(client, f"/v1/notes/{first['supported']}/decisions", told)
        _sent(
            client,
            f"/v1/notes/{first['supported']}/decisions",
            {"decision": "correct", "revision": 1, "verdict": "conflicting",
             "reason": "A second account of the same body differs."},
        )  # fmt: skip
        _sent(client, f"/v1/notes/{first['refuted']}/comments", {"text": "The model is decisive."})
    before, after = (desk.evaluate(dataset="seeds", limit=limit)["id"] for limit in (12, 15))
    return {
        "evaluations": "/evaluations",
        "evaluation": f"/evaluations/{after}",
        "report": f"/evaluations/{after}/report",
        "comparison": f"/evaluations/comparison?before={before}&after={after}",
        "queue": "/queue",
        "submissions": "/submissions",
        "submission": f"/submissions/{id_}",
        "new-submission": "/submissions/new",
        "note": f"/notes/{first['refuted']}",
        "note-undecided": f"/notes/{first['not_enough_evidence']}",
        "note-corrected": f"/notes/{first['supported']}",
        "edit": f"/notes/{first['refuted']}/edit",
        "statements": "/statements",
        "search": "/statements?q=B-52+bombers",
        "statement": "/statements/S01?start=105&end=262",
        "new-statement": "/statements/new",
        "people": "/people",
        "audit": "/audit",
        "published": f"/published/{first['supported']}",
        "published-list": "/published",
        "problem": "/nothing",
    }


def _sent(client: httpx.Client, path: str, body: dict[str, object]) -> None:
    client.post(path, json=body).raise_for_status()


def _take(
    browser: Browser, desk: Served, pages: dict[str, str], width: int, scheme: str, folder: Path
) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page = context.new_page()
    page.goto(f"{desk.url}/sign-in")
    page.screenshot(path=folder / f"sign-in-{width}-{scheme}.png")
    page.get_by_label("Your key").fill(desk.keys["admin"])
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/queue")
    for name, address in pages.items():
        page.goto(desk.url + address)
        page.screenshot(path=folder / f"{name}-{width}-{scheme}.png", full_page=width < 500)
    context.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path("var/screenshots"))
