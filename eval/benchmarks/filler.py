"""Statements to fill a corpus with: the public sets' sentences, and synthetic ones made of them.

The sets make some 5,100 paragraphs. What is wanted beyond them is made up, the same each time:

- a made-up statement speaks of one matter: its sentences are put together from real ones that stand
  within 40 sentences of one place in the sets;
- a sentence begins as one of these and goes on as another, from a comma or a joining word;
- figures are drawn anew, and half of the names are replaced by six names of the statement's own,
  each the beginning of a real name and the end of another: so words grow with the corpus, and most
  of them are rare, as in real ones.

One real statement stands among as many made-up ones throughout. Nothing made up is true, and little
of it makes sense; how its words and meanings are spread is what counts here. Without the sets,
sentences are generated from a few templates, for tests.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from pathlib import Path

from eval.catalogue import DATASETS
from eval.datasets.examples import Example

SEED = 20251212
_NEAR, _OWN_NAMES = 40, 6
_MANY = 100
"""Sentences that suffice for a statement."""
_NAME = re.compile(r"(?<=[\w,] )[A-Z][a-z]+\b")
_FIGURES = re.compile(r"\d{1,9}")
_JOINING = "and|as|because|but|by|for|that|when|where|which|while|who|whom|with"
_JOINT = re.compile(rf"(?<=[^.]), | (?=(?:{_JOINING}) )")
_PARAGRAPH_WORDS = 55
"""About one passage: they hold at most 110 word pieces."""
_PARAGRAPHS = 10
_PASSAGES_OF_SETS = 12
"""A statement makes so many of them: some paragraphs of the sets' sentences are longer."""
_IN_A_FILE = 5_000
_SOURCES = ("wice-claims", "climate-fever", "fool-me-twice", "healthver")

_BODIES = ("ministry", "agency", "commission", "council", "central bank", "office")
_PLACES = ("Norland", "Estmark", "Valdoria", "Quessa", "Brenmoor", "Tarsk", "Ilvane", "Oderra")
_ACTS = ("approved", "published", "rejected", "postponed", "reported", "revised", "announced")
_THINGS = (
    "a grain export quota",
    "the harbour dredging contract",
    "a measles vaccination drive",
    "the winter fuel reserve",
    "a rail safety inspection",
    "the fisheries agreement",
    "a satellite launch window",
    "the teachers' pay settlement",
    "a flood barrier survey",
    "the customs modernisation plan",
)


