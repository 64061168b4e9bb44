"""The packaged model files and their digests, checked before a file is ever run."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

import onnxruntime
from tokenizers import Tokenizer

from service.kit.errors import ModelFileError

DIRECTORY = Path(__file__).parent

SHA256 = {
    "encoder.int8.onnx": "ea4afd11d219e4840a6d032f3dad24c2f3ff55e02ca2fd95477052805207ba5c",
    "stance.int8.onnx": "7735034091de1e454bddcef404fd321066237e312a0c71ce167d081c306d5aba",
    "tokenizer.json": "d241a60d5e8f04cc1b2b3e9ef7a4921b27bf526d9f6050ab90f9267a1f9e5c66",
}


def checked_bytes(name: str, directory: Path = DIRECTORY) -> bytes:
    """Return a model file's bytes.

    Raises:
        ModelFileError: the file is missing or its sha256 is not the one on its card.
    """
    path = directory / name
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise ModelFileError(f"{path}: the model file is missing; reinstall verinote") from error
    digest = hashlib.sha256(content).hexdigest()
    if digest != SHA256[name]:
        raise ModelFileError(
            f"{path}: sha256 is {digest}, expected {SHA256[name]}; reinstall verinote"
        )
    return content


def open_session(name: str) -> onnxruntime.InferenceSession:
    """Open a packaged model on the CPU, one thread a call (see ``service.models.parallel``)."""
    onnxruntime.disable_telemetry_events()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(
        checked_bytes(name), options, providers=["CPUExecutionProvider"]
    )


@cache
def tokenizer() -> Tokenizer:
    """The WordPiece tokenizer that both models share. No truncation or padding inside."""
    loaded: Tokenizer = Tokenizer.from_str(checked_bytes("tokenizer.json").decode())
    return loaded
