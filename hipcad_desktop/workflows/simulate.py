"""Simulated films into a folder, with the tables that import, reading and training need."""

from __future__ import annotations

import csv
import os
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from hipcad_desktop.domain.anatomy import FractureType, Side
from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.geometry import Size
from hipcad_desktop.domain.progress import Watch
from hipcad_desktop.workflows.write_whole import not_written

if TYPE_CHECKING:
    import numpy as np

    from hipcad_desktop.simulation.film import FilmTruth

Hospital = Literal["A", "B", "C"]
HOSPITALS: tuple[Hospital, ...] = ("A", "B", "C")
FILMS_FOLDER = "films"
TRUTH_NAME = "truth.csv"
BOXES_NAME = "boxes.csv"
PATIENTS_NAME = "patients.csv"
SMALLEST_SIDE_PX, LARGEST_SIDE_PX = 64, 8192
_FILM_BYTES = 2_500_000  # of a usual film, for the message about a full disk

TRUTH_COLUMNS = (
    "file", "patient", "hospital", "side", "type", "x", "y", "width", "height", "midline_px", "tilt_deg",
    "head_right_x", "head_right_y", "head_left_x", "head_left_y", "symphysis_x", "symphysis_y",
    "promontory_x", "promontory_y", "film_width", "film_height", "spacing_mm", "sex", "age_years", "seed",
)  # fmt: skip
BOXES_COLUMNS = ("file", "verdict", "x", "y", "width", "height", "type")
PATIENTS_COLUMNS = ("file", "patient")

# How often each type occurred in the paper's three hospitals (METHOD 1); pairs of Garden types halved
_OCCURRENCE: dict[FractureType, float] = {
    FractureType.GARDEN_I: 994 / 2,
    FractureType.GARDEN_II: 994 / 2,
    FractureType.GARDEN_III: 1671 / 2,
    FractureType.GARDEN_IV: 1671 / 2,
    FractureType.AO_31_A1: 1381,
    FractureType.AO_31_A2: 760,
    FractureType.AO_31_A3: 178,
    FractureType.GREATER_TROCHANTER: 258,
}


@dataclass(frozen=True, slots=True)
class SimulationSummary:
    """What lies where: a folder of films and its three tables."""

    folder: Path
    films: int
    broken: int
    truth: Path
    boxes: Path
    patients: Path


@dataclass(frozen=True, slots=True)
class _Plan:
    """One film to be made."""

    number: int
    seed: int
    hospital: Hospital
    fracture: FractureType | None
    side: Side


def simulate(
    *,
    films: int,
    seed: int,
    to: Path,
    size: Size | None = None,
    film_format: Literal["dicom", "jpeg"] = "dicom",
    hospital: Hospital | None = None,
    broken_share: float = 0.5,
    watch: Watch,
) -> SimulationSummary:
    """Write films and tables into a new folder `to`, or nothing at all.

    The same arguments give the same bytes. hospital None takes the three in turn. Each film is a patient of its own.
    Raises UserError CONFIG_INVALID, TARGET_NOT_EMPTY, FOLDER_NOT_WRITABLE, DISK_FULL or CANCELLED.
    """
    _check(films=films, seed=seed, size=size, broken_share=broken_share)
    part = _prepared(to)
    watch.started(films=films, seed=seed, film_format=film_format)
    try:
        (part / FILMS_FOLDER).mkdir(parents=True)
        plans = _plans(films=films, seed=seed, hospital=hospital, broken_share=broken_share)
        truths = []
        for plan in plans:
            watch.check("The simulation")
            truths.append(_write_film(part, plan, simulation_seed=seed, size=size, film_format=film_format))
            watch.step("simulate", plan.number, films)
        _write_tables(part, truths)
        watch.check("The simulation")
        if to.exists():
            to.rmdir()  # empty: _prepared made sure
        part.rename(to)
    except OSError as error:
        raise not_written(error, to, needed=films * _FILM_BYTES) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    broken = sum(plan.fracture is not None for plan in plans)
    return SimulationSummary(to, films, broken, to / TRUTH_NAME, to / BOXES_NAME, to / PATIENTS_NAME)


def _check(*, films: int, seed: int, size: Size | None, broken_share: float) -> None:
    sides = (size.width, size.height) if size else (SMALLEST_SIDE_PX,)
    checks = (
        ("films", films, 1 <= films <= 1_000_000, "between 1 and 1000000"),
        ("seed", seed, seed >= 0, "at least 0"),
        ("broken_share", broken_share, 0 <= broken_share <= 1, "between 0 and 1"),
        (
            "size",
            f"{size.width}x{size.height}" if size else "",
            all(SMALLEST_SIDE_PX <= s <= LARGEST_SIDE_PX for s in sides),
            f"between {SMALLEST_SIDE_PX} and {LARGEST_SIDE_PX} pixels each way",
        ),
    )
    for field, value, ok, detail in checks:
        if not ok:
            raise UserError(ErrorCode.CONFIG_INVALID, field=field, value=str(value), detail=detail)


