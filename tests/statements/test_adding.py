"""What adding, changing and withdrawing statements does to the corpus."""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from service.kit.database import Database
from service.kit.errors import NotFound
from service.settings import Settings
from service.statements import intake, repository
from service.statements.intake import AddReport
from service.statements.repository import Coverage, StatementDetail
from service.statements.tables import PassageRow, StatementRow
from service.types import Kind

ENGLISH = "The ministry announced that two bombers flew over the sea on Wednesday."
GERMAN = (
    "Das Ministerium teilte mit, dass am Mittwoch zwei Bomber über das Meer geflogen sind und "
    "dass die Übung wie geplant zu Ende ging."
)
Adding = Callable[..., AddReport]


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    opened.migrate()
    yield opened
    opened.close()


@pytest.fixture
def add(database: Database, settings: Settings) -> Adding:
    def run(*sources: Path | str) -> AddReport:
        return intake.add(database, sources, settings)

    return run


@pytest.fixture
def show(database: Database) -> Callable[..., StatementDetail]:
    def run(statement_id: str, version: int | None = None) -> StatementDetail:
        with database.transaction() as session:
            return repository.show(session, statement_id, version)

    return run


def searchable(database: Database) -> list[str]:
    with database.transaction() as session:
        ids = session.scalars(
            select(PassageRow.id).where(PassageRow.searchable).order_by(PassageRow.id)
        )
        return list(ids)


def coverage(database: Database) -> Coverage:
    with database.transaction() as session:
        return repository.coverage(session)


def markdown(text: str = ENGLISH, **keys: str) -> str:
    front = "".join(f"{key}: {value}\n" for key, value in keys.items())
    return f"---\n{front}---\n\n{text}\n"


def test_a_statement_is_stored_as_it_was_read(add: Adding, folder, show, database):
    content = markdown(
        id="s01", issuer="Joint Staff", title="Exercise", published="2025-12-11", kind="digest"
    )

    report = add(folder(a_md=content))

    assert [(entry.statement_id, entry.version) for entry in report.added] == [("s01", 1)]
    detail = show("s01")
    assert detail.text == ENGLISH
    assert detail.shown.ref.kind is Kind.DIGEST
    assert detail.shown.ref.published == date(2025, 12, 11)
    assert detail.shown.ref.language == "en"
    with database.transaction() as session:
        assert repository.raw(session, "s01", 1) == content.encode()


def test_passages_point_into_the_stored_text(add: Adding, folder, show, database):
    add(folder(a_md=markdown(f"{ENGLISH} " * 20, id="s01")))
    ids = searchable(database)

    with database.transaction() as session:
        passages = repository.passages(session, ids)

    assert len(passages) > 1
    text = show("s01").text
    for passage in passages:
        assert passage.text == text[passage.start : passage.end]
        assert passage.id == f"s01@1:{passage.start}-{passage.end}"
        assert passage.statement == show("s01").shown.ref


def test_passages_come_in_the_order_asked_for_and_unknown_ids_are_left_out(
    add: Adding, folder, database
):
    add(folder(a_md=markdown(id="a"), b_md=markdown(id="b")))
    first, second = searchable(database)

    with database.transaction() as session:
        found = repository.passages(session, [second, "nobody@1:0-1", first])

    assert [passage.id for passage in found] == [second, first]


def test_adding_the_same_again_changes_nothing(add: Adding, folder, database):
    made = folder(a_txt=ENGLISH, b_md=markdown(id="s01"))
    first = add(made)
    before = searchable(database)

    again = add(made)

    assert len(again.unchanged) == 2
    assert (again.added, again.changed, again.failed) == ([], [], [])
    assert again.revision == first.revision == 2
    assert searchable(database) == before


def test_a_changed_source_makes_a_new_version_and_keeps_the_old_one(
    add: Adding, folder, show, database
):
    add(folder(a_md=markdown(id="s01")))

    report = add(folder(a_md=markdown("Three bombers flew over the sea.", id="s01")))

    assert [(entry.statement_id, entry.version) for entry in report.changed] == [("s01", 2)]
    assert show("s01").text == "Three bombers flew over the sea."
    assert show("s01", 1).text == ENGLISH
    assert [version.current for version in show("s01").versions] == [False, True]


