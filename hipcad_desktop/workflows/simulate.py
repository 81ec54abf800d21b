"""Simulated films into a folder, with the tables that import, reading and training need."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from hipcad_desktop.domain.anatomy import FractureType, Side
from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.geometry import Size
from hipcad_desktop.domain.progress import Watch
from hipcad_desktop.workflows.simulated_tables import (
    BOXES_NAME,
    PATIENTS_NAME,
    TRUTH_NAME,
    WrittenFilm,
    write_tables,
)
from hipcad_desktop.workflows.write_whole import not_written

if TYPE_CHECKING:
    from hipcad_desktop.simulation.case import Shares

Hospital = Literal["A", "B", "C"]
HOSPITALS: tuple[Hospital, ...] = ("A", "B", "C")
FILMS_FOLDER = "films"
SMALLEST_SIDE_PX, LARGEST_SIDE_PX = 64, 8192
_FILM_BYTES = 2_500_000  # of a usual film, for the message about a full disk

FilmFormat = Literal["dicom", "jpeg", "hospital"]
# METHOD 1: two hospitals gave JPEG, one DICOM
_HOSPITAL_FORMAT: dict[Hospital, Literal["dicom", "jpeg"]] = {"A": "jpeg", "B": "dicom", "C": "jpeg"}


@dataclass(frozen=True, slots=True)
class Extras:
    """How often films show what, beside the fractures; None: as often as in the hospital of METHOD 1."""

    implants: float | None = None  # metal on a hip that is not broken
    fixed: float | None = None  # metal on the broken hip itself: such films are excluded in boxes.csv
    arthritis: float | None = None  # grade III or IV
    both_broken: float | None = None
    spine_implants: float | None = None
    pathologic: float | None = None
    old_pelvic: float | None = None
    other_cassettes: float | None = None  # upright or square films; only where no size is asked


NO_EXTRAS = Extras(0, 0, 0, 0, 0, 0, 0, 0)


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
    kind: str | None


def simulate(
    *,
    films: int,
    seed: int,
    to: Path,
    size: Size | None = None,
    film_format: FilmFormat = "dicom",
    hospital: Hospital | None = None,
    broken_share: float = 0.5,
    extras: Extras | None = None,
    kind: str | None = None,
    watch: Watch,
) -> SimulationSummary:
    """Write films and tables into a new folder `to`, or nothing at all.

    The same arguments give the same bytes. hospital None takes the three in turn; film_format "hospital" is that of
    each (METHOD 1). Each film is a patient of its own. kind is a value of simulation.wrong.WrongKind, or "wrong" for
    all of them in turn: then no film is a frontal pelvis and boxes.csv excludes them all.
    Raises UserError CONFIG_INVALID, TARGET_NOT_EMPTY, FOLDER_NOT_WRITABLE, DISK_FULL or CANCELLED.
    """
    extras = extras or Extras()
    _check(films=films, seed=seed, size=size, broken_share=broken_share, extras=extras)
    kinds = _kinds(kind)
    part = _prepared(to)
    watch.started(films=films, seed=seed, film_format=film_format)
    try:
        (part / FILMS_FOLDER).mkdir(parents=True)
        plans = _plans(films=films, seed=seed, hospital=hospital, broken_share=broken_share, kinds=kinds)
        written: list[WrittenFilm] = []
        for plan in plans:
            watch.check("The simulation")
            own_format = _HOSPITAL_FORMAT[plan.hospital] if film_format == "hospital" else film_format
            written.append(
                _write_film(part, plan, simulation_seed=seed, size=size, film_format=own_format, extras=extras)
            )
            watch.step("simulate", plan.number, films)
        write_tables(part, written)
        watch.check("The simulation")
        if to.exists():
            to.rmdir()  # empty: _prepared made sure
        part.rename(to)
    except OSError as error:
        raise not_written(error, to, needed=films * _FILM_BYTES) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    broken = sum(film.broken for film in written)
    return SimulationSummary(to, films, broken, to / TRUTH_NAME, to / BOXES_NAME, to / PATIENTS_NAME)


def _check(*, films: int, seed: int, size: Size | None, broken_share: float, extras: Extras) -> None:
    sides = (size.width, size.height) if size else (SMALLEST_SIDE_PX,)
    checks = (
        ("films", films, 1 <= films <= 1_000_000, "between 1 and 1000000"),
        ("seed", seed, seed >= 0, "at least 0"),
        ("broken_share", broken_share, 0 <= broken_share <= 1, "between 0 and 1"),
        *(
            (f.name, share, 0 <= share <= 1, "between 0 and 1")
            for f in fields(extras)
            if (share := getattr(extras, f.name)) is not None
        ),
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


def _kinds(kind: str | None) -> tuple[str, ...]:
    """The kinds of wrong films to make in turn; empty for frontal pelves."""
    from hipcad_desktop.simulation.wrong import WrongKind

    known = tuple(k.value for k in WrongKind)
    if kind is None:
        return ()
    if kind == "wrong":
        return known
    if kind not in known:
        detail = f"one of {', '.join((*known, 'wrong'))}"
        raise UserError(ErrorCode.CONFIG_INVALID, field="kind", value=kind, detail=detail)
    return (kind,)


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


def _plans(
    *, films: int, seed: int, hospital: Hospital | None, broken_share: float, kinds: tuple[str, ...]
) -> list[_Plan]:
    """Exactly the asked share is broken; types by the hospital's frequencies, sides evenly."""
    import numpy as np

    from hipcad_desktop.simulation.case import draw_type

    rng = np.random.Generator(np.random.PCG64([seed, films]))
    broken = rng.permutation(films) < round(films * broken_share)
    plans = []
    for i in range(films):
        own = np.random.Generator(np.random.PCG64([seed, 1, i]))
        where = hospital or HOSPITALS[i % len(HOSPITALS)]
        fracture, side = draw_type(own, where), (Side.RIGHT if own.random() < 0.5 else Side.LEFT)
        plans.append(
            _Plan(
                number=i + 1,
                seed=int(own.integers(2**62)),
                hospital=where,
                fracture=fracture if broken[i] and not kinds else None,
                side=side,
                kind=kinds[i % len(kinds)] if kinds else None,
            )
        )
    return plans


