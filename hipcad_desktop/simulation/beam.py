"""The X-ray's geometry: a point source over a flat detector, and rigid frames of bones.

World in millimetres: x to the patient's left, y to the front (towards the tube), z towards the head; the origin lies
between the femoral heads. A frontal supine film shows the patient's left on the picture's right.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]  # [n, 3] mm


def rotation(axis: Points | tuple[float, float, float], degrees: float) -> NDArray[np.float64]:
    """The 3 x 3 rotation about an axis by the right-hand rule."""
    v = np.asarray(axis, dtype=np.float64)
    v = v / np.linalg.norm(v)
    k = np.array([[0, -v[2], v[1]], [v[2], 0, -v[0]], [-v[1], v[0], 0]])
    a = math.radians(degrees)
    return np.asarray(np.eye(3) + math.sin(a) * k + (1 - math.cos(a)) * _product(k, k))


def _product(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Matrix product in a fixed order of summation: BLAS may sum differently on another machine."""
    return np.asarray((a[:, :, None] * b[None, :, :]).sum(axis=1))


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """A rigid placement (possibly mirrored): world = matrix @ local + origin."""

    matrix: NDArray[np.float64]
    origin: NDArray[np.float64]

    @classmethod
    def still(cls) -> Frame:
        """The frame that moves nothing."""
        return cls(np.eye(3), np.zeros(3))

    @classmethod
    def about(cls, centre: Points, turn: NDArray[np.float64], shift: Points | None = None) -> Frame:
        """A turn about a centre, then a shift."""
        moved = centre - (turn * centre).sum(axis=1)
        return cls(turn, moved if shift is None else moved + shift)

    def to_world(self, points: Points) -> Points:
        """Local points in world coordinates."""
        p = np.atleast_2d(points)
        return np.asarray((p[:, None, :] * self.matrix[None]).sum(axis=2) + self.origin)

    def to_local(self, points: tuple[NDArray[np.float32], ...]) -> tuple[NDArray[np.float32], ...]:
        """World coordinates (x, y, z arrays) in local coordinates."""
        x, y, z = (c - np.float32(o) for c, o in zip(points, self.origin, strict=True))
        m = self.matrix.astype(np.float32)
        return tuple(m[0, i] * x + m[1, i] * y + m[2, i] * z for i in range(3))

    def after(self, first: Frame) -> Frame:
        """The frame that applies `first`, then this one."""
        return Frame(_product(self.matrix, first.matrix), self.to_world(first.origin)[0])


@dataclass(frozen=True, slots=True)
class Beam:
    """Point source and detector raster. The raster's pixel (column, row) spans [column, column + 1] in raster units."""

    source_mm: float  # focus to detector
    object_mm: float  # plane of the hips to detector
    centre_u_mm: float  # the world's origin on the detector, from the raster's left edge
    centre_v_mm: float  # and from its upper edge
    pitch_u_mm: float
    pitch_v_mm: float
    width: int
    height: int

    def shrink(self, y: NDArray[np.float32]) -> NDArray[np.float32]:
        """World millimetres per detector millimetre at a height y over the plane of the hips."""
        return np.asarray((np.float32(self.source_mm - self.object_mm) - y) / np.float32(self.source_mm))

    def project(self, points: Points) -> NDArray[np.float64]:
        """World points [n, 3] on the raster: [n, 2] columns and rows, floating point."""
        p = np.atleast_2d(points)
        grow = self.source_mm / (self.source_mm - self.object_mm - p[:, 1])
        column = (self.centre_u_mm + p[:, 0] * grow) / self.pitch_u_mm
        row = (self.centre_v_mm - p[:, 2] * grow) / self.pitch_v_mm
        return np.stack([column, row], axis=1)
