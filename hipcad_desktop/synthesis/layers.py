"""A film taken apart into a femur and what lies behind it, near one hip.

Grey values are taken as sums of what the beam crossed, which holds for the logarithm of the intensity; what a
detector's processing does to that is small over a few centimetres. What lies behind the femur is guessed by smoothing
what is seen beside it, so the femur carries the detail: trabeculae, edges, and the noise over them move with it.

Everything here is in the picture's frame of a hip on the picture's right: x outwards, y downwards, pixels of the piece.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

HEADS_MM = 180.0  # distance of the femoral heads: scales millimetres where no spacing is known

Floats = NDArray[np.float32]
Point = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Femur:
    """The landmarks that cuts and motions are described by, in pixels; each [2]. along: unit vector down the shaft."""

    head: Point
    neck_base: Point
    along: Point
    greater: Point
    lesser: Point
    mm: float  # pixels a millimetre

    @property
    def neck(self) -> Point:
        """Unit vector from the head to the neck's base."""
        way: Point = self.neck_base - self.head
        return way / float(np.hypot(*way))

    @property
    def neck_length(self) -> float:
        """From the head's centre to the neck's base, in pixels."""
        return float(np.hypot(*(self.neck_base - self.head)))


@dataclass(frozen=True, slots=True, eq=False)
class Layers:
    """picture = behind + bone. Each is float32 [H, W] in 0..1; mask is the femur's, head that of what stays put."""

    picture: Floats
    bone: Floats
    mask: Floats
    head: Floats
    femur: Femur

    @property
    def behind(self) -> Floats:
        """The picture without the femur."""
        return self.picture - self.bone


def femur_at(head: tuple[float, float], shaft: tuple[float, float], heads_px: float) -> Femur:
    """Landmarks from the head's centre and a point on the shaft's axis. Proportions by eye on 43 films."""
    h, s = np.array(head), np.array(shaft)
    base = h + heads_px * np.array((0.109, 0.183)) + 0.5 * np.array((s[0] - h[0], 0.0))
    along = s - base
    along = along / np.hypot(*along)
    return Femur(
        head=h,
        neck_base=base,
        along=along,
        greater=base + heads_px * np.array((0.055, -0.155)),
        lesser=base + heads_px * (0.17 * along + np.array((-0.075, 0.0))),
        mm=heads_px / HEADS_MM,
    )


def take_apart(picture: Floats, femur: Femur) -> Layers:
    """The layers of a piece of film about a hip."""
    heads_px = femur.mm * HEADS_MM
    y, x = np.mgrid[: picture.shape[0], : picture.shape[1]].astype(np.float32)
    away = _distance_to_femur(x, y, femur, heads_px)
    soft_px = 1.5 * femur.mm
    mask = _falling(away - 2.0 * femur.mm, soft_px)
    head = _falling(np.hypot(x - femur.head[0], y - femur.head[1]) - 0.125 * heads_px, 0.8 * femur.mm)
    outside_body = picture <= max(0.03, 0.8 * float(np.percentile(picture, 10)))
    beside = ((away > 5.0 * femur.mm) & ~outside_body).astype(np.float32)
    behind: Floats = np.zeros_like(picture)
    weight: Floats = np.zeros_like(picture)
    for reach_mm, share in ((7.0, 1.0), (16.0, 0.02), (45.0, 1e-4)):  # near neighbours decide where there are any
        behind += np.float32(share) * _blurred(picture * beside, reach_mm * femur.mm)
        weight += np.float32(share) * _blurred(beside, reach_mm * femur.mm)
    bone = ((picture - behind / np.maximum(weight, 1e-8)) * mask).astype(np.float32)
    bone = np.where(bone < 0, np.float32(0.5) * bone, bone)  # darker than beside it: gas, mostly; half stays put
    return Layers(picture, bone, mask, head, femur)


def _distance_to_femur(x: Floats, y: Floats, femur: Femur, heads_px: float) -> Floats:
    """Pixels outside the femur's outline, below zero inside: the smallest distance to rods of changing thickness."""
    base, along = femur.neck_base, femur.along
    rods = (
        (femur.head, base, 0.118, 0.100),
        (base, base + 0.30 * heads_px * along, 0.115, 0.100),
        (base, femur.greater, 0.110, 0.075),
        (base + 0.17 * heads_px * along, femur.lesser, 0.060, 0.055),
        (base + 0.25 * heads_px * along, base + 2.1 * heads_px * along, 0.100, 0.085),
    )
    nearest: Floats = np.minimum.reduce([_to_rod(x, y, a, b, r0 * heads_px, r1 * heads_px) for a, b, r0, r1 in rods])
    return nearest


def _to_rod(x: Floats, y: Floats, start: Point, end: Point, thick: float, thin: float) -> Floats:
    way = end - start
    share = np.clip(((x - start[0]) * way[0] + (y - start[1]) * way[1]) / float(way @ way), 0, 1)
    distance: Floats = np.hypot(x - start[0] - share * way[0], y - start[1] - share * way[1])
    outside: Floats = (distance - (thick + (thin - thick) * share)).astype(np.float32)
    return outside


def _falling(distance: Floats, soft_px: float) -> Floats:
    """1 inside, 0 outside, soft over the edge."""
    fall: Floats = (1 / (1 + np.exp(np.clip(distance / soft_px, -40, 40)))).astype(np.float32)
    return fall


def _blurred(values: Floats, sigma_px: float) -> Floats:
    """Gaussian; wide ones on a reduced picture, where nothing of their detail is lost."""
    step = max(1, int(sigma_px / 4))
    if step == 1:
        blurred: Floats = ndimage.gaussian_filter(values, sigma_px, truncate=3.0)
        return blurred
    small = ndimage.gaussian_filter(ndimage.uniform_filter(values, step)[::step, ::step], sigma_px / step, truncate=3.0)
    large: Floats = ndimage.zoom(small, step, order=1, grid_mode=False)
    rows, columns = values.shape
    padded = np.pad(large, ((0, max(0, rows - large.shape[0])), (0, max(0, columns - large.shape[1]))), mode="edge")
    return padded[:rows, :columns].astype(np.float32)


def turned(degrees: float) -> Point:
    """A rotation [2, 2]; above zero, what lies below the centre goes towards the body's middle (varus of a shaft)."""
    a = math.radians(degrees)
    return np.array(((math.cos(a), -math.sin(a)), (math.sin(a), math.cos(a))))


def moved(layer: Floats, matrix: Point, centre: Point, shift: Point) -> Floats:
    """A layer whose points p went to matrix (p - centre) + centre + shift.

    Cubic: linear interpolation smooths, and a probe told the hips by it (workflows.synthesis_probe: 0.76 against 0.65).
    """
    back = np.linalg.inv(matrix)
    offset = centre - back @ (centre + shift)
    result: Floats = ndimage.affine_transform(layer, back[::-1, ::-1], offset=offset[::-1], order=3, mode="nearest")
    return result
