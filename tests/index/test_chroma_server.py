"""A Chroma server that goes away and comes back, and servers beside what is embedded."""

from __future__ import annotations

from pathlib import Path

import pytest
from chroma_server import chroma_server
from processes import free_port
from pydantic import ValidationError
from servers import Quiet, serving

from service.claims.memory import Memory
from service.kit.errors import ConfigurationError, VectorsUnreachable
from service.settings import Settings
from service.statements.corpus import Corpus

BOMBERS = "Two B-52H bombers flew with three F-35B fighters over the Sea of Japan on Wednesday."
LOAN = "The European Council agreed to provide a loan of EUR 90 billion to Ukraine for 2026."


def found(corpus: Corpus, query: str) -> str:
    return corpus.search(query, 1)[0].passage.statement.statement_id


def test_a_server_that_was_away_is_used_again_and_nothing_is_lost(tmp_path: Path, encoder, write):
    port = free_port()
    settings = Settings(
        _env_file=None, data_dir=tmp_path / "data", chroma_url=f"http://127.0.0.1:{port}"
    )
    with Corpus.open(settings, encoder) as corpus:
        with pytest.raises(VectorsUnreachable, match=f"VERINOTE_CHROMA_URL=.*:{port}"):
            corpus.search(BOMBERS, 1)
        with chroma_server(tmp_path / "server", port):
            corpus.add(write(a=BOMBERS))
            assert found(corpus, BOMBERS) == "a"
        with pytest.raises(VectorsUnreachable, match="VERINOTE_CHROMA_URL"):
            corpus.search(BOMBERS, 1)
        with pytest.raises(VectorsUnreachable, match="VERINOTE_CHROMA_URL"):
            corpus.check(repair=True)
        with pytest.raises(VectorsUnreachable, match="stored, but not indexed"):
            corpus.add(write(b=LOAN))
        with chroma_server(tmp_path / "server", port):
            assert found(corpus, LOAN) == "b"
            assert found(corpus, BOMBERS) == "a"
            assert not corpus.check().differs


def test_a_server_that_forgot_everything_is_filled_again_by_reindex(tmp_path: Path, encoder, write):
    port = free_port()
    settings = Settings(
        _env_file=None, data_dir=tmp_path / "data", chroma_url=f"http://127.0.0.1:{port}"
    )
    with Corpus.open(settings, encoder) as corpus:
        with chroma_server(tmp_path / "server", port):
            corpus.add(write(a=BOMBERS))
        encoder.encoded.clear()
        with chroma_server(tmp_path / "another", port):
            corpus.reindex()
            assert encoder.encoded == []
            assert found(corpus, BOMBERS) == "a"


class Stranger(Quiet):
    """Answers everything as a web server would that knows nothing of Chroma."""

    def do_GET(self) -> None:
        self.answer(b"<html>welcome</html>", "text/html")


class Porter(Quiet):
    """Answers everything as a proxy does whose server is away."""

    def do_GET(self) -> None:
        self.answer(b"bad gateway", "text/plain", 502)


@pytest.mark.parametrize("handler", [Stranger, Porter])
def test_what_is_no_chroma_server_is_told(tmp_path: Path, encoder, handler: type[Quiet]):
    with serving(handler) as port:
        settings = Settings(
            _env_file=None, data_dir=tmp_path / "data", chroma_url=f"http://127.0.0.1:{port}"
        )
        with (
            Corpus.open(settings, encoder) as corpus,
            pytest.raises(VectorsUnreachable, match="VERINOTE_CHROMA_URL"),
        ):
            corpus.search(BOMBERS, 1)


@pytest.mark.parametrize("servers", ["postgresql_url", "chroma_url"])
def test_one_server_goes_with_what_is_embedded_of_the_other(
    request: pytest.FixtureRequest, servers: str, tmp_path: Path, encoder, write
):
    setting = {servers.replace("postgresql", "database"): request.getfixturevalue(servers)}
    settings = Settings(_env_file=None, data_dir=tmp_path / "data", **setting)
    with Corpus.open(settings, encoder) as corpus:
        corpus.add(write(a=BOMBERS, b=LOAN))
        corpus.withdraw("a")
    with Corpus.open(settings, encoder) as corpus:
        assert found(corpus, LOAN) == "b"
        assert not corpus.check().differs
        assert Memory(corpus.database, corpus.vectors, corpus.embeddings).similar(LOAN) == []


@pytest.mark.parametrize(
    "url", ["localhost:8000", "ftp://host", "http://", "http://user:pw@host", "http://host/path"]
)
def test_an_address_that_is_more_or_less_than_a_host_is_refused(url: str):
    with pytest.raises(ValidationError, match="chroma_url"):
        Settings(_env_file=None, chroma_url=url)


def test_an_empty_address_is_none():
    assert Settings(_env_file=None, chroma_url="").chroma_url is None


def test_a_server_that_is_away_counts_as_a_setting_to_be_changed():
    assert VectorsUnreachable.exit_code == ConfigurationError.exit_code
