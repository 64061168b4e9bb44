"""Limits and tokens of an evaluation may be larger than two thousand million.

Only PostgreSQL has a column for smaller numbers.

Revision ID: 0013
Revises: 0012
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_COLUMNS = ("row_limit", "max_tokens", "calls", "prompt_tokens", "completion_tokens")


def upgrade() -> None:
    _change(sa.BigInteger())


def downgrade() -> None:
    _change(sa.Integer())


def _change(kind: sa.types.TypeEngine[int]) -> None:
    if op.get_bind().dialect.name == "postgresql":
        for name in _COLUMNS:
            op.alter_column("evaluations", name, type_=kind)
