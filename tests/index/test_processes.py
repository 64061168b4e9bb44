"""Processes that use the same data at the same time."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from threading import Event, Thread

import pytest
from chroma_server import emptied
from postgres import Cluster

from service.settings import Settings
from service.statements.corpus import Corpus

PROCESSES = 3

ADD_ONE_STATEMENT_A_ROUND = """
import sys
from pathlib import Path
from threading import Thread

import chromadb.api.client
import numpy as np

from service.settings import Settings
from service.statements.corpus import Corpus


class Encoder:
    name = "test-model@1"

    def encode(self, texts):
        return np.eye(4, dtype=np.float32)[[len(text) % 4 for text in texts]]


source = Path(sys.argv[1])
print("ready", flush=True)
for line in sys.stdin:
    settings = Settings.model_validate_json(line)
    with Corpus.open(settings, Encoder()) as corpus:
        report = corpus.add([source])
    print(len(report.added), flush=True)
"""


def in_a_folder(request: pytest.FixtureRequest, data_dir: Path, stack: ExitStack) -> Settings:
    return Settings(_env_file=None, data_dir=data_dir)


def on_servers(request: pytest.FixtureRequest, data_dir: Path, stack: ExitStack) -> Settings:
    postgres: Cluster = request.getfixturevalue("postgres")
    return Settings(
        _env_file=None,
        data_dir=data_dir,
        database_url=stack.enter_context(postgres.database("template0")),
        chroma_url=emptied(request.getfixturevalue("chroma_url")),
    )


@pytest.mark.parametrize(("begun", "rounds"), [(in_a_folder, 12), (on_servers, 3)])
def test_processes_that_begin_together_lose_nothing(
    request: pytest.FixtureRequest, tmp_path: Path, encoder, begun: Callable[..., Settings], rounds
):
    names = [f"s{number}" for number in range(PROCESSES)]
    for name in names:
        (tmp_path / f"{name}.md").write_text(f"---\nid: {name}\nlanguage: en\n---\nThe {name}.\n")
    running = [
        subprocess.Popen(
            [sys.executable, "-c", ADD_ONE_STATEMENT_A_ROUND, tmp_path / f"{name}.md"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for name in names
    ]
    try:
        assert [process.stdout.readline() for process in running] == ["ready\n"] * PROCESSES
        for number in range(rounds):
            with ExitStack() as stack:
                settings = begun(request, tmp_path / f"data{number}", stack)
                for process in running:
                    process.stdin.write(f"{settings.model_dump_json()}\n")
                    process.stdin.flush()
                told = [process.stdout.readline() for process in running]
                died = [
                    process.stderr.read()
                    for process, line in zip(running, told, strict=True)
                    if not line
                ]
                assert died == []
                assert told == ["1\n"] * PROCESSES
                with Corpus.open(settings, encoder) as corpus:
                    assert [stored.ref.statement_id for stored in corpus.list()] == names
                    assert not corpus.check().differs
    finally:
        for process in running:
            process.kill()
            process.communicate()


def test_who_writes_vectors_keeps_others_waiting(settings: Settings, encoder, write):
    with Corpus.open(settings, encoder) as one, Corpus.open(settings, encoder) as other:
        one.add(write(a="The fleet sailed."))
        other.search("fleet", 1)
        adding = Thread(target=other.add, args=(write(b="The harbour was closed."),))
        with one.vectors.exclusive():
            adding.start()
            adding.join(0.5)
            assert adding.is_alive()
        adding.join()

        assert len(one.search("harbour", 5)) == 2
        assert not one.check().differs


def test_what_other_processes_write_is_seen_by_one_that_searches_all_the_while(
    tmp_path: Path,
) -> None:
    settings = Settings(_env_file=None, data_dir=tmp_path / "data")
    sources = []
    for number in range(6):
        source = tmp_path / f"s{number}.md"
        source.write_text(
            f"---\nid: s{number}\nlanguage: en\n---\nHarbour number {number} froze.\n"
        )
        sources.append(source)
    with Corpus.open(settings) as corpus:
        corpus.add(sources[:1])
        corpus.search("harbour", 10)
        over = Event()
        failed: list[Exception] = []

        def search() -> None:
            while not over.is_set():
                try:
                    corpus.search("ice in the port", 10)
                except Exception as error:  # noqa: BLE001  it is what the test is about
                    failed.append(error)

        searching = [Thread(target=search) for _ in range(3)]
        for thread in searching:
            thread.start()
        try:
            for source in sources[1:]:
                subprocess.run(
                    [Path(sys.executable).with_name("verinote"), "corpus", "add", source],
                    env={**os.environ, "VERINOTE_DATA_DIR": str(settings.data_dir)},
                    check=True,
                    capture_output=True,
                )
        finally:
            over.set()
            for thread in searching:
                thread.join()

        assert failed == []
        found = {hit.passage.statement.statement_id for hit in corpus.search("ice in port", 10)}
        assert found == {f"s{number}" for number in range(6)}
        assert all(hit.dense_rank for hit in corpus.search("ice in the port", 10))
