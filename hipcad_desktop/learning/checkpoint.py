"""The state of a run after an epoch, in one safetensors file: tensors of network and optimiser, the rest as JSON.

One file, written beside, fsynced and renamed, so that a kill at any moment leaves whole checkpoints only. No pickle.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
from torch import Tensor

from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.faults import is_disk_full

_PART = ".part"
_STATE = "hipcad"


@dataclass(frozen=True, slots=True, eq=False)
class Checkpoint:
    """epochs_done epochs are behind us; state is JSON; tensors are named network.* and optimizer.*."""

    epochs_done: int
    state: Mapping[str, Any]
    tensors: Mapping[str, Tensor]


def save(folder: Path, checkpoint: Checkpoint) -> Path:
    """Write a checkpoint atomically. Raises UserError DISK_FULL or FOLDER_NOT_WRITABLE."""
    path = folder / f"epoch-{checkpoint.epochs_done:05d}.safetensors"
    part = path.with_name(path.name + _PART)
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in checkpoint.tensors.items()}
    size = sum(t.nbytes for t in tensors.values())
    try:
        safetensors.torch.save_file(tensors, part, metadata={_STATE: json.dumps(dict(checkpoint.state))})
        with part.open("r+b") as file:
            os.fsync(file.fileno())
        os.replace(part, path)
        _sync_folder(folder)
    except (OSError, safetensors.SafetensorError) as error:
        part.unlink(missing_ok=True)
        raise _not_written(folder, size, error) from error
    return path


def newest(folder: Path) -> Checkpoint | None:
    """The newest checkpoint that can be read; None where there is none. A damaged one gives way to the one before."""
    for path in sorted(folder.glob("epoch-*.safetensors"), reverse=True):
        try:
            with safetensors.safe_open(path, framework="pt") as file:
                state = json.loads((file.metadata() or {})[_STATE])
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
            return Checkpoint(int(path.stem.removeprefix("epoch-")), state, tensors)
        except (safetensors.SafetensorError, OSError, KeyError, ValueError):
            continue
    return None


def any_in(folder: Path) -> bool:
    """Whether a folder holds a checkpoint."""
    return any(folder.glob("epoch-*.safetensors"))


def sweep(folder: Path, keep: Iterable[int]) -> None:
    """Delete the checkpoints of other epochs than these, and what a killed writer left half-done."""
    kept = {f"epoch-{epoch:05d}.safetensors" for epoch in keep}
    for path in folder.glob("epoch-*"):
        if path.name not in kept:
            path.unlink(missing_ok=True)


def sweep_parts(folder: Path) -> None:
    """Delete what a killed writer left half-done."""
    for path in folder.glob(f"*{_PART}"):
        path.unlink(missing_ok=True)


def _not_written(folder: Path, size: int, error: Exception) -> UserError:
    if is_disk_full(error):
        return UserError(ErrorCode.DISK_FULL, path=str(folder), needed_mb=math.ceil(size / 1e6))
    return UserError(ErrorCode.FOLDER_NOT_WRITABLE, path=str(folder))


def _sync_folder(folder: Path) -> None:
    """Make the rename itself durable; Windows has no handle for that and does it by itself."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
