"""Alembic's entry: runs the revisions on the engine that ``Database.migrate`` hands over.

All revisions run in one transaction behind a lock, so that processes that start together do not
run them twice and one that dies half-way leaves the schema as it was.
"""

from alembic import context
from alembic.util import CommandError
from sqlalchemy import Connection

from service.kit.database import LOCK


def _lock(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        # Python's driver would begin at the first INSERT only, and commit each CREATE by itself.
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK})")


def _check(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        encoding = connection.exec_driver_sql("SHOW server_encoding").scalar_one()
        if encoding != "UTF8":
            raise CommandError(
                f"its texts are in {encoding}: make a database with ENCODING 'UTF8' TEMPLATE "
                "template0"
            )


with context.config.attributes["engine"].begin() as connection:
    _check(connection)
    _lock(connection)
    context.configure(connection=connection, render_as_batch=connection.dialect.name == "sqlite")
    with context.begin_transaction():
        context.run_migrations()
