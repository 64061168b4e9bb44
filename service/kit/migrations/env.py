"""Alembic's entry: runs the revisions on the engine that ``Database.migrate`` hands over.

All revisions run in one transaction behind a lock, so that processes that start together do not
run them twice and one that dies half-way leaves the schema as it was.
"""

from alembic import context
from sqlalchemy import Connection

_LOCK = 0x5645524E  # "VERN": any number, as long as no other program on the database uses it


def _lock(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        # Python's driver would begin at the first INSERT only, and commit each CREATE by itself.
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    elif connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")


with context.config.attributes["engine"].begin() as connection:
    _lock(connection)
    context.configure(connection=connection, render_as_batch=connection.dialect.name == "sqlite")
    with context.begin_transaction():
        context.run_migrations()
