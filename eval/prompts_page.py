"""``docs/prompts.md``: the very requests for five claims of the seed article, with good answers."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from pydantic import SecretStr

from eval.endpoint.asked import Asked
from eval.endpoint.scripts import clean
from eval.endpoint.server import ScriptedEndpoint
from service.engines.openai.answers import ClaimAssessed, ClaimsFound, schema_of
from service.pipeline import Pipeline
from service.settings import Settings
from service.submissions.intake import read_submission

ARTICLE = "japan-us-air-exercise.md"
SHOWN = (
    "Two U.S. B-52H Stratofortress",
    "Three F-35B stealth fighters",
    "reaffirmed the commitment",
    "Japan has declined a European Union proposal",
    "revised in 2023",
)
"""Words that tell the claims that are shown: two supported, two refuted, one undecided."""

_HEAD = """\
# Prompts, as they are sent

Made by `verinote eval prompts-page`. These are the requests that a language model gets for the seed
article with the seed statements, word for word, and beside each a good answer. **The answers were
written by us**, not by a model: no capable model was run for this page. What a reader can judge by
it is whether the question is fair, and what the code then has to check.

The system's message is the same in every request of a kind, so an endpoint that caches prompts
reads it once. The numbers in the marks (`<claim 0123456789ab>`) are derived from the texts between
them under the installation secret; here that secret is the word `docs`.
"""


async def page(settings: Settings, seeds: Path) -> str:
    """Return the page.

    Args:
        settings: how the pipeline is configured; data folder, secret and endpoint are replaced.
        seeds: the folder of the seed statements and articles.
    """
    with tempfile.TemporaryDirectory() as folder, ScriptedEndpoint(clean) as endpoint:
        changed = {
            "engine": "openai",
            "data_dir": Path(folder) / "data",
            "openai_base_url": endpoint.url,
            "secret": SecretStr("docs"),
            "llm_concurrency": 1,
        }
        settings = settings.model_copy(update=changed)
        async with Pipeline.open(settings, memory=False) as pipeline:
            pipeline.corpus.add([seeds / "statements"])
            article = read_submission(seeds / "articles" / ARTICLE, settings)
            _ = [note async for note in pipeline.verify(article)]
        asked = endpoint.counted.asked
    extractions = [one for one in asked if one.kind == "ClaimsFound"]
    first = min(extractions, key=lambda one: article.text.find(one.parts["text"][:40]))
    parts = [_HEAD, "## Finding claims\n", _system(first), _schema(ClaimsFound)]
    parts += [_exchange("The article's first sentences", first)]
    assessments = [one for one in asked if one.kind == "ClaimAssessed"]
    parts += ["## Assessing a claim\n", _system(assessments[0]), _schema(ClaimAssessed)]
    for words in SHOWN:
        (one,) = [one for one in assessments if words in one.parts["claim"]]
        parts.append(_exchange(one.parts["claim"].split("\n")[0], one))
    return "\n".join(parts)


def _system(asked: Asked) -> str:
    return f"The system's message:\n\n{_fenced(asked.body['messages'][0]['content'])}"


def _schema(answer: type[ClaimsFound | ClaimAssessed]) -> str:
    shape = json.dumps(schema_of(answer), indent=1)
    return f"The shape of the answer, sent as a JSON schema:\n\n{_fenced(shape, 'json')}"


def _exchange(title: str, asked: Asked) -> str:
    answer = json.dumps(clean(asked), indent=1, ensure_ascii=False)
    return (
        f"### {title}\n\nThe user's message:\n\n{_fenced(asked.body['messages'][1]['content'])}\n"
        f"A good answer, written by us:\n\n{_fenced(answer, 'json')}"
    )


def _fenced(text: str, kind: str = "text") -> str:
    return f"```{kind}\n{text}\n```\n"
