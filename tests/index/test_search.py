from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from sqlalchemy import select, text

from service.kit.database import Database
from service.statements.corpus import Corpus
from service.statements.repository import searchable_among
from service.statements.search import Query
from service.statements.tables import PassageRow

BOMBERS = "Two B-52H bombers flew with three F-35B fighters over the Sea of Japan on Wednesday."
LOAN = "The European Council agreed to provide a loan of EUR 90 billion to Ukraine for 2026."
VIRUS = "The World Health Organization found no evidence of transmission between humans."
TALKS = "The ministers met in Geneva and discussed the matter for two hours."

Write = Callable[..., list[Path]]


def ids(hits) -> list[str]:
    return [hit.passage.statement.statement_id for hit in hits]


def test_the_passage_about_the_claim_comes_first(corpus: Corpus, write: Write):
    corpus.add(write(a=BOMBERS, b=LOAN, c=VIRUS, d=TALKS))

    hits = corpus.search("Four B-52 bombers flew near Japan.", 3)

    assert ids(hits)[0] == "a"
    assert len(hits) == 3


def test_a_hit_is_the_passage_with_its_statement(corpus: Corpus, write: Write):
    corpus.add(write(a=BOMBERS))

    passage = corpus.search(BOMBERS, 1)[0].passage

    assert (passage.id, passage.text) == ("a@1:0-84", BOMBERS)
    assert (passage.start, passage.end) == (0, len(BOMBERS))
    assert (passage.statement.issuer, passage.statement.version) == ("Joint Staff", 1)


def test_a_hit_says_how_it_was_found(corpus: Corpus, write: Write):
    corpus.add(write(a=BOMBERS, b=LOAN))

    best, other = corpus.search(BOMBERS, 2)

    assert (best.dense_rank, best.text_rank) == (1, 1)
    assert best.similarity is not None
    assert best.similarity > 0.99
    assert (other.dense_rank, other.text_rank) == (2, None)
    assert best.score > other.score


def test_words_find_what_is_not_near_in_meaning(corpus: Corpus, write: Write):
    others = {f"o{number}": f"The ministry reported event {number}." for number in range(60)}
    corpus.add(write(x="Reference QX-7781 applies.", **others))

    hits = corpus.search("The ministry reported an event.  QX-7781", 61)

    (hit,) = [hit for hit in hits if ids([hit]) == ["x"]]
    assert hit.text_rank == 1


def test_the_same_text_under_many_addresses_is_one_hit(corpus: Corpus, write: Write):
    copies = {f"copy{number}": BOMBERS for number in range(70)}
    corpus.add(write(a=LOAN, b=VIRUS, **copies))

    hits = corpus.search(BOMBERS, 3)

    assert ids(hits)[0] == "copy0"
    assert sorted(ids(hits)[1:]) == ["a", "b"]


def test_the_issuers_own_text_stands_before_a_digest_of_the_same_words(
    corpus: Corpus, write: Write, tmp_path: Path
):
    digest = tmp_path / "a-digest.md"
    digest.write_text(f"---\nid: a-digest\nkind: digest\nlanguage: en\n---\n{BOMBERS}\n")
    corpus.add([digest, *write(original=BOMBERS)])

    assert ids(corpus.search(BOMBERS, 5)) == ["original"]


def test_context_lifts_what_the_claim_alone_does_not_name(corpus: Corpus, write: Write):
    exercise = "Northern Coasts ran from 1 to 14 September in the Baltic Sea."
    corpus.add(
        write(exercise=exercise, geneva=TALKS, flight="The flight lasted four weeks.", c=VIRUS)
    )
    claim, context = (
        "It went on for a fortnight.",
        "Exercise Northern Coasts took place in the Baltic.",
    )

    alone = ids(corpus.search(claim, 4))
    widened = ids(corpus.search(claim, 4, context=context))

    assert widened.index("exercise") < alone.index("exercise")


def test_many_claims_at_once_find_what_each_finds_alone(corpus: Corpus, encoder, write: Write):
    corpus.add(write(a=BOMBERS, b=LOAN, c=VIRUS, d=TALKS))
    queries = [Query(BOMBERS), Query("Ukraine loan", context="The Council met."), Query(BOMBERS)]
    alone = [corpus.search(query.text, 3, context=query.context) for query in queries]
    encoder.encoded.clear()

    together = corpus.search_many(queries, 3)

    assert [ids(hits) for hits in together] == [ids(hits) for hits in alone]
    assert len(encoder.encoded) == 3


def test_the_same_search_gives_the_same_answer(corpus: Corpus, write: Write):
    corpus.add(write(**{f"s{number}": f"Ship {number} sailed." for number in range(30)}))

    first = corpus.search("A ship sailed.", 10)

    assert all(corpus.search("A ship sailed.", 10) == first for _ in range(5))


def test_an_empty_corpus_finds_nothing(corpus: Corpus):
    assert corpus.search("anything", 5) == []


def test_a_query_without_a_word_finds_by_meaning_only(corpus: Corpus, write: Write):
    corpus.add(write(a=BOMBERS))

    assert [hit.text_rank for hit in corpus.search("???", 5)] == [None]


def test_statements_in_other_languages_are_not_found(corpus: Corpus, tmp_path: Path):
    path = tmp_path / "de.md"
    path.write_text("---\nid: de\nlanguage: de\n---\nDer Rat beschloss ein Darlehen.\n")
    corpus.add([path])

    assert corpus.search("Der Rat beschloss ein Darlehen.", 5) == []
    assert corpus.coverage().not_searched == 1


def test_sqlite_looks_passages_up_by_their_ids_however_many_there_are(tmp_path: Path):
    database = Database.open(f"sqlite:///{tmp_path / 'verinote.db'}", tmp_path)
    with database.transaction() as session:
        query = select(PassageRow.id).where(searchable_among(["a@1:0-84", "b@1:0-9"]))
        explained = query.compile(session.get_bind(), compile_kwargs={"literal_binds": True})
        plan = session.execute(text(f"EXPLAIN QUERY PLAN {explained}")).all()
    database.close()

    assert ["(id=?)" in row.detail for row in plan] == [True]
