"""A desk with the seeds' statements, served on this machine, and Chromium to look at it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from desks import Served, served, settings_for
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

SEEDS = Path(__file__).parents[2] / "seeds"


@pytest.fixture(scope="module")
def desk(tmp_path_factory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("desk")
    settings = settings_for(folder, requests_per_minute=0)
    with served(settings, SEEDS / "statements") as opened:
        yield opened


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = shutil.which("chromium")
    if program is None:
        pytest.fail("Chromium is not installed: run .ci/programs, as make test does")
    with sync_playwright() as playwright:
        # A container's root may not make the namespaces of Chromium's sandbox.
        opened = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield opened
        opened.close()


class Visit:
    """Somebody's browser, signed in, and what went wrong in it."""

    def __init__(self, desk: Served, context: BrowserContext, who: str) -> None:
        self.desk = desk
        self.context = context
        self.page: Page = context.new_page()
        self.ran: list[str] = []
        self.page.on("dialog", self._dialog)
        self.page.on("pageerror", lambda error: self.ran.append(str(error)))
        self.page.on("console", self._console)
        self.go("/sign-in")
        self.page.get_by_label("Your key").fill(desk.keys[who])
        self.page.get_by_role("button", name="Sign in").click()
        self.page.wait_for_url("**/queue")

    def go(self, address: str) -> Page:
        """Open a page of the desk."""
        self.page.goto(self.desk.url + address)
        return self.page

    def _dialog(self, dialog) -> None:
        self.ran.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _console(self, message) -> None:
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.ran.append(f"console: {message.text}")


class Visits:
    """Opens browsers for people, and sees in the end that nothing ran that should not."""

    def __init__(self, desk: Served, browser: Browser) -> None:
        self._desk = desk
        self._browser = browser
        self._opened: list[Visit] = []

    def __call__(self, who: str = "reviewer", width: int = 1280, **given) -> Visit:
        context = self._browser.new_context(viewport={"width": width, "height": 900}, **given)
        self._opened.append(Visit(self._desk, context, who))
        return self._opened[-1]

    def close(self) -> list[str]:
        for visit in self._opened:
            visit.context.close()
        return [what for visit in self._opened for what in visit.ran]


@pytest.fixture
def visit(desk: Served, browser: Browser) -> Iterator[Visits]:
    opened = Visits(desk, browser)
    yield opened
    assert opened.close() == []
