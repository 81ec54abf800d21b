"""One training run: epochs of steps, a checkpoint after each, resumable at any moment (METHOD 3.6)."""

from __future__ import annotations

import gc
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
from hipcad_desktop.domain.training import VALIDATION_COST, TrainConfig
from hipcad_desktop.learning import checkpoint
from hipcad_desktop.learning.architecture import HipNetwork
from hipcad_desktop.learning.checkpoint import Checkpoint
from hipcad_desktop.learning.data import HipSet, class_weights
from hipcad_desktop.learning.determinism import repeatable
from hipcad_desktop.learning.device import ChosenDevice, is_gpu_lost, is_out_of_memory, prove_alive
from hipcad_desktop.learning.distributed import ALONE, Spread, Team, spread
from hipcad_desktop.learning.interruption import interruptible
from hipcad_desktop.learning.losses import Losses
from hipcad_desktop.learning.memory import parts_for
from hipcad_desktop.learning.run_folder import RunFolder
from hipcad_desktop.learning.transforms import Draws, batch_stretches, changed, derived_seed, draw_epoch
from hipcad_desktop.learning.validation import validate
from hipcad_desktop.learning.vigil import Vigil, kept_awake, slept_sentence
from hipcad_desktop.learning.wording import first_line
from hipcad_desktop.learning.worst import write_worst

