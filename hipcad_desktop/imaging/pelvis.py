"""The pelvis finder: one average frontal pelvis, in gradients, compared with the film at every place and size.

The template is a linear classifier (Dalal and Triggs, CVPR 2005) over oriented gradients, mirror-symmetric by
construction and fitted by benchmarks/fit_pelvis.py; PELVIS_TEMPLATE.md beside it says on what. Its frame is the
patient's: the middle between the femoral heads lies at its origin, and the heads are HEADS_CELLS cells apart, so
where it fits best is the midline and how large the pelvis is. Because the features only change places when a film is
mirrored, turned or inverted, the same template also says that a film lies on its side, upside down or inverted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hipcad_desktop.domain.scope import Pose as Pose
from hipcad_desktop.imaging.gradients import CELL_PX, DIRECTIONS, Floats, gradient_map, shrunk

HEADS_CELLS = 8  # distance between the femoral heads in the template's frame
ROWS_ABOVE, ROWS_BELOW, COLUMNS_BESIDE = 9, 8, 9  # the template's reach from the middle between the heads
SMALLEST_PELVIS, LARGEST_PELVIS = 0.13, 0.66  # distance of the heads as a share of the film's longer side
SIZE_STEP = 2**0.2
WORKING_PX = 640  # the finest level of the pyramid needs about 490 px
PELVIS_SCORE = 0.15  # from here on a pelvis; right films left out of the fit: least 0.46, 95 % above 0.93
LOGISTIC_SLOPE = 3.0
UPRIGHT = Pose()
MIRRORED_CHANNELS = np.array([4, 3, 2, 1, 0, 7, 6, 5])


@dataclass(frozen=True, slots=True, eq=False)
class Level:
    """The gradient map of the film at one size."""

    cells: Floats
    size: tuple[int, int]  # width, height of the resized film it was made from


@dataclass(frozen=True, slots=True)
class FoundPelvis:
    """The best fit of the template, as shares of the film in its pose."""

    score: float
    x: float  # middle between the heads, share of the width
    y: float  # share of the height
    heads: float  # distance between the heads, share of the width
    symmetry: float = 0.0  # correlation of its gradients with their mirror image, -1..1

    @property
    def confidence(self) -> float:
        """The score on a scale 0..1; 0.5 where a film just begins to count as a pelvis."""
        return float(1 / (1 + np.exp(-LOGISTIC_SLOPE * (self.score - PELVIS_SCORE))))

    @property
    def beyond_the_heads(self) -> float:
        """How far the film goes on beyond the head nearer to its edge, in distances of the heads."""
        return (min(self.x, 1 - self.x) - self.heads / 2) / self.heads if self.heads else 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Template:
    """Weights [row, column, channel] about the middle between the heads, and what to add to their sum."""

    weights: Floats
    bias: float


@lru_cache(maxsize=1)
def load_template() -> Template:
    """The shipped template (pelvis_template.csv: bias in the first row, then one cell a row)."""
    text = files("hipcad_desktop.imaging").joinpath("pelvis_template.csv").read_text("ascii")
    rows = [line.split(",") for line in text.splitlines() if line and not line.startswith("#")]
    values = np.array(rows[1:], dtype=np.float32)
    shape = (ROWS_ABOVE + ROWS_BELOW, 2 * COLUMNS_BESIDE, DIRECTIONS)
    weights = values.reshape(shape)
    weights.setflags(write=False)
    return Template(weights, float(rows[0][0]))


def pyramid(eight_bit: NDArray[np.uint8]) -> tuple[Level, ...]:
    """The film's gradient maps, one for each size that a pelvis may have."""
    film = shrunk(eight_bit, WORKING_PX)
    return tuple(Level(gradient_map(film, size), size) for size in _sizes(film))


