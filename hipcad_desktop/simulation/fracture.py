"""How a hip breaks: cut surfaces through the femur and the motion of each fragment, by the classes of METHOD 1.

In the femur's frame (x lateral, z up) a turn about +y by a positive angle brings the head's top outwards (valgus).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import assert_never

import numpy as np
from numpy.typing import NDArray

from hipcad_desktop.domain.anatomy import FractureType
from hipcad_desktop.simulation.beam import Frame, Points, rotation
from hipcad_desktop.simulation.femur import Femur
from hipcad_desktop.simulation.pelvis import point

Values = NDArray[np.float32]
_Y = (0.0, 1.0, 0.0)


@dataclass(frozen=True, slots=True, eq=False)
class Cut:
    """A jagged plane, or a bowl where a radius is given; the far side is where the normal points, or inside the bowl.

    gap_mm is resorbed or crushed along it.
    """

    centre: Points
    normal: Points
    across: Points
    waves: NDArray[np.float64]  # [n, 4]: u and v wave numbers, phase, amplitude in mm
    gap_mm: float = 0.0
    gap_density: float = 0.3
    pressed: float = 0.0  # extra density of an impacted line
    bowl_mm: float | None = None  # then `centre` is the bowl's

    def side(self, x: Values, y: Values, z: Values) -> Values:
        """Distance in front of the surface (above zero: the far side), in mm."""
        dx, dy, dz = (c - np.float32(o) for c, o in zip((x, y, z), self.centre, strict=True))
        n, a = self.normal.astype(np.float32), self.across.astype(np.float32)
        b = np.cross(self.normal, self.across).astype(np.float32)
        u, v = a[0] * dx + a[1] * dy + a[2] * dz, b[0] * dx + b[1] * dy + b[2] * dz
        if self.bowl_mm is None:
            height = n[0] * dx + n[1] * dy + n[2] * dz
        else:
            height = np.float32(self.bowl_mm) - np.sqrt(dx * dx + dy * dy + dz * dz)
        for wu, wv, phase, amplitude in self.waves.astype(np.float32):
            height += amplitude * np.sin(wu * u + wv * v + phase)
        return np.asarray(height, dtype=np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Fragment:
    """A piece: what lies on these sides of these cuts (+1 far, -1 near), moved by a frame."""

    sides: tuple[tuple[Cut, int], ...]
    motion: Frame = field(default_factory=Frame.still)


def intact() -> tuple[Fragment, ...]:
    """The whole femur as one piece."""
    return (Fragment(()),)


def broken(f: Femur, kind: FractureType, rng: np.random.Generator) -> tuple[Fragment, ...]:
    """The pieces of a femur with a fracture of this type."""
    match kind:
        case FractureType.GARDEN_I | FractureType.GARDEN_II | FractureType.GARDEN_III | FractureType.GARDEN_IV:
            return _neck(f, kind, rng)
        case FractureType.AO_31_A1 | FractureType.AO_31_A2:
            return _trochanteric(f, kind, rng)
        case FractureType.AO_31_A3:
            return _reverse(f, rng)
        case FractureType.GREATER_TROCHANTER:
            return _greater_trochanter(f, rng)
        case _:
            assert_never(kind)


def _cut(
    rng: np.random.Generator,
    centre: Points,
    normal: Points,
    *,
    rough: float,
    gap: float = 0.0,
    pressed: float = 0.0,
    bowl: float | None = None,
) -> Cut:
    n = normal / np.linalg.norm(normal)
    across = np.cross(n, (0.0, 1.0, 0.0))
    across /= np.linalg.norm(across)
    waves = [
        [
            2 * np.pi * rng.uniform(0.6, 1) / size,
            2 * np.pi * rng.normal(0, 0.4) / size,
            rng.uniform(0, 6.3),
            rough * (size / 30) ** 0.7,
        ]
        for size in (34, 16, 8, 4.5)
    ]
    return Cut(centre, n, across, np.array(waves), gap, float(rng.uniform(0.1, 0.45)), pressed, bowl)


def _neck(f: Femur, kind: FractureType, rng: np.random.Generator) -> tuple[Fragment, ...]:
    centre = f.neck * f.offset * rng.uniform(0.46, 0.66)
    normal = (rotation(_Y, rng.uniform(-22, 22)) * f.neck).sum(axis=1)
    head, rest = Frame.still(), Frame.still()
    up = -f.shaft
    if kind is FractureType.GARDEN_I:
        cut = _cut(rng, centre, normal, rough=rng.uniform(0.6, 1.4), pressed=rng.uniform(0.2, 0.45))
        head = Frame.about(centre + point(6, 0, 8) * f.scale, rotation(_Y, rng.uniform(4, 18)))
        rest = Frame(np.eye(3), -f.neck * rng.uniform(0.5, 3.5))
    elif kind is FractureType.GARDEN_II:
        cut = _cut(rng, centre, normal, rough=rng.uniform(0.6, 1.5), gap=rng.uniform(0.8, 1.8))
        rest = Frame.about(centre, rotation(_Y, rng.uniform(-3, 4)), f.neck * rng.uniform(0.4, 1.8))
    elif kind is FractureType.GARDEN_III:
        cut = _cut(rng, centre, normal, rough=rng.uniform(1, 2.5), gap=rng.uniform(0.5, 3))
        head = Frame.about(point(0, 0, 0), rotation(_Y, -rng.uniform(12, 30)))
        turn = Frame.about(f.base, rotation(up, -rng.uniform(12, 35)), up * rng.uniform(4, 13) * f.scale)
        rest = Frame(np.eye(3), point(rng.uniform(-2, 5), 0, 0)).after(turn)
    else:
        cut = _cut(rng, centre, normal, rough=rng.uniform(1, 3), gap=rng.uniform(1, 5))
        head = Frame.about(point(0, 0, 0), rotation(_Y, rng.uniform(-12, 10)))
        turn = Frame.about(f.base, rotation(up, -rng.uniform(25, 60)), up * rng.uniform(14, 32) * f.scale)
        rest = Frame(np.eye(3), point(rng.uniform(0, 12), 0, 0)).after(turn)
    return Fragment(((cut, -1),), head), Fragment(((cut, 1),), rest)


def _trochanteric(f: Femur, kind: FractureType, rng: np.random.Generator) -> tuple[Fragment, ...]:
    k = f.scale
    upper = f.greater + point(rng.uniform(-10, 5), 0, rng.uniform(-20, -6)) * k
    lower = f.lesser + point(-12, 0, rng.uniform(-2, 10)) * k
    normal = _distal_normal(f, upper, lower)
    simple = kind is FractureType.AO_31_A1
    undisplaced = rng.random() < (0.3 if simple else 0.04)
    cut = _cut(rng, (upper + lower) / 2, normal, rough=rng.uniform(1.5, 3.5), gap=rng.uniform(1, 3))
    varus = rng.uniform(0, 4) if undisplaced else rng.uniform(6, 26)
    outward = rng.uniform(0, 6) if undisplaced else rng.uniform(8, 40)
    climb = rng.uniform(0, 1.5) if undisplaced else rng.uniform(3, 14) * k
    medial = 0.0 if undisplaced else rng.uniform(-3, 9)
    head, shaft = _varus(f, (upper + lower) / 2, varus, outward, climb, medial, rng)
    pieces = [Fragment(((cut, -1),), head)]
    apart: list[tuple[Cut, int]] = [(cut, 1)]
    if not simple:
        small = _lesser_cut(f, rng)
        shift = point(-rng.uniform(3, 13), 0, rng.uniform(2, 16)) * k
        turn = Frame.about(f.lesser, rotation(_Y, rng.uniform(-35, 35)), shift)
        pieces.append(Fragment((*apart, (small, 1)), shaft.after(turn)))
        apart.append((small, -1))
    if not simple and rng.random() < 0.6:
        tip = _greater_cut(f, rng)
        shift = point(rng.uniform(-3, 7), -3, rng.uniform(1, 12))
        turn = Frame.about(f.greater, rotation(_Y, rng.uniform(-25, 10)), shift)
        pieces.append(Fragment((*apart, (tip, 1)), shaft.after(turn)))
        apart.append((tip, -1))
    return (*pieces, Fragment(tuple(apart), shaft))


def _reverse(f: Femur, rng: np.random.Generator) -> tuple[Fragment, ...]:
    k = f.scale
    outer = f.base + f.shaft * rng.uniform(24, 46) * k + point(17, 0, 0) * k
    inner = f.base + f.shaft * rng.uniform(2, 24) * k + point(-18, 0, 0) * k
    centre = (outer + inner) / 2
    cut = _cut(rng, centre, _distal_normal(f, outer, inner), rough=rng.uniform(2, 4), gap=rng.uniform(1, 3))
    varus, outward, climb, medial = rng.uniform((5, 8, 3 * k, 5), (20, 35, 14 * k, 16))
    head, shaft = _varus(f, centre, varus, outward, climb, medial, rng)
    pieces = [Fragment(((cut, -1),), head)]
    apart: list[tuple[Cut, int]] = [(cut, 1)]
    if rng.random() < 0.5:
        small = _lesser_cut(f, rng)
        shift = point(-rng.uniform(3, 12), 0, rng.uniform(0, 12))
        turn = Frame.about(f.lesser, rotation(_Y, rng.uniform(-30, 30)), shift)
        pieces.append(Fragment((*apart, (small, 1)), shaft.after(turn)))
        apart.append((small, -1))
    return (*pieces, Fragment(tuple(apart), shaft))


def _greater_trochanter(f: Femur, rng: np.random.Generator) -> tuple[Fragment, ...]:
    cut = _greater_cut(f, rng)
    shift = point(rng.uniform(0, 5), -1, rng.uniform(0.5, 9)) * f.scale
    turn = Frame.about(f.greater, rotation(_Y, rng.uniform(-16, 6)), shift)
    return Fragment(((cut, 1),), turn), Fragment(((cut, -1),))


def _distal_normal(f: Femur, a: Points, b: Points) -> Points:
    normal = np.cross(a - b, (0.0, 1.0, 0.0))
    return normal if (normal * f.shaft).sum() > 0 else -normal


def _lesser_cut(f: Femur, rng: np.random.Generator) -> Cut:
    centre = f.lesser + point(-15, -12, 3) * f.scale
    radius = rng.uniform(12, 17) * f.scale
    return _cut(rng, centre, point(-1, 0, 0), rough=rng.uniform(1, 2), gap=rng.uniform(0.5, 2), bowl=radius)


def _greater_cut(f: Femur, rng: np.random.Generator) -> Cut:
    centre = f.greater + point(7, -2, 5 + rng.uniform(-3, 3)) * f.scale
    radius = rng.uniform(19, 27) * f.scale
    return _cut(rng, centre, point(1, 0, 1), rough=rng.uniform(0.8, 1.8), gap=rng.uniform(0.8, 2), bowl=radius)


def _varus(
    f: Femur, centre: Points, varus: float, outward: float, climb: float, medial: float, rng: np.random.Generator
) -> tuple[Frame, Frame]:
    """The head's piece sinks into varus about its centre; the shaft turns outwards, climbs and goes medially."""
    head = Frame.about(point(0, 0, 0), rotation(_Y, -varus))
    follow = head.to_world(centre)[0] - centre
    turn = Frame.about(f.base, rotation(-f.shaft, -outward))
    lean = Frame.about(centre, rotation(_Y, rng.uniform(-5, 6)), 0.6 * follow - f.shaft * climb - point(medial, 0, 0))
    return head, lean.after(turn)
