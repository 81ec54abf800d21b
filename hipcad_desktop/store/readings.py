"""Readings of a project: append-only revisions, who said them, and which of them hold."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, func, insert, select
from sqlalchemy.orm import aliased
from sqlalchemy.sql import Select

from hipcad_desktop.domain.anatomy import FractureType
from hipcad_desktop.domain.annotation import (
    Answer,
    DiagnosedFrom,
    ExclusionReason,
    FilmFlag,
    Finding,
    Reading,
    Verdict,
)
from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.geometry import Rectangle
from hipcad_desktop.domain.radiograph import FilmId
from hipcad_desktop.store import audit
from hipcad_desktop.store.models import FindingRow, ReaderRow, ReadingRow, SignatureRow
from hipcad_desktop.store.project_store import Project
from hipcad_desktop.store.reading_json import Revision, answer_to_json, revision_to_json

NOTHING, NO_FLAGS = "[]", frozenset[FilmFlag]()  # most readings: not worth a parser when 20,000 are read
READER, CONSENSUS = "reader", "consensus"  # roles; the consensus is also the name of the one reader in that role
NEWEST = (ReadingRow.revision.desc(), ReadingRow.created_utc.desc(), ReadingRow.uuid.desc())


@dataclass(frozen=True, slots=True)
class Author:
    """Who reads, and in which round; adjudicators where it is the consensus of several."""

    reader: str
    round: int = 1
    adjudicators: tuple[str, ...] = ()

    @property
    def who(self) -> str:
        """The person or persons, for the audit trail."""
        return ", ".join(self.adjudicators) or self.reader


@dataclass(frozen=True, slots=True)
class Change:
    """A revision to append. after: the id of the save that an undo takes back or a redo does again."""

    film_id: FilmId
    answer: Answer | None
    created_utc: str
    reason: str = ""
    kind: str = "save"
    after: int | None = None


def save_answers(
    project: Project,
    answers: Iterable[tuple[FilmId, Answer | None]],
    *,
    author: Author,
    created_utc: str,
    reason: str = "",
) -> list[Reading]:
    """Append one revision for every answer that differs from the current one; one transaction. What holds now.

    Raises UserError SIGNED_NEEDS_REASON where a signed reading would change and no reason is given.
    """
    with project.writing() as connection:
        return [append(connection, Change(f, a, created_utc, reason), author=author) for f, a in answers]


def sign(project: Project, films: Iterable[FilmId], *, author: Author, utc: str) -> list[Reading]:
    """Put the reader's signature under the current answers; one transaction. Signed ones stay as they are.

    Raises UserError NOTHING_TO_SIGN for a film without an answer.
    """
    with project.writing() as connection:
        return [_signed(connection, film_id, author=author, utc=utc) for film_id in films]


def append(connection: Connection, change: Change, *, author: Author) -> Reading:
    """Append one revision and its row of the audit trail; what is so already makes none."""
    reader_id = reader_key(connection, author)
    before = _newest(connection, change.film_id, reader_id, author.round)
    if change.kind == "save":
        if before is None and change.answer is None:
            return Reading(change.film_id, author.reader, 0, None, change.created_utc)  # nothing is withdrawn
        if before is not None and before.answer == change.answer and not _split(connection, before, reader_id):
            return before
    if before is not None and (before.signed_utc or before.adjudicators) and not change.reason.strip():
        raise UserError(ErrorCode.SIGNED_NEEDS_REASON, film=change.film_id[:12], reader=author.who)
    revision = Revision(
        uuid=str(uuid.uuid4()),
        film=change.film_id,
        reader=author.reader,
        round=author.round,
        revision=1 if before is None else before.revision + 1,
        answer=change.answer,
        created_utc=change.created_utc,
        kind=change.kind,
        undone=None if change.after is None else uuid_of(connection, change.after),
        reason=change.reason.strip(),
        adjudicators=author.adjudicators,
        parents=() if before is None else tuple(h.uuid for h in heads(connection, before, reader_id)),
    )
    insert_revision(connection, revision, film_id=change.film_id, reader_id=reader_id, undone_id=change.after)
    audit.record(
        connection,
        "adjudicate" if author.adjudicators else change.kind,
        who=author.who,
        utc=change.created_utc,
        what=change.film_id,
        old="" if before is None else audit.packed(answer_to_json(before.answer)),
        new=audit.packed(revision_to_json(revision)),
        why=revision.reason,
    )
    return Reading(
        change.film_id,
        author.reader,
        revision.revision,
        change.answer,
        change.created_utc,
        round=author.round,
        reason=revision.reason,
        adjudicators=author.adjudicators,
        uuid=revision.uuid,
    )


def insert_revision(
    connection: Connection,
    revision: Revision,
    *,
    film_id: FilmId,
    reader_id: int,
    undone_id: int | None,
    origin: str | None = None,
) -> int:
    """Insert a revision's rows; its id. origin: the project where it was made, None for this one."""
    answer = revision.answer
    values = {
        "uuid": revision.uuid,
        "film_id": film_id,
        "reader_id": reader_id,
        "round": revision.round,
        "revision": revision.revision,
        "created_utc": revision.created_utc,
        "kind": revision.kind,
        "undone_id": undone_id,
        "reason": revision.reason,
        "adjudicators": audit.packed(list(revision.adjudicators)),
        "parents": audit.packed(list(revision.parents)),
        "origin": origin,
        **_columns(answer),
    }
    key = connection.execute(insert(ReadingRow), values).inserted_primary_key
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
    return int(key[0])


