"""Marks around texts by others, which those texts cannot forge.

A mark is derived from the text that it encloses under the installation secret: nobody who writes
an article or a statement can know it, and the same request is the same twice.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping

_DIGITS = 12


class Marks:
    """Encloses texts as data.

    Args:
        secret: the installation secret.
    """

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def enclose(self, texts: Mapping[str, str]) -> dict[str, str]:
        """Return each text between an opening and a closing mark that bear its name.

        Args:
            texts: by name; all of one request, which share the number in their marks.
        """
        digest = hmac.new(self._secret, digestmod=hashlib.sha256)
        for name, text in texts.items():
            digest.update(f"{name}\0{len(text)}\0{text}\0".encode())
        number = digest.hexdigest()[:_DIGITS]
        return {
            name: f"<{name} {number}>\n{text}\n</{name} {number}>" for name, text in texts.items()
        }
