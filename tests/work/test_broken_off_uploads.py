"""An upload that is broken off anywhere is gone on with: nothing is lost, nothing done twice."""

from __future__ import annotations

import hashlib
import json
import random
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from chroma_server import chroma_server
from hypothesis import given, settings
from hypothesis import strategies as st
from postgres import Cluster
from processes import Server, free_port, server, wait_until, worker
from servers import Quiet, serving
from sqlalchemy import event, func, select

from service.audit.trail import Actor, Entry, Trail, entries
from service.kit.database import Database, utc_now
from service.kit.vectors import Vectors
from service.settings import load_settings
from service.statements import repository
from service.statements.corpus import Corpus
from service.statements.intake import Upload
from service.statements.tables import StatementVersionRow
from service.work import uploads
from service.work.tables import UploadResultRow, UploadRow, UploadSourceRow

WITHIN = 120.0
TRAIL = Trail(b"secret")
WHO = Actor("ana", "0" * 12, "192.0.2.1")


class Hashes:
    """Embeds a text as what its digest says: no model is needed where nothing is searched."""

    name = "hashes@1"

    def encode(self, texts: Sequence[str]) -> Vectors:
        made = [
            np.frombuffer(hashlib.sha256(text.encode()).digest(), np.uint8).astype(np.float32)
            for text in texts
        ]
        return np.array([one / np.linalg.norm(one) for one in made], np.float32)


def line(id_: str, text: str, **more: str) -> bytes:
    told = {"id": id_, "text": f"The council said on Tuesday that {text}.", "language": "en"}
    return json.dumps(told | more).encode() + b"\n"


# In this process: broken off between two statements, or right before any commit.


class Crashed(Exception):  # noqa: N818  it is none of ours
    """The process is gone."""


def accept(corpus: Corpus, files: Sequence[bytes]) -> str:
    sent = uploads.Sent.of(
        [Upload(f"{number}.jsonl", content) for number, content in enumerate(files)]
    )
    with corpus.database.transaction() as session:
        return uploads.accept(session, sent, WHO)


def finish(corpus: Corpus, upload_id: str) -> None:
    for _ in uploads.add(corpus, TRAIL, upload_id):
        pass


def crash_at(corpus: Corpus, upload_id: str, commit: int) -> None:
    """Go on with an upload until the process ends right before one of its commits."""
    left = [commit]

    def crash(_: object) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise Crashed

    event.listen(corpus.database.engine, "commit", crash)
    try:
        finish(corpus, upload_id)
    except Crashed:
        pass
    finally:
        event.remove(corpus.database.engine, "commit", crash)


def told(corpus: Corpus, upload_id: str) -> dict[str, Any]:
    """All that an upload left behind."""
    with corpus.database.transaction() as session:
        row = uploads.row_of(session, upload_id)
        assert TRAIL.first_broken(session) is None
        versions = select(
            StatementVersionRow.statement_id, StatementVersionRow.version, StatementVersionRow.text
        )
        return {
            "state": (row.state, row.total, row.done, row.failed, row.corpus_revision),
            "results": [
                (one.name, one.outcome, one.statement_id, one.version, one.reason)
                for one in uploads.results(session, upload_id, after=None, limit=1_000)
            ],
            "trail": [
                (one.action, one.subject, one.revision, one.actor)
                for one in entries(session, after=0, limit=1_000)
            ],
            "versions": [tuple(one) for one in session.execute(versions.order_by("revision"))],
            "left": session.scalar(select(func.count()).select_from(UploadSourceRow)),
        }


def corpus_in(folder: str | Path, **given: Any) -> Corpus:
    return Corpus.open(load_settings(data_dir=Path(folder), **given), Hashes())


LINES = st.builds(
    lambda id_, about, broken: b"no JSON\n" if broken else line(id_, about),
    st.sampled_from(["a", "b", "c", "d", "e", "f"]),
    st.sampled_from(["it rains", "it snows"]),
    st.sampled_from([False] * 6 + [True]),
)
FILES = st.lists(st.lists(LINES, min_size=1, max_size=8).map(b"".join), min_size=1, max_size=3)


