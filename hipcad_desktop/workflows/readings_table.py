"""Readings as a table, boxes.csv: file,verdict,x,y,width,height,type.

Optional columns: reason (of an exclusion), mirrored, diagnosed_from, flags (separated by ";"), reader.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from hipcad_desktop.domain.anatomy import FractureType
from hipcad_desktop.domain.annotation import Answer, DiagnosedFrom, ExclusionReason, FilmFlag, Finding, Verdict
from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.geometry import Rectangle, Size
from hipcad_desktop.domain.progress import Watch
from hipcad_desktop.domain.radiograph import FilmId
from hipcad_desktop.store import films as film_store
from hipcad_desktop.store import readings as reading_store
from hipcad_desktop.store.folders import write_file
from hipcad_desktop.store.project_store import Project
from hipcad_desktop.store.readings import Author
from hipcad_desktop.workflows.annotate import reader_named
from hipcad_desktop.workflows.csv_rows import CsvFile, CsvRow, read_csv
from hipcad_desktop.workflows.path_index import PathIndex, shortest_ends
from hipcad_desktop.workflows.reader_study import require_open
from hipcad_desktop.workflows.utc import Clock, stamp, utc_now

T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)
SILENT = Watch()
BOX = ("x", "y", "width", "height")
REQUIRED = ("file", "verdict", *BOX)
COLUMNS = ("file", "verdict", *BOX, "type", "reason", "mirrored", "diagnosed_from", "flags")
BATCH_FILMS = 200
YES, NO = frozenset({"true", "yes", "1"}), frozenset({"false", "no", "0"})


SLIP_SHARE = 0.02  # a hand's slip over the film's edge is cut off; a rectangle farther out belongs to another film


@dataclass(frozen=True, slots=True)
class ReadingsSummary:
    """What came of an import: films with a new revision, films that already had this answer, and what was wrong."""

    saved: int
    unchanged: int
    problems: tuple[UserError, ...]


class _RowError(Exception):
    """What is wrong with a row, in words; the film's other rows are left out with it."""

    def __init__(self, row: CsvRow, detail: str) -> None:
        super().__init__(detail)
        self.row = row
        self.detail = detail


def import_readings(
    project: Project,
    csv_path: Path,
    *,
    reader: str,
    why: str = "",
    watch: Watch = SILENT,
    clock: Clock = utc_now,
) -> ReadingsSummary:
    """Save a table's answers as this reader's. A film with a bad row is left out and named; the others are done.

    Where the table has a column `reader`, rows of other readers are passed over. Signed readings change only with a
    reason, `why`; without one they are problems. Raises UserError READINGS_FILE_BAD, FILE_MISSING,
    READER_NAME_RESERVED, PROJECT_BUSY, DISK_FULL, and CANCELLED (answers saved by then are kept).
    """
    reader = reader_named(reader)
    answers, problems = answers_in(project, csv_path, reader=reader)
    if not why.strip():
        answers = _unsigned(project, answers, reader=reader, problems=problems)
    created = stamp(clock)
    with project.reading() as connection:
        before = {r.film_id: r.revision for r in reading_store.current_readings(connection, reader=reader)}
    saved = 0
    for start in range(0, len(answers), BATCH_FILMS):
        watch.check("The import of readings")
        batch = answers[start : start + BATCH_FILMS]
        held = reading_store.save_answers(project, batch, author=Author(reader), created_utc=created, reason=why)
        saved += sum(r.revision > before.get(r.film_id, 0) for r in held)
        watch.step("readings", start + len(batch), len(answers))
    problems.sort(key=lambda e: e.facts.get("line", 0))
    return ReadingsSummary(saved, len(answers) - saved, tuple(problems))


