"""Every way in which an endpoint fails has one end: an answer, a reason, or a setting to change."""

from __future__ import annotations

import asyncio
import json
import re
import time
from pathlib import Path

import pytest
from pydantic import SecretStr

from eval.endpoint.asked import Asked
from eval.endpoint.faults import PASSING, Fault, always, first
from eval.endpoint.server import ScriptedEndpoint
from service.engines.openai.answers import ClaimsFound
from service.engines.openai.cache import AnswerCache
from service.engines.openai.endpoint import Answered, Endpoint, TooLong
from service.engines.openai.prompts import Prompt, load
from service.kit.database import Database
from service.kit.errors import BudgetSpent, ConfigurationError, EngineFailed
from service.settings import Settings, load_settings
from service.submissions.account import SubmissionAccount

ANSWER = {
    "claims": [{"source": "a b", "claim": "A is b.", "speaker": None, "cue": None, "date": None}]
}
QUICK = {"llm_timeout": 0.5, "llm_deadline": 20.0}


@pytest.fixture
def prompt() -> Prompt:
    return load("extract")


def settings_for(endpoint: ScriptedEndpoint, **changed) -> Settings:
    return load_settings(engine="openai").model_copy(
        update={"openai_base_url": endpoint.url, "openai_api_key": None, **QUICK, **changed}
    )


async def ask(asking: Endpoint, prompt: Prompt, text: str = "a b", account=None) -> Answered:
    values = {"published": "unknown", "before": "", "text": text, "after": ""}
    return await asking.ask(prompt, values, ClaimsFound, account)


def answering(**options) -> ScriptedEndpoint:
    return ScriptedEndpoint(lambda _: ANSWER, **options)


async def test_an_answer_comes_back_checked_with_what_it_took(prompt) -> None:
    with answering() as endpoint:
        answered = await ask(Endpoint(settings_for(endpoint)), prompt)
    assert [found.claim for found in answered.value.claims] == ["A is b."]
    assert answered.usage.calls == 1
    assert answered.usage.prompt_tokens == endpoint.counted.prompt_tokens
    assert answered.usage.completion_tokens == endpoint.counted.completion_tokens
    assert answered.usage.seconds > 0


@pytest.mark.parametrize("fault", PASSING)
async def test_a_fault_that_passes_is_survived(prompt, fault: Fault) -> None:
    with answering(faults=first([fault]), retry_after=0.1) as endpoint:
        answered = await ask(Endpoint(settings_for(endpoint)), prompt)
    assert answered.value.claims
    assert endpoint.counted.calls == answered.usage.calls == 2


@pytest.mark.parametrize("fault", [fault for fault in PASSING if fault is not Fault.CUTS])
async def test_a_fault_that_stays_ends_with_its_reason_inside_the_deadline(prompt, fault) -> None:
    deadline = 2.0
    began = time.monotonic()
    with answering(faults=always(fault), retry_after=0.1) as endpoint:
        asking = Endpoint(settings_for(endpoint, llm_deadline=deadline))
        with pytest.raises(EngineFailed, match=r"tried \d times") as raised:
            await ask(asking, prompt)
    assert raised.value.usage.calls == endpoint.counted.calls > 1
    assert time.monotonic() - began < deadline + QUICK["llm_timeout"] + 1


async def test_the_pause_that_the_endpoint_asks_for_is_kept(prompt) -> None:
    with answering(faults=first([Fault.BUSY_FOR]), retry_after=1.0) as endpoint:
        began = time.monotonic()
        await ask(Endpoint(settings_for(endpoint)), prompt)
        assert time.monotonic() - began >= 1.0


async def test_a_pause_past_the_deadline_is_not_waited_for(prompt) -> None:
    with answering(faults=always(Fault.BUSY_FOR), retry_after=3600) as endpoint:
        began = time.monotonic()
        with pytest.raises(EngineFailed, match="429"):
            await ask(Endpoint(settings_for(endpoint)), prompt)
        assert time.monotonic() - began < 5
    assert endpoint.counted.calls == 1


