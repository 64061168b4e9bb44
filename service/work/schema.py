"""The tables that work needs, in one go: ours, the queue's, and those of the steps' records.

Every process makes what is missing when it starts. Where many start together, ``verinote migrate``
goes before them, so that none has to wait for another, and a failure is seen in one place.
"""

from __future__ import annotations

from dbos import DBOS, SQLAlchemyDatasource

from service.kit.database import Database
from service.settings import Settings


def migrate(settings: Settings) -> None:
    """Make all tables or bring them up to date. Any number of processes may do it at once.

    Raises:
        ConfigurationError: the database or the data folder cannot be used.
    """
    Database.open(settings.database, settings.data_dir).close()
    DBOS.migrate(queue_url(settings))
    SQLAlchemyDatasource.migrate(settings.database)


def queue_url(settings: Settings) -> str:
    """The address of the database that holds the queue's records."""
    if settings.database.startswith("sqlite"):
        return f"sqlite:///{settings.data_dir / 'work.db'}"  # its own: SQLite has one writer a file
    return settings.database
