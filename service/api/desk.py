"""What the routes work with: made once for a process, found in every request."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy.orm import Session

from service.access.register import Register
from service.api.access import Asking
from service.audit.trail import Trail
from service.pipeline import Pipeline
from service.settings import Settings
from service.work.durable import LineOfWork, Work
from service.work.upkeep import upkept


@dataclass(frozen=True, slots=True)
class Desk:
    """The rooms that the routes open doors to.

    Attributes:
        first_key: the first admin's key, where one was just made; to be shown once.
    """

    settings: Settings
    pipeline: Pipeline
    work: Work
    register: Register
    trail: Trail
    asking: Asking
    first_key: str | None

    @classmethod
    @asynccontextmanager
    async def open(
        cls, settings: Settings, *, takes_work: bool = True, lines: Sequence[LineOfWork] = ()
    ) -> AsyncIterator[Desk]:
        """Open everything, and close it in the end.

        Args:
            settings: how it is configured.
            takes_work: whether this process does work itself.
            lines: what work there is beside submissions, uploads and upkeep.

        Raises:
            VerinoteError: something cannot be used; the message says what.
        """
        async with (
            Pipeline.open(settings) as pipeline,
            Work.open(pipeline, takes_work=takes_work, lines=lines) as work,
            upkept(work),
        ):
            trail = Trail.of(settings)
            register = Register(pipeline.corpus.database, trail)
            configured = settings.admin_key
            first = register.begin(configured.get_secret_value() if configured else None)
            yield cls(
                settings=settings,
                pipeline=pipeline,
                work=work,
                register=register,
                trail=trail,
                asking=Asking(settings.requests_per_minute),
                first_key=first,
            )

    @property
    def endpoint(self) -> str | None:
        """Where texts, or only their claims, are sent; None: they stay on this machine."""
        stays = self.pipeline.engine.name == "local" and self.settings.embeddings == "local"
        return None if stays else self.settings.openai_base_url

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """A transaction on the desk's database."""
        with self.pipeline.corpus.database.transaction() as session:
            yield session


def here(settings: Settings, request: Request) -> str:
    """Where readers of what is published find us."""
    return settings.public_url or str(request.base_url).rstrip("/")


def _desk(request: Request) -> Desk:
    desk: Desk = request.app.state.desk
    return desk


TheDesk = Annotated[Desk, Depends(_desk)]