@pytest.mark.parametrize(
    ("fault", "names"),
    [
        (Fault.WRONG_KEY, "OPENAI_API_KEY"),
        (Fault.UNKNOWN_MODEL, "VERINOTE_LLM_MODEL=a-model"),
        (Fault.SHAPE_UNKNOWN, "VERINOTE_LLM_STRUCTURED_OUTPUT=json_schema.*json_mode"),
    ],
)
async def test_what_only_a_setting_can_mend_is_told_at_once(prompt, fault, names) -> None:
    with answering(faults=always(fault)) as endpoint:
        asking = Endpoint(settings_for(endpoint, llm_model="a-model"))
        with pytest.raises(ConfigurationError, match=names):
            await ask(asking, prompt)
    assert endpoint.counted.calls == 1


async def test_a_refusal_is_no_reason_to_ask_again(prompt) -> None:
    told = "refused to answer: I cannot help"
    with (
        answering(faults=always(Fault.REFUSES)) as endpoint,
        pytest.raises(EngineFailed, match=told) as raised,
    ):
        await ask(Endpoint(settings_for(endpoint)), prompt)
    assert endpoint.counted.calls == raised.value.usage.calls == 1
    assert raised.value.usage.prompt_tokens > 0


async def test_a_request_that_is_too_long_is_told_apart(prompt) -> None:
    with (
        answering(faults=always(Fault.TOO_LONG)) as endpoint,
        pytest.raises(TooLong, match="too long for the model"),
    ):
        await ask(Endpoint(settings_for(endpoint)), prompt)
    assert endpoint.counted.calls == 1


async def test_a_cut_answer_is_asked_for_again_with_more_room(prompt) -> None:
    with answering(faults=first([Fault.CUTS])) as endpoint:
        await ask(Endpoint(settings_for(endpoint, llm_max_completion_tokens=100)), prompt)
    rooms = [asked.body["max_completion_tokens"] for asked in endpoint.counted.asked]
    assert rooms == [100, 200]


async def test_an_answer_that_is_cut_at_twice_the_room_too_is_given_up(prompt) -> None:
    with (
        answering(faults=always(Fault.CUTS)) as endpoint,
        pytest.raises(EngineFailed, match="at twice as much") as raised,
    ):
        await ask(Endpoint(settings_for(endpoint)), prompt)
    assert endpoint.counted.calls == raised.value.usage.calls == 2


