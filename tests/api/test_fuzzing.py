"""What the OpenAPI document says is what the service does: requests of every shape, every role.

Schemathesis makes them up from the document that the running service shows, right and wrong ones,
follows ids from answer to answer, and holds every answer against the document, by all its checks.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from desks import Served, served, settings_for
from pydantic import SecretStr
from schemathesis import engine
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events
from tiny_corpus import BOMBERS, LOAN, STATEMENTS

# The service runs beside in this process, and may well use ``random`` while strategies draw.
pytestmark = pytest.mark.filterwarnings("ignore:Do not use the `random` module")

SEED = 20251212
MANY = 100
EVERYTHING = {"examples", "coverage", "fuzzing", "stateful"}
WHO = ["admin", "reviewer", "submitter", None]
RESULT = Path(__file__).parents[2] / "docs" / "soak" / "fuzzing.json"

THERE = {200, 201, 202, 204, 409, 412, 428}
"""Answers that only what is there is answered with."""
TAKEN = ["2xx", "3xx", "401", "403", "404", "409", "429"]
"""How requests that the document allows may be answered, whatever they are."""

REFUSED = ["400", "401", "403", "404", "405", "406", "409", "415", "422", "428", "429"]
"""How requests that the document does not allow may be answered."""

BY_NATURE: dict[str, list[str]] = {
    # Whether a text is English, and whether an address can be reached, no schema can say.
    "POST /v1/submissions": ["422"],
    # A cursor is a page's `next`: what it holds is nobody else's business.
    "GET /v1/submissions": ["422"],
    "GET /v1/claims": ["422"],
    "GET /v1/notes": ["422"],
    "GET /v1/statements": ["422"],
    "GET /v1/statements/uploads": ["422"],
    "GET /v1/statements/uploads/{upload_id}": ["422"],
    "GET /v1/audit": ["422"],
    "GET /v1/evaluations": ["422"],
    # Whether a dataset is there, two are the same, and a price is known, hangs on the service.
    "POST /v1/evaluations": ["422"],
    "POST /v1/evaluations/{evaluation_id}/resume": ["422"],
    "GET /v1/evaluations/{evaluation_id}/comparison": ["422"],
    # The citation gate compares with stored texts; If-Match is held against the newest revision,
    # and its absence has an answer of its own (RFC 6585).
    "PATCH /v1/notes/{note_id}": ["412", "422", "428"],
    "GET /v1/notes/{note_id}/comments": ["422"],
    # Who may review, the register says.
    "PUT /v1/notes/{note_id}/assignment": ["422"],
    # Who agrees has the note's verdict.
    "POST /v1/notes/{note_id}/opinions": ["422"],
    # Whether a verdict is another than the note's, so that it needs a reason, hangs on the note.
    "POST /v1/notes/{note_id}/decisions": ["422"],
}
"""What else requests may be answered that the document allows, and why it cannot say so."""


@dataclass
class Fuzzed:
    """What came of asking."""

    requests: int = 0
    answers: dict[str, set[int]] = field(default_factory=dict)
    failures: dict[tuple[str, str], str] = field(default_factory=dict)


@pytest.fixture(scope="module")
def desk(tmp_path_factory) -> Iterator[Served]:
    changed = {"requests_per_minute": 0, "metrics_token": SecretStr("scrape")}
    with served(settings_for(tmp_path_factory.mktemp("desk"), **changed)) as opened:
        yield opened


def fuzzed(desk: Served, who: str | None, examples: int, phases: set[str]) -> Fuzzed:
    """Ask the desk everything, as somebody."""
    schema = schemathesis.openapi.from_url(
        f"{desk.url}/openapi.json", config=_config(desk, who, examples, phases)
    )
    found = Fuzzed()
    for event in engine.from_schema(schema).execute():
        if isinstance(event, events.ScenarioFinished):
            _count(found, event)
        elif isinstance(event, events.NonFatalError | events.FatalError):
            found.failures["", type(event).__name__] = str(vars(event) or event)
    return found


def _count(found: Fuzzed, event: events.ScenarioFinished) -> None:
    recorder = event.recorder
    for id_, interaction in recorder.interactions.items():
        found.requests += 1
        label = recorder.cases[id_].value.operation.label
        answers = found.answers.setdefault(label, set())
        if interaction.response is not None:
            answers.add(interaction.response.status_code)
    for id_, checks in recorder.checks.items():
        for check in checks:
            if check.failure_info is not None:
                label = recorder.cases[id_].value.operation.label
                told = f"{check.failure_info.failure.message}\n{check.failure_info.code_sample}"
                found.failures.setdefault((label, check.name), told)


def _config(desk: Served, who: str | None, examples: int, phases: set[str]) -> SchemathesisConfig:
    known = _known(desk)
    config: dict[str, Any] = {
        "seed": SEED,
        "base-url": desk.url,
        "continue-on-failure": True,
        "generation": {"max-examples": examples, "database": "none"},
        "phases": {
            phase: {"enabled": phase in phases}
            for phase in ("examples", "coverage", "fuzzing", "stateful")
        },
        "checks": {"positive_data_acceptance": {"expected-statuses": TAKEN}},
        "operations": [
            {
                "include-name": name,
                "checks": {"positive_data_acceptance": {"expected-statuses": [*TAKEN, *more]}},
            }
            for name, more in BY_NATURE.items()
        ]
        + [
            # A file may hold any bytes, JSON too, whatever the schema of a part says of its type.
            {
                "include-name": "POST /v1/statements/files",
                "checks": {
                    "negative_data_rejection": {"expected-statuses": [*REFUSED, "201", "202"]}
                },
            },
            # Other methods take the address for that of something whose id is malformed.
            *(
                {"include-name": name, "checks": {"unsupported_method": {"enabled": False}}}
                for name in ("POST /v1/notes/bulk", "GET /v1/evaluations/datasets")
            ),
            # What failed to be added has no id, and the link that is made up follows the null; and
            # what is withdrawn is still shown, since notes cite it.
            {
                "include-path-regex": r"^/v1/statements/\{statement_id\}",
                "checks": {
                    "ensure_resource_availability": {"enabled": False},
                    "use_after_free": {"enabled": False},
                },
            },
        ],
        "dictionaries": {name: {"values": values} for name, values in known.items()},
        "parameters": {
            **{f"path.{name}": {"dictionary": name, "probability": 0.5} for name in known},
            "query.before": {"dictionary": "evaluation_id", "probability": 0.9},
        },
    }
    if who is not None:
        figures = {"Authorization": "Bearer scrape"}
        config["operations"].append({"include-name": "GET /metrics", "headers": figures})
        config["headers"] = {"Authorization": f"Bearer {desk.keys[who]}"}
    return SchemathesisConfig.from_dict(config)


def _known(desk: Served) -> dict[str, list[str]]:
    """Ids of what is there, by the name of the parameter that takes them.

    Submissions are deleted on the way: claims and notes are those of others.
    """
    submissions = [desk.submit(claims=[LOAN]), desk.submit(claims=[BOMBERS])]
    kept = [desk.submit(claims=[LOAN]), desk.submit(claims=[BOMBERS])]
    with desk.client() as client:
        body = {"statements": [{"id": "later", "text": LOAN}]}
        later = client.post("/v1/statements", json=body, headers={"Prefer": "respond-async"})
        expected = {"id": "1", "claim": LOAN, "verdict": "supported"}
        evaluations = [
            client.post("/v1/evaluations", json={"claims": [expected]}).json()["id"]
            for _ in range(3)
        ]
        claims = [
            claim for id_ in kept for claim in client.get(f"/v1/submissions/{id_}").json()["claims"]
        ]
        for decision in ("approve", "publish"):
            path = f"/v1/notes/{claims[0]['note_id']}/decisions"
            client.post(path, json={"decision": decision, "revision": 1}).raise_for_status()
    return {
        "submission_id": submissions,
        "claim_id": [claim["id"] for claim in claims],
        "note_id": [claim["note_id"] for claim in claims],
        "statement_id": list(STATEMENTS),
        "upload_id": [later.json()["id"]],
        "evaluation_id": evaluations,
    }


def operations(desk: Served) -> set[str]:
    """Every operation of the document, as schemathesis calls it."""
    with desk.client(None) as client:
        paths = client.get("/openapi.json").json()["paths"]
    return {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods}


def test_an_admin_finds_nothing_that_the_document_does_not_say(desk: Served) -> None:
    found = fuzzed(desk, "admin", 5, EVERYTHING)
    assert found.failures == {}
    assert set(found.answers) == operations(desk)


@pytest.mark.parametrize("who", WHO[1:])
def test_nobody_else_does_either(desk: Served, who: str | None) -> None:
    found = fuzzed(desk, who, 3, {"examples", "fuzzing", "stateful"})
    assert found.failures == {}
    assert set(found.answers) == operations(desk)


def test_routes_with_ids_are_asked_for_what_is_there(desk: Served) -> None:
    found = fuzzed(desk, "admin", 5, {"fuzzing"})
    missed = {label for label in operations(desk) if not found.answers[label] & THERE}
    assert missed == set()


@pytest.mark.soak
def test_a_long_search_finds_nothing_either(desk: Served) -> None:
    began = time.monotonic()
    found = {who or "nobody": fuzzed(desk, who, MANY, EVERYTHING) for who in WHO}
    result = {
        "seed": SEED,
        "schemathesis": version("schemathesis"),
        "examples_per_operation": MANY,
        "operations": len(operations(desk)),
        "requests": {who: one.requests for who, one in found.items()},
        "seconds": round(time.monotonic() - began),
        "failures": sum(len(one.failures) for one in found.values()),
    }
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    RESULT.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    assert {who: one.failures for who, one in found.items() if one.failures} == {}