def answers_in(project: Project, csv_path: Path, *, reader: str) -> tuple[list[tuple[FilmId, Answer]], list[UserError]]:
    """A table's answers by one reader, and what is wrong with the films that are left out; nothing is saved.

    Raises UserError READINGS_FILE_BAD, FILE_MISSING.
    """
    table = read_csv(csv_path, required=REQUIRED, bad=ErrorCode.READINGS_FILE_BAD)
    problems: list[UserError] = []
    rows = [r for r in table.rows if r.get("reader") in ("", reader)]
    return _answers(project, table, rows, csv_path, reader=reader, problems=problems), problems


def export_readings(project: Project, csv_path: Path, *, reader: str | None = None) -> int:
    """Write current answers, of one reader or (with a column `reader`) of all; how many rows. Written atomically.

    A file is named by the shortest end of its path that no other film has. Raises UserError FOLDER_NOT_WRITABLE,
    DISK_FULL, and STILL_BLINDED where several readers have answered and may not see each other's answers.
    """
    names = _names(project)
    if reader is None and len(reading_store.reader_names(project)) > 1:
        require_open(project)
    with project.reading() as connection:
        readings = reading_store.current_readings(connection, reader=reader)
    order = {film_id: i for i, film_id in enumerate(names)}
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS if reader is not None else (*COLUMNS, "reader"))
    rows = 0
    for reading in sorted(readings, key=lambda r: (order[r.film_id], r.reader)):
        if reading.answer is None:
            continue
        for cells in rows_of(names[reading.film_id], reading.answer):
            writer.writerow(cells if reader is not None else (*cells, reading.reader))
            rows += 1
    write_file(csv_path.absolute(), text.getvalue().encode("utf-8"))
    return rows


def _answers(
    project: Project, table: CsvFile, rows: Sequence[CsvRow], path: Path, *, reader: str, problems: list[UserError]
) -> list[tuple[FilmId, Answer]]:
    """The answer of every film whose rows are all good; what is wrong with the others goes to problems."""
    films = {f.film_id: f for f in film_store.film_rows(project, reader=reader)}
    index = PathIndex((p, film_id) for film_id, paths in film_store.all_files(project).items() for p in paths)
    by_film: dict[FilmId, list[CsvRow]] = {}
    bad: set[FilmId] = set()

    def told(error: _RowError) -> UserError:
        return UserError(ErrorCode.READINGS_ROW_BAD, path=str(path), line=error.row.line, detail=error.detail)

    for row in rows:
        meant = index.find(row.get("file"), beside=path.parent) if row.get("file") else []
        if len(meant) == 1:
            by_film.setdefault(meant[0], []).append(row)
            continue
        bad.update(meant)
        problems.append(told(_RowError(row, _unfound(row.get("file"), len(meant)))))
    answers: list[tuple[FilmId, Answer]] = []
    for film_id, film_rows in by_film.items():
        if film_id in bad:
            continue
        film = films[film_id]
        try:
            answer = _answer(film_rows, film.size)
        except _RowError as error:
            problems.append(told(error))
            continue
        if film.reading is not None and film.reading.answer is not None:
            answer = _with_what_stands(answer, film.reading.answer, table.columns)
        answers.append((film_id, answer))
    return answers


def _with_what_stands(answer: Answer, before: Answer, columns: Sequence[str]) -> Answer:
    """Of what the table has no column for, what was said before stands."""
    names = [n for n in ("mirrored", "diagnosed_from", "flags") if n not in columns]
    return replace(answer, **{name: getattr(before, name) for name in names})


def _unsigned(
    project: Project, answers: list[tuple[FilmId, Answer]], *, reader: str, problems: list[UserError]
) -> list[tuple[FilmId, Answer]]:
    """Without the answers that would change a signed reading."""
    with project.reading() as connection:
        current = reading_store.current_readings(connection, reader=reader)
    signed = {r.film_id: r.answer for r in current if r.signed_utc is not None}
    kept = []
    for film_id, answer in answers:
        if film_id in signed and signed[film_id] != answer:
            problems.append(UserError(ErrorCode.SIGNED_NEEDS_REASON, film=film_id[:12], reader=reader))
        else:
            kept.append((film_id, answer))
    return kept


