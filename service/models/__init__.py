"""The embedded models: files checked by digest at load, run by onnxruntime, no network."""

from __future__ import annotations

from dataclasses import dataclass

from service.models.encoder import ENCODER_NAME, Encoder
from service.models.stance import STANCE_NAME, StanceModel

__all__ = ["ENCODER_NAME", "STANCE_NAME", "Encoder", "Models", "StanceModel"]


@dataclass(frozen=True, slots=True)
class Models:
    """The embedded models, loaded: several pipelines of a process may use the same."""

    encoder: Encoder
    scorer: StanceModel

    @classmethod
    def load(cls, threads: int) -> Models:
        """Load them. Blocking.

        Raises:
            ModelFileError: a file is not what its card says.
        """
        return cls(Encoder(threads), StanceModel(threads))