def find_pelvis(levels: tuple[Level, ...], pose: Pose = UPRIGHT, *, template: Template | None = None) -> FoundPelvis:
    """The best fit over all places and sizes of the film changed by the pose."""
    template = template or load_template()
    best, best_view = FoundPelvis(score=-10.0, x=0.5, y=0.5, heads=0.0), np.zeros(template.weights.shape, np.float32)
    for level in levels:
        cells, (width, height) = in_pose(level, pose)
        scores = score_map(cells, template)
        row, column = np.unravel_index(int(scores.argmax()), scores.shape)
        if scores[row, column] > best.score:
            x = float(column) + _peak_offset(scores[row, :], int(column))
            y = float(row) + _peak_offset(scores[:, column], int(row))
            heads = HEADS_CELLS * CELL_PX / width
            best = FoundPelvis(float(scores[row, column]), x * CELL_PX / width, y * CELL_PX / height, heads)
            best_view = _view(cells, int(row), int(column))
    return replace(best, symmetry=_symmetry(best_view))


def in_pose(level: Level, pose: Pose) -> tuple[Floats, tuple[int, int]]:
    """A level's map as if its film had been changed by the pose, and the size the film then has."""
    cells = np.rot90(level.cells, pose.quarter_turns)
    cells = np.roll(cells, -2 * pose.quarter_turns + (DIRECTIONS // 2 if pose.inverted else 0), axis=2)
    return cells, level.size if pose.quarter_turns % 2 == 0 else (level.size[1], level.size[0])


def score_map(cells: Floats, template: Template) -> Floats:
    """The template's score with its origin at every cell corner, rows + 1 x columns + 1. Outside the film is empty."""
    rows, columns = cells.shape[:2]
    size = (rows + ROWS_ABOVE + ROWS_BELOW, columns + 2 * COLUMNS_BESIDE)
    film = np.fft.rfft2(cells, s=size, axes=(0, 1))
    weights = np.fft.rfft2(template.weights, s=size, axes=(0, 1))
    scores = np.fft.irfft2((film * weights.conj()).sum(axis=2), s=size)
    scores = np.roll(scores, (ROWS_ABOVE, COLUMNS_BESIDE), axis=(0, 1))[: rows + 1, : columns + 1]
    return (scores + template.bias).astype(np.float32)


def _view(cells: Floats, row: int, column: int) -> Floats:
    """What the template sees with its origin at a cell corner; zero outside the film."""
    view = np.zeros((ROWS_ABOVE + ROWS_BELOW, 2 * COLUMNS_BESIDE, DIRECTIONS), np.float32)
    top, left = max(row - ROWS_ABOVE, 0), max(column - COLUMNS_BESIDE, 0)
    seen = cells[top : row + ROWS_BELOW, left : column + COLUMNS_BESIDE]
    down, right = top - (row - ROWS_ABOVE), left - (column - COLUMNS_BESIDE)
    view[down : down + seen.shape[0], right : right + seen.shape[1]] = seen
    return view


def _symmetry(view: Floats) -> float:
    """Correlation of a view with its mirror image where both lie in the film, each channel less its mean."""
    mirrored = view[:, ::-1][:, :, MIRRORED_CHANNELS]
    both = (view.sum(axis=2) > 0) & (mirrored.sum(axis=2) > 0)
    if not both.any():
        return 0.0
    one, other = view[both], mirrored[both]
    one, other = one - one.mean(axis=0), other - other.mean(axis=0)
    return float((one * other).sum() / (np.sqrt((one**2).sum() * (other**2).sum()) + 1e-9))


def _sizes(film: Image.Image) -> Iterator[tuple[int, int]]:
    """Film sizes at which the heads of a pelvis would be HEADS_CELLS cells apart, from small pelves to large."""
    share = SMALLEST_PELVIS
    while share <= LARGEST_PELVIS:
        factor = HEADS_CELLS * CELL_PX / share / max(film.size)
        width, height = round(film.width * factor), round(film.height * factor)
        if min(width, height) >= 3 * CELL_PX:
            yield width, height
        share *= SIZE_STEP


def _peak_offset(values: Floats, at: int) -> float:
    """Where between cells the maximum lies: the top of the parabola through it and its neighbours, -0.5..0.5."""
    if not 0 < at < len(values) - 1:
        return 0.0
    left, middle, right = (float(v) for v in values[at - 1 : at + 2])
    bend = left - 2 * middle + right
    return float(np.clip(0.5 * (left - right) / bend, -0.5, 0.5)) if bend < 0 else 0.0
