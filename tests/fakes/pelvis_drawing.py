"""A drawn frontal pelvis for tests that need a film in scope and have no real one. It copies no film."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageDraw, ImageFilter

Points = list[tuple[float, float]]

# One half, in distances of the femoral heads from the middle between them; x away from the midline, y downwards.
BODY: Points = [
    (0, -1.5),
    (0.95, -1.4),
    (0.9, -0.9),
    (1.05, -0.2),
    (1.12, 0.3),
    (1.0, 1.5),
    (0.12, 1.5),
    (0.06, 0.62),
    (0, 0.6),
]
WING: Points = [(0.2, -0.5), (0.32, -0.75), (0.55, -0.98), (0.8, -0.95), (0.93, -0.78), (0.86, -0.5), (0.74, -0.3)]
WING += [(0.68, -0.12), (0.55, 0.02), (0.42, 0.0), (0.4, -0.15), (0.36, -0.3)]
SACRUM: Points = [(0, -0.8), (0.2, -0.75), (0.24, -0.5), (0.12, -0.2), (0, -0.02)]
PUBIS: Points = [
    (0.42, 0.0),
    (0.38, 0.12),
    (0.2, 0.22),
    (0.03, 0.26),
    (0.03, 0.42),
    (0.1, 0.42),
    (0.24, 0.32),
    (0.48, 0.14),
]
ISCHIUM: Points = [
    (0.44, 0.1),
    (0.55, 0.2),
    (0.4, 0.5),
    (0.28, 0.58),
    (0.06, 0.42),
    (0.12, 0.38),
    (0.28, 0.46),
    (0.36, 0.3),
]
FEMUR: Points = [
    (0.56, -0.08),
    (0.66, 0.04),
    (0.76, -0.02),
    (0.88, 0.06),
    (0.9, 0.24),
    (0.82, 0.45),
    (0.8, 1.5),
    (0.6, 1.5),
]
FEMUR += [(0.64, 0.5), (0.66, 0.36), (0.5, 0.16)]


def drawn_pelvis(
    width: int = 454, height: int = 373, *, x: float = 0.5, y: float = 0.52, heads: float = 0.45, noise: float = 2.0
) -> NDArray[np.uint8]:
    """uint8[height, width]: the middle between the heads at (x, y) of the film, heads apart by a share of its width."""
    unit, layers = heads * width, Image.new("L", (width, height), 4)

    def place(points: Points, side: int) -> Points:
        return [(x * width + side * px * unit, y * height + py * unit) for px, py in points]

    def add(points: Points, grey: int, side: int, rim: int = 0) -> None:
        nonlocal layers
        layer = Image.new("L", (width, height), 0)
        draw = ImageDraw.Draw(layer)
        draw.polygon(place(points, side), fill=grey)
        if rim:
            draw.line([*place(points, side), place(points, side)[0]], fill=rim, width=max(2, round(unit / 50)))
        layers = ImageChops.add(layers, layer)

    for side in (-1, 1):
        add(BODY, 45, side)
        add(WING, 40, side, 85)
        add(SACRUM, 45, side)
        add(PUBIS, 35, side, 75)
        add(ISCHIUM, 35, side, 75)
        add(FEMUR, 55, side, 110)
        head = Image.new("L", (width, height), 0)
        cx, cy = x * width + side * unit / 2, y * height
        radius = 0.13 * unit
        ImageDraw.Draw(head).ellipse((cx - radius, cy - radius, cx + radius, cy + radius), fill=45)
        layers = ImageChops.add(layers, head)
    for level in range(4):  # lumbar vertebrae
        top = y * height - (0.98 + 0.2 * level) * unit
        vertebra = Image.new("L", (width, height), 0)
        ImageDraw.Draw(vertebra).rectangle(
            (x * width - 0.17 * unit, top, x * width + 0.17 * unit, top + 0.16 * unit), fill=55
        )
        layers = ImageChops.add(layers, vertebra)
    smooth = np.asarray(layers.filter(ImageFilter.GaussianBlur(max(1.0, unit / 100))), dtype=np.float64)
    grain = np.random.default_rng(7).normal(0, noise, smooth.shape)
    return np.clip(smooth + grain, 0, 255).astype(np.uint8)
