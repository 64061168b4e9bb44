"""WiCE: sentences of Wikipedia and the cited article's sentences, some of which support them."""

from __future__ import annotations

from eval.datasets.card import Card
from eval.datasets.examples import Example
from eval.datasets.reading import Fields, mapped, words
from service.kit.text import normalise

SUPPORT = {
    "supported": "supported",
    "partially_supported": "partially_supported",
    "not_supported": "not_supported",
}
CARD = Card(
    name="wice-claims",
    title="claims of Wikipedia and the article that each cites, sentence by sentence",
    file="wice-claims.jsonl",
    upstream="https://github.com/ryokamoi/wice (test, claims)",
    licence="ODC-BY",
    labels={
        "supporting_sentences": "the sentences to find (the union of the annotators' sets)",
    },
    evidence="retrieved",
    headline="found_at_5",
    baselines=("bm25",),
    overlap="the stance model was trained on this set's dev split; never on the test split",
    remark=(
        "Rows without a supporting sentence have nothing to find: they are left out and counted."
    ),
)


def parse(fields: Fields) -> Example:
    """Read one row; raises ValueError or KeyError with what is wrong."""
    sentences = tuple(normalise(sentence).strip() for sentence in fields["evidence"])
    gold = frozenset(index for group in fields["supporting_sentences"] for index in group)
    if any(not 0 <= index < len(sentences) for index in gold):
        raise ValueError(
            f"field 'supporting_sentences' points outside the {len(sentences)} sentences"
        )
    return Example(
        id=words(fields["meta"], "id"),
        group=words(fields["meta"], "id"),
        claim=words(fields, "claim"),
        passages=sentences,
        gold=gold,
        kind=mapped(fields, "label", SUPPORT),
    )
