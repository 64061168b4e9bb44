"""Connections to the endpoint: of their own, and to nowhere else."""

from __future__ import annotations

import os
from typing import Any

from service.settings import Settings


def own_connections(settings: Settings) -> dict[str, Any]:
    """What LangChain's classes are given, so that they connect as we want.

    By default they share connections with everything in the process that has the same address, also
    those of an event loop that was closed since; and they follow redirects, so that an endpoint
    could have a text sent to another host. A proxy is used where the environment names one.
    """
    from openai import DefaultAsyncHttpxClient, DefaultHttpxClient

    options: dict[str, Any] = {"timeout": settings.llm_timeout, "follow_redirects": False}
    proxy = os.environ.get("OPENAI_PROXY")
    if proxy:
        options["proxy"] = proxy
    return {
        "http_client": DefaultHttpxClient(**options),
        "http_async_client": DefaultAsyncHttpxClient(**options),
        "openai_proxy": None,  # the clients have it already
    }