@given(files=FILES, crashes=st.lists(st.integers(0, 12), max_size=6))
@settings(max_examples=25, deadline=None)
def test_crashes_before_any_commits_change_nothing_of_what_comes_out(
    files: list[bytes], crashes: list[int]
) -> None:
    with tempfile.TemporaryDirectory() as whole, tempfile.TemporaryDirectory() as broken:
        with corpus_in(whole) as corpus:
            upload_id = accept(corpus, files)
            finish(corpus, upload_id)
            expected = told(corpus, upload_id)
        with corpus_in(broken) as corpus:
            upload_id = accept(corpus, files)
            for commit in crashes:
                crash_at(corpus, upload_id, commit)
            finish(corpus, upload_id)
            assert told(corpus, upload_id) == expected
            assert not corpus.check().differs
    assert expected["left"] == 0
    assert len(expected["trail"]) == len(expected["versions"])


@pytest.fixture
def corpus(database_url: str, tmp_path: Path) -> Iterator[Corpus]:
    with corpus_in(tmp_path / "data", database_url=database_url) as opened:
        yield opened


def test_two_that_take_each_other_for_gone_write_everything_once(
    corpus: Corpus, monkeypatch
) -> None:
    monkeypatch.setattr(uploads, "_A_FEW", 1)
    files = [b"".join(line(f"s{one}{number}", "it rains") for number in range(6)) for one in "ab"]
    files[1] += b"no JSON\n" + line("sa0", "it snows") + line("sb0", "it rains")
    upload_id = accept(corpus, files)

    runs = [uploads.add(corpus, TRAIL, upload_id) for _ in range(2)]
    chance = random.Random(7)
    while runs:
        run = chance.choice(runs)
        if not next(run, False):
            runs.remove(run)

    found = told(corpus, upload_id)
    assert found["state"][1:4] == (15, 13, 2)
    assert len(found["versions"]) == len(found["trail"]) == 12
    assert {one[1] for one in found["versions"]} == {1}
    assert len(found["results"]) == 15


def test_a_statement_that_changed_meanwhile_is_not_changed_back(
    corpus: Corpus, monkeypatch
) -> None:
    monkeypatch.setattr(uploads, "_A_FEW", 1)
    known = {"issuer": "A council", "title": "The weather"}
    upload_id = accept(corpus, [line("w1", "it rains", **known) + line("w2", "it hails")])
    next(uploads.add(corpus, TRAIL, upload_id))  # the first is stored, and the process gone
    corpus.add([Upload("newer.jsonl", line("w1", "it snows", **known))])

    finish(corpus, upload_id)

    assert [version[:2] for version in told(corpus, upload_id)["versions"]] == [
        ("w1", 1),
        ("w1", 2),
        ("w2", 1),
    ]


@pytest.mark.parametrize("then", ["the same", "fewer", "nothing"])
def test_an_address_is_asked_again_only_for_what_is_missing(
    database_url: str, tmp_path: Path, monkeypatch, then: str
) -> None:
    monkeypatch.setattr(uploads, "_A_FEW", 2)
    lines = [line(f"l{number}", "it rains") for number in range(5)]
    asked: list[str] = []

    class Host(Quiet):
        def do_GET(self) -> None:
            asked.append(self.path)
            if self.path == "/page":
                self.answer(b"The council said on Tuesday that it rains.", "text/plain")
            elif then == "nothing" and asked.count(self.path) > 1:
                self.answer(b"", "text/plain", 404)
            else:
                fewer = then == "fewer" and asked.count(self.path) > 1
                self.answer(b"".join(lines[: 3 if fewer else 5]), "application/x-ndjson")

    given = {"database_url": database_url, "fetch_allow_private": True}
    with serving(Host) as port, corpus_in(tmp_path / "data", **given) as corpus:
        sent = uploads.Sent.of([f"http://127.0.0.1:{port}/{name}" for name in ("page", "list")])
        with corpus.database.transaction() as session:
            upload_id = uploads.accept(session, sent, WHO)
        running = uploads.add(corpus, TRAIL, upload_id)
        assert [next(running), next(running)] == [True, True]  # the page and three lines
        finish(corpus, upload_id)
        found = told(corpus, upload_id)

    assert asked == ["/page", "/list", "/list"]
    state, total, done, failed, _ = found["state"]
    assert (state, total) == ("done", done + failed)
    assert (done, failed) == {"the same": (6, 0), "fewer": (4, 0), "nothing": (4, 1)}[then]
    assert len(found["versions"]) == len(found["trail"]) == done


