"""Vectors from an endpoint are looked at before they are kept: what is kept is kept for good."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import numpy as np
import pytest
from servers import Quiet, serving

from eval.endpoint.server import ScriptedEndpoint
from service.engines.openai.embeddings import RemoteEncoder
from service.kit.errors import EngineFailed
from service.settings import Settings, load_settings

Rows = Callable[[list[str]], object]


def settings_for(url: str) -> Settings:
    changed = {"openai_base_url": url, "llm_timeout": 2.0, "llm_deadline": 0.5}
    return load_settings().model_copy(update=changed)


@pytest.fixture
def encoder() -> Iterator[Callable[[Rows], RemoteEncoder]]:
    """Makes an encoder whose endpoint gives the rows that a function makes of the texts."""
    opened = ExitStack()

    def make(rows: Rows) -> RemoteEncoder:
        class Handler(Quiet):
            def do_POST(self) -> None:
                texts = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["input"]
                data = [{"index": n, "embedding": row} for n, row in enumerate(rows(texts))]
                told = {"object": "list", "model": "m", "data": data}
                self.answer(json.dumps(told).encode(), "application/json")

        port = opened.enter_context(serving(Handler))
        return RemoteEncoder(settings_for(f"http://127.0.0.1:{port}/v1"), "m")

    with opened:
        yield make


def test_vectors_come_back_with_unit_length() -> None:
    with ScriptedEndpoint(lambda _: {}) as endpoint:
        vectors = RemoteEncoder(settings_for(endpoint.url), "m").encode(["a b", "c", "a b"] * 30)
    assert vectors.shape == (90, 64)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1.0)
    assert np.array_equal(vectors[0], vectors[2])
    assert not np.array_equal(vectors[0], vectors[1])


@pytest.mark.parametrize(
    "rows",
    [
        lambda texts: [[float("nan"), 1.0] for _ in texts],
        lambda texts: [[0.0, 0.0] for _ in texts],
        lambda texts: [[1.0] * (n + 1) for n, _ in enumerate(texts)],
        lambda texts: [[1.0, 0.0]],
        lambda texts: [["x", "y"] for _ in texts],
        lambda texts: [None for _ in texts],
        lambda texts: [3.0 for _ in texts],
        lambda texts: [[] for _ in texts],
        lambda texts: [[[1.0]] for _ in texts],
    ],
)
def test_what_are_no_vectors_is_refused(encoder, rows: Rows) -> None:
    with pytest.raises(EngineFailed, match="openai:m"):
        encoder(rows).encode(["a", "b", "c"])


def test_other_dimensions_than_before_are_refused(encoder) -> None:
    asked: list[int] = []

    def rows(texts: list[str]) -> list[list[float]]:
        asked.append(len(texts))
        return [[1.0] * (2 + len(asked)) for _ in texts]

    with pytest.raises(EngineFailed, match="dimensions"):
        encoder(rows).encode(["a"] * 70)


def test_an_answer_that_drips_is_given_up(encoder) -> None:
    def rows(texts: list[str]) -> list[list[float]]:
        time.sleep(6)
        return [[1.0] for _ in texts]

    began = time.monotonic()
    with pytest.raises(EngineFailed, match="no answer within 2 s"):
        encoder(rows).encode(["a"])
    assert time.monotonic() - began < 6
