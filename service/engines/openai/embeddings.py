"""Embeddings by an OpenAI-compatible endpoint, in the place of the packaged encoder."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from pydantic import SecretStr
from tenacity import RetryError

from service.engines.openai.faults import Final, understood
from service.engines.openai.retries import retrying
from service.kit.errors import EngineFailed
from service.kit.vectors import Vectors

if TYPE_CHECKING:
    from langchain_openai import OpenAIEmbeddings

    from service.settings import Settings

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

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return an array ``(len(texts), dimensions)`` of vectors of unit length. Blocking.

        Raises:
            ConfigurationError: the endpoint will answer nothing before a setting is changed.
            EngineFailed: it gave no usable answer.
        """
        rows = [
            row
            for start in range(0, len(texts), _BATCH)
            for row in self._batch(list(texts[start : start + _BATCH]))
        ]
        vectors = np.asarray(rows, np.float32)
        lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
        result: Vectors = vectors / np.maximum(lengths, 1e-12)
        return result

    def _batch(self, texts: list[str]) -> list[list[float]]:
        from langsmith import tracing_context

        try:
            for attempt in retrying(self._settings):
                with attempt:
                    try:
                        with tracing_context(enabled=False):
                            rows = self._client.embed_documents(texts)
                    except Exception as error:  # all of them are sorted out in faults.py
                        raise understood(error, self._settings) from error
        except (RetryError, Final) as error:
            last = error.last_attempt.exception() if isinstance(error, RetryError) else error
            raise EngineFailed(f"{self.name}: {last}") from last
        if len(rows) != len(texts):
            raise EngineFailed(f"{self.name}: gave {len(rows)} vectors for {len(texts)} texts")
        return rows

    @cached_property
    def _client(self) -> OpenAIEmbeddings:
        from langchain_openai import OpenAIEmbeddings

        return OpenAIEmbeddings(
            model=self._model,
            openai_api_base=self._settings.openai_base_url,
            openai_api_key=self._settings.openai_api_key or SecretStr("none"),  # it wants one
            max_retries=0,
            request_timeout=self._settings.llm_timeout,
            check_embedding_ctx_length=False,  # else it fetches a vocabulary, and sends numbers
        )