def _unfound(file: str, films: int) -> str:
    if not file:
        return "no file is named"
    if films > 1:
        return f"{films} films can be meant by {file}; name more of its folders"
    return f"no imported film is named {file}"


def answer_in_rows(rows: Sequence[CsvRow], film: Size, *, path: Path) -> Answer:
    """The answer that a film's rows of a table give. Raises UserError READINGS_ROW_BAD."""
    try:
        return _answer(rows, film)
    except _RowError as error:
        raise UserError(ErrorCode.READINGS_ROW_BAD, path=str(path), line=error.row.line, detail=error.detail) from error


def _answer(rows: Sequence[CsvRow], film: Size) -> Answer:
    verdicts = [_verdict(row) for row in rows]
    for row, verdict in zip(rows, verdicts, strict=True):
        if verdict is not verdicts[0]:
            raise _RowError(row, f"one film cannot be both {verdicts[0].value} and {verdict.value}")
    mirrored = _agreed(rows, _mirrored, "mirrored")
    source = _agreed(rows, _diagnosed_from, "diagnosed_from")
    flags = _agreed(rows, _flags, "flags") or frozenset()
    if verdicts[0] is Verdict.FRACTURE:
        findings = tuple(dict.fromkeys(_finding(row, film) for row in rows))
        return Answer(Verdict.FRACTURE, findings, mirrored=mirrored, diagnosed_from=source, flags=flags)
    for row in rows:
        filled = [name for name in (*BOX, "type") if row.get(name)]
        if filled:
            raise _RowError(row, f"a film that is {verdicts[0].value} has no {filled[0]}")
    if verdicts[0] is not Verdict.EXCLUDED:
        return Answer(verdicts[0], mirrored=mirrored, diagnosed_from=source, flags=flags)
    reason, words = _agreed(rows, _reason, "reason") or (ExclusionReason.OTHER, "")
    plain = Answer(Verdict.EXCLUDED, exclusion=reason, exclusion_text=words, mirrored=mirrored)
    return replace(plain, diagnosed_from=source, flags=flags)


def _agreed(rows: Sequence[CsvRow], read: Callable[[CsvRow], T | None], column: str) -> T | None:
    """The one value that a film's rows give, those without any passed over."""
    found = [(row, value) for row in rows if (value := read(row)) is not None]
    for row, value in found:
        if value != found[0][1]:
            raise _RowError(row, f"the rows of this film differ in {column}")
    return found[0][1] if found else None


def _verdict(row: CsvRow) -> Verdict:
    word = re.sub(r"[\s-]+", "_", row.get("verdict").lower())
    try:
        return Verdict(word)
    except ValueError:
        choices = ", ".join(v.value for v in Verdict)
        raise _RowError(row, f"the verdict {row.get('verdict')!r} is none of {choices}") from None


def _finding(row: CsvRow, film: Size) -> Finding:
    x, y, width, height = (_number(row, name) for name in BOX)
    if width <= 0 or height <= 0:
        raise _RowError(row, "a rectangle has a width and a height above zero")
    rectangle = Rectangle(x, y, width, height)
    centre_inside = 0 <= x + width / 2 <= film.width and 0 <= y + height / 2 <= film.height
    clipped = rectangle.clipped(film)
    if not centre_inside or clipped is None:
        raise _RowError(row, f"the rectangle lies outside the film ({film.width} x {film.height} pixels)")
    beyond = max(-x, -y, rectangle.x1 - film.width, rectangle.y1 - film.height)
    if beyond > SLIP_SHARE * max(film.width, film.height):
        raise _RowError(row, f"the rectangle reaches beyond the film ({film.width} x {film.height} pixels)")
    inside = beyond <= 0
    return Finding(rectangle if inside else clipped, _fracture_type(row))


