"""How much and how often may be asked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from asking import problem
from desks import Served, served, settings_for

from service.api.problems import bug, problem_of
from service.kit.errors import ConfigurationError


@pytest.fixture(scope="module")
def desk(tmp_path_factory) -> Iterator[Served]:
    changed = {"requests_per_minute": 3, "max_request_bytes": 10_000}
    with served(settings_for(tmp_path_factory.mktemp("desk"), **changed)) as opened:
        yield opened


def test_a_key_that_asks_too_often_is_told_to_wait_and_others_are_not(desk: Served) -> None:
    with desk.client() as client:
        answers = [client.get("/v1/notes") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert problem(answers[-1], 429) == "too-many-requests"
    assert 0 < int(answers[-1].headers["Retry-After"]) <= 60
    with desk.client("reviewer") as client:
        assert client.get("/v1/notes").status_code == 200


def test_a_request_that_is_too_large_is_refused(desk: Served) -> None:
    with desk.client("submitter") as client:
        answer = client.post("/v1/submissions", json={"text": "x " * 10_000})
    assert problem(answer, 413) == "too-large"


def test_who_tries_many_keys_is_told_to_wait(desk: Served) -> None:
    headers = {"Authorization": "Bearer wrong"}
    with desk.client(None) as client:
        wrong = [client.get("/v1/notes", headers=headers) for _ in range(31)]
    assert [answer.status_code for answer in wrong] == [401] * 30 + [429]


def test_what_every_route_answers_alike_is_what_the_document_shows(desk: Served) -> None:
    as_json = {"Content-Type": "application/json"}
    with desk.client(None) as nobody:
        told = [
            nobody.get("/v1/submissions"),
            nobody.post("/v1/submissions", content=b"x" * 10_001, headers=as_json),
        ]
        paths = nobody.get("/openapi.json").json()["paths"]
    with desk.client("service") as client:
        told.append(client.post("/v1/submissions", content=b'"\xff"', headers=as_json))
        told.append([client.get("/v1/submissions") for _ in range(4)][-1])
    answers = {str(answer.status_code): answer.json() for answer in told}
    for error in (problem_of(ConfigurationError("")), bug(RuntimeError()).told):
        answers[str(error.status)] = error.model_dump()
    assert answers.keys() == {"400", "401", "413", "429", "500", "503"}
    shown = paths["/v1/submissions"]["post"]["responses"]
    for status, answer in answers.items():
        ((_, example),) = shown[status]["content"]["application/problem+json"]["examples"].items()
        assert without_figures(example["value"]) == without_figures(answer)


def without_figures(told: dict[str, Any]) -> dict[str, Any]:
    return told | {"detail": re.sub("[0-9][0-9,]*", "#", told["detail"])}