def test_only_the_passages_of_the_newest_version_are_searched(add: Adding, folder, database):
    add(folder(a_md=markdown(id="s01")))
    add(folder(a_md=markdown("Three bombers flew over the sea.", id="s01")))

    assert searchable(database) == ["s01@2:0-32"]
    with database.transaction() as session:
        (old,) = repository.passages(session, [f"s01@1:0-{len(ENGLISH)}"])
    assert old.text == ENGLISH


def test_changed_metadata_makes_a_new_version(add: Adding, folder, show):
    add(folder(a_md=markdown(id="s01", issuer="A")))

    report = add(folder(a_md=markdown(id="s01", issuer="B")))

    assert len(report.changed) == 1
    assert show("s01", 1).shown.ref.issuer == "A"
    assert show("s01", 2).shown.ref.issuer == "B"


def test_other_bytes_that_say_the_same_are_no_new_version(add: Adding, folder):
    first = add(folder(a_md=markdown(id="s01")))

    report = add(folder(a_md=markdown(id="s01") + "\n\n"))

    assert len(report.unchanged) == 1
    assert report.revision == first.revision


def test_another_reader_alone_makes_no_new_version(
    add: Adding, folder, show, database, monkeypatch
):
    made = folder(a_txt=ENGLISH)
    (added,) = add(made).added
    monkeypatch.setattr(
        "service.statements.readers.plain.read_text",
        lambda *_: replace(_reading("Read otherwise."), reader="text/2"),
    )

    report = add(made)

    assert len(report.unchanged) == 1
    assert show(added.statement_id).text == ENGLISH


def _reading(text: str):
    from service.statements.readers import Metadata, Reading

    return Reading.of(text, Metadata(), media_type="text/plain", reader="text/1")


def test_a_file_without_an_id_is_known_by_its_path(add: Adding, folder, tmp_path: Path):
    made = folder(a_txt=ENGLISH)
    (first,) = add(made).added
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "a.txt").write_text(ENGLISH)

    (second,) = add(tmp_path / "other").added

    assert first.statement_id.startswith("a-")
    assert first.statement_id != second.statement_id


def test_a_statement_keeps_its_id_when_its_file_moves(add: Adding, folder, tmp_path: Path):
    made = folder(a_md=markdown(id="s01"))
    add(made)
    (made / "a.md").rename(tmp_path / "moved.md")

    assert len(add(tmp_path / "moved.md").unchanged) == 1


def test_two_files_with_one_id_and_different_texts_are_not_versions_of_each_other(
    add: Adding, folder, show
):
    report = add(folder(a_md=markdown(id="s01"), b_md=markdown("Other words.", id="s01")))

    assert len(report.added) == 1
    assert "same id as" in report.failed[0][1]
    assert show("s01").text == ENGLISH


def elsewhere(tmp_path: Path, content: str, name: str = "a.md") -> Path:
    file = tmp_path / "elsewhere" / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(content)
    return file


def test_a_declared_id_does_not_replace_the_statement_of_another_body(
    add: Adding, folder, show, tmp_path: Path
):
    made = folder(a_md=markdown(id="s01", issuer="Joint Staff", title="Exercise"))
    add(made)
    elsewhere(tmp_path, markdown("Nothing flew.", id="s01", issuer="A blog", title="Truth"))
    elsewhere(tmp_path, "Other words.", "b.txt")

    report = add(tmp_path / "elsewhere")

    ((name, reason),) = report.failed
    assert Path(name).name == "a.md"
    assert f'the id s01 is taken by "Exercise" of Joint Staff, added from {made}/a.md' in reason
    assert "another id" in reason
    assert "verinote corpus withdraw s01" in reason
    assert (len(report.added), report.changed) == (1, [])
    assert show("s01").text == ENGLISH


