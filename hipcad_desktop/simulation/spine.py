"""Sacrum, coccyx and the lower lumbar vertebrae, in the pelvis' frame."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from hipcad_desktop.simulation.anatomy import Anatomy
from hipcad_desktop.simulation.beam import Points, rotation
from hipcad_desktop.simulation.pelvis import chain, point
from hipcad_desktop.simulation.sheet import Sheet, ridge
from hipcad_desktop.simulation.solid import Barrel, Cone, Solid

# Middle of each sacral vertebra (y, z), half width of its body, reach of its lateral part, in mm
_SACRUM = ((-34, 90, 24, 63), (-52, 68, 20, 56), (-65, 47, 16, 42), (-68, 29, 12.5, 27), (-64, 13, 9.5, 16))


def sacrum(a: Anatomy, rng: np.random.Generator) -> Solid:
    """Fused bodies, lateral parts and coccyx, with the four pairs of foramina left open."""
    parts: list[Cone | Barrel] = []
    holes: list[Cone] = []
    rows = [(y + rng.normal(0, 1.5), z + rng.normal(0, 1.5), w, reach) for y, z, w, reach in _SACRUM]
    for y, z, w, _ in rows:
        parts.append(Cone(point(-w + 8, y, z), point(w - 8, y, z), 11 * w / 20, 11 * w / 20, 8))
    for (y, z, w, _), (y2, z2, w2, _) in pairwise(rows):
        for side in (-0.55, 0, 0.55):
            parts.append(Cone(point(side * (w - 6), y, z), point(side * (w2 - 6), y2, z2), 0.5 * w, 0.5 * w2, 8))
    for side in (-1, 1):
        wings = [point(side * (reach - 6), y - 5, z + (-5, 0, 3, 3, 3)[i]) for i, (y, z, _, reach) in enumerate(rows)]
        parts += chain(wings, [9, 9, 7.5, 6, 4], blend_mm=6)
        for (y, z, w, _), end in zip(rows, wings, strict=True):
            parts.append(Cone(point(side * w * 0.5, y, z), end, 7.5 * w / 20 + 1, 7.5 * w / 20, 4))
        for (y, z, w, reach), (y2, z2, w2, reach2) in pairwise(rows):
            between = Cone(
                point(side * 0.8 * reach, y - 4, z - 4), point(side * 0.78 * reach2, y2 - 3, z2 + 4), 8, 7, 6
            )
            parts.append(between)
            x, yy, zz = side * (0.5 * (w + w2) + 1.5), (y + y2) / 2, (z + z2) / 2
            holes.append(Cone(point(x, yy + 1, zz + 2), point(x * 1.1, yy + 20, zz + 1), 4.0, 5.0, 0))
    y, z = rows[-1][0], rows[-1][1]
    bend = rng.normal(0, 3)
    parts += chain(
        [point(0, y, z), point(bend / 2, y + 6, z - 14), point(bend, y + 18, z - 27)], [6, 4.5, 3], blend_mm=3
    )
    parts += chain([point(0, rows[0][0] - 26, 88), point(0, rows[2][0] - 16, 50)], [2.4, 2.0])
    return Solid(tuple(parts), tuple(holes))


def lumbar(a: Anatomy, rng: np.random.Generator, *, levels: int = 4) -> tuple[Solid, ...]:
    """L5 upwards until the film's border, each a little above the last."""
    at = point(rng.normal(0, 1), -22, 114)
    width = rng.uniform(23, 27)
    lean = a.scoliosis_deg
    vertebrae = []
    for level in range(levels):
        vertebrae.append(_vertebra(at, width - 0.8 * level, rng))
        height = 34 + level
        shift = rotation((0, 1, 0), lean * (0.3 + 0.35 * min(level, 3)))
        at = at + (shift * point(0, (6, 3, 0, -2)[min(level, 3)], height)).sum(axis=1)
    return tuple(vertebrae)


def body_middles(vertebrae: tuple[Solid, ...]) -> list[Points]:
    """The middle of each vertebral body, from L5 upwards."""
    return [v.parts[0].centre for v in vertebrae if isinstance(v.parts[0], Barrel)]


def _vertebra(at: Points, width: float, rng: np.random.Generator) -> Solid:
    body = Barrel(at, (width, 16, 13.0), 2)
    parts: list[Cone | Barrel] = [body]
    for side in (-1, 1):
        pedicle = at + point(side * width * 0.72, -16, 5)
        parts.append(Cone(pedicle, pedicle + point(side * 2, -11, -2), 4.6, 3.8, 6))
        tip = at + point(side * (width + 18 + rng.normal(0, 2)), -30, 6 + rng.normal(0, 2))
        parts.append(Cone(pedicle + point(0, -12, 0), tip, 4, 2.6, 4))
        facet = at + point(side * width * 0.58, -34, 12)
        parts += chain([facet, facet + point(side * 1, -3, -24)], [3.0, 3.4], blend_mm=4)
        parts.append(Cone(facet + point(0, -2, -10), at + point(0, -44, -4), 4, 3, 4))
    parts.append(Cone(at + point(0, -44, -4), at + point(0, -64, -10), 3.4, 4.2, 4))
    return Solid(tuple(parts))


def endplates(a: Anatomy, rng: np.random.Generator, vertebrae: tuple[Solid, ...]) -> tuple[Sheet, ...]:
    """The bright borders above and below each vertebral body, and along the sacroiliac joints."""
    lines = []
    for vertebra in vertebrae:
        body = vertebra.parts[0]
        if isinstance(body, Barrel):
            x, y, z = body.half
            for up in (-1, 1):
                sides = (-1.0, -0.5, 0.0, 0.5, 1.0)
                knots = [body.centre + point(s * (x + 1), y * 0.5, up * (z - 0.6 * (1 - abs(s)))) for s in sides]
                lines.append(ridge(rng, np.array(knots), radius_mm=1.4, bone_mm2=7 * (1 - 0.4 * a.osteoporosis)))
    for side in (-1, 1):
        joint = np.array([(side * 60, -46, 98), (side * 58, -52, 82), (side * 53, -58, 66), (side * 46, -64, 52)])
        lines.append(ridge(rng, joint, radius_mm=1.4, bone_mm2=5))
        arcs = [
            [(side * 8, -46, 79), (side * 20, -44, 84), (side * 32, -46, 79)],
            [(side * 7, -60, 57), (side * 17, -58, 62), (side * 28, -60, 56)],
        ]
        lines += [ridge(rng, np.array(arc), radius_mm=1.0, bone_mm2=4) for arc in arcs]
    return tuple(lines)
