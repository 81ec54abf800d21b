"""Agreement of a project's readers, and of one reader with himself or herself; the films on which they differ."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from hipcad_desktop.domain.agreement import Agreement, Disagreement, FilmPair, compare
from hipcad_desktop.domain.annotation import Answer, Reading
from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.radiograph import FilmId
from hipcad_desktop.store.films import FilmRow, film_rows
from hipcad_desktop.store.folders import write_file
from hipcad_desktop.store.project_store import Project
from hipcad_desktop.store.readings import CONSENSUS, current_readings
from hipcad_desktop.workflows.reader_study import require_open

COLUMNS = ("film", "file", "one", "two", "kinds", "lowest_iou", "verdict_one", "verdict_two", "adjudicated")


@dataclass(frozen=True, slots=True)
class PairAgreement:
    """Agreement of two readers, by name; of one reader with the second round, the same name twice."""

    readers: tuple[str, str]
    agreement: Agreement


@dataclass(frozen=True, slots=True)
class DisputedFilm:
    """A film on which two readers differ, both answers, and what was agreed since (None: nothing yet)."""

    film_id: FilmId
    file_name: str
    readers: tuple[str, str]
    answers: tuple[Answer, Answer]
    disagreement: Disagreement
    adjudicated: Answer | None


def agreement(project: Project, *, readers: Sequence[str] = ()) -> tuple[PairAgreement, ...]:
    """Agreement of every two of these readers (by default of all), in the first round.

    Raises UserError STILL_BLINDED, READER_UNKNOWN, READERS_TOO_FEW.
    """
    require_open(project)
    films, answers = _answers(project)
    return tuple(
        PairAgreement((one, two), compare(_pairs(films, answers[one], answers[two])))
        for one, two in combinations(_named(project, answers, readers), 2)
    )


def disagreements(project: Project, *, readers: Sequence[str] = ()) -> tuple[DisputedFilm, ...]:
    """Every film on which two of these readers (by default of all) differ, in order of import, adjudicated or not.

    Raises UserError STILL_BLINDED, READER_UNKNOWN, READERS_TOO_FEW.
    """
    require_open(project)
    films, answers = _answers(project)
    agreed = answers.get(CONSENSUS, {})
    found = [
        DisputedFilm(
            d.film_id,
            films[d.film_id].file_name,
            (one, two),
            (answers[one][d.film_id], answers[two][d.film_id]),
            d,
            agreed.get(d.film_id),
        )
        for one, two in combinations(_named(project, answers, readers), 2)
        for d in compare(_pairs(films, answers[one], answers[two])).disagreements
    ]
    order = {film_id: i for i, film_id in enumerate(films)}
    return tuple(sorted(found, key=lambda d: (order[d.film_id], d.readers)))


def intra_reader(project: Project, *, reader: str) -> PairAgreement:
    """Agreement of a reader's second round with the first. Raises UserError STILL_BLINDED, READER_UNKNOWN."""
    require_open(project)
    films, first = _answers(project)
    _, second = _answers(project, round=2)
    if reader not in first or reader not in second:
        raise UserError(ErrorCode.READER_UNKNOWN, path=str(project.path), reader=reader)
    return PairAgreement((reader, reader), compare(_pairs(films, first[reader], second[reader])))


def write_disagreements(disputed: Sequence[DisputedFilm], path: Path) -> None:
    """The table of disagreements as CSV, written atomically. Raises UserError FOLDER_NOT_WRITABLE, DISK_FULL."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for film in disputed:
        lowest = film.disagreement.lowest_iou
        writer.writerow(
            (
                film.film_id[:12],
                film.file_name,
                *film.readers,
                ";".join(kind.value for kind in film.disagreement.kinds),
                "" if lowest is None else f"{lowest:.3f}",
                *(answer.verdict.value for answer in film.answers),
                "" if film.adjudicated is None else film.adjudicated.verdict.value,
            )
        )
    write_file(path.absolute(), text.getvalue().encode("utf-8"))


def _answers(project: Project, *, round: int = 1) -> tuple[dict[FilmId, FilmRow], dict[str, dict[FilmId, Answer]]]:
    """Films in order of import, and every reader's answers of a round."""
    films = {f.film_id: f for f in film_rows(project, reader=None)}
    with project.reading() as connection:
        readings: list[Reading] = current_readings(connection, round=round)
    answers: dict[str, dict[FilmId, Answer]] = {}
    for reading in readings:
        if reading.answer is not None:
            answers.setdefault(reading.reader, {})[reading.film_id] = reading.answer
    return films, answers


def _named(project: Project, answers: dict[str, dict[FilmId, Answer]], readers: Sequence[str]) -> list[str]:
    known = sorted(set(answers) - {CONSENSUS})
    for name in readers:
        if name not in known:
            raise UserError(ErrorCode.READER_UNKNOWN, path=str(project.path), reader=name)
    chosen = list(dict.fromkeys(readers)) or known
    if len(chosen) < 2:
        raise UserError(ErrorCode.READERS_TOO_FEW, path=str(project.path), found=len(chosen))
    return chosen


def _pairs(films: dict[FilmId, FilmRow], one: dict[FilmId, Answer], two: dict[FilmId, Answer]) -> list[FilmPair]:
    return [FilmPair(f, films[f].size, one[f], two[f]) for f in films if f in one and f in two]
