"""Several readers: what else a reading says, signatures, rounds, files from elsewhere, and the audit trail."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

from hipcad_desktop.store.audit import NO_HASH, chained

revision = "r0002"
down_revision = "r0001"
branch_labels = None
depends_on = None

APPEND_ONLY = ("reading", "signature", "reading_round", "received", "audit")


def upgrade() -> None:
    """Keep every reading under its uuid; what was there is in the audit trail as taken over."""
    # the consensus has a name of its own now
    op.execute("UPDATE reader SET name = name || ' (reader)' WHERE lower(name) = 'consensus'")
    op.execute("ALTER TABLE reader ADD COLUMN role TEXT NOT NULL DEFAULT 'reader'")
    _remake_readings()
    _new_tables()
    for table in APPEND_ONLY:
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_refuses_{verb.lower()} BEFORE {verb} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )
    for verb in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER phase_refuses_{verb.lower()} BEFORE {verb} ON meta WHEN old.name = 'phase' "
            "BEGIN SELECT RAISE(ABORT, 'the blinded phase ends once'); END"
        )
    _begin_audit()
    if op.get_bind().execute(sa.text("PRAGMA foreign_key_check")).first() is not None:
        raise RuntimeError("a row refers to nothing")
    op.execute("PRAGMA user_version = 2")


def downgrade() -> None:
    """A project is never taken back: an older program refuses it, and the backup is the way back."""
    raise NotImplementedError


def _remake_readings() -> None:
    """SQLite drops no constraint, so the table is made anew (sqlite.org/lang_altertable.html, section 7)."""
    op.create_table(
        "reading_new",
        sa.Column("reading_id", sa.Integer(), primary_key=True),
        sa.Column("uuid", sa.Text(), nullable=False, unique=True),
        sa.Column("film_id", sa.Text(), sa.ForeignKey("film.film_id"), nullable=False),
        sa.Column("reader_id", sa.Integer(), sa.ForeignKey("reader.reader_id"), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("verdict", sa.Text()),
        sa.Column("exclusion", sa.Text()),
        sa.Column("exclusion_text", sa.Text(), nullable=False),
        sa.Column("mirrored", sa.Integer()),
        sa.Column("diagnosed_from", sa.Text()),
        sa.Column("flags", sa.Text(), nullable=False),
        sa.Column("created_utc", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("undone_id", sa.Integer(), sa.ForeignKey("reading.reading_id")),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("adjudicators", sa.Text(), nullable=False),
        sa.Column("parents", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text()),
        sa.CheckConstraint("kind IN ('save', 'undo', 'redo')", name="reading_kind"),
        sa.CheckConstraint("(kind = 'save') = (undone_id IS NULL)", name="reading_undone"),
        sqlite_strict=True,
    )
    op.execute(
        "INSERT INTO reading_new SELECT r.reading_id, r.uuid, r.film_id, r.reader_id, 1, r.revision, r.verdict, "
        "r.exclusion, r.exclusion_text, r.mirrored, NULL, '[]', r.created_utc, r.kind, r.undone_id, '', '[]', "
        "CASE WHEN p.uuid IS NULL THEN '[]' ELSE json_array(p.uuid) END, NULL FROM reading r LEFT JOIN reading p "
        "ON p.film_id = r.film_id AND p.reader_id = r.reader_id AND p.revision = r.revision - 1 ORDER BY r.reading_id"
    )
    op.execute("DROP TABLE reading")
    op.execute("ALTER TABLE reading_new RENAME TO reading")
    op.create_index("reading_reader", "reading", ["reader_id", "reading_id"])
    op.create_index("reading_film", "reading", ["film_id", "reader_id", "round", "revision"])
    merged = sa.text("origin IS NOT NULL")
    op.create_index("reading_merged", "reading", ["film_id", "reader_id", "round"], sqlite_where=merged)


def _new_tables() -> None:
    op.create_table(
        "signature",
        sa.Column("reading_id", sa.Integer(), sa.ForeignKey("reading.reading_id"), primary_key=True),
        sa.Column("signed_utc", sa.Text(), primary_key=True),
        sqlite_strict=True,
    )
    op.create_table(
        "reading_round",
        sa.Column("reader_id", sa.Integer(), sa.ForeignKey("reader.reader_id"), primary_key=True),
        sa.Column("round", sa.Integer(), primary_key=True),
        sa.Column("seed", sa.Integer(), nullable=False),
        sa.Column("after_days", sa.REAL(), nullable=False),
        sa.Column("started_utc", sa.Text(), nullable=False),
        sa.Column("films", sa.Text(), nullable=False),
        sqlite_strict=True,
    )
    op.create_table(
        "received",
        sa.Column("line_hash", sa.Text(), primary_key=True),
        sa.Column("uuid", sa.Text(), nullable=False),
        sa.Column("film_id", sa.Text(), nullable=False),
        sa.Column("pixel_hash", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("line", sa.Text(), nullable=False),
        sqlite_strict=True,
    )
    op.create_index("received_film", "received", ["film_id"])
    op.create_table(
        "audit",
        sa.Column("audit_id", sa.Integer(), primary_key=True),
        sa.Column("utc", sa.Text(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("old", sa.Text(), nullable=False),
        sa.Column("new", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sqlite_strict=True,
    )


def _begin_audit() -> None:
    """One row for every reading that was there; the content as store.reading_json writes it."""
    connection = op.get_bind()
    utc = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    findings: dict[int, list[list[object]]] = {}
    for f in connection.execute(sa.text("SELECT * FROM finding ORDER BY reading_id, position")):
        findings.setdefault(f.reading_id, []).append([f.x, f.y, f.width, f.height, f.fracture_type])
    rows = connection.execute(
        sa.text(
            "SELECT r.*, n.name, u.uuid AS undone FROM reading r JOIN reader n USING (reader_id) "
            "LEFT JOIN reading u ON u.reading_id = r.undone_id ORDER BY r.reading_id"
        )
    ).all()
    count, last = 0, NO_HASH
    for row in rows:
        answer = None
        if row.verdict is not None:
            answer = {
                "verdict": row.verdict,
                "findings": findings.get(row.reading_id, []),
                "exclusion": row.exclusion,
                "exclusion_text": row.exclusion_text,
                "mirrored": None if row.mirrored is None else bool(row.mirrored),
                "diagnosed_from": None,
                "flags": [],
            }
        content = {
            "uuid": row.uuid,
            "film": row.film_id,
            "reader": row.name,
            "round": 1,
            "revision": row.revision,
            "answer": answer,
            "created_utc": row.created_utc,
            "kind": row.kind,
            "undone": row.undone,
            "reason": "",
            "adjudicators": [],
            "parents": json.loads(row.parents),
        }
        count += 1
        new = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
        values = (count, utc, row.name, "taken over", row.film_id, "", new, "")
        last = chained(last, values)
        connection.execute(
            sa.text("INSERT INTO audit VALUES (:i, :utc, :who, :action, :what, :old, :new, :why, :hash)"),
            dict(zip(("i", "utc", "who", "action", "what", "old", "new", "why", "hash"), (*values, last), strict=True)),
        )
    connection.execute(sa.text("INSERT INTO meta VALUES ('audit_head', :head)"), {"head": f"{count} {last}"})
