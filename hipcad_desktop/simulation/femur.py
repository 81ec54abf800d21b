"""The proximal femur in its own frame: head's centre at the origin, x lateral, y to the front, z upwards, in mm."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hipcad_desktop.simulation.anatomy import Anatomy
from hipcad_desktop.simulation.beam import Points, rotation
from hipcad_desktop.simulation.pelvis import point
from hipcad_desktop.simulation.solid import Cone, Solid
from hipcad_desktop.simulation.wear import cysts

Values = NDArray[np.float32]
SHAFT_MM = 420.0  # long enough to leave the film


@dataclass(frozen=True, slots=True, eq=False)
class Femur:
    """Shape and landmarks. `neck` points from the head along the neck, `shaft` down along the shaft."""

    solid: Solid
    radius: float
    scale: float  # radius / 24 mm
    offset: float
    neck: Points
    base: Points  # where the neck's axis meets the shaft's
    shaft: Points
    greater: Points  # tip of the greater trochanter
    lesser: Points  # root of the lesser trochanter
    osteoporosis: float
    waves: NDArray[np.float64]  # [n, 4]: directions and phases of the spongy texture
    wear: float = 0.0
    cysts: NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 4)))  # middle and radius, mm


def femur(a: Anatomy, rng: np.random.Generator) -> Femur:
    """A femur of this patient."""
    r = a.head_radius_mm
    k = r / 24
    bend = math.radians(180 - a.neck_angle_deg)
    neck = point(math.sin(bend), 0, -math.cos(bend))
    base = neck * a.neck_offset_mm * k
    lean = math.radians(a.shaft_lean_deg)
    shaft = point(-math.sin(lean), 0, -math.cos(lean))
    greater = base + point(12, -8, 26) * k + rng.normal(0, 1.5, 3)
    lesser = base + shaft * (31 * k + rng.normal(0, 2))
    below = base + shaft * 58 * k
    w = 15.6 * k * a.neck_width
    lip = 2.5 * a.osteophytes
    parts = (
        Cone(point(0, 0, 0), point(0.5, 0, -0.5), r, r, 0),
        Cone(neck * r * 0.55, base - neck * 8 * k, w + lip, w + 0.8 * k, 7 * k),
        Cone(base + point(-1, 0, -4) * k, below, 18.0 * k, 15.2 * k, 8 * k),
        Cone(base + point(4, -3, 0) * k, greater, 15.0 * k, 11.5 * k, 9 * k),
        Cone(base + point(9, -4, -6) * k, greater + point(4, 0, -16) * k, 12 * k, 11 * k, 6 * k),
        Cone(lesser + point(-1, -5, 0) * k, lesser + point(-10, -12, 3) * k, 11 * k, 6.5 * k, 12 * k),
        Cone(below, base + shaft * SHAFT_MM, 15.2 * k, 14.6 * k, 2 * k),
        *_lips(a, neck, k),
    )
    return Femur(
        solid=Solid(parts),
        radius=r,
        scale=k,
        offset=a.neck_offset_mm * k,
        neck=neck,
        base=base,
        shaft=shaft,
        greater=greater,
        lesser=lesser,
        osteoporosis=a.osteoporosis,
        waves=_waves(neck, rng),
        wear=a.wear,
        cysts=cysts(a, rng),
    )


def _lips(a: Anatomy, neck: Points, k: float) -> tuple[Cone, ...]:
    """Osteophytes round the border between head and neck."""
    if a.osteophytes < 0.15:
        return ()
    r, size = a.head_radius_mm, 3.4 * a.osteophytes * k
    lips = []
    for degrees, share in ((78, 1.0), (-74, 1.3), (-100, 0.8)):
        at = (rotation((0, 1, 0), degrees) * neck).sum(axis=1) * r * 0.93
        lips.append(Cone(at, at + neck * 5 * k + at / r * size, 2.6 + size * share, 1.2 + 0.3 * size, 4))
    return tuple(lips)


def _waves(neck: Points, rng: np.random.Generator) -> NDArray[np.float64]:
    waves = []
    for _ in range(9):
        d = rng.normal(size=3) * (1, 0.4, 1)
        d -= 0.7 * (d * neck).sum() * neck
        waves.append([*(d * (2 * np.pi / rng.uniform(2.2, 4.5) / np.linalg.norm(d))), rng.uniform(0, 6.3)])
    return np.array(waves)


def cortex_mm(f: Femur, x: Values, y: Values, z: Values) -> Values:
    """Thickness of the cortex at points of the femur's frame: thin over the head, thick along the shaft."""
    k = np.float32(f.scale)
    down = _along(f.shaft, x - np.float32(f.base[0]), y, z - np.float32(f.base[2]))
    growth = np.clip((down / k - 8) / 62, 0, 1)
    calcar = _blob(f.base + point(-16, 0, -15) * f.scale, 15 * f.scale, x, y, z)
    upper = _blob(f.neck * f.offset * 0.62 + point(10, 0, 14) * f.scale, 12 * f.scale, x, y, z)
    full = np.float32(6.8 - 3.0 * f.osteoporosis)
    return np.asarray((0.68 + full * growth + 2.4 * calcar + 0.4 * upper) * k, dtype=np.float32)


