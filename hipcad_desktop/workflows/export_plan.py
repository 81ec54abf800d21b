"""What an export will hold: which films, halved where, in which partition, before any pixel is read.

Only the squares about the hips wait for the pixels: the femoral heads have to be found in them.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce

from hipcad_desktop.domain.anatomy import ImageHalf, Side, SideMap, SideSource
from hipcad_desktop.domain.annotation import Answer, FilmFlag, Reading, Verdict
from hipcad_desktop.domain.cohort import Partition, PartitionRule, PatientGroup, assign_partitions, groups
from hipcad_desktop.domain.consensus import consensus, standing
from hipcad_desktop.domain.dataset import NotExported
from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.geometry import Rectangle
from hipcad_desktop.domain.halving import (
    LARGEST_OVERLAP_SHARE,
    Halving,
    HalvingMethod,
    HipWindow,
    half_of,
    halve_by_hips,
    halve_by_midline,
    halve_by_rectangles,
    refuse_outside_squares,
)
from hipcad_desktop.domain.radiograph import FilmId
from hipcad_desktop.store.films import FilmRow

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class FilmPlan:
    """One film of the dataset: its halvings, whose sides lie where, and what its readers say."""

    film: FilmRow
    paper: Halving
    midline: Halving
    sides: SideMap
    types: Mapping[ImageHalf, str]
    group: str  # the patients who share a film count as one
    rectangles: Mapping[ImageHalf, Rectangle]  # of a half's findings together; a half without any is not in it
    flags: tuple[str, ...]  # what else a reader saw on the film
    sex: str = ""  # M, F, O; "" where no film of the patient tells it
    scanner: str = ""
    squares: Halving | None = None  # about the hips, once they were looked for and both found

    @property
    def fracture(self) -> bool:
        """Whether a hip of this film is broken."""
        return bool(self.paper.left.fracture or self.paper.right.fracture)


@dataclass(frozen=True, slots=True)
class ExportPlan:
    """Films in order of their ids, their groups and these groups' partitions, and the films left out."""

    films: tuple[FilmPlan, ...]
    population: Mapping[str, PatientGroup]
    partitions: Mapping[str, Partition]
    overlap_share: float  # of diagnosis
    left_out: tuple[NotExported, ...]
    linked_patients: tuple[tuple[str, ...], ...]  # of the groups of several patients


def plan_export(
    films: Sequence[FilmRow],
    readings: Mapping[FilmId, Sequence[Reading]],
    unusable: Mapping[FilmId, UserError],
    *,
    seed: int,
    rule: PartitionRule,
    scanners: Mapping[FilmId, str],
) -> ExportPlan:
    """Decide everything but the pixels. unusable: films whose file is gone or changed. Their order is no matter.

    Raises UserError PARTITION_IMPOSSIBLE.
    """
    ordered = sorted(films, key=lambda f: f.film_id)
    group = _groups(ordered)
    sexes: dict[str, str] = {}
    for film in ordered:
        sexes.setdefault(film.patient, film.cohort.sex or "")
        sexes[film.patient] = sexes[film.patient] or film.cohort.sex or ""
    plans: list[FilmPlan] = []
    left_out: list[NotExported] = []
    for film in ordered:
        try:
            plan = replace(
                _plan(film, readings.get(film.film_id, ()), group[film.film_id]),
                sex=film.cohort.sex or sexes[film.patient],
                scanner=scanners.get(film.film_id, ""),
            )
            if film.film_id in unusable:
                raise unusable[film.film_id]
            plans.append(plan)
        except UserError as error:
            left_out.append(not_exported(film, error))
    population = _population(plans, ordered, group)
    partitions = assign_partitions(population, rule=rule, seed=seed)
    overlap = overlap_share([p for p in plans if partitions[p.group] is Partition.TRAINING])
    final = tuple(replace(p, midline=with_overlap(p, overlap)) for p in plans)
    return ExportPlan(final, population, partitions, overlap, tuple(left_out), _linked(ordered, group))


def overlap_share(training: Sequence[FilmPlan]) -> float:
    """d of METHOD 3.4: the median window of the broken training films minus a half; 0 where there are none."""
    widths = [p.paper.left.window.width / p.film.width for p in training if p.fracture]
    return min(max(statistics.median(widths) - 0.5, 0.0), LARGEST_OVERLAP_SHARE) if widths else 0.0


def film_code(film: FilmRow) -> str:
    """The name of a film outside the project: the first 12 digits of its id."""
    return film.film_id[:12]


def not_exported(film: FilmRow, error: UserError) -> NotExported:
    """A film and why it is left out."""
    return NotExported(film_code(film), film.file_name, error.code.value, error.facts)


