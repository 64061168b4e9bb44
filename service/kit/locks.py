"""A lock between the processes of one machine."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def locked_file(path: Path, *, wait: bool = True) -> Iterator[None]:
    """Keep other processes, and other threads, out until the block ends.

    Args:
        path: the file that is locked, made with its folder if need be. It stays: were it removed,
            two processes could each lock a file of this name.
        wait: until another that has it lets it go.

    Raises:
        BlockingIOError: another has it, and it is not waited for.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
