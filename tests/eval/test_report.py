"""The report says what the run says, in one file that asks for nothing else."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lxml import html
from playwright.sync_api import Browser, Page, sync_playwright

from eval.report.page import write
from eval.report.plots import risk_coverage
from eval.run_folder import RunFolder
from eval.tasks.task import Answer, Question

HOSTILE = "<script>document.title = 'taken'</script><img src=x onerror=alert(1)>"
SAID = ("supported", "refuted", "not_enough_evidence")


def row(place: int, gold: str, said: str, confidence: float) -> dict[str, Any]:
    piece = {
        "issuer": "Ministry of Works",
        "title": HOSTILE,
        "published": "2025-01-01",
        "text": f"Passage of row {place}. {HOSTILE}",
        "stance": "supports",
        "decides": True,
    }
    return {
        "place": place,
        "id": f"c{place}",
        "group": f"c{place}",
        "kind": "",
        "claim": f"Claim {place}. {HOSTILE}",
        "gold_verdict": gold,
        "gold_statements": [],
        "verdict": said,
        "confidence": confidence,
        "deciding": [],
        "shown": [],
        "findings": [f"Finding of row {place}. {HOSTILE}"],
        "mismatches": [],
        "evidence": [piece],
        "error": None,
        "seconds": 1.0 + place,
        "usage": {"calls": 1, "prompt_tokens": 90, "completion_tokens": 10, "cost": 0.5},
    }


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    """Thirty wrong answers of ninety; the surest mistake is the last row's."""
    folder = RunFolder(tmp_path)
    rows = [row(n, SAID[n % 3], SAID[n % 2 if n < 60 else n % 3], 0.5) for n in range(89)]
    rows.append(row(89, "supported", "refuted", 0.99))
    folder.items_file.write_text("".join(json.dumps(one) + "\n" for one in rows))
    folder.tell(
        {
            "dataset": "probes",
            "file": f"{HOSTILE}.csv",
            "engine": "openai",
            "model": "scripted",
            "state": "stopped",
            "reason": "the limit in cost, 1, is reached",
            "started": "2026-01-02T03:04:05+00:00",
            "concurrency": 2,
            "bad_rows": ["line 7: field 'claim' is missing"],
        }
    )
    return folder


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        program = shutil.which("chromium")
        opened = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield opened
        opened.close()


def opened(browser: Browser, run: RunFolder, **options: Any) -> tuple[Page, list[str]]:
    """The report from disk, and everything that the browser complains of or asks for."""
    page = browser.new_page(**options)
    seen: list[str] = []
    page.on("console", lambda message: seen.append(message.text))
    page.on("pageerror", lambda error: seen.append(str(error)))
    page.on("request", lambda asked: seen.append(asked.url))
    page.goto(write(run).as_uri())
    assert seen.pop(0).startswith("file:")
    return page, seen


def test_it_asks_for_nothing_and_lets_nothing_in(run: RunFolder) -> None:
    text = write(run).read_text(encoding="utf-8")
    found = html.fromstring(text)
    assert not found.xpath("//script | //link | //img | //iframe | //@onerror | //@style")
    assert not re.search(r"(src|href|url\()\s*=?\s*[\"']?\s*(https?:)?//", text)
    (policy,) = found.xpath("//meta[@http-equiv='Content-Security-Policy']/@content")
    (style,) = found.xpath("//style")
    digest = base64.b64encode(hashlib.sha256(style.text.encode()).digest()).decode()
    assert policy.startswith(f"default-src 'none'; style-src 'sha256-{digest}'")


def test_it_shows_figures_what_it_took_and_that_it_is_not_finished(run: RunFolder) -> None:
    text = html.fromstring(write(run).read_text(encoding="utf-8")).text_content()
    assert "the limit in cost, 1, is reached" in text
    assert "90 calls, 9,000 tokens; cost 45.0000 (0.50000 a row)" in text
    assert "p50 45.50, p95 85.55, longest 90.00" in text
    assert "line 7: field 'claim' is missing" in text
    assert re.search(r"accuracy\s*90\s*0\.\d{3} \(0\.\d{3} to 0\.\d{3}\)\s*majority 0\.\d{3}", text)


def test_the_twenty_worst_errors_stand_with_claim_evidence_and_note(run: RunFolder) -> None:
    found = html.fromstring(write(run).read_text(encoding="utf-8"))
    errors = found.find_class("error")
    assert len(errors) == 20
    first = errors[0].text_content()
    assert "c89: refuted (0.99); people say supported" in first
    for part in ("Claim 89.", "Passage of row 89.", "Finding of row 89."):
        assert part in first


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_chromium_opens_it_from_disk_without_a_complaint(
    browser: Browser, run: RunFolder, scheme: str
) -> None:
    page, seen = opened(browser, run, color_scheme=scheme)
    assert page.title() == f"{HOSTILE}.csv · openai · Verinote evaluation"
    assert seen == []
    shade = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert shade == {"light": "rgb(251, 250, 248)", "dark": "rgb(21, 23, 26)"}[scheme]
    assert page.locator("svg .curve").count() == 2


def test_the_errors_are_filtered_without_a_script(browser: Browser, run: RunFolder) -> None:
    page, _ = opened(browser, run, java_script_enabled=False)
    errors = page.locator(".error:visible")
    assert errors.count() == 20
    page.get_by_role("group", name="Verinote says").get_by_label("refuted").check()
    said = errors.locator(".said").all_text_contents()
    assert 0 < len(said) < 20
    assert set(said) == {"refuted"}


def test_a_run_without_an_error_says_so(run: RunFolder) -> None:
    run.items_file.write_text(json.dumps(row(0, "supported", "supported", 0.9)) + "\n")
    assert "No answer is wrong." in write(run).read_text(encoding="utf-8")


def test_a_run_that_was_killed_at_once_has_a_report(run: RunFolder) -> None:
    run.items_file.unlink()
    assert "No row was answered." in write(run).read_text(encoding="utf-8")


def test_risk_is_told_for_every_coverage_that_can_be_chosen() -> None:
    said = [("yes", 0.9), ("no", 0.8), ("yes", 0.8), ("none", 0.99), ("yes", 0.5)]
    answers = tuple(
        Answer(str(n), str(n), "yes", one, confidence, {})
        for n, (one, confidence) in enumerate(said)
    )
    points = risk_coverage(Question(("yes", "no"), answers, "none"))
    assert [(point.x, point.y) for point in points] == [(0.2, 0), (0.6, 1 / 3), (0.8, 1 / 4)]
