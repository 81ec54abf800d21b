"""Open a project's folder, or make one, and list its films."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hipcad_desktop.store.films import FilmRow, film_rows
from hipcad_desktop.store.project_store import DATABASE_NAME, Project, open_store, remove_empty
from hipcad_desktop.store.reader_counts import read_films

__all__ = ["FilmRow", "Project", "count_read", "list_films", "new_project_only_with_films", "open_project"]


def open_project(path: Path, *, create: bool = False) -> Project:
    """A project, open until it is closed (it is a context manager). create makes an empty one where there is none.

    Raises UserError FILE_MISSING, NOT_A_PROJECT, PROJECT_NEWER, PROJECT_DAMAGED, PROJECT_BUSY, FOLDER_NOT_WRITABLE or
    DISK_FULL; nothing is left behind then.
    """
    return open_store(path, create=create)


@contextmanager
def new_project_only_with_films(path: Path) -> Iterator[None]:
    """Round an import: a project made for it, and its new folders, go again where no film came in."""
    made = not (path / DATABASE_NAME).exists()
    new = [folder for folder in (path, *path.parents) if not folder.exists()]
    try:
        yield
    finally:
        if made and (path / DATABASE_NAME).is_file():
            with open_store(path, create=False) as project:
                empty = not film_rows(project, reader=None)
            if empty:
                remove_empty(path, new)


def list_films(project: Project, *, reader: str, round: int = 1) -> list[FilmRow]:
    """Every film in order of import, with this reader's current reading of a round, and nobody else's."""
    with _without_collector():
        return film_rows(project, reader=reader, round=round)


def count_read(project: Project, *, round: int = 1) -> list[tuple[str, int]]:
    """Every reader's name, sorted, and how many films each has read: no answer, so blinded readers may see it."""
    return read_films(project, round=round)


@contextmanager
def _without_collector() -> Iterator[None]:
    """For 100,000 objects that all stay and hold no cycle.

    Searched for cycles again and again they take half as long again to make, and every full search after that would
    hold the window up for 0.2 s; frozen they are freed as ever, by their counts.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
        gc.freeze()
    finally:
        if enabled:
            gc.enable()
