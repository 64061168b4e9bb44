"""docker-compose.yml keeps secrets out, data in, and everything but the API to itself."""

from __future__ import annotations

import re
import subprocess
from typing import Any

import pytest
from compose import ROOT, UnsetError, asked_for, examples, makers, resolved, written

from service.access.register import Register
from service.audit.trail import Trail
from service.kit.database import Database
from service.settings import Settings

SECRETS = {
    "POSTGRES_PASSWORD": "its-password",
    "VERINOTE_SECRET": "its-secret",
    "VERINOTE_ADMIN_KEY": "its-key",
    "VERINOTE_METRICS_TOKEN": "its-token",
}
PROFILES = ("model", "metrics")
FIELDS = {
    str(field.validation_alias or f"VERINOTE_{name.upper()}"): field
    for name, field in Settings.model_fields.items()
}


def services(*profiles: str, **changed: str) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = resolved({**SECRETS, **changed}, *profiles)["services"]
    return found


def seconds(duration: str) -> int:
    match = re.fullmatch(r"(\d+)(s|m)", duration)
    assert match, duration
    return int(match[1]) * {"s": 1, "m": 60}[match[2]]


# Secrets.


@pytest.mark.parametrize("value", [None, ""], ids=["unset", "empty"])
@pytest.mark.parametrize("name", SECRETS)
def test_nothing_starts_without_a_secret(name: str, value: str | None) -> None:
    given = SECRETS | {name: value or ""}
    if value is None:
        del given[name]
    with pytest.raises(UnsetError, match=rf"{name}: set it in \.env"):
        resolved(given)


def test_no_password_and_no_key_is_written_down() -> None:
    for name, service in services(*PROFILES).items():
        for variable, value in service["environment"].items():
            if re.search("PASSWORD|SECRET|KEY|TOKEN(?!S)", variable):
                assert value in SECRETS.values(), f"{name}: {variable}"
            assert not re.search(r"//[^/@]*:(?!its-password)[^/@]+@", str(value)), name


def test_only_the_api_knows_the_admin_and_the_token_of_the_metrics() -> None:
    found = services(*PROFILES)
    for secret in ("its-key", "its-token"):
        assert [name for name in found if secret in found[name]["environment"].values()] == ["api"]


# What runs.


def test_images_are_pinned() -> None:
    bought = {
        name: service["image"]
        for name, service in services(*PROFILES).items()
        if "build" not in service
    }
    for image in bought.values():
        tag = image.rpartition("/")[2].partition(":")[2]
        assert re.search(r"\d", tag), image
    assert re.fullmatch(r"postgres:\d+", bought["postgres"])


def test_the_chroma_server_is_of_the_version_that_the_lock_has() -> None:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    pinned = re.search(r"^chromadb==(\S+)", lock, re.MULTILINE)
    assert pinned
    assert services()["chroma"]["image"] == f"chromadb/chroma:{pinned[1]}"


def test_a_model_and_prometheus_are_there_only_where_asked_for() -> None:
    always = {"postgres", "chroma", "migrate", "api", "worker"}
    assert set(services()) == always
    assert set(services("model")) == always | {"model"}
    assert set(services("metrics")) == always | {"prometheus"}


def test_everything_is_started_again_but_the_migration() -> None:
    policies = {name: service["restart"] for name, service in services(*PROFILES).items()}
    assert policies.pop("migrate") == "no"
    assert set(policies.values()) == {"unless-stopped"}


def test_the_api_and_the_workers_wait_for_what_they_need() -> None:
    found = services()
    needed = {
        "migrate": {"condition": "service_completed_successfully"},
        "postgres": {"condition": "service_healthy"},
        "chroma": {"condition": "service_healthy"},
    }
    assert found["api"]["depends_on"] == found["worker"]["depends_on"] == needed
    assert found["migrate"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}


def test_everything_that_listens_has_a_health_check() -> None:
    checked = {name for name, service in services(*PROFILES).items() if "healthcheck" in service}
    assert checked == set(services(*PROFILES)) - {"migrate", "worker"}


def test_there_may_be_any_number_of_workers() -> None:
    worker = services()["worker"]
    assert worker["command"] == ["worker"]
    assert not {"container_name", "ports", "hostname"} & set(worker)


