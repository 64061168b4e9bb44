"""The stance model as a torch network whose weights are read from, and written to, its int8 file.

Six BERT layers of width 384; the head reads the first token and the mean and maximum over the
claim's tokens. Of the file's graph only the constants are replaced, quantised as they were
(embeddings: one uint8 scale a table; matrices: one int8 scale a column), and the fused norms.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import torch
from onnx import helper, numpy_helper
from torch import nn

_WIDTH, _HEADS, _LAYERS = 384, 12, 6
_FAR = 1e4
Array = npt.NDArray[np.float32]


class _Layer(nn.Module):  # type: ignore[misc]  # torch is not in the locks
    def __init__(self) -> None:
        super().__init__()
        self.qkv = nn.Linear(_WIDTH, 3 * _WIDTH)
        self.attended = nn.Linear(_WIDTH, _WIDTH)
        self.attended_norm = nn.LayerNorm(_WIDTH, eps=1e-12)
        self.up = nn.Linear(_WIDTH, 4 * _WIDTH)
        self.down = nn.Linear(4 * _WIDTH, _WIDTH)
        self.norm = nn.LayerNorm(_WIDTH, eps=1e-12)

    def forward(self, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        rows, tokens, _ = x.shape
        heads = self.qkv(x).view(rows, tokens, 3, _HEADS, _WIDTH // _HEADS)
        query, key, value = heads.permute(2, 0, 3, 1, 4)
        weights = query @ key.transpose(-1, -2) / (_WIDTH // _HEADS) ** 0.5 + mask
        mixed = (weights.softmax(-1) @ value).transpose(1, 2).reshape(rows, tokens, _WIDTH)
        x = self.attended_norm(x + self.attended(mixed))
        return self.norm(x + self.down(nn.functional.gelu(self.up(x))))


class StanceNetwork(nn.Module):  # type: ignore[misc]
    """Token ids, mask and segments, each ``(n, tokens)``, to logits ``(n, 3)``."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(30522, _WIDTH)
        self.positions = nn.Embedding(512, _WIDTH)
        self.segments = nn.Embedding(2, _WIDTH)
        self.norm = nn.LayerNorm(_WIDTH, eps=1e-12)
        self.layers = nn.ModuleList(_Layer() for _ in range(_LAYERS))
        self.mid = nn.Linear(3 * _WIDTH, _WIDTH)
        self.out = nn.Linear(_WIDTH, 3)

    def forward(
        self, ids: torch.Tensor, mask: torch.Tensor, segments: torch.Tensor
    ) -> torch.Tensor:
        """Read each row's passage and claim."""
        placed = self.positions.weight[: ids.shape[1]]
        x = self.norm(self.words(ids) + placed + self.segments(segments))
        unseen = (1 - mask[:, None, None, :].float()) * -_FAR
        for layer in self.layers:
            x = layer(x, unseen)
        x = x.float()
        of_claim = (segments * mask).unsqueeze(-1).float()
        mean = (x * of_claim).sum(1) / of_claim.sum(1).clamp(min=1)
        most = (x - (1 - of_claim) * _FAR).amax(1)
        return self.out(nn.functional.gelu(self.mid(torch.cat([x[:, 0], mean, most], 1))))


def read_network(path: Path) -> StanceNetwork:
    """The network with the weights of an int8 file."""
    constants = _constants(onnx.load(str(path)))
    network = StanceNetwork()
    weights = {}
    for name, (stored, quantised, transposed) in _names(constants).items():
        weight = _restored(constants, stored) if quantised else constants[stored]
        weights[name] = torch.tensor(np.array(weight.T if transposed else weight, np.float32))
    network.load_state_dict(weights)
    return network


def write_network(network: StanceNetwork, template: Path, path: Path) -> None:
    """Write the network's weights into a copy of ``template``, quantised as its own are."""
    model = onnx.load(str(template))
    constants = _constants(model)
    state = {name: value.float().numpy() for name, value in network.state_dict().items()}
    new: dict[str, npt.NDArray[np.generic]] = {}
    for name, (stored, quantised, transposed) in _names(constants).items():
        weight = state[name].T if transposed else state[name]
        if quantised:
            new |= _quantised(weight, stored, constants)
        else:
            new[stored] = weight
    for constant in model.graph.initializer:
        if constant.name in new:
            values = np.ascontiguousarray(new[constant.name])
            constant.CopyFrom(numpy_helper.from_array(values, constant.name))
    spread_norms(model)
    onnx.save(model, str(path))


