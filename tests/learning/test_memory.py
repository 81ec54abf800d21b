"""What a step will take is counted before it is taken."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.learning import memory
from hipcad_desktop.learning.architecture import build_network
from tests.learning.hips import small

CPU = torch.device("cpu")


def test_counting_changes_nothing_of_the_network() -> None:
    network = build_network(small())
    network.eval()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    assert memory.bytes_per_hip(network, CPU) > 0
    assert not network.training
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())
    assert all(p.grad is None for p in network.parameters())


def test_four_times_the_pixels_take_about_four_times_the_memory() -> None:
    few, many = (memory.bytes_per_hip(build_network(small(input_px=px)), CPU) for px in (64, 128))
    assert 3 < many / few < 4.5


@pytest.mark.parametrize(("hips_that_fit", "parts"), [(64, 1), (40, 1), (39, 2), (12, 4), (2, 16)])
def test_a_batch_is_cut_until_it_fits(monkeypatch: pytest.MonkeyPatch, hips_that_fit: int, parts: int) -> None:
    network = build_network(small())
    per_hip = memory.bytes_per_hip(network, CPU)
    free = memory.needed_bytes(network, per_hip, hips_that_fit) + 10
    monkeypatch.setattr(memory, "free_bytes", lambda _: free)
    if hips_that_fit == 2:  # 40 hips in 16 parts are 3 at once, and 2 are wanted: no cut of 40 gives that
        with pytest.raises(UserError) as refused:
            memory.parts_for(network, batch=40)
        assert refused.value.code is ErrorCode.OUT_OF_MEMORY
        return
    plan = memory.parts_for(network, batch=40)
    assert plan.parts == parts
    assert plan.hips_at_once <= hips_that_fit


def test_a_containers_limit_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_CGROUP", tmp_path)
    unlimited = memory.free_bytes(CPU)
    (tmp_path / "memory.max").write_text("1000000\n")
    (tmp_path / "memory.current").write_text("700000\n")
    (tmp_path / "memory.stat").write_text("anon 500000\ninactive_file 100000\n")
    assert memory.free_bytes(CPU) == 400_000
    (tmp_path / "memory.max").write_text("max\n")
    assert memory.free_bytes(CPU) == pytest.approx(unlimited, rel=0.5)
