"""Several processes that train one network: one a GPU, on one machine or more, started by torchrun or `hipcad train`.

Each process takes its share of every batch, so the batch of the config is the batch of all of them together, the draws
are those of one process, and batch norm sees the whole batch: the result is that of one process up to rounding.
"""

from __future__ import annotations

import inspect
import json
import os
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import safetensors.torch
import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.training import MEETING, Device
from hipcad_desktop.learning.architecture import HipNetwork
from hipcad_desktop.learning.checkpoint import Checkpoint
from hipcad_desktop.learning.global_norm import batch_norm_over_all

# A paused run waits for its person, overnight too. A process that dies is noticed by who started it, not by a timer.
_PATIENCE = timedelta(days=30)
_STATE = "hipcad"


@dataclass(frozen=True, slots=True)
class Team:
    """The processes of a run and which of them this one is; by itself a process is a team of one."""

    rank: int = 0
    size: int = 1
    local_rank: int = 0  # among those on this machine: the number of its GPU
    local_size: int = 1

    @property
    def is_first(self) -> bool:
        """Whether this process is the one that writes and speaks."""
        return self.rank == 0

    def share(self, n: int) -> slice:
        """Which of n things are this process's: nearly equal stretches, in the order of the ranks."""
        return slice(self.rank * n // self.size, (self.rank + 1) * n // self.size)

    def refuse_small(self, batch: int) -> None:
        """Raise UserError CONFIG_INVALID where a batch does not give each process a hip."""
        if batch < self.size:
            detail = f"at most {batch}, the hips of the smallest batch"
            raise UserError(ErrorCode.CONFIG_INVALID, field="processes", value=str(self.size), detail=detail)


ALONE = Team()


def team_from(environment: Mapping[str, str]) -> Team:
    """The team that torchrun (or `hipcad train --processes`) wrote into the environment; a team of one without it."""
    names = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE")
    if not all(environment.get(name, "").isdigit() for name in names):
        return ALONE
    return Team(*(int(environment[name]) for name in names))


def take_gpu(team: Team, requested: Device) -> None:
    """Give each process of a machine a GPU of its own. Raises UserError NO_GPU where there are too few."""
    if team.size == 1 or requested == "cpu":
        return
    with warnings.catch_warnings():  # choose_device says it in its own words
        warnings.simplefilter("ignore")
        gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if gpus == 0:
        return
    if gpus < team.local_size:
        detail = f"{team.local_size} processes on this machine need a GPU each, and there are {gpus}"
        raise UserError(ErrorCode.NO_GPU, detail=detail)
    torch.cuda.set_device(team.local_rank)


@contextmanager
def joined(team: Team, device: torch.device) -> Iterator[None]:
    """Meet the other processes: NCCL between GPUs, gloo between CPUs and for what lies in main memory."""
    if team.size == 1:
        yield
        return
    on_gpu = device.type == "cuda"
    backends = "cpu:gloo,cuda:nccl" if on_gpu else "gloo"
    meeting = os.environ.get(MEETING, "env://")  # torchrun's variables name an address and a port
    dist.init_process_group(backends, init_method=meeting, timeout=_PATIENCE, rank=team.rank, world_size=team.size)
    yield
    # Not after an error: the others may be deep in an exchange that never ends, and this process should.
    dist.destroy_process_group()


def from_first(team: Team, found: Checkpoint | None) -> Checkpoint | None:
    """The first process's checkpoint in every process; only the first can be sure to see the run's folder."""
    if team.size == 1:
        return found
    packed = b""
    if team.is_first and found is not None:
        state = {_STATE: json.dumps({"epochs_done": found.epochs_done, "state": dict(found.state)})}
        packed = safetensors.torch.save(dict(found.tensors), metadata=state)
    size = torch.tensor([len(packed)])
    dist.broadcast(size, 0)
    if not size.item():
        return None
    data = torch.frombuffer(bytearray(packed or int(size)), dtype=torch.uint8)
    dist.broadcast(data, 0)
    if team.is_first:
        return found
    received = data.numpy().tobytes()
    header = json.loads(received[8 : 8 + int.from_bytes(received[:8], "little")])  # the safetensors format
    state = json.loads(header["__metadata__"][_STATE])
    return Checkpoint(state["epochs_done"], state["state"], safetensors.torch.load(received))


Logits = Callable[[Tensor, Tensor | None], Tensor]


@dataclass(frozen=True, slots=True)
class Spread:
    """A network over a team. logits: pixels and kept features of this process's share -> its logits."""

    team: Team
    logits: Logits

    def summed(self, value: Tensor) -> Tensor:
        """The sum over all processes, in place, queued on a GPU and not waited for."""
        if self.team.size > 1:
            dist.all_reduce(value)
        return value

    def gathered(self, mine: Tensor, n: int) -> Tensor:
        """All n rows [n, ...] on the CPU from each process's share of them, in every process."""
        if self.team.size == 1:
            return mine.cpu()
        whole = torch.zeros((n, *mine.shape[1:]), dtype=mine.dtype)
        whole[self.team.share(n)] = mine.cpu()
        dist.all_reduce(whole)
        return whole

    def adding_up(self) -> AbstractContextManager[Any]:
        """Within it gradients stay in each process: for all but the last part of a batch."""
        return self.logits.no_sync() if isinstance(self.logits, DistributedDataParallel) else nullcontext()


@contextmanager
def spread(team: Team, network: HipNetwork, device: torch.device) -> Iterator[Spread]:
    """Let a network on its device be trained by all processes; all begin with the first one's values."""
    if team.size == 1:
        yield Spread(team, network.logits)
        return
    with ExitStack() as stack:
        stack.enter_context(batch_norm_over_all(network, device))
        for tensor in [*network.parameters(), *network.buffers()]:
            dist.broadcast(tensor.detach(), 0)
        gpus = [device.index] if device.type == "cuda" else None
        # Batch norm's values are equal already, so they are not sent round before each step. Torch renamed the option.
        known = inspect.signature(DistributedDataParallel).parameters
        silent: Any = {"forward_sync_buffers" if "forward_sync_buffers" in known else "broadcast_buffers": False}
        yield Spread(team, DistributedDataParallel(_ForLogits(network), device_ids=gpus, **silent))


class _ForLogits(nn.Module):
    """The network as torch's DistributedDataParallel wants it: forward() is what trains."""

    def __init__(self, network: HipNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, pixels: Tensor, kept: Tensor | None) -> Tensor:
        return self.network.logits(pixels, kept)
