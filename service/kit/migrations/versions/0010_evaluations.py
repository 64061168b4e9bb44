"""Evaluations on the queue: what was asked, the files that they read, and a row an item.

Revision ID: 0010
Revises: 0009
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "evaluations",
        sa.Column("id", sa.String(24), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("dataset", sa.String(64), nullable=False),
        sa.Column("user", sa.String(64)),
        sa.Column("key_id", sa.String(16)),
        sa.Column("origin", sa.String(64)),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("begun_at", sa.DateTime),
        sa.Column("finished_at", sa.DateTime),
        sa.Column("reason", sa.Text),
        sa.Column("engine", sa.String(16), nullable=False),
        sa.Column("own_corpus", sa.Boolean, nullable=False),
        sa.Column("row_limit", sa.Integer),
        sa.Column("max_cost", sa.Float),
        sa.Column("max_tokens", sa.Integer),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("total", sa.Integer),
        sa.Column("begun", sa.Integer, nullable=False),
        sa.Column("in_flight", sa.Integer, nullable=False),
        sa.Column("items", sa.Integer, nullable=False),
        sa.Column("done", sa.Integer, nullable=False),
        sa.Column("failed", sa.Integer, nullable=False),
        sa.Column("calls", sa.Integer, nullable=False),
        sa.Column("prompt_tokens", sa.Integer, nullable=False),
        sa.Column("completion_tokens", sa.Integer, nullable=False),
        sa.Column("cost", sa.Float, nullable=False),
        sa.Column("seconds", sa.Float, nullable=False),
        sa.Column("told", sa.JSON, nullable=False),
        sa.Column("bad", sa.JSON, nullable=False),
        sa.Column("measures", sa.JSON),
        sa.PrimaryKeyConstraint("id", name="pk_evaluations"),
    )
    op.create_index("ix_evaluations_state", "evaluations", ["state"])
    op.create_table(
        "evaluation_contents",
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("sha256", name="pk_evaluation_contents"),
    )
    op.create_table(
        "evaluation_files",
        sa.Column("evaluation_id", sa.String(24), nullable=False),
        sa.Column("path", sa.String(500), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("evaluation_id", "path", name="pk_evaluation_files"),
        sa.ForeignKeyConstraint(
            ["evaluation_id"],
            ["evaluations.id"],
            name="fk_evaluation_files_evaluation_id_evaluations",
        ),
        sa.ForeignKeyConstraint(
            ["sha256"],
            ["evaluation_contents.sha256"],
            name="fk_evaluation_files_sha256_evaluation_contents",
        ),
    )
    op.create_index("ix_evaluation_files_sha256", "evaluation_files", ["sha256"])
    op.create_table(
        "evaluation_items",
        sa.Column("evaluation_id", sa.String(24), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("place", sa.Integer, nullable=False),
        sa.Column("failed", sa.Boolean, nullable=False),
        sa.Column("row", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("evaluation_id", "number", name="pk_evaluation_items"),
        sa.ForeignKeyConstraint(
            ["evaluation_id"],
            ["evaluations.id"],
            name="fk_evaluation_items_evaluation_id_evaluations",
        ),
    )
    op.create_index("ix_evaluation_items_place", "evaluation_items", ["evaluation_id", "place"])


def downgrade() -> None:
    op.drop_table("evaluation_items")
    op.drop_table("evaluation_files")
    op.drop_table("evaluation_contents")
    op.drop_table("evaluations")
