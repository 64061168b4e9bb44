"""The scripted endpoint itself: chat completions and embeddings on real HTTP, with counters."""

from __future__ import annotations

import asyncio
import hashlib
import json
import threading
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response, StreamingResponse

from eval.endpoint.asked import CHARACTERS_A_TOKEN, Asked
from eval.endpoint.faults import Fault, Faults, never

Script = Callable[[Asked], Mapping[str, Any] | str]
"""Answers a request: an object to be sent as JSON, or the text itself."""

_DIMENSIONS = 64
_HANGS_FOR = 30.0
_LISTENS_WITHIN = 20.0


@dataclass
class Counted:
    """What an endpoint was asked so far."""

    calls: int = 0
    answered: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    first: float = 0.0
    asked: list[Asked] = field(default_factory=list)
    embedded: list[str] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)

    @property
    def tokens(self) -> int:
        """Prompts and completions together."""
        return self.prompt_tokens + self.completion_tokens


class ScriptedEndpoint:
    """An OpenAI-compatible endpoint on this machine, listening inside a ``with`` block.

    Args:
        script: what it answers.
        latency: seconds before each answer.
        faults: how requests fail.
        retry_after: what Retry-After says, in seconds.
    """

    def __init__(
        self,
        script: Script,
        *,
        latency: float = 0.0,
        faults: Faults = never,
        retry_after: float = 1.0,
    ) -> None:
        self.script = script
        self.latency = latency
        self.faults = faults
        self.retry_after = retry_after
        self.counted = Counted()
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Its address, for OPENAI_BASE_URL."""
        if self._server is None:
            raise RuntimeError("the endpoint does not listen yet")
        port = self._server.servers[0].sockets[0].getsockname()[1]
        return f"http://127.0.0.1:{port}/v1"

    def __enter__(self) -> Self:
        config = uvicorn.Config(
            self._app(), host="127.0.0.1", port=0, log_level="critical", lifespan="off"
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        until = time.monotonic() + _LISTENS_WITHIN
        while not self._server.started:
            if time.monotonic() > until or not self._thread.is_alive():
                raise RuntimeError("the scripted endpoint does not start")
            time.sleep(0.01)
        return self

    def __exit__(self, *_: object) -> None:
        if self._server is not None and self._thread is not None:
            self._server.should_exit = self._server.force_exit = True
            self._thread.join(_LISTENS_WITHIN)

    def _app(self) -> FastAPI:
        app = FastAPI()

        @app.post("/v1/chat/completions")
        async def completions(request: Request) -> Response:
            return await self._complete(request)

        @app.delete("/v1/counted")
        async def forget() -> Response:  # for who asks from another process
            self.counted = Counted()
            return Response(status_code=204)

        @app.post("/v1/embeddings")
        async def embeddings(request: Request) -> Response:
            body = await request.json()
            given = body["input"]
            texts = [given] if isinstance(given, str) else given
            self.counted.embedded += texts
            rows = [{"index": n, "embedding": _vector(text)} for n, text in enumerate(texts)]
            return JSONResponse({"object": "list", "model": body["model"], "data": rows})

        return app

    async def _complete(self, request: Request) -> Response:
        asked = Asked(await request.json())
        counted = self.counted
        counted.first = counted.first or time.monotonic()
        counted.calls += 1
        counted.asked.append(asked)
        counted.prompt_tokens += asked.tokens
        counted.keys.add(request.headers.get("authorization", ""))
        await asyncio.sleep(self.latency)
        fault = self.faults(asked)
        if fault is not None and (failed := await self._failed(fault)) is not None:
            return failed
        answer = await asyncio.to_thread(self.script, asked)
        text = answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False)
        counted.answered += fault is None
        counted.completion_tokens += len(text) // CHARACTERS_A_TOKEN
        return JSONResponse(_completion(asked, text, fault))

    async def _failed(self, fault: Fault) -> Response | None:
        """The response of a fault that leaves no answer at all."""
        match fault:
            case Fault.HANGS:
                await asyncio.sleep(_HANGS_FOR)
                return _error(504, "too late")
            case Fault.DROPS:
                return StreamingResponse(_dropped(), media_type="application/json")
            case Fault.BUSY:
                return _error(429, "Rate limit reached")
            case Fault.BUSY_FOR:
                return _error(429, "Rate limit reached", {"Retry-After": f"{self.retry_after:g}"})
            case Fault.BROKEN:
                return _error(500, "The server had an error")
            case Fault.UNAVAILABLE:
                return _error(503, "The engine is overloaded")
            case Fault.WRONG_KEY:
                return _error(401, "Incorrect API key provided")
            case Fault.UNKNOWN_MODEL:
                return _error(404, "The model does not exist")
            case Fault.TOO_LONG:
                return _error(400, "This model's maximum context length is 4096 tokens")
            case Fault.SHAPE_UNKNOWN:
                return _error(400, "'response_format' is not supported by this server")
            case Fault.PAGE:
                return HTMLResponse("<html><body>Bad gateway</body></html>")
        return None


def _completion(asked: Asked, text: str, fault: Fault | None) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": text, "refusal": None}
    finish = "stop"
    match fault:
        case Fault.REFUSES:
            message |= {"content": None, "refusal": "I cannot help with that."}
        case Fault.CUTS:
            message["content"], finish = text[: len(text) // 2], "length"
        case Fault.INVALID:
            message["content"] = f"{text[: len(text) // 2]} and so on"
        case Fault.OTHER_SHAPE:
            message["content"] = '{"answer": 42}'
    if asked.wants_tool and message["content"] is not None:
        name = asked.body["tools"][0]["function"]["name"]
        call = {"name": name, "arguments": message["content"]}
        message |= {
            "content": None,
            "tool_calls": [{"id": "call_1", "type": "function", "function": call}],
        }
    choice = {"index": 0, "message": message, "finish_reason": finish}
    completion = len(text) // CHARACTERS_A_TOKEN
    return {
        "id": "chatcmpl-scripted",
        "object": "chat.completion",
        "created": 0,
        "model": asked.body["model"],
        "choices": [] if fault is Fault.NO_CHOICES else [choice],
        "usage": {
            "prompt_tokens": asked.tokens,
            "completion_tokens": completion,
            "total_tokens": asked.tokens + completion,
        },
    }


async def _dropped() -> AsyncIterator[bytes]:
    yield b'{"id": "chatcmpl'
    raise ConnectionAbortedError("as scripted")


def _error(status: int, message: str, headers: dict[str, str] | None = None) -> Response:
    told = {"error": {"message": message, "type": "scripted", "code": None}}
    return JSONResponse(told, status_code=status, headers=headers)


def _vector(text: str) -> list[float]:
    """A vector of hashed words: texts that share words are near."""
    vector = [0.0] * _DIMENSIONS
    for word in text.lower().split():
        place = int.from_bytes(hashlib.sha256(word.encode()).digest()[:4], "big")
        vector[place % _DIMENSIONS] += 1.0
    return vector
