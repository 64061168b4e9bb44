"""Ids of things that are made one after the other."""

from __future__ import annotations

import secrets
import time


def new_id() -> str:
    """24 hexadecimal figures that grow with time: milliseconds first, then chance."""
    return f"{time.time_ns() // 1_000_000:012x}{secrets.token_hex(6)}"
