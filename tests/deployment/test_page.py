"""docs/operations.md speaks of what is there."""

from __future__ import annotations

import re

from compose import ROOT, resolved
from typer.main import get_command

from service.cli import app
from service.settings import Settings

PAGE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
SECRETS = dict.fromkeys(
    ("POSTGRES_PASSWORD", "VERINOTE_SECRET", "VERINOTE_ADMIN_KEY", "VERINOTE_METRICS_TOKEN"), "x"
)


def test_the_page_names_every_service_and_every_volume() -> None:
    file = resolved(SECRETS, "model", "metrics")
    rows = set(re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE))
    assert rows == set(file["services"])
    assert set(re.findall(r"volume `(\w+)`", PAGE)) == set(file["volumes"])


def test_every_command_of_the_page_is_one() -> None:
    known = set(get_command(app).commands)
    told = set(re.findall(r"`verinote (\w+)|worker (corpus|backup|restore)", PAGE))
    assert {one or other for one, other in told} <= known


def test_every_setting_of_the_page_is_one() -> None:
    known = {f"VERINOTE_{name.upper()}" for name in Settings.model_fields}
    assert set(re.findall(r"\bVERINOTE_[A-Z_]*[A-Z](?![A-Z_])", PAGE)) <= known


def test_every_link_of_the_page_leads_to_a_file() -> None:
    links = re.findall(r"\]\(([^)#]+)", PAGE)
    assert [link for link in links if not (ROOT / "docs" / link).exists()] == []
