"""Does the heat map cover the fracture? Heat maps of found fractures against the readers' rectangles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hipcad_desktop.domain.coverage import Coverage
from hipcad_desktop.domain.dataset import HipEntry
from hipcad_desktop.domain.evaluation import Interval
from hipcad_desktop.domain.halving import FRAME_PX
from hipcad_desktop.domain.metrics import Estimate
from hipcad_desktop.workflows.intervals import by_patient, proportion

IOU_THRESHOLDS = tuple(round(0.05 * k, 2) for k in range(1, 20))

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True, eq=False)
class Covered:
    """One heat map against one rectangle."""

    patient: str
    hit: bool  # the hottest cell's centre lies in the rectangle
    inside: float  # share of the heat in the rectangle
    iou: npt.NDArray[np.float64]  # by threshold, a share of the peak
    area: float  # the rectangle's share of the hip image: what chance gives


def rectangle_in_hip(entry: HipEntry) -> Box | None:
    """The hip's rectangle in its image, x0 y0 x1 y1 as shares of width and height; None without one in the window."""
    x0, y0, x1, y1 = entry.rect_x0_px, entry.rect_y0_px, entry.rect_x1_px, entry.rect_y1_px
    if x0 is None or y0 is None or x1 is None or y1 is None:
        return None
    width = entry.window.width
    upper, lower = entry.window.rows(entry.film_height)
    left, right = max(0.0, (x0 - entry.x0_px) / width), min(1.0, (x1 - entry.x0_px) / width)
    top, bottom = max(0.0, (y0 - upper) / (lower - upper)), min(1.0, (y1 - upper) / (lower - upper))
    return (left, top, right, bottom) if right > left and bottom > top else None


def covered(entry: HipEntry, heat: npt.NDArray[np.float32]) -> Covered | None:
    """A heat map [h, w] over the entry's hip image against its rectangle; None where the rectangle is not known.

    Pointing game without tolerance (Zhang et al., IJCV 2018;126:1084), share of the energy inside (Wang et al.,
    Score-CAM, 2020), IoU of the heat above a share of its peak. The map is enlarged as the overlay shows it. No heat at
    all covers nothing.
    """
    from PIL import Image

    box = rectangle_in_hip(entry)
    if box is None:
        return None
    left, top, right, bottom = box
    at = (np.arange(FRAME_PX) + 0.5) / FRAME_PX
    mask = np.outer((at >= top) & (at < bottom), (at >= left) & (at < right))
    area = (right - left) * (bottom - top)
    large = np.maximum(
        np.asarray(Image.fromarray(heat).resize((FRAME_PX, FRAME_PX), Image.Resampling.BILINEAR), np.float64), 0.0
    )
    peak = float(large.max())
    if peak <= 0:
        return Covered(entry.patient, False, 0.0, np.zeros(len(IOU_THRESHOLDS)), area)
    row, column = np.unravel_index(int(heat.argmax()), heat.shape)
    y, x = (float(row) + 0.5) / heat.shape[0], (float(column) + 0.5) / heat.shape[1]
    hit = left <= x < right and top <= y < bottom
    iou = [_iou(large >= threshold * peak, mask) for threshold in IOU_THRESHOLDS]
    return Covered(entry.patient, bool(hit), float(large[mask].sum() / large.sum()), np.array(iou), area)


def coverage_of(hips: Sequence[Covered], *, interval: Interval = "wilson") -> Coverage | None:
    """The figures of correctly found fractures; None where none has a rectangle.

    Means carry bootstrap intervals by patient. The IoU is of the threshold with the best mean on these very hips, so it
    is an upper bound of what a fixed threshold would reach.
    """
    if not hips:
        return None
    iou = np.stack([h.iou for h in hips])
    best = int(iou.mean(axis=0).argmax())
    patients = [h.patient for h in hips]
    chance = float(np.mean([h.area for h in hips]))
    return Coverage(
        n=len(hips),
        pointing=proportion(sum(h.hit for h in hips), len(hips), interval),
        pointing_by_chance=chance,
        heat_inside=_mean(patients, [h.inside for h in hips]),
        inside_by_chance=chance,
        iou=_mean(patients, iou[:, best].tolist()),
        iou_threshold=IOU_THRESHOLDS[best],
    )


def _mean(patients: Sequence[str], values: Sequence[float]) -> Estimate:
    parts = np.array([[v, 1.0] for v in values])
    return by_patient(patients, parts, lambda sums: sums[:, 0] / sums[:, 1])


def _iou(hot: npt.NDArray[np.bool_], mask: npt.NDArray[np.bool_]) -> float:
    either = int((hot | mask).sum())
    return float((hot & mask).sum() / either) if either else 0.0