def spread_norms(model: onnx.ModelProto) -> None:
    """Write each fused sum and norm as the operators that it fuses: a pair takes a quarter less.

    onnxruntime 1.32 reckons the fused operator number by number; plain ones use wide registers.
    It fuses them again where the bias is added before the rest, so it is added last.
    """
    nodes = []
    for node in model.graph.node:
        if node.op_type != "SkipLayerNormalization":
            nodes.append(node)
            continue
        x, rest, weight, shift, bias = node.input
        (result,) = node.output
        added, biased = f"{result}_added", f"{result}_biased"
        nodes += [
            helper.make_node("Add", [x, rest], [added]),
            helper.make_node("Add", [added, bias], [biased]),
            helper.make_node(
                "LayerNormalization", [biased, weight, shift], [result], axis=-1, epsilon=1e-12
            ),
        ]
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def _constants(model: onnx.ModelProto) -> dict[str, npt.NDArray[np.generic]]:
    return {one.name: numpy_helper.to_array(one) for one in model.graph.initializer}


def _restored(constants: dict[str, npt.NDArray[np.generic]], name: str) -> Array:
    values, scale, zero = (
        constants[f"{name}_{part}"].astype(np.float32)
        for part in ("quantized", "scale", "zero_point")
    )
    return (values - zero) * scale


def _quantised(
    weight: Array, name: str, constants: dict[str, npt.NDArray[np.generic]]
) -> dict[str, npt.NDArray[np.generic]]:
    zero = constants[f"{name}_zero_point"]
    if constants[f"{name}_scale"].ndim == 0:
        low, high = min(float(weight.min()), 0.0), max(float(weight.max()), 0.0)
        scale = np.array((high - low) / 255, np.float32)
        zero = np.array(round(-low / float(scale)), zero.dtype)
        values = np.clip(np.round(weight / scale) + zero, 0, 255)
    else:
        scale = (np.abs(weight).max(0) / 127).astype(np.float32)
        scale[scale == 0] = 1
        zero = np.zeros_like(zero)
        values = np.clip(np.round(weight / scale), -127, 127)
    stored = constants[f"{name}_quantized"].dtype
    return {
        f"{name}_quantized": values.astype(stored),
        f"{name}_scale": scale,
        f"{name}_zero_point": zero,
    }


def _names(
    constants: dict[str, npt.NDArray[np.generic]],
) -> dict[str, tuple[str, bool, bool]]:
    """The network's parameters: their names in the file, whether quantised, whether transposed."""
    matrices = sorted(
        (
            name.removesuffix("_quantized")
            for name in constants
            if name.startswith("onnx::MatMul") and name.endswith("_quantized")
        ),
        key=lambda name: int(name.rsplit("_", 1)[-1]),
    )
    found = {
        f"{ours}.weight": (f"bert.embeddings.{theirs}_embeddings.weight", True, False)
        for ours, theirs in (
            ("words", "word"), ("positions", "position"), ("segments", "token_type")
        )
    }  # fmt: skip
    for part in ("weight", "bias"):
        found[f"norm.{part}"] = (f"bert.embeddings.LayerNorm.{part}", True, False)
    for index in range(_LAYERS):
        ours, theirs = f"layers.{index}", f"bert.encoder.layer.{index}"
        found[f"{ours}.qkv.weight"] = (f"Attention_{index}_qkv_weight", True, True)
        found[f"{ours}.qkv.bias"] = (f"Attention_{index}_qkv_bias", False, False)
        dense = (
            ("attended", "attention.output.dense"),
            ("up", "intermediate.dense"),
            ("down", "output.dense"),
        )
        for place, (mine, named) in enumerate(dense):
            found[f"{ours}.{mine}.weight"] = (matrices[3 * index + place], True, True)
            found[f"{ours}.{mine}.bias"] = (f"{theirs}.{named}.bias", False, False)
        for mine, named in (("attended_norm", "attention.output"), ("norm", "output")):
            for part in ("weight", "bias"):
                found[f"{ours}.{mine}.{part}"] = (
                    f"{theirs}.{named}.LayerNorm.{part}",
                    False,
                    False,
                )
    for head in ("mid", "out"):
        found[f"{head}.weight"] = (f"{head}.weight_Transposed", True, True)
        found[f"{head}.bias"] = (f"{head}.bias", False, False)
    return found
