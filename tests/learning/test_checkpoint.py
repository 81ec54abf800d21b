"""Checkpoints are whole or absent."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest
import torch

from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.learning import checkpoint
from hipcad_desktop.learning.checkpoint import Checkpoint


def one(epoch: int) -> Checkpoint:
    """A checkpoint that knows its epoch."""
    return Checkpoint(epoch, {"value": epoch / 3}, {"network.x": torch.full((3, 2), float(epoch))})


def test_what_was_saved_comes_back_exactly(tmp_path: Path) -> None:
    checkpoint.save(tmp_path, one(7))
    found = checkpoint.newest(tmp_path)
    assert found is not None
    assert (found.epochs_done, found.state) == (7, {"value": 7 / 3})
    assert torch.equal(found.tensors["network.x"], one(7).tensors["network.x"])


def test_a_damaged_one_gives_way_to_the_one_before(tmp_path: Path) -> None:
    checkpoint.save(tmp_path, one(1))
    path = checkpoint.save(tmp_path, one(2))
    path.write_bytes(path.read_bytes()[:-5])
    found = checkpoint.newest(tmp_path)
    assert found is not None
    assert found.epochs_done == 1


def test_sweeping_keeps_the_named_epochs_only(tmp_path: Path) -> None:
    for epoch in (1, 2, 3, 4):
        checkpoint.save(tmp_path, one(epoch))
    (tmp_path / "epoch-00009.safetensors.part").write_bytes(b"torn")
    checkpoint.sweep(tmp_path, {2, 4})
    assert sorted(p.name for p in tmp_path.iterdir()) == ["epoch-00002.safetensors", "epoch-00004.safetensors"]


def test_a_full_disk_is_said_and_leaves_the_old_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoint.save(tmp_path, one(1))

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(UserError) as refused:
        checkpoint.save(tmp_path, one(2))
    assert refused.value.code is ErrorCode.DISK_FULL
    assert [p.name for p in tmp_path.iterdir()] == ["epoch-00001.safetensors"]


def test_an_empty_folder_has_none(tmp_path: Path) -> None:
    assert checkpoint.newest(tmp_path) is None
    assert not checkpoint.any_in(tmp_path)
