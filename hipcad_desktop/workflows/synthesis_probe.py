"""Does the synthesis leave traces? Hips that went through it unbroken against the same hips as they were.

Whole and broken synthetic hips go the same way, so a trace is no shortcut in a dataset that is synthetic throughout;
the figure says how much it would give away beside real hips, and how far from real the hips are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from hipcad_desktop.domain.anatomy import ImageHalf
from hipcad_desktop.domain.geometry import Size, Window
from hipcad_desktop.domain.halving import LARGEST_OVERLAP_SHARE, halve_by_hips, halve_by_midline
from hipcad_desktop.domain.metrics import Estimate
from hipcad_desktop.imaging.hip_cache import Heads
from hipcad_desktop.imaging.hip_image import hip_images
from hipcad_desktop.workflows.leak_cues import brightness_of, sharpness_of
from hipcad_desktop.workflows.leak_probe import clustered_auc, scores_of_unseen

if TYPE_CHECKING:
    from hipcad_desktop.synthesis.film import BaseFilm

MOST_FILMS = 80  # more take minutes and narrow the interval little
FEWEST_PATIENTS = 10
METHOD = "cross-validated by patient, line and forest; interval of clusters (Obuchowski, few: Newcombe)"
_CELLS = 4  # the image's parts, each way: a seam is somewhere
_LAGS = ((0, 1), (1, 0), (1, 1), (0, 2), (2, 0))  # how far apart interpolation makes pixels alike
_QUIET = 1e-2  # grey levels squared: below what rounding to 8 bits leaves

Hips = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]


@dataclass(slots=True, eq=False)
class Traces:
    """What was measured so far: a row a hip, twice: as it was, and after the synthesis left it whole."""

    before: list[Floats] = field(default_factory=list)
    after: list[Floats] = field(default_factory=list)
    patients: list[str] = field(default_factory=list)

    def add(self, patient: str, hips: Sequence[tuple[Floats, Floats]]) -> None:
        """Keep a film's hips."""
        for before, after in hips:
            self.before.append(before)
            self.after.append(after)
            self.patients.append(patient)

    def answer(self) -> Estimate:
        """The area that a line and a forest reach on patients they never saw; 0.5: nothing can be seen."""
        n = 2 * len(self.patients)
        if len(set(self.patients)) < FEWEST_PATIENTS:
            return Estimate(None, None, None, n, "hips", METHOD, f"fewer than {FEWEST_PATIENTS} patients were broken")
        values = np.array([*self.before, *self.after])
        made = np.repeat([False, True], len(self.patients))
        patients = np.array([*self.patients, *self.patients])
        found = clustered_auc(scores_of_unseen(values, made, patients), made, patients)
        area, low, high = (round(value, 4) for value in found)  # the manifest's bytes must not hang on the last digit
        return Estimate(area, low, high, n, "hips", METHOD)


def traces_of_film(film: BaseFilm, heads: Heads, generator: np.random.Generator) -> list[tuple[Floats, Floats]]:
    """Both hips' cues before and after, float64 [k] each: of the diagnosis halves and of the squares about the heads.

    heads in pixels of the film. Raises ValueError or UserError where the synthesis or the halving cannot have the film.
    """
    made = film.made(dict.fromkeys(ImageHalf), generator).film
    before = (film.picture[: made.shape[0]] * 255 + 0.5).astype(np.uint8)
    size = Size(made.shape[1], made.shape[0])
    middle = (heads[0][0] + heads[1][0]) / 2
    strips = halve_by_midline(size, middle, overlap_share=LARGEST_OVERLAP_SHARE / 2)
    squares = halve_by_hips(size, *heads)
    found = []
    for half in ImageHalf:
        windows: tuple[Window, ...] = (strips.of(half).window, squares.of(half).window)
        found.append((_cues(hip_images(before, windows)), _cues(hip_images(made, windows))))
    return found


def _cues(images: Sequence[Hips]) -> Floats:
    return np.concatenate([traces_of(image) for image in images])


def traces_of(image: Hips) -> Floats:
    """What interpolation, seams and filling leave in an image [380, 380], float64 [k], free of its contrast.

    The energies of two fine octaves against a coarser one in each cell, the likeness of neighbours in what is finest,
    the ratios of the octaves, and the brightness.
    """
    level, octaves = image.astype(np.float64), []
    for _ in range(3):
        level = level[: level.shape[0] // 2 * 2, : level.shape[1] // 2 * 2]
        coarse = level.reshape(level.shape[0] // 2, 2, level.shape[1] // 2, 2).mean(axis=(1, 3))
        octaves.append(level - coarse.repeat(2, axis=0).repeat(2, axis=1))
        level = coarse
    energies = [_cells(octave**2) for octave in octaves]
    local = [np.log(energy / energies[2]) for energy in energies[:2]]
    return np.concatenate(
        [*(part.ravel() for part in local), _likeness(image), sharpness_of(image), brightness_of(image)]
    )


def _cells(values: Floats) -> Floats:
    """The mean of each of 4 x 4 parts."""
    rows, columns = (np.array_split(np.arange(n), _CELLS) for n in values.shape)
    return np.array([[values[np.ix_(r, c)].mean() + _QUIET for c in columns] for r in rows])


def _likeness(image: Hips) -> Floats:
    """Correlation of the finest detail with itself some pixels away, [5]."""
    fine = image.astype(np.float64)
    fine = fine[1:-1, 1:-1] - (fine[:-2, 1:-1] + fine[2:, 1:-1] + fine[1:-1, :-2] + fine[1:-1, 2:]) / 4
    power = (fine**2).mean() + _QUIET
    height, width = fine.shape
    return np.array([(fine[dy:, dx:] * fine[: height - dy, : width - dx]).mean() / power for dy, dx in _LAGS])