async def test_a_key_is_never_part_of_a_message(prompt, monkeypatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret\nkey")
    with answering() as endpoint:
        settings = load_settings(engine="openai").model_copy(
            update={"openai_base_url": endpoint.url, **QUICK, "llm_deadline": 1.0}
        )
        with pytest.raises((EngineFailed, ConfigurationError)) as raised:
            await ask(Endpoint(settings), prompt)
    assert "secret" not in str(raised.value)


def test_the_line_end_of_a_secrets_file_is_no_part_of_the_key(monkeypatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-key\n")
    assert load_settings().openai_api_key.get_secret_value() == "sk-key"


async def test_nobody_listening_is_told_with_the_reason(prompt) -> None:
    with answering() as endpoint:
        settings = settings_for(endpoint, llm_deadline=1.0)
    with pytest.raises(EngineFailed, match=r"the connection to http://127.0.0.1:\d+/v1 failed"):
        await ask(Endpoint(settings), prompt)


@pytest.mark.parametrize("way", ["json_schema", "json_mode", "function_calling"])
async def test_json_can_be_asked_for_in_three_ways(prompt, way: str) -> None:
    with answering() as endpoint:
        answered = await ask(Endpoint(settings_for(endpoint, llm_structured_output=way)), prompt)
    (asked,) = endpoint.counted.asked
    assert answered.value.claims[0].claim == "A is b."
    assert asked.kind == "ClaimsFound"
    sent = asked.body.get("response_format", {}).get("type", "tools")
    assert sent == {"json_mode": "json_object", "function_calling": "tools"}.get(way, way)


async def test_json_in_a_fence_is_read_and_words_around_it_are_not(prompt) -> None:
    fenced = f"```json\n{json.dumps(ANSWER)}\n```"
    with ScriptedEndpoint(lambda _: fenced) as endpoint:
        assert (await ask(Endpoint(settings_for(endpoint)), prompt)).value.claims
    with (
        ScriptedEndpoint(lambda _: f"Sure! {json.dumps(ANSWER)}") as endpoint,
        pytest.raises(EngineFailed, match="not of the shape"),
    ):
        await ask(Endpoint(settings_for(endpoint, llm_deadline=1.0)), prompt)


async def test_the_same_is_not_asked_twice_unless_the_switch_is_off(prompt, tmp_path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'answers.db'}")
    database.migrate()
    with answering() as endpoint:
        settings = settings_for(endpoint)
        before = await ask(Endpoint(settings, AnswerCache(database)), prompt)
        again = await ask(Endpoint(settings, AnswerCache(database)), prompt)
        assert endpoint.counted.calls == 1
        assert again.value == before.value
        assert again.usage.calls == again.usage.tokens == 0
        await ask(Endpoint(settings), prompt)
        assert endpoint.counted.calls == 2


@pytest.mark.parametrize(
    "changed",
    [{"llm_model": "another"}, {"llm_temperature": 0.7}, {"llm_structured_output": "json_mode"}],
)
async def test_another_model_or_parameter_is_another_question(prompt, tmp_path, changed) -> None:
    database = Database(f"sqlite:///{tmp_path / 'answers.db'}")
    database.migrate()
    with answering() as endpoint:
        settings = settings_for(endpoint)
        await ask(Endpoint(settings, AnswerCache(database)), prompt)
        await ask(Endpoint(settings.model_copy(update=changed), AnswerCache(database)), prompt)
    assert endpoint.counted.calls == 2


async def test_another_endpoint_is_another_question(prompt, tmp_path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'answers.db'}")
    database.migrate()
    with answering() as one, answering() as other:
        await ask(Endpoint(settings_for(one), AnswerCache(database)), prompt)
        await ask(Endpoint(settings_for(other), AnswerCache(database)), prompt)
    assert other.counted.calls == 1


async def test_an_answer_of_the_wrong_shape_is_never_kept(prompt, tmp_path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'answers.db'}")
    database.migrate()
    with answering(faults=first([Fault.OTHER_SHAPE])) as endpoint:
        await ask(Endpoint(settings_for(endpoint), AnswerCache(database)), prompt)
    with database.transaction() as session:
        from service.engines.openai.cache import AnswerRow

        (kept,) = session.query(AnswerRow.answer).all()
    assert json.loads(kept[0]) == ANSWER


async def test_no_key_is_needed_where_the_endpoint_wants_none(prompt) -> None:
    with answering() as endpoint:
        await ask(Endpoint(settings_for(endpoint)), prompt)
    assert endpoint.counted.keys == {"Bearer none"}


async def test_text_goes_nowhere_else_whatever_the_environment_says(prompt, monkeypatch) -> None:
    with answering() as endpoint, answering() as elsewhere:
        for name in ("LANGSMITH_TRACING", "LANGCHAIN_TRACING_V2"):
            monkeypatch.setenv(name, "true")
        for name in ("LANGSMITH_ENDPOINT", "LANGCHAIN_ENDPOINT"):
            monkeypatch.setenv(name, elsewhere.url.removesuffix("/v1"))
        monkeypatch.setenv("LANGSMITH_API_KEY", "a-key")
        heard: list[str] = []
        app = elsewhere._server.config.app

        @app.middleware("http")
        async def listen(request, call_next):  # whatever path it would take
            heard.append(request.url.path)
            return await call_next(request)

        await ask(Endpoint(settings_for(endpoint)), prompt)
        await asyncio.sleep(1.0)
    assert endpoint.counted.calls == 1
    assert heard == []


async def test_only_so_many_requests_run_at_a_time(prompt) -> None:
    running = most = 0

    def script(_asked: Asked) -> dict:
        nonlocal running, most
        running += 1
        most = max(most, running)
        time.sleep(0.05)
        running -= 1
        return ANSWER

    with ScriptedEndpoint(script) as endpoint:
        asking = Endpoint(settings_for(endpoint, llm_concurrency=2, llm_timeout=10.0))
        await asyncio.gather(*(ask(asking, prompt, f"text {n}") for n in range(8)))
    assert most == 2


@pytest.mark.parametrize("limit", ["llm_requests_per_minute", "llm_tokens_per_minute"])
async def test_only_so_much_is_sent_in_a_minute(prompt, limit: str) -> None:
    with answering() as endpoint:
        asked_for = await ask(Endpoint(settings_for(endpoint)), prompt, "text 0")
        allowed = 2 if "requests" in limit else 2 * asked_for.usage.prompt_tokens + 20
        endpoint.counted.calls = 0
        asking = Endpoint(settings_for(endpoint, **{limit: allowed}))
        waiting = [asyncio.create_task(ask(asking, prompt, f"text {n}")) for n in range(1, 6)]
        await asyncio.wait(waiting, timeout=2.0)
        assert endpoint.counted.calls == 2
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)


async def test_a_price_makes_money_of_tokens(prompt) -> None:
    prices = {"gpt-4.1-mini": {"prompt": 2.0, "completion": 10.0}}
    with answering() as endpoint:
        settings = load_settings(engine="openai", llm_prices=prices).model_copy(
            update={"openai_base_url": endpoint.url}
        )
        used = (await ask(Endpoint(settings), prompt)).usage
    assert used.cost == pytest.approx((2 * used.prompt_tokens + 10 * used.completion_tokens) / 1e6)


async def test_a_budget_is_never_overdrawn_and_ends_with_its_name(prompt) -> None:
    with answering() as endpoint:
        asking = Endpoint(settings_for(endpoint, llm_max_completion_tokens=100))
        account = SubmissionAccount("digest", budget=1500)
        results = await asyncio.gather(
            *(ask(asking, prompt, f"text {n}", account) for n in range(10)), return_exceptions=True
        )
    answered = [one for one in results if isinstance(one, Answered)]
    spent = [one for one in results if isinstance(one, BudgetSpent)]
    assert answered
    assert len(answered) + len(spent) == 10
    assert account.used.tokens == endpoint.counted.tokens <= 1500
    assert "VERINOTE_LLM_TOKEN_BUDGET" in str(spent[0])


async def test_an_account_is_charged_for_what_failed_too(prompt) -> None:
    with answering(faults=first([Fault.INVALID, Fault.BROKEN])) as endpoint:
        account = SubmissionAccount("digest")
        await ask(Endpoint(settings_for(endpoint)), prompt, account=account)
    assert account.used.calls == 3


def test_the_answers_are_of_a_submission_so_that_they_can_go_with_it(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'answers.db'}")
    database.migrate()
    cache = AnswerCache(database)
    cache.put("k", "{}", "digest")
    cache.put("k", '{"other": 1}', "digest")
    assert cache.get("k") == "{}"
    assert cache.get("another") is None


@pytest.mark.parametrize(
    "usage",
    [
        {"prompt_tokens": None, "completion_tokens": None, "total_tokens": None},
        {},
        None,
        {"prompt_tokens": -100_000, "completion_tokens": 5, "total_tokens": 5},
        {"prompt_tokens": 10**400, "completion_tokens": 5, "total_tokens": 5},
        {"prompt_tokens": "many", "completion_tokens": 1.5, "total_tokens": 1},
    ],
)
@pytest.mark.parametrize("finish", ["stop", "length"])
async def test_whatever_is_said_of_usage_a_budget_holds(prompt, usage, finish) -> None:
    body = {
        "id": "1",
        "object": "chat.completion",
        "created": 0,
        "model": "m",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": json.dumps(ANSWER)},
                "finish_reason": finish,
            }
        ],
        "usage": usage,
    }
    account = SubmissionAccount("s", 100_000)
    async with Raw(json.dumps(body)) as raw:
        settings = settings_for(raw, llm_deadline=1.0)
        for _ in range(2):  # what was set aside for the first is given back
            try:
                await ask(Endpoint(settings), prompt, account=account)
            except EngineFailed as error:
                assert finish == "length"
                assert "VERINOTE_LLM_MAX_COMPLETION_TOKENS" in str(error)
    assert 0 < account.used.tokens < 50_000


