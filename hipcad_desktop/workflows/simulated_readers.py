"""Readers of simulated films who err as readers do: what shows little is missed, neighbouring types are mistaken.

Their answers are tables like those of real readers (workflows.readings_table) and go the same way: imported, signed,
compared, adjudicated. Nothing here knows how well they will agree; that is measured.
"""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from hipcad_desktop.domain.anatomy import FractureType, Side
from hipcad_desktop.domain.annotation import Answer, DiagnosedFrom, FilmFlag, Finding, Verdict
from hipcad_desktop.domain.errors import ErrorCode
from hipcad_desktop.domain.geometry import Rectangle, Size
from hipcad_desktop.workflows.csv_rows import CsvRow, read_csv
from hipcad_desktop.workflows.readings_table import COLUMNS, REQUIRED, answer_in_rows, rows_of
from hipcad_desktop.workflows.simulated_tables import BOXES_NAME, TRUTH_NAME
from hipcad_desktop.workflows.write_whole import write_whole

# How much of it usually shows on a frontal film, 0 nothing .. 1 plain: by the misses of the paper's table (METHOD 1;
# undisplaced necks and isolated greater trochanters are most of them).
TYPICAL: Mapping[FractureType, float] = {
    FractureType.GARDEN_I: 0.35,
    FractureType.GARDEN_II: 0.35,
    FractureType.GARDEN_III: 0.90,
    FractureType.GARDEN_IV: 0.97,
    FractureType.AO_31_A1: 0.70,
    FractureType.AO_31_A2: 0.95,
    FractureType.AO_31_A3: 0.95,
    FractureType.GREATER_TROCHANTER: 0.25,
}
# What a type is taken for, and how often by a reader of mistakes 1. Garden's four grades are told apart badly by
# everyone, two groups of them well; of the trochanter A1 and A2 meet where the lesser trochanter is half off.
CONFUSED: Mapping[FractureType, tuple[tuple[FractureType, float], ...]] = {
    FractureType.GARDEN_I: ((FractureType.GARDEN_II, 0.18), (FractureType.GARDEN_III, 0.02)),
    FractureType.GARDEN_II: ((FractureType.GARDEN_I, 0.15), (FractureType.GARDEN_III, 0.06)),
    FractureType.GARDEN_III: ((FractureType.GARDEN_IV, 0.15), (FractureType.GARDEN_II, 0.05)),
    FractureType.GARDEN_IV: ((FractureType.GARDEN_III, 0.14),),
    FractureType.AO_31_A1: ((FractureType.AO_31_A2, 0.10), (FractureType.GREATER_TROCHANTER, 0.02)),
    FractureType.AO_31_A2: ((FractureType.AO_31_A1, 0.13), (FractureType.AO_31_A3, 0.03)),
    FractureType.AO_31_A3: ((FractureType.AO_31_A2, 0.12),),
    FractureType.GREATER_TROCHANTER: ((FractureType.AO_31_A1, 0.10),),
}
USUAL_VISIBILITY = 0.55  # median of truth.csv's column over the types; a film's own moves TYPICAL up or down
HARDLY_SEEN = (FractureType.GARDEN_I, FractureType.GARDEN_II, FractureType.GREATER_TROCHANTER)  # and so falsely seen
OTHER_SOURCE = 0.6  # of fractures that show nothing: found on another picture (the paper: 218 of 5242)
LATERAL_OF_OTHER = 97 / 218  # the rest on CT or MRI
TRUTH_REQUIRED = (
    "file", "patient", "hospital", "sex", "age_years", "film_width", "film_height",
    "head_right_x", "head_right_y", "head_left_x", "head_left_y",
)  # fmt: skip
ALARM_WIDTH, ALARM_HEIGHT = 0.35, 0.45  # of a false rectangle, in distances of the heads


@dataclass(frozen=True, slots=True)
class Habits:
    """How one reader errs."""

    overlooks: float  # chance to miss a fracture of which nothing shows; falls with the square of what shows
    unsure: float  # chance to answer "unsure" on it, likewise
    false_alarm: float  # chance to see a fracture on a film without any
    mistakes: float  # 1: types are confused as often as CONFUSED says
    slip: float  # deviation of each edge drawn, in shares of the rectangle's extent
    margin: float  # how much larger than the fracture the rectangle is drawn
    flags_seen: float  # chance to note an implant or a worn joint


