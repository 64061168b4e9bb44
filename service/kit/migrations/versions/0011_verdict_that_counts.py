"""Notes are asked for by the verdict that counts: the person's, where they set one.

Revision ID: 0011
Revises: 0010
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index("ix_notes_verdict", "notes")
    counts = sa.text("coalesce(decided_verdict, verdict)")
    op.create_index("ix_notes_verdict", "notes", ["state", counts])


def downgrade() -> None:
    op.drop_index("ix_notes_verdict", "notes")
    op.create_index("ix_notes_verdict", "notes", ["state", "verdict"])
