"""Readings that travel between projects: a set of revisions by uuid, so that merging in any order gives the same.

A line whose film is not here is kept as it came (table received) and becomes a reading when the film is imported.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, insert, select
from sqlalchemy.dialects.sqlite import insert as upsert

from hipcad_desktop.domain.annotation import Reading
from hipcad_desktop.domain.radiograph import FilmId, Radiograph
from hipcad_desktop.store import audit
from hipcad_desktop.store.models import FilmTable, ReaderRow, ReadingRow, ReceivedRow, SignatureRow
from hipcad_desktop.store.reading_json import Revision, revision_from_json, revision_to_json
from hipcad_desktop.store.readings import (
    CONSENSUS,
    NEWEST,
    Author,
    insert_revision,
    reader_key,
    readings_of,
    select_readings,
)

ROWS_A_QUERY = 500  # SQLite's old limit of 999 variables


@dataclass(frozen=True, slots=True)
class Line:
    """One revision on its way. origin: the uuid of the project where it was made; signed: times of signatures."""

    revision: Revision
    pixel_hash: str
    origin: str
    signed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Merged:
    """What became of lines. altered: uuids that are here with another content (ours stays, theirs is kept beside)."""

    added: tuple[Line, ...]
    already: int
    signatures: int
    pending: tuple[FilmId, ...]
    altered: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Conflict:
    """Revisions of one reader on one film that do not know of each other and differ; the first one holds for now."""

    film_id: FilmId
    reader: str
    round: int
    readings: tuple[Reading, ...]


def line_to_json(line: Line) -> dict[str, Any]:
    """A JSON object in a fixed order of keys."""
    return {
        "revision": revision_to_json(line.revision),
        "pixel_hash": line.pixel_hash,
        "origin": line.origin,
        "signed": list(line.signed),
    }


def line_from_json(value: Any) -> Line:
    """Back from line_to_json. Raises ValueError, TypeError or KeyError for anything else."""
    texts = [value["pixel_hash"], value["origin"], *value["signed"]]
    if not all(isinstance(text, str) for text in texts):
        raise ValueError("a text is none")
    return Line(revision_from_json(value["revision"]), value["pixel_hash"], value["origin"], tuple(value["signed"]))


def lines_of(connection: Connection, *, own: str, reader: str | None = None) -> Iterator[Line]:
    """Every revision of a reader (None: of all, the consensus too), oldest first. own: this project's uuid."""
    statement = select_readings().order_by(ReadingRow.reading_id)
    if reader is not None:
        statement = statement.where(ReaderRow.name == reader)
    columns = (ReadingRow.reading_id, ReadingRow.uuid, ReadingRow.kind, ReadingRow.undone_id, ReadingRow.parents)
    facts = {
        r.uuid: r for r in connection.execute(select(*columns, ReadingRow.origin, FilmTable.pixel_hash).join(FilmTable))
    }
    names = {r.reading_id: r.uuid for r in facts.values()}
    signatures: dict[int, list[str]] = {}
    ordered = select(SignatureRow.reading_id, SignatureRow.signed_utc).order_by(SignatureRow.signed_utc)
    for signature in connection.execute(ordered):
        signatures.setdefault(signature.reading_id, []).append(signature.signed_utc)
    for reading in readings_of(connection, statement):
        row = facts[reading.uuid]
        revision = Revision(
            uuid=reading.uuid,
            film=reading.film_id,
            reader=reading.reader,
            round=reading.round,
            revision=reading.revision,
            answer=reading.answer,
            created_utc=reading.created_utc,
            kind=row.kind,
            undone=None if row.undone_id is None else names[row.undone_id],
            reason=reading.reason,
            adjudicators=reading.adjudicators,
            parents=tuple(json.loads(row.parents)),
        )
        yield Line(revision, row.pixel_hash, row.origin or own, tuple(signatures.get(row.reading_id, ())))


def pending_lines(connection: Connection, *, reader: str | None = None) -> list[Line]:
    """Lines whose film is not here, of one reader or of all; in a fixed order."""
    known = select(ReadingRow.uuid)
    rows = connection.execute(select(ReceivedRow.line).where(ReceivedRow.uuid.not_in(known)).order_by(ReceivedRow.line))
    lines = [line_from_json(json.loads(text)) for text in rows.scalars()]
    return [line for line in lines if reader is None or line.revision.reader == reader]


def merge(connection: Connection, lines: Iterable[Line], *, who: str, utc: str) -> Merged:
    """Take lines in; those already here change nothing. Raises ValueError where an undo misses what it undoes."""
    ordered = sorted(lines, key=_order)
    here = _held(connection, [line.revision.uuid for line in ordered])
    added: list[Line] = []
    pending: set[FilmId] = set()
    altered: list[str] = []
    already = signatures = 0
    for line in ordered:
        film_id = _film(connection, line)
        if line.revision.uuid in here:
            if _content(line) != here[line.revision.uuid]:
                altered.append(line.revision.uuid)
                _receive(connection, line, who=who, utc=utc)
                continue
            already += 1
        elif film_id is None:
            pending.add(FilmId(line.revision.film))
            _receive(connection, line, who=who, utc=utc)
            continue
        else:
            _insert(connection, line, film_id, who=who, utc=utc)
            here[line.revision.uuid] = _content(line)
            added.append(line)
        signatures += _add_signatures(connection, line, who=who, utc=utc)
    return Merged(tuple(added), already, signatures, tuple(sorted(pending)), tuple(altered))


