"""What is known of a simulated film: landmarks, fractures with their rectangles and visibility, every parameter."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, fields

import numpy as np

from hipcad_desktop.domain.anatomy import FractureType, Side
from hipcad_desktop.domain.annotation import Finding
from hipcad_desktop.domain.geometry import Rectangle, Size
from hipcad_desktop.simulation.anatomy import Anatomy, Pose, Stream, stream
from hipcad_desktop.simulation.case import Case
from hipcad_desktop.simulation.exposure import BONE_PER_MM, Exposure, Hospital
from hipcad_desktop.simulation.raster import Picture, blurred
from hipcad_desktop.simulation.skeleton import Break, Shadow

XY = tuple[float, float]
CLUTTER = 0.09  # of attenuation, root mean square


@dataclass(frozen=True, slots=True)
class FilmTruth:
    """What is known of a simulated film. Positions in pixels of the film, (x, y)."""

    seed: int
    hospital: Hospital
    findings: tuple[Finding, ...]  # the asked fracture, then that of the other hip
    broken_sides: tuple[Side, ...]  # of the findings
    visibility: tuple[float, ...]  # of the findings, see `visibility`
    side: Side | None  # of the asked fracture
    fracture_type: FractureType | None
    midline_px: float  # between the femoral heads
    tilt_deg: float  # of the line through the heads, positive with the picture's right end lower
    head_right_px: XY  # the patient's right
    head_left_px: XY
    shaft_right_px: XY  # on the shaft's axis, about 95 mm below the head or at the film's lower edge
    shaft_left_px: XY
    symphysis_px: XY  # its upper edge
    promontory_px: XY
    spacing_mm: float
    female: bool
    age_years: int
    case: Case
    parameters: tuple[tuple[str, str], ...]  # every number that was drawn, by name


def visibility(one: Break, metal_mm: Picture, *, pitch_mm: float) -> float:
    """How well a fracture shows, 0 .. 1, from the change that it made to the film.

    s^2 / (s^2 + c^2): s the root mean square, over the broken surfaces' box, of the change of attenuation after what is
    wider than 12 mm is taken away; c = CLUTTER is what bowel, folds and spongy bone change by anyway. Behind metal
    nothing is seen.
    """
    x0, y0, x1, y1 = one.extent
    height, width = one.change.shape
    rows = slice(max(0, int(y0)), min(height, max(int(y1) + 1, int(y0) + 2)))
    columns = slice(max(0, int(x0)), min(width, max(int(x1) + 1, int(x0) + 2)))
    change = one.change * np.float32(BONE_PER_MM) * (metal_mm < 0.1)
    fine = (change - blurred(change, sigma_px=12 / pitch_mm))[rows, columns]
    square = float(np.mean(fine**2)) if fine.size else 0.0
    return square / (square + CLUTTER**2)


@dataclass(frozen=True, slots=True)
class Origin:
    """What a film was made from."""

    seed: int
    size: Size
    hospital: Hospital
    spacing_mm: float
    anatomy: Anatomy
    pose: Pose
    case: Case
    exposure: Exposure


def film_truth(o: Origin, shadow: Shadow, seen: tuple[float, ...], factors: XY) -> FilmTruth:
    """The truth of a film; factors are film pixels per raster pixel in x and y, seen the breaks' visibility."""

    def film(at: XY) -> XY:
        return at[0] * factors[0], at[1] * factors[1]

    right, left = film(shadow.heads[Side.RIGHT]), film(shadow.heads[Side.LEFT])
    boxes = [(b, v, _rectangle(o, b, factors)) for b, v in zip(shadow.breaks, seen, strict=True)]
    known = [(b, v, box) for b, v, box in boxes if box is not None]
    first = shadow.breaks[0] if shadow.breaks else None
    return FilmTruth(
        seed=o.seed,
        hospital=o.hospital,
        findings=tuple(Finding(box, b.fracture_type) for b, _, box in known),
        broken_sides=tuple(b.side for b, _, _ in known),
        visibility=tuple(v for _, v, _ in known),
        side=first.side if first else None,
        fracture_type=first.fracture_type if first else None,
        midline_px=(right[0] + left[0]) / 2,
        tilt_deg=math.degrees(math.atan2(left[1] - right[1], left[0] - right[0])),
        head_right_px=right,
        head_left_px=left,
        shaft_right_px=film(shadow.shafts[Side.RIGHT]),
        shaft_left_px=film(shadow.shafts[Side.LEFT]),
        symphysis_px=film(shadow.symphysis),
        promontory_px=film(shadow.promontory),
        spacing_mm=o.spacing_mm,
        female=o.anatomy.female,
        age_years=o.anatomy.age_years,
        case=o.case,
        parameters=tuple(_parameters(o)),
    )


def _rectangle(o: Origin, one: Break, factors: XY) -> Rectangle | None:
    """The rectangle a reader would draw: round the broken surfaces, with a margin of 5 to 10 mm on each side."""
    number = 0 if one.side is Side.RIGHT else 1
    margins = stream(o.seed, Stream.FRACTURE).spawn(4)[2 + number].uniform(5, 10, 4) / o.spacing_mm
    x0, y0, x1, y1 = one.extent
    return Rectangle.from_corners(
        math.floor(x0 * factors[0] - margins[0]),
        math.floor(y0 * factors[1] - margins[1]),
        math.ceil(x1 * factors[0] + margins[2]),
        math.ceil(y1 * factors[1] + margins[3]),
    ).clipped(o.size)


def _parameters(o: Origin) -> Iterator[tuple[str, str]]:
    for group, values in (("anatomy", o.anatomy), ("pose", o.pose), ("exposure", o.exposure)):
        for item in fields(values):
            value = getattr(values, item.name)
            if isinstance(value, tuple):
                yield from ((f"{group}_{item.name}_{i}", f"{v:.5g}") for i, v in zip(("1", "2"), value, strict=True))
            elif isinstance(value, (bool, int)):
                yield f"{group}_{item.name}", str(int(value))
            elif isinstance(value, float):
                yield f"{group}_{item.name}", f"{value:.5g}"
