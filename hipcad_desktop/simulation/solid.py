"""Bones as implicit solids: smooth unions of round cones, hollowed, evaluated along the rays of the beam.

A block is a box of samples (depth, row, column) that lie on the film's rays, so that a sum over depth is the exact
line integral of a divergent beam. Distances are in mm, negative inside.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hipcad_desktop.simulation.beam import Beam, Frame, Points
from hipcad_desktop.simulation.raster import Picture

Values = NDArray[np.float32]
FAR_MM = 9.0
BORDER_MM = 2.0


@dataclass(frozen=True, slots=True, eq=False)
class Cone:
    """A capsule from a to b whose radius runs from radius_a to radius_b; blend_mm rounds where it joins the rest."""

    a: Points
    b: Points
    radius_a: float
    radius_b: float
    blend_mm: float = 4.0


@dataclass(frozen=True, slots=True, eq=False)
class Barrel:
    """A rounded box about a centre with a waist: a vertebral body. Its axes are the world's."""

    centre: Points
    half: tuple[float, float, float]
    blend_mm: float = 3.0


@dataclass(frozen=True, slots=True, eq=False)
class Opening:
    """Everything beyond a plane through a point within a reach is taken away: the mouth of the acetabulum."""

    point: Points
    normal: Points
    reach_mm: float


@dataclass(frozen=True, slots=True, eq=False)
class Solid:
    """A bone: what is joined, and what is taken away."""

    parts: tuple[Cone | Barrel, ...]
    holes: tuple[Cone, ...] = ()
    openings: tuple[Opening, ...] = ()

    def placed(self, frame: Frame) -> Solid:
        """The solid moved by a frame; barrels move without turning, since patients turn by a few degrees only."""

        def moved(part: Cone) -> Cone:
            a, b = frame.to_world(np.stack([part.a, part.b]))
            return Cone(a, b, part.radius_a, part.radius_b, part.blend_mm)

        def opened(o: Opening) -> Opening:
            tip, foot = frame.to_world(np.stack([o.point + o.normal, o.point]))
            return Opening(foot, tip - foot, o.reach_mm)

        parts = tuple(
            moved(p) if isinstance(p, Cone) else Barrel(frame.to_world(p.centre)[0], p.half, p.blend_mm)
            for p in self.parts
        )
        return Solid(parts, tuple(moved(h) for h in self.holes), tuple(opened(o) for o in self.openings))


@dataclass(frozen=True, slots=True, eq=False)
class Inside:
    """The samples inside a solid: distance and world coordinates, flat arrays, and the pixel each belongs to."""

    distance: Values
    x: Values
    y: Values
    z: Values
    pixel: NDArray[np.int64]  # row * width + column of the raster


Density = Callable[[Inside], Values]


