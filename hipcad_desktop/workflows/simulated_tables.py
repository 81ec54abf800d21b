"""The tables beside simulated films: all that is known of them, what a reader would say, and whose they are."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hipcad_desktop.domain.anatomy import FractureType, Side
from hipcad_desktop.domain.annotation import ExclusionReason, FilmFlag, Finding, Verdict
from hipcad_desktop.domain.geometry import Size

if TYPE_CHECKING:
    from hipcad_desktop.simulation.truth import FilmTruth
    from hipcad_desktop.simulation.wrong import WrongFilm

TRUTH_NAME = "truth.csv"
BOXES_NAME = "boxes.csv"
PATIENTS_NAME = "patients.csv"

_FILE_COLUMNS = ("file", "patient", "hospital", "kind", "film_width", "film_height", "spacing_mm", "sex", "age_years")
_FINDING_COLUMNS = ("side", "type", "x", "y", "width", "height", "visibility")
_POINT_COLUMNS = tuple(
    f"{name}_{axis}"
    for name in ("head_right", "head_left", "shaft_right", "shaft_left", "symphysis", "promontory")
    for axis in ("x", "y")
)
_CASE_COLUMNS = (
    "implant_right", "implant_left", "arthritis_right", "arthritis_left", "spine_implant", "pathologic",
    "old_pelvic_fracture", "vessels", "cassette",
)  # fmt: skip
TRUTH_COLUMNS = (
    *_FILE_COLUMNS,
    *_FINDING_COLUMNS,
    *(f"second_{name}" for name in _FINDING_COLUMNS),
    "midline_px",
    "tilt_deg",
    *_POINT_COLUMNS,
    *_CASE_COLUMNS,
    "seed",
)
BOXES_COLUMNS = ("file", "verdict", "x", "y", "width", "height", "type", "reason", "flags")
PATIENTS_COLUMNS = ("file", "patient")
KIND_PELVIS = "frontal pelvis"
_NO_BOX = ("", "", "", "")


@dataclass(frozen=True, slots=True)
class WrittenFilm:
    """One film of the folder; one of truth and wrong is given."""

    name: str
    patient: str
    size: Size
    truth: FilmTruth | None = None
    wrong: WrongFilm | None = None

    @property
    def broken(self) -> bool:
        """True where a hip was broken."""
        return self.truth is not None and self.truth.fracture_type is not None


def write_tables(folder: Path, films: Sequence[WrittenFilm]) -> None:
    """truth.csv, boxes.csv and patients.csv. Each drawn number has a column in truth.csv, after the named ones."""
    numbers = next((tuple(name for name, _ in f.truth.parameters) for f in films if f.truth), ())
    _write(folder / TRUTH_NAME, (*TRUTH_COLUMNS, *numbers), (_truth_row(f, len(numbers)) for f in films))
    _write(folder / BOXES_NAME, BOXES_COLUMNS, (row for f in films for row in _boxes_rows(f)))
    _write(folder / PATIENTS_NAME, PATIENTS_COLUMNS, ((f.name, f.patient) for f in films))


def _write(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)
        file.flush()
        os.fsync(file.fileno())


def _truth_row(film: WrittenFilm, numbers: int) -> tuple[object, ...]:
    t = film.truth
    if t is None:
        return _wrong_row(film, numbers)
    points = (
        *t.head_right_px, *t.head_left_px, *t.shaft_right_px, *t.shaft_left_px, *t.symphysis_px, *t.promontory_px,
    )  # fmt: skip
    case = t.case
    return (
        *_file_cells(film, t, KIND_PELVIS),
        *_finding_cells(t, 0),
        *_finding_cells(t, 1),
        f"{t.midline_px:.2f}",
        f"{t.tilt_deg:.3f}",
        *(f"{v:.2f}" for v in points),
        *(str(implant or "") for implant in case.implants),
        *case.wear,
        int(case.spine_implant),
        int(case.pathologic),
        int(case.old_pelvic_fracture),
        f"{case.vessels:.3g}",
        case.cassette.value,
        t.seed,
        *(value for _, value in t.parameters),
    )


def _wrong_row(film: WrittenFilm, numbers: int) -> tuple[object, ...]:
    w = film.wrong
    if w is None:
        raise ValueError("a written film has its truth or is a wrong film")
    named = len(TRUTH_COLUMNS) - len(_FILE_COLUMNS) - 1
    return (*_file_cells(film, w, w.kind.value), *[""] * named, w.seed, *[""] * numbers)


def _file_cells(film: WrittenFilm, facts: FilmTruth | WrongFilm, kind: str) -> tuple[object, ...]:
    sex = "F" if facts.female else "M"
    spacing = f"{facts.spacing_mm:.6f}"
    return (
        film.name, film.patient, facts.hospital, kind, film.size.width, film.size.height, spacing, sex, facts.age_years,
    )  # fmt: skip


def _finding_cells(truth: FilmTruth, number: int) -> tuple[object, ...]:
    if number >= len(truth.findings):
        return ("",) * len(_FINDING_COLUMNS)
    finding = truth.findings[number]
    kind = finding.fracture_type.value if finding.fracture_type else ""
    return truth.broken_sides[number].value, kind, *_box(finding), f"{truth.visibility[number]:.3f}"


def _box(finding: Finding) -> tuple[str, ...]:
    r = finding.rectangle
    return tuple(f"{v:g}" for v in (r.x, r.y, r.width, r.height))


def _boxes_rows(film: WrittenFilm) -> list[tuple[object, ...]]:
    """What a reader who errs in nothing answers."""
    t = film.truth
    if t is None:
        shown = film.wrong.kind.value if film.wrong else ""
        return [(film.name, Verdict.EXCLUDED.value, *_NO_BOX, "", f"{ExclusionReason.OTHER.value}: {shown}", "")]
    flags = ";".join(flag.value for flag in _flags(t))
    if any(t.case.implant(side) for side in t.broken_sides):
        reason = ExclusionReason.PERIPROSTHETIC.value
        return [(film.name, Verdict.EXCLUDED.value, *_NO_BOX, "", reason, flags)]
    if not t.findings:
        return [(film.name, Verdict.NO_FRACTURE.value, *_NO_BOX, "", "", flags)]
    kinds = [f.fracture_type.value if isinstance(f.fracture_type, FractureType) else "" for f in t.findings]
    return [
        (film.name, Verdict.FRACTURE.value, *_box(f), kind, "", flags)
        for f, kind in zip(t.findings, kinds, strict=True)
    ]


def _flags(truth: FilmTruth) -> list[FilmFlag]:
    case = truth.case
    known = (
        (FilmFlag.IMPLANT_OTHER_HIP, any(case.implant(s) and s not in truth.broken_sides for s in Side)),
        (FilmFlag.SPINE_IMPLANT, case.spine_implant),
        (FilmFlag.OSTEOARTHRITIS, max(case.wear) >= 3),
        (FilmFlag.PATHOLOGIC, case.pathologic),
        (FilmFlag.OLD_PELVIC_FRACTURE, case.old_pelvic_fracture),
    )
    return [flag for flag, there in known if there]
