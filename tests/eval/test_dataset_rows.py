"""Adapters read their upstream's rows, and say which lines they could not read."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from eval.datasets import (
    averitec,
    checkworthy,
    climate_fever,
    fool_me_twice,
    healthver,
    probes,
    wice,
)
from eval.datasets import seeds as seed_rows
from eval.datasets.reading import BadRow, stream
from service.kit.errors import InputError
from service.types import Stance, Verdict


def test_malformed_lines_are_reported_by_number_and_the_rest_is_read(tmp_path: Path) -> None:
    path = tmp_path / "probes.jsonl"
    path.write_bytes(
        b'{"id": "1", "claim": "A.", "verdict": "supported"}\n'
        b"{not json\n"
        b"\n"
        b'{"id": "2", "verdict": "supported"}\n'
        b'{"id": "3", "claim": "C.", "verdict": "perhaps"}\n'
        b'{"id": "4", "claim": "\xff", "verdict": "refuted"}\n'
        b"[1, 2]\n"
        b'{"id": "5", "claim": "E.", "verdict": "refuted", "as_of": "12.12.2025"}\n'
        b'{"id": "6", "claim": "F.", "verdict": "refuted"}\n'
    )
    bad: list[BadRow] = []
    assert [row.id for row in stream(path, probes.parse, bad)] == ["1", "6"]
    assert [row.line for row in bad] == [2, 4, 5, 6, 7, 8]
    assert "'claim' is missing" in str(bad[1])
    assert "perhaps" in bad[2].reason
    assert "YYYY-MM-DD" in bad[5].reason


def test_a_missing_file_names_the_option_that_points_to_it(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--data"):
        list(stream(tmp_path / "healthver.jsonl", healthver.parse, []))


def test_climate_fever_keeps_the_stance_of_each_sentence() -> None:
    row = climate_fever.parse(
        {
            "claim_id": 5,
            "claim": "Seas rise.",
            "claim_label": "DISPUTED",
            "evidences": [
                {"evidence": "They do.", "evidence_label": "SUPPORTS", "article": "Sea"},
                {"evidence": "Fish.", "evidence_label": "NOT_ENOUGH_INFO", "article": "Fish"},
            ],
        }
    )
    assert row.verdict == Verdict.CONFLICTING
    assert row.stances == (Stance.SUPPORTS, Stance.NEUTRAL)
    assert row.titles == ("Sea", "Fish")


def test_averitec_reads_an_answer_with_its_question_and_leaves_out_the_unanswerable() -> None:
    row = averitec.parse(
        {
            "id": 7,
            "claim": "Syria complied.",
            "label": "Conflicting Evidence/Cherrypicking",
            "claim_date": "30-10-2020",
            "questions": [
                {
                    "question": "Did it?",
                    "answers": [
                        {
                            "answer": "No",
                            "answer_type": "Boolean",
                            "boolean_explanation": "It did not.",
                        },
                        {"answer": "No answer could be found.", "answer_type": "Unanswerable"},
                    ],
                }
            ],
        }
    )
    assert row.passages == ("Did it? No It did not.",)
    assert row.as_of == date(2020, 10, 30)
    assert row.verdict == Verdict.CONFLICTING


def test_fool_me_twice_joins_the_gold_sentences() -> None:
    row = fool_me_twice.parse(
        {
            "id": "x",
            "text": "Roy boxed.",
            "label": "REFUTES",
            "wikipedia_page": "The Natural",
            "gold_evidence": [{"text": "Roy played."}, {"text": "Baseball."}],
        }
    )
    assert row.passages == ("Roy played. Baseball.",)
    assert row.stances == (Stance.REFUTES,)


def test_wice_takes_the_union_of_the_annotators_sentences() -> None:
    fields = {
        "label": "partially_supported",
        "supporting_sentences": [[1], [], [1, 2]],
        "claim": "He was born.",
        "evidence": ["Title", "Born.", "In May."],
        "meta": {"id": "test1"},
    }
    assert wice.parse(fields).gold == {1, 2}
    with pytest.raises(ValueError, match="outside the 3 sentences"):
        wice.parse(fields | {"supporting_sentences": [[3]]})


def test_check_worthiness_maps_the_sources_words() -> None:
    fields = {"id": 1, "sentence": "What?", "claim": "It is nice.", "checkworthy": "opinion"}
    assert not checkworthy.parse_sentence(fields).checkable
    assert not checkworthy.parse_claim(fields).checkable
    assert checkworthy.parse_claim(fields | {"checkworthy": "factual"}).checkable


def test_the_seed_gold_rows_point_at_their_words() -> None:
    seeds = Path(__file__).parents[2] / "seeds"
    bad: list[BadRow] = []
    rows = list(stream(seeds / "gold.jsonl", seed_rows.parse, bad))
    assert bad == []
    assert len(rows) == 15


def test_a_gold_span_that_does_not_fit_its_text_is_refused() -> None:
    line = json.loads((Path(__file__).parents[2] / "seeds/gold.jsonl").open().readline())
    line["source"]["end"] += 1
    with pytest.raises(ValueError, match="characters"):
        seed_rows.parse(line)


def test_texts_are_read_in_the_form_that_texts_are_stored_in() -> None:
    written = r'{"id": "1", "claim": "Cafe\u0301 \ud800open\u0000.", "verdict": "refuted"}'
    assert probes.parse(json.loads(written)).claim == "Café open."


def test_a_table_is_read_as_lines_are(tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    path.write_text(
        "\ufeffid,claim,verdict,statement,as_of\n"
        '1,"Two bombers, Russian, flew.",supported,S01; S02,2025-12-20\n'
        "2,No verdict.,,,\n"
        "3,Wheat rose.,refuted,,\n"
        "4,Wheat, barley.,refuted,,,\n",
        encoding="utf-8",
    )
    bad: list[BadRow] = []
    first, second = stream(path, probes.parse, bad)
    assert (first.claim, first.statements) == ("Two bombers, Russian, flew.", ("S01", "S02"))
    assert str(first.as_of) == "2025-12-20"
    assert (second.id, second.statements, second.as_of) == ("3", (), None)
    assert [str(one) for one in bad] == [
        "line 3: field 'verdict' is missing",
        "line 5: it has more cells than the first line names",
    ]


def test_a_table_in_another_encoding_says_how_to_save_it(tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    path.write_bytes("id,claim,verdict\n1,Café open.,refuted\n".encode("cp1252"))
    with pytest.raises(InputError, match=r"own\.csv: .*in UTF-8"):
        list(stream(path, probes.parse, []))
