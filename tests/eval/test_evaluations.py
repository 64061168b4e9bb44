"""Evaluations over HTTP: asked for, followed, cancelled, gone on with, compared, taken out."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from dbos import DBOS
from desks import Served, database_of, served, settings_for
from evaluated import PRICES, Model, write_claims
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from tiny_corpus import BOMBERS

from eval.durable import store
from eval.durable.tables import EvaluationContentRow, EvaluationItemRow, EvaluationRow
from eval.durable.work import Evaluations, workflow_of, workflows_of
from eval.endpoint.server import ScriptedEndpoint
from eval.subject import Subject
from service.kit.database import utc_now
from service.kit.errors import OutOfReach, VectorsUnreachable

CLAIMS = [
    {
        "id": f"c{number}",
        "claim": f"Two B-52 bombers flew over the Sea of Japan with {number} escorts.",
        "verdict": "not_enough_evidence",
        "as_of": "2025-12-31",
    }
    for number in range(5)
]
SCHOOLS = [
    {
        "id": str(number),
        "claim": f"The ministry opened school {number} over the Sea of Japan.",
        "verdict": "supported" if number % 2 else "not_enough_evidence",
        "as_of": "2025-12-31",
    }
    for number in range(12)
]
"""What ``Model`` knows an answer to."""


@pytest.fixture(scope="module")
def model() -> Model:
    return Model()


ON_BOTH = {
    "test_it_stops_at_its_tokens_and_goes_on_with_more_asking_nothing_twice",
    "test_taken_out_it_leaves_nothing_but_what_others_read",
    "test_one_whose_queue_was_lost_in_its_middle_is_begun_again",
    "test_an_item_that_nobody_can_answer_is_given_up_and_the_others_are_not",
    "test_the_largest_limits_are_kept_as_they_were_given",
}
"""Whose locks, numbers or records hang on the kind of database."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "desk" in metafunc.fixturenames:
        kinds = ["sqlite", "postgresql"] if metafunc.function.__name__ in ON_BOTH else ["sqlite"]
        metafunc.parametrize("desk", kinds, indirect=True, scope="module")


@pytest.fixture(scope="module")
def desk(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, model: Model
) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("evaluations")
    write_claims(folder, 6)
    with database_of(request.param, request) as given, ScriptedEndpoint(model) as endpoint:
        settings = settings_for(
            folder,
            **given,
            evaluation_data=folder,
            openai_base_url=endpoint.url,
            llm_cross_check=False,
            engine="openai",
            llm_prices=settings_for(folder)
            .model_validate_json(f'{{"llm_prices": {PRICES}}}')
            .llm_prices,
            worker_concurrency=1,
        )
        with served(settings) as it:
            yield it


def asked(desk: Served, **body: Any) -> str:
    with desk.client("reviewer") as client:
        answer = client.post("/v1/evaluations", json=body)
    assert answer.status_code == 202, answer.text
    assert answer.headers["Location"] == f"/v1/evaluations/{answer.json()['id']}"
    id_: str = answer.json()["id"]
    return id_


def evaluate(desk: Served, **body: Any) -> dict[str, Any]:
    return desk.evaluate(**{"engine": "local"} | body)


def rows(desk: Served, id_: str) -> list[dict[str, Any]]:
    with desk.client() as client:
        text = client.get(f"/v1/evaluations/{id_}/items").text
    return [json.loads(line) for line in text.splitlines()]


def test_own_claims_are_run_against_the_services_statements(desk: Served) -> None:
    shown = evaluate(desk, claims=CLAIMS)

    assert (shown["state"], shown["reason"]) == ("done", None)
    assert shown["progress"] == {"items_total": 5, "items_done": 5, "items_failed": 0}
    assert shown["metrics"]["accuracy"]["n"] == 5
    assert shown["started_by"] == "a.reviewer"
    assert shown["run"]["corpus_revision"] == shown["run"]["corpus_revision_at_end"] > 0
    found = rows(desk, shown["id"])
    assert {row["claim"] for row in found} == {claim["claim"] for claim in CLAIMS}
    assert all(row["evidence"] for row in found), "the service's statements were searched"
    with desk.client() as client:
        listed = client.get("/v1/evaluations").json()["items"]
    assert shown["id"] in [one["id"] for one in listed]


