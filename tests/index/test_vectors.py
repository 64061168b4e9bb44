from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from threading import Barrier

import numpy as np
import pytest

from service.kit.chroma import ChromaServer, EmbeddedChroma
from service.kit.errors import IndexMismatch
from service.kit.locks import locked_file
from service.kit.vectors import BATCH, LazyEncoder, VectorStore


@pytest.fixture(params=["embedded", "server"])
def opening(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], VectorStore]]:
    """Opens the vectors, as a new process would."""
    opened: list[VectorStore] = []
    url = request.getfixturevalue("chroma_url") if request.param == "server" else None

    def make() -> VectorStore:
        turn = partial(locked_file, tmp_path / "turn")
        chroma = ChromaServer(url, turn) if url else EmbeddedChroma(tmp_path / "chroma")
        opened.append(VectorStore(chroma))
        return opened[-1]

    yield make
    for store in opened:
        store.close()


@pytest.fixture
def store(opening: Callable[[], VectorStore]) -> VectorStore:
    return opening()


def unit(*values: float) -> np.ndarray:
    return np.array([values], np.float32) / np.linalg.norm(values)


def test_more_than_a_batch_goes_in_and_out(store: VectorStore):
    collection = store.open("things", "m", "")
    ids = [f"id{number:05}" for number in range(BATCH + 5)]
    vectors = np.random.default_rng(1).normal(size=(len(ids), 4)).astype(np.float32)

    collection.upsert(ids, vectors)

    assert collection.count() == len(collection.ids()) == len(ids)
    assert len(collection.vectors(ids)) == len(ids)
    collection.delete(ids)
    assert collection.count() == 0


def test_the_nearest_come_with_their_cosine_and_equals_by_id(store: VectorStore):
    collection = store.open("things", "m", "")
    collection.upsert(["far"], unit(0, 1))
    for name in ("c", "a", "b"):
        collection.upsert([name], unit(1, 1))

    (found,) = collection.nearest(unit(1, 0), 3)

    assert [name for name, _ in found] == ["a", "b", "c"]
    assert found[0][1] == pytest.approx(0.7071, abs=1e-4)


def test_an_empty_collection_has_nothing_near(store: VectorStore):
    collection = store.open("things", "m", "")

    assert collection.nearest(unit(1, 0), 3) == [[]]
    assert collection.nearest(np.zeros((0, 2), np.float32), 3) == []
    assert collection.vectors(["a"]) == {}


def test_a_collection_outlives_its_store_and_keeps_its_model(opening):
    first = opening()
    first.open("things", "m", "").upsert(["a"], unit(1, 0))
    first.close()

    again = opening()
    assert again.model_of("things") == "m"
    assert again.open("things", "m", "").ids() == {"a"}
    with pytest.raises(IndexMismatch, match=r"things.*by m,.*now is other: run `the remedy`"):
        again.open("things", "other", "the remedy")


def test_a_collection_that_another_process_made_again_is_the_new_one(opening):
    ours = opening().open("things", "m", "")
    ours.upsert(["old"], unit(1, 0))

    opening().recreate("things", "m").upsert(["new"], unit(1, 0))

    assert ours.ids() == {"new"}
    opening().recreate("things", "other")
    with pytest.raises(IndexMismatch):
        ours.count()


def test_a_lazy_encoder_is_loaded_once_however_many_ask_at_once():
    loads: list[int] = []
    together = Barrier(4)

    class Zeros:
        name = "zeros"

        def encode(self, texts):
            return np.zeros((len(texts), 2), np.float32)

    def load() -> Zeros:
        loads.append(1)
        return Zeros()

    lazy = LazyEncoder("zeros", load)

    def ask(_: int) -> int:
        together.wait()
        return len(lazy.encode(["a", "b"]))

    assert loads == []
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(ask, range(4))) == [2, 2, 2, 2]
    assert loads == [1]


def test_a_collection_that_many_open_at_once_for_the_first_time_is_one(store: VectorStore):
    together = Barrier(4)

    def fill(name: str) -> None:
        together.wait()
        store.open("things", "m", "").upsert([name], unit(1, 0))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(fill, "abcd"))

    assert store.open("things", "m", "").ids() == set("abcd")


def test_vectors_among_many_equal_ones_are_found(store: VectorStore):
    rng = np.random.default_rng(1)
    same, *others = rng.normal(size=(3, 384)).astype(np.float32)
    copies = {f"copy{number}": same for number in range(70)}
    vectors = {"a": others[0], "b": others[1], **copies}

    for number in range(30):  # whether HNSW's graph falls apart is a matter of luck
        collection = store.open(f"things{number}", "m", "")
        collection.upsert(list(vectors), np.stack(list(vectors.values())))
        (found,) = collection.nearest(same[np.newaxis], 100)
        assert {name for name, _ in found} == set(vectors)
        assert [name for name, _ in found[:70]] == sorted(copies)
