"""The two ways to run Chroma: embedded, in a folder of its own, or a server that processes share.

What differs between them is here: how it is opened, who waits for whom, and what its failures mean.
Telemetry is off in both.
"""

from __future__ import annotations

import secrets
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast
from urllib.parse import urlsplit

from service.kit.errors import BrokenVectors, VectorsUnreachable
from service.kit.locks import locked_file

if TYPE_CHECKING:
    from chromadb.api.client import Client


class Chroma(Protocol):
    """Where the vectors are."""

    @property
    def place(self) -> str:
        """The folder or address, for messages."""

    def connect(self) -> Client:
        """Open it. What it raises is explained already."""

    def exclusive(self) -> AbstractContextManager[None]:
        """Keep every other process from writing until the block ends."""

    def written(self) -> None:
        """Let other processes know that something was written, while they are kept from writing."""

    def was_written_elsewhere(self) -> bool:
        """Whether another process wrote what this one does not see until it connects again."""

    def explaining(self) -> AbstractContextManager[None]:
        """Turn Chroma's failures into errors that say what to do."""

    def is_sound(self) -> bool:
        """Whether, as far as can be seen without opening it, nothing is damaged."""

    def set_aside(self) -> None:
        """Move what is damaged out of the way, so that the next use starts anew."""


_CONNECTIONS = count(1)


class EmbeddedChroma:
    """Chroma inside this process. Other processes may use the folder too, in turns.

    Args:
        directory: where it keeps its files. The lock is a file beside it.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._mark = directory.with_name(f"{directory.name}.written")
        self._seen = ""

    @property
    def place(self) -> str:
        """See ``Chroma``."""
        return str(self.directory)

    def connect(self) -> Client:
        """See ``Chroma``."""
        from chromadb.api.client import Client
        from chromadb.api.shared_system_client import SharedSystemClient
        from chromadb.config import Settings

        self._seen = self._newest()
        # Chroma shares what it opened among all who name a folder alike, however old its view of
        # it is. So each connection spells the folder in its own way.
        spelled = self.place + "".join(
            "/." if bit == "1" else "//." for bit in f"{next(_CONNECTIONS):b}"
        )
        try:
            return Client(
                settings=Settings(
                    _env_file=None,
                    is_persistent=True,
                    persist_directory=spelled,
                    anonymized_telemetry=False,
                )
            )
        except Exception as error:  # what it raises depends on the damage
            # Chroma keeps what it half opened, and would hand it to whoever opens this path next.
            SharedSystemClient._identifier_to_system.pop(spelled, None)
            raise _broken(self.place, error) from error

    def exclusive(self) -> AbstractContextManager[None]:
        """See ``Chroma``."""
        return locked_file(self.directory.with_name(f"{self.directory.name}.lock"))

    def written(self) -> None:
        """See ``Chroma``. A file beside the folder holds a new random word after every write."""
        self._seen = secrets.token_hex(8)
        half = self._mark.with_name(f"{self._mark.name}.half")
        half.write_text(self._seen, encoding="ascii")
        half.replace(self._mark)

    def was_written_elsewhere(self) -> bool:
        """See ``Chroma``."""
        return self._newest() != self._seen

    def _newest(self) -> str:
        try:
            return self._mark.read_text(encoding="ascii")
        except FileNotFoundError:
            return ""

    @contextmanager
    def explaining(self) -> Iterator[None]:
        """See ``Chroma``."""
        with _telling_damage(self.place):
            yield

    def is_sound(self) -> bool:
        """See ``Chroma``. Its database is read in full."""
        file = self.directory / "chroma.sqlite3"
        if not self.directory.exists() or (self.directory.is_dir() and not file.exists()):
            return True  # nothing is there, so nothing is broken
        try:
            with closing(
                sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)
            ) as opened:
                return bool(opened.execute("PRAGMA quick_check(1)").fetchone() == ("ok",))
        except sqlite3.DatabaseError:
            return False

    def set_aside(self) -> None:
        """See ``Chroma``. What was set aside before is removed."""
        aside = self.directory.with_name(f"{self.directory.name}.broken")
        if aside.is_dir():
            shutil.rmtree(aside)
        else:
            aside.unlink(missing_ok=True)
        self.directory.rename(aside)


class ChromaServer:
    """A Chroma server (``chroma run``), for one installation of Verinote.

    Each request is whole or not at all, and adding or removing what is there already changes
    nothing. Bringing changes from the database is more than one request, though: were a process to
    add a passage that another has just seen withdrawn, its vector would stay. So whoever writes
    takes turns, by a lock of the database, which all processes share wherever they run.

    Args:
        url: ``http://host:port``.
        turn: the lock.
    """

    def __init__(self, url: str, turn: Callable[[], AbstractContextManager[None]]) -> None:
        self.place = url
        self.exclusive = turn

    def connect(self) -> Client:
        """See ``Chroma``."""
        from chromadb import HttpClient
        from chromadb.config import Settings

        parts = urlsplit(self.place)
        is_secure = parts.scheme == "https"
        with self.explaining():
            try:
                client = HttpClient(
                    host=parts.hostname or "",
                    port=parts.port or (443 if is_secure else 80),
                    ssl=is_secure,
                    settings=Settings(_env_file=None, anonymized_telemetry=False),
                )
            except (ValueError, KeyError, TypeError) as error:  # no server, or none of Chroma
                raise self._unreachable(error) from error
        return cast("Client", client)

    @contextmanager
    def explaining(self) -> Iterator[None]:
        """See ``Chroma``."""
        from chromadb.errors import ChromaError
        from httpx import HTTPError

        try:
            with _telling_damage(self.place):
                yield
        except (HTTPError, ChromaError) as error:
            raise self._unreachable(error) from error
        except Exception as error:
            if type(error) is not Exception:  # that itself stands for an answer not of Chroma's
                raise
            raise self._unreachable(error) from error

    def written(self) -> None:
        """See ``Chroma``. Those who ask the server see it anyway."""

    def was_written_elsewhere(self) -> bool:
        """See ``Chroma``."""
        return False

    def is_sound(self) -> bool:
        """See ``Chroma``. A server looks after its files itself."""
        return True

    def set_aside(self) -> None:
        """See ``Chroma``. Each collection is dropped where it is made again."""

    def _unreachable(self, cause: Exception) -> VectorsUnreachable:
        return VectorsUnreachable(
            f"VERINOTE_CHROMA_URL={self.place}: no Chroma server answers there as it should "
            f"({' '.join(str(cause).split())[:200]}); start it, or leave the setting out to keep "
            "the vectors in the data folder"
        )


@contextmanager
def _telling_damage(place: str) -> Iterator[None]:
    from chromadb.errors import InternalError, InvalidArgumentError, NotFoundError

    try:
        yield
    except (InternalError, InvalidArgumentError, NotFoundError) as error:
        # The second: vectors of other dimensions. The third: a collection that was there is not.
        raise _broken(place, error) from error


def _broken(place: str, cause: Exception) -> BrokenVectors:
    return BrokenVectors(
        f"the vectors in {place} cannot be used ({cause}): run `verinote corpus reindex`, which "
        "makes them again from the database and embeds nothing twice"
    )
