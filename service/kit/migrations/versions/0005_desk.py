"""The desk: submissions on their way, notes with revisions and decisions, the audit trail, workers.

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_ZERO, _ONE, _FALSE, _TRUE = sa.text("0"), sa.text("1"), sa.false(), sa.true()


def upgrade() -> None:
    op.add_column(
        "submissions", sa.Column("state", sa.String(16), nullable=False, server_default="done")
    )
    op.add_column("submissions", sa.Column("as_of", sa.Date))
    op.add_column("submissions", sa.Column("error", sa.Text))
    op.add_column("submissions", sa.Column("submitted_by", sa.String(64)))
    op.add_column(
        "submissions", sa.Column("attempt", sa.Integer, nullable=False, server_default=_ONE)
    )
    op.add_column(
        "submissions", sa.Column("read", sa.Boolean, nullable=False, server_default=_TRUE)
    )
    op.add_column("submissions", sa.Column("rejected", sa.JSON))
    op.add_column("submissions", sa.Column("usage", sa.JSON))
    op.add_column("submissions", sa.Column("finished_at", sa.DateTime))
    op.create_index("ix_submissions_state", "submissions", ["state"])
    op.add_column(
        "claims", sa.Column("state", sa.String(16), nullable=False, server_default="drafted")
    )
    op.add_column("claims", sa.Column("position", sa.Integer, nullable=False, server_default=_ZERO))
    op.add_column("claims", sa.Column("attempt", sa.Integer, nullable=False, server_default=_ONE))
    op.add_column("claims", sa.Column("unread", sa.Boolean, nullable=False, server_default=_FALSE))
    op.add_column("claims", sa.Column("error", sa.Text))
    op.add_column("claims", sa.Column("note_id", sa.String(64)))
    op.create_index("ix_claims_state", "claims", ["state"])
    op.add_column("notes", sa.Column("reusable", sa.Boolean, nullable=False, server_default=_TRUE))
    op.add_column("notes", sa.Column("revision", sa.Integer, nullable=False, server_default=_ONE))
    op.add_column("notes", sa.Column("decided_verdict", sa.String(32)))
    op.create_index("ix_notes_state", "notes", ["state"])
    op.create_table(
        "submission_events",
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("submission_id", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("body", sa.JSON, nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_submission_events"),
        sa.ForeignKeyConstraint(
            ["submission_id"],
            ["submissions.id"],
            name="fk_submission_events_submission_id_submissions",
        ),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_submission_events_submission_id", "submission_events", ["submission_id"])
    op.create_table(
        "idempotency_keys",
        sa.Column("user", sa.String(64), nullable=False),
        sa.Column("key", sa.String(255), nullable=False),
        sa.Column("asked", sa.String(64), nullable=False),
        sa.Column("submission_id", sa.String(64), nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.PrimaryKeyConstraint("user", "key", name="pk_idempotency_keys"),
    )
    op.create_index("ix_idempotency_keys_submission_id", "idempotency_keys", ["submission_id"])
    op.create_table(
        "note_revisions",
        sa.Column("note_id", sa.String(64), nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("body", sa.JSON, nullable=False),
        sa.Column("author", sa.String(64)),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.PrimaryKeyConstraint("note_id", "revision", name="pk_note_revisions"),
        sa.ForeignKeyConstraint(["note_id"], ["notes.id"], name="fk_note_revisions_note_id_notes"),
    )
    op.create_table(
        "note_citations",
        sa.Column("note_id", sa.String(64), nullable=False),
        sa.Column("statement_id", sa.String(64), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("note_id", "statement_id", "version", name="pk_note_citations"),
        sa.ForeignKeyConstraint(["note_id"], ["notes.id"], name="fk_note_citations_note_id_notes"),
    )
    op.create_index("ix_note_citations_statement_id", "note_citations", ["statement_id"])
    op.create_table(
        "decisions",
        sa.Column("id", sa.String(24), nullable=False),
        sa.Column("note_id", sa.String(64), nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("decision", sa.String(32), nullable=False),
        sa.Column("verdict", sa.String(32)),
        sa.Column("reason", sa.Text),
        sa.Column("comment", sa.Text),
        sa.Column("user", sa.String(64), nullable=False),
        sa.Column("key_id", sa.String(16), nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_decisions"),
        sa.ForeignKeyConstraint(["note_id"], ["notes.id"], name="fk_decisions_note_id_notes"),
    )
    op.create_index("ix_decisions_note_id", "decisions", ["note_id"])
    op.create_table(
        "audit",
        sa.Column("number", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.Column("user", sa.String(64)),
        sa.Column("key_id", sa.String(16)),
        sa.Column("origin", sa.String(64)),
        sa.Column("action", sa.String(64), nullable=False),
        sa.Column("subject", sa.String(128), nullable=False),
        sa.Column("revision", sa.Integer),
        sa.Column("detail", sa.JSON, nullable=False),
        sa.Column("previous", sa.String(64), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_audit"),
    )
    op.create_index("ix_audit_subject", "audit", ["subject"])
    head = op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_head"),
    )
    op.bulk_insert(head, [{"id": 1, "number": 0, "digest": ""}])
    op.create_table(
        "workers",
        sa.Column("id", sa.String(128), nullable=False),
        sa.Column("started_at", sa.DateTime, nullable=False),
        sa.Column("seen_at", sa.DateTime, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_workers"),
    )


def downgrade() -> None:
    for name in (
        "workers",
        "audit_head",
        "audit",
        "decisions",
        "note_citations",
        "note_revisions",
        "idempotency_keys",
        "submission_events",
    ):
        op.drop_table(name)
    columns = {
        "notes": ("reusable", "revision", "decided_verdict"),
        "claims": ("state", "position", "attempt", "unread", "error", "note_id"),
        "submissions": (
            "state",
            "as_of",
            "error",
            "submitted_by",
            "attempt",
            "read",
            "rejected",
            "usage",
            "finished_at",
        ),
    }
    for name, added in columns.items():
        op.drop_index(f"ix_{name}_state", name)
        for column in added:
            op.drop_column(name, column)
