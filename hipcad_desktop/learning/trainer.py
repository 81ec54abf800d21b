"""One training run: epochs of steps, a checkpoint after each, resumable at any moment (METHOD 3.6)."""

from __future__ import annotations

import gc
import time
from collections.abc import Mapping
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.optim import Adam, AdamW
from torch.optim.lr_scheduler import OneCycleLR

from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.progress import Watch
from hipcad_desktop.domain.training import TrainConfig
from hipcad_desktop.learning import checkpoint
from hipcad_desktop.learning.architecture import HipNetwork
from hipcad_desktop.learning.checkpoint import Checkpoint
from hipcad_desktop.learning.data import HipSet, class_weights
from hipcad_desktop.learning.determinism import repeatable
from hipcad_desktop.learning.device import ChosenDevice, is_out_of_memory
from hipcad_desktop.learning.interruption import interruptible
from hipcad_desktop.learning.run_folder import RunFolder
from hipcad_desktop.learning.transforms import Draws, changed, derived_seed, draw_epoch
from hipcad_desktop.learning.validation import validate
from hipcad_desktop.learning.wording import first_line

_NON_FINITE_STEPS = 3
_HALVINGS_OF_BATCH = 4
_VALIDATION_COST = 1 / 3  # of a training image: no backward pass
STAGE = "training"


@dataclass(frozen=True, slots=True)
class RunData:
    """What a run learns from and is judged by after each epoch; sha256 is the dataset's."""

    training: HipSet
    validation: HipSet
    sha256: str


