"""Metal in the femur's frame (x lateral, z up, head's centre at the origin), and on the spine, in mm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

import numpy as np

from hipcad_desktop.simulation.beam import Points
from hipcad_desktop.simulation.case import Implant
from hipcad_desktop.simulation.femur import Femur
from hipcad_desktop.simulation.fracture import Cut, Fragment
from hipcad_desktop.simulation.pelvis import chain, point
from hipcad_desktop.simulation.solid import Cone, Opening, Solid


@dataclass(frozen=True, slots=True, eq=False)
class Metal:
    """Pieces of metal, and what they leave of the femur (None: all of it)."""

    solids: tuple[Solid, ...]
    cut: Cut | None = None

    def fragments(self) -> tuple[Fragment, ...]:
        """The femur's remaining piece."""
        return (Fragment(()),) if self.cut is None else (Fragment(((self.cut, 1),)),)


def metal(f: Femur, kind: Implant, rng: np.random.Generator) -> Metal:
    """An implant that fits this femur."""
    match kind:
        case Implant.NAIL:
            return Metal((_nail(f, rng),))
        case Implant.PLATE:
            return Metal((_plate(f, rng),))
        case Implant.SCREWS:
            return Metal(_screws(f, rng))
        case Implant.TOTAL | Implant.HEMI:
            return _prosthesis(f, kind, rng)
        case _:
            assert_never(kind)


def _across(f: Femur) -> Points:
    """Square to the neck, upwards, in the frontal plane."""
    n = f.neck
    return point(-n[2], 0, n[0])


def _threaded(tip: Points, start: Points, *, core: float, thread: float, threaded_mm: float) -> tuple[Cone, ...]:
    """A screw whose last threaded_mm before the tip carry turns of thread."""
    way = start - tip
    way = way / np.linalg.norm(way)
    turns = max(2, int(threaded_mm / 3.0))
    rings = [tip + way * (1.5 + 3.0 * i) for i in range(turns)]
    return (
        Cone(tip, start, core, core, 0),
        *(Cone(at, at + way * 0.9, thread, core, 0) for at in rings),
    )


def _lag(f: Femur, rng: np.random.Generator, *, low: float, beyond: float = 22) -> tuple[Points, Points]:
    """Tip in the head and start on the lateral cortex of a lag screw along the neck, low mm under its axis."""
    off = -_across(f) * low
    tip = -f.neck * f.radius * rng.uniform(0.55, 0.75) + off
    return tip, f.neck * (f.offset + beyond * f.scale) + off


def _nail(f: Femur, rng: np.random.Generator) -> Solid:
    k = f.scale
    top = f.base + point(4, -2, 22) * k
    bend = f.base + f.shaft * 34 * k
    end = f.base + f.shaft * rng.uniform(135, 165)
    wide = rng.uniform(5.0, 5.8)
    tip, start = _lag(f, rng, low=rng.uniform(0, 4))
    parts = [*chain([top, bend, end], [7.8, 6.4, wide], blend_mm=8)]
    parts += _threaded(tip, start, core=rng.uniform(3.6, 4.4), thread=5.4, threaded_mm=24)
    lock = end - f.shaft * rng.uniform(18, 30)
    parts.append(Cone(lock + point(-16, 0, 3) * k, lock + point(18, 0, -3) * k, 2.4, 2.4, 0))
    return Solid(tuple(parts))


def _plate(f: Femur, rng: np.random.Generator) -> Solid:
    k = f.scale
    tip, start = _lag(f, rng, low=rng.uniform(1, 5))
    barrel = start - f.neck * 36 * k
    side = f.base + f.shaft * 12 * k + point(17.5, 0, 0) * k
    holes = int(rng.integers(3, 6))
    end = side + f.shaft * (24 + 17 * holes)
    parts = [
        *_threaded(tip, start, core=4.0, thread=6.2, threaded_mm=24),
        Cone(barrel, start, 6.4, 6.6, 0),
        Cone(start, side, 5.5, 5.2, 6),
        Cone(side, end, 3.2, 3.0, 3),
        Cone(side + point(0, 5, 0), end + point(0, 5, 0), 2.6, 2.6, 3),
        Cone(side + point(0, -5, 0), end + point(0, -5, 0), 2.6, 2.6, 3),
    ]
    for i in range(holes):
        at = side + f.shaft * (20 + 17 * i)
        parts += _threaded(at + point(-34, 0, 0) * k, at + point(4, 0, 0), core=1.7, thread=2.4, threaded_mm=30)
        parts.append(Cone(at + point(3.5, 0, 0), at + point(5.5, 0, 0), 4.0, 3.2, 0))
    return Solid(tuple(parts))


