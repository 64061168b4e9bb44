"""The OpenAPI document shows an example of everything, and what it shows is true."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from desks import Served
from jsonschema import Draft202012Validator, FormatChecker
from pydantic import TypeAdapter
from story import ARTICLE, opened, play, seed

from eval.web import routes as evaluations
from service.api import audit, claims, examples, notes, statements, submissions
from service.app import create_app
from service.kit.text import normalise, sha256_hex
from service.notes import gate
from service.types import Citation, Finding, StatementRef

PROBLEM = "application/problem+json"
NOT_JSON = {"text/plain", "text/csv", "application/jsonl", "text/event-stream"}
QUOTED = ("quote", "start", "end")
_STATEMENT = TypeAdapter(StatementRef)


@dataclass(frozen=True)
class Part:
    """A body in the document.

    Attributes:
        status: of an answer; None: it is a request's.
        told: what the document says of it.
    """

    route: str
    status: str | None
    media_type: str
    told: dict[str, Any]

    @property
    def name(self) -> str:
        return f"{self.route} {self.status or 'request'} {self.media_type}"

    @property
    def examples(self) -> dict[str, Any]:
        return {name: one["value"] for name, one in self.told.get("examples", {}).items()}


def parts_of(document: dict[str, Any]) -> Iterator[Part]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            bodies = {None: operation.get("requestBody", {}), **operation["responses"]}
            for status, body in bodies.items():
                for media_type, told in body.get("content", {}).items():
                    yield Part(f"{method.upper()} {path}", status, media_type, told)


@pytest.fixture(scope="module")
def desk(tmp_path_factory) -> Iterator[Served]:
    with opened(tmp_path_factory.mktemp("story")) as desk:
        yield desk


@pytest.fixture(scope="module")
def document(desk: Served) -> dict[str, Any]:
    return create_app(desk.desk).openapi()


@pytest.fixture(scope="module")
def parts(document: dict[str, Any]) -> list[Part]:
    return list(parts_of(document))


def objects(value: Any) -> Iterator[dict[str, Any]]:
    """Every object inside a value, itself too."""
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from objects(one)


# That there is one


def test_every_body_has_an_example(parts: list[Part]) -> None:
    bare = [part.name for part in parts if not part.examples]
    assert bare == [
        "GET /v1/evaluations/{evaluation_id}/report 200 text/html",
        "GET /metrics 200 text/plain",
    ]


def test_every_operation_says_how_it_fails(document, parts: list[Part]) -> None:
    told = {part.route for part in parts if part.media_type == PROBLEM}
    routes = {
        f"{method.upper()} {path}" for path, ways in document["paths"].items() for method in ways
    }
    assert told == routes


def test_nothing_is_shown_of_what_is_not_in_the_document(document) -> None:
    shown = {part.name for part in parts_of(document)}
    recorded = json.loads(examples.RECORDED.read_text(encoding="utf-8"))
    told = {
        f"{route} {part} {media_type}"
        for route, bodies in recorded.items()
        for part, contents in bodies.items()
        for media_type in contents
    }
    assert told <= shown


# That it fits


def test_every_example_fits_its_own_schema(document, parts: list[Part]) -> None:
    for part in parts:
        if "schema" not in part.told:
            assert part.media_type in NOT_JSON, part.name
            continue
        schema = part.told["schema"] | {"components": document["components"]}
        validator = Draft202012Validator(schema, format_checker=FormatChecker())
        for name, value in part.examples.items():
            faults = [
                f"{fault.json_path}: {fault.message}" for fault in validator.iter_errors(value)
            ]
            assert faults == [], f"{part.name}, {name}"


def test_every_example_inside_a_schema_fits_it_too(document) -> None:
    found = [one for one in objects(document) if isinstance(one.get("examples"), list)]
    assert found
    for schema in found:
        validator = Draft202012Validator(schema | {"components": document["components"]})
        for value in schema["examples"]:
            validator.validate(value)


def test_every_example_of_a_request_is_one_that_the_routes_take(parts: list[Part]) -> None:
    fields = {
        f"{method} /v1{route.path}": route.body_field
        for room in (submissions, claims, notes, statements, evaluations, audit)
        for route in room.router.routes
        for method in route.methods
    }
    asked = [
        part for part in parts if part.status is None and part.media_type == "application/json"
    ]
    assert len(asked) > 8
    for part in asked:
        for name, value in part.examples.items():
            _, faults = fields[part.route].validate(value, {}, loc=("body",))
            assert not faults, f"{part.name}, {name}"


def test_every_problem_is_called_what_it_is(parts: list[Part]) -> None:
    for part in parts:
        for kind, told in part.examples.items() if part.media_type == PROBLEM else ():
            assert told["type"] == f"urn:verinote:problem:{kind}", part.name
            assert told["title"] == kind.replace("-", " "), part.name
            assert str(told["status"]) == part.status, part.name
            assert told["detail"], part.name


# That it is true


def stored(statement_id: str) -> str:
    """The text of a statement of the seeds."""
    return normalise(seed(statement_id)["text"])


def test_every_quote_stands_in_its_statement_word_for_word(parts: list[Part]) -> None:
    quotes = [one for part in parts for one in objects([*part.examples.values()]) if "quote" in one]
    assert len(quotes) > 10
    for one in quotes:
        text = stored(one["statement_id"])
        assert text[one["start"] : one["end"]] == one["quote"]
        assert sha256_hex(text) == one["sha256"]


def test_every_passage_stands_in_its_statement_word_for_word(parts: list[Part]) -> None:
    found = [
        one for part in parts for one in objects([*part.examples.values()]) if "passage" in one
    ]
    assert len(found) > 20
    for one in found:
        text = stored(one["statement_id"])
        begins = one.get("passage_start", one["start"])
        assert text[begins:].startswith(one["passage"])
        assert begins <= one["start"] < one["end"] <= begins + len(one["passage"])


def cited(one: dict[str, Any]) -> Citation:
    statement = {name: value for name, value in one.items() if name not in QUOTED}
    return Citation(_STATEMENT.validate_python(statement), *(one[name] for name in QUOTED))


def test_the_citation_gate_lets_every_finding_pass(parts: list[Part]) -> None:
    found = [
        (note["claim"], finding)
        for part in parts
        for note in objects([*part.examples.values()])
        if "note" in note and "claim" in note
        for finding in note["note"]
    ]
    assert len(found) > 8
    for claim, finding in found:
        citations = tuple(cited(one) for one in finding["citations"])
        told = gate.problems(Finding(finding["text"], citations), claim, lambda id_, _: stored(id_))
        assert told == ()


def test_what_is_shown_to_be_sent_in_is_from_the_seeds(parts: list[Part]) -> None:
    sent = {part.route: part.examples for part in parts if part.status is None}
    text = sent["POST /v1/submissions"]["text"]["text"]
    assert text in normalise(ARTICLE.read_text(encoding="utf-8"))
    for given in sent["POST /v1/statements"].values():
        assert [seed(one["id"]) for one in given["statements"]] == given["statements"]
    shown = {part.name: part.examples for part in parts}
    answer = shown["GET /v1/submissions/{submission_id} 200 application/json"]["text"]
    assert answer["claims"]
    for claim in answer["claims"]:
        source = claim["source"]
        assert text[source["start"] : source["end"]] == source["text"]


HANGS_ON_THE_MACHINE = {
    *("evidence", "nearest", "links", "note", "warnings", "difference", "findings"),
    *("verdict", "confidence", "model", "prompt_version"),
    *("run", "metrics", "questions", "before", "after", "settings"),
}
"""What an engine finds, which another processor's arithmetic may change in what nothing decides."""
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z")
NEVER_THE_SAME = {
    "GET /v1/statements/search",
    "GET /v1/claims/similar",
    "POST /v1/evaluations/{evaluation_id}/cancel",
    "POST /v1/evaluations/{evaluation_id}/resume",
}
"""Routes whose good answers hang on likeness, or on how far something had come."""


def lasting(told: Any) -> Any:
    """What is the same each time."""
    if isinstance(told, dict):
        return {
            name: lasting(one) for name, one in told.items() if name not in HANGS_ON_THE_MACHINE
        }
    if isinstance(told, list):
        return [lasting(one) for one in told]
    if isinstance(told, str):
        return _MOMENT.sub("a moment", told)
    return "a share" if isinstance(told, float) else told


def test_the_story_is_still_answered_as_it_was_written_down(desk: Served) -> None:
    """Otherwise look at what has changed, and write it down with ``make examples``."""
    written = json.loads(examples.RECORDED.read_text(encoding="utf-8"))
    again = play(desk)
    assert written.keys() == again.keys()
    for route, bodies in written.items():
        assert bodies.keys() == again[route].keys(), route
        for part, contents in bodies.items():
            for media_type, named in contents.items():
                now = again[route][part][media_type]
                assert named.keys() == now.keys(), (route, part)
                if media_type not in NOT_JSON and not (route in NEVER_THE_SAME and part == "200"):
                    assert lasting(named) == lasting(now), (route, part)