def test_there_is_time_to_stop_before_the_kill() -> None:
    for name in ("api", "worker"):
        service = services()[name]
        within = int(service["environment"]["VERINOTE_STOP_WITHIN"])
        assert seconds(service["stop_grace_period"]) >= 2 * within + 10


# What can be reached, and what is kept.


def test_only_the_api_is_published_and_only_to_this_machine() -> None:
    ports = {name: service.get("ports", []) for name, service in services(*PROFILES).items()}
    assert ports.pop("api") == ["127.0.0.1:8000:8000"]
    assert not any(ports.values())


def test_the_stores_are_reached_by_verinote_alone() -> None:
    file = resolved(SECRETS, *PROFILES)
    assert file["networks"]["stores"] == {"internal": True}
    on_it = {name for name, one in file["services"].items() if "stores" in one.get("networks", [])}
    assert on_it == {"postgres", "chroma", "migrate", "api", "worker"}
    for name in ("postgres", "chroma"):
        assert file["services"][name]["networks"] == ["stores"]


def test_what_is_written_lies_in_named_volumes() -> None:
    file = resolved(SECRETS, *PROFILES)
    kept: dict[str, set[str]] = {}
    for name, service in file["services"].items():
        for volume in service.get("volumes", []):
            source, _, rest = volume.partition(":")
            if source.startswith("./"):
                assert rest.endswith(":ro"), volume
            else:
                kept.setdefault(source, set()).add(name)
    assert kept == {
        "postgres": {"postgres"},
        "vectors": {"chroma"},
        "data": {"migrate", "api", "worker"},
        "figures": {"prometheus"},
    }
    assert set(file["volumes"]) == set(kept)


def test_nobody_gains_rights() -> None:
    found = services(*PROFILES)
    assert {tuple(one["security_opt"]) for one in found.values()} == {("no-new-privileges:true",)}
    assert all(found[name]["cap_drop"] == ["ALL"] for name in ("migrate", "api", "worker"))
    assert not any({"privileged", "user", "cap_add"} & set(one) for one in found.values())


# Settings.


def test_every_setting_is_one_of_the_program() -> None:
    for name in ("migrate", "api", "worker"):
        given = written()["services"][name]["environment"]
        assert set(given) - set(FIELDS) == set(), name


def test_a_setting_of_env_reaches_the_api_and_the_workers() -> None:
    found = services(VERINOTE_ENGINE="openai", OPENAI_BASE_URL="http://model:8080/v1")
    for name in ("api", "worker"):
        given = found[name]["environment"]
        assert (given["VERINOTE_ENGINE"], given["OPENAI_BASE_URL"]) == (
            "openai",
            "http://model:8080/v1",
        )
        assert "VERINOTE_LLM_MODEL" not in given, "what is not said is the program's to say"


def test_the_model_listens_where_the_example_says() -> None:
    model = services("model")["model"]["environment"]
    address = f"http://model:{model['LLAMA_ARG_PORT']}/v1"
    assert f"OPENAI_BASE_URL={address}" in (ROOT / ".env.example").read_text(encoding="utf-8")


def test_the_example_names_every_variable_and_no_other() -> None:
    assert set(examples()) == asked_for()


def test_the_example_has_no_secret_and_shows_defaults() -> None:
    for name, (value, is_set) in examples().items():
        if name in SECRETS:
            assert (value, is_set) == ("", True), name
            continue
        assert not is_set, name
        if name in FIELDS:
            assert value == str(FIELDS[name].default if FIELDS[name].default is not None else "")


def test_the_commands_of_the_example_make_secrets_that_will_do() -> None:
    assert set(makers()) == set(SECRETS)
    made = {name: _printed(command) for name, command in makers().items()}
    assert len(set(made.values())) == len(made)
    assert re.fullmatch(r"[0-9a-zA-Z]{32,}", made["POSTGRES_PASSWORD"]), "it stands in an address"
    resolved(made)
    database = Database("sqlite://")
    database.migrate()
    Register(database, Trail(b"any")).begin(made["VERINOTE_ADMIN_KEY"])
    assert Register(database, Trail(b"any")).caller(made["VERINOTE_ADMIN_KEY"]).user == "admin"


def _printed(command: str) -> str:
    ran = subprocess.run(["/bin/bash", "-c", command], check=True, capture_output=True, text=True)
    return ran.stdout.strip()
