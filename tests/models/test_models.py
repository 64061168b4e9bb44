"""The embedded models: the same text gives the same numbers, and a changed file is refused."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.kit.errors import ModelFileError
from service.models import ENCODER_NAME, STANCE_NAME, Encoder, StanceModel
from service.models.encoder import DIMENSIONS
from service.models.files import DIRECTORY, SHA256, checked_bytes
from service.models.parallel import Parallel
from service.models.parser import _pipeline, parse, parse_ahead

CLAIM = "Two B-52 bombers flew over the Sea of Japan."
PASSAGE = "The Joint Staff said that two U.S. B-52 bombers flew over the Sea of Japan on Wednesday."
OTHERS = ["A loan.", "The harbour of Sakata was closed for five days.", "ö" * 300, ""]
TEXTS = st.text(max_size=80)


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return Encoder(threads=2)


@pytest.fixture(scope="module")
def stance() -> StanceModel:
    return StanceModel(threads=2)


# The encoder.


def test_a_vector_is_of_unit_length_and_fixed_size(encoder) -> None:
    vectors = encoder.encode([CLAIM, *OTHERS])
    assert vectors.shape == (1 + len(OTHERS), DIMENSIONS)
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1.0, abs=1e-4)


def test_a_texts_vector_does_not_depend_on_its_neighbours(encoder) -> None:
    alone = encoder.encode([CLAIM])[0]
    assert np.array_equal(alone, encoder.encode([*OTHERS, CLAIM])[-1])
    assert np.array_equal(alone, encoder.encode([CLAIM, *OTHERS])[0])


def test_a_vector_does_not_depend_on_the_number_of_threads(encoder) -> None:
    assert np.array_equal(encoder.encode([CLAIM, *OTHERS]), Encoder(1).encode([CLAIM, *OTHERS]))


def test_near_in_meaning_is_near_in_space(encoder) -> None:
    claim, passage, other = encoder.encode([CLAIM, PASSAGE, OTHERS[1]])
    assert claim @ passage > 0.7 > claim @ other


def test_no_texts_give_no_vectors(encoder) -> None:
    assert encoder.encode([]).shape == (0, DIMENSIONS)


def test_a_text_of_any_length_is_read_up_to_its_limit(encoder) -> None:
    long = "bomber " * 400
    assert np.array_equal(encoder.encode([long])[0], encoder.encode([f"{long} ship"])[0])
    assert encoder.encode(["x" * 200_000]).shape == (1, DIMENSIONS)


@given(st.lists(TEXTS, max_size=4))
@settings(max_examples=30, deadline=None)
def test_any_texts_are_encoded_each_on_its_own(encoder, texts) -> None:
    vectors = encoder.encode(texts)
    assert np.isfinite(vectors).all()
    for text, vector in zip(texts, vectors, strict=True):
        assert np.array_equal(vector, encoder.encode([text])[0])


# The stance model.


def test_probabilities_add_up_to_one(stance) -> None:
    scores = stance.score([(PASSAGE, CLAIM), *((other, CLAIM) for other in OTHERS)])
    assert scores.shape == (1 + len(OTHERS), 3)
    assert scores.sum(axis=1) == pytest.approx(1.0)
    assert (scores >= 0).all()


def test_a_pairs_probabilities_do_not_depend_on_its_neighbours(stance) -> None:
    alone = stance.score([(PASSAGE, CLAIM)])[0]
    pairs = [(other, CLAIM) for other in OTHERS]
    assert np.array_equal(alone, stance.score([*pairs, (PASSAGE, CLAIM)])[-1])
    assert np.array_equal(alone, StanceModel(1).score([(PASSAGE, CLAIM)])[0])


def test_what_says_the_claim_supports_it_and_what_says_nothing_does_not(stance) -> None:
    supporting, silent = stance.score([(PASSAGE, CLAIM), (OTHERS[1], CLAIM)])
    assert supporting.argmax() == 0
    assert silent.argmax() == 2


def test_no_pairs_give_no_probabilities(stance) -> None:
    assert stance.score([]).shape == (0, 3)


@pytest.mark.parametrize("words", [100, 400, 5000])
def test_long_claims_and_passages_are_read_up_to_their_limits(stance, words) -> None:
    long = "bomber " * words
    scores = stance.score([(long, CLAIM), (PASSAGE, long), (long, long)])
    assert np.isfinite(scores).all()
    assert scores.sum(axis=1) == pytest.approx(1.0)


def test_a_long_passage_is_cut_and_never_the_claim(stance) -> None:
    filler = "bomber " * 200
    cut, longer = stance.score([(filler, CLAIM), (f"{filler} {PASSAGE}", CLAIM)])
    assert np.array_equal(cut, longer)
    ended = f"{'It was said that ' * 30} {CLAIM}"
    assert not np.array_equal(*stance.score([(PASSAGE, ended), (PASSAGE, ended[:-40])]))


@given(TEXTS, TEXTS)
@settings(max_examples=30, deadline=None)
def test_any_pair_is_read(stance, passage, claim) -> None:
    (scores,) = stance.score([(passage, claim)])
    assert scores.sum() == pytest.approx(1.0)


def test_threads_that_share_a_model_get_the_same_numbers(stance) -> None:
    pairs = [(PASSAGE, CLAIM), (OTHERS[1], CLAIM)]
    expected = stance.score(pairs)
    with ThreadPoolExecutor(4) as pool:
        for scores in pool.map(lambda _: stance.score(pairs), range(8)):
            assert np.array_equal(scores, expected)


# Files.


def test_the_names_hold_part_of_the_digests() -> None:
    assert SHA256["encoder.int8.onnx"][:12] in ENCODER_NAME
    assert SHA256["stance.int8.onnx"][:12] in STANCE_NAME


@pytest.mark.parametrize("name", sorted(SHA256))
def test_a_packaged_file_is_the_one_on_its_card(name) -> None:
    assert checked_bytes(name)
    assert SHA256[name] in (DIRECTORY / "README.md").read_text(encoding="utf-8")


def test_a_file_with_one_byte_changed_is_refused_by_name(tmp_path: Path) -> None:
    shutil.copy(DIRECTORY / "tokenizer.json", tmp_path)
    content = bytearray((tmp_path / "tokenizer.json").read_bytes())
    content[1000] ^= 1
    (tmp_path / "tokenizer.json").write_bytes(content)
    with pytest.raises(ModelFileError, match=r"tokenizer\.json: sha256 is .* reinstall verinote"):
        checked_bytes("tokenizer.json", tmp_path)


@pytest.mark.parametrize("content", [None, b""])
def test_a_file_that_is_missing_or_empty_is_refused_by_name(tmp_path: Path, content) -> None:
    if content is not None:
        (tmp_path / "stance.int8.onnx").write_bytes(content)
    with pytest.raises(ModelFileError, match=r"stance\.int8\.onnx"):
        checked_bytes("stance.int8.onnx", tmp_path)


# The parser and the workers.


@given(st.text(max_size=120))
@settings(max_examples=60, deadline=None)
def test_the_parsers_offsets_are_those_of_the_text(text) -> None:
    doc, blanked = parse(text), re.sub(r"\s", " ", text)
    assert "".join(token.text_with_ws for token in doc) == blanked
    assert all(blanked[t.idx : t.idx + len(t)] == t.text for t in doc)


def test_a_text_is_parsed_once() -> None:
    assert parse(PASSAGE) is parse(PASSAGE)


def _read(tokens) -> list[tuple[str, ...]]:
    return [(token.text, token.dep_, token.lemma_, token.ent_type_) for token in tokens]


@pytest.mark.parametrize("between", [" ", "  ", "\n", "\n\n", "\r\n"])
def test_a_sentence_is_parsed_alike_wherever_it_stands(between) -> None:
    doc = parse(f"{OTHERS[1]}{between}{PASSAGE}{between}{OTHERS[1]}")
    start = len(OTHERS[1]) + len(between)
    among = [token for token in doc if start <= token.idx < start + len(PASSAGE)]
    assert _read(among) == _read(parse(PASSAGE))


def test_parsing_ahead_in_batches_changes_nothing() -> None:
    texts = [f"{count} ships left the harbour of Sakata on {count} May." for count in range(2, 20)]
    parse_ahead(texts)
    assert [_read(parse(text)) for text in texts] == [_read(_pipeline()(text)) for text in texts]


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_results_come_in_the_order_of_the_items(threads) -> None:
    assert Parallel(threads).map(lambda n: n * n, range(20)) == [n * n for n in range(20)]


def test_an_error_in_a_worker_reaches_the_caller() -> None:
    with pytest.raises(ZeroDivisionError):
        Parallel(2).map(lambda n: 1 // n, [1, 0])


def test_a_model_leaves_nothing_in_the_home_folder_that_could_be_reported(tmp_path: Path) -> None:
    """onnxruntime would keep a number of this machine there, and what it is going to send."""
    subprocess.run(
        [sys.executable, "-c", "from service.models import Encoder; Encoder(threads=1)"],
        env={"PATH": os.defpath, "HOME": str(tmp_path)},
        check=True,
    )
    assert list(tmp_path.iterdir()) == []