def current_reading(project: Project, film_id: FilmId, *, author: Author) -> Reading | None:
    """A reader's last revision on a film."""
    with project.reading() as connection:
        reader_id = connection.execute(
            select(ReaderRow.reader_id).where(ReaderRow.name == author.reader)
        ).scalar_one_or_none()
        return None if reader_id is None else _newest(connection, film_id, reader_id, author.round)


def current_readings(connection: Connection, *, reader: str | None = None, round: int | None = 1) -> list[Reading]:
    """The last revision of every reader (or of one) on every film, withdrawn ones and adjudications included.

    round None: of every round.
    """
    later = aliased(ReadingRow)
    followed = select(1).where(
        later.film_id == ReadingRow.film_id,
        later.reader_id == ReadingRow.reader_id,
        later.round == ReadingRow.round,
        later.revision > ReadingRow.revision,
    )
    statement = select_readings().where(~followed.exists())
    if reader is not None:
        statement = statement.where(ReaderRow.name == reader)
    if round is not None:
        statement = statement.where(ReadingRow.round == round)
    ordered = statement.order_by(ReadingRow.film_id, ReaderRow.name, ReadingRow.round, *NEWEST)
    newest: dict[tuple[str, str, int], Reading] = {}
    for reading in readings_of(connection, ordered):  # several only where workstations were merged
        newest.setdefault((reading.film_id, reading.reader, reading.round), reading)
    return list(newest.values())


def revisions(project: Project, film_id: FilmId, *, author: Author) -> list[Reading]:
    """Everything a reader ever said of a film in a round, oldest first."""
    with project.reading() as connection:
        statement = select_readings().where(
            ReadingRow.film_id == film_id, ReaderRow.name == author.reader, ReadingRow.round == author.round
        )
        order = (ReadingRow.revision, ReadingRow.created_utc, ReadingRow.uuid)
        return list(readings_of(connection, statement.order_by(*order)))


def reader_names(project: Project) -> list[str]:
    """Every person who reads, sorted; the consensus is none."""
    with project.reading() as connection:
        statement = select(ReaderRow.name).where(ReaderRow.role == READER).order_by(ReaderRow.name)
        return list(connection.execute(statement).scalars())


def heads(connection: Connection, newest: Reading, reader_id: int) -> list[Reading]:
    """The revisions that none follows: the newest alone, unless readings were merged and nobody has settled them."""
    here = (
        ReadingRow.film_id == newest.film_id,
        ReadingRow.reader_id == reader_id,
        ReadingRow.round == newest.round,
    )
    if connection.execute(select(1).where(*here, ReadingRow.origin.is_not(None)).limit(1)).first() is None:
        return [newest]
    parents = connection.execute(select(ReadingRow.parents).where(*here)).scalars().all()
    followed = {name for text in parents for name in json.loads(text)}
    own = connection.execute(select(ReadingRow.reading_id, ReadingRow.uuid).where(*here)).all()
    ids = [row.reading_id for row in own if row.uuid not in followed]
    return list(readings_of(connection, select_readings().where(ReadingRow.reading_id.in_(ids)).order_by(*NEWEST)))


def reader_key(connection: Connection, author: Author) -> int:
    """The reader's row, made where it is absent."""
    held = connection.execute(select(ReaderRow.reader_id).where(ReaderRow.name == author.reader)).scalar_one_or_none()
    if held is not None:
        return held
    role = CONSENSUS if author.adjudicators else READER
    key = connection.execute(insert(ReaderRow).values(name=author.reader, role=role)).inserted_primary_key
    assert key is not None
    return int(key[0])


def uuid_of(connection: Connection, reading_id: int) -> str:
    """A reading's name in every project."""
    return connection.execute(select(ReadingRow.uuid).where(ReadingRow.reading_id == reading_id)).scalar_one()


def select_readings() -> Select[Any]:
    """Rows for readings_of, to be narrowed and ordered."""
    signed = (
        select(func.min(SignatureRow.signed_utc))
        .where(SignatureRow.reading_id == ReadingRow.reading_id)
        .scalar_subquery()
    )
    return select(*ReadingRow.__table__.columns, ReaderRow.name.label("reader"), signed.label("signed_utc")).join(
        ReaderRow, ReaderRow.reader_id == ReadingRow.reader_id
    )


