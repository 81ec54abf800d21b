"""Readers' own answers locked before the program's were shown: kept in one file, read back, summed up, exported.

A record names who read, and the hashes of film and model: no file name and no patient. Its file is journal.py's.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hipcad_desktop.domain.anatomy import Side
from hipcad_desktop.domain.change_of_mind import Changes, HipCase, Reference, hip_cases, summarise
from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.read_first import (
    Case,
    HipReading,
    Key,
    OutOfOrderError,
    OwnAnswer,
    ProgramHip,
    Record,
    Step,
    cases_of,
    follow,
)
from hipcad_desktop.workflows.csv_rows import CsvRow, read_csv
from hipcad_desktop.workflows.journal import Journal, append, read_journal
from hipcad_desktop.workflows.utc import Clock, stamp, utc_now
from hipcad_desktop.workflows.write_whole import write_whole

READ_FIRST_NAME = "read_first.jsonl"
KIND = "films read first"
COLUMNS = (
    "reader", "film", "side", "before", "confidence_before", "program", "p_fracture", "after", "confidence_after",
    "changed", "against_program", "reference", "against_reference", "left_out", "model", "locked_utc", "shown_utc",
    "final_utc",
)  # fmt: skip
_SIDES: Mapping[str, Side] = {"r": Side.RIGHT, "right": Side.RIGHT, "l": Side.LEFT, "left": Side.LEFT}
_TRUTHS: Mapping[str, OwnAnswer] = {
    **dict.fromkeys(("fracture", "1", "yes"), OwnAnswer.FRACTURE),
    **dict.fromkeys(("no_fracture", "no fracture", "0", "no"), OwnAnswer.NO_FRACTURE),
}
_SHORTEST_HASH = 12


class ReadFirst:
    """The file of one computer, open: every step is on the disk when its method returns.

    Raises UserError JOURNAL_BROKEN, READ_BEFORE, and on writing JOURNAL_BUSY, FOLDER_NOT_WRITABLE, DISK_FULL.
    """

    def __init__(self, path: Path, *, clock: Clock = utc_now) -> None:
        self.path = path
        self._clock = clock
        self._take(read_journal(path, KIND))

    def _take(self, journal: Journal) -> None:
        self.head = journal.head
        self._cases = _cases(journal, self.path)

    @property
    def cases(self) -> tuple[Case, ...]:
        """Every film that was locked, in that order."""
        return tuple(self._cases.values())

    def case(self, key: Key) -> Case | None:
        """One of them."""
        return self._cases.get(key)

    def saw(self, reader: str, film_id: str) -> bool:
        """Whether a reader was shown an answer on a film before, of whatever model."""
        return any(k.reader == reader and k.film_id == film_id and c.shown for k, c in self._cases.items())

    def lock(self, key: Key, hips: Mapping[Side, HipReading], *, seen_before: bool = False) -> Case:
        """Keep the own answer on both hips. seen_before: an answer of a program on this film had been on the screen."""
        seen = seen_before or self.saw(key.reader, key.film_id)
        return self._add(Record(Step.LOCKED, key, stamp(self._clock), hips=dict(hips), seen_before=seen))

    def show(self, key: Key, program: Mapping[Side, ProgramHip], *, midline_px: float | None = None) -> Case:
        """Keep what the program says, before anybody sees it. Nothing new is kept where the same was shown last."""
        case = self._cases.get(key)
        shown = case.shown if case is not None else None
        if case is not None and shown is not None and (shown.program, shown.midline_px) == (program, midline_px):
            return case
        record = Record(Step.SHOWN, key, stamp(self._clock), program=dict(program), midline_px=midline_px)
        return self._add(record)

    def close(self, key: Key, hips: Mapping[Side, HipReading]) -> Case:
        """Keep the answer given after the program's was seen; the film is done."""
        return self._add(Record(Step.FINAL, key, stamp(self._clock), hips=dict(hips)))

    def _add(self, record: Record) -> Case:
        def check(journal: Journal) -> None:
            try:
                follow(_cases(journal, self.path).get(record.key), record)
            except OutOfOrderError as error:
                film = record.key.film_id[:_SHORTEST_HASH]
                raise UserError(
                    ErrorCode.READ_BEFORE, film=film, reader=record.key.reader, detail=str(error)
                ) from error

        self._take(append(self.path, KIND, record.to_json(), check=check))
        return self._cases[record.key]


