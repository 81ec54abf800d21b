"""The finder network: a film in, what it shows and where out. ONNX Runtime, loaded when first asked.

Graph: input "film" float32 [1, 2, CANVAS_PX, CANVAS_PX], made by canvas(); outputs "points" float32 [1, 5, 2] (x, y in
pixels of the canvas, in the order of POINTS), "peaks" float32 [1, 5] (how much of a point's map lies about it, 0..1),
"frontal" [1] and "whole" [1] (0..1: a frontal pelvis, both hips of it in the film), "pose" [1, 8] (shares; quarter
turns counter-clockwise that set the film right, + 4 where bone is dark), "metal" [1, 2] (0..1, picture's left, right).
Fitted by benchmarks/fit_finder.py; FINDER.md beside it says on what.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

POINTS = ("head_left", "head_right", "shaft_left", "shaft_right", "symphysis")
CANVAS_PX = 144
LONGEST_PX = 124  # of the film in the canvas; what is about it lets a point lie a little outside the film
WEIGHTS = "hip_finder.onnx"
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What the network says of one film. points [5, 2] in pixels of the film."""

    points: NDArray[np.float64]
    peaks: Floats
    frontal: float
    whole: float
    pose: Floats
    metal: tuple[float, float]


def placing(width: int, height: int) -> tuple[float, int, int]:
    """How a film lies in the canvas: its scale, and where its left upper corner is."""
    factor = LONGEST_PX / max(width, height)
    return factor, round((CANVAS_PX - width * factor) / 2), round((CANVAS_PX - height * factor) / 2)


def canvas(eight_bit: NDArray[np.uint8]) -> Floats:
    """The film, H x W, as the network sees it: grey between its 1st and 99th percentile as -1..1, and where it lies."""
    height, width = eight_bit.shape
    factor, left, top = placing(width, height)
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    film = Image.fromarray(eight_bit).resize(size, Image.Resampling.BOX, reducing_gap=2.0)
    grey = np.asarray(film, np.float32)
    low, high = np.percentile(grey, (1, 99))
    out = np.zeros((2, CANVAS_PX, CANVAS_PX), np.float32)
    inside = (slice(top, top + size[1]), slice(left, left + size[0]))
    out[(0, *inside)] = np.clip((grey - low) / max(high - low, 1.0), 0, 1) * 2 - 1
    out[(1, *inside)] = 1.0
    return out


@lru_cache(maxsize=1)
def _session() -> Any:
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = 2
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 4
    data = files("hipcad_desktop.imaging").joinpath(WEIGHTS).read_bytes()
    return ort.InferenceSession(data, options, providers=["CPUExecutionProvider"])


def see(eight_bit: NDArray[np.uint8], *, session: Any = None) -> Seen:
    """The network's answer on a displayed film, H x W."""
    height, width = eight_bit.shape
    answers = (session or _session()).run(None, {"film": canvas(np.ascontiguousarray(eight_bit))[None]})
    points, peaks, frontal, whole, pose, metal = (a[0] for a in answers)
    factor, left, top = placing(width, height)
    at = (points.astype(np.float64) - (left, top)) / factor
    return Seen(at, peaks, float(frontal), float(whole), pose, (float(metal[0]), float(metal[1])))
