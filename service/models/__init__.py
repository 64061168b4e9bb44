"""The embedded models: files checked by digest at load, run by onnxruntime, no network."""

from service.models.encoder import ENCODER_NAME, Encoder
from service.models.stance import STANCE_NAME, StanceModel

__all__ = ["ENCODER_NAME", "STANCE_NAME", "Encoder", "StanceModel"]
