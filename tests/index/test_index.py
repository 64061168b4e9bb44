from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import delete, text, update

from service.kit.errors import IndexMismatch
from service.kit.vectors import Vectors
from service.settings import Settings
from service.statements import intake
from service.statements.corpus import Corpus
from service.statements.index import COLLECTION, PassageChangeRow
from service.statements.tables import PassageRow

BOMBERS = "Two B-52H bombers flew with three F-35B fighters over the Sea of Japan on Wednesday."
LOAN = "The European Council agreed to provide a loan of EUR 90 billion to Ukraine for 2026."
VIRUS = "The World Health Organization found no evidence of transmission between humans."

Write = Callable[..., list[Path]]


def found(corpus: Corpus, query: str) -> list[str]:
    return [hit.passage.statement.statement_id for hit in corpus.search(query, 5)]


def vectors(corpus: Corpus, model: str = "test-model@1"):
    """The collection as somebody else would open it."""
    return corpus.vectors.open(COLLECTION, model, "")


def test_each_text_is_embedded_once(corpus: Corpus, encoder, write: Write):
    corpus.add(write(a=BOMBERS, b=LOAN, copy=BOMBERS))

    assert sorted(encoder.encoded) == sorted([BOMBERS, LOAN])


def test_adding_a_statement_embeds_no_other(corpus: Corpus, encoder, write: Write):
    corpus.add(write(a=BOMBERS))
    encoder.encoded.clear()

    corpus.add(write(a=BOMBERS, b=LOAN))

    assert encoder.encoded == [LOAN]


def test_reindex_embeds_nothing_that_is_cached(corpus: Corpus, encoder, write: Write):
    corpus.add(write(a=BOMBERS, b=LOAN))
    encoder.encoded.clear()

    corpus.reindex()

    assert encoder.encoded == []
    assert vectors(corpus).count() == 2


def test_reindex_makes_a_lost_index_again(corpus: Corpus, write: Write):
    corpus.add(write(a=BOMBERS, b=LOAN))
    corpus.vectors.recreate(COLLECTION, "test-model@1")

    corpus.reindex()

    assert found(corpus, LOAN)[0] == "b"


def test_another_model_is_refused_and_the_message_names_the_command(
    settings: Settings, corpus: Corpus, counting, write: Write
):
    corpus.add(write(a=BOMBERS))
    corpus.close()

    with (
        Corpus.open(settings, counting("other-model@1")) as other,
        pytest.raises(IndexMismatch, match=r"test-model@1.*other-model@1.*verinote corpus reindex"),
    ):
        other.search(BOMBERS, 1)


def test_what_is_added_under_another_model_is_stored_and_waits_for_reindex(
    settings: Settings, corpus: Corpus, counting, write: Write
):
    corpus.add(write(a=BOMBERS))
    corpus.close()

    with Corpus.open(settings, counting("other-model@1")) as other:
        with pytest.raises(IndexMismatch, match="stored, but not indexed"):
            other.add(write(b=LOAN))

        assert [stored.ref.statement_id for stored in other.list()] == ["a", "b"]
        other.reindex()
        assert found(other, LOAN)[0] == "b"


def test_reindex_changes_the_model(settings: Settings, corpus: Corpus, counting, write: Write):
    corpus.add(write(a=BOMBERS, b=LOAN))
    corpus.close()
    with Corpus.open(settings, counting("other-model@1")) as other:
        other.reindex()

        assert found(other, LOAN)[0] == "b"
        assert other.vectors.model_of(COLLECTION) == "other-model@1"


def test_a_withdrawn_statement_is_not_found(corpus: Corpus, write: Write):
    corpus.add(write(a=BOMBERS, b=LOAN))

    corpus.withdraw("b")

    assert found(corpus, LOAN) == ["a"]
    assert vectors(corpus).count() == 1


