"""What a hip image carries beside the bone: size, place, machine, sharpness, brightness (METHOD 3.4, the shortcut)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hipcad_desktop.domain.anatomy import Side
from hipcad_desktop.domain.dataset import HipEntry
from hipcad_desktop.domain.progress import Watch
from hipcad_desktop.imaging.dataset_files import read_images

HOSPITAL, SCANNER, FILM_SIZE, SIDE, WINDOW = "hospital", "scanner", "film size", "side", "halving window"
MAPPING, SHARPNESS, BRIGHTNESS = "mapping to 8 bits", "sharpness", "brightness"
THUMB_PX = 128
_BANDS = 4  # octaves whose energies are set against each other
_QUANTISATION = 1e-2  # grey levels squared: below what rounding to 8 bits leaves, so flat images have no slope
_BATCH = 16
_MOST_NAMES = 12  # rarer hospitals and scanners count as one

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Traces:
    """N hips beside the bone: cues by name, float64 [N, k] each, and thumbnails, uint8 [N, 128, 128]."""

    entries: tuple[HipEntry, ...]
    cues: Mapping[str, Floats]
    thumbs: npt.NDArray[np.uint8]


def trace(dataset: Path, entries: Sequence[HipEntry], *, watch: Watch) -> Traces:
    """Look at every image once. Raises UserError DATASET_DAMAGED or CANCELLED."""
    sharpness, brightness = np.zeros((len(entries), _BANDS - 1)), np.zeros((len(entries), 7))
    thumbs = np.zeros((len(entries), THUMB_PX, THUMB_PX), np.uint8)
    for start in range(0, len(entries), _BATCH):
        watch.check("The evaluation")
        watch.step("look for leaks", start, len(entries))
        for at, image in enumerate(read_images(dataset, entries[start : start + _BATCH]), start):
            sharpness[at], brightness[at], thumbs[at] = sharpness_of(image), brightness_of(image), thumbnail(image)
    watch.step("look for leaks", len(entries), len(entries))
    cues = cues_of(entries) | {SHARPNESS: sharpness, BRIGHTNESS: brightness}
    return Traces(tuple(entries), {name: values for name, values in cues.items() if _varies(values)}, thumbs)


def cues_of(entries: Sequence[HipEntry]) -> dict[str, Floats]:
    """The cues that hips.csv tells, float64 [N, k] each; k may be 0."""

    def numbers(*rows: Sequence[float]) -> Floats:
        return np.array(rows, dtype=np.float64).T.reshape(len(entries), len(rows))

    pixels = [math.log(e.film_width * e.film_height) for e in entries]
    aspect = [math.log(e.film_width / e.film_height) for e in entries]
    mapping = [_names([e.mapping_rule for e in entries])]
    mapping.append(numbers([e.mapping_low for e in entries], [e.mapping_high for e in entries]))
    return {
        HOSPITAL: _names([e.hospital for e in entries]),
        SCANNER: _names([e.scanner for e in entries]),
        FILM_SIZE: numbers(pixels, aspect, [e.film_height > e.film_width for e in entries]),
        SIDE: numbers([e.side is Side.RIGHT for e in entries]),
        WINDOW: numbers(*zip(*(_window_of(e) for e in entries), strict=True)),
        MAPPING: np.concatenate(mapping, axis=1),
    }


def sharpness_of(image: npt.NDArray[np.uint8]) -> Floats:
    """Log ratios of the energies of neighbouring octaves, finest first, [3]: enlarged or smoothed films score low.

    Ratios, so that neither contrast nor brightness of the film counts.
    """
    level, energies = image.astype(np.float64), []
    for _ in range(_BANDS):
        level = level[: level.shape[0] // 2 * 2, : level.shape[1] // 2 * 2]
        coarse = level.reshape(level.shape[0] // 2, 2, level.shape[1] // 2, 2).mean(axis=(1, 3))
        energies.append(float(((level - coarse.repeat(2, axis=0).repeat(2, axis=1)) ** 2).mean()) + _QUANTISATION)
        level = coarse
    slopes: Floats = np.log(np.array(energies[:-1]) / np.array(energies[1:]))
    return slopes


def brightness_of(image: npt.NDArray[np.uint8]) -> Floats:
    """Mean, deviation, three quantiles, and the shares of black and of white pixels, [7]."""
    low, middle, high = np.quantile(image, (0.05, 0.5, 0.95))
    black, white = float((image <= 2).mean()), float((image >= 253).mean())
    return np.array([image.mean(), image.std(), low, middle, high, black, white], dtype=np.float64)


def thumbnail(image: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """The image made small by averaging, uint8 [128, 128]."""
    from PIL import Image

    small = Image.fromarray(image).resize((THUMB_PX, THUMB_PX), Image.Resampling.BOX)
    return np.asarray(small, np.uint8)


def _window_of(entry: HipEntry) -> tuple[float, float, float]:
    """Shares of the film: the window's width, how far its outer edge lies inside, and its upper edge."""
    outer = min(entry.x0_px, entry.film_width - entry.x1_px)
    upper = entry.window.rows(entry.film_height)[0]
    return entry.window.width / entry.film_width, outer / entry.film_width, upper / entry.film_height


def _names(names: Sequence[str]) -> Floats:
    """One column a name, the commonest ones; the rest and the unknown are 0 in all."""
    known = sorted({n for n in names if n}, key=lambda n: (-names.count(n), n))[:_MOST_NAMES]
    columns = np.zeros((len(names), len(known)))
    for at, name in enumerate(names):
        if name in known:
            columns[at, known.index(name)] = 1
    return columns


def _varies(values: Floats) -> bool:
    return bool(values.shape[1]) and bool((values != values[:1]).any())
