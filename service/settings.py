"""All configuration, in one class: ``VERINOTE_*`` variables or a ``.env`` file."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Literal
from urllib.parse import SplitResult, urlsplit

from pydantic import BaseModel, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from service.kit.errors import ConfigurationError
from service.kit.secret import installation_secret
from service.types import Verdict

OPENAI = "https://api.openai.com/v1"


class Price(BaseModel):
    """What a model costs, for a million tokens."""

    prompt: float = Field(ge=0, allow_inf_nan=False)
    completion: float = Field(ge=0, allow_inf_nan=False)


class Settings(BaseSettings):
    """What an operator may choose.

    Every field is a ``VERINOTE_`` variable of the same name, but for the key and the address of
    the language model, which keep the names that everybody knows.
    """

    model_config = SettingsConfigDict(env_prefix="VERINOTE_", env_file=".env", extra="ignore")

    data_dir: Path = Field(Path("var"), description="where all data lives")
    database_url: str | None = Field(
        None, description="postgresql://USER:PASSWORD@HOST/NAME; otherwise SQLite in data_dir"
    )
    chroma_url: str | None = Field(
        None, description="http://HOST:PORT of a Chroma server; otherwise embedded in data_dir"
    )
    engine: Literal["local", "openai"] = Field("local", description="what extracts and assesses")
    embeddings: str = Field("local", description="what embeds: local, or openai:MODEL")
    secret: SecretStr | None = Field(
        None, description="installation secret, the same for all processes; made if there is none"
    )
    threads: int = Field(0, ge=0, description="threads of the embedded models; 0: all cores")
    max_submission_bytes: int = Field(1_000_000, gt=0, description="largest submission")
    max_statement_bytes: int = Field(50_000_000, gt=0, description="largest statement source")
    fetch_timeout: float = Field(20.0, gt=0, description="seconds for one address, in all")
    fetch_max_redirects: int = Field(5, ge=0, description="redirects followed for one address")
    fetch_allow_private: bool = Field(
        False, description="let addresses of private, loopback and link-local ranges be fetched"
    )
    feed_pause: float = Field(
        1.0,
        ge=0,
        allow_inf_nan=False,
        description="seconds between two requests to one host while feeds are read",
    )
    passages_per_claim: int = Field(8, gt=0, description="passages assessed for each claim")

    worker_concurrency: int = Field(
        0, ge=0, description="claims that one process assesses side by side; 0: as suits the engine"
    )
    claims_per_minute: int = Field(
        0, ge=0, description="claims begun a minute, by all processes together; 0: no limit"
    )
    keep_days: int = Field(
        0, ge=0, description="days after which submissions are erased; 0: they are kept"
    )
    evaluation_data: Path | None = Field(
        None, description="folder of the datasets that can be run on the service"
    )
    worker_gone_after: float = Field(
        30.0, gt=0, description="seconds of silence after which others do a process's work"
    )
    stop_within: int = Field(20, ge=0, description="seconds to finish claims when told to stop")
    four_eyes: bool = Field(
        False, description="who edited a note, or sent its text in, is not its only approver"
    )
    public: bool = Field(True, description="show published notes to everybody, at /published")
    public_url: str | None = Field(
        None, description="where /published is for readers; without it, as a request names it"
    )
    publisher_name: str = Field("Verinote", min_length=1, description="who publishes")
    publisher_url: str | None = Field(None, description="the publisher's address")
    publisher_logo: str | None = Field(None, description="the address of the publisher's logo")
    rating_labels: dict[Verdict, str] = Field(
        {}, description='JSON, your own words for verdicts: {"refuted": "False"}'
    )
    admin_key: SecretStr | None = Field(
        None, description="key of the first admin; made and printed once if there is none"
    )
    requests_per_minute: int = Field(600, ge=0, description="requests of one key; 0: no limit")
    max_request_bytes: int = Field(60_000_000, gt=0, description="largest request, uploads too")
    metrics_token: SecretStr | None = Field(
        None, description="what /metrics asks for; without it, nothing is shown there"
    )

    openai_api_key: SecretStr | None = Field(
        None, validation_alias="OPENAI_API_KEY", description="the endpoint's key, if it wants one"
    )
    openai_base_url: str = Field(
        OPENAI, validation_alias="OPENAI_BASE_URL", description="any OpenAI-compatible endpoint"
    )
    llm_model: str = Field("gpt-4.1-mini", min_length=1, description="the language model")
    llm_structured_output: Literal["json_schema", "json_mode", "function_calling"] = Field(
        "json_schema", description="how the endpoint is told the shape of an answer"
    )
    llm_temperature: float | None = Field(
        0.0, ge=0, allow_inf_nan=False, description="empty: the model's own"
    )
    llm_max_completion_tokens: int = Field(2_000, gt=0, description="longest answer")
    llm_timeout: float = Field(
        60.0, gt=0, allow_inf_nan=False, description="seconds for one try of a request"
    )
    llm_deadline: float = Field(
        180.0, gt=0, allow_inf_nan=False, description="seconds for all tries of a request"
    )
    llm_concurrency: int = Field(16, ge=0, description="requests at a time; 0: no limit")
    llm_requests_per_minute: int = Field(0, ge=0, description="0: no limit")
    llm_tokens_per_minute: int = Field(0, ge=0, description="0: no limit")
    llm_token_budget: int = Field(0, ge=0, description="tokens a submission may use; 0: no limit")
    llm_prices: dict[str, Price] = Field(
        {}, description='JSON: {"MODEL": {"prompt": 0.4, "completion": 1.6}}, per million tokens'
    )
    llm_cross_check: bool = Field(
        True, description="let the stance model read beside the language model"
    )
    llm_cache: bool = Field(True, description="keep answers, so that the same is not asked twice")

    @field_validator("llm_temperature", mode="before")
    @classmethod
    def _no_temperature(cls, value: object) -> object:
        return None if value == "" else value

    @field_validator("evaluation_data", mode="before")
    @classmethod
    def _no_folder(cls, value: object) -> object:
        return None if value == "" else value

    @field_validator("openai_api_key", mode="before")
    @classmethod
    def _key(cls, value: object) -> object:
        """A key without the line end that files of secrets have; an empty one is none."""
        if not isinstance(value, str):
            return value
        if not value.strip().isascii():
            raise ValueError("a key has no such characters")
        return value.strip() or None

    @field_validator("embeddings")
    @classmethod
    def _known_embeddings(cls, value: str) -> str:
        if value != "local" and not (value.startswith("openai:") and value[7:].strip()):
            raise ValueError("give local, or openai:MODEL")
        if len(value) > 100:
            raise ValueError("it is longer than the 100 characters that are stored of it")
        return value

    @field_validator("chroma_url")
    @classmethod
    def _server(cls, value: str | None) -> str | None:
        if not value:
            return None
        parts = _web_address(value)
        if parts.username or parts.password or parts.path.strip("/") or parts.query:
            raise ValueError("give no more than http://HOST:PORT")
        return value.rstrip("/")

    @field_validator("public_url", "publisher_url", "publisher_logo")
    @classmethod
    def _public(cls, value: str | None) -> str | None:
        if not value:
            return None
        if _web_address(value).username:
            raise ValueError("give it without user and password")
        return value.rstrip("/")

    @field_validator("rating_labels")
    @classmethod
    def _labels(cls, value: dict[Verdict, str]) -> dict[Verdict, str]:
        for verdict, label in value.items():
            if not label.strip():
                raise ValueError(f"the label of {verdict} is empty")
        return value

    @field_validator("openai_base_url")
    @classmethod
    def _address(cls, value: str) -> str:
        parts = _web_address(value)
        if parts.username or parts.password or parts.query or parts.fragment:
            raise ValueError(
                "give it without user, password and query; the key has its own setting"
            )
        return value.rstrip("/")

    @property
    def database(self) -> str:
        """The database's SQLAlchemy address."""
        return self.database_url or f"sqlite:///{self.data_dir / 'verinote.db'}"

    def installation_secret(self) -> bytes:
        """The secret that is the same for all processes, made where there is none yet.

        Raises:
            ConfigurationError: it can neither be read nor made.
        """
        configured = self.secret.get_secret_value() if self.secret else None
        return installation_secret(configured, self.data_dir)

    @property
    def chroma_dir(self) -> Path:
        """Where embedded Chroma keeps its files."""
        return self.data_dir / "chroma"