def test_a_dataset_of_the_server_is_run_over_its_own_statements(desk: Served) -> None:
    with desk.client() as client:
        known = {one["name"]: one for one in client.get("/v1/evaluations/datasets").json()}
    assert known["seeds"]["available"]
    assert known["probes"]["available"]
    assert not known["wice-claims"]["available"]

    shown = evaluate(desk, dataset="probes", limit=3)

    assert shown["progress"]["items_total"] == 3
    assert shown["run"]["statements_sha256"] is not None
    assert "corpus_revision_at_end" not in shown["run"]
    whole = evaluate(desk, dataset="probes")
    assert whole["progress"]["items_total"] == 6
    assert [told.split(":")[0] for told in whole["bad_rows"]] == ["line 4"]


@pytest.mark.parametrize(
    ("body", "status", "named"),
    [
        ({"dataset": "none"}, 404, "none"),
        ({"dataset": "wice-claims"}, 422, "wice-claims.jsonl"),
        ({"dataset": "seeds", "claims": CLAIMS}, 422, "claims are rows of probes"),
        ({"claims": []}, 422, "claims"),
        ({"claims": [CLAIMS[0] | {"verdict": "true"}]}, 422, "claims.0.verdict"),
        ({"claims": CLAIMS, "limit": 0}, 422, "limit"),
        ({"claims": CLAIMS, "max_cost": "1"}, 422, "max_cost"),
    ],
)
def test_what_cannot_be_run_is_refused_and_named(
    desk: Served, body: dict[str, Any], status: int, named: str
) -> None:
    with desk.client("reviewer") as client:
        answer = client.post("/v1/evaluations", json=body)
    assert answer.status_code == status
    assert named in answer.json()["detail"]


def test_it_stops_at_its_tokens_and_goes_on_with_more_asking_nothing_twice(
    desk: Served, model: Model
) -> None:
    model.asked.clear()
    id_ = asked(desk, claims=SCHOOLS, engine="openai", max_tokens=1)
    shown = desk.evaluated(id_)
    assert shown["state"] == "stopped"
    assert shown["reason"].startswith("the limit in tokens, 1, is reached")
    assert 0 < shown["progress"]["items_done"] < len(SCHOOLS)
    assert shown["metrics"]["accuracy"]["n"] == shown["progress"]["items_done"]

    with desk.client("reviewer") as client:
        answer = client.post(f"/v1/evaluations/{id_}/resume", json={"max_tokens": 10**9})
    assert answer.status_code == 200, answer.text
    shown = desk.evaluated(id_)

    assert shown["state"] == "done"
    assert shown["progress"] == {"items_total": 12, "items_done": 12, "items_failed": 0}
    assert sorted(row["place"] for row in rows(desk, id_)) == list(range(12))
    assert set(model.asked.values()) == {1}
    assert shown["usage"]["calls"] == sum(model.asked.values())
    assert shown["usage"]["cost"] > 0
    with desk.client("reviewer") as client:
        again = client.post(f"/v1/evaluations/{id_}/resume", json={})
    assert (again.status_code, again.json()["type"]) == (409, "urn:verinote:problem:not-possible")


def test_a_cancelled_one_keeps_what_it_has_and_can_go_on(desk: Served, model: Model) -> None:
    model.latency = 0.3
    try:
        id_ = asked(desk, claims=SCHOOLS, engine="openai")
        with desk.client("reviewer") as client:
            until = time.monotonic() + 60
            while not client.get(f"/v1/evaluations/{id_}").json()["progress"]["items_done"]:
                assert time.monotonic() < until
            assert client.delete(f"/v1/evaluations/{id_}").status_code == 403
            assert client.post(f"/v1/evaluations/{id_}/cancel").json()["state"] == "cancelled"
            assert client.post(f"/v1/evaluations/{id_}/cancel").status_code == 409
        shown = desk.evaluated(id_)
    finally:
        model.latency = 0.0
    assert shown["state"] == "cancelled"
    assert 0 < shown["progress"]["items_done"] < len(SCHOOLS)
    with desk.client("reviewer") as client:
        client.post(f"/v1/evaluations/{id_}/resume", json={})
    assert desk.evaluated(id_)["progress"]["items_done"] == len(SCHOOLS)


