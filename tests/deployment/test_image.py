"""The Dockerfile installs what the lock pins, and runs it as nobody in particular."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from compose import ROOT

TEXT = (ROOT / "Dockerfile").read_text(encoding="utf-8")
COMMANDS = [
    (word, rest)
    for word, _, rest in (
        line.partition(" ")
        for line in re.sub(r"\\\n\s*", "", TEXT).splitlines()
        if line and not line.startswith("#")
    )
]
STAGES = [number for number, (word, _) in enumerate(COMMANDS) if word == "FROM"]
LAST = COMMANDS[STAGES[-1] :]


def told(word: str, commands: list[tuple[str, str]] = LAST) -> list[str]:
    return [rest for found, rest in commands if found == word]


def test_both_stages_have_the_same_pinned_python() -> None:
    images = {rest.partition(" AS ")[0] for rest in told("FROM", COMMANDS)}
    assert len(STAGES) == 2
    assert len(images) == 1
    assert re.fullmatch(r"python:3\.11-slim-\w+", images.pop())


def test_it_runs_as_a_user_with_a_fixed_number() -> None:
    user = told("USER")[-1]
    uid, _, gid = user.partition(":")
    assert uid == gid
    assert int(uid) >= 10_000
    assert f"--uid {uid}" in told("RUN")[0]
    assert COMMANDS.index(("USER", user)) < COMMANDS.index(("ENTRYPOINT", '["verinote"]'))


def test_the_data_folder_is_a_volume_of_that_user() -> None:
    (folder,) = told("VOLUME")
    assert f"install --directory --owner=verinote --group=verinote {folder}" in told("RUN")[0]
    assert f"VERINOTE_DATA_DIR={folder}" in told("ENV")[0]
    assert told("WORKDIR") == [folder]


def test_packages_are_installed_by_their_hashes_and_from_where_they_usually_are() -> None:
    installs = [line for line in told("RUN", COMMANDS) for line in line.split("&&")]
    from_lock = [line for line in installs if "install" in line and " -r " in line]
    assert len(from_lock) == 2
    assert all("--require-hashes" in line for line in from_lock)
    assert not re.search(r"https?://|--(?:extra-)?index|--find-links|INDEX_URL", TEXT)


def test_nothing_that_builds_is_in_the_last_stage() -> None:
    assert not re.search(r"pip|uv |apt|gcc|build-essential|curl", " ".join(told("RUN")))
    assert told("COPY") == ["--from=build /opt/verinote /opt/verinote"]
    assert "uv pip uninstall hatchling uv" in told("RUN", COMMANDS[: STAGES[-1]])[-1]


def test_no_secret_is_in_the_image() -> None:
    assert told("ARG", COMMANDS) == []
    assert not re.search("SECRET|PASSWORD|KEY|TOKEN", " ".join(told("ENV", COMMANDS)))


def test_what_is_copied_is_all_that_docker_is_sent() -> None:
    first = COMMANDS[: STAGES[-1]]
    copied = {name for line in told("COPY", first) for name in line.split()[:-1]}
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    assert {line[1:] for line in rules if line.startswith("!")} == copied
    assert all((ROOT / PurePosixPath(name)).exists() for name in copied)
