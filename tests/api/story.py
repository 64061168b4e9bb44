"""``make examples``: plays a small story over HTTP and writes down what was sent and answered.

Statements come in, a text is checked against them, two people decide about its notes, and one
statement is withdrawn. What is written down are the examples of the OpenAPI document: so they agree
with each other from route to route, and a test plays the story again to see that they still hold.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import frontmatter
import httpx
import structlog
from desks import WITHIN, Served, served, settings_for
from pydantic import SecretStr
from sqlalchemy import text as sql

from service.access.register import Role
from service.api.examples import RECORDED

SEEDS = Path(__file__).parents[2] / "seeds"
ARTICLE = SEEDS / "articles" / "japan-us-air-exercise.md"
PEOPLE = {"ana": Role.REVIEWER, "ben": Role.REVIEWER, "cleo": Role.SUBMITTER}
CLAIMS = [
    "Two Russian Tu-95 bombers met two Chinese H-6 bombers over the East China Sea.",
    "Zwei amerikanische Bomber haben an der Übung über dem Japanischen Meer teilgenommen.",
]
ALONE = "Japan and the United States flew an exercise over the Sea of Japan on 10 December 2025."
COMMENT = "The Joint Staff names the model of the fighters."
QUESTION = "Is the model enough to call it refuted?"
ANSWER = "Yes: three F-35A took part, and no F-35B is named."
FINDING = (
    "Three F-35A and three F-15 fighters of the Japan Air Self-Defense Force (JASDF) took part."
)
INVENTED = (
    "Three F-35A and nine F-15 fighters of the Japan Air Self-Defense Force (JASDF) took part."
)
EXPECTED = [
    {
        "id": "A01",
        "claim": "Two B-52 bombers took part in the exercise over the Sea of Japan.",
        "verdict": "supported",
        "statement": ["S01"],
        "as_of": "2025-12-12",
    },
    {
        "id": "A02",
        "claim": "Four B-52 bombers took part in the exercise over the Sea of Japan.",
        "verdict": "refuted",
        "statement": ["S01"],
        "as_of": "2025-12-12",
    },
]
LOOKED = "It was quoted as it stood."
REASON = "The announcement was misread."
LATER = {"Prefer": "respond-async"}
BEGINS = datetime(2025, 12, 12, 9, tzinfo=UTC)
"""When the story is told to begin: on the day of the article."""
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?Z")
_ID = re.compile(
    r"(?<![0-9a-f.])(?:[0-9a-f]{12}|[0-9a-f]{16}|[0-9a-f]{24}|[0-9a-f]{64})(?![0-9a-f])"
)
_HASH = re.compile(r'"(?:\w*sha256|prompt_version|model)": "[^"]*"')
"""What is the same each time, unlike an id."""

Told = dict[str, dict[str, dict[str, dict[str, Any]]]]


class Story:
    """Asks a desk as people would, and keeps what was sent and answered.

    Attributes:
        told: by route, as ``service/api/examples.py`` reads it.
    """

    def __init__(self, desk: Served) -> None:
        self._desk = desk
        self._keys: dict[str | None, str] = dict(desk.keys)
        for name, role in PEOPLE.items():
            desk.desk.register.add(name, role)
            self._keys[name] = desk.desk.register.issue(name)[1]
        with httpx.Client(base_url=desk.url) as client:
            self._paths = client.get("/openapi.json").json()["paths"]
        self.told: Told = {}

    def ask(self, who: str | None, method: str, path: str, **sent: Any) -> httpx.Response:
        """Ask, and write nothing down."""
        headers = dict(sent.pop("headers", None) or {})
        if who is not None:
            headers["Authorization"] = f"Bearer {self._keys[who]}"
        with httpx.Client(base_url=self._desk.url, timeout=WITHIN) as client:
            return client.request(method, path, headers=headers, **sent)

    def tell(
        self,
        who: str | None,
        route: str,
        status: int,
        name: str = "example",
        *,
        body: Any = None,
        files: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
        query: dict[str, Any] | None = None,
        **ids: str,
    ) -> Any:
        """Ask, see that the answer has the status that it should, and write both down.

        Before a route is asked for the first time, it is asked what anybody would be refused.

        Args:
            who: by name; None: nobody.
            route: method and path, as the document has them.
            status: of the answer.
            name: what the example is called; that of a problem is called as its type is.
            body: what is sent as JSON.
            files: what is sent as files instead: texts by name.
            headers: of the request.
            query: of the address.
            ids: what stands in the path.
        """
        method, path = route.split()
        sent: dict[str, Any] = {"headers": headers, "params": query}
        if body is not None:
            sent["json"] = body
        if files is not None:
            sent["files"] = [("files", (file, text)) for file, text in files.items()]
        if route not in self.told:
            self.told[route] = {}
            self._refusals(route, sent, ids)
        answer = self.ask(who, method, path.format(**ids), **sent)
        assert answer.status_code == status, f"{route}: {answer.status_code} {answer.text}"
        if status < 400 and body is not None:
            self._write(route, "request", "application/json", name, body)
        if status < 400 and files is not None:
            self._write(route, "request", "multipart/form-data", name, {"files": [*files.values()]})
        return self._answered(route, answer, name)

    def over(self, submission: dict[str, Any]) -> None:
        """Wait for the end of a submission."""
        self._desk.wait(submission["id"])

    def waited(self, upload: dict[str, Any]) -> None:
        """Wait for the end of an upload."""
        self._wait(f"/v1/statements/uploads/{upload['id']}")

    def ended(self, evaluation_id: str) -> None:
        """Wait for the end of an evaluation."""
        self._wait(f"/v1/evaluations/{evaluation_id}")

    def _wait(self, path: str) -> None:
        until = time.monotonic() + WITHIN
        while self.ask("ana", "GET", path).json()["finished_at"] is None:
            assert time.monotonic() < until, f"{path} does not end"
            time.sleep(0.1)

    def _answered(self, route: str, answer: httpx.Response, name: str) -> Any:
        media_type = answer.headers.get("Content-Type", "").partition(";")[0]
        if not answer.content or media_type == "text/html":
            return None
        told = answer.json() if media_type.endswith("json") else answer.text
        if media_type == "application/problem+json":
            name = told["type"].removeprefix("urn:verinote:problem:")
        self._write(route, str(answer.status_code), media_type, name, told)
        return told

    def _write(self, route: str, part: str, media_type: str, name: str, value: Any) -> None:
        self.told[route].setdefault(part, {}).setdefault(media_type, {})[name] = value

    def _refusals(self, route: str, sent: dict[str, Any], ids: dict[str, str]) -> None:
        """Ask with too small a role, for what is not there, and with what is malformed.

        What is asked is what the document says that the route refuses so.
        """
        method, path = route.split()
        operation = self._paths[path][method.lower()]
        if {"key": []} not in operation.get("security", []):
            return
        nothing = {name: "S99" if name == "statement_id" else "0" * len(ids[name]) for name in ids}
        malformed: tuple[dict[str, Any], dict[str, str]] = {}, dict.fromkeys(ids, "-")
        if "requestBody" in operation:
            malformed = ({"json": {"revision": 0}} if "json" in sent else {"files": None}), ids
        elif any(one["name"] == "limit" for one in operation.get("parameters", [])):
            malformed = {"params": {"limit": 0}}, ids
        asked = {
            "403": ("cleo", {}, ids),
            "404": ("admin", {}, nothing),
            "422": ("admin", *malformed),
        }
        for status, (who, changed, where) in asked.items():
            if status not in operation["responses"] or (status == "404" and not ids):
                continue
            answer = self.ask(who, method, path.format(**where), **(sent | changed))
            assert str(answer.status_code) == status, f"{route}: {answer.text}"
            self._answered(route, answer, "")


def seed(id_: str) -> dict[str, Any]:
    """A statement of the seeds, as it is sent in."""
    (file,) = (SEEDS / "statements").glob(f"{id_.lower()}-*.md")
    read = frontmatter.load(str(file))
    told = {name: str(value) for name, value in read.metadata.items() if name != "reported_by"}
    return told | {"text": read.content}


def passage(begins: str, ends: str) -> str:
    """What stands in the article of the seeds, from some words to others."""
    text = ARTICLE.read_text(encoding="utf-8")
    start = text.index(begins)
    return text[start : text.index(ends, start) + len(ends)]


def play(desk: Served) -> Told:
    """Play the whole story on an empty desk, which is of no use afterwards."""
    began = datetime.now(UTC).replace(microsecond=0)
    story = Story(desk)
    tell = story.tell
    tell(None, "GET /healthz", 200)
    tell(None, "GET /readyz", 200)
    _statements(story)
    text, claims = _submissions(story)
    _claims(story, text)
    _reviewed(story, text)
    _withdrawn(story, claims)
    _evaluated(story)
    _run(story, desk)
    return settled(story.told, began)


def _statements(story: Story) -> None:
    """Add four statements: as text and as files, at once and in the background."""

    def markdown(id_: str) -> dict[str, str]:
        (file,) = (SEEDS / "statements").glob(f"{id_.lower()}-*.md")
        return {file.name: file.read_text(encoding="utf-8")}

    tell, add, send = story.tell, "POST /v1/statements", "POST /v1/statements/files"
    tell("ana", add, 201, "at once", body={"statements": [seed("S01")]})
    body = {"statements": [seed("S05")]}
    story.waited(tell("ana", add, 202, "later", body=body, headers=LATER))
    tell("ana", send, 201, "at once", files=markdown("S03"))
    later = tell("ana", send, 202, "later", files=markdown("S11"), headers=LATER)
    story.waited(later)
    one = "GET /v1/statements/uploads/{upload_id}"
    tell("ana", one, 200, upload_id=later["id"])
    tell("ana", "GET /v1/statements/uploads", 200)
    tell("ana", "GET /v1/statements", 200)
    query = {"q": "B-52 bombers over the Sea of Japan", "limit": 2}
    tell("ana", "GET /v1/statements/search", 200, query=query)
    tell("ana", "GET /v1/statements/{statement_id}", 200, statement_id="S01")
    tell("ana", "GET /v1/statements/{statement_id}/versions", 200, statement_id="S01")


def _submissions(story: Story) -> tuple[dict[str, Any], dict[str, Any]]:
    """Send in a text and claims, each by itself, and a submission that nobody wants any more."""
    tell, send = story.tell, "POST /v1/submissions"
    titled = {"title": "An air exercise over the Sea of Japan", "published": "2025-12-12"}
    text = titled | {"text": passage("The exercise featured a mix", "for decades.")}
    claims = {"published": "2025-12-12", "local_only": True, "claims": CLAIMS}
    one = tell("ana", send, 202, "text", body=text, headers={"Idempotency-Key": "exercise-1"})
    tell("ana", send, 409, body=claims, headers={"Idempotency-Key": "exercise-1"})
    tell("ana", send, 422, body={"text": CLAIMS[1]})
    story.over(one)
    other = tell("ana", send, 202, "claims", body=claims)
    story.over(other)
    tell("ana", "GET /v1/submissions", 200)
    found = [
        tell("ana", "GET /v1/submissions/{submission_id}", 200, name, submission_id=sent["id"])
        for name, sent in (("text", one), ("claims", other))
    ]
    single = story.ask("ana", "POST", "/v1/submissions", json={"claims": [ALONE]}).json()
    story.over(single)
    tell("ana", "GET /v1/submissions/{submission_id}/events", 200, submission_id=single["id"])
    for form in ("csv", "jsonl"):
        export = "GET /v1/submissions/{submission_id}/export"
        tell("ana", export, 200, query={"format": form}, submission_id=other["id"])
    many = [f"{number} bombers took part in the exercise." for number in range(1, 21)]
    unwanted = story.ask("ana", "POST", "/v1/submissions", json={"claims": many}).json()
    of = {"submission_id": unwanted["id"]}
    for act, status in (("cancel", 200), ("retry", 202)):
        tell("ana", f"POST /v1/submissions/{{submission_id}}/{act}", status, **of)
        tell("ana", f"POST /v1/submissions/{{submission_id}}/{act}", 409, submission_id=one["id"])
    story.ask("ana", "POST", f"/v1/submissions/{unwanted['id']}/cancel")
    story.over(unwanted)
    tell("ana", "DELETE /v1/submissions/{submission_id}", 204, **of)
    return found[0], found[1]


def _of_fighters(text: dict[str, Any]) -> dict[str, Any]:
    """The claim that the rest is about."""
    (found,) = [claim for claim in text["claims"] if "F-35B" in claim["text"]]
    return dict(found)


def _claims(story: Story, text: dict[str, Any]) -> None:
    """Look at claims, and for what is known that is near one."""
    tell = story.tell
    tell("ana", "GET /v1/claims", 200, query={"text": "F-35B"})
    query = {"text": "Three F-35A fighters took part in the exercise.", "limit": 2}
    tell("ana", "GET /v1/claims/similar", 200, query=query)
    tell("ana", "GET /v1/claims/{claim_id}", 200, claim_id=_of_fighters(text)["id"])


def _reviewed(story: Story, text: dict[str, Any]) -> None:
    """Two people decide about a note: what one drafts, the other approves of."""
    tell = story.tell
    id_ = _of_fighters(text)["note_id"]
    at = {"note_id": id_}
    one, decide = "GET /v1/notes/{note_id}", "POST /v1/notes/{note_id}/decisions"
    opine, edit = "POST /v1/notes/{note_id}/opinions", "PATCH /v1/notes/{note_id}"
    tell("ana", "GET /v1/notes", 200, query={"text": "F-35B"})
    note = tell("ana", one, 200, **at)

    assign = "PUT /v1/notes/{note_id}/assignment"
    tell("ana", assign, 200, body={"revision": 1, "due_at": "2025-12-12T18:00:00Z"}, **at)
    tell("ben", assign, 409, body={"revision": 1}, **at)
    tell("ana", "POST /v1/notes/{note_id}/comments", 201, body={"text": COMMENT}, **at)
    tell("ben", "GET /v1/notes/{note_id}/comments", 200, **at)
    tell("ana", opine, 201, "ask", body={"revision": 1, "question": QUESTION}, **at)
    answer = {"revision": 1, "agrees": True, "verdict": "refuted", "words": ANSWER}
    tell("ben", opine, 201, "give", body=answer, **at)
    tell("ben", opine, 409, body=answer, **at)

    cited = [citation for finding in note["note"] for citation in finding["citations"]]
    parts = ("statement_id", "version", "start", "end")
    quotes = [{part: citation[part] for part in parts} for citation in cited]
    body = {"findings": [{"text": FINDING, "citations": quotes}]}
    invented = {"findings": [{"text": INVENTED, "citations": quotes}]}
    tell("ana", edit, 422, body=invented, headers={"If-Match": '"1"'}, **at)
    tell("ana", edit, 428, body=body, **at)
    tell("ana", edit, 200, body=body, headers={"If-Match": '"1"'}, **at)
    tell("ben", edit, 412, body=body, headers={"If-Match": '"1"'}, **at)
    tell("ben", "GET /v1/notes/{note_id}/history", 200, **at)

    approval = {"decision": "approve", "revision": 2}
    tell("ben", decide, 409, body=approval | {"revision": 1}, **at)
    tell("ben", decide, 201, "approve", body=approval, **at)
    tell("ben", decide, 201, "publish", body={"decision": "publish", "revision": 2}, **at)
    tell("ben", decide, 409, body=approval, **at)
    tell("ana", edit, 409, body=body, headers={"If-Match": '"2"'}, **at)
    tell("ana", "GET /v1/notes/{note_id}/claimreview", 200, **at)
    unassign = "DELETE /v1/notes/{note_id}/assignment"
    tell("ana", unassign, 409, query={"revision": 1}, **at)
    tell("ana", unassign, 200, query={"revision": 2}, **at)
    tell("admin", "GET /v1/audit", 200, query={"subject": f"note:{id_}", "limit": 2})
    tell(
        "ben",
        decide,
        201,
        "retract",
        body={"decision": "retract", "revision": 2, "reason": REASON},
        **at,
    )


def _withdrawn(story: Story, claims: dict[str, Any]) -> None:
    """A statement is withdrawn, and a note that cites it is looked at again."""
    tell, again = story.tell, "POST /v1/notes/{note_id}/recheck"
    cites, failed = [one["note_id"] for one in claims["claims"]]
    assert [one["verdict"] for one in claims["claims"]] == ["supported", None]
    tell("ana", "DELETE /v1/statements/{statement_id}", 200, statement_id="S03")
    changed = story.ask("ana", "GET", f"/v1/notes/{cites}").json()["changed"]
    body = {"revision": 1, "changed": changed, "comment": LOOKED}
    tell("ana", again, 201, body=body, note_id=cites)
    tell("ana", again, 409, body=body, note_id=cites)
    tell("ana", "POST /v1/notes/{note_id}/comments", 409, body={"text": COMMENT}, note_id=failed)
    seen = [{"id": cites, "revision": 1}, {"id": failed, "revision": 1}]
    bulk = "POST /v1/notes/bulk"
    tell("ana", bulk, 200, "assign", body={"act": "assign", "notes": seen, "to": "ben"})
    tell(
        "ana",
        bulk,
        200,
        "ask for changes",
        body={"act": "request_changes", "notes": seen[:1], "comment": COMMENT},
    )


def _evaluated(story: Story) -> None:
    """Run claims of a newsroom's own, one of them before, and some that nobody waits for."""
    tell, route = story.tell, "/v1/evaluations/{evaluation_id}"
    tell("ana", "GET /v1/evaluations/datasets", 200)
    own, ids = {"claims": EXPECTED}, []
    for name, body in {"the first row": own | {"limit": 1}, "own claims": own}.items():
        id_ = tell("ana", "POST /v1/evaluations", 202, name, body=body)["id"]
        story.ended(id_)
        ids.append(id_)
    tell("ana", "POST /v1/evaluations", 404, body={"dataset": "none"})
    before, of = ids[0], {"evaluation_id": ids[1]}
    tell("ana", "GET /v1/evaluations", 200)
    for part in ("", "/items", "/report"):
        tell("ana", f"GET {route}{part}", 200, **of)
    tell("ana", f"GET {route}/comparison", 200, query={"before": before}, **of)

    many = [EXPECTED[0] | {"id": str(number)} for number in range(40)]
    unwanted = story.ask("ana", "POST", "/v1/evaluations", json={"claims": many}).json()["id"]
    limits = {"max_tokens": 2_000_000}
    tell("ana", f"POST {route}/cancel", 200, evaluation_id=unwanted)
    tell("ana", f"POST {route}/cancel", 409, **of)
    story.ended(unwanted)
    tell("ana", f"POST {route}/resume", 200, body=limits, evaluation_id=unwanted)
    tell("ana", f"POST {route}/resume", 409, body=limits, **of)
    tell("admin", f"DELETE {route}", 409, evaluation_id=unwanted)
    story.ask("ana", "POST", f"/v1/evaluations/{unwanted}/cancel")
    story.ended(unwanted)
    tell("admin", f"DELETE {route}", 204, evaluation_id=unwanted)


