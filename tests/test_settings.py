"""Settings that cannot be used are named, and no secret is repeated."""

from __future__ import annotations

import pytest

from service.kit.errors import ConfigurationError
from service.settings import load_settings


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OPENAI_BASE_URL", "localhost:8000"),
        ("OPENAI_BASE_URL", "http://[::1"),
        ("OPENAI_BASE_URL", "http://127.0.0.1:999999/v1"),
        ("OPENAI_BASE_URL", "http://"),
        ("OPENAI_BASE_URL", "http://user:hunter2secret@host/v1"),
        ("OPENAI_BASE_URL", "http://host/v1?key=hunter2secret"),
        ("OPENAI_API_KEY", "hunter2secret\u00e4"),
        ("VERINOTE_LLM_PRICES", "{"),
        ("VERINOTE_LLM_PRICES", ""),
        ("VERINOTE_LLM_PRICES", '{"m": {"prompt": 1e999, "completion": 1}}'),
        ("VERINOTE_LLM_PRICES", '{"m": {"prompt": -1, "completion": 1}}'),
        ("VERINOTE_LLM_TEMPERATURE", "inf"),
        ("VERINOTE_LLM_TIMEOUT", "nan"),
        ("VERINOTE_LLM_DEADLINE", "0"),
        ("VERINOTE_EMBEDDINGS", "openai:"),
        ("VERINOTE_PUBLIC_URL", "facts.example.org"),
        ("VERINOTE_PUBLISHER_LOGO", "https://user:hunter2secret@host/logo.png"),
        ("VERINOTE_PUBLISHER_NAME", ""),
        ("VERINOTE_RATING_LABELS", "{"),
        ("VERINOTE_RATING_LABELS", '{"true": "True"}'),
        ("VERINOTE_RATING_LABELS", '{"refuted": " "}'),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(monkeypatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError, match=name) as caught:
        load_settings()
    assert "hunter2secret" not in str(caught.value)


def test_which_price_is_wrong_is_said(monkeypatch) -> None:
    monkeypatch.setenv("VERINOTE_LLM_PRICES", '{"a-model": {"prompt": -1, "completion": 1}}')
    with pytest.raises(ConfigurationError, match=r"\[a-model\]\[prompt\]=-1"):
        load_settings()


def test_a_folder_of_datasets_that_is_left_empty_is_none(monkeypatch) -> None:
    monkeypatch.setenv("VERINOTE_EVALUATION_DATA", "")
    assert load_settings().evaluation_data is None
