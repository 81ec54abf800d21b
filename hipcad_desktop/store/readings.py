"""Readings of a project: append-only revisions, and undo and redo as further revisions."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select
from sqlalchemy.sql import Select

from hipcad_desktop.domain.anatomy import FractureType
from hipcad_desktop.domain.annotation import Answer, ExclusionReason, Finding, Reading, Verdict
from hipcad_desktop.domain.geometry import Rectangle
from hipcad_desktop.domain.radiograph import FilmId
from hipcad_desktop.store.models import FindingRow, ReaderRow, ReadingRow
from hipcad_desktop.store.project_store import Project

IDS_A_QUERY = 500  # SQLite's old limit of 999 variables


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


def replay(connection: Connection, history: History, *, reader: str) -> None:
    """Bring a history up to the readings that are in the project now."""
    rows = connection.execute(
        select(ReadingRow.reading_id, ReadingRow.kind, ReadingRow.undone_id)
        .join(ReaderRow, ReaderRow.reader_id == ReadingRow.reader_id)
        .where(ReaderRow.name == reader, ReadingRow.reading_id > history.last_id)
        .order_by(ReadingRow.reading_id)
    )
    for row in rows:
        history.follow(row.kind, row.reading_id, row.undone_id)


def save_answers(
    project: Project, answers: Iterable[tuple[FilmId, Answer | None]], *, reader: str, created_utc: str
) -> list[Reading]:
    """Append one revision for every answer that differs from the current one; one transaction. What holds now."""
    with project.writing() as connection:
        return [
            _append(connection, film_id, answer, reader=reader, created_utc=created_utc, kind="save", undone_id=None)
            for film_id, answer in answers
        ]


def undo(project: Project, history: History, *, reader: str, created_utc: str) -> Reading | None:
    """Take the reader's last save back, as a new revision of its film. None where there is nothing to undo."""
    return _step(project, history, reader=reader, created_utc=created_utc, kind="undo")


def redo(project: Project, history: History, *, reader: str, created_utc: str) -> Reading | None:
    """Do the reader's last undone save again, as a new revision of its film. None where there is nothing to redo."""
    return _step(project, history, reader=reader, created_utc=created_utc, kind="redo")


def current_reading(project: Project, film_id: FilmId, *, reader: str) -> Reading | None:
    """A reader's last revision on a film."""
    with project.reading() as connection:
        return _current(connection, film_id, reader=reader)


def current_readings(connection: Connection, *, reader: str | None = None) -> list[Reading]:
    """The last revision of every reader (or of one) on every film, withdrawn ones included."""
    newest = select(func.max(ReadingRow.reading_id)).group_by(ReadingRow.film_id, ReadingRow.reader_id)
    statement = _select().where(ReadingRow.reading_id.in_(newest))
    if reader is not None:
        statement = statement.where(ReaderRow.name == reader)
    return list(_readings(connection, statement.order_by(ReadingRow.film_id, ReaderRow.name)))


def revisions(project: Project, film_id: FilmId, *, reader: str) -> list[Reading]:
    """Everything a reader ever said of a film, oldest first."""
    with project.reading() as connection:
        statement = _select().where(ReadingRow.film_id == film_id, ReaderRow.name == reader)
        return list(_readings(connection, statement.order_by(ReadingRow.revision)))


def reader_names(project: Project) -> list[str]:
    """Every reader, sorted."""
    with project.reading() as connection:
        return list(connection.execute(select(ReaderRow.name).order_by(ReaderRow.name)).scalars())


def _step(project: Project, history: History, *, reader: str, created_utc: str, kind: str) -> Reading | None:
    try:
        with project.writing() as connection:
            return _stepped(connection, history, reader=reader, created_utc=created_utc, kind=kind)
    except BaseException:
        history.forget()
        raise


def _stepped(connection: Connection, history: History, *, reader: str, created_utc: str, kind: str) -> Reading | None:
    replay(connection, history, reader=reader)
    stack = history.undoable if kind == "undo" else history.redoable
    if not stack:
        return None
    save = connection.execute(
        select(ReadingRow.film_id, ReadingRow.reader_id, ReadingRow.revision).where(ReadingRow.reading_id == stack[-1])
    ).one()
    wanted = save.revision - 1 if kind == "undo" else save.revision
    statement = _select().where(
        ReadingRow.film_id == save.film_id,
        ReadingRow.reader_id == save.reader_id,
        ReadingRow.revision == wanted,
    )
    target = next(_readings(connection, statement), None)
    reading = _append(
        connection,
        FilmId(save.film_id),
        None if target is None else target.answer,
        reader=reader,
        created_utc=created_utc,
        kind=kind,
        undone_id=stack[-1],
    )
    replay(connection, history, reader=reader)
    return reading


