"""A desk on which nothing was submitted yet, and what it says of where texts go."""

from __future__ import annotations

import httpx
from desks import served, settings_for


def test_where_texts_go_is_told_before_they_do(tmp_path) -> None:
    with served(settings_for(tmp_path)) as desk, httpx.Client(base_url=desk.url) as client:
        client.post("/sign-in", data={"key": desk.keys["admin"]})
        for address in ("/queue", "/submissions/new"):
            page = client.get(address).text.lower()
            assert "on this machine" in page
            assert "api.openai.com" not in page
        elsewhere = desk.desk.settings.model_copy(update={"embeddings": "openai:small"})
        object.__setattr__(desk.desk, "settings", elsewhere)
        for address in ("/queue", "/submissions/new"):
            page = client.get(address).text
            assert "its claims go to api.openai.com" in page.lower()
            assert "is read on this machine" not in page
            assert "Stays on this machine" not in page