def _screws(f: Femur, rng: np.random.Generator) -> tuple[Solid, ...]:
    solids = []
    for low, depth in ((6.5, -3), (-5.5, -6), (-4.0, 7)) if rng.random() < 0.7 else ((6.0, 0), (-6.0, 0)):
        tip, start = _lag(f, rng, low=(low + rng.normal(0, 0.7)) * f.scale, beyond=15)
        tip, start = tip + point(0, depth, 0), start + point(0, depth, 0)
        solids.append(Solid(_threaded(tip, start, core=2.3, thread=3.5, threaded_mm=18)))
    return tuple(solids)


def _prosthesis(f: Femur, kind: Implant, rng: np.random.Generator) -> Metal:
    k = f.scale
    middle = f.base + f.shaft * 30 * k
    end = f.base + f.shaft * rng.uniform(105, 135)
    shoulder = f.base + point(-9, 0, 9) * k
    wide = rng.uniform(5.2, 6.6)
    stem = [
        *chain([shoulder, middle, end], [8.2 * k, 7.4, wide * 0.85], blend_mm=10),
        Cone(f.base + point(2, 0, -2) * k, middle, 8.5 * k, 6.5, 8),
        Cone(shoulder, f.neck * 9, 6.0, 5.6, 5),
    ]
    head = point(0, 0, 0)
    plane = _flat_cut(f.neck * (f.offset - 20 * k), f.neck)
    if kind is Implant.HEMI:
        return Metal((Solid((*stem, Cone(head, head, f.radius, f.radius, 2))),), plane)
    ball = rng.uniform(14, 16)
    cup_normal = point(0.66, 0.25, -0.70)
    cup = Solid(
        (Cone(head, head, f.radius + 3, f.radius + 3, 0),),
        holes=(Cone(head, head, f.radius - 1, f.radius - 1, 0),),
        openings=(Opening(head + cup_normal, cup_normal, f.radius + 8),),
    )
    screw = Solid(_threaded(point(-14, -8, 46), point(-4, -2, f.radius), core=1.8, thread=2.8, threaded_mm=16))
    pieces = (Solid((*stem, Cone(head, head, ball, ball, 1))), cup)
    return Metal((*pieces, screw) if rng.random() < 0.5 else pieces, plane)


def _flat_cut(centre: Points, normal: Points) -> Cut:
    across = np.cross(normal, (0.0, 1.0, 0.0))
    return Cut(centre, normal, across / np.linalg.norm(across), np.zeros((0, 4)))


def spine_metal(bodies: list[Points], rng: np.random.Generator) -> tuple[Solid, ...]:
    """Rods and pedicle screws through vertebrae whose bodies' middles are given, in the pelvis' frame."""
    solids = []
    for side in (-1, 1):
        heads = [at + point(side * 19, -34, 6) for at in bodies]
        parts = list(
            chain([heads[0] + point(0, -4, -12), *heads, heads[-1] + point(0, -4, 8)], [2.8] * (len(heads) + 2))
        )
        for at, head in zip(bodies, heads, strict=True):
            parts.append(Cone(head, head + point(0, -4, 0), 6.0, 6.0, 1))
            tip = at + point(side * rng.uniform(5, 9), 8, 1)
            parts += _threaded(tip, head, core=2.2, thread=3.2, threaded_mm=30)
        solids.append(Solid(tuple(parts)))
    return tuple(solids)
