"""A dataset becomes a model package: trained, exported, thresholds chosen on validation (METHOD 3.6, 3.8)."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hipcad_desktop.domain.cohort import Partition
from hipcad_desktop.domain.dataset import DatasetManifest, HipEntry
from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.halving import FRAME_PX
from hipcad_desktop.domain.progress import Watch
from hipcad_desktop.domain.training import Device, TrainConfig, validated
from hipcad_desktop.workflows.installed import need_installed
from hipcad_desktop.workflows.pack_model import Measured, Origin, pack_model
from hipcad_desktop.workflows.train_processes import Spawned, train_in_processes
from hipcad_desktop.workflows.write_cards import write_run_cards

if TYPE_CHECKING:
    from hipcad_desktop.learning.architecture import HipNetwork
    from hipcad_desktop.learning.checkpoint import Checkpoint
    from hipcad_desktop.learning.data import HipSet
    from hipcad_desktop.learning.device import ChosenDevice
    from hipcad_desktop.learning.distributed import Team
    from hipcad_desktop.learning.run_folder import RunFolder

_NEEDED = ("torch", "timm", "safetensors", "sklearn", "statsmodels", "onnx", "onnxscript", "jinja2")
_READ_AT_ONCE = 64
_WORK = "The training"


@dataclass(frozen=True, slots=True)
class RunSummary:
    """What a training left behind. figures are those of validation with the diagnosis halving."""

    model: Path
    model_sha256: str
    run_folder: Path
    epochs: int
    seconds: float
    figures: Mapping[str, Any]


def train(
    dataset: Path,
    to: Path,
    *,
    config: TrainConfig,
    device: Device = "auto",
    resume: bool = False,
    run_folder: Path | None = None,
    note: str = "",
    processes: int = 1,
    watch: Watch,
) -> RunSummary:
    """Train on a dataset and write a model package to `to`; the run's folder lies beside it unless another is named.

    note is what must be known of this very model; it is shown with each of its answers. With several processes (one a
    GPU) each takes its share of every batch; torchrun starts them too, and then only the first one writes and returns
    figures.

    Raises UserError CONFIG_INVALID, TARGET_EXISTS, TRAINING_NOT_INSTALLED, NOT_A_DATASET, DATASET_DAMAGED,
    PARTITION_EMPTY, DATASET_ONE_CLASS, DATASET_WITHOUT_HALVING, NO_GPU, GPU_UNSUPPORTED before any work, then those of
    learning.open_run, BACKBONE_*, WEIGHTS_* and the Trainer's. A cancelled or failed run can be resumed from its last
    finished epoch.
    """
    from hipcad_desktop.imaging.dataset_files import read_manifest

    began = datetime.now(UTC)
    validated(config)
    run_folder = run_folder or default_run_folder(to)
    if processes != 1:
        what = Spawned(dataset, to, config, device, resume, run_folder, note)
        return RunSummary(**{**train_in_processes(what, processes, watch=watch), "model": to, "run_folder": run_folder})
    require_training()
    from hipcad_desktop.learning.device import choose_device
    from hipcad_desktop.learning.distributed import take_gpu, team_from
    from hipcad_desktop.learning.run_folder import RunFolder, open_run

    team = team_from(os.environ)
    if to.exists() and team.is_first:
        raise UserError(ErrorCode.TARGET_EXISTS, path=str(to))
    manifest, entries = read_manifest(dataset)
    training, validation = chosen_hips(entries, config, dataset)
    take_gpu(team, device)
    plan = _Plan(dataset, to, config, manifest, training, validation, choose_device(device), team, note)
    if not team.is_first:
        _follow(plan, RunFolder(run_folder), _Silent(watch))
        return RunSummary(to, "", run_folder, config.epochs, 0.0, {})
    with open_run(run_folder, resume=resume) as run:
        try:
            summary = _train(plan, run, resume=resume, watch=watch)
        except UserError as error:
            run.log(f"ended: {error.code.value}")
            raise
    return replace(summary, seconds=round((datetime.now(UTC) - began).total_seconds(), 3))


class _Silent(Watch):
    """Of a process that is not the first: it says nothing, and stops and stands still as its own watch does."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch

    def cancelled(self) -> bool:
        return self._watch.cancelled()

    def paused(self) -> bool:
        return self._watch.paused()

    def wait_while_paused(self) -> None:
        self._watch.wait_while_paused()


