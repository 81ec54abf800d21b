"""A whole real film in which hips are broken, or left whole by the same path."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from hipcad_desktop.domain.anatomy import FractureType, ImageHalf
from hipcad_desktop.domain.geometry import Rectangle
from hipcad_desktop.synthesis.breaking import break_hip, leave_whole
from hipcad_desktop.synthesis.layers import Floats, Layers, femur_at, take_apart

INWARDS, OUTWARDS, ABOVE = 0.45, 0.65, 0.40  # of the piece about a head, in distances of the heads
CUT_OFF = (0.08, 0.15)  # of the film's height at its lower edge: moved shafts end inside the film
TRIES = 4


@dataclass(frozen=True, slots=True)
class HipAt:
    """Where a hip is on the film: the femoral head's centre, a point on the shaft's axis, the distance of the heads."""

    half: ImageHalf
    head: tuple[float, float]
    shaft: tuple[float, float]
    heads_px: float


@dataclass(frozen=True, slots=True, eq=False)
class Synthetic:
    """A film, uint8 [H, W], and the rectangle and type of each hip that was broken."""

    film: NDArray[np.uint8]
    rectangles: Mapping[ImageHalf, Rectangle]
    types: Mapping[ImageHalf, FractureType]


@dataclass(frozen=True, slots=True, eq=False)
class _Piece:
    """The part of the film about one hip, mirrored where the hip is on the picture's left."""

    half: ImageHalf
    x0: int
    x1: int
    y0: int
    layers: Layers


@dataclass(slots=True, eq=False)
class BaseFilm:
    """A whole film taken apart once, from which any number of broken ones are made."""

    picture: Floats  # [H, W] in 0..1
    pieces: tuple[_Piece, ...] = field(default=())

    @classmethod
    def of(cls, eight_bit: NDArray[np.uint8], hips: tuple[HipAt, HipAt]) -> BaseFilm:
        """Take a film apart about both hips. Raises ValueError where a hip is too near to the film's edge."""
        picture: Floats = eight_bit.astype(np.float32) / np.float32(255)
        middle = round((hips[0].head[0] + hips[1].head[0]) / 2)
        return cls(picture, tuple(_piece(picture, hip, middle) for hip in hips))

    def made(self, wanted: Mapping[ImageHalf, FractureType | None], generator: Generator) -> Synthetic:
        """One film. wanted says how each hip is broken; None leaves it whole. Raises ValueError after some tries."""
        picture = self.picture.copy()
        rectangles: dict[ImageHalf, Rectangle] = {}
        types: dict[ImageHalf, FractureType] = {}
        height = round(picture.shape[0] * (1 - generator.uniform(*CUT_OFF)))
        for piece in self.pieces:
            kind = wanted[piece.half]
            if kind is None:
                changed = leave_whole(piece.layers, generator)
            else:
                changed, rectangle = _broken(piece, kind, generator, height)
                rectangles[piece.half], types[piece.half] = rectangle, kind
            picture[piece.y0 :, piece.x0 : piece.x1] = changed if piece.half is ImageHalf.RIGHT else changed[:, ::-1]
        picture = picture[:height]
        return Synthetic((np.clip(picture, 0, 1) * 255 + 0.5).astype(np.uint8), rectangles, types)


def _piece(picture: Floats, hip: HipAt, middle: int) -> _Piece:
    height, width = picture.shape
    on_right = hip.half is ImageHalf.RIGHT
    inwards, outwards = INWARDS * hip.heads_px, OUTWARDS * hip.heads_px
    x0, x1 = (
        (hip.head[0] - inwards, hip.head[0] + outwards) if on_right else (hip.head[0] - outwards, hip.head[0] + inwards)
    )
    low, high = (
        (max(round(x0), middle, 0), min(round(x1), width)) if on_right else (max(round(x0), 0), min(round(x1), middle))
    )
    y0 = max(round(hip.head[1] - ABOVE * hip.heads_px), 0)
    if high - low < 0.3 * hip.heads_px or height - y0 < 0.7 * hip.heads_px:
        raise ValueError("the hip is too near to the film's edge")

    def within(point: tuple[float, float]) -> tuple[float, float]:
        x = point[0] - low if on_right else high - 1 - point[0]
        return x, point[1] - y0

    part = picture[y0:, low:high]
    part = np.ascontiguousarray(part if on_right else part[:, ::-1])
    layers = take_apart(part, femur_at(within(hip.head), within(hip.shaft), hip.heads_px))
    return _Piece(hip.half, low, high, y0, layers)


def _broken(piece: _Piece, kind: FractureType, generator: Generator, height: int) -> tuple[Floats, Rectangle]:
    for _ in range(TRIES):
        broken = break_hip(piece.layers, kind, generator)
        r = broken.rectangle
        if piece.y0 + r.y1 < height:
            width = piece.x1 - piece.x0
            x = r.x if piece.half is ImageHalf.RIGHT else width - r.x1
            return broken.picture, Rectangle(piece.x0 + x, piece.y0 + r.y, r.width, r.height)
    raise ValueError("the fracture is not in the film")