def write_statements(folder: Path, passages: int, data: Path | None) -> list[Path]:
    """Write statements (JSON lines) that make about ``passages`` passages, into files of a folder.

    Args:
        folder: made where it is not there.
        passages: how many passages are wanted.
        data: folder of the public sets, whose sentences are used; generated ones without it.

    Returns:
        The files, each small enough to be added.
    """
    wanted = -(-passages // (_PASSAGES_OF_SETS if data else _PARAGRAPHS))
    bodies = _from_sets(data, wanted) if data else _bodies(_generated_sentences())
    lines = (_line(number, body) for number, body in enumerate(islice(bodies, wanted), start=1))
    folder.mkdir(parents=True, exist_ok=True)
    files: list[Path] = []
    while part := list(islice(lines, _IN_A_FILE)):
        files.append(folder / f"filler-{len(files) + 1:03d}.jsonl")
        files[-1].write_text("".join(part), encoding="utf-8")
    return files


def _line(number: int, body: str) -> str:
    statement = {
        "id": f"F{number:06d}",
        "title": f"Filler {number}",
        "issuer": f"Filler office {number % 97}",
        "published": f"20{number % 25:02d}-0{number % 9 + 1}-15",
        "kind": "digest",
        "language": "en",
        "text": body,
    }
    return json.dumps(statement, ensure_ascii=False) + "\n"


def told(data: Path | None, passages: int) -> str:
    """What the filler of so many passages is, for those who read the figures."""
    if data is None:
        return "generated from templates (synthetic)"
    real = sum(1 for _ in _paragraphs(_dataset_sentences(data)))
    if real >= passages:
        return "sentences of the public sets"
    return f"{real:,} paragraphs of the public sets, the others synthetic, made of their sentences"


def claims(data: Path | None, count: int) -> list[str]:
    """Claims to time: of climate-fever, or generated ones without a folder of sets."""
    if data:
        examples: Iterator[Example] = DATASETS["climate-fever"].examples(data, [])
        return [example.claim for _, example in zip(range(count), examples, strict=False)]
    generated = _generated_sentences(SEED + 1)
    return [next(generated) for _ in range(count)]


def _from_sets(data: Path, wanted: int) -> Iterator[str]:
    """The sets' own statements, and as many made-up ones between them as are wanted."""
    sentences = list(_dataset_sentences(data))
    real = list(_bodies(iter(sentences)))
    made_up = _MadeUp(sentences).bodies()
    for place in range(max(wanted, len(real))):
        taken = place * len(real) // max(wanted, len(real))
        following = (place + 1) * len(real) // max(wanted, len(real))
        yield real[taken] if following > taken else next(made_up)


def _bodies(sentences: Iterator[str]) -> Iterator[str]:
    paragraphs = _paragraphs(sentences)
    while body := list(islice(paragraphs, _PARAGRAPHS)):
        yield "\n\n".join(body)


def _paragraphs(sentences: Iterator[str]) -> Iterator[str]:
    held: list[str] = []
    words = 0
    for sentence in sentences:
        held.append(sentence)
        words += len(sentence.split())
        if words >= _PARAGRAPH_WORDS:
            yield " ".join(held)
            held, words = [], 0
    if held:
        yield " ".join(held)


def _dataset_sentences(data: Path) -> Iterator[str]:
    """Every evidence sentence of the sets once."""
    seen = set()
    for name in _SOURCES:
        for example in DATASETS[name].examples(data, []):
            for sentence in example.passages:
                words = " ".join(sentence.split())
                if len(words) > 20 and words not in seen:
                    seen.add(words)
                    yield words


class _MadeUp:
    """Statements put together from real sentences: see above."""

    def __init__(self, sentences: Sequence[str]) -> None:
        self._sentences = sentences
        names = chain.from_iterable(_NAME.findall(sentence) for sentence in sentences)
        self._names: list[str] = sorted({name for name in names if len(name) > 5})
        self._chance = random.Random(SEED)  # noqa: S311  the same filler every time, no secret

    def bodies(self) -> Iterator[str]:
        """Their texts, without end."""
        while True:
            place = self._chance.randrange(len(self._sentences))
            near = self._sentences[max(0, place - _NEAR) : place + _NEAR]
            names = [self._name() for _ in range(_OWN_NAMES)]
            yield next(_bodies(self._sentence(near, names) for _ in range(_MANY)))

    def _name(self) -> str:
        one, other = (self._chance.choice(self._names) for _ in range(2))
        return one[: len(one) // 2 + 1] + other[len(other) // 2 :]

    def _sentence(self, near: Sequence[str], names: Sequence[str]) -> str:
        spliced = self._parts(near)[0] + self._parts(near)[1]
        named = _NAME.sub(
            lambda found: self._chance.choice((found[0], self._chance.choice(names))), spliced
        )
        return _FIGURES.sub(lambda found: self._figures(found[0]), named)

    def _parts(self, near: Sequence[str]) -> tuple[str, str]:
        """A sentence, cut in two where a clause may begin; in the middle where none does."""
        sentence = self._chance.choice(near)
        joints = [found.start() for found in _JOINT.finditer(sentence)]
        cut = self._chance.choice(joints) if joints else sentence.find(" ", len(sentence) // 2)
        return (sentence[:cut], sentence[cut:]) if cut > 0 else (sentence, "")

    def _figures(self, figures: str) -> str:
        if re.fullmatch("(19|20)..", figures):
            return str(self._chance.randint(1950, 2025))
        return str(self._chance.randint(10 ** (len(figures) - 1), 10 ** len(figures) - 1))


def _generated_sentences(seed: int = SEED) -> Iterator[str]:
    chance = random.Random(seed)  # noqa: S311 - the same filler every time, no secret
    while True:
        yield (
            f"The {chance.choice(_BODIES)} of {chance.choice(_PLACES)} {chance.choice(_ACTS)} "
            f"{chance.choice(_THINGS)} on {chance.randint(1, 28)} {chance.choice(_MONTHS)} "
            f"{chance.randint(1999, 2025)}, covering {chance.randint(2, 980)} sites and "
            f"EUR {chance.randint(1, 900)} million."
        )


_MONTHS = ("January", "March", "April", "June", "July", "September", "October", "December")