def _append(
    connection: Connection,
    film_id: FilmId,
    answer: Answer | None,
    *,
    reader: str,
    created_utc: str,
    kind: str,
    undone_id: int | None,
) -> Reading:
    before = _current(connection, film_id, reader=reader)
    if kind == "save" and before is not None and before.answer == answer:
        return before
    if kind == "save" and before is None and answer is None:
        return Reading(film_id, reader, 0, None, created_utc)  # nothing was said, so nothing is withdrawn
    reading = Reading(film_id, reader, 1 if before is None else before.revision + 1, answer, created_utc)
    key = connection.execute(
        insert(ReadingRow).values(
            uuid=str(uuid.uuid4()),
            film_id=film_id,
            reader_id=_reader(connection, reader),
            revision=reading.revision,
            created_utc=created_utc,
            kind=kind,
            undone_id=undone_id,
            **_columns(answer),
        )
    ).inserted_primary_key
    assert key is not None
    findings = () if answer is None else answer.findings
    if findings:
        connection.execute(
            insert(FindingRow),
            [
                {
                    "reading_id": key[0],
                    "position": position,
                    "x": finding.rectangle.x,
                    "y": finding.rectangle.y,
                    "width": finding.rectangle.width,
                    "height": finding.rectangle.height,
                    "fracture_type": None if finding.fracture_type is None else finding.fracture_type.value,
                }
                for position, finding in enumerate(findings)
            ],
        )
    return reading


def _columns(answer: Answer | None) -> dict[str, Any]:
    if answer is None:
        return {"verdict": None, "exclusion": None, "exclusion_text": "", "mirrored": None}
    return {
        "verdict": answer.verdict.value,
        "exclusion": None if answer.exclusion is None else answer.exclusion.value,
        "exclusion_text": answer.exclusion_text,
        "mirrored": None if answer.mirrored is None else int(answer.mirrored),
    }


def _reader(connection: Connection, name: str) -> int:
    held = connection.execute(select(ReaderRow.reader_id).where(ReaderRow.name == name)).scalar_one_or_none()
    if held is not None:
        return held
    key = connection.execute(insert(ReaderRow).values(name=name)).inserted_primary_key
    assert key is not None
    return int(key[0])


def _current(connection: Connection, film_id: FilmId, *, reader: str) -> Reading | None:
    statement = _select().where(ReadingRow.film_id == film_id, ReaderRow.name == reader)
    return next(_readings(connection, statement.order_by(ReadingRow.revision.desc()).limit(1)), None)


def _select() -> Select[Any]:
    return select(*ReadingRow.__table__.columns, ReaderRow.name.label("reader")).join(
        ReaderRow, ReaderRow.reader_id == ReadingRow.reader_id
    )


def _readings(connection: Connection, statement: Select[Any]) -> Iterator[Reading]:
    rows = connection.execute(statement).all()
    findings = _findings(connection, [row.reading_id for row in rows if row.verdict == Verdict.FRACTURE.value])
    for row in rows:
        answer = None if row.verdict is None else _answer(row, tuple(findings.get(row.reading_id, ())))
        yield Reading(FilmId(row.film_id), row.reader, row.revision, answer, row.created_utc)


def _answer(row: Row[Any], findings: tuple[Finding, ...]) -> Answer:
    return Answer(
        verdict=Verdict(row.verdict),
        findings=findings,
        exclusion=None if row.exclusion is None else ExclusionReason(row.exclusion),
        exclusion_text=row.exclusion_text,
        mirrored=None if row.mirrored is None else bool(row.mirrored),
    )


def _findings(connection: Connection, reading_ids: Sequence[int]) -> dict[int, list[Finding]]:
    found: dict[int, list[Finding]] = {}
    for start in range(0, len(reading_ids), IDS_A_QUERY):
        rows = connection.execute(
            select(*FindingRow.__table__.columns)
            .where(FindingRow.reading_id.in_(reading_ids[start : start + IDS_A_QUERY]))
            .order_by(FindingRow.reading_id, FindingRow.position)
        )
        for row in rows:
            kind = None if row.fracture_type is None else FractureType(row.fracture_type)
            rectangle = Rectangle(row.x, row.y, row.width, row.height)
            found.setdefault(row.reading_id, []).append(Finding(rectangle, kind))
    return found
