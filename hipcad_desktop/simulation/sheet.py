"""Thin bone: plates and ridges as weighted points, spread over the raster."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hipcad_desktop.simulation.beam import Beam, Frame, Points
from hipcad_desktop.simulation.raster import Picture


@dataclass(frozen=True, slots=True, eq=False)
class Sheet:
    """Points [n, 3] in mm and the bone each stands for, in mm^3 of dense bone."""

    points: Points
    bone_mm3: NDArray[np.float64]

    def placed(self, frame: Frame) -> Sheet:
        """The sheet moved by a frame."""
        return Sheet(frame.to_world(self.points), self.bone_mm3)


def curve(knots: Points, count: int) -> Points:
    """A smooth curve through knots (Catmull-Rom), sampled at count points of equal parameter."""
    k = np.asarray(knots, dtype=np.float64)
    k = np.concatenate([2 * k[:1] - k[1:2], k, 2 * k[-1:] - k[-2:-1]])
    s = np.linspace(0, len(k) - 3, count)
    i = np.minimum(s.astype(int), len(k) - 4)
    t = (s - i)[:, None]
    a, b, c, d = k[i], k[i + 1], k[i + 2], k[i + 3]
    return np.asarray(0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3))


def plate(rng: np.random.Generator, surface: Points, bone_mm: NDArray[np.float64], *, finer: int = 6) -> Sheet:
    """A plate over a grid of corners [rows, columns, 3] with bone_mm of dense bone through it at each corner.

    Each cell becomes finer x finer points, jittered inside their share so that no stripes show on the film.
    """
    a, b, c, d = surface[:-1, :-1], surface[:-1, 1:], surface[1:, :-1], surface[1:, 1:]
    area = np.linalg.norm(np.cross(b - a, c - a), axis=2) / 2 + np.linalg.norm(np.cross(b - d, c - d), axis=2) / 2
    rows, columns = area.shape
    at = np.arange(finer)
    u = (at[None, None, None, :] + rng.random((rows, columns, finer, finer))) / finer
    v = (at[None, None, :, None] + rng.random((rows, columns, finer, finer))) / finer
    w = [(1 - v) * (1 - u), (1 - v) * u, v * (1 - u), v * u]
    corners = [x[:, :, None, None, :] for x in (a, b, c, d)]
    points = sum(wi[..., None] * x for wi, x in zip(w, corners, strict=True))
    at_corners = [bone_mm[:-1, :-1], bone_mm[:-1, 1:], bone_mm[1:, :-1], bone_mm[1:, 1:]]
    through = sum(wi * x[:, :, None, None] for wi, x in zip(w, at_corners, strict=True))
    weights = through * (area / finer**2)[:, :, None, None]
    return Sheet(np.asarray(points).reshape(-1, 3), np.asarray(weights).reshape(-1))


def ridge(rng: np.random.Generator, knots: Points, *, radius_mm: float, bone_mm2: float, fade: float = 0.12) -> Sheet:
    """A line of dense bone along a curve, with bone_mm2 in its cross-section, fading over a share of it at each end."""
    k = np.asarray(knots, dtype=np.float64)
    length = float(np.linalg.norm(np.diff(curve(k, 60), axis=0), axis=1).sum())
    count = max(60, int(length * 200))
    line = curve(k, count)
    ends = np.minimum(1, np.minimum(np.arange(count), np.arange(count)[::-1]) / (fade * count))
    points = line + rng.normal(0, radius_mm / 2, line.shape)
    return Sheet(points, ends * bone_mm2 * length / count)


def spread(beam: Beam, sheet: Sheet) -> Picture:
    """The sheet's shadow: mm of dense bone at each pixel of the raster, as seen from the source."""
    at = beam.project(sheet.points) - 0.5
    first = np.floor(at).astype(np.int64)
    share = at - first
    total = np.zeros(beam.width * beam.height)
    grow = beam.source_mm / (beam.source_mm - beam.object_mm - sheet.points[:, 1])
    weight = sheet.bone_mm3 * grow**2 / (beam.pitch_u_mm * beam.pitch_v_mm)
    for right in (0, 1):
        for down in (0, 1):
            column, row = first[:, 0] + right, first[:, 1] + down
            part = weight * (share[:, 0] if right else 1 - share[:, 0]) * (share[:, 1] if down else 1 - share[:, 1])
            seen = (column >= 0) & (column < beam.width) & (row >= 0) & (row < beam.height)
            total += np.bincount(
                row[seen] * beam.width + column[seen], weights=part[seen], minlength=beam.width * beam.height
            )
    return total.astype(np.float32).reshape(beam.height, beam.width)
