"""A model package written again with its weights once and in half precision, where its answers stay what they were."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.halving import FRAME_PX
from hipcad_desktop.domain.model_card import SCHEMA
from hipcad_desktop.domain.progress import Watch
from hipcad_desktop.domain.training import PAPER
from hipcad_desktop.shipped import resource
from hipcad_desktop.workflows.installed import need_installed
from hipcad_desktop.workflows.weight_precision import LARGEST_CHANGE, compared_hips, largest_change

_STEPS = 3
_NEEDED = ("torch", "timm", "onnx", "onnxscript", "safetensors")


@dataclass(frozen=True, slots=True)
class Shrunk:
    """The new package, both sizes in bytes, and the largest change of a probability."""

    model: Path
    sha256: str
    before: int
    after: int
    change: float


def shrink_model(model: Path, to: Path, *, watch: Watch) -> Shrunk:
    """Write a package's network to `to` with float16 weights; thresholds, temperature and figures stay.

    Raises UserError HALF_CHANGES_ANSWERS where a probability would change by more than 0.005 on hips of the sample
    films or of noise, TARGET_EXISTS, TRAINING_NOT_INSTALLED, CANCELLED, and those of read_package and write_package.
    """
    need_installed(_NEEDED)
    from hipcad_desktop.inference.network import Network
    from hipcad_desktop.inference.package import ModelPackage, read_package, write_package
    from hipcad_desktop.learning.architecture import build_network
    from hipcad_desktop.learning.export import to_onnx
    from hipcad_desktop.learning.weights import rounded, weights_bytes
    from hipcad_desktop.workflows.train import load_weights

    if to.exists():
        raise UserError(ErrorCode.TARGET_EXISTS, path=str(to))
    watch.step("reading the model", 0, _STEPS)
    package = read_package(model)
    card = replace(package.card, schema=SCHEMA, precision="float16")
    config = replace(PAPER, weights=str(model), backbone=card.backbone, input_px=card.input_px)
    network = build_network(config)
    load_weights(network, config)
    watch.check("Making the model smaller")
    watch.step("exporting", 1, _STEPS)
    kept = rounded(network)
    onnx = to_onnx(kept)
    watch.check("Making the model smaller")
    watch.step("comparing its answers", 2, _STEPS)
    hips = compared_hips(film_halves(sample_films()))
    before, after = (Network(p).predict(hips).margin for p in (package, ModelPackage(to, card, onnx, "")))
    change = largest_change(before, after, temperature=card.temperature)
    if change > LARGEST_CHANGE:
        raise UserError(ErrorCode.HALF_CHANGES_ANSWERS, path=str(model), change=f"{change:.4f}", limit=LARGEST_CHANGE)
    card = replace(card, figures={**card.figures, "largest_change_by_float16": change})
    sha256 = write_package(to, card=card, onnx=onnx, weights=weights_bytes(kept, half=True))
    watch.step("comparing its answers", _STEPS, _STEPS)
    return Shrunk(to, sha256, model.stat().st_size, to.stat().st_size, change)


def sample_films() -> list[Path]:
    """The films that ship: simulated ones, by name."""
    return sorted(resource("sample").glob("*.dcm"))


def film_halves(films: Sequence[Path]) -> npt.NDArray[np.uint8]:
    """Both halves of each film, halved in the middle: uint8 [N, 380, 380]. Raises UserError as read_film does."""
    from hipcad_desktop.domain.geometry import Window
    from hipcad_desktop.imaging.hip_image import hip_images
    from hipcad_desktop.imaging.reader import read_film

    found: list[npt.NDArray[np.uint8]] = []
    for path in films:
        film = read_film(path).eight_bit
        middle, width = film.shape[1] // 2, film.shape[1]
        found += hip_images(film, [Window(0, middle), Window(middle, width)])
    return np.stack(found) if found else np.zeros((0, FRAME_PX, FRAME_PX), np.uint8)
