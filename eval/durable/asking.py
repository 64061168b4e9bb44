"""From a plan to an evaluation: the files that workers on other machines need are taken along."""

from __future__ import annotations

from pathlib import Path

from eval.durable.store import Asked
from eval.durable.work import DATA, STATEMENTS
from eval.runner import Plan, asked_of
from service.kit.errors import InputError

_LONGEST = 500


def asked(plan: Plan) -> tuple[Asked, dict[str, bytes]]:
    """What is to be run, and every file that it reads, by its path in a worker's folder.

    Raises:
        InputError: the data or the statements aren't there, a limit could not be kept, or a file's
            name is too long to be stored.
    """
    plan.limits.check(plan.settings)
    found = {f"{DATA}/{plan.file.name}": plan.file.read_bytes()}
    for name in plan.dataset.beside:
        found |= _under(plan.data / name, f"{DATA}/{name}")
    if plan.corpus:
        found |= _under(plan.corpus, STATEMENTS)
    name = plan.dataset.card.name
    told = Asked(
        dataset=name,
        engine=plan.settings.engine,
        own_corpus=not plan.against_service,
        rows=plan.limit,
        limits=plan.limits,
        told=asked_of(plan),
    )
    return told, found


def _under(folder: Path, under: str) -> dict[str, bytes]:
    found = {}
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        path = f"{under}/{file.relative_to(folder).as_posix()}"
        if len(path) > _LONGEST:
            raise InputError(f"{file}: its name is too long")
        found[path] = file.read_bytes()
    return found
