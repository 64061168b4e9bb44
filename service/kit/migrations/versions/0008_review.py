"""Review: assignment, comments, second opinions, second looks, and what is asked of many notes.

Revision ID: 0008
Revises: 0007
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_NOTES = ("confidence", "warned", "assigned_to", "due_at", "published_at")
_FROM_BODIES = {
    "sqlite": "UPDATE notes SET confidence = json_extract(body, '$.confidence'),"
    " warned = json_array_length(body, '$.warnings') > 0",
    "postgresql": "UPDATE notes SET confidence = CAST(body ->> 'confidence' AS double precision),"
    " warned = json_array_length(body -> 'warnings') > 0",
}


def upgrade() -> None:
    op.add_column("notes", sa.Column("confidence", sa.Double))
    op.add_column(
        "notes", sa.Column("warned", sa.Boolean, nullable=False, server_default=sa.false())
    )
    op.add_column("notes", sa.Column("assigned_to", sa.String(64)))
    op.add_column("notes", sa.Column("due_at", sa.DateTime))
    op.add_column("notes", sa.Column("published_at", sa.DateTime))
    op.execute(_FROM_BODIES[op.get_context().dialect.name])
    op.create_index("ix_notes_created_at", "notes", ["created_at", "id"])
    op.create_index("ix_notes_verdict", "notes", ["state", "verdict"])
    op.create_index("ix_notes_assigned_to", "notes", ["assigned_to"])
    op.create_index("ix_notes_published_at", "notes", ["published_at"])
    op.add_column("note_citations", sa.Column("seen_version", sa.Integer))
    op.add_column("note_citations", sa.Column("seen_withdrawn_at", sa.DateTime))
    op.create_table(
        "note_comments",
        sa.Column("id", sa.String(24), nullable=False),
        sa.Column("note_id", sa.String(64), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("user", sa.String(64), nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_note_comments"),
        sa.ForeignKeyConstraint(["note_id"], ["notes.id"], name="fk_note_comments_note_id_notes"),
    )
    op.create_index("ix_note_comments_note_id", "note_comments", ["note_id"])
    op.create_table(
        "opinions",
        sa.Column("id", sa.String(24), nullable=False),
        sa.Column("note_id", sa.String(64), nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("question", sa.Text, nullable=False),
        sa.Column("asked_by", sa.String(64), nullable=False),
        sa.Column("asked_at", sa.DateTime, nullable=False),
        sa.Column("answered_revision", sa.Integer),
        sa.Column("agrees", sa.Boolean),
        sa.Column("verdict", sa.String(32)),
        sa.Column("words", sa.Text),
        sa.Column("answered_by", sa.String(64)),
        sa.Column("answered_at", sa.DateTime),
        sa.PrimaryKeyConstraint("id", name="pk_opinions"),
        sa.ForeignKeyConstraint(["note_id"], ["notes.id"], name="fk_opinions_note_id_notes"),
    )
    op.create_index("ix_opinions_note_id", "opinions", ["note_id"])


def downgrade() -> None:
    op.drop_table("opinions")
    op.drop_table("note_comments")
    for column in ("seen_version", "seen_withdrawn_at"):
        op.drop_column("note_citations", column)
    for index in ("published_at", "assigned_to", "verdict", "created_at"):
        op.drop_index(f"ix_notes_{index}", "notes")
    for column in _NOTES:
        op.drop_column("notes", column)
