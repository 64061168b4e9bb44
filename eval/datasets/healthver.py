"""HealthVer: claims about COVID-19 with sentences of scientific papers and their stance."""

from __future__ import annotations

from eval.datasets.card import Card
from eval.datasets.examples import Example
from eval.datasets.reading import Fields, mapped, words
from service.types import Stance

STANCES = {
    "Supports": Stance.SUPPORTS,
    "Refutes": Stance.REFUTES,
    "Neutral": Stance.NEUTRAL,
}
CARD = Card(
    name="healthver",
    title="claims about COVID-19 with sentences of scientific papers",
    file="healthver.jsonl",
    upstream="https://github.com/sarrouti/HealthVer (test)",
    licence="none named in its repository (evaluation only)",
    labels={label: stance.value for label, stance in STANCES.items()},
    evidence="given",
    headline="stance_macro_f1",
    baselines=("majority", "word_overlap"),
    overlap=(
        "the stance model was trained on this set's dev split, which shares 375 evidence "
        "passages, but no claims, with the test split"
    ),
)


def parse(fields: Fields) -> Example:
    """Read one row; raises ValueError or KeyError with what is wrong."""
    return Example(
        id=str(fields["id"]),
        group=words(fields, "claim").casefold(),
        claim=words(fields, "claim"),
        passages=(words(fields, "evidence"),),
        stances=(mapped(fields, "label", STANCES),),
        kind=str(fields.get("topic_ip", "")),
    )
