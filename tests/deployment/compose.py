"""What `docker compose` would make of docker-compose.yml, as far as that file needs it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
FILE = ROOT / "docker-compose.yml"
EXAMPLE = ROOT / ".env.example"

_VARIABLE = re.compile(
    r"\$(?:(?P<dollar>\$)|\{(?P<name>\w+)(?P<how>:-|:\?)?(?P<more>[^}$]*)\}|(?P<wrong>))"
)


class UnsetError(Exception):
    """A variable that has to be set is not, or is empty."""


def written() -> dict[str, Any]:
    """The file as it stands there, anchors followed."""
    loaded: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return loaded


def resolved(variables: Mapping[str, str], *profiles: str) -> dict[str, Any]:
    """The file with variables put in, and the services that would run under the profiles.

    Raises:
        UnsetError: a variable without which nothing starts.
    """
    file: dict[str, Any] = _filled(written(), variables)
    services = file["services"]
    file["services"] = {
        name: service
        for name, service in services.items()
        if not service.get("profiles") or set(service["profiles"]) & set(profiles)
    }
    for service in services.values():
        given = service.get("environment", {})
        passed = {
            name: variables.get(name) if value is None else value for name, value in given.items()
        }
        service["environment"] = {
            name: value for name, value in passed.items() if value is not None
        }
    return file


def _filled(node: Any, variables: Mapping[str, str]) -> Any:
    if isinstance(node, dict):
        return {key: _filled(value, variables) for key, value in node.items()}
    if isinstance(node, list):
        return [_filled(value, variables) for value in node]
    if not isinstance(node, str):
        return node

    def value(found: re.Match[str]) -> str:
        if found["dollar"]:
            return "$"
        if found["wrong"] is not None or found["how"] is None:
            raise AssertionError(f"{node}: write $$, ${{NAME:-default}} or ${{NAME:?message}}")
        given = variables.get(found["name"])
        if not given and found["how"] == ":?":
            raise UnsetError(f"{found['name']}: {found['more']}")
        return given or found["more"]

    return _VARIABLE.sub(value, node)


def asked_for() -> set[str]:
    """Every variable that the file takes from outside."""
    file = written()
    names = {found["name"] for found in _VARIABLE.finditer(str(file)) if found["name"]}
    for service in file["services"].values():
        names |= {name for name, value in service.get("environment", {}).items() if value is None}
    names |= {secret["environment"] for secret in file.get("secrets", {}).values()}
    return names


def examples() -> dict[str, tuple[str, bool]]:
    """Every variable of .env.example: its value, and whether it is set and not only shown."""
    lines = re.findall(r"^(#?)([A-Z_]+)=(.*)$", EXAMPLE.read_text(encoding="utf-8"), re.MULTILINE)
    return {name: (value, not shown) for shown, name, value in lines}


def makers() -> dict[str, str]:
    """The command that .env.example names for each secret."""
    found = re.findall(r"^# make: (.+)\n([A-Z_]+)=$", EXAMPLE.read_text("utf-8"), re.MULTILINE)
    return {name: command for command, name in found}
