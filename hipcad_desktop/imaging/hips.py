"""Where the two hips of a frontal pelvis lie: the femoral heads' centres and the femurs' directions.

The pelvis finder gives the middle between the heads and their distance, each head to about 2.5 % of the film's width.
From there two linear steps look at the gradients around a head and say how far it is off, which way the shaft runs and
how large the hip is (supervised descent, Xiong and De la Torre, CVPR 2013). Both hips are looked at as right hips of
the picture: the other one is mirrored. Fitted by benchmarks/fit_hips.py; HIPS_REGRESSION.md says on what.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hipcad_desktop.domain.anatomy import ImageHalf
from hipcad_desktop.domain.scope import HipPoints as HipPoints
from hipcad_desktop.imaging.gradients import CELL_PX, DIRECTIONS, Floats, gradient_map
from hipcad_desktop.imaging.pelvis import FoundPelvis

UNIT_PX = 96  # the distance between the heads in the picture that is looked at
PATCH_PX = (96, 112)  # width, height of what is seen of a hip
HEAD_AT_PX = (48.0, 40.0)  # where the head is expected in it
FEATURES = PATCH_PX[0] // CELL_PX * (PATCH_PX[1] // CELL_PX) * DIRECTIONS
TARGETS = 5  # head x, y; shaft x, y; logarithm of the size: from the expectation, in distances of the heads
SHAFT_AT = 0.5  # the shaft point lies so far from the head, in distances of the heads
BELOW_THE_MIDDLE = 0.04  # the heads lie so much lower than the template's origin says, in distances of the heads
LARGEST_RESIZE = 0.1
PARTS = ("mean", "weights", "bias")


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """A linear map from gradients to TARGETS: mean [FEATURES], weights [FEATURES, TARGETS], bias [TARGETS]."""

    mean: Floats
    weights: Floats
    bias: Floats


@lru_cache(maxsize=1)
def load_steps() -> tuple[Step, ...]:
    """The shipped steps, in order."""
    with files("hipcad_desktop.imaging").joinpath("hips_regression.npz").open("rb") as file:
        kept = np.load(file, allow_pickle=False)
        count = len([name for name in kept.files if name.startswith("mean")])
        return tuple(Step(*(kept[f"{part}{i}"].astype(np.float32) for part in PARTS)) for i in range(count))


def find_hips(
    eight_bit: NDArray[np.uint8], pelvis: FoundPelvis, *, steps: tuple[Step, ...] | None = None
) -> tuple[HipPoints, HipPoints]:
    """The hips of a film, H x W, on the picture's left and on its right, from where the pelvis was found."""
    film = Image.fromarray(np.ascontiguousarray(eight_bit))
    return (
        refined(film, first_guess(film.size, pelvis, ImageHalf.LEFT), steps),
        refined(film, first_guess(film.size, pelvis, ImageHalf.RIGHT), steps),
    )


def first_guess(size: tuple[int, int], pelvis: FoundPelvis, half: ImageHalf) -> HipPoints:
    """A hip as far as the pelvis finder knows it."""
    outwards = -1 if half is ImageHalf.LEFT else 1
    heads_px = pelvis.heads * size[0]
    x = pelvis.x * size[0] + outwards * heads_px / 2
    y = pelvis.y * size[1] + BELOW_THE_MIDDLE * heads_px
    return HipPoints(half, x, y, x + outwards * 0.17 * heads_px, y + 0.47 * heads_px, heads_px)


def seen(film: Image.Image, at: HipPoints, *, turned: float = 0.0) -> Floats:
    """The gradients around a hip, [FEATURES], the picture's left hip mirrored; turned about the head by radians."""
    factor = UNIT_PX / at.heads_px
    small = film.resize(
        (max(1, round(film.width * factor)), max(1, round(film.height * factor))),
        Image.Resampling.BILINEAR,
        reducing_gap=3.0,
    )
    outwards = -1.0 if at.half is ImageHalf.LEFT else 1.0
    cos, sin = math.cos(turned), math.sin(turned)
    a, b, d, e = outwards * cos, -outwards * sin, sin, cos
    x, y = at.head_x * small.width / film.width, at.head_y * small.height / film.height
    across, down = HEAD_AT_PX
    matrix = (a, b, x - a * across - b * down, d, e, y - d * across - e * down)
    patch = small.transform(PATCH_PX, Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR)
    return gradient_map(patch, PATCH_PX).ravel()


def refined(film: Image.Image, guess: HipPoints, steps: tuple[Step, ...] | None = None) -> HipPoints:
    """A hip after the linear steps, from where it was guessed."""
    for step in steps or load_steps():
        guess = moved(guess, np.asarray((seen(film, guess) - step.mean) @ step.weights + step.bias, np.float32))
    return guess


def moved(at: HipPoints, by: Floats) -> HipPoints:
    """A guess corrected by TARGETS."""
    outwards = -1.0 if at.half is ImageHalf.LEFT else 1.0
    head_x, head_y, shaft_x, shaft_y, size = (float(v) for v in by)
    return HipPoints(
        at.half,
        at.head_x + outwards * head_x * at.heads_px,
        at.head_y + head_y * at.heads_px,
        at.head_x + outwards * shaft_x * at.heads_px,
        at.head_y + shaft_y * at.heads_px,
        at.heads_px * math.exp(min(max(size, -LARGEST_RESIZE), LARGEST_RESIZE)),
    )
