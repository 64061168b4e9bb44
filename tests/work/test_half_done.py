"""What an earlier revision left half done is gone on with: see half_done.py."""

from __future__ import annotations

import tarfile
from pathlib import Path

from desks import served, settings_for
from half_done import ARCHIVE, CLAIMS

from eval.endpoint.scripts import silent
from eval.endpoint.server import ScriptedEndpoint


def test_the_work_of_a_killed_service_of_an_earlier_revision_is_finished(tmp_path: Path) -> None:
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(tmp_path / "data", filter="data")
    with ScriptedEndpoint(silent) as endpoint:
        changed = {"engine": "openai", "openai_base_url": endpoint.url}
        with served(settings_for(tmp_path / "data", **changed)) as desk:
            with desk.client() as client:
                (submission,) = client.get("/v1/submissions").json()["items"]
            shown = desk.wait(submission["id"])
        asked = [one.parts["claim"] for one in endpoint.counted.asked]

    assert shown["state"] == "done"
    assert [claim["text"] for claim in shown["claims"]] == CLAIMS
    assert {claim["state"] for claim in shown["claims"]} == {"drafted"}
    assert 0 < len(asked) < len(CLAIMS), "some were done before, and are not done again"
    assert len(set(asked)) == len(asked)