def test_what_is_not_known_is_nothing_to_do(corpus: Corpus) -> None:
    assert list(uploads.add(corpus, TRAIL, "0" * 24)) == []


def test_an_upload_is_ended_once(corpus: Corpus) -> None:
    upload_id = accept(corpus, [line("e1", "it rains")])
    finish(corpus, upload_id)
    before = told(corpus, upload_id)
    with corpus.database.transaction() as session:
        uploads.end(session, upload_id, uploads.ENDED)
    finish(corpus, upload_id)
    assert told(corpus, upload_id) == before


def test_where_the_vectors_are_another_models_all_is_stored_and_it_says_so(
    corpus: Corpus, database_url: str, tmp_path: Path
) -> None:
    class Others(Hashes):
        name = "others@1"

    corpus.add([Upload("first.jsonl", line("v0", "it rains"))])
    upload_id = accept(corpus, [line("v1", "it rains") + line("v2", "it hails")])
    corpus.close()
    given = load_settings(data_dir=tmp_path / "data", database_url=database_url)
    with Corpus.open(given, Others()) as other:
        finish(other, upload_id)
        found = told(other, upload_id)
    assert found["state"][0] == "failed"
    assert [result[1] for result in found["results"]] == ["added", "added"]
    with other.database.transaction() as session:
        assert "vectors" in (uploads.row_of(session, upload_id).error or "")


def test_uploads_that_ended_long_ago_are_forgotten_and_their_statements_stay(
    corpus: Corpus,
) -> None:
    ids = [accept(corpus, [line(f"f{number}", "it rains")]) for number in range(3)]
    for upload_id in ids[:2]:
        finish(corpus, upload_id)
    with corpus.database.transaction() as session:
        uploads.row_of(session, ids[0]).finished_at -= 2 * uploads.KEPT
    with corpus.database.transaction() as session:
        old = uploads.expired(session, utc_now() - uploads.KEPT, 10)
        assert old == [ids[0]]
        uploads.forget(session, old)
        left = session.scalars(select(UploadRow.id).order_by(UploadRow.id)).all()
        results = session.scalars(select(UploadResultRow.upload_id)).all()
        stored = [one.ref.statement_id for one in repository.statements(session)]
    assert (list(left), list(results), stored) == (sorted(ids[1:]), [ids[1]], ["f0", "f1"])


# As processes of their own, that are killed.


COUNT = 240


def content() -> bytes:
    """Statements of which the last says something else under the id of the first."""
    made = [line(f"k{number}", f"house {number} is sold") for number in range(COUNT)]
    return b"".join([*made, line("k0", "house 0 is not sold")])


def upload(served: Server) -> str:
    files = [("files", ("many.jsonl", content(), "application/x-ndjson"))]
    with served.client() as client:
        answer = client.post("/v1/statements/files", files=files)
    assert answer.status_code == 202, answer.text
    return str(answer.headers["Location"])


def shown(served: Server, location: str) -> dict[str, Any]:
    with served.client() as client:
        answer = client.get(location, params={"limit": 200})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def stored(served: Server, location: str) -> int:
    done: int = shown(served, location)["progress"]["sources_done"]
    return done


