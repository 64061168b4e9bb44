"""The commands of docker-compose.yml, with its environment, as plain processes.

No container engine is needed. Of what the file says only host names, ports, folders and secrets are
other ones here.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from chroma_server import emptied
from compose import ROOT, resolved
from postgres import Cluster
from processes import ADMIN_KEY, Process, Server, free_port
from sqlalchemy import func, select

from service.kit.database import Database
from service.work.tables import WorkerRow

SECRETS = {
    "POSTGRES_PASSWORD": "not-asked-for-at-the-socket",
    "VERINOTE_SECRET": "the same for all of them",
    "VERINOTE_ADMIN_KEY": ADMIN_KEY,
    "VERINOTE_METRICS_TOKEN": "scrape",
}
SERVICES: dict[str, dict[str, Any]] = resolved(SECRETS)["services"]
STATEMENT = {
    "id": "P1",
    "issuer": "Ministry of Transport",
    "title": "Road bridge over the Elver reopened",
    "published": "2024-05-03",
    "text": "The Ministry of Transport reopened the road bridge over the river Elver on 2 May "
    "2024. The repair of the bridge took seven months and cost EUR 12 million.",
}
CLAIM = "The repair of the bridge over the river Elver cost EUR 12 million."
WITHIN = 60.0


class Machine:
    """Where the services of the file run: this machine.

    Args:
        postgresql: the address of a database in which nothing is yet.
        chroma: the address of a Chroma server.
        folder: for data and logs.
    """

    def __init__(self, postgresql: str, chroma: str, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.chroma = httpx.URL(chroma)
        self.home = folder / "home"
        self.home.mkdir()
        self._other = {
            "VERINOTE_DATABASE_URL": postgresql,
            "VERINOTE_CHROMA_URL": chroma,
            "VERINOTE_DATA_DIR": str(folder / "data"),
        }

    def process(self, service: str, name: str) -> Process:
        """A service of the file as a process of this machine."""
        given = SERVICES[service]
        command = ["127.0.0.1" if part == "0.0.0.0" else part for part in given["command"]]  # noqa: S104
        environment = {"HOME": str(self.home), **given["environment"]}
        assert set(environment) >= set(self._other)
        log = self.folder / f"{name}.log"
        if service != "api":
            return Process(command, environment | self._other, log, self.home)
        command += ["--port", str(self.port)]
        return Server(command, environment | self._other, log, self.home, port=self.port)

    def working(self) -> int:
        """How many processes have said that they are there to work, or to give work."""
        database = Database(self._other["VERINOTE_DATABASE_URL"])
        try:
            with database.transaction() as session:
                return session.scalar(select(func.count()).select_from(WorkerRow)) or 0
        finally:
            database.close()

    def is_healthy(self, service: str, port: int, host: str = "127.0.0.1") -> bool:
        """Run the health check of a service as the file has it, at another port."""
        kind, *test = SERVICES[service]["healthcheck"]["test"]
        assert kind == "CMD"
        inside = {"postgres": "5432"}.get(service, "8000")
        command = [part.replace("127.0.0.1", host).replace(inside, str(port)) for part in test]
        path = f"{Path(sys.executable).parent}:{_programs_of_postgresql()}:{os.environ['PATH']}"
        ran = subprocess.run(
            ["/usr/bin/env", *command],
            env={"PATH": path},
            timeout=20,
            check=False,
            capture_output=True,
        )
        return ran.returncode == 0


def _programs_of_postgresql() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    return found[-1] if found else Path("/usr/bin")


@pytest.fixture
def machine(postgres: Cluster, _chroma: str, tmp_path: Path) -> Iterator[Machine]:
    with postgres.database("template0") as url:
        yield Machine(url, emptied(_chroma), tmp_path)


def until(is_so: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + WITHIN
    while not is_so():
        assert time.monotonic() < end, what
        time.sleep(0.1)


def test_a_submission_goes_through_the_services_of_the_file(
    machine: Machine, postgres: Cluster
) -> None:
    with ExitStack() as opened:
        migrating = opened.enter_context(machine.process("migrate", "migrate"))
        assert migrating.wait_for_end() == 0, migrating.log.read_text()
        workers = [machine.process("worker", name) for name in ("one", "two")]
        api = machine.process("api", "api")
        for process in (api, *workers):
            opened.enter_context(process)
        assert isinstance(api, Server)
        api.wait()

        with api.client() as client:
            ready = client.get("/readyz")
            assert (ready.status_code, ready.json()["ready"]) == (200, True)
            added = client.post("/v1/statements", json={"statements": [STATEMENT]})
            assert added.status_code == 201, added.text
            accepted = client.post("/v1/submissions", json={"claims": [CLAIM]})
            assert accepted.status_code == 202, accepted.text
            path = f"/v1/submissions/{accepted.json()['id']}"
            until(lambda: client.get(path).json()["state"] == "done", "no worker does it")
            (claim,) = client.get(path).json()["claims"]
            note = client.get(f"/v1/notes/{claim['note_id']}").json()
        assert note["verdict"] == "supported"
        assert note["note"][0]["citations"][0]["statement_id"] == "P1"

        assert machine.is_healthy("api", machine.port)
        assert machine.is_healthy("chroma", machine.chroma.port or 0)
        assert machine.is_healthy("postgres", 5432, str(postgres.folder))
        assert not any(machine.is_healthy(name, free_port()) for name in ("api", "chroma"))
        assert "verinote_submissions" in scraped(api)

        until(lambda: machine.working() == 3, "not all are there")
        assert [process.stop() for process in (api, *workers)] == [0, 0, 0]
    assert list(machine.home.iterdir()) == [], "nothing is written but under the data folder"


def scraped(api: Server) -> str:
    """What Prometheus would be told, by its configuration."""
    file = yaml.safe_load((ROOT / "deploy" / "prometheus.yml").read_text(encoding="utf-8"))
    (job,) = file["scrape_configs"]
    assert job["static_configs"] == [{"targets": ["api:8000"]}]
    secret = Path(job["authorization"]["credentials_file"])
    service = resolved(SECRETS, "metrics")
    assert secret.parent == Path("/run/secrets")
    assert secret.name in service["services"]["prometheus"]["secrets"]
    token = SECRETS[service["secrets"][secret.name]["environment"]]
    answer = httpx.get(f"{api.url}/metrics", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200, answer.text
    return answer.text