def _shares(hospital: Hospital, extras: Extras) -> Shares:
    """The hospital's shares with the asked ones in their place."""
    from hipcad_desktop.simulation.case import SHARES

    own = SHARES[hospital]
    names = {
        "implants": "implant", "fixed": "fixed", "arthritis": "arthritis", "both_broken": "both_broken",
        "spine_implants": "spine_implant", "pathologic": "pathologic", "old_pelvic": "old_pelvic",
        "other_cassettes": "other_cassette",
    }  # fmt: skip
    asked = {names[f.name]: getattr(extras, f.name) for f in fields(extras) if getattr(extras, f.name) is not None}
    return replace(own, **asked)


def _write_film(
    part: Path,
    plan: _Plan,
    *,
    simulation_seed: int,
    size: Size | None,
    film_format: Literal["dicom", "jpeg"],
    extras: Extras,
) -> WrittenFilm:
    from hipcad_desktop.simulation.anatomy import Stream, stream
    from hipcad_desktop.simulation.case import draw_case
    from hipcad_desktop.simulation.files import SUFFIX, encode_film
    from hipcad_desktop.simulation.film import SimulatedFilm, simulate_film
    from hipcad_desktop.simulation.wrong import WrongFilm, WrongKind, wrong_film

    film: SimulatedFilm | WrongFilm
    if plan.kind is not None:
        film = wrong_film(WrongKind(plan.kind), seed=plan.seed, hospital=plan.hospital, size=size)
    else:
        case = draw_case(
            stream(plan.seed, Stream.CASE).spawn(1)[0],
            hospital=plan.hospital,
            fracture=plan.fracture,
            side=plan.side,
            shares=_shares(plan.hospital, extras),
        )
        film = simulate_film(
            seed=plan.seed, size=size, hospital=plan.hospital, fracture=plan.fracture, side=plan.side, case=case
        )
    patient = f"SIM-{simulation_seed}-{plan.number:04d}"
    name = f"sim{simulation_seed}_{plan.hospital}_{plan.number:04d}{SUFFIX[film_format]}"
    data = encode_film(film, film_format=film_format, patient=patient)
    (part / FILMS_FOLDER / name).write_bytes(data)
    height, width = film.values.shape
    if isinstance(film, WrongFilm):
        return WrittenFilm(name, patient, Size(width, height), wrong=film)
    return WrittenFilm(name, patient, Size(width, height), truth=film.truth)
