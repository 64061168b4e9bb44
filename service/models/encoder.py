"""The sentence encoder: all-MiniLM-L6-v2, int8 (card: README.md beside this file)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from service.models.files import SHA256, open_session, tokenizer
from service.models.parallel import Parallel

ENCODER_NAME = f"all-MiniLM-L6-v2-int8@{SHA256['encoder.int8.onnx'][:12]}"
DIMENSIONS = 384
MAX_TOKENS = 256

Vectors = npt.NDArray[np.float32]


class Encoder:
    """Turns texts into unit vectors. Thread-safe; blocking, so call it off the event loop.

    Args:
        threads: texts encoded side by side; 0 uses all cores.
    """

    name = ENCODER_NAME

    def __init__(self, threads: int = 0) -> None:
        self._session = open_session("encoder.int8.onnx")
        self._parallel = Parallel(threads)

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return an array ``(len(texts), 384)`` of float32 vectors of unit length.

        A text longer than 256 tokens is cut. A text's vector depends on that text alone.
        """
        if not texts:
            return np.zeros((0, DIMENSIONS), np.float32)
        rows = [encoding.ids for encoding in tokenizer().encode_batch(list(texts))]
        return np.vstack(self._parallel.map(self._one, rows))

    def _one(self, ids: list[int]) -> Vectors:
        if len(ids) > MAX_TOKENS:
            ids = [*ids[: MAX_TOKENS - 1], ids[-1]]
        inputs = np.array([ids], np.int64)
        (output,) = self._session.run(
            None, {"input_ids": inputs, "attention_mask": np.ones_like(inputs)}
        )
        result: Vectors = output
        return result