READERS: Mapping[str, Habits] = {
    "Reader 1": Habits(
        overlooks=0.16, unsure=0.02, false_alarm=0.010, mistakes=0.9, slip=0.05, margin=1.00, flags_seen=0.97
    ),
    "Reader 2": Habits(
        overlooks=0.22, unsure=0.03, false_alarm=0.015, mistakes=1.1, slip=0.06, margin=1.12, flags_seen=0.93
    ),
}
# Both at once, with the other films of the patient beside them.
TOGETHER = Habits(overlooks=0.03, unsure=0.0, false_alarm=0.002, mistakes=0.3, slip=0.04, margin=1.05, flags_seen=0.99)


@dataclass(frozen=True, slots=True)
class TrueFilm:
    """What is so on a simulated film. shows: of each finding, as TYPICAL; heads (x, y) in film pixels."""

    file: str
    patient: str
    hospital: str
    sex: str
    age_years: int
    size: Size
    answer: Answer
    shows: tuple[float, ...]
    heads: Mapping[Side, tuple[float, float]]


def true_films(folders: Sequence[Path]) -> tuple[TrueFilm, ...]:
    """The films of folders that `simulate` wrote, in their order.

    Raises UserError FILE_MISSING, READINGS_FILE_BAD, READINGS_ROW_BAD.
    """
    found = []
    for folder in folders:
        boxes: dict[str, list[CsvRow]] = {}
        table = folder / BOXES_NAME
        for row in read_csv(table, required=REQUIRED, bad=ErrorCode.READINGS_FILE_BAD).rows:
            boxes.setdefault(row.get("file"), []).append(row)
        truth = read_csv(folder / TRUTH_NAME, required=TRUTH_REQUIRED, bad=ErrorCode.READINGS_FILE_BAD)
        found += [_true_film(row, boxes.get(row.get("file"), []), table) for row in truth.rows]
    return tuple(found)


def write_reading(
    films: Sequence[TrueFilm],
    to: Path,
    *,
    reader: str,
    habits: Habits,
    seed: int,
    only: Collection[str] | None = None,
) -> int:
    """Write a reader's table of all films, or of those named in `only`, whole or not at all; how many films.

    The same film, reader, habits and seed give the same answer, whatever else is read. Raises UserError
    FOLDER_NOT_WRITABLE, DISK_FULL.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    wanted = [film for film in films if only is None or film.file in only]
    for film in wanted:
        writer.writerows(rows_of(film.file, answer_of(film, habits, random.Random(f"{seed}/{reader}/{film.file}"))))
    write_whole(to, text.getvalue().encode("utf-8"))
    return len(wanted)


def answer_of(film: TrueFilm, habits: Habits, chance: random.Random) -> Answer:
    """What a reader of these habits says of a film; what a fracture was first seen on is in the patient's record."""
    if film.answer.verdict is Verdict.EXCLUDED:  # metal in the broken hip is seen by everyone
        return film.answer
    flags = frozenset(f for f in FilmFlag if f in film.answer.flags and chance.random() < habits.flags_seen)
    source = film.answer.diagnosed_from
    if not film.answer.findings:
        if chance.random() < habits.false_alarm:
            return Answer(Verdict.FRACTURE, (_false_finding(film, chance),), flags=flags)
        return Answer(Verdict.NO_FRACTURE, flags=flags)
    seen = []
    for finding, shows in zip(film.answer.findings, film.shows, strict=True):
        hidden = (1 - shows) ** 2
        if chance.random() < habits.unsure * hidden:
            return Answer(Verdict.UNSURE, flags=flags)
        if chance.random() < habits.overlooks * hidden:
            continue
        seen.append(Finding(_drawn(finding.rectangle, film.size, habits, chance), _named(finding, habits, chance)))
    if not seen:
        return Answer(Verdict.NO_FRACTURE, flags=flags)
    return Answer(Verdict.FRACTURE, tuple(seen), diagnosed_from=source, flags=flags)