def default_run_folder(to: Path) -> Path:
    """Where a run lies that nobody gave a place: beside its model."""
    return to.with_suffix(".run")


@dataclass(frozen=True, slots=True)
class Chosen:
    """The hips of one partition that a run uses: their images, and for each hip the indices of its images."""

    entries: tuple[HipEntry, ...]
    choices: tuple[tuple[int, ...], ...]

    @property
    def fracture(self) -> tuple[bool, ...]:
        """Of each hip, whether it is broken."""
        return tuple(self.entries[choice[0]].fracture for choice in self.choices)


def chosen_hips(entries: Sequence[HipEntry], config: TrainConfig, dataset: Path) -> tuple[Chosen, Chosen]:
    """Training with the config's halvings, validation with that of diagnosis (METHOD 3.4).

    Raises UserError DATASET_WITHOUT_HALVING, PARTITION_EMPTY or DATASET_ONE_CLASS.
    """
    judged = config.judged_halving.value
    if entries and not any(e.halving == judged for e in entries):
        raise UserError(ErrorCode.DATASET_WITHOUT_HALVING, path=str(dataset), halving=judged)
    wanted = {
        Partition.TRAINING: frozenset(config.halvings),
        Partition.VALIDATION: frozenset({judged}),
    }
    found = []
    for partition, halvings in wanted.items():
        kept = tuple(e for e in entries if e.partition == partition and e.halving in halvings)
        hips: dict[tuple[str, str], list[int]] = {}
        for index, entry in enumerate(kept):
            hips.setdefault((entry.film_code, entry.side), []).append(index)
        part = Chosen(kept, tuple(tuple(indices) for indices in hips.values()))
        if not kept:
            raise UserError(ErrorCode.PARTITION_EMPTY, path=str(dataset), partition=partition.value)
        classes = set(part.fracture)
        if len(classes) < 2:
            present = "with fracture" if classes == {True} else "without fracture"
            facts = {"path": str(dataset), "partition": partition.value, "present": present}
            raise UserError(ErrorCode.DATASET_ONE_CLASS, **facts)
        found.append(part)
    return found[0], found[1]


@dataclass(frozen=True, slots=True)
class _Plan:
    dataset: Path
    to: Path
    config: TrainConfig
    manifest: DatasetManifest
    training: Chosen
    validation: Chosen
    device: ChosenDevice
    team: Team
    note: str


def require_training() -> None:
    """Raise UserError TRAINING_NOT_INSTALLED where a library of the training is missing."""
    # Threads that spin while they wait cost four fifths of the speed where the window or anything else wants the same
    # cores (measured: 5 against 28 images a second). Read once, when torch loads its OpenMP.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    need_installed(_NEEDED)


def _train(plan: _Plan, run: RunFolder, *, resume: bool, watch: Watch) -> RunSummary:
    from hipcad_desktop.learning import checkpoint
    from hipcad_desktop.learning.architecture import build_network
    from hipcad_desktop.learning.run_folder import environment

    config, data_sha256 = plan.config, plan.manifest.hips_sha256
    if resume:
        run.refuse_other(config, data_sha256=data_sha256)
    network = build_network(config)
    found = checkpoint.newest(run.checkpoints) if resume else None
    if found is None:
        load_weights(network, config)
    parameters = sum(p.numel() for p in network.parameters())
    run.needs_space(parameters * 4 * 3 * 4)  # weights and Adam's two moments, in up to four checkpoints
    surroundings = environment(device=plan.device.name, precision=plan.device.precision)
    images = _images(plan, watch)
    if not resume:
        run.begin(config, data_sha256=data_sha256, environment={**surroundings, "processes": plan.team.size})
    network = _trained(plan, network, images, run, found, watch)
    watch.check(_WORK)
    measured = Measured(images[1], plan.validation.fracture)
    origin = Origin(config, plan.manifest, surroundings["versions"], plan.note)
    sha256, figures = pack_model(plan.to, network, measured, origin, watch=watch)
    run.finish({"model": plan.to.name, "model_sha256": sha256, "figures": figures})
    write_run_cards(run.path, model=plan.to, dataset=plan.dataset)
    run.log(f"finished: {plan.to.name} {sha256}")
    watch.artifact("model", str(plan.to), sha256=sha256)
    return RunSummary(plan.to, sha256, run.path, config.epochs, 0.0, figures)