def _number(row: CsvRow, name: str) -> float:
    text = row.get(name)
    if not text:
        raise _RowError(row, f"a fracture needs a rectangle, and {name} is empty")
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise _RowError(row, f"{name} is no number: {text!r}")
    return value


def _fracture_type(row: CsvRow) -> FractureType | None:
    """Free of case, blanks and dashes: "garden iii", "III", "31A2", "A2", "greater trochanter"."""
    word = re.sub(r"[\s_\-./]+", "", row.get("type").lower())
    if not word:
        return None
    for kind in FractureType:
        full = re.sub(r"[\s\-]+", "", kind.value.lower())
        if word in (full, full.removeprefix("garden"), full.removeprefix("31")):
            return kind
    raise _RowError(row, f"the type {row.get('type')!r} is none of {', '.join(t.value for t in FractureType)}")


def _reason(row: CsvRow) -> tuple[ExclusionReason, str] | None:
    """A known reason, optionally with words after a colon; anything else is "other" with these words."""
    text = row.get("reason")
    if not text:
        return None
    head, _, words = text.partition(":")
    for reason in ExclusionReason:
        if head.strip().lower() in (reason.value.lower(), reason.name.lower()):
            return reason, words.strip()
    return ExclusionReason.OTHER, text


def _mirrored(row: CsvRow) -> bool | None:
    word = row.get("mirrored").lower()
    if not word:
        return None
    if word not in YES | NO:
        raise _RowError(row, f"mirrored is true or false, not {row.get('mirrored')!r}")
    return word in YES


def _diagnosed_from(row: CsvRow) -> DiagnosedFrom | None:
    return (
        _chosen(row, "diagnosed_from", row.get("diagnosed_from"), DiagnosedFrom) if row.get("diagnosed_from") else None
    )


def _flags(row: CsvRow) -> frozenset[FilmFlag] | None:
    words = [word.strip() for word in row.get("flags").split(";")]
    return frozenset(_chosen(row, "flags", word, FilmFlag) for word in words if word) or None


def _chosen(row: CsvRow, column: str, text: str, kind: type[E]) -> E:
    """One of a few words, free of case, blanks and dashes."""
    plain = re.sub(r"[\W_]+", "", text.lower())
    for member in kind:
        if plain in (re.sub(r"[\W_]+", "", name.lower()) for name in (member.value, member.name)):
            return member
    raise _RowError(row, f"{column} cannot be {text!r}; it is one of {', '.join(m.value for m in kind)}")


def _names(project: Project) -> dict[FilmId, str]:
    first = {film_id: paths[0] for film_id, paths in film_store.all_files(project).items()}
    ends = shortest_ends(first.values())
    return {film_id: ends[path] for film_id, path in first.items()}


def rows_of(name: str, answer: Answer) -> list[tuple[str, ...]]:
    """An answer as rows of COLUMNS: one a finding, or one without a rectangle."""
    reason = "" if answer.exclusion is None else answer.exclusion.value
    reason += f": {answer.exclusion_text}" if answer.exclusion_text else ""
    tail = (
        reason,
        "" if answer.mirrored is None else str(answer.mirrored).lower(),
        "" if answer.diagnosed_from is None else answer.diagnosed_from.value,
        ";".join(flag.value for flag in FilmFlag if flag in answer.flags),
    )
    if not answer.findings:
        return [(name, answer.verdict.value, "", "", "", "", "", *tail)]
    return [
        (
            name,
            answer.verdict.value,
            *(_plain(v) for v in (f.rectangle.x, f.rectangle.y, f.rectangle.width, f.rectangle.height)),
            "" if f.fracture_type is None else f.fracture_type.value,
            *tail,
        )
        for f in answer.findings
    ]


def _plain(value: float) -> str:
    """The shortest digits that give the same number back."""
    return str(int(value)) if value.is_integer() else repr(value)
