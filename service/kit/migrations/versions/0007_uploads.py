"""Uploads of statements on their way: their sources until they are stored, and what became of each.

Revision ID: 0007
Revises: 0006
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "uploads",
        sa.Column("id", sa.String(24), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("user", sa.String(64), nullable=False),
        sa.Column("key_id", sa.String(16), nullable=False),
        sa.Column("origin", sa.String(64)),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("finished_at", sa.DateTime),
        sa.Column("error", sa.Text),
        sa.Column("total", sa.Integer, nullable=False),
        sa.Column("done", sa.Integer, nullable=False),
        sa.Column("failed", sa.Integer, nullable=False),
        sa.Column("corpus_revision", sa.Integer),
        sa.PrimaryKeyConstraint("id", name="pk_uploads"),
    )
    op.create_index("ix_uploads_state", "uploads", ["state"])
    op.create_table(
        "upload_sources",
        sa.Column("upload_id", sa.String(24), nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("content", sa.LargeBinary),
        sa.Column("media_type", sa.String(100)),
        sa.Column("is_one", sa.Boolean, nullable=False),
        sa.Column("counted", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("upload_id", "position", name="pk_upload_sources"),
        sa.ForeignKeyConstraint(
            ["upload_id"], ["uploads.id"], name="fk_upload_sources_upload_id_uploads"
        ),
    )
    op.create_table(
        "upload_results",
        sa.Column("upload_id", sa.String(24), nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("line", sa.Integer, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("statement_id", sa.String(64)),
        sa.Column("version", sa.Integer),
        sa.Column("reason", sa.Text),
        sa.PrimaryKeyConstraint("upload_id", "position", "line", name="pk_upload_results"),
        sa.ForeignKeyConstraint(
            ["upload_id"], ["uploads.id"], name="fk_upload_results_upload_id_uploads"
        ),
    )


def downgrade() -> None:
    op.drop_table("upload_results")
    op.drop_table("upload_sources")
    op.drop_table("uploads")
