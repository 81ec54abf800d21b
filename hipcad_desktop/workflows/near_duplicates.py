"""The same film in two partitions, cropped a little or saved again: found by the fine structure of its hips.

Hips resemble each other in the coarse, so grey levels say little; edges and trabeculae at even local contrast do.
Candidates come from one matrix product at rest; each is then correlated over all shifts (Lewis, Fast normalized
cross-correlation, 1995) and small changes of scale.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hipcad_desktop.domain.dataset import HipEntry
from hipcad_desktop.domain.progress import Watch

SAME_FILM = 0.7  # copies of real films cropped by 4 % a side, JPEG 60: above 0.85; different people: below 0.6
_AT_REST = 0.45  # copies cropped by 4 % a side: above 0.75
_CANDIDATES = 2
_BLOCK = 512
_SCALES = (0.94, 0.97, 1.0, 1.03, 1.06)
_COARSE_PX = 32

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class NearDuplicate:
    """Two films in two partitions whose hips look the same; correlation in 0..1."""

    film: str
    other: str
    correlation: float


def near_duplicates(
    entries: Sequence[HipEntry], thumbs: npt.NDArray[np.uint8], *, watch: Watch
) -> tuple[NearDuplicate, ...]:
    """Pairs of films in different partitions that look like copies, mirrored ones too; the likest first.

    entries and thumbs uint8 [N, h, h], h a multiple of 32, of one halving. Raises UserError CANCELLED.
    """
    if not entries:
        return ()
    coarse = np.stack([_at_rest(t) for t in thumbs])
    mirrored = np.stack([_at_rest(t[:, ::-1]) for t in thumbs])
    places = {part: np.flatnonzero([e.partition is part for e in entries]) for part in {e.partition for e in entries}}
    ordered = sorted(places)
    best: dict[tuple[str, str], float] = {}
    for first, part in enumerate(ordered):
        for other in ordered[first + 1 :]:
            few, many = sorted((places[part], places[other]), key=len)
            for i, j, flip in _candidates(coarse, mirrored, few, many, watch):
                a, b = sorted((entries[i].film_code, entries[j].film_code))
                score = likeness(thumbs[i][:, ::-1] if flip else thumbs[i], thumbs[j])
                best[a, b] = max(best.get((a, b), 0.0), score)
    found = [NearDuplicate(a, b, score) for (a, b), score in best.items() if score >= SAME_FILM and a != b]
    return tuple(sorted(found, key=lambda d: (-d.correlation, d.film, d.other)))


def likeness(a: npt.NDArray[np.uint8], b: npt.NDArray[np.uint8]) -> float:
    """The highest correlation of two thumbnails' fine structure over shifts and scales of a few per cent, 0..1."""
    from scipy.fft import irfft2, rfft2

    window = np.outer(np.hanning(len(a)), np.hanning(len(a))).astype(np.float32)
    moving = _fine(a.astype(np.float32))
    fixed = np.conj(rfft2(_unit(_fine(b.astype(np.float32)) * window)))
    best = 0.0
    for x in _SCALES:
        for y in _SCALES:
            spectrum = rfft2(_unit(_scaled(moving, x, y) * window))
            best = max(best, float(irfft2(spectrum * fixed, s=a.shape).max()))
    return min(best, 1.0)


def _candidates(
    coarse: Floats, mirrored: Floats, few: npt.NDArray[np.intp], many: npt.NDArray[np.intp], watch: Watch
) -> Iterator[tuple[int, int, bool]]:
    """For each of the few, the likest of the many at rest: their places, and whether the first is to be mirrored."""
    for start in range(0, len(few), _BLOCK):
        block = few[start : start + _BLOCK]
        for flip, own in ((False, coarse), (True, mirrored)):
            alike = own[block] @ coarse[many].T
            nearest = np.argsort(-alike, axis=1, kind="stable")[:, :_CANDIDATES]
            for at, i in enumerate(block):
                watch.check("The evaluation")
                yield from ((int(i), int(many[j]), flip) for j in nearest[at] if alike[at, j] >= _AT_REST)


def _at_rest(thumb: npt.NDArray[np.uint8]) -> Floats:
    """A short description whose product with that of a copy is near 1: band-passed 32 x 32, unit length."""
    from scipy.ndimage import gaussian_filter

    step = len(thumb) // _COARSE_PX
    small = thumb.reshape(_COARSE_PX, step, _COARSE_PX, step).mean(axis=(1, 3), dtype=np.float32)
    return _unit(gaussian_filter(small, 0.7) - gaussian_filter(small, 2.5)).ravel()


def _fine(thumb: Floats) -> Floats:
    """Structure of one to four pixels at even local contrast; one grey level is added so that flat stays flat."""
    from scipy.ndimage import gaussian_filter

    fine = gaussian_filter(thumb, 0.7) - gaussian_filter(thumb, 2)
    return np.asarray(fine / (np.sqrt(gaussian_filter(fine * fine, 4)) + 1.0), np.float32)


def _unit(values: Floats) -> Floats:
    """Without its mean, of length 1; zeros stay zeros."""
    centred = values - values.mean()
    length = float(np.linalg.norm(centred))
    return np.asarray(centred / length if length > 1e-6 else np.zeros_like(centred), np.float32)


def _scaled(fine: Floats, x: float, y: float) -> Floats:
    """As it would be had the film been cropped or widened about its middle."""
    from PIL import Image

    if (x, y) == (1.0, 1.0):
        return fine
    size = len(fine)
    data = (1 / x, 0, size / 2 * (1 - 1 / x), 0, 1 / y, size / 2 * (1 - 1 / y))
    picture = Image.fromarray(fine).transform((size, size), Image.Transform.AFFINE, data, Image.Resampling.BILINEAR)
    return np.asarray(picture, np.float32)
