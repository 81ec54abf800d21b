"""How a femur's layer is cut and moved, by the classes of METHOD 1; and how a whole one stays whole, by the same path.

Ranges are by eye on real films of each class. A whole hip is taken apart, turned a little in its joint and put back
too, so that resampling tells nothing of the class.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from scipy import ndimage

from hipcad_desktop.domain.anatomy import FractureType
from hipcad_desktop.domain.geometry import Rectangle
from hipcad_desktop.synthesis.layers import Floats, Layers, Point, moved, turned

MARGIN_MM = 5.0  # of a rectangle about what was cut, as readers draw it
TURNED_LEG = (0.9, 1.04)  # the width of a whole femur below its head, as a share
_STILL = np.eye(2)
_NOWHERE = np.zeros(2)


@dataclass(frozen=True, slots=True, eq=False)
class Broken:
    """The piece of film with a broken hip, float32 [H, W], and a rectangle about the fracture in its pixels."""

    picture: Floats
    rectangle: Rectangle


@dataclass(frozen=True, slots=True, eq=False)
class _Cut:
    """A jagged line: which share of each pixel lies before it (towards the head), and how near the line is."""

    before: Floats
    near: Floats
    distance: Floats


class _Pieces:
    """A femur in pieces, being put together again; remembers where the surroundings of its cuts went."""

    def __init__(self, layers: Layers, generator: Generator) -> None:
        self.layers, self.generator = layers, generator
        self.femur, self.mm = layers.femur, layers.femur.mm
        rows, columns = layers.picture.shape
        y, x = np.mgrid[:rows, :columns].astype(np.float32)
        self.x, self.y = x, y
        self.bone = np.zeros_like(layers.bone)
        self.marked = np.zeros_like(layers.bone)

    def between(self, low: float, high: float) -> float:
        """A number between two."""
        return float(self.generator.uniform(low, high))

    def maybe(self, share: float) -> bool:
        """True so often."""
        return bool(self.generator.random() < share)

    def cut(self, centre: Point, normal: Point, roughness_mm: float, band_mm: float) -> _Cut:
        """A cut through a point; before it lies where the normal comes from."""
        along = np.array((-normal[1], normal[0]))
        distance = (self.x - centre[0]) * normal[0] + (self.y - centre[1]) * normal[1]
        at = (self.x - centre[0]) * along[0] + (self.y - centre[1]) * along[1]
        for length_mm in (28.0, 13.0, 7.0, 4.0):
            wave = 2 * np.pi * self.between(0.7, 1.2) / (length_mm * self.mm)
            height = roughness_mm * self.mm * length_mm / 28.0  # smooth over short ways: bone splinters, it is not sawn
            distance = distance + height * np.sin(wave * at + self.between(0, 2 * np.pi))
        before = 1 / (1 + np.exp(np.clip(distance / (0.8 * self.mm), -40, 40)))
        near = np.exp(-((distance / (band_mm * self.mm)) ** 2))
        return _Cut(before.astype(np.float32), near.astype(np.float32), distance.astype(np.float32))

    def ball(self, centre: Point, radius_mm: float) -> Floats:
        """Which share of each pixel lies within a jagged ball."""
        angle = np.arctan2(self.y - centre[1], self.x - centre[0])
        radius = radius_mm + 1.5 * np.sin(3 * angle + self.between(0, 6.3)) + np.sin(7 * angle + self.between(0, 6.3))
        distance = np.hypot(self.x - centre[0], self.y - centre[1]) - radius * self.mm
        inside: Floats = (1 / (1 + np.exp(np.clip(distance / (0.8 * self.mm), -40, 40)))).astype(np.float32)
        return inside

    def put(
        self, piece: Floats, near: Floats, matrix: Point = _STILL, centre: Point = _NOWHERE, shift: Point = _NOWHERE
    ) -> None:
        """Add a piece where its motion brings it; near marks what belongs to the fracture."""
        is_still = matrix is _STILL and shift is _NOWHERE
        marks = ((near > 0.5) & (self.layers.mask > 0.5)).astype(np.float32)
        self.bone += piece if is_still else moved(piece, matrix, centre, shift)
        self.marked = np.maximum(self.marked, marks if is_still else moved(marks, matrix, centre, shift))

    def line(self, cut: _Cut, brightness: float) -> None:
        """A line that stays where it was cut: bright where pressed together, dark where apart."""
        self.bone += cut.near * self.layers.mask * np.float32(brightness)

    def rubble(self, cut: _Cut) -> None:
        """Small fragments along a cut."""
        grain = ndimage.gaussian_filter(self.generator.normal(size=self.bone.shape), 1.6 * self.mm) * 1.6 * self.mm
        reach = np.abs(cut.distance) < self.between(4, 10) * self.mm
        self.bone += (self.layers.mask * reach * grain * self.between(0.01, 0.08)).astype(np.float32)

    def broken(self) -> Broken:
        """The picture with the femur as it lies now. Raises ValueError where the fracture is outside the piece."""
        rows, columns = np.nonzero(self.marked > 0.5)
        if len(rows) < 12:
            raise ValueError("nothing of the fracture is in the picture")
        margin = MARGIN_MM * self.mm
        x0, x1 = np.quantile(columns, (0.01, 0.99))
        y0, y1 = np.quantile(rows, (0.01, 0.99))
        height, width = self.bone.shape
        rectangle = Rectangle.from_corners(
            max(0.0, float(x0) - margin),
            max(0.0, float(y0) - margin),
            min(float(width), float(x1) + margin),
            min(float(height), float(y1) + margin),
        )
        return Broken(self.layers.behind + self.bone, rectangle)


def break_hip(layers: Layers, kind: FractureType, generator: Generator) -> Broken:
    """A hip broken in one way. Raises ValueError where too little of the femur is in the picture."""
    pieces = _Pieces(layers, generator)
    _WAYS[kind](pieces)
    return pieces.broken()


def leave_whole(layers: Layers, generator: Generator) -> Floats:
    """The same hip, whole, by the same path: the femur below its head turned by a few degrees and put back.

    A leg turned outwards or inwards shows its neck shorter or longer: that alone is no fracture.
    """
    staying = layers.bone * layers.head
    going = layers.bone - staying
    shift = generator.normal(0, 0.6, 2) * layers.femur.mm
    shorter = np.array(((float(generator.uniform(*TURNED_LEG)), 0.0), (0.0, 1.0)))
    way = turned(float(generator.normal(0, 4))) @ shorter
    return layers.behind + staying + moved(going, way, layers.femur.head, shift)


def _neck_cut(pieces: _Pieces, low: float = 0.45, high: float = 0.9) -> _Cut:
    """Across the neck, between two shares of its length."""
    femur = pieces.femur
    centre = femur.head + femur.neck * femur.neck_length * pieces.between(low, high)
    normal = turned(pieces.between(-25, 25)) @ femur.neck
    return pieces.cut(centre, normal, pieces.between(0.8, 2.5), pieces.between(1.0, 2.2))


def _garden_i(pieces: _Pieces) -> None:
    """Impacted in valgus: the shaft comes up into the head, a bright line is left."""
    cut, bone = _neck_cut(pieces), pieces.layers.bone
    pieces.put(bone * cut.before, cut.near)
    shift = -pieces.femur.neck * pieces.between(1.5, 6) * pieces.mm
    pieces.put(bone * (1 - cut.before), cut.near, turned(pieces.between(-12, 2)), pieces.femur.neck_base, shift)
    pieces.line(cut, pieces.between(0.02, 0.12))


def _garden_ii(pieces: _Pieces) -> None:
    """Through and through, not moved: a dark line, at times a bright one."""
    cut, bone = _neck_cut(pieces), pieces.layers.bone
    gap = pieces.between(0.25, 0.8) if pieces.maybe(0.6) else -pieces.between(0.12, 0.4)
    bone = bone * (1 - cut.near * np.float32(gap))
    pieces.put(bone * cut.before, cut.near)
    shift = pieces.femur.neck * pieces.between(0, 1.2) * pieces.mm
    pieces.put(bone * (1 - cut.before), cut.near, turned(pieces.between(-3, 3)), pieces.femur.neck_base, shift)


def _displaced_neck(pieces: _Pieces, up_mm: float, outwards_mm: float) -> None:
    """The shaft turned outwards and pulled up, the stump of the neck on the head turned or resorbed."""
    cut, layers, femur = _neck_cut(pieces, 0.4, 1.1), pieces.layers, pieces.femur
    before = layers.bone * cut.before
    head = before * layers.head
    stump = (before - head) * (1 - cut.near * np.float32(pieces.between(0, 0.5)))
    pieces.put(head, np.zeros_like(head))
    if pieces.maybe(0.55):
        pieces.put(stump * np.float32(pieces.between(0, 0.6)), cut.near)
    else:
        pieces.put(stump, cut.near, turned(pieces.between(5, 32)), femur.head, np.zeros(2))
    after = layers.bone * (1 - cut.before) * (1 - cut.near * np.float32(pieces.between(0, 0.8)))
    shorter = np.array(((pieces.between(0.75, 1.0), 0.0), (0.0, 1.0)))  # turned outwards, the neck looks short
    shift = (np.array((outwards_mm, 0.0)) - femur.along * up_mm) * pieces.mm
    pieces.put(after, cut.near, turned(pieces.between(-6, 10)) @ shorter, femur.neck_base, shift)


def _garden_iii(pieces: _Pieces) -> None:
    _displaced_neck(pieces, pieces.between(3, 13), pieces.between(-4, 7))


def _garden_iv(pieces: _Pieces) -> None:
    _displaced_neck(pieces, pieces.between(10, 34), pieces.between(-4, 14))


def _greater_trochanter(pieces: _Pieces) -> None:
    """The tip off, pulled up and inwards by the gluteal muscles."""
    greater, bone = pieces.femur.greater, pieces.layers.bone
    heads_px = pieces.mm * 180
    cut = pieces.cut(greater + heads_px * np.array((-0.03, 0.05)), np.array((0.8, -0.6)), 2.0, 1.4)
    rest = bone * cut.before * (1 - cut.near * np.float32(pieces.between(0.2, 0.7)))
    pieces.put(rest, cut.near)
    shift = np.array((pieces.between(0, 6), -pieces.between(1, 10))) * pieces.mm
    pieces.put(bone * (1 - cut.before), 1 - cut.before, turned(pieces.between(-8, 18)), greater, shift)


def _trochanteric(pieces: _Pieces, cut: _Cut, *, lesser: bool, greater: bool, undisplaced: float) -> None:
    """Head and neck fall into varus, the shaft is pulled up and inwards, trochanters come off."""
    femur, layers, mm = pieces.femur, pieces.layers, pieces.mm
    before, after = layers.bone * cut.before, layers.bone * (1 - cut.before)
    calm = pieces.maybe(undisplaced)
    if lesser:
        ball = pieces.ball(femur.lesser, pieces.between(9, 16))
        shift = np.array((-pieces.between(2, 13), -pieces.between(0, 16))) * mm
        pieces.put((before + after) * ball, ball, turned(pieces.between(-40, 40)), femur.lesser, shift)
        before, after = before * (1 - ball), after * (1 - ball)
    if greater:
        tip = pieces.cut(femur.greater + np.array((-4.0, 4.0)) * mm, np.array((0.8, -0.6)), 2.0, 1.5)
        shift = np.array((pieces.between(-3, 9), -pieces.between(0, 13))) * mm
        piece = before * (1 - tip.before)
        pieces.put(piece, 1 - tip.before, turned(pieces.between(-25, 15)), femur.greater, shift)
        before = before * tip.before
    varus = pieces.between(0, 4) if calm else pieces.between(5, 28)
    up = pieces.between(0, 1.5) if calm else pieces.between(3, 20)
    inwards = pieces.between(-1, 1) if calm else pieces.between(-4, 12)
    of_head = varus * pieces.between(0.4, 1.0)
    gap = 1 - cut.near * np.float32(pieces.between(0.3, 0.9))
    head = before * layers.head
    pieces.put(head, np.zeros_like(head))
    pieces.put((before - head) * gap, cut.near, turned(of_head), femur.head, np.zeros(2))
    centre = femur.neck_base
    carried = turned(of_head) @ (centre - femur.head) + femur.head - centre  # with the neck, to keep in touch
    shorter = np.array(((pieces.between(0.85, 1.0), 0.0), (0.0, 1.0)))
    shift = carried - (femur.along * up + np.array((inwards, 0.0))) * mm
    pieces.put(after * gap, cut.near, turned(pieces.between(-4, 8) + varus - of_head) @ shorter, centre, shift)
    if not calm and pieces.maybe(0.5):
        pieces.rubble(cut)


def _between_trochanters(pieces: _Pieces) -> _Cut:
    femur, mm = pieces.femur, pieces.mm
    above = femur.greater + np.array((pieces.between(-12, 6), pieces.between(4, 20))) * mm
    below = femur.lesser + np.array((-4.0, pieces.between(-12, 6))) * mm
    return _cut_through(pieces, above, below)


def _cut_through(pieces: _Pieces, start: Point, end: Point) -> _Cut:
    way = (end - start) / np.hypot(*(end - start))
    normal = np.array((-way[1], way[0]))
    if normal @ pieces.femur.along < 0:
        normal = -normal
    return pieces.cut((start + end) / 2, normal, pieces.between(1.2, 3.5), pieces.between(1.2, 3.0))


def _a1(pieces: _Pieces) -> None:
    _trochanteric(pieces, _between_trochanters(pieces), lesser=False, greater=pieces.maybe(0.1), undisplaced=0.3)


def _a2(pieces: _Pieces) -> None:
    _trochanteric(pieces, _between_trochanters(pieces), lesser=True, greater=pieces.maybe(0.6), undisplaced=0.06)


def _a3(pieces: _Pieces) -> None:
    """Reversed: from below outside to above inside."""
    femur, mm = pieces.femur, pieces.mm
    outside = femur.neck_base + (femur.along * pieces.between(22, 45) + np.array((16.0, 0.0))) * mm
    inside = femur.neck_base + (femur.along * pieces.between(-2, 22) - np.array((18.0, 0.0))) * mm
    cut = _cut_through(pieces, outside, inside)
    _trochanteric(pieces, cut, lesser=pieces.maybe(0.35), greater=pieces.maybe(0.1), undisplaced=0.06)


_WAYS: Mapping[FractureType, Callable[[_Pieces], None]] = {
    FractureType.GARDEN_I: _garden_i,
    FractureType.GARDEN_II: _garden_ii,
    FractureType.GARDEN_III: _garden_iii,
    FractureType.GARDEN_IV: _garden_iv,
    FractureType.AO_31_A1: _a1,
    FractureType.AO_31_A2: _a2,
    FractureType.AO_31_A3: _a3,
    FractureType.GREATER_TROCHANTER: _greater_trochanter,
}
