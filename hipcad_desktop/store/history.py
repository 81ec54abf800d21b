"""Undo and redo: both are further revisions, so they cross films and restarts and take nothing away."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import Connection, select

from hipcad_desktop.domain.annotation import Reading
from hipcad_desktop.domain.radiograph import FilmId
from hipcad_desktop.store.models import ReaderRow, ReadingRow
from hipcad_desktop.store.project_store import Project
from hipcad_desktop.store.readings import NEWEST, Author, Change, append, readings_of, select_readings


@dataclass(slots=True)
class History:
    """One reader's saves that can be undone and redone, replayed from the readings up to last_id."""

    undoable: list[int] = field(default_factory=list)
    redoable: list[int] = field(default_factory=list)
    last_id: int = 0

    def forget(self) -> None:
        """Start again from nothing, as after a transaction that failed."""
        self.undoable, self.redoable, self.last_id = [], [], 0

    def follow(self, kind: str, reading_id: int, undone_id: int | None) -> None:
        """Take one further reading into account."""
        self.last_id = reading_id
        if kind == "save":
            self.undoable.append(reading_id)
            self.redoable.clear()
        elif kind == "undo":
            self.redoable.append(self.undoable.pop())
            assert self.redoable[-1] == undone_id
        else:
            self.undoable.append(self.redoable.pop())
            assert self.undoable[-1] == undone_id


def replay(connection: Connection, history: History, *, author: Author) -> None:
    """Bring a history up to what the reader did in this project until now."""
    rows = connection.execute(
        select(ReadingRow.reading_id, ReadingRow.kind, ReadingRow.undone_id)
        .join(ReaderRow, ReaderRow.reader_id == ReadingRow.reader_id)
        .where(
            ReaderRow.name == author.reader,
            ReadingRow.round == author.round,
            ReadingRow.origin.is_(None),
            ReadingRow.reading_id > history.last_id,
        )
        .order_by(ReadingRow.reading_id)
    )
    for row in rows:
        history.follow(row.kind, row.reading_id, row.undone_id)


def undo(project: Project, history: History, *, author: Author, utc: str, reason: str = "") -> Reading | None:
    """Take the reader's last save back, as a new revision of its film. None where there is nothing to undo.

    Raises UserError SIGNED_NEEDS_REASON where the film's current reading is signed and no reason is given.
    """
    return _step(project, history, "undo", author=author, utc=utc, reason=reason)


def redo(project: Project, history: History, *, author: Author, utc: str, reason: str = "") -> Reading | None:
    """Do the reader's last undone save again, as a new revision of its film. None where there is nothing to redo.

    Raises UserError SIGNED_NEEDS_REASON as undo does.
    """
    return _step(project, history, "redo", author=author, utc=utc, reason=reason)


def _step(project: Project, history: History, kind: str, *, author: Author, utc: str, reason: str) -> Reading | None:
    try:
        with project.writing() as connection:
            replay(connection, history, author=author)
            stack = history.undoable if kind == "undo" else history.redoable
            if not stack:
                return None
            film_id, target = _target(connection, stack[-1], kind)
            answer = None if target is None else target.answer
            reading = append(connection, Change(film_id, answer, utc, reason, kind, stack[-1]), author=author)
            replay(connection, history, author=author)
            return reading
    except BaseException:
        history.forget()
        raise


def _target(connection: Connection, save_id: int, kind: str) -> tuple[FilmId, Reading | None]:
    """The film of a save, and what was said before it (undo) or in it (redo)."""
    save = connection.execute(
        select(ReadingRow.film_id, ReadingRow.reader_id, ReadingRow.round).where(ReadingRow.reading_id == save_id)
    ).one()
    statement = select_readings()
    if kind == "redo":
        statement = statement.where(ReadingRow.reading_id == save_id)
    else:
        statement = statement.where(
            ReadingRow.film_id == save.film_id,
            ReadingRow.reader_id == save.reader_id,
            ReadingRow.round == save.round,
            ReadingRow.reading_id < save_id,
        )
    return FilmId(save.film_id), next(readings_of(connection, statement.order_by(*NEWEST).limit(1)), None)
