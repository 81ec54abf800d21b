"""Alembic's entry: migrate the connection that the program hands over, in one transaction."""

from __future__ import annotations

from alembic import context

from hipcad_desktop.store.models import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