def test_two_of_them_are_compared_and_a_report_stands_by_itself(desk: Served) -> None:
    swapped = [
        claim | {"verdict": "supported"} if claim["id"] == "c1" else claim for claim in CLAIMS
    ]
    before, after = (evaluate(desk, claims=one)["id"] for one in (CLAIMS, CLAIMS))
    other = evaluate(desk, claims=swapped)["id"]
    with desk.client() as client:
        same = client.get(f"/v1/evaluations/{after}/comparison", params={"before": before}).json()
        left = client.get(f"/v1/evaluations/{other}/comparison", params={"before": before}).json()
        report = client.get(f"/v1/evaluations/{other}/report")
    assert same["questions"]["verdict"]["rows"] == len(CLAIMS)
    assert same["questions"]["verdict"]["flips"] == []
    assert same["questions"]["verdict"]["p"] == 1
    assert left["questions"]["verdict"]["rows"] == len(CLAIMS) - 1, "people say another verdict"
    assert "data_sha256" in left["settings"]
    assert report.headers["Content-Type"].startswith("text/html")
    assert "sandbox" in report.headers["Content-Security-Policy"]
    assert "Two B-52 bombers flew over the Sea of Japan with 1 escorts." in report.text, "an error"
    assert "<script" not in report.text


def test_one_of_another_dataset_cannot_be_compared(desk: Served) -> None:
    before = evaluate(desk, claims=CLAIMS[:1])["id"]
    after = evaluate(desk, dataset="seeds", limit=1)["id"]
    with desk.client() as client:
        answer = client.get(f"/v1/evaluations/{after}/comparison", params={"before": before})
    assert answer.status_code == 422
    assert f"{before} is a run of probes and {after} of seeds" in answer.json()["detail"]


def test_taken_out_it_leaves_nothing_but_what_others_read(desk: Served) -> None:
    word = f"unheard-of-{time.monotonic_ns()}"
    claims = [CLAIMS[0] | {"claim": f"Two B-52 bombers flew over {word}."}]
    first, second = (evaluate(desk, claims=claims)["id"] for _ in range(2))

    def contents() -> int:
        with desk.desk.transaction() as session:
            found = session.scalars(select(EvaluationContentRow.content)).all()
        return sum(word.encode() in content for content in found)

    assert contents() == 1
    with desk.client() as client:
        assert client.delete(f"/v1/evaluations/{first}").status_code == 204
        assert client.get(f"/v1/evaluations/{first}").status_code == 404
        assert contents() == 1
        assert client.delete(f"/v1/evaluations/{second}").status_code == 204
    assert contents() == 0
    queued = DBOS.list_workflows(workflow_id_prefix=workflows_of(second))
    assert queued == [], "the queue has forgotten it, too"
    with desk.desk.transaction() as session:
        left = select(func.count()).where(EvaluationItemRow.evaluation_id.in_([first, second]))
        assert session.scalar(left.select_from(EvaluationItemRow)) == 0


def accepted_only(session: Session, like: str) -> str:
    """An evaluation that never got into the queue, as after a crash or a restored backup.

    As soon as the transaction is over, it may be found: upkeep goes on beside the test.
    """
    row = store.row_of(session, like)
    what = store.Asked(
        dataset=row.dataset,
        engine=row.engine,
        own_corpus=row.own_corpus,
        rows=None,
        limits=store.Limits(),
        told={name: row.told[name] for name in ("dataset", "file")},
    )
    files = dict(store.files(session, like))
    id_ = store.accept(session, what, files, store.Actor())
    store.row_of(session, id_).created_at = utc_now().replace(year=2020)
    return id_


def swept(desk: Served) -> None:
    work = desk.desk.work
    desk.run(work.line(Evaluations).sweep(work))