def _cases(journal: Journal, path: Path) -> dict[Key, Case]:
    try:
        return cases_of([Record.from_json(c) for c in journal.contents])
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise UserError(ErrorCode.JOURNAL_BROKEN, path=str(path), detail=f"a record that is none: {error}") from error


@dataclass(frozen=True, slots=True)
class ReadFirstSummary:
    """Every hip, one line of figures a reader, and the last hash of the file that it is from."""

    hips: tuple[HipCase, ...]
    readers: tuple[Changes, ...]
    head: str


def summary_of(path: Path, *, reference: Path | None = None, reader: str = "") -> ReadFirstSummary:
    """What the readers changed; reader: of one alone. Raises UserError JOURNAL_BROKEN, and REFERENCE_BAD as told."""
    journal = ReadFirst(path)
    truth = read_reference(reference, [c.key.film_id for c in journal.cases]) if reference is not None else None
    hips = hip_cases((c for c in journal.cases if reader in ("", c.key.reader)), truth)
    return ReadFirstSummary(hips, summarise(hips), journal.head)


def read_reference(table: Path, films: Sequence[str]) -> Reference:
    """What each hip truly has, by film hash and side: a CSV with side,reference and film or file.

    side: R or L; reference: fracture or no_fracture. film: the hash of the film's file or 12 or more characters of its
    beginning; file: the film itself, from the table's folder on, whose hash is taken. Films that nobody read are passed
    over. Raises UserError REFERENCE_BAD with the line, FILE_MISSING.
    """
    found = read_csv(table, required=("side", "reference"), bad=ErrorCode.REFERENCE_BAD)
    if not {"film", "file"} & set(found.columns):
        raise UserError(ErrorCode.REFERENCE_BAD, path=str(table), detail="no column film or file")
    truth: dict[tuple[str, Side], OwnAnswer] = {}
    hashes: dict[str, str] = {}
    for row in found.rows:
        side, answer = _SIDES.get(row.get("side").lower()), _TRUTHS.get(row.get("reference").lower())
        if side is None or answer is None:
            raise _bad(table, row, "side is R or L, reference fracture or no_fracture")
        for film in _films_of(row, table, films, hashes):
            if truth.setdefault((film, side), answer) is not answer:
                raise _bad(table, row, "another row says otherwise of this hip")
    return truth


def _films_of(row: CsvRow, table: Path, films: Sequence[str], hashes: dict[str, str]) -> list[str]:
    named = row.get("film").lower()
    if not named:
        file = row.get("file")
        if file not in hashes:
            hashes[file] = _hash_of(table.parent / file, table, row)
        named = hashes[file]
    if len(named) < _SHORTEST_HASH:
        raise _bad(table, row, f"a film is named by {_SHORTEST_HASH} characters of its hash or more, or by its file")
    return [f for f in dict.fromkeys(films) if f.startswith(named)]


def _hash_of(path: Path, table: Path, row: CsvRow) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise _bad(table, row, "its film cannot be read") from error


def _bad(table: Path, row: CsvRow, detail: str) -> UserError:
    return UserError(ErrorCode.REFERENCE_BAD, path=str(table), detail=f"line {row.line}: {detail}")


def write_hips(hips: Sequence[HipCase], to: Path) -> int:
    """One row a hip as CSV, written whole; the number of rows. Raises UserError FOLDER_NOT_WRITABLE, DISK_FULL."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    writer.writerows(_row(h) for h in hips)
    write_whole(to.absolute(), text.getvalue().encode("utf-8"))
    return len(hips)


def _row(hip: HipCase) -> tuple[object, ...]:
    case, after = hip.case, hip.after
    return (
        case.key.reader,
        case.key.film_id,
        hip.side.value,
        hip.before.answer.value,
        hip.before.confidence,
        hip.program.value if hip.program else "",
        "" if hip.p_fracture is None else f"{hip.p_fracture:.6f}",
        after.answer.value if after else "",
        after.confidence if after else "",
        "" if after is None else "yes" if hip.changed else "no",
        hip.towards.value if hip.towards else "",
        hip.truth.value if hip.truth else "",
        hip.outcome.value if hip.outcome else "",
        hip.left_out.value if hip.left_out else "",
        case.key.model_sha256,
        case.locked.at_utc,
        case.shown.at_utc if case.shown else "",
        case.final.at_utc if case.final else "",
    )