@pytest.mark.parametrize(
    "body",
    [
        "[" * 100_000,
        "null",
        '"hi"',
        '{"choices": {"a": 1}}',
        '{"choices": [{"index": 0, "message": null, "finish_reason": "stop"}]}',
    ],
)
async def test_what_is_no_answer_fails_with_a_reason(prompt, body: str) -> None:
    async with Raw(body) as raw:
        with pytest.raises(EngineFailed):
            await ask(Endpoint(settings_for(raw, llm_deadline=0.5)), prompt)


async def test_an_answer_that_never_ends_is_not_parsed_for_minutes(prompt) -> None:
    endless = '{"a": [' + '{"b": "' * 100_000

    with ScriptedEndpoint(lambda _: endless) as endpoint:
        began = time.monotonic()
        with pytest.raises(EngineFailed, match="characters"):
            await ask(Endpoint(settings_for(endpoint, llm_timeout=10.0, llm_deadline=0.5)), prompt)
    assert time.monotonic() - began < 30


async def test_a_redirect_is_not_followed(prompt) -> None:
    with answering() as elsewhere:
        head = f"HTTP/1.1 307 T\r\nLocation: {elsewhere.url}/chat/completions\r\n"
        async with Raw("", head=head) as raw:
            with pytest.raises(ConfigurationError, match="OPENAI_BASE_URL"):
                await ask(Endpoint(settings_for(raw)), prompt)
    assert elsewhere.counted.calls == 0


