"""``python -m eval.training.finetune``: finish the stance model on the pairs beside this file.

Every ninth passage of each file is kept for development and never trained on. The result is the
average of the starting and the tuned weights (Wortsman et al., "Robust fine-tuning of zero-shot
models", CVPR 2022), which keeps what the model knew of other texts; models finished on different
pairs can be averaged likewise (Wortsman et al., "Model soups", ICML 2022).
"""

from __future__ import annotations

import argparse
import json
import random
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from sklearn.metrics import accuracy_score, f1_score
from tokenizers import Tokenizer
from torch.nn.functional import cross_entropy

from eval.training.network import StanceNetwork, read_network, write_network
from eval.training.pairs import STANCES, Pair, read_pairs
from service.types import Stance

MODELS = Path(__file__).parents[2] / "service" / "models"
_CLS, _SEP, _MOST_TOKENS = 101, 102, 160
_DISTRACTED = 0.4
_TOKENS_A_BATCH = 2400
_STEP = 8
"""Lengths are multiples of it: few distinct shapes, for which kernels are made once."""
_SMOOTHING = 0.05
_WARM_UP = 0.06

Batch = tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]


def _distracted(pair: Pair, sentences: Sequence[str], rng: random.Random) -> Pair:
    """The pair, at times with sentences of other passages around: a statement says much else."""
    if rng.random() >= _DISTRACTED:
        return pair
    others = rng.sample(sentences, rng.randint(1, 2))
    cut = rng.randint(0, len(others))
    return replace(pair, passage=" ".join([*others[:cut], pair.passage, *others[cut:]]))


def batches(pairs: Sequence[Pair], tokenizer: Tokenizer, rng: random.Random) -> list[Batch]:
    """Pairs of about the same length together, in random order; the passage is cut, no claim is."""
    passages = tokenizer.encode_batch([pair.passage for pair in pairs], add_special_tokens=False)
    claims = tokenizer.encode_batch([pair.claim for pair in pairs], add_special_tokens=False)
    rows = [
        (
            [_CLS, *passage.ids[: _MOST_TOKENS - 3 - len(claim.ids)], _SEP],
            [*claim.ids, _SEP],
            stance,
        )
        for passage, claim, stance in zip(
            passages, claims, (STANCES.index(pair.stance) for pair in pairs), strict=True
        )
    ]
    rows.sort(key=lambda row: len(row[0]) + len(row[1]) + rng.random() * 12)
    made: list[Batch] = []
    waiting: list[tuple[list[int], list[int], int]] = []
    for row in rows:
        if waiting and (len(row[0]) + len(row[1]) + 12) * (len(waiting) + 1) > _TOKENS_A_BATCH:
            made.append(_padded(waiting))
            waiting = []
        waiting.append(row)
    made.append(_padded(waiting))
    rng.shuffle(made)
    return made


def _padded(rows: Sequence[tuple[list[int], list[int], int]]) -> Batch:
    longest = max(len(passage) + len(claim) for passage, claim, _ in rows)
    longest += -longest % _STEP
    ids = torch.zeros((len(rows), longest), dtype=torch.long)
    mask, segments = ids.clone(), ids.clone()
    for place, (passage, claim, _) in enumerate(rows):
        length = len(passage) + len(claim)
        ids[place, :length] = torch.tensor(passage + claim)
        mask[place, :length] = 1
        segments[place, len(passage) : length] = 1
    return ids, mask, segments, torch.tensor([stance for *_, stance in rows])