def spongy(f: Femur, x: Values, y: Values, z: Values) -> Values:
    """Density of the inside, 1 = dense bone: compressive and tensile groups, Ward's triangle, an empty canal."""
    k = np.float32(f.scale)
    bx, bz = np.float32(f.base[0]), np.float32(f.base[2])
    # compressive group: a band from the calcar to the head's top
    off_axis = x * np.float32(0.94) + z * np.float32(-0.34) + 2 * k
    compressive = np.exp(-((off_axis / (8 * k)) ** 2)) * (z > bz - 22 * k)
    # tensile group: an arc from the lateral cortex through the upper neck
    arc = np.hypot(x - bx * np.float32(0.5), z - bz + 14 * k) - np.float32(0.6 * f.offset)
    tensile = np.exp(-((arc / (4.5 * k)) ** 2)) * (z > bz - 12 * k)
    head = np.exp(-(((x * x + y * y + z * z) / np.float32((0.92 * f.radius) ** 2)) ** 2))
    loss = np.float32(f.osteoporosis)
    density = 0.085 + 0.11 * compressive + 0.06 * tensile + 0.04 * head
    density = density * (1.12 - 0.7 * loss * (1 - 0.5 * compressive))
    texture = np.zeros_like(x)
    for wx, wy, wz, phase in f.waves.astype(np.float32):
        texture += np.sin(wx * x + wy * y + wz * z + phase)
    density = density * np.clip(1 + np.float32(0.06) * texture, 0.2, 2.5)
    density = density + (0.10 - 0.04 * loss) * _crest(f, x, z)
    if f.wear > 0:
        density = density + np.float32(0.3 * f.wear) * _blob(point(0.25, 0, 0.85) * f.radius, 11 * f.scale, x, y, z)
    for *middle, radius in f.cysts:
        density = density * (1 - np.float32(0.9) * _blob(np.array(middle), radius, x, y, z))
    down = _along(f.shaft, x - bx, y, z - bz)
    density = density * (1 - np.float32(0.9) * np.clip((down / k - 22) / 45, 0, 1))
    return np.asarray(density, dtype=np.float32)


def _crest(f: Femur, x: Values, z: Values) -> Values:
    """The intertrochanteric crest: 1 on the line from the greater to the lesser trochanter as seen from the front."""
    start, end = f.greater + point(0, 0, -6) * f.scale, f.lesser + point(-6, 0, 4) * f.scale
    way = end - start
    length = float(np.hypot(way[0], way[2]))
    ux, uz = np.float32(way[0] / length), np.float32(way[2] / length)
    dx, dz = x - np.float32(start[0]), z - np.float32(start[2])
    beyond = np.abs((dx * ux + dz * uz) - np.float32(length / 2)) - np.float32(length / 2)
    off = np.hypot(dx * uz - dz * ux, np.maximum(beyond, 0)) / np.float32(2.2 * f.scale)
    return np.asarray(np.exp(-(off**2)), dtype=np.float32)


def _along(direction: Points, x: Values, y: Values, z: Values) -> Values:
    dx, dy, dz = (np.float32(d) for d in direction)
    return np.asarray(dx * x + dy * y + dz * z, dtype=np.float32)


def _blob(centre: Points, width: float, x: Values, y: Values, z: Values) -> Values:
    cx, cy, cz = (np.float32(c) for c in centre)
    square = (x - cx) ** 2 + (y - cy) ** 2 + (z - cz) ** 2
    return np.asarray(np.exp(-square / np.float32(width * width)), dtype=np.float32)