async def test_a_key_that_the_endpoint_repeats_is_not_shown(prompt) -> None:
    key = "abcdef0123456789"
    said = json.dumps({"error": {"message": f"Incorrect API key provided: {key}"}})
    async with Raw(said, head="HTTP/1.1 401 No\r\nContent-Type: application/json\r\n") as raw:
        settings = settings_for(raw, openai_api_key=SecretStr(key))
        with pytest.raises(ConfigurationError) as caught:
            await ask(Endpoint(settings), prompt)
    assert key not in str(caught.value)
    assert "OPENAI_API_KEY" in str(caught.value)


async def test_what_was_not_sent_is_not_paid_for(prompt) -> None:
    account = SubmissionAccount("s")
    with answering() as endpoint:
        gone = settings_for(endpoint, llm_deadline=0.5)
    with pytest.raises(EngineFailed):
        await ask(Endpoint(gone), prompt, account=account)
    assert account.used.tokens == 0


class Raw:
    """Sends the same bytes to everybody."""

    def __init__(self, body: str, head: str = "") -> None:
        content = body.encode()
        head = head or "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
        rest = f"Content-Length: {len(content)}\r\nConnection: close\r\n\r\n"
        self._sent = (head + rest).encode() + content

    async def __aenter__(self) -> Raw:
        self._server = await asyncio.start_server(self._answer, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/v1"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(re.search(rb"(?i)content-length: (\d+)", head)[1])
        await reader.readexactly(length)
        writer.write(self._sent)
        await writer.drain()
        writer.close()


def test_connections_of_a_closed_event_loop_are_not_used_again(prompt) -> None:
    with answering() as endpoint:
        for _ in range(3):
            assert asyncio.run(ask(Endpoint(settings_for(endpoint)), prompt)).value
        assert endpoint.counted.answered == 3