def _web_address(value: str) -> SplitResult:
    if not value.startswith(("http://", "https://")):
        raise ValueError("give an address that begins with http:// or https://")
    parts = urlsplit(value)  # raises ValueError for what is no address
    if not parts.hostname or (parts.port or 1) < 1:
        raise ValueError("it names no host")
    return parts


def load_settings(**chosen: Any) -> Settings:  # noqa: ANN401  pydantic checks them
    """Read the settings; ``chosen`` (what a command was given) goes before the environment.

    Raises:
        ConfigurationError: a setting cannot be used; the message names it and its value.
    """
    try:
        return Settings(**chosen)
    except ValidationError as error:
        wrong = "; ".join(
            f"{_named(one['loc'], chosen)}{_given(one)}: {one['msg']}"
            for one in error.errors(include_url=False)
        )
        raise ConfigurationError(wrong) from error
    except SettingsError as error:  # what should be JSON and is not
        found = re.search(r'field "(\w+)"', str(error))
        name = _named((found[1],), chosen) if found else "settings"
        raise ConfigurationError(f"{name}: {error}; give JSON, or {{}}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f".env: cannot be read ({error})") from error


def _given(wrong: Any) -> str:  # noqa: ANN401  pydantic's details of an error
    """What was given, where it is no secret and holds none."""
    field = Settings.model_fields.get(str(wrong["loc"][0]).lower())
    if field is not None and "Secret" in str(field.annotation):
        return ""
    inside = "".join(f"[{part}]" for part in wrong["loc"][1:])
    return f"{inside}={_SECRETS.sub('…', repr(wrong['input']))}"


_SECRETS = re.compile(r"(?<=//)[^/@\s]*(?=@)|(?<=[?#])[^'\"]*")


def _named(location: tuple[int | str, ...], chosen: dict[str, Any]) -> str:
    """The name under which a setting was given: an option's, or the variable's."""
    name = str(location[0])
    if name in chosen:
        return f"--{name.replace('_', '-')}"
    return name if name.startswith("OPENAI_") else f"VERINOTE_{name.upper()}"
