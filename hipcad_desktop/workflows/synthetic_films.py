"""Films whose hips are broken by program: a whole film is taken apart once, broken as often as asked, and halved."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from hipcad_desktop.domain.anatomy import FractureType, ImageHalf
from hipcad_desktop.domain.errors import UserError
from hipcad_desktop.domain.geometry import Size
from hipcad_desktop.domain.halving import HalvingMethod, half_of, halve_by_midline, halve_by_rectangles
from hipcad_desktop.domain.radiograph import FilmId, Mapping8
from hipcad_desktop.imaging.finder import find_hips_of
from hipcad_desktop.imaging.gradients import shrunk
from hipcad_desktop.imaging.hip_cache import Heads
from hipcad_desktop.workflows.export_plan import FilmPlan, squares_about
from hipcad_desktop.workflows.load_film import picture_from

if TYPE_CHECKING:
    from hipcad_desktop.synthesis.film import BaseFilm, Synthetic

WORKING_PX = 900  # longer side of a film that is broken: a half becomes 380 px, so nothing is lost
HALF = 0.5  # of the hips are broken: one of every film
# How often each type is made: the paper's films (METHOD 1), the rare ones raised.
SHARES: Mapping[FractureType, float] = {
    FractureType.GARDEN_I: 0.10,
    FractureType.GARDEN_II: 0.10,
    FractureType.GARDEN_III: 0.16,
    FractureType.GARDEN_IV: 0.16,
    FractureType.AO_31_A1: 0.23,
    FractureType.AO_31_A2: 0.14,
    FractureType.AO_31_A3: 0.05,
    FractureType.GREATER_TROCHANTER: 0.06,
}


@dataclass(frozen=True, slots=True, eq=False)
class Base:
    """A whole film to be broken, and its files."""

    plan: FilmPlan
    paths: list[Path]


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """A whole film taken apart about its hips: in pixels of `film`, not of the file."""

    film: BaseFilm
    mapping: Mapping8
    heads: Heads


def taken_apart(base: Base) -> Parts | None:
    """The film about its hips; None where they are not found or too near to its edge."""
    from hipcad_desktop.synthesis.film import BaseFilm, HipAt

    picture = picture_from(base.paths, base.plan.film.film_id)
    small = np.asarray(shrunk(picture.eight_bit, WORKING_PX))
    found = find_hips_of(small)
    if found is None:
        return None
    left, right = (HipAt(hip.half, (hip.head_x, hip.head_y), (hip.shaft_x, hip.shaft_y), hip.heads_px) for hip in found)
    try:
        return Parts(BaseFilm.of(small, (left, right)), picture.mapping, (left.head, right.head))
    except ValueError:
        return None


def films_of(
    base: Base, parts: Parts, seed: int, *, broken_share: float = HALF, first: int = 0
) -> Iterator[tuple[FilmPlan, npt.NDArray[np.uint8]]]:
    """Synthetic films of one base without end: how they are halved, and their pixels, uint8 [H, W].

    first: how many films all bases before this one give; the share is kept by counting films, not by chance.
    """
    failures, draw, number = 0, 0, first
    while failures < 50:  # a film cut off so high that nothing can be broken in it
        draw += 1
        name = hashlib.sha256(f"{base.plan.film.film_id}/{seed}/{draw}".encode()).hexdigest()
        generator = np.random.default_rng(int(name[:16], 16))
        wanted = _wanted_types(generator, broken_share, number)
        try:
            made = parts.film.made(wanted, generator)
            plan = _halved(base.plan, FilmId(name), made, scale=parts.film.picture.shape[1] / base.plan.film.width)
        except (ValueError, UserError):
            failures += 1
            continue
        failures = 0
        number += 1
        yield _with_squares(plan, parts.heads), made.film


def _wanted_types(
    generator: np.random.Generator, broken_share: float, number: int
) -> dict[ImageHalf, FractureType | None]:
    """Which hips of a film are broken, and how: one, unless the share asks for none or both of some films."""
    half = list(ImageHalf)[int(generator.integers(2))]
    kind, other = (list(SHARES)[int(generator.choice(len(SHARES), p=list(SHARES.values())))] for _ in range(2))
    if broken_share <= HALF:
        return {half: kind if _has_turn(number, 2 * broken_share) else None, half.other: None}
    return {half: kind, half.other: other if _has_turn(number, 2 * broken_share - 1) else None}


def _has_turn(number: int, share: float) -> bool:
    """Whether this one of films numbered from 0 is among the share, spread evenly."""
    return math.floor((number + 1) * share) > math.floor(number * share)


def _halved(plan: FilmPlan, name: FilmId, made: Synthetic, *, scale: float) -> FilmPlan:
    """A film made from the plan's, halved. Raises ValueError, or UserError NOT_HALVED_*."""
    row = plan.film
    size = Size(made.film.shape[1], made.film.shape[0])
    for half, rectangle in made.rectangles.items():
        if half_of(rectangle, size) is not half:
            raise ValueError("the fracture lies beyond the film's middle")
    exact = halve_by_midline(size, (row.midline_px or 0.0) * scale, overlap_share=0.0, fracture=False)
    rectangles = list(made.rectangles.values())
    return replace(
        plan,
        film=replace(row, film_id=name, width=size.width, height=size.height),
        paper=halve_by_rectangles(size, rectangles) if rectangles else replace(exact, method=HalvingMethod.PAPER),
        midline=exact,
        types={half: made.types[half].value if half in made.types else "" for half in ImageHalf},
        rectangles=made.rectangles,
    )


def _with_squares(plan: FilmPlan, heads: Heads) -> FilmPlan:
    """The squares lie about the heads of the film as it was: where they lie must not tell which hip was broken."""
    try:
        return replace(plan, squares=squares_about(plan, heads))
    except UserError:
        return plan