def _run(story: Story, desk: Served) -> None:
    """What those who run the service ask it, in the end of a broken one."""
    story.tell("admin", "GET /v1/audit/verification", 200)
    story.tell(None, "GET /metrics", 403)
    desk.desk.settings.metrics_token = SecretStr("scrape")
    story.tell(None, "GET /metrics", 401)
    with desk.desk.transaction() as session:
        session.execute(sql("DROP TABLE corpus"))
    story.tell(None, "GET /readyz", 503)


def settled(told: Told, began: datetime) -> Told:
    """What was told, with ids that are always the same, as if it had begun when the story does."""
    text = json.dumps(told)
    same = {found for one in _HASH.findall(text) for found in _ID.findall(one)}
    ids = [found for found in dict.fromkeys(_ID.findall(text)) if found not in same]
    other = {
        id_: hashlib.sha256(str(number).encode()).hexdigest()[: len(id_)]
        for number, id_ in enumerate(ids)
    }

    def earlier(match: re.Match[str]) -> str:
        moment = datetime.fromisoformat(match[0])
        if moment < began:
            return match[0]  # it was said by somebody, and did not happen
        return (moment - began + BEGINS).isoformat().replace("+00:00", "Z")

    text = _ID.sub(lambda match: other.get(match[0], match[0]), _MOMENT.sub(earlier, text))
    found: Told = json.loads(text)
    return found


@contextmanager
def opened(folder: Path) -> Iterator[Served]:
    """An empty desk for the story, whose data lives in a folder."""
    (folder / "statements").mkdir()
    settings = settings_for(
        folder,
        requests_per_minute=0,
        public_url="https://desk.example",
        publisher_name="The Desk",
    )
    with served(settings, folder / "statements") as desk:
        yield desk


if __name__ == "__main__":
    logging.disable()  # every request, and every workflow that the story cancels
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with tempfile.TemporaryDirectory() as data, opened(Path(data)) as desk:
        told = json.dumps(play(desk), indent=1, ensure_ascii=False)
    RECORDED.write_text(told + "\n", encoding="utf-8")
    print(f"{RECORDED} is written")