def test_one_that_never_got_into_the_queue_is_found(desk: Served) -> None:
    like = evaluate(desk, claims=CLAIMS)["id"]
    with desk.desk.transaction() as session:
        id_ = accepted_only(session, like)
    swept(desk)
    assert desk.evaluated(id_)["progress"]["items_done"] == len(CLAIMS)


def test_one_whose_queue_was_lost_in_its_middle_is_begun_again(desk: Served) -> None:
    like = evaluate(desk, claims=CLAIMS)["id"]
    done, told = rows(desk, like), ran(desk)
    with desk.desk.transaction() as session:  # as a backup has it: two are answered, others begun
        id_ = accepted_only(session, like)
        store.begin(session, id_, 1, len(CLAIMS), [], told)
        for row in done[:2]:
            store.was_answered(session, id_, 1, row["place"], row)
    swept(desk)
    shown = desk.evaluated(id_)
    assert shown["progress"] == {"items_total": 5, "items_done": 5, "items_failed": 0}
    assert sorted(row["place"] for row in rows(desk, id_)) == list(range(5))


def ran(desk: Served) -> dict[str, Any]:
    with desk.desk.transaction() as session:
        newest = select(EvaluationRow.told).where(EvaluationRow.dataset == "probes")
        told: dict[str, Any] = session.scalars(
            newest.where(EvaluationRow.measures.is_not(None))
            .order_by(EvaluationRow.id.desc())
            .limit(1)
        ).one()
    return told


