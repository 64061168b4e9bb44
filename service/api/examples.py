"""Examples in the OpenAPI document: what the service was sent, and answered, in one small story.

``tests/api/story.py`` plays it over the seeds and writes it down (``make examples``), so that ids,
quotes and verdicts agree from route to route and nothing is shown that the service would not say.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import FastAPI

RECORDED = Path(__file__).with_name("examples.json")
"""By route: what was sent (``request``) and answered (a status), by media type and name."""


def document(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document of an app, with its examples."""
    made = FastAPI.openapi(app)
    for route, told in _recorded().items():
        method, path = route.split()
        operation = made["paths"][path][method.lower()]
        for part, examples in told.items():
            shown = operation["requestBody"] if part == "request" else operation["responses"][part]
            for media_type, named in examples.items():
                values = {name: {"value": value} for name, value in named.items()}
                shown["content"][media_type].setdefault("examples", {}).update(values)
    return made


@cache
def _recorded() -> dict[str, dict[str, dict[str, dict[str, Any]]]]:
    found: dict[str, Any] = json.loads(RECORDED.read_text(encoding="utf-8"))
    return found
