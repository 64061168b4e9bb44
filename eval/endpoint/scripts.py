"""What scripted models answer: one that works well, and others that break the rules of the prompts.

Their answers about the seed article stand in ``seed_article.json``, written by us. Each liar is a
way to break one rule of a prompt, and is named for it in the prompt's front matter.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from eval.endpoint.asked import Asked

Answer = dict[str, Any]
Liar = Callable[[Answer, Asked], Answer]

SEED_ARTICLE = Path(__file__).parent / "seed_article.json"


def clean(asked: Asked) -> Answer:
    """A good answer to every request about the seed article; of other texts it says nothing."""
    match asked.kind:
        case "ClaimsFound":
            return _extracted(asked)
        case "ClaimAssessed":
            return _assessed(asked)
        case _:
            return {"findings": []}


def silent(asked: Asked) -> Answer:
    """Says nothing of any passage."""
    return {"evidence": [], "verdict": "not_enough_evidence", "findings": []}


def lying(lie: str) -> Callable[[Asked], Answer]:
    """A model that answers as ``clean`` does, but for one lie: a name of ``LIES``."""
    liar = LIES[lie]
    return lambda asked: liar(clean(asked), asked)


@lru_cache(maxsize=1)
def _told() -> tuple[Mapping[str, Any], ...]:
    found: list[Mapping[str, Any]] = json.loads(SEED_ARTICLE.read_text("utf-8"))
    return tuple(found)


def _plain(text: str) -> str:
    return " ".join(text.split())


def _extracted(asked: Asked) -> Answer:
    text = _plain(asked.parts["text"])
    keys = ("source", "claim", "speaker", "cue", "date")
    return {
        "claims": [
            {key: one[key] for key in keys} for one in _told() if _plain(one["source"]) in text
        ]
    }


def _assessed(asked: Asked) -> Answer:
    claim = asked.parts["claim"].split("\n")[0]
    nothing: Answer = {"evidence": [], "verdict": "not_enough_evidence", "findings": []}
    one = next((one for one in _told() if one["claim"] == claim), None)
    if one is None:
        return nothing
    evidence = [
        {"passage": number, "stance": piece["stance"]}
        for piece in one["evidence"]
        if (number := _place(piece["quote"], asked)) is not None
    ]
    if not evidence:
        return nothing
    findings = [
        {
            "text": found["text"],
            "quotes": [
                {"passage": _place(quote, asked), "quote": quote} for quote in found["quotes"]
            ],
        }
        for found in one["findings"]
    ]
    return {"evidence": evidence, "verdict": one["verdict"], "findings": findings}


def _place(quote: str, asked: Asked) -> int | None:
    """The number of the passage that a quote stands in."""
    return next(
        (number for number, _, text in asked.passages if _plain(quote) in _plain(text)), None
    )


def _each_finding(change: Callable[[Answer, Asked], None]) -> Liar:
    def lie(answer: Answer, asked: Asked) -> Answer:
        for found in answer.get("findings", []):
            change(found, asked)
        return answer

    return lie


def _each_claim(change: Callable[[Answer], None]) -> Liar:
    def lie(answer: Answer, _asked: Asked) -> Answer:
        for found in answer.get("claims", []):
            change(found)
        return answer

    return lie


def _invented_source(found: Answer) -> None:
    found["source"] = "The Minister has resigned over the affair."


def _ungrounded_claim(found: Answer) -> None:
    found["claim"] = f"On 7 May 2019, {found['claim']}"


def _invented_speaker(found: Answer) -> None:
    found |= {"speaker": "the Pope", "cue": "proclaimed that", "date": "7 May 2019"}


def _repeated_claim(answer: Answer, _asked: Asked) -> Answer:
    if "claims" in answer:
        answer["claims"] = [one for one in answer["claims"] for _ in range(2)]
    return answer


def _invented_quote(found: Answer, _asked: Asked) -> None:
    for quote in found["quotes"]:
        quote["quote"] = "The Ministry confirmed every word of the report in full."


def _one_word_quote(found: Answer, _asked: Asked) -> None:
    for quote in found["quotes"]:
        quote["quote"] = quote["quote"].split()[0]


def _figure_of_its_own(found: Answer, _asked: Asked) -> None:
    found["text"] += " Some 4,700 people and 31 ships took part."


def _misquoted_claim(found: Answer, _asked: Asked) -> None:
    found["text"] += " Here the claim differs: the claim says “the moon is made of cheese”."


def _digest_as_quotation(found: Answer, _asked: Asked) -> None:
    quote = found["quotes"][0]["quote"]
    found["text"] = f"Officials said: “{quote}”"


def _plain_invention(found: Answer, _asked: Asked) -> None:
    found["text"] = "It says that the pilots were tired, the weather was bad and the mood was poor."


def _turned_finding(found: Answer, _asked: Asked) -> None:
    found["text"] = f"It is denied that {found['text'][:1].lower()}{found['text'][1:]}"


def _swapped_passages(found: Answer, asked: Asked) -> None:
    for quote in found["quotes"]:
        others = [number for number, _, _ in asked.passages if number != quote["passage"]]
        quote["passage"] = others[0] if others else 99


def _wrong_number(answer: Answer, asked: Asked) -> Answer:
    """Says that whatever it is shown first supports the claim, with its first words as a quote."""
    if asked.kind != "ClaimAssessed" or not asked.passages:
        return answer
    number, source, text = asked.passages[0]
    quote = text.split(". ")[0]
    told = f"{source.split(' · ')[0]} says so in our digest."
    return {
        "evidence": [{"passage": number, "stance": "supports"}],
        "verdict": "supported",
        "findings": [{"text": told, "quotes": [{"passage": number, "quote": quote}]}],
    }


def _verdict_against_evidence(answer: Answer, _asked: Asked) -> Answer:
    turned = {"supported": "refuted", "refuted": "supported", "not_enough_evidence": "supported"}
    if "verdict" in answer:
        answer["verdict"] = turned[answer["verdict"]]
    return answer


def _findings_without_verdict(answer: Answer, _asked: Asked) -> Answer:
    if "verdict" in answer:
        answer |= {"verdict": "not_enough_evidence", "evidence": []}
    return answer


LIES: dict[str, Liar] = {
    "invented_source": _each_claim(_invented_source),
    "ungrounded_claim": _each_claim(_ungrounded_claim),
    "invented_speaker": _each_claim(_invented_speaker),
    "repeated_claim": _repeated_claim,
    "invented_quote": _each_finding(_invented_quote),
    "one_word_quote": _each_finding(_one_word_quote),
    "figure_of_its_own": _each_finding(_figure_of_its_own),
    "misquoted_claim": _each_finding(_misquoted_claim),
    "digest_as_quotation": _each_finding(_digest_as_quotation),
    "plain_invention": _each_finding(_plain_invention),
    "turned_finding": _each_finding(_turned_finding),
    "swapped_passages": _each_finding(_swapped_passages),
    "wrong_number": _wrong_number,
    "verdict_against_evidence": _verdict_against_evidence,
    "findings_without_verdict": _findings_without_verdict,
}
"""By the names that the prompts give them."""