def readings_of(
    connection: Connection, statement: Select[Any], parameters: Mapping[str, Any] | None = None
) -> Iterator[Reading]:
    """The readings of select_readings, in its order."""
    rows = connection.execute(statement, parameters).all()
    findings = _findings(connection, [row.reading_id for row in rows if row.verdict == Verdict.FRACTURE.value])
    # Taken apart in the order of select_readings: by name it costs twice as much, and a person waits for 20,000.
    for (
        reading_id, name, film_id, _, round, revision, *answered, created_utc, _, _, reason, adjudicators, _, _, reader,
        signed_utc,
    ) in rows:  # fmt: skip
        yield Reading(
            film_id,
            reader,
            revision,
            None if answered[0] is None else _answer(answered, tuple(findings.get(reading_id, ()))),
            created_utc,
            round,
            signed_utc,
            reason,
            () if adjudicators == NOTHING else tuple(json.loads(adjudicators)),
            name,
        )


NEWEST_READING = (  # built once: a save must not cost more than 3 ms
    select_readings()
    .where(
        ReadingRow.film_id == bindparam("film"),
        ReadingRow.reader_id == bindparam("key"),
        ReadingRow.round == bindparam("number"),
    )
    .order_by(*NEWEST)
    .limit(1)
)


def _newest(connection: Connection, film_id: FilmId, reader_id: int, round: int) -> Reading | None:
    here = {"film": film_id, "key": reader_id, "number": round}
    return next(readings_of(connection, NEWEST_READING, here), None)


def _split(connection: Connection, newest: Reading, reader_id: int) -> bool:
    """Whether merged workstations left another answer beside the newest one."""
    return any(h.answer != newest.answer for h in heads(connection, newest, reader_id))


def _signed(connection: Connection, film_id: FilmId, *, author: Author, utc: str) -> Reading:
    reader_id = reader_key(connection, author)
    before = _newest(connection, film_id, reader_id, author.round)
    if before is None or before.answer is None:
        raise UserError(ErrorCode.NOTHING_TO_SIGN, film=film_id[:12], reader=author.reader)
    if before.signed_utc is not None:
        return before
    reading_id = connection.execute(select(ReadingRow.reading_id).where(ReadingRow.uuid == before.uuid)).scalar_one()
    connection.execute(insert(SignatureRow).values(reading_id=reading_id, signed_utc=utc))
    new = audit.packed({"uuid": before.uuid, "signed_utc": utc})
    audit.record(connection, "sign", who=author.who, utc=utc, what=film_id, new=new)
    signed = _newest(connection, film_id, reader_id, author.round)
    assert signed is not None
    return signed


def _columns(answer: Answer | None) -> dict[str, Any]:
    if answer is None:
        return {
            "verdict": None,
            "exclusion": None,
            "exclusion_text": "",
            "mirrored": None,
            "diagnosed_from": None,
            "flags": "[]",
        }
    return {
        "verdict": answer.verdict.value,
        "exclusion": None if answer.exclusion is None else answer.exclusion.value,
        "exclusion_text": answer.exclusion_text,
        "mirrored": None if answer.mirrored is None else int(answer.mirrored),
        "diagnosed_from": None if answer.diagnosed_from is None else answer.diagnosed_from.value,
        "flags": audit.packed(sorted(flag.value for flag in answer.flags)),
    }


def _answer(columns: Sequence[Any], findings: tuple[Finding, ...]) -> Answer:
    """From the columns verdict, exclusion, exclusion_text, mirrored, diagnosed_from, flags."""
    verdict, exclusion, exclusion_text, mirrored, diagnosed_from, flags = columns
    return Answer(
        Verdict(verdict),
        findings,
        None if exclusion is None else ExclusionReason(exclusion),
        exclusion_text,
        None if mirrored is None else bool(mirrored),
        None if diagnosed_from is None else DiagnosedFrom(diagnosed_from),
        NO_FLAGS if flags == NOTHING else frozenset(FilmFlag(flag) for flag in json.loads(flags)),
    )


def _findings(connection: Connection, reading_ids: Sequence[int]) -> dict[int, list[Finding]]:
    ids = func.json_each(json.dumps(reading_ids)).table_valued("value")  # one query, and no limit of variables
    rows = connection.execute(
        select(*FindingRow.__table__.columns)
        .where(FindingRow.reading_id.in_(select(ids.c.value)))
        .order_by(FindingRow.reading_id, FindingRow.position)
    )
    found: dict[int, list[Finding]] = {}
    for reading_id, _, x, y, width, height, kind in rows:
        finding = Finding(Rectangle(x, y, width, height), None if kind is None else FractureType(kind))
        found.setdefault(reading_id, []).append(finding)
    return found
