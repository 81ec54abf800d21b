"""${message}"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None


def upgrade() -> None:
    """${message}; raise user_version by one."""
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    """A project is never taken back: an older program refuses it, and the backup is the way back."""
    raise NotImplementedError
