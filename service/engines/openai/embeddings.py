"""Embeddings by an OpenAI-compatible endpoint, in the place of the packaged encoder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import cached_property
from threading import Thread
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from pydantic import SecretStr
from tenacity import RetryError

from service.engines.openai.connections import own_connections
from service.engines.openai.faults import Final, understood
from service.engines.openai.retries import retrying
from service.kit.errors import EngineFailed
from service.kit.vectors import Vectors

if TYPE_CHECKING:
    from langchain_openai import OpenAIEmbeddings

    from service.settings import Settings

T = TypeVar("T")

_BATCH = 64


class RemoteEncoder:
    """Turns texts into unit vectors at the endpoint that the settings name.

    Args:
        settings: address, key, limits.
        model: the embedding model there.
    """

    def __init__(self, settings: Settings, model: str) -> None:
        self.name = f"openai:{model}"
        self._settings = settings
        self._model = model
        self._dimensions = 0

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return an array ``(len(texts), dimensions)`` of vectors of unit length. Blocking.

        Raises:
            ConfigurationError: the endpoint will answer nothing before a setting is changed.
            EngineFailed: it gave no usable answer.
        """
        if not texts:
            return np.zeros((0, self._dimensions), np.float32)
        starts = range(0, len(texts), _BATCH)
        return np.vstack([self._batch(list(texts[start : start + _BATCH])) for start in starts])

    def _batch(self, texts: list[str]) -> Vectors:
        try:
            for attempt in retrying(self._settings):
                with attempt:
                    try:
                        rows = self._within(lambda: self._asked(texts))
                    except Exception as error:  # all of them are sorted out in faults.py
                        raise understood(error, self._settings) from error
        except (RetryError, Final) as error:
            last = error.last_attempt.exception() if isinstance(error, RetryError) else error
            raise EngineFailed(f"{self.name}: {last}") from last
        return self._checked(rows, len(texts))

    def _checked(self, rows: Sequence[Sequence[float]], wanted: int) -> Vectors:
        """The rows as vectors of unit length: what is kept of them would be kept for good."""
        try:
            vectors = np.asarray(rows, np.float32)
        except (TypeError, ValueError) as error:
            raise EngineFailed(f"{self.name}: what it gave are no vectors ({error})") from error
        if vectors.ndim != 2 or len(vectors) != wanted:
            raise EngineFailed(f"{self.name}: gave no {wanted} vectors for {wanted} texts")
        if vectors.shape[1] != (self._dimensions or vectors.shape[1]):
            raise EngineFailed(
                f"{self.name}: gave vectors of {vectors.shape[1]} dimensions, and of "
                f"{self._dimensions} before"
            )
        lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
        if not (np.isfinite(lengths).all() and lengths.all()):
            raise EngineFailed(f"{self.name}: gave a vector that has no direction")
        self._dimensions = vectors.shape[1]
        result: Vectors = vectors / lengths
        return result

    def _asked(self, texts: list[str]) -> list[list[float]]:
        from langsmith import tracing_context

        with tracing_context(enabled=False):  # texts go nowhere else
            return self._client.embed_documents(texts)

    def _within(self, ask: Callable[[], T]) -> T:
        """Ask in a thread that is left alone after the time for one try, however it drips."""
        answered: Future[T] = Future()

        def work() -> None:
            try:
                answered.set_result(ask())
            except BaseException as error:  # noqa: BLE001  it is raised where it is waited for
                answered.set_exception(error)

        Thread(target=work, daemon=True).start()
        return answered.result(self._settings.llm_timeout)

    @cached_property
    def _client(self) -> OpenAIEmbeddings:
        from langchain_openai import OpenAIEmbeddings

        return OpenAIEmbeddings(
            model=self._model,
            openai_api_base=self._settings.openai_base_url,
            openai_api_key=self._settings.openai_api_key or SecretStr("none"),  # it wants one
            max_retries=0,
            request_timeout=self._settings.llm_timeout,
            **own_connections(self._settings),
            check_embedding_ctx_length=False,  # else it fetches a vocabulary, and sends numbers
        )
