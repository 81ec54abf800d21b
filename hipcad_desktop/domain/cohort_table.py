"""The cohort as the paper's tables describe it (METHOD 1): counts by hospital, values first, pages second.

A row counts films, or patients where it says so. What is missing is told as such, never taken for a "no".
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from hipcad_desktop.domain.anatomy import FractureType
from hipcad_desktop.domain.annotation import DiagnosedFrom, FilmFlag

NO_HOSPITAL = "(no hospital given)"
TYPE_ROWS: tuple[tuple[str, tuple[FractureType, ...]], ...] = (
    ("Garden I/II", (FractureType.GARDEN_I, FractureType.GARDEN_II)),
    ("Garden III/IV", (FractureType.GARDEN_III, FractureType.GARDEN_IV)),
    ("AO 31-A1", (FractureType.AO_31_A1,)),
    ("AO 31-A2", (FractureType.AO_31_A2,)),
    ("AO 31-A3", (FractureType.AO_31_A3,)),
    ("greater trochanter", (FractureType.GREATER_TROCHANTER,)),
)
SEXES: tuple[tuple[str, str | None], ...] = (("male", "M"), ("female", "F"), ("other", "O"), ("sex not known", None))


@dataclass(frozen=True, slots=True)
class CohortFilm:
    """One film of the cohort, without anything that names a person. patient is the project's code."""

    hospital: str
    patient: str
    kind: str
    width: int
    height: int
    sex: str | None  # M, F, O
    age_years: int | None
    fracture: bool
    types: frozenset[FractureType] = frozenset()
    diagnosed_from: DiagnosedFrom | None = None
    flags: frozenset[FilmFlag] = frozenset()


@dataclass(frozen=True, slots=True)
class CohortRow:
    """A line of the table: its group, its label, what is counted, and a value for each hospital and for all."""

    group: str
    label: str
    unit: str  # "films", "patients" or "years"
    values: tuple[int | float | None, ...]
    total: int | float | None


@dataclass(frozen=True, slots=True)
class CohortTest:
    """Whether the hospitals differ in a group. p_value None: reason says why there is none."""

    group: str
    name: str  # "Fisher's exact", "Mann-Whitney U", "Kruskal-Wallis"
    method: str  # "exact", "Monte Carlo, 9999 tables", "asymptotic"
    n: int
    p_value: float | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class CohortTable:
    """The tables' values. sizes: hospital -> "JPEG 4892 x 4020" -> films."""

    hospitals: tuple[str, ...]
    rows: tuple[CohortRow, ...]
    tests: tuple[CohortTest, ...]
    sizes: Mapping[str, Mapping[str, int]]
    notice: str

    def to_json(self) -> dict[str, Any]:
        """A JSON object."""
        return asdict(self)

    def test_of(self, group: str) -> CohortTest | None:
        """The test of a group of rows, where there is one."""
        return next((t for t in self.tests if t.group == group), None)


def hospitals_of(films: Sequence[CohortFilm]) -> tuple[str, ...]:
    """The hospitals in the order of their names; films without one come last."""
    return tuple(sorted({f.hospital or NO_HOSPITAL for f in films}, key=lambda h: (h == NO_HOSPITAL, h)))


def count_rows(films: Sequence[CohortFilm]) -> tuple[CohortRow, ...]:
    """Every row of the tables but the tests."""
    hospitals = hospitals_of(films)
    of_hospital = [[f for f in films if (f.hospital or NO_HOSPITAL) == h] for h in hospitals]

    def row(
        group: str, label: str, unit: str, value: Callable[[Sequence[CohortFilm]], int | float | None]
    ) -> CohortRow:
        return CohortRow(group, label, unit, tuple(value(own) for own in of_hospital), value(films))

    def films_with(group: str, label: str, holds: Callable[[CohortFilm], bool]) -> CohortRow:
        return row(group, label, "films", lambda own: sum(map(holds, own)))

    rows = [
        row("cohort", "films", "films", len),
        row("cohort", "patients", "patients", lambda own: len({f.patient for f in own})),
        films_with("fracture", "with fracture", lambda f: f.fracture),
        films_with("fracture", "without fracture", lambda f: not f.fracture),
    ]
    for label, kinds in TYPE_ROWS:
        rows.append(films_with("type", label, lambda f, kinds=kinds: bool(f.types & set(kinds))))  # type: ignore[misc]
    rows.append(films_with("type", "fracture without a type", lambda f: f.fracture and not f.types))
    for source in DiagnosedFrom:
        rows.append(films_with("diagnosed from", source.value, lambda f, s=source: f.diagnosed_from is s))  # type: ignore[misc]
    for label, sex in SEXES:
        rows.append(row("sex", label, "patients", lambda own, sex=sex: _of_sex(own, sex)))  # type: ignore[misc]
    rows.append(row("age", "mean age", "years", lambda own: _rounded(statistics.fmean, ages(own))))
    rows.append(row("age", "median age", "years", lambda own: _rounded(statistics.median, ages(own))))
    rows.append(row("age", "age not known", "patients", lambda own: _patients(own) - len(ages(own))))
    for flag in FilmFlag:
        rows.append(films_with(flag.value, flag.value, lambda f, flag=flag: flag in f.flags))  # type: ignore[misc]
    return tuple(r for r in rows if r.total or r.label != "other")


def sizes_of(films: Sequence[CohortFilm]) -> dict[str, dict[str, int]]:
    """Per hospital how many films have which format and size, the most frequent first."""
    found: dict[str, dict[str, int]] = {h: {} for h in hospitals_of(films)}
    for film in films:
        own = found[film.hospital or NO_HOSPITAL]
        name = f"{film.kind} {film.width} x {film.height}"
        own[name] = own.get(name, 0) + 1
    return {h: dict(sorted(own.items(), key=lambda item: (-item[1], item[0]))) for h, own in found.items()}


def ages(films: Sequence[CohortFilm]) -> list[int]:
    """One age a patient, the one at the first film that tells it."""
    found: dict[str, int] = {}
    for film in films:
        if film.age_years is not None:
            found.setdefault(film.patient, film.age_years)
    return list(found.values())


def sexes(films: Sequence[CohortFilm]) -> dict[str, str | None]:
    """One sex a patient, the first that a film tells; None where none does."""
    found: dict[str, str | None] = {}
    for film in films:
        if found.get(film.patient) is None:
            found[film.patient] = film.sex
    return found


def _of_sex(films: Sequence[CohortFilm], sex: str | None) -> int:
    return sum(s == sex for s in sexes(films).values())


def _patients(films: Sequence[CohortFilm]) -> int:
    return len({f.patient for f in films})


def _rounded(mean: Callable[[Sequence[int]], float], values: Sequence[int]) -> float | None:
    return round(float(mean(values)), 1) if values else None