class Block:
    """Samples on the rays through a world box [low, high]; empty where the box lies outside the film."""

    def __init__(self, beam: Beam, low: Points, high: Points, *, step_mm: float) -> None:
        self._beam = beam
        self._step_mm = step_mm
        self._y0 = float(np.floor(low[1] / step_mm) * step_mm)
        count = max(1, int(np.ceil((high[1] - self._y0) / step_mm)))
        columns, rows = self._raster_range(low, high)
        self.columns = slice(max(0, columns[0]), min(beam.width, columns[1]))
        self.rows = slice(max(0, rows[0]), min(beam.height, rows[1]))
        self.empty = self.columns.start >= self.columns.stop or self.rows.start >= self.rows.stop
        y = (self._y0 + (np.arange(count) + 0.5) * step_mm).astype(np.float32)
        shrink = beam.shrink(y)
        u = (np.arange(self.columns.start, self.columns.stop) + 0.5) * beam.pitch_u_mm - beam.centre_u_mm
        v = beam.centre_v_mm - (np.arange(self.rows.start, self.rows.stop) + 0.5) * beam.pitch_v_mm
        self._x = (shrink[:, None] * u.astype(np.float32)[None])[:, None, :]
        self._z = (shrink[:, None] * v.astype(np.float32)[None])[:, :, None]
        self._y = y[:, None, None]

    def _raster_range(self, low: Points, high: Points) -> tuple[tuple[int, int], tuple[int, int]]:
        corners = np.array([(x, y, z) for x in (low[0], high[0]) for y in (low[1], high[1]) for z in (low[2], high[2])])
        at = self._beam.project(corners)
        first, last = np.floor(at.min(axis=0)).astype(int), np.ceil(at.max(axis=0)).astype(int)
        return (int(first[0]), int(last[0])), (int(first[1]), int(last[1]))

    def distances(self, solid: Solid) -> Values:
        """Signed distance of every sample to the solid's surface, FAR_MM where it is far."""
        field = np.full((self._y.shape[0], self._z.shape[1], self._x.shape[2]), FAR_MM, dtype=np.float32)
        for part in solid.parts:
            where = self._near(*_bounds(part, part.blend_mm + BORDER_MM))
            if where is not None:
                part_distance = _distance(part, *self._coordinates(where))
                field[where] = _smooth_minimum(field[where], part_distance, part.blend_mm)
        for hole in solid.holes:
            where = self._near(*_bounds(hole, BORDER_MM))
            if where is not None:
                np.maximum(field[where], -_distance(hole, *self._coordinates(where)), out=field[where])
        for opening in solid.openings:
            where = self._near(opening.point - opening.reach_mm, opening.point + opening.reach_mm)
            if where is not None:
                np.maximum(field[where], self._beyond(opening, where), out=field[where])
        return field

    def _beyond(self, opening: Opening, where: tuple[slice, slice, slice]) -> Values:
        x, y, z = self._coordinates(where)
        px, py, pz = (np.float32(c) for c in opening.point)
        nx, ny, nz = (np.float32(c) for c in opening.normal)
        ahead = (x - px) * nx + (y - py) * ny + (z - pz) * nz
        near = (x - px) ** 2 + (y - py) ** 2 + (z - pz) ** 2 < np.float32(opening.reach_mm**2)
        return np.asarray(np.where(near, ahead, np.float32(-FAR_MM)), dtype=np.float32)

    def _near(self, low: Points, high: Points) -> tuple[slice, slice, slice] | None:
        first = max(0, int((low[1] - self._y0) / self._step_mm))
        last = min(self._y.shape[0], int((high[1] - self._y0) / self._step_mm) + 1)
        (c0, c1), (r0, r1) = self._raster_range(low, high)
        c0, c1 = max(c0, self.columns.start) - self.columns.start, min(c1, self.columns.stop) - self.columns.start
        r0, r1 = max(r0, self.rows.start) - self.rows.start, min(r1, self.rows.stop) - self.rows.start
        if first >= last or c0 >= c1 or r0 >= r1:
            return None
        return slice(first, last), slice(r0, r1), slice(c0, c1)

    def _coordinates(self, where: tuple[slice, slice, slice]) -> tuple[Values, Values, Values]:
        d, r, c = where
        return self._x[d, :, c], self._y[d], self._z[d, r]

    def inside(self, field: Values, *, border_mm: float) -> Inside:
        """The samples with a distance below border_mm."""
        flat = np.flatnonzero(field < np.float32(border_mm))
        rows, columns = field.shape[1], field.shape[2]
        depth, pixel = np.divmod(flat, rows * columns)
        row, column = np.divmod(pixel, columns)
        return Inside(
            distance=field.reshape(-1)[flat],
            x=self._x[depth, 0, column],
            y=self._y[depth, 0, 0],
            z=self._z[depth, row, 0],
            pixel=(row + self.rows.start) * self._beam.width + column + self.columns.start,
        )


def projected(beam: Beam, samples: Inside, density: Values, *, step_mm: float) -> Picture:
    """The line integrals of a density over the raster, in mm of dense bone."""
    total = np.bincount(samples.pixel, weights=density, minlength=beam.width * beam.height)
    return (total * step_mm).astype(np.float32).reshape(beam.height, beam.width)


