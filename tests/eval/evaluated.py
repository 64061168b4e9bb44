"""What runs of an evaluation are tried on: claims, a model for them, and what a run left."""

from __future__ import annotations

import json
import time
from collections import Counter
from pathlib import Path
from typing import Any

from eval.endpoint.asked import Asked
from eval.endpoint.server import ScriptedEndpoint

PRICES = '{"gpt-4.1-mini": {"prompt": 1.0, "completion": 1.0}}'


class Model:
    """Says of every third claim that what it is shown first supports it."""

    def __init__(self, latency: float = 0.0) -> None:
        self.latency = latency
        self.asked: Counter[str] = Counter()

    def __call__(self, asked: Asked) -> dict[str, Any]:
        claim = asked.parts["claim"].strip()
        self.asked[claim] += 1
        time.sleep(self.latency)
        if int(claim.split()[4]) % 3 or not asked.passages:
            return {"evidence": [], "verdict": "not_enough_evidence", "findings": []}
        number = asked.passages[0][0]
        return {
            "evidence": [{"passage": number, "stance": "supports"}],
            "verdict": "supported",
            "findings": [],
        }


def write_claims(data: Path, count: int) -> None:
    rows = [
        {
            "id": str(number),
            "claim": f"The ministry opened school {number} over the Sea of Japan.",
            "verdict": "supported" if number % 2 else "not_enough_evidence",
            "as_of": "2025-12-31",
        }
        for number in range(count)
    ]
    lines = [json.dumps(row) for row in rows]
    lines.insert(3, '{"id": "broken"}')
    (data / "probes.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


def environment(endpoint: ScriptedEndpoint, **more: str) -> dict[str, str]:
    return {
        "OPENAI_BASE_URL": endpoint.url,
        "VERINOTE_LLM_CROSS_CHECK": "false",
        "VERINOTE_LLM_PRICES": PRICES,
        **more,
    }


def told(out: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((out / "run.json").read_text(encoding="utf-8"))
    return found


def lines(out: Path) -> int:
    file = out / "items.jsonl"
    return file.read_bytes().count(b"\n") if file.is_file() else 0
