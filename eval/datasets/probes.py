"""A newsroom's own claims with the verdicts it expects, checked against its own statements.

One JSON object a line (``probes.jsonl`` in the folder, or the file itself)::

    {"id": "A01", "claim": "Two B-52 bombers flew.", "verdict": "supported",
     "statement": "S01", "as_of": "2025-12-20", "type": "paraphrase"}

``id``, ``claim`` and ``verdict`` (supported, refuted, conflicting, not_enough_evidence) must be
there; ``statement`` (an id or a list of ids), ``as_of`` (YYYY-MM-DD) and ``type`` (a word to break
the figures down by) may be. A file that ends in ``.csv`` has these names as its first line;
several statements stand in one cell with ``;`` between them.
"""

from __future__ import annotations

from eval.datasets.card import Card
from eval.datasets.examples import Example
from eval.datasets.reading import Fields, day, mapped, words
from service.types import Verdict

VERDICTS = {verdict.value: verdict for verdict in Verdict}
CARD = Card(
    name="probes",
    title="a newsroom's own claims with expected verdicts",
    file="probes.jsonl",
    upstream="your own",
    licence="your own",
    labels={verdict: verdict for verdict in VERDICTS},
    evidence="retrieved",
    headline="accuracy",
    baselines=("majority",),
    overlap="none",
    remark=(
        'A line is {"id", "claim", "verdict"} and, if you like, "statement" (an id or a list), '
        '"as_of" (YYYY-MM-DD) and "type" (a word to break the figures down by).'
    ),
)


def parse(fields: Fields) -> Example:
    """Read one row; raises ValueError or KeyError with what is wrong."""
    named = fields.get("statement") or []
    statements = [one.strip() for one in named.split(";")] if isinstance(named, str) else named
    if not isinstance(statements, list) or not all(isinstance(item, str) for item in statements):
        raise ValueError("field 'statement' must be an id or a list of ids")
    return Example(
        id=words(fields, "id"),
        group=words(fields, "id"),
        claim=words(fields, "claim"),
        verdict=mapped(fields, "verdict", VERDICTS),
        statements=tuple(statements),
        as_of=day(fields, "as_of"),
        kind=str(fields.get("type", "")),
    )
