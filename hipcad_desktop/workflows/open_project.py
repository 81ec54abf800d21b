"""Open a project's folder, or make one, and list its films."""

from __future__ import annotations

from pathlib import Path

from hipcad_desktop.store.films import FilmRow, film_rows
from hipcad_desktop.store.project_store import Project, open_store

__all__ = ["FilmRow", "Project", "list_films", "open_project"]


def open_project(path: Path, *, create: bool = False) -> Project:
    """A project, open until it is closed (it is a context manager). create makes an empty one where there is none.

    Raises UserError FILE_MISSING, NOT_A_PROJECT, PROJECT_NEWER, PROJECT_DAMAGED, PROJECT_BUSY, FOLDER_NOT_WRITABLE or
    DISK_FULL; nothing is left behind then.
    """
    return open_store(path, create=create)


def list_films(project: Project, *, reader: str) -> list[FilmRow]:
    """Every film in order of import, with this reader's current reading."""
    return film_rows(project, reader=reader)
