"""When readers are blinded to each other, and second rounds of one reader."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func, insert, select

from hipcad_desktop.domain.annotation import ProjectPhase
from hipcad_desktop.domain.radiograph import FilmId
from hipcad_desktop.store import audit
from hipcad_desktop.store.models import MetaRow, ReaderRow, ReadingRow, RoundRow
from hipcad_desktop.store.project_store import Project
from hipcad_desktop.store.readings import Author, reader_key

PHASE = "phase"  # in meta; absent while blinded, and once there it stays (a trigger)


@dataclass(frozen=True, slots=True)
class Round:
    """A reader's second round. films in the order in which they are to be read."""

    reader: str
    number: int
    seed: int
    after_days: float
    started_utc: str
    films: tuple[FilmId, ...]


def phase(project: Project) -> ProjectPhase:
    """Whether readers may see each other's answers."""
    with project.reading() as connection:
        held = connection.execute(select(MetaRow.value).where(MetaRow.name == PHASE)).scalar_one_or_none()
    return ProjectPhase.BLINDED if held is None else ProjectPhase(held)


def open_readings(project: Project, *, who: str, utc: str, why: str) -> None:
    """End the blinded phase, for ever; nothing happens where it has ended."""
    with project.writing() as connection:
        if connection.execute(select(MetaRow.value).where(MetaRow.name == PHASE)).first() is not None:
            return
        connection.execute(insert(MetaRow).values(name=PHASE, value=ProjectPhase.OPEN.value))
        old, new = (audit.packed(p.value) for p in (ProjectPhase.BLINDED, ProjectPhase.OPEN))
        audit.record(connection, "phase", who=who, utc=utc, what="project", old=old, new=new, why=why)


def round_of(connection: Connection, reader: str, number: int) -> Round | None:
    """A round that was started."""
    row = connection.execute(
        select(*RoundRow.__table__.columns)
        .join(ReaderRow, ReaderRow.reader_id == RoundRow.reader_id)
        .where(ReaderRow.name == reader, RoundRow.round == number)
    ).first()
    if row is None:
        return None
    films = tuple(FilmId(f) for f in json.loads(row.films))
    return Round(reader, row.round, row.seed, row.after_days, row.started_utc, films)


def start_round(connection: Connection, started: Round) -> None:
    """Record a round and its order."""
    films = audit.packed(list(started.films))
    values = {"round": started.number, "seed": started.seed, "after_days": started.after_days}
    connection.execute(
        insert(RoundRow).values(
            reader_id=reader_key(connection, Author(started.reader)),
            started_utc=started.started_utc,
            films=films,
            **values,
        )
    )
    new = audit.packed({**values, "films": len(started.films)})
    utc = started.started_utc
    audit.record(connection, "round", who=started.reader, utc=utc, what=f"round {started.number}", new=new)


def order_of_reading(connection: Connection, *, author: Author) -> Sequence[FilmId]:
    """A round's films in the order in which the reader first answered them."""
    first = func.min(ReadingRow.created_utc)
    rows = connection.execute(
        select(ReadingRow.film_id)
        .join(ReaderRow, ReaderRow.reader_id == ReadingRow.reader_id)
        .where(ReaderRow.name == author.reader, ReadingRow.round == author.round)
        .group_by(ReadingRow.film_id)
        .order_by(first, func.min(ReadingRow.reading_id))
    )
    return [FilmId(film_id) for film_id in rows.scalars()]
