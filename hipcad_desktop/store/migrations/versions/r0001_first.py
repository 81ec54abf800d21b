"""The first schema: films, patients, readers, append-only readings and findings."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0001"
down_revision = None
branch_labels = None
depends_on = None

APPEND_ONLY = ("reading", "finding")


def upgrade() -> None:
    """Make every table; readings and findings refuse to be changed."""
    _project_tables()
    _film_tables()
    _reading_tables()
    for table in APPEND_ONLY:
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_refuses_{verb.lower()} BEFORE {verb} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )
    op.execute("PRAGMA application_id = 1212764227")  # 0x48495043, "HIPC"
    op.execute("PRAGMA user_version = 1")


def downgrade() -> None:
    """A project is never taken back: an older program refuses it, and the backup is the way back."""
    raise NotImplementedError


def _project_tables() -> None:
    op.create_table(
        "meta",
        sa.Column("name", sa.Text(), primary_key=True),
        sa.Column("value", sa.Text(), nullable=False),
        sqlite_strict=True,
    )
    op.create_table(
        "patient",
        sa.Column("patient_id", sa.Integer(), primary_key=True),
        sa.Column("identifier", sa.Text(), unique=True),
        sqlite_strict=True,
    )
    op.create_table(
        "reader",
        sa.Column("reader_id", sa.Integer(), primary_key=True),
        sa.Column("name", sa.Text(), nullable=False, unique=True),
        sqlite_strict=True,
    )


def _film_tables() -> None:
    op.create_table(
        "film",
        sa.Column("film_id", sa.Text(), primary_key=True),
        sa.Column("position", sa.Integer(), nullable=False, unique=True),
        sa.Column("pixel_hash", sa.Text(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("picture_left", sa.Text(), nullable=False),
        sa.Column("side_source", sa.Text(), nullable=False),
        sa.Column("mapping", sa.Text(), nullable=False),
        sa.Column("header", sa.Text(), nullable=False),
        sa.Column("patient_id", sa.Integer(), sa.ForeignKey("patient.patient_id"), nullable=False),
        sa.Column("midline_px", sa.REAL()),
        sa.Column("midline_confidence", sa.REAL(), nullable=False),
        sa.Column("refusal", sa.Text()),
        sa.Column("imported_utc", sa.Text(), nullable=False),
        sqlite_strict=True,
    )
    op.create_index("film_pixel_hash", "film", ["pixel_hash"])
    op.create_table(
        "film_file",
        sa.Column("path", sa.Text(), primary_key=True),
        sa.Column("film_id", sa.Text(), sa.ForeignKey("film.film_id"), nullable=False),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.Column("mtime_ns", sa.Integer(), nullable=False),
        sa.Column("is_copy", sa.Integer(), nullable=False),
        sqlite_strict=True,
    )
    op.create_index("film_file_film", "film_file", ["film_id"])


def _reading_tables() -> None:
    op.create_table(
        "reading",
        sa.Column("reading_id", sa.Integer(), primary_key=True),
        sa.Column("uuid", sa.Text(), nullable=False, unique=True),
        sa.Column("film_id", sa.Text(), sa.ForeignKey("film.film_id"), nullable=False),
        sa.Column("reader_id", sa.Integer(), sa.ForeignKey("reader.reader_id"), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("verdict", sa.Text()),
        sa.Column("exclusion", sa.Text()),
        sa.Column("exclusion_text", sa.Text(), nullable=False),
        sa.Column("mirrored", sa.Integer()),
        sa.Column("created_utc", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("undone_id", sa.Integer(), sa.ForeignKey("reading.reading_id")),
        sa.UniqueConstraint("film_id", "reader_id", "revision"),
        sa.CheckConstraint("kind IN ('save', 'undo', 'redo')", name="reading_kind"),
        sa.CheckConstraint("(kind = 'save') = (undone_id IS NULL)", name="reading_undone"),
        sqlite_strict=True,
    )
    op.create_index("reading_reader", "reading", ["reader_id", "reading_id"])
    op.create_table(
        "finding",
        sa.Column("reading_id", sa.Integer(), sa.ForeignKey("reading.reading_id"), primary_key=True),
        sa.Column("position", sa.Integer(), primary_key=True),
        sa.Column("x", sa.REAL(), nullable=False),
        sa.Column("y", sa.REAL(), nullable=False),
        sa.Column("width", sa.REAL(), nullable=False),
        sa.Column("height", sa.REAL(), nullable=False),
        sa.Column("fracture_type", sa.Text()),
        sqlite_strict=True,
    )
