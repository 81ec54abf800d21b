"""What a training would do, found out before it begins: data, device, weights, memory, disk, and a few timed steps.

Nothing is written but what a library keeps of downloaded weights. What would end the training becomes a line that says
so, not an error: a person sees all of them at once.
"""

from __future__ import annotations

import math
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hipcad_desktop.domain.cohort import Partition
from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.halving import FRAME_PX
from hipcad_desktop.domain.messages import sentence
from hipcad_desktop.domain.preflight import Preflight, PreflightItem, Verdict
from hipcad_desktop.domain.progress import Watch
from hipcad_desktop.domain.time_words import duration
from hipcad_desktop.domain.training import VALIDATION_COST, Device, TrainConfig, validated
from hipcad_desktop.workflows.figure_words import counted
from hipcad_desktop.workflows.train import (
    Chosen,
    chosen_hips,
    default_run_folder,
    hip_set,
    load_weights,
    require_training,
)

if TYPE_CHECKING:
    from hipcad_desktop.domain.dataset import HipEntry
    from hipcad_desktop.learning.architecture import HipNetwork
    from hipcad_desktop.learning.device import ChosenDevice
    from hipcad_desktop.learning.rehearsal import Rehearsal

_WORK = "The check before the training"
_FEW_OF_A_CLASS = 30  # validation hips of one class: with fewer a sensitivity of 95 % is not told from 80 %
_LONG_S = 24 * 3600.0
_CHECKPOINTS = 4  # while the fourth is written three are kept (the last two and the best)
_STATES = 3  # of each parameter in a checkpoint: itself and the two moments of Adam
_PACKAGE = 2  # weights and graph of the model package
_BYTES = 4
_SPARE_DISK = 50_000_000  # figures, log, pictures of the worst hips
_TIGHT = 0.8  # of the free memory


def preflight(
    dataset: Path,
    *,
    config: TrainConfig,
    device: Device = "auto",
    to: Path,
    processes: int = 1,
    run_folder: Path | None = None,
    resume: bool = False,
    watch: Watch,
) -> Preflight:
    """Look at a training with the same arguments as workflows.train.train; in seconds where no weights are fetched.

    Raises UserError CANCELLED; everything else becomes an item with verdict "stop".
    """
    look = _Look(dataset, config, device, to, run_folder or default_run_folder(to), processes, resume, watch)
    return look.all()


