"""How much memory there is, and how much a training will take: asked before it begins, for on Linux nobody says no.

A GPU refuses an allocation that does not fit, and the batch is halved. The memory of the computer is promised to
everybody; whoever then uses too much is killed. So a CPU run is measured on a few hips first.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import torch
from torch import Tensor

from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.learning.architecture import HipNetwork
from hipcad_desktop.learning.distributed import ALONE, Team

_MEASURED_HIPS = 2  # the fewest that batch norm can take
_CGROUP = Path("/sys/fs/cgroup")
_UNLIMITED = 1 << 60  # version 1 says "no limit" by a huge number
_MARGIN = 1.15  # buffers and the allocator's own; measured, B4 at 6 hips takes 1.035 times what is counted
_STATES = 4  # of each parameter: itself, its gradient, the two moments of Adam


def free_bytes(device: torch.device) -> int:
    """What a process can still take: of the GPU, or of the computer's memory within the limit of its container."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    return computer_bytes()


def computer_bytes() -> int:
    """What a process can still take of the computer's memory."""
    return min(int(psutil.virtual_memory().available), _left_in_container())


def total_bytes(device: torch.device) -> int:
    """All memory of the GPU, or of the computer."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[1])
    return int(psutil.virtual_memory().total)


def _left_in_container() -> int:
    """What a memory limit of cgroup version 2 or 1 leaves; a huge number without one."""
    for limit, used, statistics, cache in (
        ("memory.max", "memory.current", "memory.stat", "inactive_file"),
        (
            "memory/memory.limit_in_bytes",
            "memory/memory.usage_in_bytes",
            "memory/memory.stat",
            "total_inactive_file",
        ),
    ):
        with suppress(OSError, ValueError):  # no such version; "max" is no number and means none
            most, now = (int((_CGROUP / name).read_text(encoding="ascii")) for name in (limit, used))
            lines = (_CGROUP / statistics).read_text(encoding="ascii").splitlines()
            given_back = sum(int(line.split()[1]) for line in lines if line.split()[0] == cache)
            if most < _UNLIMITED:
                return max(0, most - now + given_back)
    return _UNLIMITED


def bytes_per_hip(network: HipNetwork, device: torch.device) -> int:
    """What a training step keeps of each hip until its backward pass, counted on two grey hips without training them.

    Batch norm's running values and its counter are put back.
    """
    kept: dict[int, int] = {}

    def count(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    own = {p.untyped_storage().data_ptr() for p in (*network.parameters(), *network.buffers())}
    before = {name: buffer.clone() for name, buffer in network.named_buffers()}
    hips = torch.full((_MEASURED_HIPS, 380, 380), 128, dtype=torch.uint8, device=device)
    was_training = network.training
    network.train()
    try:
        pixels = network.preprocess(hips).contiguous(memory_format=torch.channels_last)
        with torch.autograd.graph.saved_tensors_hooks(count, lambda tensor: tensor):
            logits = network.logits(pixels)
        del logits
    finally:
        network.train(was_training)
        with torch.no_grad():
            for name, buffer in network.named_buffers():
                buffer.copy_(before[name])
    return sum(size for place, size in kept.items() if place not in own) // _MEASURED_HIPS


def needed_bytes(network: HipNetwork, per_hip: int, hips: int) -> int:
    """What a step of so many hips at once takes, gradients and Adam's moments included."""
    states = sum(p.numel() * p.element_size() for p in network.parameters()) * _STATES
    return int(_MARGIN * (per_hip * hips + states))


@dataclass(frozen=True, slots=True)
class MemoryPlan:
    """Into how many parts a batch is cut, and why: bytes that a whole batch needs, and those that are free."""

    parts: int
    hips_at_once: int
    needed: int
    free: int

    @property
    def sentence(self) -> str:
        """What is told of it where the batch has to be cut."""
        return (
            f"A whole batch needs about {self.needed / 1e6:.0f} MB of memory and {self.free / 1e6:.0f} MB are free: "
            f"{self.hips_at_once} hips at once, {self.parts} times a step."
        )


def parts_for(network: HipNetwork, *, batch: int, parts: int = 1, team: Team = ALONE) -> MemoryPlan:
    """How a batch has to be cut on the CPU, beginning with so many parts. The network is measured on two hips.

    A team cuts nothing (its processes wait for each other in the middle of a batch). Raises UserError OUT_OF_MEMORY
    where even the smallest part does not fit.
    """
    device = torch.device("cpu")
    per_hip, free = bytes_per_hip(network, device), free_bytes(device) // team.local_size
    share = -(-batch // team.size)
    cut = parts
    while needed_bytes(network, per_hip, -(-share // cut)) > free and team.size == 1 and cut * 2 <= batch // 2:
        cut *= 2
    hips = -(-share // cut)
    if (needed := needed_bytes(network, per_hip, hips)) > free:
        detail = f"{hips} hips at once need about {needed / 1e6:.0f} MB, and {free / 1e6:.0f} MB are free"
        raise UserError(ErrorCode.OUT_OF_MEMORY, detail=detail)
    return MemoryPlan(cut, hips, needed_bytes(network, per_hip, share), free)
