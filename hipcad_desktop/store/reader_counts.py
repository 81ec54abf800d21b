"""How far every reader is: counts, and nothing of what anybody said."""

from __future__ import annotations

from sqlalchemy import func, select

from hipcad_desktop.store.models import ReaderRow, ReadingRow
from hipcad_desktop.store.project_store import Project
from hipcad_desktop.store.readings import READER


def read_films(project: Project, *, round: int = 1) -> list[tuple[str, int]]:
    """Every reader's name, sorted, and the number of films with an answer of a round that was not withdrawn."""
    # SQLite takes a bare column beside max() from the row that holds the maximum (lang_select, 2.5).
    newest = (
        select(ReadingRow.reader_id, ReadingRow.verdict, func.max(ReadingRow.revision))
        .where(ReadingRow.round == round)
        .group_by(ReadingRow.film_id, ReadingRow.reader_id)
        .subquery()
    )
    counted = (
        select(ReaderRow.name, func.count(newest.c.verdict))
        .outerjoin(newest, newest.c.reader_id == ReaderRow.reader_id)
        .where(ReaderRow.role == READER)
        .group_by(ReaderRow.name)
        .order_by(ReaderRow.name)
    )
    with project.reading() as connection:
        return [(name, count) for name, count in connection.execute(counted)]