def test_a_worker_that_answers_otherwise_than_it_was_begun_stops_it(
    desk: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    like = evaluate(desk, claims=CLAIMS)["id"]
    begin = store.begin

    def begun_by_another(*args: Any) -> list[int]:
        *before, ran, hindrance = args
        return begin(*before, ran | {"model": "another model"}, hindrance)

    monkeypatch.setattr(store, "begin", begun_by_another)
    with desk.desk.transaction() as session:
        id_ = accepted_only(session, like)
    swept(desk)
    shown = desk.evaluated(id_)
    assert shown["state"] == "stopped"
    assert "another model than it was begun with: another model then" in shown["reason"]
    assert shown["progress"]["items_done"] == 0
    assert shown["metrics"] == {}

    monkeypatch.undo()
    with desk.client("reviewer") as client:
        client.post(f"/v1/evaluations/{id_}/resume", json={})
    assert desk.evaluated(id_)["progress"]["items_done"] == len(CLAIMS)


def test_an_item_that_nobody_can_answer_is_given_up_and_the_others_are_not(
    desk: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = store.wanted

    def broken(session: Any, evaluation_id: str, attempt: int, place: int) -> Any:
        if place == 2:
            raise AssertionError("an error of ours")
        return wanted(session, evaluation_id, attempt, place)

    monkeypatch.setattr(store, "wanted", broken)
    id_ = asked(desk, claims=CLAIMS, engine="local")
    with desk.desk.transaction() as session:
        store.row_of(session, id_).created_at = utc_now().replace(year=2020)
    until = time.monotonic() + 60
    while not desk.run(desk.desk.work.given_up(workflow_of(id_, 1))):
        assert time.monotonic() < until
        time.sleep(0.2)
    swept(desk)
    swept(desk)
    shown = desk.evaluated(id_)
    assert shown["state"] == "done"
    assert shown["progress"] == {"items_total": 5, "items_done": 4, "items_failed": 1}
    (failed,) = (row for row in rows(desk, id_) if "failed" in row)
    assert (failed["place"], shown["metrics"]["accuracy"]["n"]) == (2, 4)
    monkeypatch.undo()
    with desk.client("reviewer") as client:
        client.post(f"/v1/evaluations/{id_}/resume", json={})
    assert desk.evaluated(id_)["progress"] == {"items_total": 5, "items_done": 5, "items_failed": 0}


def test_what_a_worker_reads_otherwise_stops_it_though_the_model_is_the_same(
    desk: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    like = evaluate(desk, claims=CLAIMS)["id"]
    begin = store.begin

    def begun_by_another(*args: Any) -> list[int]:
        *before, ran, hindrance = args
        return begin(*before, ran | {"passages_per_claim": 3}, hindrance)

    monkeypatch.setattr(store, "begin", begun_by_another)
    with desk.desk.transaction() as session:
        id_ = accepted_only(session, like)
    swept(desk)
    shown = desk.evaluated(id_)
    assert shown["state"] == "stopped"
    assert "another passages_per_claim than it was begun with: 3 then" in shown["reason"]


def test_answers_of_another_model_are_not_added_to_those_that_it_has(desk: Served) -> None:
    like = evaluate(desk, claims=CLAIMS)["id"]
    done, told = rows(desk, like), ran(desk) | {"model": "an older one"}
    with desk.desk.transaction() as session:
        id_ = accepted_only(session, like)
        first = store.begin(session, id_, 1, len(CLAIMS), [], told)
        assert len(first) == len(CLAIMS)
        store.was_answered(session, id_, 1, 0, done[0])
    swept(desk)
    shown = desk.evaluated(id_)
    assert (shown["state"], shown["progress"]["items_done"]) == ("stopped", 1)
    assert "another model than it was begun with: an older one then" in shown["reason"]
    assert shown["run"]["model"] == "an older one"


@pytest.mark.parametrize("where", ["row_of", "wanted", "lay_out"])
def test_a_database_that_is_away_for_a_moment_is_waited_for(
    desk: Served, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    like = evaluate(desk, claims=CLAIMS)["id"]
    there, missed = getattr(store, where), []
    with desk.desk.transaction() as session:
        id_ = accepted_only(session, like)

        def away_at_first(*args: Any) -> Any:
            if len(missed) < 2 and id_ in args:
                missed.append(where)
                raise OutOfReach("the database is away")
            return there(*args)

        monkeypatch.setattr(store, where, away_at_first)
    swept(desk)
    until = time.monotonic() + 60
    while len(missed) < 2:
        assert time.monotonic() < until
        time.sleep(0.1)
    monkeypatch.undo()
    shown = desk.evaluated(id_)
    assert (shown["state"], shown["progress"]["items_done"]) == ("done", len(CLAIMS))
    assert shown["metrics"]["accuracy"]["n"] == len(CLAIMS)


def test_vectors_that_are_away_for_a_moment_fail_no_item(
    desk: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    verify, missed = Subject.verify, []

    async def away_at_first(self: Subject, *args: Any) -> Any:
        if len(missed) < 2:
            missed.append(args)
            raise VectorsUnreachable("the Chroma server is away")
        return await verify(self, *args)

    monkeypatch.setattr(Subject, "verify", away_at_first)
    shown = evaluate(desk, claims=CLAIMS)
    assert len(missed) == 2
    assert shown["progress"] == {"items_total": 5, "items_done": 5, "items_failed": 0}


def test_a_worker_without_room_for_the_files_stops_it_and_says_so(
    desk: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> Any:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store, "files", full)
    shown = evaluate(desk, claims=CLAIMS)
    assert shown["state"] == "failed"
    assert "No space left on device" in shown["reason"]


def test_the_largest_limits_are_kept_as_they_were_given(desk: Served) -> None:
    shown = evaluate(desk, claims=CLAIMS[:1], limit=2**53, max_tokens=2**53)
    assert (shown["limit"], shown["max_tokens"], shown["state"]) == (2**53, 2**53, "done")


def test_rows_of_one_id_are_compared_each_with_itself(desk: Served) -> None:
    twice = [claim | {"id": "the same", "verdict": "supported"} for claim in CLAIMS[:1]]
    twice += [{"id": "the same", "claim": BOMBERS, "verdict": "supported", "as_of": "2025-12-31"}]
    before, after = (evaluate(desk, claims=twice)["id"] for _ in range(2))
    assert len({row["verdict"] for row in rows(desk, after)}) == 2
    with desk.client() as client:
        path = f"/v1/evaluations/{after}/comparison"
        found = client.get(path, params={"before": before}).json()["questions"]["verdict"]
    assert (found["rows"], found["flips"]) == (2, [])
