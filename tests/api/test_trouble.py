"""The desk when what it stands on is broken: its own test, since nothing works afterwards."""

from __future__ import annotations

import logging

from asking import problem
from desks import Served
from sqlalchemy import text
from tiny_corpus import LOAN


def test_trouble_is_told_without_places_and_logged_with_them(
    desk: Served, submitter, caplog
) -> None:
    with desk.desk.transaction() as session:
        session.execute(text("DROP TABLE idempotency_keys"))
    headers = {"Idempotency-Key": "k"}

    with caplog.at_level(logging.ERROR):
        answer = submitter.post(
            "/v1/submissions", json={"claims": [LOAN], "title": "Zubrowka"}, headers=headers
        )

    assert problem(answer, 503) == "out-of-reach"
    assert str(desk.desk.settings.data_dir) not in answer.text
    assert str(desk.desk.settings.data_dir) in caplog.text
    assert "Zubrowka" not in caplog.text