def _follow(plan: _Plan, run: RunFolder, watch: Watch) -> None:
    """Train with the others; the first process writes. run is never opened: it may be on another machine."""
    from hipcad_desktop.learning.architecture import build_network

    _trained(plan, build_network(plan.config), _images(plan, watch), run, None, watch)


def _trained(
    plan: _Plan,
    network: HipNetwork,
    images: Sequence[npt.NDArray[np.uint8]],
    run: RunFolder,
    found: Checkpoint | None,
    watch: Watch,
) -> HipNetwork:
    """The network after the last epoch, in every process of the team; found: where the first one goes on from."""
    from hipcad_desktop.learning.distributed import from_first, joined
    from hipcad_desktop.learning.trainer import RunData, Trainer

    data = RunData(hip_set(plan.training, images[0]), hip_set(plan.validation, images[1]), plan.manifest.hips_sha256)
    with joined(plan.team, plan.device.torch_device):
        found = from_first(plan.team, found)
        trainer = Trainer(network, data, config=plan.config, device=plan.device, run=run, watch=watch, team=plan.team)
        if found is not None:
            trainer.resume(found)
        if plan.team.is_first:
            begun = "started" if found is None else "resumed"
            run.log(f"{begun} on {plan.device.name}, {plan.team.size} processes, {trainer.epochs_done} epochs done")
            parameters = sum(p.numel() for p in network.parameters())
            watch.started(
                **_facts(plan, parameters=parameters, batches=trainer.batches, epochs_done=trainer.epochs_done)
            )
        return trainer.train()


def _facts(plan: _Plan, *, parameters: int, batches: int, epochs_done: int) -> dict[str, Any]:
    config = plan.config
    return {
        "device": plan.device.torch_device.type,
        "name": plan.device.name,
        "reason": plan.device.reason,
        "precision": plan.device.precision,
        "recipe": config.recipe,
        "backbone": config.backbone,
        "weights": config.weights,
        "parameters": parameters,
        "training_hips": len(plan.training.choices),
        "validation_hips": len(plan.validation.choices),
        "batch": config.batch,
        "processes": plan.team.size,
        "steps": batches * config.epochs,
        "epochs": config.epochs,
        "epochs_done": epochs_done,
    }


def load_weights(network: HipNetwork, config: TrainConfig) -> None:
    """Put the config's initial weights into a network; raises UserError WEIGHTS_*, FILE_MISSING or of the package."""
    from hipcad_desktop.inference.package import read_package, read_weights
    from hipcad_desktop.learning import weights

    match config.weights:
        case "none":
            return
        case "imagenet":
            weights.load_imagenet(network, config.backbone)
        case path if path.endswith(".hipcad"):
            card = read_package(Path(path)).card
            weights.load_bytes(network, read_weights(Path(path)), path=path, backbone=config.backbone)
            network.preprocess.set_normalisation(card.mean, card.std)
        case path:
            weights.load_file(network, Path(path), config.backbone)


def _images(plan: _Plan, watch: Watch) -> list[npt.NDArray[np.uint8]]:
    """The images of training and of validation, uint8 [M, 380, 380] each."""
    from hipcad_desktop.imaging.dataset_files import read_images

    parts = (plan.training.entries, plan.validation.entries)
    done, total = 0, sum(len(entries) for entries in parts)
    found = []
    for entries in parts:
        images = np.empty((len(entries), FRAME_PX, FRAME_PX), np.uint8)
        for start in range(0, len(entries), _READ_AT_ONCE):
            watch.check(_WORK)
            some = entries[start : start + _READ_AT_ONCE]
            images[start : start + len(some)] = read_images(plan.dataset, some)
            done += len(some)
            watch.step("reading images", done, total)
        found.append(images)
    return found


def hip_set(chosen: Chosen, images: npt.NDArray[np.uint8]) -> HipSet:
    """The hips of a partition as the trainer takes them; images uint8 [M, 380, 380], in the order of the entries."""
    import torch

    from hipcad_desktop.learning.data import HipSet

    # The window of the picture's left half begins nearer to the film's left edge; its inner edge is the right one.
    inner_right = [e.x0_px <= e.film_width - e.x1_px for e in chosen.entries]
    return HipSet(
        images=torch.from_numpy(images),
        choices=chosen.choices,
        fracture=torch.tensor([int(f) for f in chosen.fracture]),
        inner_right=torch.tensor(inner_right),
        names=tuple((e.film_code, e.side.value) for e in (chosen.entries[c[0]] for c in chosen.choices)),
    )