def test_a_withdrawal_taken_back_is_found_again_without_embedding(
    corpus: Corpus, encoder, write: Write
):
    corpus.add(write(a=BOMBERS, b=LOAN))
    corpus.withdraw("b")
    encoder.encoded.clear()

    corpus.reinstate("b")

    assert encoder.encoded == []
    assert found(corpus, LOAN)[0] == "b"


def test_only_the_current_version_is_found(corpus: Corpus, write: Write):
    corpus.add(write(a=BOMBERS))
    corpus.add(write(a=LOAN))

    hits = corpus.search(BOMBERS, 5)

    assert [(hit.passage.statement.version, hit.passage.text) for hit in hits] == [(2, LOAN)]


def test_what_a_crash_left_unindexed_is_indexed_at_the_next_opening(
    settings: Settings, corpus: Corpus, encoder, write: Write
):
    corpus.add(write(a=BOMBERS))
    intake.add(corpus.database, write(b=LOAN), settings)  # committed, and no further
    corpus.close()

    with Corpus.open(settings, encoder) as again:
        assert found(again, LOAN)[0] == "b"


def test_a_withdrawal_that_a_crash_left_unindexed_is_not_found_even_before_the_index_knows(
    corpus: Corpus, write: Write
):
    corpus.add(write(a=BOMBERS, b=LOAN))

    intake.withdraw(corpus.database, "b")

    assert found(corpus, LOAN) == ["a"]


def test_vectors_lost_with_no_change_pending_are_noticed_at_opening(
    settings: Settings, corpus: Corpus, encoder, write: Write
):
    corpus.add(write(a=BOMBERS, b=LOAN))
    vectors(corpus).delete(list(vectors(corpus).ids()))
    corpus.close()

    with Corpus.open(settings, encoder) as again:
        again.search(LOAN, 1)

        assert vectors(again).count() == 2


def test_check_finds_nothing_in_a_sound_corpus(corpus: Corpus, write: Write):
    corpus.add(write(a=BOMBERS, b=LOAN))
    corpus.withdraw("a")

    report = corpus.check()

    assert not report.differs
    assert report.passages == 1


def lose_a_vector(corpus: Corpus) -> None:
    vectors(corpus).delete(["b@1:0-84"])


def smuggle_a_vector(corpus: Corpus) -> None:
    vectors(corpus).upsert(["nothing@1:0-9"], np.ones((1, 384), np.float32))


def swap_a_vector(corpus: Corpus) -> None:
    vectors(corpus).upsert(["b@1:0-84"], np.ones((1, 384), np.float32))


def shrink_the_vectors(corpus: Corpus) -> None:
    made = corpus.vectors.recreate(COLLECTION, "test-model@1")
    made.upsert(["a@1:0-84", "b@1:0-84", "c@1:0-79"], np.ones((3, 8), np.float32))


def damage_words(corpus: Corpus, sqlite: list[str], postgresql: list[str]) -> None:
    with corpus.database.transaction() as session:
        for statement in sqlite if corpus.database.kind == "sqlite" else postgresql:
            session.execute(text(statement))


def lose_words(corpus: Corpus) -> None:
    damage_words(
        corpus,
        ["INSERT INTO passages_fts(passages_fts) VALUES ('delete-all')"],
        ["TRUNCATE passages_fts"],
    )


def smuggle_words(corpus: Corpus) -> None:
    damage_words(
        corpus,
        ["INSERT INTO passages_fts(rowid, text) VALUES (99, 'loan')"],
        ["INSERT INTO passages_fts VALUES (99, passages_indexed('loan'))"],
    )


def swap_words(corpus: Corpus) -> None:
    row = "FROM passages WHERE statement_id = 'b'"
    damage_words(
        corpus,
        [
            "INSERT INTO passages_fts(passages_fts, rowid, text)"
            f" SELECT 'delete', number, text {row}",
            f"INSERT INTO passages_fts(rowid, text) SELECT number, 'quite another text' {row}",
        ],
        [
            "UPDATE passages_fts SET words = passages_indexed('quite another text')"
            " FROM passages WHERE passages.number = passages_fts.number AND statement_id = 'b'"
        ],
    )


