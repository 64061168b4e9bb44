"""The reference corpus: statements, their versions, passages, cached vectors, the revision."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "statements",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("source_key", sa.Text(), nullable=False),
        sa.Column("current_version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_statements"),
        sa.UniqueConstraint("source_key", name="uq_statements_source_key"),
    )
    op.create_table(
        "statement_versions",
        sa.Column("statement_id", sa.String(64), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("content_sha256", sa.String(64), nullable=False),
        sa.Column("media_type", sa.String(100), nullable=False),
        sa.Column("reader", sa.String(100), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=True),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("published", sa.Date(), nullable=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("reported_by", sa.JSON(), nullable=False),
        sa.Column("language", sa.String(16), nullable=False),
        sa.Column("added_at", sa.DateTime(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("statement_id", "version", name="pk_statement_versions"),
        sa.ForeignKeyConstraint(
            ["statement_id"],
            ["statements.id"],
            name="fk_statement_versions_statement_id_statements",
        ),
    )
    op.create_index("ix_statement_versions_sha256", "statement_versions", ["sha256"])
    op.create_table(
        "passages",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("id", sa.String(120), nullable=False),
        sa.Column("statement_id", sa.String(64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("start", sa.Integer(), nullable=False),
        sa.Column("end", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("text_sha256", sa.String(64), nullable=False),
        sa.Column("searchable", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_passages"),
        sa.ForeignKeyConstraint(
            ["statement_id"], ["statements.id"], name="fk_passages_statement_id_statements"
        ),
        sa.UniqueConstraint("id", name="uq_passages_id"),
        sa.UniqueConstraint("statement_id", "version", "position", name="uq_passages_statement_id"),
    )
    op.create_index("ix_passages_searchable", "passages", ["searchable"])
    op.create_index("ix_passages_statement_id", "passages", ["statement_id"])
    op.create_index("ix_passages_text_sha256", "passages", ["text_sha256"])
    op.create_table(
        "embeddings",
        sa.Column("model", sa.String(100), nullable=False),
        sa.Column("text_sha256", sa.String(64), nullable=False),
        sa.Column("vector", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("model", "text_sha256", name="pk_embeddings"),
    )
    corpus = op.create_table(
        "corpus",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_corpus"),
    )
    op.bulk_insert(corpus, [{"id": 1, "revision": 0}])


def downgrade() -> None:
    for table in ("corpus", "embeddings", "passages", "statement_versions", "statements"):
        op.drop_table(table)
