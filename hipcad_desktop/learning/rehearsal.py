"""A few real steps of a training before it begins: how long one takes, and how much memory."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from hipcad_desktop.domain.progress import Watch
from hipcad_desktop.domain.training import TrainConfig
from hipcad_desktop.learning.architecture import HipNetwork
from hipcad_desktop.learning.data import HipSet
from hipcad_desktop.learning.device import ChosenDevice
from hipcad_desktop.learning.memory import bytes_per_hip, needed_bytes
from hipcad_desktop.learning.run_folder import RunFolder
from hipcad_desktop.learning.trainer import RunData, Trainer
from hipcad_desktop.learning.vigil import Vigil

_WARM_UP, _TIMED = 3, 8  # steps on a GPU, whose first ones choose algorithms
_TIMED_ON_CPU = 3
_STEP_ON_CPU_S = 4.0  # longer steps are judged by fewer hips: the paper's batch takes a minute and more there
_FEWEST = 2


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What the steps showed. hips_timed: of a step's hips so many were timed, the rest reckoned from them."""

    seconds_per_step: float
    timed_steps: int
    hips_timed: int
    hips_at_once: int
    peak_bytes: int
    events: tuple[str, ...]  # what was said of memory that ran short, in words


def rehearse(
    network: HipNetwork, hips: HipSet, *, config: TrainConfig, device: ChosenDevice, share: int, watch: Watch
) -> Rehearsal:
    """Train a network, which is of no use afterwards, for seconds on hips, at least one batch of both classes.

    share: how many hips of a step this device trains. Raises UserError CANCELLED, OUT_OF_MEMORY, GPU_LOST.
    """
    listening = _Listening(watch)
    config = replace(config, epochs=max(config.epochs, 2 * (_WARM_UP + _TIMED)))  # a schedule with room for every step
    with tempfile.TemporaryDirectory(prefix="hipcad-") as folder:
        data = RunData(hips, hips, "")
        trainer = Trainer(network, data, config=config, device=device, run=RunFolder(Path(folder)), watch=listening)
        if device.torch_device.type == "cpu":
            trainer.fit_memory()
        whole = trainer.drawn(1)[0]
        step = whole.part(slice(0, max(_FEWEST, min(share, len(whole)))))
        vigil = Vigil(watch)

        def timed(size: int) -> float:
            began = vigil.now_s()
            trainer.try_step(step.part(slice(0, size)))
            return vigil.now_s() - began

        if device.torch_device.type == "cpu":
            seconds, count, size = _on_cpu(timed, len(step), watch)
            peak = needed_bytes(network, bytes_per_hip(network, device.torch_device), trainer.hips_at_once)
        else:
            torch.cuda.reset_peak_memory_stats(device.torch_device)
            seconds, count, size = _on_gpu(timed, len(step), watch)
            peak = int(torch.cuda.max_memory_reserved(device.torch_device))
    return Rehearsal(seconds * share / size, count, size, trainer.hips_at_once, peak, tuple(listening.events))


def _on_cpu(timed: Callable[[int], float], whole: int, watch: Watch) -> tuple[float, int, int]:
    """Median seconds of a step, how many were timed, and with how many hips."""
    watch.step("timing steps", 0, _TIMED_ON_CPU + 1)
    timed(_FEWEST)  # the first one fetches code and memory
    each = timed(_FEWEST) / _FEWEST
    size = max(_FEWEST, min(whole, int(_STEP_ON_CPU_S / each)))
    found = []
    for done in range(_TIMED_ON_CPU):
        watch.step("timing steps", done + 1, _TIMED_ON_CPU + 1)
        found.append(timed(size))
    return statistics.median(found), len(found), size


def _on_gpu(timed: Callable[[int], float], whole: int, watch: Watch) -> tuple[float, int, int]:
    found = []
    for done in range(_WARM_UP + _TIMED):
        watch.step("timing steps", done, _WARM_UP + _TIMED)
        found.append(timed(whole))
    return statistics.median(found[_WARM_UP:]), _TIMED, whole


class _Listening(Watch):
    """Hears what the trainer says of memory, and passes on pauses and cancels."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self.events: list[str] = []

    def step(self, stage: str, done: int, total: int, **facts: object) -> None:
        if "sentence" in facts:
            self.events.append(str(facts["sentence"]))

    def cancelled(self) -> bool:
        return self._watch.cancelled()

    def wait_while_paused(self) -> None:
        self._watch.wait_while_paused()