def sampled(
    beam: Beam, solid: Solid, *, step_mm: float, low: Points | None = None, high: Points | None = None
) -> Inside:
    """The samples inside a solid, optionally only within a box of the world."""
    bounds = [_bounds(part, BORDER_MM) for part in solid.parts]
    least = np.min([b[0] for b in bounds], axis=0)
    most = np.max([b[1] for b in bounds], axis=0)
    least = least if low is None else np.maximum(least, low)
    most = most if high is None else np.minimum(most, high)
    block = Block(beam, least, most, step_mm=step_mm)
    if block.empty or (least >= most).any():
        nothing = np.zeros(0, dtype=np.float32)
        return Inside(nothing, nothing, nothing, nothing, np.zeros(0, dtype=np.int64))
    return block.inside(block.distances(solid), border_mm=step_mm / 2)


def shell(
    samples: Inside, *, cortex_mm: Values | float, cortex: Values | float, inner: Values | float, step_mm: float
) -> Values:
    """Density of a cortex of a thickness around a spongy inside; edges are softened over a step against stairs."""
    width = np.float32(step_mm)
    whole = np.clip(np.float32(0.5) - samples.distance / width, 0, 1)
    core = np.clip(np.float32(0.5) - (samples.distance + cortex_mm) / width, 0, 1)
    return np.asarray(cortex * (whole - core) + inner * core, dtype=np.float32)


def _bounds(part: Cone | Barrel, border_mm: float) -> tuple[Points, Points]:
    if isinstance(part, Barrel):
        half = np.asarray(part.half) + border_mm
        return part.centre - half, part.centre + half
    low = np.minimum(part.a - part.radius_a, part.b - part.radius_b)
    high = np.maximum(part.a + part.radius_a, part.b + part.radius_b)
    return low - border_mm, high + border_mm


def _distance(part: Cone | Barrel, x: Values, y: Values, z: Values) -> Values:
    return _barrel_distance(part, x, y, z) if isinstance(part, Barrel) else _cone_distance(part, x, y, z)


def _cone_distance(cone: Cone, x: Values, y: Values, z: Values) -> Values:
    ax, ay, az = (np.float32(c) for c in cone.a)
    along = cone.b - cone.a
    bx, by, bz = (np.float32(c) for c in along)
    length2 = np.float32(max(float((along * along).sum()), 1e-6))
    x, y, z = x - ax, y - ay, z - az
    dot = (x * bx + y * by) + z * bz
    t = np.clip(dot / length2, 0, 1)
    square = (x * x + y * y) + z * z
    square += t * (t * length2 - 2 * dot)
    np.maximum(square, 0, out=square)
    distance = np.sqrt(square, out=square)
    distance -= np.float32(cone.radius_a) + np.float32(cone.radius_b - cone.radius_a) * t
    return np.asarray(distance, dtype=np.float32)


def _barrel_distance(barrel: Barrel, x: Values, y: Values, z: Values) -> Values:
    cx, cy, cz = (np.float32(c) for c in barrel.centre)
    hx, hy, hz = (np.float32(h) for h in barrel.half)
    tall = ((z - cz) / hz) ** 2
    waist = np.float32(0.88) + np.float32(0.12) * tall
    across = ((x - cx) / hx) ** 2 + ((y - cy) / hy) ** 2
    level = np.maximum(np.sqrt(across) / waist, np.sqrt(tall))
    return np.asarray((level - 1) * np.float32(min(barrel.half)), dtype=np.float32)


def _smooth_minimum(a: Values, b: Values, blend_mm: float) -> Values:
    if blend_mm <= 0:
        return np.minimum(a, b)
    k = np.float32(blend_mm)
    near = np.maximum(k - np.abs(a - b), 0)
    return np.asarray(np.minimum(a, b) - near * near * (np.float32(0.25) / k), dtype=np.float32)
