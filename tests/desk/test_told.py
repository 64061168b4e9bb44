"""What pages tell is so: whose words, whose verdict, and in which order they are read."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

import httpx
import pytest
from desks import Served, served, settings_for
from tiny_corpus import LOAN

from service.notes.publishing import is_address

TURNED = "Port of \u202eimeK\u2069"
STATEMENTS = [
    {
        "id": "D1", "issuer": "Port of Kemi", "published": "2025-12-01", "kind": "digest",
        "text": "The port of Kemi handled 4,711 containers in November 2025.",
    },
    {
        "id": "T1", "issuer": "Port of Oulu", "published": "2025-12-01", "kind": "translation",
        "text": "The port of Oulu handled 2,718 containers in November 2025.",
    },
    {
        "id": "B1", "issuer": TURNED, "title": "\u2066Ton\u202enage",
        "published": "2025-12-01", "kind": "original",
        "text": "The port of Turku handled 3,141 containers in November 2025.",
    },
]  # fmt: skip
OTHER = "The port of Kemi handled 4,712 containers in November 2025."


@pytest.fixture(scope="module")
def desk(tmp_path_factory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("desk")
    with served(settings_for(folder, requests_per_minute=0)) as opened:
        with opened.client() as admin:
            added = admin.post("/v1/statements", json={"statements": STATEMENTS})
            assert added.status_code == 201, added.text
        yield opened


@pytest.fixture
def person(desk: Served) -> Iterator[httpx.Client]:
    """Somebody's browser."""
    headers = {"Accept": "text/html"}
    with httpx.Client(base_url=desk.url, headers=headers, timeout=60) as client:
        client.post("/sign-in", data={"key": desk.keys["admin"]})
        yield client


def checked(desk: Served, claim: str) -> tuple[str, str]:
    """The ids of a new submission of a claim and of its note."""
    id_ = desk.submit(claims=[claim])
    with desk.client() as admin:
        return id_, admin.get(f"/v1/submissions/{id_}").json()["claims"][0]["note_id"]


def decide(desk: Served, note: str, decision: str, **body: object) -> None:
    told = {"revision": 1, "decision": decision, **body}
    with desk.client() as admin:
        answer = admin.post(f"/v1/notes/{note}/decisions", json=told)
    assert answer.status_code == 201, answer.text


def shown(client: httpx.Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200, answer.text
    return html.unescape(answer.text)


def test_beside_its_text_a_claim_has_the_persons_verdict(desk: Served, person) -> None:
    id_, note = checked(desk, LOAN)
    decide(desk, note, "approve", verdict="refuted", reason="It was a forgery.")
    page = shown(person, f"/submissions/{id_}")
    assert '<span class="verdict refuted">' in page
    assert 'class="in-text refuted"' in page
    assert "supported" not in page
    assert "approved" in page
    with desk.client() as admin:
        (claim,) = admin.get(f"/v1/submissions/{id_}").json()["claims"]
    assert (claim["verdict"], claim["decided_verdict"]) == ("supported", "refuted")
    assert not re.search(r'hint">\d+%', page), "no engine's confidence beside it"


def test_a_claim_known_before_has_the_persons_verdict(desk: Served) -> None:
    first = "Leaders agreed on 10 December 2025 to lend Ukraine 90 billion euros."
    _, note = checked(desk, first)
    decide(desk, note, "approve", verdict="conflicting", reason="A second account differs.")

    def known() -> list[dict]:
        with desk.client() as admin:
            found: list[dict] = admin.get("/v1/claims/similar", params={"text": first}).json()
        return [one for one in found if one["text"] == first]

    assert [one["verdict"] for one in known()] == ["conflicting"]
    decide(desk, note, "publish")
    decide(desk, note, "retract", reason="Both were forgeries.")
    assert [one["verdict"] for one in known()] == [None]


def test_a_digests_words_stand_in_no_quotation_marks(desk: Served, person) -> None:
    _, note = checked(desk, OTHER)
    page = shown(person, f"/notes/{note}")
    assert "the claim says “" in page
    assert "4,711" in page
    assert not re.search("“[^”]*4,711", page)


def test_a_translation_is_called_one_wherever_it_is_quoted(desk: Served, person) -> None:
    id_, note = checked(desk, STATEMENTS[1]["text"])
    for address in (f"/submissions/{id_}", f"/notes/{note}"):
        assert re.search(r"Port of Oulu</bdi>, [^<]*, translated", shown(person, address))


def test_a_name_does_not_turn_the_line(desk: Served, person) -> None:
    id_, note = checked(desk, STATEMENTS[2]["text"])
    decide(desk, note, "approve")
    decide(desk, note, "publish")
    for address in (f"/notes/{note}", f"/submissions/{id_}"):
        assert "<bdi>Port of imeK</bdi>, 1 December 2025" in shown(person, address)
    assert ">Port of imeK, 1 December 2025" in shown(person, f"/published/{note}")
    for address in ("/statements", "/statements/B1", "/statements?issuer=Port+of+imeK"):
        page = shown(person, address)
        assert "Port of imeK" in page
        assert "Tonnage" in page
        assert not {"\u202e", "\u2066", "\u2069"} & set(page)


def test_a_statement_says_what_language_it_is_in(desk: Served, person) -> None:
    page = shown(person, "/statements/G1")
    assert re.search(r'<article class="text statement \w+" lang="de"', page)


@pytest.mark.parametrize(
    "address", ["http:", "https:evil", "https:///a", "https://ana:secret@example.org/a"]
)
def test_what_leads_nowhere_or_tells_a_password_is_no_link(address: str) -> None:
    assert not is_address(address)
    assert is_address("https://example.org/a")


def test_where_texts_go_is_told_before_they_do(desk: Served, person, request) -> None:
    page = shown(person, "/submissions/new")
    assert "Stays on this machine" in page
    assert "api.openai.com" not in page
    settings = desk.desk.settings
    request.addfinalizer(lambda: object.__setattr__(desk.desk, "settings", settings))
    elsewhere = settings.model_copy(update={"embeddings": "openai:small"})
    object.__setattr__(desk.desk, "settings", elsewhere)
    page = shown(person, "/submissions/new")
    assert "Its claims go to api.openai.com" in page
    assert "Stays on this machine" not in page