def check(url: str, upload_id: str) -> None:
    """Every statement is there once, with one result and one entry; nothing is left over."""
    database = Database(url)
    with database.transaction() as session:
        row = uploads.row_of(session, upload_id)
        assert (row.state, row.total, row.done, row.failed) == ("done", COUNT + 1, COUNT, 1)
        results = uploads.results(session, upload_id, after=None, limit=1_000)
        assert Counter(one.outcome for one in results) == {"added": COUNT, "failed": 1}
        assert results[-1].reason == ("has the same id as many.jsonl: line 1, but another content")
        versions = session.scalars(select(StatementVersionRow.version)).all()
        assert versions == [1] * COUNT
        found: list[Entry] = entries(session, after=0, limit=10_000)
        added = Counter(one.subject for one in found if one.action == "statement.add")
        assert added == {f"statement:k{number}": 1 for number in range(COUNT)}
        assert {one.actor.user for one in found if one.action == "statement.add"} == {"admin"}
        assert session.scalar(select(func.count()).select_from(UploadSourceRow)) == 0
    database.close()


def test_killed_again_and_again_an_upload_is_finished_as_if_nothing_had_been(
    tmp_path: Path,
) -> None:
    folder, chance = tmp_path / "data", random.Random(3)
    with server(folder) as served:
        served.wait()
        location = upload(served)
        wait_until(lambda: stored(served, location) > 0, f"it does not come about: {served.log}")
        served.kill()
    for _ in range(2):
        with server(folder) as served:
            served.wait()
            before = stored(served, location)
            assert before < COUNT
            wait_until(
                lambda before=before: stored(served, location) > before,
                f"it does not come about: {served.log}",
            )
            time.sleep(chance.uniform(0, 0.2))
            served.kill()
    with server(folder) as served:
        served.wait()
        wait_until(
            lambda: shown(served, location)["state"] == "done",
            f"it does not come about: {served.log}",
        )
        assert served.stop() == 0
    check(f"sqlite:///{folder / 'verinote.db'}", location.rpartition("/")[2])
    with Corpus.open(load_settings(data_dir=folder)) as corpus:
        assert not corpus.check().differs


def test_a_service_that_is_told_to_stop_leaves_the_rest_of_an_upload_to_the_next(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "data"
    with server(folder, stop_within=60) as served:
        served.wait()
        location = upload(served)
        wait_until(lambda: stored(served, location) > 0, f"it does not come about: {served.log}")
        assert served.stop() == 0
        assert "Traceback" not in served.log.read_text()
    with server(folder) as served:
        served.wait()
        found = shown(served, location)
        assert (found["state"], found["finished_at"]) == ("running", None)
        wait_until(
            lambda: shown(served, location)["state"] == "done",
            f"it does not come about: {served.log}",
        )
        assert served.stop() == 0
    check(f"sqlite:///{folder / 'verinote.db'}", location.rpartition("/")[2])


def test_a_worker_waits_for_chroma_and_another_goes_on_when_it_is_killed(
    tmp_path: Path, postgres: Cluster
) -> None:
    port = free_port()
    with postgres.database() as url, ExitStack() as opened:
        chroma = ExitStack()
        chroma.enter_context(chroma_server(tmp_path / "chroma", port))
        opened.callback(chroma.close)
        shared = {
            "database_url": url,
            "chroma_url": f"http://127.0.0.1:{port}",
            "secret": "the same for all of them",
            "worker_gone_after": 3,
        }
        api = opened.enter_context(server(tmp_path / "api", "--no-work", **shared))
        api.wait()
        location = upload(api)
        assert shown(api, location)["state"] == "queued"
        first = opened.enter_context(worker(tmp_path / "first", "first", **shared))
        wait_until(lambda: stored(api, location) > 0, f"it does not come about: {first.log}")
        chroma.close()
        wait_until(
            lambda: "out of reach" in first.log.read_text(), f"it does not come about: {first.log}"
        )
        before = stored(api, location)
        assert shown(api, location)["state"] == "running"
        chroma.enter_context(chroma_server(tmp_path / "chroma", port))
        wait_until(lambda: stored(api, location) > before, f"it does not come about: {first.log}")
        first.kill()
        assert shown(api, location)["state"] == "running"
        second = opened.enter_context(worker(tmp_path / "second", "second", **shared))

        wait_until(
            lambda: shown(api, location)["state"] == "done", f"it does not come about: {second.log}"
        )

        assert [one.stop() for one in (second, api)] == [0, 0]
        check(url, location.rpartition("/")[2])