_HALVINGS_OF_BATCH = 4
_STEPS_AHEAD = 2  # queued on a GPU beyond the one it works on: it never idles, and a cancel never waits long
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
        team: Team = ALONE,
    ) -> None:
        # channels_last is the faster memory format on tensor cores and, measured, on the CPU.
        self._network: HipNetwork = network.to(device.torch_device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        training, validation = (part.placed(device.torch_device) for part in (data.training, data.validation))
        self._data = RunData(training, validation, data.sha256)
        self._config, self._device, self._run, self._watch = config, device, run, watch
        stretches = batch_stretches(len(data.training), config.batch)
        team.refuse_small(min(s.stop - s.start for s in stretches))
        self.batches = len(stretches)
        self._spread = Spread(team, self._network.logits)  # over the whole team once train() has met it
        kind = {"adam": Adam, "adamw": AdamW}[config.optimizer]
        parameters = self._network.backbone.parameters()
        # Fused: one kernel for all parameters, and one that passes over a step on the device itself (see _scaler).
        self._optimizer = kind(parameters, lr=config.max_learning_rate, weight_decay=config.weight_decay, fused=True)
        steps = max(2, self.batches * config.epochs)
        # The rise must take more than one step, or OneCycleLR divides by zero.
        warm_up_share = max(config.warm_up_share, 1.5 / steps)
        self._schedule = OneCycleLR(
            self._optimizer, max_lr=config.max_learning_rate, total_steps=steps, pct_start=warm_up_share
        )
        self._weights = (
            class_weights(data.training.fracture).to(device.torch_device) if config.balance_classes else None
        )
        # It passes over steps whose gradients are no numbers without asking the device; it scales only for float16.
        scaling: Any = {} if device.amp is torch.float16 else {"init_scale": 1.0, "growth_interval": 2**31 - 1}
        self._scaler = torch.amp.GradScaler(device.torch_device.type, **scaling)
        self._parts = 1  # micro-batches of a batch; doubled where memory runs out
        self._history: list[dict[str, Any]] = []
        self._epochs_done = 0
        self._images_per_s = 0.0
        self._steps_done = 0
        self._vigil = Vigil(watch)

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
            if state["scaler"]:
                self._scaler.load_state_dict(state["scaler"])
            self._network.preprocess.set_normalisation(*state["normalisation"])
            self._parts, self._history = int(state["parts"]), [dict(line) for line in state["history"]]
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            detail = "its checkpoint does not fit"
            raise UserError(ErrorCode.RUN_OTHER, path=str(self._run.path), detail=detail) from error
        self._epochs_done = found.epochs_done
        self._steps_done = self._epochs_done * self.batches
        if self._spread.team.is_first:
            self._run.rewrite_metrics(self._history)

    def train(self) -> HipNetwork:
        """Train the epochs that are left and return the network of the last one (the paper stops nowhere earlier).

        Raises UserError CANCELLED, LOSS_NOT_FINITE, OUT_OF_MEMORY, GPU_LOST, DISK_FULL; all of them keep the finished
        epochs.
        """
        device = self._device.torch_device
        with ExitStack() as stack:
            stack.enter_context(repeatable(device))
            self._spread = stack.enter_context(spread(self._spread.team, self._network, device))
            stack.enter_context(kept_awake())
            self.fit_memory()
            if device.type == "cpu":  # on a GPU a batch is short, and its layers are only queued when they are called
                stack.enter_context(interruptible(self._network, self._check))
            try:
                while self._epochs_done < self._config.epochs:
                    self._train_epoch(self._epochs_done + 1)
            except (RuntimeError, MemoryError) as error:
                if is_out_of_memory(error):
                    raise UserError(ErrorCode.OUT_OF_MEMORY, detail=first_line(error)) from error
                if is_gpu_lost(error):
                    raise UserError(ErrorCode.GPU_LOST, detail=first_line(error)) from error
                raise
        return self._network

    def drawn(self, epoch: int) -> list[Draws]:
        """The batches of an epoch, on the device."""
        hips, device = self._data.training, self._device.torch_device
        draws = draw_epoch(hips, self._config, epoch, features=self._network.features)
        return draws.placed(device, images=hips.images.device).batches(self._config.batch)

    def try_step(self, batch: Draws) -> None:
        """One real step, waited for: for its time and its memory, of a network that is thrown away."""
        with ExitStack() as stack:
            stack.enter_context(repeatable(self._device.torch_device))
            if self._device.torch_device.type == "cpu":
                stack.enter_context(interruptible(self._network, self._check))
            float(self._step(batch, 1))

    @property
    def hips_at_once(self) -> int:
        """How many hips of a whole batch are in memory together."""
        return -(-min(self._config.batch, len(self._data.training)) // self._parts)

    def _check(self) -> None:
        """Stop where somebody asked for it, stand still while paused, and notice that the computer slept."""
        self._watch.check("The training")
        slept_s = self._vigil.look()
        if slept_s:
            self._note(
                {"event": "slept", "epoch": self._epochs_done + 1, "seconds": round(slept_s)}, slept_sentence(slept_s)
            )
            prove_alive(self._device.torch_device)

    def fit_memory(self) -> None:
        """Cut the batches of a CPU run before it begins: there nobody refuses memory, the system ends who takes it."""
        if self._device.torch_device.type != "cpu":
            return
        largest = min(self._config.batch, len(self._data.training))
        plan = parts_for(self._network, batch=largest, parts=self._parts, team=self._spread.team)
        if plan.parts > self._parts:
            self._parts = plan.parts
            event = {"event": "out_of_memory", "epoch": self._epochs_done + 1, "micro_batch": self.hips_at_once}
            self._note({**event, "accumulated": plan.parts}, plan.sentence)

    def _note(self, event: dict[str, Any], sentence: str) -> None:
        """Something that the run's table, its log and whoever watches it should know."""
        self._history.append(event)
        if self._spread.team.is_first:
            self._run.add_metrics(event)
            self._run.log(f"{sentence} {event}")
        self._watch.step(STAGE, self._steps_done, self._config.epochs * self.batches, **event, sentence=sentence)

    def _train_epoch(self, epoch: int) -> None:
        began = self._vigil.now_s()
        torch.manual_seed(derived_seed(self._config.seed, epoch, "network"))  # whatever a backbone draws by itself
        batches = self.drawn(epoch)
        self._network.train()
        losses = Losses(epoch, check=self._check)
        step_began = self._vigil.now_s()
        for step, batch in enumerate(batches, start=1):
            self._check()
            learning_rate = self._optimizer.param_groups[0]["lr"]
            losses.add(step, len(batch), self._step(batch, epoch))
            losses.read(leave=_STEPS_AHEAD)
            now = self._vigil.now_s()
            self._tell(epoch, step, len(batches), losses.last, learning_rate, len(batch) / (now - step_began))
            step_began = now
        losses.read(leave=0)
        validation = validate(
            self._network,
            self._data.validation,
            device=self._device,
            batch=max(2, self._config.batch // self._parts),
            check=self._check,
            spread=self._spread,
        )
        figures = {
            "train_loss": losses.mean(),
            **validation.figures,
            "learning_rate": learning_rate,
            "seconds": round(self._vigil.now_s() - began, 3),
        }
        self._history.append({"epoch": epoch, **figures})
        self._epochs_done = epoch
        if self._spread.team.is_first:
            self._keep()
            self._run.add_metrics(self._history[-1])
        self._watch.epoch(epoch, self._config.epochs, figures)
        if self._spread.team.is_first:
            table = write_worst(self._run, self._data.validation, validation.p_fracture, epoch=epoch)
            self._watch.artifact("worst_hips", str(table), epoch=epoch)

    def _step(self, batch: Draws, epoch: int) -> Tensor:
        """One step of the optimiser; the mean loss of the batch, on the device. No number: nothing was learnt."""
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
        self._scaler.step(self._optimizer)
        self._scaler.update()
        self._optimizer.zero_grad(set_to_none=True)
        # A skipped step still counts, or the schedule would not end with the last epoch.
        self._schedule.step()
        return loss

    def _gradients(self, batch: Draws) -> Tensor:
        """Add up the gradients of the batch's parts, of this process's share of each; the batch's mean loss."""
        device, team = self._device.torch_device, self._spread.team
        parts = min(self._parts, len(batch) // max(2, team.size))  # a run cut by one process may go on in a team
        ends = [round(i * len(batch) / parts) for i in range(parts + 1)]
        total = torch.zeros((), device=device)
        for start, end in pairwise(ends):
            self._check()
            whole = batch.part(slice(start, end))
            part = whole.part(team.share(len(whole)))
            pixels = changed(
                self._network.preprocess, self._data.training.batch(part.image, device), part, self._config
            )
            pixels = pixels.contiguous(memory_format=torch.channels_last)
            with nullcontext() if end == len(batch) else self._spread.adding_up():
                with torch.autocast(device.type, dtype=self._device.amp) if self._device.amp else nullcontext():
                    logits = self._spread.logits(pixels, part.kept)
                # A plain mean of weighted losses over the whole batch: the same however it is cut up.
                losses = functional.cross_entropy(logits.float(), part.fracture, self._weights, reduction="none")
                loss = losses.sum() / len(batch)
                # The gradients of several processes are averaged; what is wanted is their sum.
                self._scaler.scale(loss * team.size).backward()  # type: ignore[no-untyped-call]
            total += loss.detach()
        return self._spread.summed(total)

    def _halve_micro_batch(self, size: int, epoch: int, detail: str) -> None:
        """Double the number of parts, said aloud. Raises UserError OUT_OF_MEMORY where that was done often enough."""
        self._optimizer.zero_grad(set_to_none=True)
        gc.collect()
        if self._device.torch_device.type == "cuda":
            torch.cuda.empty_cache()
        parts = self._parts * 2
        # One process alone cannot go back: the others wait in the middle of a batch for what it owes them.
        if self._spread.team.size > 1 or parts > 2**_HALVINGS_OF_BATCH or parts > size // 2:
            raise UserError(ErrorCode.OUT_OF_MEMORY, detail=detail)
        self._parts = parts
        event = {"event": "out_of_memory", "epoch": epoch, "micro_batch": -(-size // parts), "accumulated": parts}
        self._note(
            event, f"Memory ran out ({detail}): {event['micro_batch']} hips at once from now on, {parts} times a step."
        )

    def _tell(self, epoch: int, step: int, steps: int, loss: float | None, learning_rate: float, per_s: float) -> None:
        self._steps_done = (epoch - 1) * steps + step
        self._images_per_s = per_s if not self._images_per_s else 0.9 * self._images_per_s + 0.1 * per_s
        epochs_left = self._config.epochs - epoch
        left = len(self._data.training) * (epochs_left + 1 - step / steps)
        left += VALIDATION_COST * len(self._data.validation) * (epochs_left + 1)
        self._watch.step(
            STAGE,
            self._steps_done,
            self._config.epochs * steps,
            loss=loss,
            learning_rate=learning_rate,
            images_per_s=round(self._images_per_s, 2),
            seconds_left=round(left / self._images_per_s),
            micro_batch=self.hips_at_once,
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
        groups = [{**group, "betas": tuple(group["betas"]), "fused": True} for group in state["groups"]]
        return {"state": values, "param_groups": groups}


def _best_epoch(history: list[dict[str, Any]]) -> int:
    epochs = [line for line in history if "event" not in line]
    return int(max(epochs, key=lambda line: (line["auc"] or 0.0, line["epoch"]))["epoch"])