def _plan(film: FilmRow, readings: Sequence[Reading], group: str) -> FilmPlan:
    """One film's halvings. Raises the UserError that says why it is left out."""
    answer = _agreed(readings)
    rectangles = [f.rectangle for f in answer.findings]
    if film.midline_px is None:
        raise UserError(ErrorCode.NOT_HALVED_NO_MIDLINE, detail="no midline was found")
    # the overlap is not known yet and only widens the windows: what can be halved exactly can be halved with it
    exact = halve_by_midline(film.size, film.midline_px, overlap_share=0.0, fracture=False)
    if rectangles:
        paper = halve_by_rectangles(film.size, rectangles)
        for rectangle in rectangles:
            of_pelvis = ImageHalf.LEFT if rectangle.centre_x < film.midline_px else ImageHalf.RIGHT
            if half_of(rectangle, film.size) is not of_pelvis:
                raise UserError(ErrorCode.NOT_HALVED_SIDE_UNCLEAR)
    else:
        paper = replace(exact, method=HalvingMethod.PAPER)
    types = {half: _types(readings, film, half) for half in ImageHalf}
    drawn = {half: [r for r in rectangles if half_of(r, film.size) is half] for half in ImageHalf}
    together = {half: reduce(Rectangle.union, own) for half, own in drawn.items() if own}
    flags = tuple(flag.value for flag in FilmFlag if flag in answer.flags)
    return FilmPlan(film, paper, exact, _sides(film, answer), types, group, together, flags)


def _agreed(readings: Sequence[Reading]) -> Answer:
    agreed = consensus(readings)
    if agreed.answer is None:
        raise UserError(ErrorCode.NOT_EXPORTED_DISAGREE if agreed.disagree else ErrorCode.NOT_EXPORTED_UNREAD)
    if agreed.answer.verdict is Verdict.UNSURE:
        raise UserError(ErrorCode.NOT_EXPORTED_UNSURE)
    if agreed.answer.exclusion is not None:
        raise UserError(ErrorCode.NOT_EXPORTED_EXCLUDED, reason=agreed.answer.exclusion.value)
    return agreed.answer


def _sides(film: FilmRow, answer: Answer) -> SideMap:
    """The reader's word on the sides goes before the header's, and that before the assumption."""
    if answer.mirrored is None:
        return film.side_map
    return SideMap(Side.LEFT if answer.mirrored else Side.RIGHT, SideSource.READER)


def _types(readings: Sequence[Reading], film: FilmRow, half: ImageHalf) -> str:
    """The types of one hip where every reader gives the same ones, else nothing."""
    said = {
        tuple(
            sorted(
                {
                    f.fracture_type.value
                    for f in reading.answer.findings
                    if f.fracture_type is not None and half_of(f.rectangle, film.size) is half
                }
            )
        )
        for reading in standing(readings)
        if reading.answer is not None
    }
    return "; ".join(said.pop()) if len(said) == 1 else ""


def with_overlap(plan: FilmPlan, overlap: float) -> Halving:
    """The midline's windows as diagnosis will have them, told which hip is broken by the rectangles."""
    return _told(halve_by_midline(plan.film.size, plan.midline.line_px, overlap_share=overlap), plan)


def squares_about(plan: FilmPlan, heads: tuple[Point, Point] | None) -> Halving:
    """The squares about the hips, told which is broken; heads (x, y) in film pixels, on the picture's left and right.

    Raises UserError NOT_HALVED_NO_HIPS, NOT_HALVED_HIP_CUT_OFF, NOT_HALVED_OUTSIDE_SQUARE.
    """
    if heads is None:
        raise UserError(ErrorCode.NOT_HALVED_NO_HIPS)
    halving = halve_by_hips(plan.film.size, *heads)
    refuse_outside_squares(halving, plan.rectangles)
    return _told(halving, plan)


def _told(halving: Halving, plan: FilmPlan) -> Halving:
    def told(hip: HipWindow) -> HipWindow:
        return replace(hip, fracture=plan.paper.of(hip.half).fracture)

    return replace(halving, left=told(halving.left), right=told(halving.right))


def _groups(films: Sequence[FilmRow]) -> dict[FilmId, str]:
    """The group of every film: patients who share a film's pixels are one, named by the first of their codes."""
    links = [(("patient", str(f.patient)), ("pixels", f.pixel_hash)) for f in films]
    root = groups(links)
    named: dict[object, str] = {}
    for film in films:
        own = root["patient", str(film.patient)]
        named[own] = min(named.get(own, str(film.patient)), str(film.patient))
    return {f.film_id: named[root["patient", str(f.patient)]] for f in films}


def _population(
    plans: Sequence[FilmPlan], films: Sequence[FilmRow], group: Mapping[FilmId, str]
) -> dict[str, PatientGroup]:
    """The groups that have a film in the plan. Where they were seen, their other films tell too."""
    own: dict[str, list[FilmPlan]] = {}
    for plan in plans:
        own.setdefault(plan.group, []).append(plan)
    seen: dict[str, set[str]] = {}
    for film in films:
        seen.setdefault(group[film.film_id], set()).add(film.cohort.hospital)
    return {
        name: PatientGroup(
            fracture=any(p.fracture for p in held),
            films=len(held),
            hospitals=frozenset(seen[name]),
            patients=len({p.film.patient for p in held}),
        )
        for name, held in own.items()
    }


def _linked(films: Sequence[FilmRow], group: Mapping[FilmId, str]) -> tuple[tuple[str, ...], ...]:
    patients: dict[str, set[str]] = {}
    for film in films:
        patients.setdefault(group[film.film_id], set()).add(film.patient)
    return tuple(sorted(tuple(sorted(codes)) for codes in patients.values() if len(codes) > 1))