@pytest.mark.parametrize(
    ("damage", "figure"),
    [
        (lose_a_vector, lambda report: report.vectors_missing == 1),
        (smuggle_a_vector, lambda report: report.vectors_surplus == 1),
        (swap_a_vector, lambda report: report.vectors_wrong == 1),
        (shrink_the_vectors, lambda report: report.vectors_wrong == 3),
        (lose_words, lambda report: report.text.missing == 3),
        (smuggle_words, lambda report: report.text.surplus == 1),
        (swap_words, lambda report: report.text.damaged),
    ],
)
def test_check_sees_what_was_changed_behind_its_back_and_repairs_it(
    corpus: Corpus, write: Write, damage, figure
):
    corpus.add(write(a=BOMBERS, b=LOAN, c=VIRUS))
    damage(corpus)

    assert figure(corpus.check())
    assert corpus.check(repair=True).repaired
    assert not corpus.check().differs
    hit = corpus.search("the loan of EUR 90 billion to Ukraine", 1)[0]
    assert hit.passage.statement.statement_id == "b"
    assert (hit.dense_rank, hit.text_rank) == (1, 1)


def test_check_names_the_model_of_a_foreign_index(
    settings: Settings, corpus: Corpus, counting, write: Write
):
    corpus.add(write(a=BOMBERS))
    corpus.close()

    with Corpus.open(settings, counting("other-model@1")) as other:
        assert other.check().other_model == "test-model@1"
        other.check(repair=True)
        assert not other.check().differs


def test_the_words_follow_the_passages_whoever_changes_them(corpus: Corpus, write: Write):
    corpus.add(write(a=BOMBERS, b=LOAN, c=VIRUS))
    with corpus.database.transaction() as session:
        session.execute(update(PassageRow).values(searchable=False))
        session.execute(
            update(PassageRow).where(PassageRow.statement_id == "b").values(searchable=True)
        )
        session.execute(delete(PassageRow).where(PassageRow.statement_id == "c"))
        session.execute(
            update(PassageRow)
            .where(PassageRow.statement_id == "b")
            .values(text=PassageRow.text + " Denmark abstained.")
        )

    with corpus.database.transaction() as session:
        assert not corpus.check().text
    assert [hit.text_rank for hit in corpus.search("Denmark abstained", 5)] == [1]


def test_a_rolled_back_change_leaves_nothing_to_index(corpus: Corpus, write: Write):
    corpus.add(write(a=BOMBERS))

    with pytest.raises(ZeroDivisionError), corpus.database.transaction() as session:
        session.execute(update(PassageRow).values(searchable=False))
        raise ZeroDivisionError

    with corpus.database.transaction() as session:
        assert session.query(PassageChangeRow).count() == 0
    assert not corpus.check().differs


def test_indexing_reports_its_progress(corpus: Corpus, write: Write):
    told: list[tuple[int, int, str]] = []

    corpus.add(write(a=BOMBERS, b=LOAN), lambda *step: told.append(step))

    assert told[-1] == (2, 2, "passages indexed")


def test_nobody_waits_for_what_others_go_on_adding(settings: Settings, counting, write: Write):
    ports = {f"o{number}": f"The fleet left port {number} on Monday." for number in range(5)}
    others = write(**ports)

    class Busy:
        """While it embeds, somebody else adds a statement."""

        name = "busy@1"

        def encode(self, texts: Sequence[str]) -> Vectors:
            if others:
                intake.add(corpus.database, [others.pop()], settings)
            made: Vectors = counting().encode(texts)
            return made

    with Corpus.open(settings, Busy()) as corpus:
        corpus.index_changes()  # opens the index while nothing is there
        corpus.add(write(mine=BOMBERS))
        assert len(others) == 4
        assert corpus.count_vectors() == 1
        for _ in range(5):
            corpus.index_changes()
        assert corpus.count_vectors() == 6
        assert not corpus.check().differs
