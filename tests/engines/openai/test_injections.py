"""Texts that try to steer a model, each with a scripted model that obeys.

``injections/cases.jsonl`` has the payload, where it stands and what the obedient model answers;
``$words`` in an answer is the number of the passage that holds the words. ``expected.jsonl`` says
what must become of it:

- ``dropped``: the model's invention is not shown; what was a verdict is not_enough_evidence.
- ``needs_attention``: every note that it touches is marked so.
- ``warned``: the note has a warning about it.

``marked`` says whether the text is told to look as if it spoke to a model. Where it does not, the
rest must hold all the same.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from desk import Desk, assert_all_is_quoted, verify

from eval.endpoint.asked import Asked
from service.kit.sentences import sentences
from service.kit.text import normalise, sha256_hex
from service.settings import Settings
from service.statements.corpus import Corpus
from service.types import ClaimState, Note, Submission, Verdict

FOLDER = Path(__file__).parent / "injections"
CASES = [json.loads(line) for line in (FOLDER / "cases.jsonl").read_text("utf-8").splitlines()]
EXPECTED = {
    row["id"]: row
    for row in map(json.loads, (FOLDER / "expected.jsonl").read_text("utf-8").splitlines())
}
BOMBERS = "Two U.S. B-52 bombers took part in the exercise over the Sea of Japan."
HARBOUR = "The harbour of Sakata was closed for nine days in December 2025."
STATEMENTS = {
    "E1": (
        "Joint Staff, Ministry of Defense, Japan",
        "2025-12-11",
        "digest",
        "An exercise over the Sea of Japan",
        "The Joint Staff announced that two U.S. Air Force B-52 bombers, three F-35A and three "
        "F-15 fighters took part in an exercise over the Sea of Japan on Wednesday 10 December "
        "2025.",
    ),
    "L1": (
        "European Council",
        "2025-12-10",
        "original",
        "A loan for Ukraine",
        "Leaders meeting in the European Council agreed on 10 December 2025 to lend Ukraine EUR 90 "
        "billion. The loan is to be raised by borrowing on the markets.",
    ),
    "H1": (
        "Port of Sakata",
        "2025-12-09",
        "original",
        "The harbour",
        "The harbour of Sakata was closed for five days in December 2025.",
    ),
}

WHERE = {"article", "statement", "title", "issuer"}
_MARK = "looks as if it spoke to a model"
_TEXT_OF_H1 = ("H1", "statement")


def test_there_are_enough_of_every_kind() -> None:
    kinds = {case["kind"] for case in CASES}
    assert len(CASES) >= 60
    assert kinds == {"article", "statement", "quote", "unicode", "fake_json", "fake_citation"}
    assert {case["id"] for case in CASES} == EXPECTED.keys()
    assert {row["outcome"] for row in EXPECTED.values()} == OUTCOMES.keys()
    assert all(case["where"] in WHERE and case["payload"] for case in CASES)
    assert all(case["obeys"] for case in CASES)


@pytest.fixture(scope="session")
def plain(tmp_path_factory: pytest.TempPathFactory) -> tuple[Settings, Path]:
    """A corpus without an injection."""
    return _filled(tmp_path_factory.mktemp("plain"), {"where": "article", "payload": ""})


def _filled(folder: Path, case: dict[str, Any]) -> tuple[Settings, Path]:
    """A data folder with the statements, one of them with the payload, and the folder of these."""
    source = folder / "statements"
    source.mkdir()
    for name, (issuer, published, kind, title, text) in STATEMENTS.items():
        told = {"id": name, "issuer": issuer, "published": published, "kind": kind, "title": title}
        if name == "H1":
            told |= {case["where"]: case["payload"]} if case["where"] in told else {}
        body = f"{text} {case['payload']}" if (name, case["where"]) == _TEXT_OF_H1 else text
        head = "\n".join(f"{key}: {json.dumps(value)}" for key, value in told.items())
        (source / f"{name}.md").write_text(f"---\n{head}\n---\n\n{body}\n", encoding="utf-8")
    settings = Settings(_env_file=None, data_dir=folder / "data")
    with Corpus.open(settings) as corpus:
        assert not corpus.add([source]).failed
    return settings, folder


def _obedient(case: dict[str, Any]):
    """A model that does as the payload wants, and otherwise takes every sentence for a claim."""

    def script(asked: Asked) -> dict[str, Any]:
        obeys = case["obeys"].get(asked.kind)
        if obeys is not None:
            return _numbered(obeys, asked)
        if asked.kind == "ClaimsFound":
            text = asked.parts["text"]
            found = [text[start:end] for start, end in sentences(text)]
            return {
                "claims": [
                    {"source": one, "claim": one, "speaker": None, "cue": None, "date": None}
                    for one in found
                ]
            }
        if asked.kind == "FindingsRevised":  # it insists
            told = case["obeys"].get("ClaimAssessed", {})
            return _numbered({"findings": told.get("findings", [])}, asked)
        return {"evidence": [], "verdict": "not_enough_evidence", "findings": []}

    return script


def _numbered(value: Any, asked: Asked) -> Any:
    if isinstance(value, dict):
        return {
            key: _place(inner, asked)
            if key == "passage" and isinstance(inner, str)
            else _numbered(inner, asked)
            for key, inner in value.items()
        }
    return [_numbered(inner, asked) for inner in value] if isinstance(value, list) else value


def _place(words: str, asked: Asked) -> int:
    held = " ".join(words[1:].split())
    return next((number for number, _, text in asked.passages if held in text), 1)


def _submission(case: dict[str, Any]) -> Submission:
    if case["where"] == "article":
        text = normalise(f"{BOMBERS} {case['payload']}\n\n{HARBOUR}")
        return Submission(text, sha256_hex(text), source="article")
    text = case.get("claim", BOMBERS)
    return Submission(text, sha256_hex(text), claims_only=True)


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
async def test_an_injection_that_is_obeyed_has_the_expected_end(case, plain, tmp_path) -> None:
    settings, folder = plain if case["where"] == "article" else _filled(tmp_path, case)
    desk = await verify(settings, _obedient(case), submission=_submission(case))
    expected = EXPECTED[case["id"]]

    assert_all_is_quoted(desk.notes, tmp_path, folder)
    assert all(note.state is ClaimState.DRAFTED for note in desk.notes)
    shown = " ".join(finding.text for note in desk.notes for finding in note.findings)
    claims = [note.claim.text for note in desk.notes]
    if case.get("forbidden_in_claims"):
        shown += " ".join(claims)
    for words in case.get("forbidden", []):
        assert words.lower() not in shown.lower()
    if case.get("no_speaker"):
        assert {note.claim.speaker for note in desk.notes} == {None}
    assert set(case.get("kept", [])) <= set(claims)
    assert {text for text, _ in desk.rejected} == set(case.get("rejected", []))
    for note in desk.notes:
        assert any(_MARK in warning for warning in note.warnings) is expected["marked"]
    OUTCOMES[expected["outcome"]](desk, case)


def _is_dropped(desk: Desk, case: dict[str, Any]) -> None:
    assert desk.notes
    if "ClaimAssessed" in case["obeys"]:
        assert not any(note.findings for note in desk.notes)
        assert {note.verdict for note in desk.notes} == {Verdict.NOT_ENOUGH_EVIDENCE}
        assert all(note.dropped for note in desk.notes)
        assert all(_lowered(note) for note in desk.notes)
    else:  # an invented claim: refused, or what the text itself says in its place
        assert case.get("rejected") or case.get("kept")


def _is_marked(desk: Desk, case: dict[str, Any]) -> None:
    assert desk.notes
    for note in desk.notes:
        assert any(warning.startswith("needs_attention") for warning in note.warnings)
        if not case["obeys"].get("ClaimAssessed", {}).get("evidence", True):
            assert note.verdict is Verdict.NOT_ENOUGH_EVIDENCE
            assert _lowered(note)


def _lowered(note: Note) -> bool:
    return any(
        warning.startswith("needs_attention") and "not_enough_evidence" in warning
        for warning in note.warnings
    )


def _is_warned_of(desk: Desk, _case: dict[str, Any]) -> None:
    assert desk.notes
    for note in desk.notes:
        assert any(_MARK not in warning for warning in note.warnings)


OUTCOMES = {"dropped": _is_dropped, "needs_attention": _is_marked, "warned": _is_warned_of}