def train(
    network: StanceNetwork, pairs: Sequence[Pair], epochs: int, rate: float, seed: int
) -> None:
    """Train in place: AdamW, linear warm-up and decay, bfloat16 where the processor has it."""
    rng = random.Random(seed)  # noqa: S311  an order, not a secret
    torch.manual_seed(seed)
    tokenizer = Tokenizer.from_file(str(MODELS / "tokenizer.json"))
    passages = sorted({pair.passage for pair in pairs})
    sentences = [part for text in passages for part in re.split(r"(?<=[.!?])\s+", text)]
    network.words.weight.requires_grad_(False)  # words that no pair has keep their neighbours
    trained = [value for value in network.parameters() if value.requires_grad]
    matrices = [value for value in trained if value.ndim > 1]
    others = [value for value in trained if value.ndim == 1]
    optimiser = torch.optim.AdamW(
        [{"params": matrices, "weight_decay": 0.01}, {"params": others, "weight_decay": 0.0}]
    )
    plan = [
        batches([_distracted(pair, sentences, rng) for pair in pairs], tokenizer, rng)
        for _ in range(epochs)
    ]
    steps = sum(len(epoch) for epoch in plan)
    done = 0
    for number, epoch in enumerate(plan, 1):
        network.train()
        losses = []
        for *inputs, stances in epoch:
            done += 1
            warm = min(1.0, done / (_WARM_UP * steps))
            for group in optimiser.param_groups:
                group["lr"] = rate * warm * (1 - (done - 1) / steps)
            with torch.autocast("cpu", torch.bfloat16):
                logits = network(*inputs)
            loss = cross_entropy(logits.float(), stances, label_smoothing=_SMOOTHING)
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimiser.step()
            losses.append(loss.item())
        print(f"epoch {number} of {epochs}: loss {np.mean(losses):.3f}", flush=True)


def measured(network: StanceNetwork, pairs: Sequence[Pair]) -> str:
    """Accuracy and macro-F1 on pairs, as a line."""
    tokenizer = Tokenizer.from_file(str(MODELS / "tokenizer.json"))
    network.eval()
    expected: list[int] = []
    found: list[int] = []
    with torch.no_grad():
        for *inputs, stances in batches(pairs, tokenizer, random.Random(0)):  # noqa: S311
            found += network(*inputs).argmax(1).tolist()
            expected += stances.tolist()
    accuracy, f1 = accuracy_score(expected, found), f1_score(expected, found, average="macro")
    return f"{len(pairs)} pairs: accuracy {accuracy:.3f}, macro-F1 {f1:.3f}"


def averaged(start: StanceNetwork, tuned: StanceNetwork, share: float) -> StanceNetwork:
    """The weights between two networks; ``share`` is the second one's."""
    mixed = StanceNetwork()
    first, second = start.state_dict(), tuned.state_dict()
    mixed.load_state_dict({key: first[key].lerp(second[key], share) for key in first})
    return mixed


def main() -> None:
    """Train, measure, write."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("start", type=Path, help="int8 file to start from")
    arguments.add_argument("out", type=Path, help="int8 file to write")
    arguments.add_argument("--epochs", type=int, default=3)
    arguments.add_argument("--rate", type=float, default=5e-5)
    arguments.add_argument("--seed", type=int, default=0)
    arguments.add_argument("--share", type=float, default=0.7, help="of the tuned weights")
    arguments.add_argument("--go-on", type=Path, help="tuned weights (.pt) of an earlier run")
    arguments.add_argument("--sample", type=int, help="train on so many of the written pairs")
    arguments.add_argument("--also", type=Path, help="further pairs (see near_copies.py)")
    arguments.add_argument("--mean-with", type=Path, help="int8 file of another finished model")
    arguments.add_argument("--mean", type=float, default=0.5, help="the new one's part in the mean")
    chosen = arguments.parse_args()
    training, development = read_pairs()
    if chosen.sample:
        training = random.Random(chosen.seed).sample(training, chosen.sample)  # noqa: S311
    if chosen.also:
        lines = chosen.also.read_text("utf-8").splitlines()
        training += [
            Pair(row["passage"], row["claim"], Stance(row["stance"]))
            for row in map(json.loads, lines)
        ]
    start, network = read_network(chosen.start), read_network(chosen.start)
    if chosen.go_on:
        network.load_state_dict(torch.load(chosen.go_on))
    print(f"{len(training)} pairs to train on; development, at the start: ", end="")
    print(measured(start, development), flush=True)
    train(network, training, chosen.epochs, chosen.rate, chosen.seed)
    print("tuned:", measured(network, development))
    mixed = averaged(start, network, chosen.share)
    if chosen.mean_with:
        mixed = averaged(read_network(chosen.mean_with), mixed, chosen.mean)
    print("averaged:", measured(mixed, development))
    torch.save(network.state_dict(), chosen.out.with_suffix(".pt"))
    write_network(mixed, chosen.start, chosen.out)


if __name__ == "__main__":
    main()
