"""What a dataset is, what its labels mean here, and what to hold its figures against."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Card:
    """A dataset's card, printed by ``verinote eval datasets`` and on ``docs/quality.md``.

    Attributes:
        name: what ``verinote eval run`` calls it.
        title: what it holds, in a few words.
        file: its file in the folder that ``--data`` names.
        upstream: where users fetch it.
        licence: as its repository names it.
        labels: the source's labels and ours.
        evidence: ``given`` (in the row), ``oracle`` (the annotators' own answers), ``retrieved``
            (searched in a corpus) or ``none``.
        headline: the one metric to read first (a key of ``metrics.json``).
        baselines: what the headline is held against.
        overlap: what the embedded models' training shares with this set.
        remark: what a reader of its figures must know.
    """

    name: str
    title: str
    file: str
    upstream: str
    licence: str
    labels: Mapping[str, str]
    evidence: str
    headline: str
    baselines: tuple[str, ...]
    overlap: str
    remark: str = ""
