"""Random changes to the corpus against a plain model of what must be found."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from service.kit.vectors import Encoder
from service.settings import Settings
from service.statements import intake
from service.statements.corpus import Corpus
from service.statements.index import COLLECTION

IDS = st.sampled_from(["a", "b", "c"])
TEXTS = st.sampled_from(
    [
        "Two bombers flew over the Sea of Japan on Wednesday.",
        "The Council agreed to provide a loan of EUR 90 billion.",
        "No evidence of transmission between humans was found.",
    ]
)


class CorpusMachine(RuleBasedStateMachine):
    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        self.encoder = encoder
        self.folder = tempfile.TemporaryDirectory()
        self.settings = Settings(_env_file=None, data_dir=Path(self.folder.name) / "data")
        self.corpus = Corpus.open(self.settings, self.encoder)
        self.texts: dict[str, str] = {}
        self.withdrawn: set[str] = set()

    def source(self, id_: str, text: str) -> Path:
        path = Path(self.folder.name) / f"{id_}.md"
        path.write_text(f"---\nid: {id_}\nlanguage: en\n---\n{text}\n")
        return path

    @rule(id_=IDS, text=TEXTS)
    def add(self, id_: str, text: str) -> None:
        self.corpus.add([self.source(id_, text)])
        if id_ not in self.withdrawn:
            self.texts[id_] = text

    @rule(id_=IDS, text=TEXTS)
    def add_and_crash_before_the_index(self, id_: str, text: str) -> None:
        intake.add(self.corpus.database, [self.source(id_, text)], self.settings)
        if id_ not in self.withdrawn:
            self.texts[id_] = text
        self.reopen()

    @precondition(lambda self: self.texts)
    @rule(data=st.data())
    def withdraw(self, data) -> None:
        id_ = data.draw(st.sampled_from(sorted(self.texts)))
        self.corpus.withdraw(id_)
        self.withdrawn.add(id_)

    @precondition(lambda self: self.withdrawn)
    @rule(data=st.data())
    def reinstate(self, data) -> None:
        id_ = data.draw(st.sampled_from(sorted(self.withdrawn)))
        self.corpus.reinstate(id_)
        self.withdrawn.remove(id_)

    @rule()
    def reindex(self) -> None:
        self.corpus.reindex()

    @rule()
    def lose_the_vectors(self) -> None:
        self.corpus.vectors.recreate(COLLECTION, self.encoder.name)
        self.corpus.check(repair=True)

    @rule()
    def reopen(self) -> None:
        self.corpus.close()
        self.corpus = Corpus.open(self.settings, self.encoder)

    @invariant()
    def what_is_in_force_is_found_and_nothing_else(self) -> None:
        in_force = {id_: text for id_, text in self.texts.items() if id_ not in self.withdrawn}
        found = {hit.passage.text for hit in self.corpus.search("bombers loan humans", 10)}
        assert found == set(in_force.values())
        assert not self.corpus.check().differs
        assert self.corpus.coverage().statements == len(in_force)

    def teardown(self) -> None:
        self.corpus.close()
        self.folder.cleanup()


def test_the_index_follows_the_corpus_through_any_changes(encoder):
    run_state_machine_as_test(
        lambda: CorpusMachine(encoder),
        settings=settings(max_examples=10, stateful_step_count=8, deadline=None),
    )