class Trainer:
    """Trains a network in a run's folder. Not to be used twice."""

    def __init__(
        self,
        network: HipNetwork,
        data: RunData,
        *,
        config: TrainConfig,
        device: ChosenDevice,
        run: RunFolder,
        watch: Watch,
    ) -> None:
        # channels_last is the faster memory format on tensor cores and, measured, on the CPU.
        self._network: HipNetwork = network.to(device.torch_device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._data = RunData(data.training.placed(device.torch_device), data.validation, data.sha256)
        self._config, self._device, self._run, self._watch = config, device, run, watch
        self.batches = len(draw_epoch(data.training, config, 1).batches(config.batch))
        kind = {"adam": Adam, "adamw": AdamW}[config.optimizer]
        parameters = self._network.backbone.parameters()
        self._optimizer = kind(parameters, lr=config.max_learning_rate, weight_decay=config.weight_decay)
        steps = max(2, self.batches * config.epochs)
        # The rise must take more than one step, or OneCycleLR divides by zero.
        warm_up_share = max(config.warm_up_share, 1.5 / steps)
        self._schedule = OneCycleLR(
            self._optimizer, max_lr=config.max_learning_rate, total_steps=steps, pct_start=warm_up_share
        )
        self._weights = (
            class_weights(data.training.fracture).to(device.torch_device) if config.balance_classes else None
        )
        self._scaler = torch.amp.GradScaler("cuda", enabled=device.amp is torch.float16)
        self._parts = 1  # micro-batches of a batch; doubled where memory runs out
        self._history: list[dict[str, Any]] = []
        self._epochs_done = 0
        self._images_per_s = 0.0

    @property
    def epochs_done(self) -> int:
        """Epochs behind us, those of the resumed run included."""
        return self._epochs_done

    def resume(self, found: Checkpoint) -> None:
        """Continue from a checkpoint of this run. Raises UserError RUN_OTHER where it does not fit the network."""
        state = found.state
        network = {k.removeprefix("network."): v for k, v in found.tensors.items() if k.startswith("network.")}
        try:
            self._network.backbone.load_state_dict(network)
            self._optimizer.load_state_dict(self._optimizer_state(state, found.tensors))
            self._schedule.load_state_dict({**self._schedule.state_dict(), **state["schedule"]})
            if self._scaler.is_enabled() and state["scaler"]:
                self._scaler.load_state_dict(state["scaler"])
            self._network.preprocess.set_normalisation(*state["normalisation"])
            self._parts, self._history = int(state["parts"]), [dict(line) for line in state["history"]]
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            detail = "its checkpoint does not fit"
            raise UserError(ErrorCode.RUN_OTHER, path=str(self._run.path), detail=detail) from error
        self._epochs_done = found.epochs_done
        self._run.rewrite_metrics(self._history)

    def train(self) -> HipNetwork:
        """Train the epochs that are left and return the network of the last one (the paper stops nowhere earlier).

        Raises UserError CANCELLED, LOSS_NOT_FINITE, OUT_OF_MEMORY, DISK_FULL; finished epochs are kept by all of them.
        """
        device = self._device.torch_device
        with ExitStack() as stack:
            stack.enter_context(repeatable(device))
            if device.type == "cpu":  # on a GPU a batch is short, and its layers are only queued when they are called
                stack.enter_context(interruptible(self._network, self._check))
            try:
                while self._epochs_done < self._config.epochs:
                    self._train_epoch(self._epochs_done + 1)
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                raise UserError(ErrorCode.OUT_OF_MEMORY, detail=first_line(error)) from error
        return self._network

    def _check(self) -> None:
        self._watch.check("The training")

    def _train_epoch(self, epoch: int) -> None:
        began = time.monotonic()
        torch.manual_seed(derived_seed(self._config.seed, epoch, "network"))  # dropout
        batches = draw_epoch(self._data.training, self._config, epoch).batches(self._config.batch)
        self._network.train()
        losses, hips_seen, not_finite = 0.0, 0, 0
        for step, batch in enumerate(batches, start=1):
            self._check()
            step_began = time.monotonic()
            learning_rate = self._optimizer.param_groups[0]["lr"]
            loss = self._step(batch, epoch)
            not_finite = 0 if loss is not None else not_finite + 1
            if not_finite == _NON_FINITE_STEPS:
                raise UserError(ErrorCode.LOSS_NOT_FINITE, epoch=epoch, step=step)
            if loss is not None:
                losses, hips_seen = losses + loss * len(batch), hips_seen + len(batch)
            self._tell(epoch, step, len(batches), loss, learning_rate, len(batch) / (time.monotonic() - step_began))
        figures = {
            "train_loss": losses / hips_seen if hips_seen else None,
            **validate(
                self._network,
                self._data.validation,
                device=self._device,
                batch=max(2, self._config.batch // self._parts),
                check=self._check,
            ),
            "learning_rate": learning_rate,
            "seconds": round(time.monotonic() - began, 3),
        }
        self._history.append({"epoch": epoch, **figures})
        self._epochs_done = epoch
        self._keep()
        self._run.add_metrics(self._history[-1])
        self._watch.epoch(epoch, self._config.epochs, figures)

    def _step(self, batch: Draws, epoch: int) -> float | None:
        """One step of the optimiser; the mean loss of the batch, None where it is no number and nothing was learnt."""
        while True:
            ran_out = ""
            try:
                loss = self._gradients(batch)
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                ran_out = first_line(error)
            # Outside the except block: inside it the traceback still holds the activations (torch #18853).
            if not ran_out:
                break
            self._halve_micro_batch(len(batch), epoch, ran_out)
        finite = bool(torch.isfinite(loss))
        if finite:
            self._scaler.step(self._optimizer)
            self._scaler.update()
        self._optimizer.zero_grad(set_to_none=True)
        # A skipped step still counts, or the schedule would not end with the last epoch.
        self._schedule.step()
        return float(loss) if finite else None

    def _gradients(self, batch: Draws) -> Tensor:
        """Add up the gradients of the batch's parts; the mean loss, on the device."""
        device = self._device.torch_device
        parts = min(self._parts, len(batch) // 2)
        ends = [round(i * len(batch) / parts) for i in range(parts + 1)]
        total = torch.zeros((), device=device)
        for start, end in pairwise(ends):
            self._check()
            part = batch.part(slice(start, end))
            pixels = changed(self._network.preprocess, self._data.training.batch(part.image, device), part)
            pixels = pixels.contiguous(memory_format=torch.channels_last)
            with torch.autocast(device.type, dtype=self._device.amp) if self._device.amp else nullcontext():
                logits = self._network.logits(pixels)
            share = len(part) / len(batch)
            losses = functional.cross_entropy(logits.float(), part.fracture.to(device), self._weights, reduction="none")
            loss = losses.mean() * share  # a plain mean of weighted losses: the same however a batch is cut up
            self._scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
            total += loss.detach()
        return total

    def _halve_micro_batch(self, size: int, epoch: int, detail: str) -> None:
        """Double the number of parts, said aloud. Raises UserError OUT_OF_MEMORY where that was done often enough."""
        self._optimizer.zero_grad(set_to_none=True)
        gc.collect()
        if self._device.torch_device.type == "cuda":
            torch.cuda.empty_cache()
        parts = self._parts * 2
        if parts > 2**_HALVINGS_OF_BATCH or parts > size // 2:
            raise UserError(ErrorCode.OUT_OF_MEMORY, detail=detail)
        self._parts = parts
        event = {"event": "out_of_memory", "epoch": epoch, "micro_batch": -(-size // parts), "accumulated": parts}
        self._history.append(event)
        self._run.add_metrics(event)
        self._run.log(f"memory ran out: {event} ({detail})")
        self._watch.step(STAGE, 0, self._config.epochs * self.batches, **event)

    def _tell(self, epoch: int, step: int, steps: int, loss: float | None, learning_rate: float, per_s: float) -> None:
        self._images_per_s = per_s if not self._images_per_s else 0.9 * self._images_per_s + 0.1 * per_s
        epochs_left = self._config.epochs - epoch
        left = len(self._data.training) * (epochs_left + 1 - step / steps)
        left += _VALIDATION_COST * len(self._data.validation) * (epochs_left + 1)
        self._watch.step(
            STAGE,
            (epoch - 1) * steps + step,
            self._config.epochs * steps,
            loss=loss,
            learning_rate=learning_rate,
            images_per_s=round(self._images_per_s, 2),
            seconds_left=round(left / self._images_per_s),
            micro_batch=-(-self._config.batch // self._parts),
        )

    def _keep(self) -> None:
        """Write this epoch's checkpoint; the last two and the best stay."""
        optimizer = self._optimizer.state_dict()
        tensors = {f"network.{name}": tensor for name, tensor in self._network.backbone.state_dict().items()}
        for index, values in optimizer["state"].items():
            tensors |= {f"optimizer.{index}.{name}": tensor for name, tensor in values.items()}
        schedule = self._schedule.state_dict()
        state = {
            "parts": self._parts,
            "history": self._history,
            "normalisation": self._network.preprocess.normalisation(),
            "groups": optimizer["param_groups"],
            "schedule": {name: schedule[name] for name in ("last_epoch", "_step_count", "_last_lr")},
            "scaler": self._scaler.state_dict(),
        }
        checkpoint.save(self._run.checkpoints, Checkpoint(self._epochs_done, state, tensors))
        checkpoint.sweep(self._run.checkpoints, {self._epochs_done, self._epochs_done - 1, _best_epoch(self._history)})

    def _optimizer_state(self, state: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> dict[str, Any]:
        parameters = [p for group in self._optimizer.param_groups for p in group["params"]]
        values: dict[int, dict[str, Tensor]] = {}
        for key, tensor in tensors.items():
            if not key.startswith("optimizer."):
                continue
            _, index, name = key.split(".")
            like = parameters[int(index)]
            # In the parameter's memory format, as the unbroken run has it: the step is faster so.
            fitted = torch.empty_like(like).copy_(tensor) if tensor.shape == like.shape else tensor
            values.setdefault(int(index), {})[name] = fitted
        groups = [{**group, "betas": tuple(group["betas"])} for group in state["groups"]]
        return {"state": values, "param_groups": groups}


def _best_epoch(history: list[dict[str, Any]]) -> int:
    epochs = [line for line in history if "event" not in line]
    return int(max(epochs, key=lambda line: (line["auc"] or 0.0, line["epoch"]))["epoch"])
