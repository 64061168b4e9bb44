"""Evaluations as people ask for them over HTTP, for the API and the pages alike."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from sqlalchemy.orm import Session

from eval.catalogue import DATASETS, Dataset, dataset
from eval.compare import Comparison, compare
from eval.datasets.reading import BadRow
from eval.durable import store
from eval.durable.acts import Acts
from eval.durable.asking import asked
from eval.durable.work import start, workflows_of
from eval.report import page as report
from eval.run_folder import RunFolder
from eval.runner import Limits, Plan
from eval.web.schemas import MOST_CLAIMS, EvaluationAsked, Limited
from service.api.desk import Desk
from service.audit.trail import Actor
from service.kit.errors import InputError
from service.kit.packaged import seeds
from service.settings import Settings

_NOT_SET = "VERINOTE_EVALUATION_DATA is not set: no dataset but seeds can be run; or give claims"


def folder_of(entry: Dataset, settings: Settings) -> Path | None:
    """Where a dataset lies on this machine; None where it isn't."""
    places = [settings.evaluation_data, seeds() if entry.card.name == "seeds" else None]
    return next((place for place in places if place and entry.file(place).is_file()), None)


def available(settings: Settings) -> list[Dataset]:
    """The datasets that can be run here."""
    return [entry for entry in DATASETS.values() if folder_of(entry, settings)]


@dataclass(frozen=True, slots=True)
class File:
    """Claims that somebody sends in as a file, JSONL or CSV."""

    name: str
    content: bytes


async def ask(desk: Desk, body: EvaluationAsked, who: Actor, file: File | None = None) -> str:
    """Take an evaluation in, and have it worked on. Returns its id.

    Args:
        desk: whose queue it is put on.
        body: what is asked for.
        who: asks for it.
        file: the claims, where they are not in the body.

    Raises:
        NotFound: there is no such dataset.
        InputError: it cannot be run; the message says why.
    """
    what, files = await asyncio.to_thread(_gathered, desk.settings, body, file)
    if file is not None:
        what = replace(what, told=what.told | {"sent_as": file.name})
    id_ = await desk.work.transact(Acts(desk.trail, who).accept, what, files)
    await start(id_)
    return id_


def _gathered(
    settings: Settings, body: EvaluationAsked, file: File | None
) -> tuple[store.Asked, dict[str, bytes]]:
    entry = dataset(body.dataset)
    engine = body.engine or settings.engine
    if engine not in {settings.engine, "local"}:
        raise InputError(
            f"engine: {engine} would send texts to {settings.openai_base_url}, and the service is "
            f"set to the engine {settings.engine} (VERINOTE_ENGINE)"
        )
    with tempfile.TemporaryDirectory() as temporary:
        folder = data = Path(temporary)
        if file is not None:
            data = folder / f"own{'.csv' if file.name.lower().endswith('.csv') else '.jsonl'}"
            data.write_bytes(file.content)
            _check_rows(entry, data, file.name)
        elif body.claims is not None:
            rows = [one.model_dump(mode="json", exclude_none=True) for one in body.claims]
            lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
            (folder / entry.card.file).write_text(lines, encoding="utf-8")
        else:
            found = folder_of(entry, settings)
            if found is None:
                place = settings.evaluation_data
                missing = f"{body.dataset}: there is no {entry.card.file} to be run"
                raise InputError(missing if place else f"{missing}; {_NOT_SET}")
            folder = data = found
        own = (folder / "statements").is_dir()
        return asked(
            Plan(
                dataset=entry,
                data=data,
                out=folder,
                settings=settings.model_copy(update={"engine": engine}),
                limit=body.limit,
                limits=_limits(body),
                against_service=entry.corpus and not own,
            )
        )


def _check_rows(entry: Dataset, data: Path, name: str) -> None:
    """See that a file of claims has rows, and not more than can be sent otherwise.

    Raises:
        InputError: it has none, or too many; the message names the file as it was sent.
    """
    bad: list[BadRow] = []
    try:
        rows = sum(1 for _ in islice(entry.examples(data, bad), MOST_CLAIMS + 1))
    except InputError as error:
        raise InputError(str(error).replace(str(data), name)) from error
    if rows > MOST_CLAIMS:
        raise InputError(f"{name}: has more than {MOST_CLAIMS:,} rows; send them in parts")
    if not rows:
        told = "; ".join(map(str, bad[:3])) or "it is empty"
        raise InputError(f"{name}: no row could be read: {told}")


def _limits(given: Limited) -> Limits:
    return Limits(given.max_cost, given.max_tokens)


async def cancel(desk: Desk, evaluation_id: str, who: Actor) -> None:
    """Begin no further item of an evaluation.

    Raises:
        NotFound: there is no such evaluation.
        NotPossible: it is over.
    """
    await desk.work.transact(Acts(desk.trail, who).cancel, evaluation_id)


async def resume(desk: Desk, evaluation_id: str, given: Limited, who: Actor) -> None:
    """Have the items of an evaluation answered that have no answer.

    Raises:
        NotFound: there is no such evaluation.
        InputError: it is under way, has all its answers, or a limit could not be kept.
    """
    limits = _limits(given)

    def change(session: Session) -> int:
        engine = store.row_of(session, evaluation_id).engine
        limits.check(desk.settings.model_copy(update={"engine": engine}))
        return Acts(desk.trail, who).resume(session, evaluation_id, limits)

    await start(evaluation_id, await desk.work.transact(change))


async def forget(desk: Desk, evaluation_id: str, who: Actor) -> None:
    """Take an evaluation out.

    Raises:
        NotFound: there is no such evaluation.
        NotPossible: it is under way.
    """
    await desk.work.transact(Acts(desk.trail, who).forget, evaluation_id)
    await desk.work.forget_all(workflows_of(evaluation_id))


@contextmanager
def laid_out(desk: Desk, *evaluation_ids: str) -> Iterator[list[RunFolder]]:
    """Evaluations as folders of runs, as long as the block lasts.

    Raises:
        NotFound: there is no such evaluation.
    """
    with tempfile.TemporaryDirectory(prefix="verinote-") as temporary:
        folders = [
            RunFolder(Path(temporary) / f"{id_}-{n}") for n, id_ in enumerate(evaluation_ids)
        ]
        with desk.transaction() as session:
            for id_, folder in zip(evaluation_ids, folders, strict=True):
                store.lay_out(session, id_, folder)
        yield folders


def report_of(desk: Desk, evaluation_id: str) -> str:
    """The report as a page that stands by itself. Blocking: for one under way, figures are made.

    Raises:
        NotFound: there is no such evaluation.
    """
    with desk.transaction() as session:
        row = store.row_of(session, evaluation_id)
        measures = store.measures(row) if row.finished_at is not None else None
    with laid_out(desk, evaluation_id) as (folder,):
        return report.page(folder, measures)


def compared(desk: Desk, before: str, after: str) -> Comparison:
    """What differs between two evaluations. Blocking.

    Raises:
        NotFound: there is no such evaluation.
        InputError: they are of different datasets, or have answered no row both.
    """
    with laid_out(desk, before, after) as (then, now):
        return compare(then, now)