class _Look:
    """One look: what was found so far."""

    def __init__(
        self,
        dataset: Path,
        config: TrainConfig,
        device: Device,
        to: Path,
        run_folder: Path,
        processes: int,
        resume: bool,
        watch: Watch,
    ) -> None:
        self._dataset, self._config, self._requested, self._to = dataset, config, device, to
        self._run_folder, self._processes, self._resume, self._watch = run_folder, processes, resume, watch
        self._found = Preflight((), {}, processes=processes, batch=config.batch)
        self._items: list[PreflightItem] = []
        self._training: Chosen | None = None
        self._validation: Chosen | None = None
        self._device: ChosenDevice | None = None
        self._network: HipNetwork | None = None

    def all(self) -> Preflight:
        """Every look in turn; one that fails is a line, and what needs its answer is left out."""
        looks: Sequence[tuple[str, Callable[[], None]]] = (
            ("Recipe", self._recipe),
            ("Hips", self._hips),
            ("Model file", self._target),
            ("Training software", require_training),
            ("Device", self._look_at_device),
            ("Network", self._build),
            ("Disk", self._disk),
            ("Time", self._rehearse),
        )
        for done, (name, look) in enumerate(looks):
            self._watch.check(_WORK)
            self._watch.step(f"looking at {name.lower()}", done, len(looks))
            try:
                look()
            except UserError as error:
                if error.code is ErrorCode.CANCELLED:
                    raise
                self._add(name, _short(error), "stop", sentence(error))
                if error.code is ErrorCode.TRAINING_NOT_INSTALLED:
                    break
        self._watch.step("done", len(looks), len(looks))
        return replace(self._found, items=tuple(self._items))

    def _add(self, name: str, value: str, verdict: Verdict = "ok", words: str = "") -> None:
        self._items.append(PreflightItem(name, value, verdict, words))

    # the parts

    def _recipe(self) -> None:
        config = validated(self._config)
        if self._processes < 1:
            raise UserError(
                ErrorCode.CONFIG_INVALID, field="processes", value=str(self._processes), detail="at least 1"
            )
        epochs = counted(config.epochs, "epoch")
        self._add("Recipe", f"{config.recipe}: {epochs}, {config.batch} hips a step, seed {config.seed}")

    def _hips(self) -> None:
        from hipcad_desktop.imaging.dataset_files import read_manifest

        _, entries = read_manifest(self._dataset)
        counts = {p.value: _counts([e for e in entries if e.partition is p], self._config) for p in Partition}
        self._found = replace(self._found, counts=counts)
        self._training, self._validation = chosen_hips(entries, self._config, self._dataset)
        training, validation, test = (counts[p.value] for p in Partition)
        value = ", ".join(f"{counts[p.value]['hips']:,} {p.value}" for p in Partition)
        few = min(validation["fracture"], validation["no_fracture"])
        if not test["hips"]:
            words = "The test partition is empty: nothing will be left to measure the model on."
            self._add("Hips", value, "mind", words)
        elif few < _FEW_OF_A_CLASS:
            words = (
                f"Validation has only {few} hips of one class: the thresholds chosen on it will be uncertain. "
                f"{_FEW_OF_A_CLASS} or more are better."
            )
            self._add("Hips", value, "mind", words)
        else:
            self._add("Hips", value, "ok", f"{training['patients']:,} patients train; none is in two partitions.")
        self._found = replace(self._found, steps=self._steps(training["hips"]))

    def _steps(self, hips: int) -> int:
        return max(1, min(-(-hips // self._config.batch), hips // 2)) * self._config.epochs

    def _target(self) -> None:
        if self._to.exists():
            raise UserError(ErrorCode.TARGET_EXISTS, path=str(self._to))
        for folder in (self._to.parent, self._run_folder.parent):
            if not os.access(_existing(folder), os.W_OK):
                raise UserError(ErrorCode.FOLDER_NOT_WRITABLE, path=str(folder))
        held = self._run_folder / "checkpoints"
        if not self._resume and held.is_dir() and any(held.glob("epoch-*.safetensors")):
            raise UserError(ErrorCode.RUN_UNFINISHED, path=str(self._run_folder))
        self._add("Model file", str(self._to), "ok", f"The run is kept in {self._run_folder}.")

    def _look_at_device(self) -> None:
        from hipcad_desktop.learning import device as devices
        from hipcad_desktop.learning.distributed import Team, take_gpu
        from hipcad_desktop.learning.memory import free_bytes, total_bytes

        self._found = replace(self._found, torch_build=devices.torch_build(), gpus=devices.gpus())
        chosen = devices.choose_device(self._requested)
        self._device, place = chosen, chosen.torch_device
        on_gpu = place.type == "cuda"
        self._found = replace(
            self._found,
            device=place.type,
            device_name=chosen.name,
            reason=chosen.reason,
            precision=chosen.precision,
            free_memory_mb=_mb(free_bytes(place)),
            total_memory_mb=_mb(total_bytes(place)),
            driver=devices.driver_version() if on_gpu else "",
        )
        found = self._found
        value = f"{chosen.name}, {chosen.precision}, torch {found.torch_build}"
        if on_gpu:
            words = "This torch supports this GPU."
            self._add("Device", f"{value}, driver {found.driver or 'unknown'}", "ok", words)
        else:
            why = "the processor was asked for" if self._requested == "cpu" else chosen.reason
            wanted = why[:1].upper() + why[1:]
            self._add("Device", value, "mind", f"{wanted}: the training runs on the processor, without a GPU.")
        if self._processes > 1:
            take_gpu(Team(0, self._processes, 0, self._processes), place.type)  # type: ignore[arg-type]
            cores = os.cpu_count() or 1
            busy = not on_gpu and self._processes > cores
            words = f"There are only {cores} cores: more processes make it slower." if busy else ""
            self._add("Processes", f"{self._processes}, one batch shared by all", "mind" if busy else "ok", words)

    def _build(self) -> None:
        from hipcad_desktop.learning.architecture import build_network

        network = build_network(self._config)
        load_weights(network, self._config)
        parameters = sum(p.numel() for p in network.parameters())
        self._network, self._found = network, replace(self._found, parameters=parameters)
        weights = {"imagenet": "ImageNet weights", "none": "random weights"}.get(
            self._config.weights, f"weights of {Path(self._config.weights).name}"
        )
        value = f"{self._config.backbone}, {parameters / 1e6:.1f} million parameters, {weights}"
        if self._config.weights == "none":
            self._add(
                "Network", value, "mind", "From random weights a training needs far more films than from ImageNet's."
            )
        else:
            self._add("Network", value)

    def _disk(self) -> None:
        parameters = self._found.parameters
        if parameters is None:
            return
        held = self._run_folder / "checkpoints"
        there = sum(path.stat().st_size for path in held.iterdir()) if held.is_dir() else 0
        needed = max(0, parameters * _BYTES * (_CHECKPOINTS * _STATES + _PACKAGE) - there) + _SPARE_DISK
        free = min(shutil.disk_usage(_existing(folder)).free for folder in (self._to.parent, self._run_folder.parent))
        self._found = replace(self._found, disk_needed_mb=_mb(needed), disk_free_mb=_mb(free))
        if free < needed:
            raise UserError(ErrorCode.DISK_FULL, path=str(self._run_folder), needed_mb=_mb(needed))
        self._add("Disk", f"{_mb(needed):,} MB of {_mb(free):,} MB free")

    def _rehearse(self) -> None:
        if self._network is None or self._device is None or self._training is None or self._validation is None:
            return
        from hipcad_desktop.learning.rehearsal import rehearse

        in_memory = sum(len(part.entries) for part in (self._training, self._validation)) * FRAME_PX**2
        hips = _some(self._dataset, self._training, self._config.batch)
        on_gpu = self._device.torch_device.type == "cuda"
        # Processes on the CPU share the same cores, so a step takes as long as with one of them.
        share = -(-self._config.batch // self._processes) if on_gpu else self._config.batch
        share = min(share, len(self._training.choices))
        found = rehearse(self._network, hips, config=self._config, device=self._device, share=share, watch=self._watch)
        self._tell_memory(found, in_memory)
        self._tell_time(found)

    def _tell_memory(self, found: Rehearsal, images: int) -> None:
        from hipcad_desktop.learning.memory import computer_bytes

        device, free = self._found.device, self._found.free_memory_mb or 0
        peak = _mb(found.peak_bytes + (images if device == "cpu" else 0))
        self._found = replace(self._found, peak_memory_mb=peak, micro_batch=found.hips_at_once)
        value = f"{peak:,} MB of {free:,} MB free"
        if device == "cuda":
            value += f" on the GPU; {_mb(images):,} MB of the computer's for the images"
        if images > (left := computer_bytes()):
            detail = f"the hip images need {_mb(images)} MB, and {_mb(left)} MB are free"
            raise UserError(ErrorCode.OUT_OF_MEMORY, detail=detail)
        if device == "cpu" and peak > free:
            detail = f"the images and a step need about {peak} MB, and {free} MB are free"
            raise UserError(ErrorCode.OUT_OF_MEMORY, detail=detail)
        if found.events:
            words = f"{found.events[-1]} Batch norm then sees smaller batches, so the result differs a little."
            self._add("Memory", value, "mind", words)
        elif peak > _TIGHT * free:
            self._add("Memory", value, "mind", "That is tight: close other programs, or choose a smaller batch.")
        else:
            self._add("Memory", value)

    def _tell_time(self, found: Rehearsal) -> None:
        counts, config = self._found.counts, self._config
        validation = counts[Partition.VALIDATION.value]["hips"] * config.epochs
        per_step = min(config.batch, counts[Partition.TRAINING.value]["hips"])
        per_hip = found.seconds_per_step / per_step
        total = self._found.steps * found.seconds_per_step + validation * per_hip * VALIDATION_COST
        self._found = replace(
            self._found,
            timed_steps=found.timed_steps,
            seconds_per_step=round(found.seconds_per_step, 4),
            images_per_s=round(1 / per_hip, 2),
            seconds_total=round(total, 1),
        )
        steps = counted(self._found.steps, "step")
        value = f"about {duration(total)}: {steps} of {found.seconds_per_step:.2f} s"
        few = found.hips_timed < min(config.batch, per_step)
        words = (
            f"Timed on {found.timed_steps} steps"
            + (f" of {found.hips_timed} hips" if few else "")
            + "; packing the model comes on top, a minute or two."
        )
        if total > _LONG_S:
            self._add("Time", value, "mind", f"{words} Longer than a day: a GPU or the recipe `quick` is faster.")
        else:
            self._add("Time", value, "ok", words)


def _counts(entries: Sequence[HipEntry], config: TrainConfig) -> Mapping[str, int]:
    """Of one partition, counted by hips and not by their images: those that train, elsewhere those that judge."""
    training = bool(entries) and entries[0].partition is Partition.TRAINING
    used = [e for e in entries if e.halving in (config.halvings if training else (config.judged_halving,))]
    hips = {(e.film_code, e.side): e.fracture for e in used}
    return {
        "patients": len({e.patient for e in used}),
        "films": len({e.film_code for e in used}),
        "hips": len(hips),
        "fracture": sum(hips.values()),
        "no_fracture": len(hips) - sum(hips.values()),
    }


def _some(dataset: Path, chosen: Chosen, batch: int) -> Any:
    """Enough hips of both classes for one batch, as the trainer takes them."""
    from hipcad_desktop.imaging.dataset_files import read_images

    broken = [choice for choice, fracture in zip(chosen.choices, chosen.fracture, strict=True) if fracture]
    whole = [choice for choice, fracture in zip(chosen.choices, chosen.fracture, strict=True) if not fracture]
    half = -(-batch // 2)
    picked = broken[: max(half, batch - len(whole))] + whole[: max(half, batch - len(broken))]
    entries: list[HipEntry] = []
    choices: list[tuple[int, ...]] = []
    for choice in picked:
        choices.append(tuple(range(len(entries), len(entries) + len(choice))))
        entries += [chosen.entries[index] for index in choice]
    part = Chosen(tuple(entries), tuple(choices))
    return hip_set(part, read_images(dataset, part.entries))


def _short(error: UserError) -> str:
    return error.code.value.replace("_", " ")


def _existing(folder: Path) -> Path:
    """The folder itself or the nearest one above it that exists."""
    return next(p for p in (folder.absolute(), *folder.absolute().parents) if p.exists())


def _mb(size: int) -> int:
    return math.ceil(size / 1e6)
