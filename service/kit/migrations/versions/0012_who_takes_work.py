"""Processes say whether they take work, or only give it to others.

Revision ID: 0012
Revises: 0011
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    taken = sa.Column("takes_work", sa.Boolean, nullable=False, server_default=sa.true())
    op.add_column("workers", taken)


def downgrade() -> None:
    op.drop_column("workers", "takes_work")
