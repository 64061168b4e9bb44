"""A desk on which nothing was submitted yet."""

from __future__ import annotations

import httpx
from desks import served, settings_for


def test_where_the_example_goes_is_told_before_it_does(tmp_path) -> None:
    with served(settings_for(tmp_path)) as desk, httpx.Client(base_url=desk.url) as client:
        client.post("/sign-in", data={"key": desk.keys["admin"]})
        assert "Stays on this machine" in client.get("/queue").text
        elsewhere = desk.desk.settings.model_copy(update={"embeddings": "openai:small"})
        object.__setattr__(desk.desk, "settings", elsewhere)
        page = client.get("/queue").text
    assert "Load the example" in page
    assert "Its claims go to api.openai.com" in page
    assert "on this machine" not in page