def _true_film(truth: CsvRow, boxes: Sequence[CsvRow], table: Path) -> TrueFilm:
    file = truth.get("file")
    size = Size(int(truth.get("film_width")), int(truth.get("film_height")))
    answer = answer_in_rows(boxes, size, path=table)
    shows = tuple(
        _shows(finding, truth.get(column))
        for finding, column in zip(answer.findings, ("visibility", "second_visibility"), strict=False)
    )
    if shows:
        answer = replace(answer, diagnosed_from=_source(file, max(shows)))
    heads = {
        side: (float(truth.get(f"head_{name}_x")), float(truth.get(f"head_{name}_y")))
        for side, name in ((Side.RIGHT, "right"), (Side.LEFT, "left"))
        if truth.get(f"head_{name}_x")  # a film that is no pelvis has none
    }
    return TrueFilm(
        file=file,
        patient=truth.get("patient"),
        hospital=truth.get("hospital"),
        sex=truth.get("sex"),
        age_years=int(truth.get("age_years")),
        size=size,
        answer=answer,
        shows=shows,
        heads=heads,
    )


def _shows(finding: Finding, visibility: str) -> float:
    usual = TYPICAL[finding.fracture_type] if finding.fracture_type else 1.0
    return min(max(usual + float(visibility) - USUAL_VISIBILITY, 0.0), 1.0) if visibility else usual


def _source(file: str, shows: float) -> DiagnosedFrom:
    """On which picture the fracture was first seen: the frontal film, unless little of it shows there."""
    chance = random.Random(f"source/{file}")
    if chance.random() >= OTHER_SOURCE * (1 - shows) ** 3:
        return DiagnosedFrom.FRONTAL
    return DiagnosedFrom.LATERAL if chance.random() < LATERAL_OF_OTHER else DiagnosedFrom.CT_MRI


def _named(finding: Finding, habits: Habits, chance: random.Random) -> FractureType | None:
    kind = finding.fracture_type
    at = chance.random()
    for other, often in CONFUSED[kind] if kind else ():
        at -= often * habits.mistakes
        if at < 0:
            return other
    return kind


def _drawn(true: Rectangle, film: Size, habits: Habits, chance: random.Random) -> Rectangle:
    """A rectangle by hand: a little larger by habit, each edge off by a slip, inside the film."""
    wider, higher = true.width * (habits.margin - 1) / 2, true.height * (habits.margin - 1) / 2
    across, down = habits.slip * true.width, habits.slip * true.height
    drawn = Rectangle.from_corners(
        true.x - wider + chance.gauss(0, across),
        true.y - higher + chance.gauss(0, down),
        true.x1 + wider + chance.gauss(0, across),
        true.y1 + higher + chance.gauss(0, down),
    )
    return _on_pixels(drawn).clipped(film) or true


def _on_pixels(drawn: Rectangle) -> Rectangle:
    """Edges between pixels, as a mouse puts them; at least a pixel wide and high."""
    x, y = float(round(drawn.x)), float(round(drawn.y))
    return Rectangle(x, y, max(1.0, round(drawn.x1) - x), max(1.0, round(drawn.y1) - y))


def _false_finding(film: TrueFilm, chance: random.Random) -> Finding:
    """Something about a neck that is none: a fold, an osteophyte, the edge of the trochanter."""
    side = chance.choice(list(Side))
    (x, y), (other, _) = film.heads[side], film.heads[side.other]
    heads = abs(x - other)
    outwards = 1 if x > other else -1
    x, y = x + outwards * heads * chance.uniform(0.10, 0.25), y + heads * chance.uniform(0.05, 0.20)
    width, height = heads * ALARM_WIDTH * chance.uniform(0.7, 1.2), heads * ALARM_HEIGHT * chance.uniform(0.7, 1.2)
    box = _on_pixels(Rectangle(x - width / 2, y - height / 2, width, height)).clipped(film.size)
    assert box is not None, "a femoral head lies inside its film"
    return Finding(box, chance.choice(HARDLY_SEEN))
