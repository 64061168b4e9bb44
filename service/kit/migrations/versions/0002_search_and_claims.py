"""The text index and the queue of the vector index, kept by triggers; the claim memory.

The text index holds the searchable passages and no others. Triggers keep it in the transaction
that changes the passages, whoever changes them, and note every such passage in
``passage_changes``, from which the vector index is brought to the same state after the commit.

Revision ID: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# The view makes FTS5's own 'rebuild' and 'integrity-check' see exactly what must be in the index.
# unicode61 parts F-35B into f and 35b; a query asks for them as a phrase. SQLite fires triggers of
# one event in no order of ours, so each event has one.
SQLITE = (
    "CREATE VIEW searchable_passages AS SELECT number, text FROM passages WHERE searchable",
    """CREATE VIRTUAL TABLE passages_fts USING fts5(
        text, content='searchable_passages', content_rowid='number',
        tokenize='porter unicode61 remove_diacritics 2')""",
    """CREATE TRIGGER passages_added AFTER INSERT ON passages WHEN new.searchable BEGIN
        INSERT INTO passages_fts(rowid, text) VALUES (new.number, new.text);
        INSERT INTO passage_changes(passage_id) VALUES (new.id);
    END""",
    """CREATE TRIGGER passages_removed AFTER DELETE ON passages WHEN old.searchable BEGIN
        INSERT INTO passages_fts(passages_fts, rowid, text)
            VALUES ('delete', old.number, old.text);
        INSERT INTO passage_changes(passage_id) VALUES (old.id);
    END""",
    """CREATE TRIGGER passages_changed AFTER UPDATE OF number, id, text, searchable ON passages
        WHEN old.searchable OR new.searchable BEGIN
        INSERT INTO passages_fts(passages_fts, rowid, text)
            SELECT 'delete', old.number, old.text WHERE old.searchable;
        INSERT INTO passages_fts(rowid, text)
            SELECT new.number, new.text WHERE new.searchable;
        INSERT INTO passage_changes(passage_id) VALUES (old.id);
        INSERT INTO passage_changes(passage_id) SELECT new.id WHERE new.id <> old.id;
    END""",
)


def upgrade() -> None:
    op.create_table(
        "passage_changes",
        sa.Column("seq", sa.Integer, nullable=False),
        sa.Column("passage_id", sa.String(120), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_passage_changes"),
        sqlite_autoincrement=True,
    )
    if op.get_bind().dialect.name == "sqlite":
        for statement in SQLITE:
            op.execute(statement)
        op.execute("INSERT INTO passages_fts(passages_fts) VALUES ('rebuild')")
    op.execute("INSERT INTO passage_changes(passage_id) SELECT id FROM passages WHERE searchable")

    op.create_table(
        "submissions",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("title", sa.Text),
        sa.Column("published", sa.Date),
        sa.Column("source", sa.Text),
        sa.Column("language", sa.String(16)),
        sa.Column("claims_only", sa.Boolean, nullable=False),
        sa.Column("local_only", sa.Boolean, nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_submissions"),
    )
    op.create_index("ix_submissions_sha256", "submissions", ["sha256"])
    op.create_table(
        "claims",
        sa.Column("id", sa.String(100), nullable=False),
        sa.Column("submission_id", sa.String(64), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("body", sa.JSON, nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_claims"),
        sa.ForeignKeyConstraint(
            ["submission_id"], ["submissions.id"], name="fk_claims_submission_id_submissions"
        ),
    )
    op.create_index("ix_claims_submission_id", "claims", ["submission_id"])
    op.create_index("ix_claims_digest", "claims", ["digest"])
    op.create_table(
        "notes",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("claim_id", sa.String(100), nullable=False),
        sa.Column("as_of", sa.Date, nullable=False),
        sa.Column("corpus_revision", sa.Integer, nullable=False),
        sa.Column("engine", sa.String(100), nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("prompt_version", sa.Text, nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("verdict", sa.String(32)),
        sa.Column("body", sa.JSON, nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_notes"),
        sa.ForeignKeyConstraint(["claim_id"], ["claims.id"], name="fk_notes_claim_id_claims"),
    )
    op.create_index("ix_notes_claim_id", "notes", ["claim_id"])
    op.create_table(
        "fact_checks",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("claim", sa.Text, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("rating", sa.Text, nullable=False),
        sa.Column("publisher", sa.Text, nullable=False),
        sa.Column("url", sa.Text),
        sa.Column("checked_on", sa.Date),
        sa.Column("claimant", sa.Text),
        sa.Column("imported_at", sa.DateTime, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_fact_checks"),
    )
    op.create_index("ix_fact_checks_digest", "fact_checks", ["digest"])


def downgrade() -> None:
    for table in ("fact_checks", "notes", "claims", "submissions"):
        op.drop_table(table)
    if op.get_bind().dialect.name == "sqlite":
        for trigger in ("passages_added", "passages_removed", "passages_changed"):
            op.execute(f"DROP TRIGGER {trigger}")
        op.execute("DROP TABLE passages_fts")
        op.execute("DROP VIEW searchable_passages")
    op.drop_table("passage_changes")
