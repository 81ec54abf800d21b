"""The trained network through ONNX Runtime on the CPU: hip images in, probability and heat map out. No torch."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import NoReturn, Protocol

import numpy as np
import numpy.typing as npt

from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.halving import FRAME_PX
from hipcad_desktop.inference.graph import GraphRefused, misfit, open_session
from hipcad_desktop.inference.package import ModelPackage

_MOST_THREADS = 8


@dataclass(frozen=True, slots=True, eq=False)
class Predicted:
    """What the network says of N hips.

    p_fracture: float64 [N] in 0..1, after the card's temperature; heat: float32 [N, h, w], the rectified Grad-CAM of
    class "fracture" on the final feature map, not normalised. margin: float64 [N], the logit of "fracture" minus that
    of "no fracture", before the temperature.
    """

    p_fracture: npt.NDArray[np.float64]
    heat: npt.NDArray[np.float32]
    margin: npt.NDArray[np.float64]


class Predictor(Protocol):
    """Anything that predicts as Network does; a workflow takes one to reuse a loaded network."""

    @property
    def package(self) -> ModelPackage:
        """The package whose graph answers."""

    def predict(self, hips: npt.NDArray[np.uint8]) -> Predicted:
        """Probability and heat map of hip images, uint8 [N, 380, 380]."""


class Network:
    """A package's graph, loaded once and used from one thread at a time."""

    def __init__(self, package: ModelPackage, *, threads: int | None = None) -> None:
        """Load the graph. Raises UserError MODEL_PACKAGE_DAMAGED where it is not one that write_package accepts."""
        self._package = package
        self._threads = threads or _usable_cores()
        try:
            # Two callers at a time share the session's pool, so together they use `threads` cores.
            self._session = open_session(package.onnx, threads=max(1, self._threads - 1), optimised=True)
        except GraphRefused as error:
            self._damaged("its graph cannot be loaded", error)
        if problem := misfit(self._session):
            self._damaged(problem)

    @property
    def package(self) -> ModelPackage:
        """The package whose graph answers."""
        return self._package

    def predict(self, hips: npt.NDArray[np.uint8]) -> Predicted:
        """Probability and heat map of hip images, uint8 [N, 380, 380].

        With two cores or more the halves of the batch are computed beside each other: two hips on two cores without a
        meeting after each of 400 operators, which cost more than it gained (benchmarks/diagnosis.py).
        Raises UserError MODEL_PACKAGE_DAMAGED where the graph fails or answers with something that is no number.
        """
        if hips.dtype != np.uint8 or hips.ndim != 3 or hips.shape[1:] != (FRAME_PX, FRAME_PX):
            raise ValueError(f"hip images are uint8 [N, {FRAME_PX}, {FRAME_PX}], not {hips.dtype} {hips.shape}")
        if not len(hips):
            return Predicted(np.zeros(0), np.zeros((0, 1, 1), np.float32), np.zeros(0))
        if len(hips) == 1 or self._threads == 1:
            return self._run(hips)
        half = (len(hips) + 1) // 2
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="hips") as beside:
            second = beside.submit(self._run, hips[half:])
            first = self._run(hips[:half])
            return _joined(first, second.result())

    def _run(self, hips: npt.NDArray[np.uint8]) -> Predicted:
        try:
            logits, heat = self._session.run(["logits", "heat"], {"hips": np.ascontiguousarray(hips)})
        except Exception as error:
            # ONNX Runtime's exceptions share no base class below Exception; MemoryError is ours to pass on.
            if isinstance(error, MemoryError):
                raise
            self._damaged("its graph fails on a hip image", error)
        if logits.shape != (len(hips), 2) or heat.ndim != 3 or len(heat) != len(hips):
            self._damaged("its graph answers with other shapes than it promises")
        if not (np.isfinite(logits).all() and np.isfinite(heat).all()):
            self._damaged("its graph answers with something that is no number")
        wide = logits.astype(np.float64)
        margin = wide[:, 1] - wide[:, 0]
        return Predicted(sigmoid(margin / self._package.card.temperature), np.maximum(heat, 0.0), margin)

    def _damaged(self, detail: str, cause: Exception | None = None) -> NoReturn:
        path = str(self._package.path)
        raise UserError(ErrorCode.MODEL_PACKAGE_DAMAGED, path=path, detail=detail) from cause


def _joined(first: Predicted, second: Predicted) -> Predicted:
    return Predicted(
        np.concatenate([first.p_fracture, second.p_fracture]),
        np.concatenate([first.heat, second.heat]),
        np.concatenate([first.margin, second.margin]),
    )


def sigmoid(margin: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Softmax of two logits, by their difference: exp of nothing above 0, so that none overflows."""
    small = np.exp(-np.abs(margin))
    return np.asarray(np.where(margin >= 0, 1 / (1 + small), small / (1 + small)))


def _usable_cores() -> int:
    """Cores this process may run on: a container often has fewer than the machine."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)
    return max(1, min(cores, _MOST_THREADS))
