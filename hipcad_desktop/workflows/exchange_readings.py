"""A reader's work as one file, and into another project: any order, any number of times, nothing lost.

The file is JSON lines: a head, one line per revision, and the SHA-256 of all before. Films go by their hashes; there is
no patient in it.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hipcad_desktop import __version__
from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.radiograph import FilmId
from hipcad_desktop.store import audit, exchange
from hipcad_desktop.store.exchange import Conflict, Line
from hipcad_desktop.store.folders import write_file
from hipcad_desktop.store.project_store import Project
from hipcad_desktop.store.readings import CONSENSUS
from hipcad_desktop.workflows.reader_study import require_open
from hipcad_desktop.workflows.utc import Clock, from_stamp, stamp, utc_now

SUFFIX = ".hipcad-readings"
FORMAT, SCHEMA = "hipcad-readings", 1
MAX_BYTES = 512 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class SendSummary:
    """What is in a file: revisions and the films they are of."""

    revisions: int
    films: int


@dataclass(frozen=True, slots=True)
class Differing:
    """Where a reader's work from two workstations differs: no answers, since the reader alone may see them."""

    film_id: FilmId
    reader: str
    round: int
    revisions: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class MergeSummary:
    """What came of a merge. pending: films that are not here; what was said of them waits until they are imported.

    conflicts: every one of this reader that is not settled yet. altered: revisions whose content is another here.
    """

    reader: str
    added: int
    already: int
    signatures: int
    pending: tuple[FilmId, ...]
    conflicts: tuple[Differing, ...]
    altered: tuple[str, ...]


def send_readings(project: Project, path: Path, *, reader: str) -> SendSummary:
    """Write all that a reader ever said here, or sent here, as one file; written atomically.

    Raises UserError READER_UNKNOWN, FOLDER_NOT_WRITABLE, DISK_FULL.
    """
    reader = reader.strip()
    own = project.uuid
    with project.reading() as connection:
        lines = [*exchange.lines_of(connection, own=own, reader=reader)]
        lines += exchange.pending_lines(connection, reader=reader)
    if not lines or reader == CONSENSUS:
        raise UserError(ErrorCode.READER_UNKNOWN, path=str(project.path), reader=reader)
    head = {
        "format": FORMAT,
        "schema": SCHEMA,
        "program": __version__,
        "project": own,
        "reader": reader,
        "revisions": len(lines),
    }
    text = "".join(audit.packed(value) + "\n" for value in (head, *(exchange.line_to_json(n) for n in lines)))
    digest = hashlib.sha256(text.encode()).hexdigest()
    write_file(path.absolute(), (text + audit.packed({"sha256": digest}) + "\n").encode())
    return SendSummary(len(lines), len({n.revision.film for n in lines}))


def merge_readings(project: Project, path: Path, *, who: str = "", clock: Clock = utc_now) -> MergeSummary:
    """Take a sent file in, whole or not at all; who: by default the account's name.

    Two revisions of one reader on one film that do not know of each other both stay, as a conflict until the reader
    saves again; until then the higher revision, then the later time, holds. Raises UserError FILE_MISSING,
    EXCHANGE_FILE_BAD, EXCHANGE_FILE_NEWER.
    """
    reader, lines = _read(path)
    with project.writing() as connection:
        try:
            merged = exchange.merge(connection, lines, who=who.strip() or audit.operator(), utc=stamp(clock))
        except ValueError as error:
            raise _bad(path, str(error)) from error
        found = exchange.conflicts(connection, reader=reader)
    differing = tuple(Differing(c.film_id, c.reader, c.round, tuple(r.revision for r in c.readings)) for c in found)
    return MergeSummary(
        reader, len(merged.added), merged.already, merged.signatures, merged.pending, differing, merged.altered
    )


def conflicts(project: Project, *, reader: str | None = None) -> tuple[Conflict, ...]:
    """Conflicts that are not settled, with the answers; of all readers only once the blinded phase is over.

    Raises UserError STILL_BLINDED for reader None before.
    """
    if reader is None:
        require_open(project)
    with project.reading() as connection:
        return exchange.conflicts(connection, reader=reader)


def _read(path: Path) -> tuple[str, list[Line]]:
    data = _data(path)
    body, _, last = data.removesuffix(b"\n").rpartition(b"\n")
    try:
        head, *values = [_json(text) for text in body.decode("utf-8").split("\n")]
        if not isinstance(head, dict) or head.get("format") != FORMAT:
            raise _bad(path, "another kind of file")
        if head["schema"] > SCHEMA:
            raise UserError(ErrorCode.EXCHANGE_FILE_NEWER, path=str(path), found=head["schema"], known=SCHEMA)
        if _json(last.decode("utf-8")) != {"sha256": hashlib.sha256(body + b"\n").hexdigest()}:
            raise _bad(path, "it was changed or cut off")
        lines = [exchange.line_from_json(value) for value in values]
        reader = head["reader"]
        uuids = {line.revision.uuid for line in lines}
        for line in lines:
            from_stamp(line.revision.created_utc)
            if line.revision.reader != reader or reader == CONSENSUS or line.revision.adjudicators:
                raise ValueError("another reader")
            if line.revision.undone is not None and line.revision.undone not in uuids:
                raise ValueError("an undo misses what it undoes")
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise _bad(path, "a line that cannot be read") from error
    return reader, lines


def _data(path: Path) -> bytes:
    if not path.exists():
        raise UserError(ErrorCode.FILE_MISSING, path=str(path))
    if not path.is_file():
        raise UserError(ErrorCode.NOT_A_REGULAR_FILE, path=str(path))
    if path.stat().st_size > MAX_BYTES:
        raise _bad(path, "larger than 512 MB")
    try:
        return path.read_bytes()
    except OSError as error:
        raise UserError(ErrorCode.FILE_NOT_READABLE, path=str(path), detail=error.strerror or "unreadable") from error


def _json(text: str) -> Any:
    def no_constant(name: str) -> None:
        raise ValueError(f"{name} is no number")

    return json.loads(text, parse_constant=no_constant)


def _bad(path: Path, detail: str) -> UserError:
    return UserError(ErrorCode.EXCHANGE_FILE_BAD, path=str(path), detail=detail)