@pytest.mark.parametrize(
    "keys", [{}, {"issuer": "Joint Staff"}, {"issuer": "Joint Staff", "title": "Another"}]
)
def test_issuer_and_title_must_both_agree(add: Adding, folder, tmp_path: Path, keys):
    add(folder(a_md=markdown(id="s01", issuer="Joint Staff", title="Exercise")))

    assert add(elsewhere(tmp_path, markdown("Nothing flew.", id="s01", **keys))).failed


def test_statements_without_issuer_and_title_do_not_agree(add: Adding, folder, tmp_path: Path):
    add(folder(a_md=markdown(id="s01")))

    assert add(elsewhere(tmp_path, markdown("Nothing flew.", id="s01"))).failed


def test_the_same_document_in_another_folder_makes_a_new_version(
    add: Adding, folder, show, tmp_path: Path
):
    keys = {"id": "s01", "issuer": "Joint Staff", "title": "Exercise"}
    add(folder(a_md=markdown(**keys)))

    report = add(elsewhere(tmp_path, markdown("Three bombers flew over the sea.", **keys)))

    assert [entry.version for entry in report.changed] == [2]
    assert show("s01").text == "Three bombers flew over the sea."
    keys["title"] = "Exercise, corrected"
    report = add(elsewhere(tmp_path, markdown("Four bombers flew over the sea.", **keys)))
    assert [entry.version for entry in report.changed] == [3]


def test_a_refused_file_does_not_keep_out_the_rightful_one_after_it(add: Adding, folder, show):
    keys = {"id": "s01", "issuer": "Joint Staff"}
    add(folder(b_md=markdown(**keys)))

    report = add(
        folder(a_md=markdown("Nothing flew.", id="s01"), b_md=markdown("Three flew.", **keys))
    )

    assert [Path(name).name for name, _ in report.failed] == ["a.md"]
    assert [entry.version for entry in report.changed] == [2]
    assert show("s01").text == "Three flew."


def test_a_foreign_file_with_the_id_of_a_withdrawn_statement_is_refused(
    add: Adding, folder, database, tmp_path: Path
):
    add(folder(a_md=markdown(id="s01", issuer="Joint Staff")))
    intake.withdraw(database, "s01")

    report = add(elsewhere(tmp_path, markdown("Nothing flew.", id="s01", issuer="A blog")))

    assert "is taken by" in report.failed[0][1]


def test_an_id_stored_without_its_file_needs_issuer_and_title_to_agree(
    add: Adding, folder, database
):
    keys = {"id": "s01", "issuer": "Joint Staff", "title": "Exercise"}
    made = folder(a_md=markdown(**keys))
    add(made)
    with database.transaction() as session:  # as stores from before hold it
        session.execute(update(StatementRow).values(source_key="s01"))

    assert add(folder(a_md=markdown("Nothing.", id="s01", issuer="A blog"))).failed
    assert add(folder(a_md=markdown("Three bombers flew.", **keys))).changed


def test_an_id_that_another_source_was_given_is_refused(add: Adding, folder):
    (added,) = add(folder(a_txt=ENGLISH)).added

    report = add(folder(b_md=markdown("Other words.", id=added.statement_id)))

    assert "is taken by" in report.failed[0][1]


def test_the_same_text_under_two_sources_is_two_statements(add: Adding, folder, database):
    add(folder(a_txt=ENGLISH, b_txt=ENGLISH))

    assert coverage(database).statements == 2


def test_a_statement_in_another_language_is_stored_and_counted_but_not_searched(
    add: Adding, folder, show, database
):
    add(folder(a_md=markdown(GERMAN, id="de"), b_md=markdown(id="en")))

    assert show("de").text == GERMAN
    assert show("de").shown.ref.language == "de"
    assert not show("de").shown.searched
    assert searchable(database) == [f"en@1:0-{len(ENGLISH)}"]
    assert coverage(database).not_searched == 1


