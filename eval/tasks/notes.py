"""Notes as a reader has them: quotes that stand, that carry the verdict, and how long they are."""

from __future__ import annotations

from collections.abc import Sequence

from eval.measures import Measures, Row, mean, share
from eval.subject import Subject
from service.types import Note, Verdict

CARRIES = 0.5
"""From which probability on the stance model takes a quote to carry the verdict."""
_DECIDED = {verdict.value for verdict in Verdict} - {Verdict.NOT_ENOUGH_EVIDENCE.value}


async def examined(subject: Subject, note: Note) -> Row:
    """What a row keeps of a note as a text: each citation, and how many words its findings have."""
    return {
        "citations": [
            {
                "statement": checked.citation.statement.statement_id,
                "verbatim": checked.verbatim,
                "carries": None if checked.carries is None else round(checked.carries, 4),
            }
            for checked in await subject.check_citations(note)
        ],
        "words": sum(len(finding.text.split()) for finding in note.findings),
    }


def note_measures(rows: Sequence[Row]) -> Measures:
    """Figures of the rows that :func:`examined` was asked of."""
    told = [row for row in rows if "citations" in row]
    cited = [(row["group"], citation) for row in told for citation in row["citations"]]
    decided = [row for row in told if row["verdict"] in _DECIDED]
    carrying = [(group, one) for group, one in cited if one["carries"] is not None]
    groups, of_decided = [group for group, _ in cited], [row["group"] for row in decided]
    return Measures(
        {
            "citations_verbatim": share([float(one["verbatim"]) for _, one in cited], groups),
            "citations_carrying": share(
                [float(one["carries"] >= CARRIES) for _, one in carrying],
                [group for group, _ in carrying],
            ),
            "decided_with_citation": share(
                [float(bool(row["citations"])) for row in decided], of_decided
            ),
            "words_a_note": mean([float(row["words"]) for row in decided], of_decided),
        }
    )