def _prepared(to: Path) -> Path:
    """The folder to build in. What an ended run left of it is removed; anything else is never touched."""
    part = to.with_name(to.name + ".part")
    try:
        if to.exists() and (not to.is_dir() or any(to.iterdir())):
            raise UserError(ErrorCode.TARGET_NOT_EMPTY, path=str(to))
        if part.exists():
            ours = {FILMS_FOLDER, TRUTH_NAME, BOXES_NAME, PATIENTS_NAME}
            if not part.is_dir() or {p.name for p in part.iterdir()} - ours:
                raise UserError(ErrorCode.TARGET_NOT_EMPTY, path=str(part))
            shutil.rmtree(part)
    except OSError as error:
        raise not_written(error, to, needed=_FILM_BYTES) from error
    return part


def _plans(*, films: int, seed: int, hospital: Hospital | None, broken_share: float) -> list[_Plan]:
    """Exactly the asked share is broken; types by the paper's frequencies, sides evenly."""
    import numpy as np

    rng = np.random.Generator(np.random.PCG64([seed, films]))
    broken = rng.permutation(films) < round(films * broken_share)
    plans = []
    for i in range(films):
        own = np.random.Generator(np.random.PCG64([seed, 1, i]))
        kind, side = _draw_type(own), (Side.RIGHT if own.random() < 0.5 else Side.LEFT)
        plans.append(
            _Plan(
                number=i + 1,
                seed=int(own.integers(2**62)),
                hospital=hospital or HOSPITALS[i % len(HOSPITALS)],
                fracture=kind if broken[i] else None,
                side=side,
            )
        )
    return plans


def _draw_type(rng: np.random.Generator) -> FractureType:
    at = rng.random() * sum(_OCCURRENCE.values())
    for kind, weight in _OCCURRENCE.items():
        at -= weight
        if at < 0:
            return kind
    return FractureType.GREATER_TROCHANTER


def _write_film(
    part: Path, plan: _Plan, *, simulation_seed: int, size: Size | None, film_format: Literal["dicom", "jpeg"]
) -> tuple[str, str, Size, FilmTruth]:
    from hipcad_desktop.simulation.files import SUFFIX, encode_film
    from hipcad_desktop.simulation.film import simulate_film

    film = simulate_film(seed=plan.seed, size=size, hospital=plan.hospital, fracture=plan.fracture, side=plan.side)
    patient = f"SIM-{simulation_seed}-{plan.number:04d}"
    name = f"sim{simulation_seed}_{plan.hospital}_{plan.number:04d}{SUFFIX[film_format]}"
    data = encode_film(film, film_format=film_format, patient=patient)
    (part / FILMS_FOLDER / name).write_bytes(data)
    height, width = film.values.shape
    return name, patient, Size(width, height), film.truth


def _write_tables(part: Path, films: Sequence[tuple[str, str, Size, FilmTruth]]) -> None:
    _write_csv(part / TRUTH_NAME, TRUTH_COLUMNS, (_truth_row(*film) for film in films))
    _write_csv(part / BOXES_NAME, BOXES_COLUMNS, (_boxes_row(name, truth) for name, _, _, truth in films))
    _write_csv(part / PATIENTS_NAME, PATIENTS_COLUMNS, ((name, patient) for name, patient, _, _ in films))


def _write_csv(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)
        file.flush()
        os.fsync(file.fileno())


def _rectangle(truth: FilmTruth) -> tuple[object, ...]:
    if not truth.findings:
        return ("", "", "", "")
    r = truth.findings[0].rectangle
    return tuple(f"{v:g}" for v in (r.x, r.y, r.width, r.height))


def _truth_row(name: str, patient: str, size: Size, truth: FilmTruth) -> tuple[object, ...]:
    points = (*truth.head_right_px, *truth.head_left_px, *truth.symphysis_px, *truth.promontory_px)
    return (
        name,
        patient,
        truth.hospital,
        truth.side.value if truth.side else "",
        truth.fracture_type.value if truth.fracture_type else "",
        *_rectangle(truth),
        f"{truth.midline_px:.2f}",
        f"{truth.tilt_deg:.3f}",
        *(f"{v:.2f}" for v in points),
        size.width,
        size.height,
        f"{truth.spacing_mm:.6f}",
        "F" if truth.female else "M",
        truth.age_years,
        truth.seed,
    )


def _boxes_row(name: str, truth: FilmTruth) -> tuple[object, ...]:
    verdict = "fracture" if truth.findings else "no_fracture"
    kind = truth.fracture_type.value if truth.findings and truth.fracture_type else ""
    return (name, verdict, *_rectangle(truth), kind)
