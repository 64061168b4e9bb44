"""What feeds said, so that only what is new or changed is fetched.

Revision ID: 0006
Revises: 0005
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "feeds",
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("checked_at", sa.DateTime),
        sa.Column("error", sa.Text),
        sa.PrimaryKeyConstraint("url", name="pk_feeds"),
    )
    op.create_table(
        "feed_documents",
        sa.Column("feed", sa.Text, nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("selection", sa.String(64), nullable=False),
        sa.Column("listed", sa.Integer, nullable=False),
        sa.Column("answered", sa.Text, nullable=False),
        sa.Column("etag", sa.Text),
        sa.Column("last_modified", sa.Text),
        sa.PrimaryKeyConstraint("feed", "url", name="pk_feed_documents"),
        sa.ForeignKeyConstraint(["feed"], ["feeds.url"], name="fk_feed_documents_feed_feeds"),
    )
    op.create_table(
        "feed_items",
        sa.Column("feed", sa.Text, nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("guid", sa.Text),
        sa.Column("updated", sa.Text),
        sa.Column("statement_id", sa.String(64)),
        sa.Column("answered", sa.Text),
        sa.Column("etag", sa.Text),
        sa.Column("last_modified", sa.Text),
        sa.Column("failed_at", sa.DateTime),
        sa.PrimaryKeyConstraint("feed", "address", name="pk_feed_items"),
        sa.ForeignKeyConstraint(["feed"], ["feeds.url"], name="fk_feed_items_feed_feeds"),
        sa.ForeignKeyConstraint(
            ["statement_id"], ["statements.id"], name="fk_feed_items_statement_id_statements"
        ),
    )
    op.create_index("ix_feed_items_address", "feed_items", ["address"])


def downgrade() -> None:
    op.drop_table("feed_items")
    op.drop_table("feed_documents")
    op.drop_table("feeds")
