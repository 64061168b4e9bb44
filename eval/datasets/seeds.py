"""The seed article and the verdict that a careful reader gives each of its claims.

The folder holds ``gold.jsonl``, ``articles/*.md`` and ``statements/*.md``; seeds/README.md has the
format.
"""

from __future__ import annotations

from eval.datasets.card import Card
from eval.datasets.examples import GoldClaim
from eval.datasets.reading import Fields, mapped, words
from service.types import Verdict

VERDICTS = {verdict.value: verdict for verdict in Verdict}
CARD = Card(
    name="seeds",
    title="the claims of the seed article, end to end over the seed statements",
    file="gold.jsonl",
    upstream="seeds/ in this repository",
    licence="this repository's",
    labels={verdict: verdict for verdict in VERDICTS},
    evidence="retrieved",
    headline="accuracy",
    baselines=("majority",),
    overlap="the hand set of the stance model's training is written in the same style",
    remark=(
        "A row is matched by the extracted claim that overlaps its span most and holds its key "
        "terms; no match counts as wrong; several matches must agree."
    ),
)


def parse(fields: Fields) -> GoldClaim:
    """Read one row; raises ValueError or KeyError with what is wrong."""
    source = fields["source"]
    start, end, text = source["start"], source["end"], source["text"]
    if not (isinstance(start, int) and isinstance(end, int) and 0 <= start < end):
        raise ValueError("field 'source' must hold start and end, 0 <= start < end")
    if end - start != len(text):
        raise ValueError(f"field 'source': its text has {len(text)} characters, not {end - start}")
    return GoldClaim(
        id=words(fields, "id"),
        article=words(fields, "article"),
        claim=words(fields, "claim"),
        start=start,
        end=end,
        text=text,
        verdict=mapped(fields, "verdict", VERDICTS),
        statements=tuple(fields["deciding"]),
        key_terms=tuple(
            (term,) if isinstance(term, str) else tuple(term) for term in fields["key_terms"]
        ),
    )
