"""Processes that use one data folder at the same time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from service.settings import Settings
from service.statements.corpus import Corpus

ROUNDS, PROCESSES = 12, 3

ADD_ONE_STATEMENT_A_ROUND = """
import sys
from pathlib import Path

import chromadb.api.client
import numpy as np

from service.settings import Settings
from service.statements.corpus import Corpus


class Encoder:
    name = "test-model@1"

    def encode(self, texts):
        return np.eye(4, dtype=np.float32)[[len(text) % 4 for text in texts]]


name = sys.argv[1]
print("ready", flush=True)
for line in sys.stdin:
    folder = Path(line.strip())
    with Corpus.open(Settings(_env_file=None, data_dir=folder), Encoder()) as corpus:
        report = corpus.add([folder.parent / f"{name}.md"])
    print(len(report.added), flush=True)
"""


def test_processes_that_start_a_data_folder_together_lose_nothing(tmp_path: Path, encoder):
    names = [f"s{number}" for number in range(PROCESSES)]
    for name in names:
        (tmp_path / f"{name}.md").write_text(f"---\nid: {name}\nlanguage: en\n---\nThe {name}.\n")
    running = [
        subprocess.Popen(
            [sys.executable, "-c", ADD_ONE_STATEMENT_A_ROUND, name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for name in names
    ]
    folders = [tmp_path / f"data{number}" for number in range(ROUNDS)]
    try:
        assert [process.stdout.readline() for process in running] == ["ready\n"] * PROCESSES
        for folder in folders:
            for process in running:
                process.stdin.write(f"{folder}\n")
                process.stdin.flush()
            told = [process.stdout.readline() for process in running]
            died = [
                process.stderr.read()
                for process, line in zip(running, told, strict=True)
                if not line
            ]
            assert died == []
            assert told == ["1\n"] * PROCESSES
    finally:
        for process in running:
            process.kill()
            process.communicate()

    for folder in folders:
        with Corpus.open(Settings(_env_file=None, data_dir=folder), encoder) as corpus:
            assert [stored.ref.statement_id for stored in corpus.list()] == names
            assert not corpus.check().differs
