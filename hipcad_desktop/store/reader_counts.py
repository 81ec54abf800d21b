"""How far every reader is: counts; and, for readers who are not blinded, the bare verdicts."""

from __future__ import annotations

from sqlalchemy import exists, func, select
from sqlalchemy.orm import aliased

from hipcad_desktop.domain.annotation import ReadingStatus, Verdict
from hipcad_desktop.domain.radiograph import FilmId
from hipcad_desktop.store.models import ReaderRow, ReadingRow, SignatureRow
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


def read_statuses(project: Project, *, round: int = 1) -> dict[str, dict[FilmId, ReadingStatus]]:
    """Every reader's name, sorted, with the status of every film that they have answered in a round."""
    later = aliased(ReadingRow)
    followed = exists().where(
        later.film_id == ReadingRow.film_id,
        later.reader_id == ReadingRow.reader_id,
        later.round == ReadingRow.round,
        later.revision > ReadingRow.revision,
    )
    signed = exists().where(SignatureRow.reading_id == ReadingRow.reading_id)
    statement = (
        select(ReaderRow.name, ReadingRow.film_id, ReadingRow.verdict, signed)
        .join(ReaderRow, ReaderRow.reader_id == ReadingRow.reader_id)
        .where(ReaderRow.role == READER, ReadingRow.round == round, ~followed)
        .order_by(ReadingRow.created_utc, ReadingRow.uuid)  # of merged revisions with one number the newest holds
    )
    names = select(ReaderRow.name).where(ReaderRow.role == READER).order_by(ReaderRow.name)
    # One object for all films of a status: 60,000 of them would keep the collector busy.
    shared = {(v.value, s): ReadingStatus(v, s) for v in Verdict for s in (False, True)}
    with project.reading() as connection:
        found: dict[str, dict[FilmId, ReadingStatus]] = {name: {} for name in connection.execute(names).scalars()}
        for name, film_id, verdict, is_signed in connection.execute(statement):
            if verdict is None:
                found[name].pop(FilmId(film_id), None)
            else:
                found[name][FilmId(film_id)] = shared[verdict, bool(is_signed)]
    return found