def test_a_declared_language_is_believed(add: Adding, folder, show):
    add(folder(a_md=markdown("Nein.", id="s01", language="de")))

    assert show("s01").shown.ref.language == "de"


def test_the_basis_of_a_note_counts_what_is_searched(add: Adding, folder, database):
    add(
        folder(
            a_md=markdown(id="a", issuer="Bank", published="2023-01-11"),
            b_md=markdown(id="b", issuer="Bank", published="2025-12-11"),
            c_md=markdown(id="c", issuer="Ministry"),
            d_md=markdown(GERMAN, id="d", issuer="Bundesbank", published="1990-01-01"),
            e_md=markdown(id="e", issuer="Withdrawn", published="1980-01-01"),
        )
    )
    intake.withdraw(database, "e")

    assert coverage(database) == Coverage(
        statements=3,
        passages=3,
        issuers=2,
        earliest=date(2023, 1, 11),
        latest=date(2025, 12, 11),
        not_searched=1,
    )


def test_an_empty_corpus_covers_nothing(database):
    assert coverage(database) == Coverage(0, 0, 0, None, None, 0)


def test_a_withdrawn_statement_is_kept_but_not_searched(add: Adding, folder, show, database):
    added = add(folder(a_md=markdown(id="s01")))

    revision = intake.withdraw(database, "s01")

    assert revision == added.revision + 1
    assert searchable(database) == []
    assert show("s01").text == ENGLISH
    assert show("s01").shown.withdrawn_at is not None


def test_withdrawing_twice_changes_nothing_more(add: Adding, folder, database):
    add(folder(a_md=markdown(id="s01")))

    assert intake.withdraw(database, "s01") == intake.withdraw(database, "s01")


def test_a_withdrawn_statement_does_not_come_back_by_adding_it_again(add: Adding, folder, database):
    add(folder(a_md=markdown(id="s01")))
    intake.withdraw(database, "s01")

    report = add(folder(a_md=markdown("A changed text.", id="s01")))

    assert report.skipped[0][1] == "statement s01 is withdrawn"
    assert searchable(database) == []


def test_a_withdrawal_can_be_taken_back(add: Adding, folder, database):
    add(folder(a_md=markdown(id="s01")))
    before = searchable(database)
    add(folder(a_md=markdown("Three bombers flew over the sea.", id="s01")))
    withdrawn = intake.withdraw(database, "s01")

    assert intake.reinstate(database, "s01") == withdrawn + 1
    assert searchable(database) == ["s01@2:0-32"]
    assert before != ["s01@2:0-32"]


def test_withdrawing_what_is_not_there_is_an_error_and_changes_nothing(database):
    with pytest.raises(NotFound, match="nobody"):
        intake.withdraw(database, "nobody")
    with database.transaction() as session:
        assert repository.revision(session) == 0


@pytest.mark.parametrize("statement_id", ["a\0b", "\ud800"])
def test_what_no_statement_can_be_called_is_not_found(database: Database, statement_id: str):
    for ask in (repository.current, repository.withdraw, repository.reinstate):
        with pytest.raises(NotFound), database.transaction() as session:
            ask(session, statement_id)
    with pytest.raises(NotFound), database.transaction() as session:
        repository.text(session, statement_id, 1)


@pytest.mark.parametrize("version", [-1, 0, 2**31, 2**70])
def test_a_version_that_no_statement_can_have_is_not_found(
    add: Adding, folder, database: Database, version: int
):
    add(folder(a_md=markdown(id="s01")))

    with pytest.raises(NotFound, match=str(version)), database.transaction() as session:
        repository.raw(session, "s01", version)


def test_a_file_deep_in_folders_is_known_again(add: Adding, tmp_path: Path):
    deep = tmp_path.joinpath(*(f"{number}{secrets.token_hex(60)}" for number in range(25)))
    deep.mkdir(parents=True)
    (deep / "a.txt").write_text(ENGLISH)
    (deep / "b.txt").write_text(ENGLISH.replace("two", "three"))

    assert len(add(deep / "a.txt", deep / "b.txt").added) == 2
    again = add(deep / "a.txt", deep / "b.txt")
    assert (len(again.added), len(again.unchanged)) == (0, 2)


