"""The stance model: claim and passage in, three probabilities out (card: README.md beside this).

It is a signal, not a judge: the card says where it errs, and nothing takes its arg-max as a
verdict.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from service.models.files import SHA256, open_session, tokenizer
from service.models.parallel import Parallel
from service.types import Stance

STANCE_NAME = f"stance-6l-int8@{SHA256['stance.int8.onnx'][:12]}"
TEMPERATURE = 1.72
"""Fitted on held-out human pairs; see the model card."""
MAX_TOKENS = 160
MAX_CLAIM_TOKENS = 400
"""A claim is never cut for the passage's sake; the model itself can take no more than 512."""
STANCES = (Stance.SUPPORTS, Stance.REFUTES, Stance.NEUTRAL)
"""What its three probabilities are of, in their order."""
_SURE = 0.6
"""Probability from which its opinion is worth telling a reviewer."""
_MIN_PASSAGE_TOKENS = 16
_CLS, _SEP = 101, 102

Probabilities = npt.NDArray[np.float64]


class Scorer(Protocol):
    """Anything that reads pairs as ``StanceModel`` does."""

    def score(self, pairs: Sequence[tuple[str, str]]) -> Probabilities:
        """Return ``(len(pairs), 3)`` probabilities, in the order of ``STANCES``."""


class StanceModel:
    """Reads passage and claim together. Thread-safe; blocking, so call it off the event loop.

    Args:
        threads: pairs read side by side; 0 uses all cores.
    """

    name = STANCE_NAME

    def __init__(self, threads: int = 0) -> None:
        self._session = open_session("stance.int8.onnx")
        self._parallel = Parallel(threads)

    def score(self, pairs: Sequence[tuple[str, str]]) -> Probabilities:
        """Return ``(len(pairs), 3)`` probabilities, in the order of ``STANCES``.

        A pair's probabilities depend on that pair alone.

        Args:
            pairs: ``(passage, claim)``. Passages are cut so that a pair has at most 160 tokens;
                the claim is kept whole.
        """
        if not pairs:
            return np.zeros((0, 3))
        encode = tokenizer().encode_batch
        passages = encode([passage for passage, _ in pairs], add_special_tokens=False)
        claims = encode([claim for _, claim in pairs], add_special_tokens=False)
        rows = [
            (passage.ids, claim.ids[:MAX_CLAIM_TOKENS])
            for passage, claim in zip(passages, claims, strict=True)
        ]
        logits = np.vstack(self._parallel.map(self._one, rows)).astype(np.float64) / TEMPERATURE
        exponents = np.exp(logits - logits.max(axis=1, keepdims=True))
        result: Probabilities = exponents / exponents.sum(axis=1, keepdims=True)
        return result

    def _one(self, row: tuple[list[int], list[int]]) -> npt.NDArray[np.float32]:
        passage, claim = row
        room = max(_MIN_PASSAGE_TOKENS, MAX_TOKENS - 3 - len(claim))
        head = [_CLS, *passage[:room], _SEP]
        tail = [*claim, _SEP]
        ids = np.array([head + tail], np.int64)
        segments = np.array([[0] * len(head) + [1] * len(tail)], np.int64)
        (logits,) = self._session.run(
            None,
            {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": segments},
        )
        result: npt.NDArray[np.float32] = logits
        return result


def opinion_of(scores: Probabilities) -> Stance:
    """The stance that a pair's three probabilities speak for; neutral where they are not sure."""
    best = int(scores.argmax())
    return STANCES[best] if scores[best] >= _SURE else Stance.NEUTRAL
