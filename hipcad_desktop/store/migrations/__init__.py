"""Alembic migrations; shipped as files, since Alembic loads them by path."""
