"""All configuration, in one class: ``VERINOTE_*`` variables or a ``.env`` file."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from service.kit.errors import ConfigurationError


class Settings(BaseSettings):
    """What an operator may choose. Every field is a ``VERINOTE_`` variable of the same name."""

    model_config = SettingsConfigDict(env_prefix="VERINOTE_", env_file=".env", extra="ignore")

    data_dir: Path = Field(Path("var"), description="where all data lives")
    database_url: str | None = Field(None, description="SQLAlchemy address; SQLite in data_dir")
    engine: Literal["local"] = Field("local", description="what extracts and assesses")
    threads: int = Field(0, ge=0, description="threads of the embedded models; 0: all cores")
    max_submission_bytes: int = Field(1_000_000, gt=0, description="largest submission")
    max_statement_bytes: int = Field(50_000_000, gt=0, description="largest statement source")
    fetch_timeout: float = Field(20.0, gt=0, description="seconds for one address, in all")
    fetch_max_redirects: int = Field(5, ge=0, description="redirects followed for one address")
    fetch_allow_private: bool = Field(
        False, description="let addresses of private, loopback and link-local ranges be fetched"
    )
    passages_per_claim: int = Field(8, gt=0, description="passages assessed for each claim")

    @property
    def database(self) -> str:
        """The database's SQLAlchemy address."""
        return self.database_url or f"sqlite:///{self.data_dir / 'verinote.db'}"

    @property
    def chroma_dir(self) -> Path:
        """Where embedded Chroma keeps its files."""
        return self.data_dir / "chroma"


def load_settings(**chosen: Any) -> Settings:  # noqa: ANN401  pydantic checks them
    """Read the settings; ``chosen`` (what a command was given) goes before the environment.

    Raises:
        ConfigurationError: a setting cannot be used; the message names it and its value.
    """
    try:
        return Settings(**chosen)
    except ValidationError as error:
        wrong = "; ".join(
            f"{_named(one['loc'], chosen)}={one['input']!r}: {one['msg']}"
            for one in error.errors(include_url=False)
        )
        raise ConfigurationError(wrong) from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f".env: cannot be read ({error})") from error


def _named(location: tuple[int | str, ...], chosen: dict[str, Any]) -> str:
    """The name under which a setting was given: an option's, or the variable's."""
    name = str(location[0])
    return f"--{name.replace('_', '-')}" if name in chosen else f"VERINOTE_{name.upper()}"