def test_a_version_that_is_not_there_is_an_error(add: Adding, folder, show):
    add(folder(a_md=markdown(id="s01")))

    with pytest.raises(NotFound, match="no version 7"):
        show("s01", 7)


def test_a_directory_is_read_in_order_with_its_subdirectories_and_without_hidden_files(
    add: Adding, folder
):
    made = folder(b_txt=ENGLISH, a_txt=ENGLISH, picture_png=b"\x89PNG")
    (made / "sub").mkdir()
    (made / "sub" / "c.TXT").write_text(ENGLISH)
    (made / ".hidden").mkdir()
    (made / ".hidden" / "d.txt").write_text(ENGLISH)
    (made / ".e.txt").write_text(ENGLISH)

    report = add(made)

    assert [Path(entry.name).name for entry in report.added] == ["a.txt", "b.txt", "c.TXT"]
    assert report.skipped == [(str(made / "picture.png"), "not a format that is read")]


def test_a_file_named_twice_is_added_once(add: Adding, folder):
    made = folder(a_txt=ENGLISH)

    report = add(made, made / "a.txt", str(made / ".." / made.name / "a.txt"))

    assert len(report.added) == 1
    assert report.unchanged == []


def test_lines_of_jsonl_are_told_apart_by_id_else_by_line(add: Adding, folder):
    def lines(*values: dict[str, str]) -> str:
        return "\n".join(json.dumps(value) for value in values)

    add(folder(s_jsonl=lines({"id": "a", "text": ENGLISH}, {"text": "The second line."})))

    report = add(
        folder(s_jsonl=lines({"id": "a", "text": ENGLISH}, {"text": "The second line, changed."}))
    )

    assert [entry.statement_id for entry in report.unchanged] == ["a"]
    assert [entry.version for entry in report.changed] == [2]


def test_progress_is_told_of_every_source(database, settings, folder):
    told: list[tuple[int, int, str]] = []

    intake.add(
        database,
        [folder(a_txt=ENGLISH, b_txt=ENGLISH)],
        settings,
        lambda done, total, name: told.append((done, total, Path(name).name)),
    )

    assert told == [(0, 2, "a.txt"), (1, 2, "b.txt"), (2, 2, "")]


def test_a_source_that_another_adds_between_two_looks_is_not_refused(
    database, settings, folder, monkeypatch
):
    made = folder(a_txt=ENGLISH)
    look = repository.find

    def find(session, source_key):
        monkeypatch.setattr(repository, "find", look)
        found = look(session, source_key)
        assert len(intake.add(Database(database.url), [made], settings).added) == 1
        return found

    monkeypatch.setattr(repository, "find", find)
    report = intake.add(database, [made], settings)

    assert (report.failed, report.added, report.changed) == ([], [], [])
    assert len(report.unchanged) == 1


@pytest.mark.parametrize("writers", [2, 6])
def test_the_same_source_added_by_several_at_once_is_stored_once(
    database, settings, folder, writers: int
):
    made = folder(a_txt=ENGLISH, b_md=markdown(id="s01"), c_txt="Other words here.")
    gate = threading.Barrier(writers)

    def run() -> AddReport:
        own = Database(database.url)
        gate.wait()
        try:
            return intake.add(own, [made], settings)
        finally:
            own.close()

    with ThreadPoolExecutor(writers) as pool:
        reports = [future.result() for future in [pool.submit(run) for _ in range(writers)]]

    assert sum(len(report.added) for report in reports) == 3
    assert [(report.failed, report.changed) for report in reports] == [([], [])] * writers
    with database.transaction() as session:
        assert session.scalar(select(func.count()).select_from(StatementRow)) == 3
        assert session.scalar(select(func.count()).select_from(PassageRow)) == 3
        assert repository.revision(session) == 3
