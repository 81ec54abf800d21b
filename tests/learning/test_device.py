"""A device is chosen aloud, and a GPU that was asked for is never replaced in silence."""

from __future__ import annotations

import pytest
import torch

from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.learning.device import choose_device, is_out_of_memory, runs_on


@pytest.fixture
def no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)


@pytest.fixture
def old_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _: "GeForce GTX 680")
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: (3, 0))
    monkeypatch.setattr(torch.cuda, "get_arch_list", lambda: ["sm_75", "sm_80", "sm_90"])


@pytest.mark.usefixtures("no_gpu")
def test_without_a_gpu_cuda_is_refused_and_auto_says_why_it_is_the_cpu() -> None:
    with pytest.raises(UserError) as refused:
        choose_device("cuda")
    assert refused.value.code is ErrorCode.NO_GPU
    chosen = choose_device("auto")
    assert chosen.torch_device.type == "cpu"
    assert "no GPU can be used" in chosen.reason
    assert chosen.precision == "float32"
    assert choose_device("cpu").reason == "asked for"


@pytest.mark.usefixtures("old_gpu")
def test_a_gpu_this_torch_was_not_built_for_is_named() -> None:
    with pytest.raises(UserError) as refused:
        choose_device("cuda")
    assert refused.value.code is ErrorCode.GPU_UNSUPPORTED
    assert refused.value.facts["name"] == "GeForce GTX 680"
    assert "3.0" in choose_device("auto").reason


@pytest.mark.parametrize(
    ("capability", "built_for", "runs"),
    [
        ((7, 5), ["sm_75", "sm_80"], True),
        ((8, 6), ["sm_75", "sm_80"], True),  # machine code of the same major version
        ((7, 0), ["sm_75", "sm_80"], False),
        ((12, 0), ["sm_90", "compute_90"], True),  # compiled by the driver
        ((12, 0), ["sm_90"], False),
        ((9, 0), ["sm_90a"], True),
        ((12, 1), ["sm_120"], True),
    ],
)
def test_which_builds_run_on_which_gpus(capability: tuple[int, int], built_for: list[str], runs: bool) -> None:
    assert runs_on(*capability, built_for) is runs


def test_what_counts_as_out_of_memory() -> None:
    assert is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory"))
    assert is_out_of_memory(RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"))
    assert is_out_of_memory(MemoryError())
    assert not is_out_of_memory(RuntimeError("shape mismatch"))
