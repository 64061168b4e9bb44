"""What a task makes of its rows: the figures a person would work out by hand."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from tiny_corpus import write_statements

from eval.datasets.examples import GoldClaim
from eval.sentence_search import rank
from eval.subject import Subject
from eval.tasks.desk import ArticleClaims, ClaimList, matching
from eval.tasks.finding import FindSentences
from eval.tasks.given import GivenEvidence
from eval.tasks.worth import CheckWorthiness
from service.models import Encoder
from service.settings import load_settings
from service.types import Claim, ClaimState, Note, Span, Verdict


def note(text: str, start: int, end: int, verdict: Verdict = Verdict.SUPPORTED) -> Note:
    return Note(
        claim=Claim(id=text, text=text, source=Span(start, end, "x" * (end - start))),
        state=ClaimState.DRAFTED,
        verdict=verdict,
        confidence=0.8,
        findings=(),
        basis=None,
        warnings=(),
        evidence=(),
        engine="local",
        model="m",
        prompt_version="p",
        corpus_revision=1,
    )


def gold(start: int = 10, end: int = 30) -> GoldClaim:
    return GoldClaim(
        id="G1",
        article="a",
        claim="Three F-35B took part.",
        start=start,
        end=end,
        text="x" * (end - start),
        verdict=Verdict.REFUTED,
        statements=("S01",),
        key_terms=(("three",), ("f-35b", "f35b")),
    )


class TestMatching:
    def test_the_claim_that_overlaps_the_span_most_and_holds_the_terms_matches(self) -> None:
        near = note("Three F-35B flew.", 12, 28)
        notes = [note("three F-35B came", 25, 40), near, note("Two B-52 flew.", 10, 30)]
        assert matching(gold(), notes) == [near]

    def test_a_claim_with_the_terms_elsewhere_in_the_text_does_not_match(self) -> None:
        assert matching(gold(), [note("Three F-35B flew.", 30, 50)]) == []

    def test_claims_that_overlap_it_equally_all_match(self) -> None:
        pair = [note("Three F-35B flew.", 10, 30), note("three f35b left", 5, 30)]
        assert matching(gold(), pair) == pair


def told(id_: str, gold_verdict: str, verdict: str, **more: Any) -> dict[str, Any]:
    return {
        "id": id_,
        "group": id_,
        "kind": "number",
        "gold_verdict": gold_verdict,
        "verdict": verdict,
        "confidence": 0.9,
        "gold_statements": ["S01"],
        "deciding": ["S01"],
        "shown": ["S01", "S02"],
        "matches": ["m"],
    } | more


class TestDesk:
    def test_flips_abstentions_and_accuracy_are_told_apart(self) -> None:
        rows = [
            told("1", "supported", "supported"),
            told("2", "supported", "refuted"),
            told("3", "refuted", "not_enough_evidence", deciding=[]),
            told("4", "not_enough_evidence", "not_enough_evidence", deciding=[]),
        ]
        figures = ClaimList().measure(rows).figures
        assert figures["accuracy"].interval.value == 0.5
        assert figures["flipped"].interval.value == 1
        assert figures["abstained"].interval.value == pytest.approx(1 / 3)
        assert figures["accuracy_number"].n == 4
        assert figures["statement_decides"].n == 2

    def test_an_assertion_without_a_match_is_wrong(self, tmp_path: Any) -> None:
        rows = [
            told("1", "supported", "supported"),
            told("2", "not_enough_evidence", "no match", matches=[]),
        ]
        figures = ArticleClaims(tmp_path).measure(rows).figures
        assert figures["accuracy"].interval.value == 0.5
        assert figures["matched"].interval.value == 0.5

    def test_an_article_counts_once_and_what_is_known_of_it_is_a_floor(self, tmp_path: Any) -> None:
        article = {"article": "a", "extracted": 4, "spans_verbatim": 3}
        rows = [
            told("1", "supported", "supported", matches=["m"], same_span=True, **article),
            told("2", "supported", "supported", matches=["m", "n"], same_span=False, **article),
            told("3", "supported", "no match", matches=[], **article),
        ]
        figures = ArticleClaims(tmp_path).measure(rows).figures
        assert (figures["extracted_known"].interval.value, figures["extracted_known"].n) == (0.5, 4)
        assert figures["spans_verbatim"].interval.value == 0.75
        assert (figures["same_span"].interval.value, figures["same_span"].n) == (0.5, 2)

    def test_notes_are_measured_by_their_citations(self) -> None:
        def cited(*carries: float | None, verbatim: bool = True) -> dict[str, Any]:
            one = {"statement": "S01", "verbatim": verbatim}
            return {"citations": [one | {"carries": share} for share in carries]}

        rows = [
            told("1", "supported", "supported", words=20, **cited(0.9, 0.2)),
            told("2", "supported", "refuted", words=10, **cited()),
            told("3", "supported", "not_enough_evidence", words=0, **cited(None, verbatim=False)),
        ]
        figures = ClaimList().measure(rows).figures
        assert figures["citations_verbatim"].interval.value == pytest.approx(2 / 3)
        assert figures["citations_carrying"].interval.value == 0.5
        assert (figures["decided_with_citation"].interval.value) == 0.5
        assert (figures["words_a_note"].interval.value, figures["words_a_note"].n) == (15, 2)

    async def test_a_quote_that_does_not_stand_where_it_says_is_found(self, tmp_path: Path) -> None:
        write_statements(tmp_path / "statements")
        settings = load_settings(data_dir=tmp_path)
        async with Subject.open(settings, "probes") as subject:
            await subject.load(tmp_path / "statements")
            claim = "Two B-52 bombers took part in an exercise over the Sea of Japan."
            drafted = await subject.verify(claim, date(2025, 12, 31))
            (finding, *_) = drafted.findings
            (citation, *_) = finding.citations
            moved = replace(citation, start=citation.start + 1, end=citation.end + 1)
            both = replace(finding, citations=(citation, moved))
            checked = await subject.check_citations(replace(drafted, findings=(both,)))
        assert [one.verbatim for one in checked] == [True, False]
        assert all(one.carries is not None and 0 <= one.carries <= 1 for one in checked)
        assert drafted.verdict is Verdict.REFUTED, "a later statement says four"

    def test_no_rows_give_no_figures_but_no_error(self) -> None:
        assert ClaimList().measure([]).figures["accuracy"].n == 0


GIVEN: list[dict[str, Any]] = [
    {
        "group": "1",
        "gold_stances": ["supports", "neutral"],
        "stances": ["supports", "supports"],
        "probabilities": [0.9, 0.6],
        "scores": [[0.9, 0.05, 0.05], [0.5, 0.1, 0.4]],
        "overlap": [0.8, 0.2],
        "gold_verdict": "supported",
        "verdict": "supported",
        "confidence": 0.8,
    },
    {
        "group": "2",
        "gold_stances": ["refutes", "refutes"],
        "stances": ["neutral", "refutes"],
        "probabilities": [0.6, 0.7],
        "scores": [[0.3, 0.3, 0.4], [0.1, 0.7, 0.2]],
        "overlap": [0.5, 0.4],
        "gold_verdict": "refuted",
        "verdict": "not_enough_evidence",
        "confidence": 0.5,
    },
]


class TestGivenEvidence:
    def test_stance_and_verdict_are_measured_from_one_run(self) -> None:
        figures = GivenEvidence(verdicts=True).measure(GIVEN).figures
        assert figures["stance_accuracy"].interval.value == 0.5
        assert figures["stance_accuracy"].n == 4
        assert figures["verdict_accuracy"].interval.value == 0.5
        assert set(figures["stance_macro_f1"].baselines) == {"majority", "word_overlap"}

    def test_a_tie_in_a_forced_choice_counts_half(self) -> None:
        rows = [
            row
            | {"gold_stances": row["gold_stances"][:1]}
            | {key: row[key][:1] for key in ("stances", "probabilities", "scores", "overlap")}
            for row in GIVEN
        ]
        figures = GivenEvidence(sides_only=True).measure(rows).figures
        assert figures["forced_choice_accuracy"].interval.value == 0.75


class TestFindSentences:
    def test_only_rows_with_something_to_find_count(self) -> None:
        rows = [
            {"group": "1", "gold": [3], "found": [9, 3], "bm25": [1, 2, 4, 5, 6, 3]},
            {"group": "2", "gold": [], "found": [1], "bm25": [1]},
        ]
        figures = FindSentences().measure(rows).figures
        assert figures["found_at_5"].n == 1
        assert figures["found_at_5"].interval.value == 1
        assert figures["found_at_5"].baselines["bm25"].interval.value == 0
        assert figures["mrr"].interval.value == 0.5

    def test_a_ranking_is_measured_as_it_is_done_by_hand(self) -> None:
        rows = [
            {"group": "1", "gold": [3, 7], "found": [3, 9, 7], "bm25": []},
            {"group": "2", "gold": [1], "found": [5], "bm25": [1]},
        ]
        figures = FindSentences().measure(rows).figures
        ideal = 1 + 1 / math.log2(3)
        assert figures["ndcg_at_10"].interval.value == pytest.approx(
            ((1 + 1 / math.log2(4)) / ideal + 0) / 2
        )
        assert figures["ndcg_at_10"].baselines["bm25"].interval.value == 0.5
        assert figures["recall_at_5"].interval.value == 0.5
        assert figures["found_at_1"].interval.value == 0.5

    def test_the_products_search_ranks_a_documents_sentences(self) -> None:
        sentences = [
            "Tickets are sold at the door.",
            "",
            "The museum opened in 1921 in a former railway station.",
            "Its café serves lunch.",
            "Tickets are sold at the door.",
        ]
        order = rank(Encoder(), "The museum has been open since 1921.", sentences, 5)
        assert order[0] == 2
        assert 1 not in order
        assert len(order) == len(set(order)) == 3

    def test_a_document_without_words_has_nothing_to_find(self) -> None:
        assert rank(Encoder(), "Anything.", ["", "  "], 5) == []


class TestCheckWorthiness:
    def test_the_score_is_held_against_the_length(self) -> None:
        rows = [
            {"group": "1", "gold": "checkable", "text": "a b c", "score": 0.9, "claims": ["c"]},
            {"group": "2", "gold": "not", "text": "a b c d", "score": 0.0, "claims": []},
        ]
        figures = CheckWorthiness().measure(rows).figures
        assert figures["auroc"].interval.value == 1
        assert figures["auroc"].baselines["length"].interval.value == 0
        assert figures["taken_accuracy"].interval.value == 1
