"""The edge to a language model: a prompt goes out over LangChain, a checked answer comes back.

One policy for everything that can fail: faults that may pass are tried again with growing, random
pauses (or the pause that the endpoint asks for) inside a deadline; the others end at once.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from aiolimiter import AsyncLimiter
from pydantic import BaseModel, SecretStr, ValidationError
from tenacity import RetryError

from service.engines.openai.answers import schema_of
from service.engines.openai.cache import AnswerCache, key_of
from service.engines.openai.connections import own_connections
from service.engines.openai.faults import Final, Passing, fault_in, understood, was_read
from service.engines.openai.prompts import Prompt
from service.engines.openai.retries import retrying_async
from service.kit.errors import ConfigurationError, EngineFailed
from service.kit.telemetry import METRICS, span
from service.settings import Settings
from service.types import Account, Usage

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import AIMessage
    from langchain_core.runnables import Runnable

T = TypeVar("T", bound=BaseModel)

_CHARACTERS_A_TOKEN = 4
"""Where an endpoint does not tell what it counted. What is set aside beforehand counts three."""
_MOST_TOKENS = 100_000_000
_MOST_CHARACTERS = 500_000
"""An answer is at most some thousand tokens; what is longer is none."""
_AT_REST = 10.0
"""Seconds in which nothing is asked after an endpoint said that it will answer nothing."""
_FENCED = re.compile(r"\A\s*```(?:json)?\s*\n(?P<json>.*)\n\s*```\s*\Z", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Answered(Generic[T]):
    """A checked answer and what it took; nothing where it was known already."""

    value: T
    usage: Usage


class TooLong(EngineFailed):
    """The model cannot read so much at a time."""


class Endpoint:
    """Asks a language model. Belongs to one event loop.

    Args:
        settings: address, model, limits.
        cache: keeps accepted answers; None does without.
    """

    def __init__(self, settings: Settings, cache: AnswerCache | None = None) -> None:
        self._settings = settings
        self._cache = cache
        self._model = _chat_model(settings)
        self._slots = asyncio.Semaphore(settings.llm_concurrency or 1_000_000)
        self._requests = _a_minute(settings.llm_requests_per_minute)
        self._tokens = _a_minute(settings.llm_tokens_per_minute)
        self._owed = 0
        self._refusal: _Refusal | None = None

    async def close(self) -> None:
        """Give back its connections."""
        model: Any = self._model
        await model.root_async_client.close()

    @property
    def parameters(self) -> dict[str, Any]:
        """What shapes an answer beside the prompt: endpoint, model, temperature, way of asking."""
        settings = self._settings
        return {
            "endpoint": settings.openai_base_url,
            "model": settings.llm_model,
            "temperature": settings.llm_temperature,
            "structured_output": settings.llm_structured_output,
            "max_completion_tokens": settings.llm_max_completion_tokens,
        }

    async def ask(
        self,
        prompt: Prompt,
        values: Mapping[str, str],
        answer: type[T],
        account: Account | None = None,
    ) -> Answered[T]:
        """Fill in a prompt, send it, and return the answer once it has the right shape.

        Args:
            prompt: what is asked.
            values: its variables.
            answer: the shape of the answer.
            account: what is charged.

        Raises:
            ConfigurationError: no request will be answered before a setting is changed.
            TooLong: the model cannot read so much at a time.
            BudgetSpent: the account has not enough left.
            EngineFailed: no usable answer; the message tells the last fault, ``usage`` the price.
        """
        messages = self._messages(prompt, values, answer)
        schema = schema_of(answer)
        asked = {**self.parameters, "messages": messages, "schema": schema}
        key = key_of(asked)
        known = await self._known(key, answer)
        if known is not None:
            return Answered(known, Usage())
        spent = Usage()
        longest = self._settings.llm_max_completion_tokens
        try:
            async with self._slots:  # the deadline begins when it is this request's turn
                async for attempt in retrying_async(self._settings):
                    with attempt:
                        try:
                            text, used = await self._one(messages, schema, longest, account)
                        except _Failed as failed:
                            spent += failed.usage
                            fault = failed.fault
                            if isinstance(fault, Passing) and fault.cut:
                                if longest > self._settings.llm_max_completion_tokens:
                                    raise Final(f"{fault}, and at twice as much") from failed
                                longest *= 2
                            raise fault from failed
                        spent += used
                        value = _checked(text, answer)
        except RetryError as error:
            last = error.last_attempt.exception()
            tries = error.last_attempt.attempt_number
            raise EngineFailed(f"{last} (tried {tries} times)", spent) from last
        except Final as error:
            kind = TooLong if error.too_long else EngineFailed
            raise kind(str(error), spent) from error
        except EngineFailed as error:
            error.usage = error.usage + spent
            raise
        if self._cache is not None:
            submission = account.submission if account is not None else None
            with suppress(ConfigurationError):  # an answer is worth more than the memory of it
                await asyncio.to_thread(self._cache.put, key, value.model_dump_json(), submission)
        return Answered(value, spent)

    async def _known(self, key: str, answer: type[T]) -> T | None:
        """The answer that was given before; what cannot be read was never given."""
        if self._cache is None:
            return None
        try:
            kept = await asyncio.to_thread(self._cache.get, key)
            return answer.model_validate_json(kept) if kept is not None else None
        except (ConfigurationError, ValidationError):
            return None

    def _messages(
        self, prompt: Prompt, values: Mapping[str, str], answer: type[BaseModel]
    ) -> list[tuple[str, str]]:
        (role, system), *others = prompt.messages(values)
        if self._settings.llm_structured_output == "json_mode":
            schema = json.dumps(schema_of(answer), ensure_ascii=False)
            system = f"{system}\n\nAnswer with one JSON object of this schema:\n{schema}"
        return [(role, system), *others]

    async def _one(
        self,
        messages: list[tuple[str, str]],
        schema: dict[str, Any],
        longest: int,
        account: Account | None,
    ) -> tuple[str, Usage]:
        """Send a request once. Returns the answer's text.

        Raises:
            _Failed: whatever went wrong, with what was used.
        """
        texts = [*(text for _, text in messages), json.dumps(schema)]
        asked = sum(map(len, texts))
        strange = sum(len(text.encode()) for text in texts) - asked  # may be several tokens each
        reserved = asked // (_CHARACTERS_A_TOKEN - 1) + strange + longest
        if account is not None:
            await account.reserve(reserved)
        used = Usage()
        try:
            await self._turn(asked // _CHARACTERS_A_TOKEN)
            began = time.monotonic()
            if self._refusal is not None and began - self._refusal.at < _AT_REST:
                raise ConfigurationError(self._refusal.why)
            try:
                with span("ask", wanted=schema["title"]):
                    raw = await self._send(messages, schema, longest)
            except Exception as error:  # all of them are sorted out in faults.py
                sent = asked if was_read(error) else 0
                used = self._usage(getattr(error, "completion", None), began, sent)
                fault = understood(error, self._settings)
                if isinstance(fault, ConfigurationError):
                    self._refusal = _Refusal(str(fault), time.monotonic())
                raise _Failed(fault, used) from error
            text, used = _text(raw), self._usage(raw, began, asked)
            wrong = fault_in(raw)
            if wrong is not None:
                raise _Failed(wrong, used)
            return text, used
        finally:
            self._owed += used.completion_tokens
            if used.calls:
                METRICS.asked(used.seconds, used.prompt_tokens, used.completion_tokens)
            if account is not None:
                await account.settle(reserved, used)

    async def _send(
        self, messages: list[tuple[str, str]], schema: dict[str, Any], longest: int
    ) -> AIMessage:
        from langsmith import tracing_context

        asking = self._asking(schema).bind(max_tokens=longest)
        # Whatever the environment says of LangSmith: no text goes anywhere but to the endpoint.
        with tracing_context(enabled=False):
            async with asyncio.timeout(self._settings.llm_timeout):
                answered: AIMessage = await asking.ainvoke(messages)
        return answered

    def _asking(self, schema: dict[str, Any]) -> Runnable[Any, AIMessage]:
        """The model, bound to answer in a shape.

        ``with_structured_output`` would bind the same and then parse the answer a second time, by
        a parser for pieces of JSON that takes minutes for some; ours is pydantic's.
        """
        name = schema["title"]
        match self._settings.llm_structured_output:
            case "json_schema":
                shape = {"name": name, "schema": schema, "strict": True}
                form: dict[str, Any] = {"type": "json_schema", "json_schema": shape}
                return self._model.bind(response_format=form)
            case "json_mode":
                return self._model.bind(response_format={"type": "json_object"})
            case "function_calling":
                return self._model.bind_tools(
                    [schema], tool_choice=name, strict=True, parallel_tool_calls=False
                )

    async def _turn(self, tokens: int) -> None:
        """Wait until one more request may be sent this minute."""
        if self._requests is not None:
            await self._requests.acquire()
        if self._tokens is not None:
            owed, self._owed = self._owed, 0
            await self._tokens.acquire(min(tokens + owed, self._tokens.max_rate))

    def _usage(self, answered: Any, began: float, asked: int) -> Usage:  # noqa: ANN401
        """What a request took, as the endpoint counted it; else four characters are a token."""
        told: Any = getattr(answered, "usage_metadata", None) or {}
        counted: Any = getattr(answered, "usage", None)
        prompt = told.get("input_tokens", getattr(counted, "prompt_tokens", None))
        completion = told.get("output_tokens", getattr(counted, "completion_tokens", None))
        if not (_is_count(prompt) and _is_count(completion)) or not prompt:
            prompt = asked // _CHARACTERS_A_TOKEN
            completion = len(_text(answered)) // _CHARACTERS_A_TOKEN if answered else 0
        price = self._settings.llm_prices.get(self._settings.llm_model)
        cost = (prompt * price.prompt + completion * price.completion) / 1e6 if price else 0.0
        return Usage(1, prompt, completion, cost, time.monotonic() - began)


@dataclass(frozen=True, slots=True)
class _Refusal:
    """Why an endpoint answers nothing, and when it said so, on the monotonic clock."""

    why: str
    at: float


class _Failed(Exception):
    """A request that failed, with what it used."""

    def __init__(self, fault: Exception, usage: Usage) -> None:
        super().__init__(str(fault))
        self.fault = fault
        self.usage = usage


def _chat_model(settings: Settings) -> BaseChatModel:
    from langchain.chat_models import init_chat_model

    model: BaseChatModel = init_chat_model(
        settings.llm_model,
        model_provider="openai",
        base_url=settings.openai_base_url,
        api_key=settings.openai_api_key or SecretStr("none"),  # the client wants one in any case
        temperature=settings.llm_temperature,
        timeout=settings.llm_timeout,
        **own_connections(settings),
        max_retries=0,  # ours is the only policy
        cache=False,
        use_responses_api=False,
    )
    return model


def _a_minute(limit: int) -> AsyncLimiter | None:
    return AsyncLimiter(limit, 60) if limit else None


def _is_count(value: object) -> bool:
    """Whether an endpoint's word for how many tokens it counted can be one."""
    return isinstance(value, int) and 0 <= value <= _MOST_TOKENS


def _text(raw: Any) -> str:  # noqa: ANN401  LangChain's, or the client's where it was cut
    """The JSON of an answer: its content, or the arguments of its tool call."""
    if not hasattr(raw, "tool_calls"):
        return "".join(str(choice.message.content or "") for choice in raw.choices or ())
    calls = [*raw.tool_calls, *raw.invalid_tool_calls]
    if calls:
        arguments = calls[0]["args"]
        return arguments if isinstance(arguments, str) else json.dumps(arguments)
    return raw.content if isinstance(raw.content, str) else json.dumps(raw.content)


def _checked(text: str, answer: type[T]) -> T:
    if len(text) > _MOST_CHARACTERS:
        raise Passing(f"the answer has {len(text):,} characters")
    fenced = _FENCED.match(text)
    try:
        return answer.model_validate_json(fenced["json"] if fenced else text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "answer"
        raise Passing(
            f"the answer is not of the shape asked for ({where}: {first['msg']})"
        ) from error
