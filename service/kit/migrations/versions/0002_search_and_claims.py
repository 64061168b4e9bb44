"""The text index and the queue of the vector index, kept by triggers; the claim memory.

The text index holds the searchable passages and no others. Triggers keep it in the transaction
that changes the passages, whoever changes them, and note every such passage in
``passage_changes``, from which the vector index is brought to the same state after the commit.
SQLite and PostgreSQL each have an index of their own, with one notion of a word.

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

# A word is what it is for FTS5's 'porter unicode61 remove_diacritics 2': a run of letters and
# figures, in lower case, without accents, cut to its stem by Porter's rules unless it has but two
# bytes; none is too common. PostgreSQL's own parser knows other words ("-15", "9e0", addresses),
# so it is left out. ICU's rules are named, for the database may be of any locale. The functions
# keep the schema that they are made in, so that they work whatever schemas a session looks at.
POSTGRESQL = (
    "CREATE TEXT SEARCH DICTIONARY passages_stem (TEMPLATE = snowball, LANGUAGE = porter)",
    r"""CREATE FUNCTION passages_folded(text text) RETURNS text
        LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path FROM CURRENT
        RETURN trim(regexp_replace(
            regexp_replace(
                normalize(lower(text COLLATE "und-x-icu"), NFD), '[\u0300-\u036f]', '', 'g'),
            '[^[:alnum:]]+' COLLATE "und-x-icu", ' ', 'g'))""",
    # A lexeme has 2,046 bytes at most.
    """CREATE FUNCTION passages_lexemes(text text) RETURNS TABLE (lexeme text, place bigint)
        LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path FROM CURRENT
        BEGIN ATOMIC
            SELECT CASE WHEN octet_length(word) > 2
                    THEN (ts_lexize('passages_stem', left(word, 500)))[1] ELSE word END, number
                FROM string_to_table(passages_folded(text), ' ')
                    WITH ORDINALITY AS words(word, number)
                WHERE word <> '';
        END""",
    """CREATE FUNCTION passages_indexed(text text) RETURNS tsvector
        LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path FROM CURRENT
        BEGIN ATOMIC
            SELECT CAST(coalesce(string_agg(lexeme || ':' || place, ' '), '') AS tsvector)
                FROM passages_lexemes(text);
        END""",
    # What to look for: words that stand together, of which the last may go on.
    """CREATE FUNCTION passages_phrase(words text, open_ended boolean) RETURNS tsquery
        LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path FROM CURRENT
        BEGIN ATOMIC
            SELECT CAST(
                    coalesce(string_agg(lexeme, ' <-> ' ORDER BY place)
                        || CASE WHEN open_ended THEN ':*' ELSE '' END, '') AS tsquery)
                FROM passages_lexemes(words);
        END""",
    """CREATE TABLE passages_fts (
        number integer CONSTRAINT pk_passages_fts PRIMARY KEY,
        words tsvector NOT NULL)""",
    "CREATE INDEX ix_passages_fts_words ON passages_fts USING gin (words)",
    """CREATE FUNCTION passages_follow() RETURNS trigger
        LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
    BEGIN
        IF TG_OP <> 'INSERT' AND old.searchable THEN
            DELETE FROM passages_fts WHERE number = old.number;
            INSERT INTO passage_changes(passage_id) VALUES (old.id);
        END IF;
        IF TG_OP <> 'DELETE' AND new.searchable THEN
            INSERT INTO passages_fts VALUES (new.number, passages_indexed(new.text));
            INSERT INTO passage_changes(passage_id) VALUES (new.id);
        END IF;
        RETURN NULL;
    END $$""",
    """CREATE TRIGGER passages_added_or_removed AFTER INSERT OR DELETE ON passages
        FOR EACH ROW EXECUTE FUNCTION passages_follow()""",
    """CREATE TRIGGER passages_changed AFTER UPDATE OF number, id, text, searchable ON passages
        FOR EACH ROW EXECUTE FUNCTION passages_follow()""",
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
    else:
        for statement in POSTGRESQL:
            op.execute(statement)
        op.execute(
            "INSERT INTO passages_fts"
            " SELECT number, passages_indexed(text) FROM passages WHERE searchable"
        )
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
    else:
        for name in ("passages_added_or_removed", "passages_changed"):
            op.execute(f"DROP TRIGGER {name} ON passages")
        op.execute("DROP TABLE passages_fts")
        for name in ("follow", "phrase", "indexed", "lexemes", "folded"):
            op.execute(f"DROP FUNCTION passages_{name}")
        op.execute("DROP TEXT SEARCH DICTIONARY passages_stem")
    op.drop_table("passage_changes")