def adopt(connection: Connection, film: Radiograph, *, utc: str) -> int:
    """Make readings of the lines that waited for this film, just imported; how many."""
    waiting = select(ReceivedRow.line).where(
        (ReceivedRow.film_id == film.film_id) | (ReceivedRow.pixel_hash == film.pixel_hash)
    )
    lines = [line_from_json(json.loads(text)) for text in connection.execute(waiting).scalars()]
    if not lines:
        return 0
    here = _held(connection, [line.revision.uuid for line in lines])
    return len(
        merge(connection, [n for n in lines if n.revision.uuid not in here], who=audit.operator(), utc=utc).added
    )


def conflicts(connection: Connection, *, reader: str | None = None) -> tuple[Conflict, ...]:
    """Every conflict that nobody has settled by saving again, of one reader or of all."""
    statement = select(
        ReadingRow.reading_id, ReadingRow.uuid, ReadingRow.parents, ReadingRow.film_id, ReaderRow.name, ReadingRow.round
    ).join(ReaderRow, ReaderRow.reader_id == ReadingRow.reader_id)
    if reader is not None:
        statement = statement.where(ReaderRow.name == reader)
    rows = connection.execute(statement).all()
    followed = {name for row in rows if row.parents != "[]" for name in json.loads(row.parents)}
    tips: dict[tuple[str, str, int], list[int]] = {}
    for row in rows:
        if row.uuid not in followed:
            tips.setdefault((row.film_id, row.name, row.round), []).append(row.reading_id)
    found = []
    for (film_id, name, number), ids in sorted(tips.items()):
        if len(ids) < 2:
            continue
        heads = select_readings().where(ReadingRow.reading_id.in_(ids)).order_by(*NEWEST)
        readings = tuple(readings_of(connection, heads))
        if len({r.answer for r in readings}) > 1:
            found.append(Conflict(FilmId(film_id), name, number, readings))
    return tuple(found)


def _order(line: Line) -> tuple[str, int, int, str, str]:
    """Parents before children: a child has a higher revision."""
    r = line.revision
    return (r.film, r.round, r.revision, r.created_utc, r.uuid)


def _content(line: Line) -> str:
    """What a uuid stands for everywhere; a film may have another id elsewhere, with the same pixels."""
    return audit.packed({**revision_to_json(line.revision), "film": ""})


def _held(connection: Connection, uuids: Sequence[str]) -> dict[str, str]:
    """uuid -> content, of those that are here."""
    readers: set[str] = set()
    for start in range(0, len(uuids), ROWS_A_QUERY):
        chunk = uuids[start : start + ROWS_A_QUERY]
        names = select(ReaderRow.name).join(ReadingRow).where(ReadingRow.uuid.in_(chunk)).distinct()
        readers.update(connection.execute(names).scalars())
    wanted = set(uuids)
    return {
        line.revision.uuid: _content(line)
        for reader in readers
        for line in lines_of(connection, own="", reader=reader)
        if line.revision.uuid in wanted
    }


def _film(connection: Connection, line: Line) -> FilmId | None:
    """The film of a line: the same bytes, else the only one with the same pixels."""
    exact = select(FilmTable.film_id).where(FilmTable.film_id == line.revision.film)
    if connection.execute(exact).first() is not None:
        return FilmId(line.revision.film)
    alike = select(FilmTable.film_id).where(FilmTable.pixel_hash == line.pixel_hash)
    found = connection.execute(alike).scalars().all()
    return FilmId(found[0]) if len(found) == 1 else None


def _insert(connection: Connection, line: Line, film_id: FilmId, *, who: str, utc: str) -> None:
    revision = replace(line.revision, film=film_id)
    undone_id = None
    if revision.undone is not None:
        undone_id = _reading_id(connection, revision.undone)
        if undone_id is None:
            raise ValueError("an undo misses what it undoes")
    author = Author(revision.reader, revision.round, revision.adjudicators)
    if (revision.reader == CONSENSUS) != bool(revision.adjudicators):
        raise ValueError("only a consensus has adjudicators")
    insert_revision(
        connection,
        revision,
        film_id=film_id,
        reader_id=reader_key(connection, author),
        undone_id=undone_id,
        origin=line.origin,
    )
    new = audit.packed(revision_to_json(revision))
    audit.record(connection, "merge", who=who, utc=utc, what=film_id, new=new, why=f"from {line.origin}")


def _add_signatures(connection: Connection, line: Line, *, who: str, utc: str) -> int:
    if not line.signed:
        return 0
    reading_id = _reading_id(connection, line.revision.uuid)
    held = connection.execute(select(SignatureRow.signed_utc).where(SignatureRow.reading_id == reading_id)).scalars()
    missing = sorted(set(line.signed) - set(held))
    for signed_utc in missing:
        connection.execute(insert(SignatureRow).values(reading_id=reading_id, signed_utc=signed_utc))
        new = audit.packed({"uuid": line.revision.uuid, "signed_utc": signed_utc})
        why = f"from {line.origin}"
        audit.record(connection, "sign", who=who, utc=utc, what=line.revision.film, new=new, why=why)
    return len(missing)


def _receive(connection: Connection, line: Line, *, who: str, utc: str) -> None:
    text = audit.packed(line_to_json(line))
    statement = upsert(ReceivedRow).values(
        line_hash=hashlib.sha256(text.encode()).hexdigest(),
        uuid=line.revision.uuid,
        film_id=line.revision.film,
        pixel_hash=line.pixel_hash,
        origin=line.origin,
        line=text,
    )
    if connection.execute(statement.on_conflict_do_nothing()).rowcount:
        audit.record(connection, "receive", who=who, utc=utc, what=line.revision.film, new=text)


def _reading_id(connection: Connection, uuid: str) -> int | None:
    return connection.execute(select(ReadingRow.reading_id).where(ReadingRow.uuid == uuid)).scalar_one_or_none()
