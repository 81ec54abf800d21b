"""What the cohort's tables ask of a film: its hospital's label, the patient's sex and age, the day it was taken."""

from __future__ import annotations

from alembic import op

revision = "r0003"
down_revision = "r0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns, empty: films that are there get their values when they are imported again."""
    op.execute("ALTER TABLE film ADD COLUMN hospital TEXT NOT NULL DEFAULT ''")
    op.execute("ALTER TABLE film ADD COLUMN sex TEXT")
    op.execute("ALTER TABLE film ADD COLUMN age_years INTEGER")
    op.execute("ALTER TABLE film ADD COLUMN study_date TEXT")
    op.execute("PRAGMA user_version = 3")


def downgrade() -> None:
    """A project is never taken back: an older program refuses it, and the backup is the way back."""
    raise NotImplementedError
