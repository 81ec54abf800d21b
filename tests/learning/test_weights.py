"""Weights from files of every accepted kind, and a clear answer to every other file."""

from __future__ import annotations

import time
from collections import OrderedDict
from pathlib import Path

import pytest
import safetensors.torch
import torch

from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.learning import weights
from hipcad_desktop.learning.architecture import HipNetwork, build_network
from tests.learning.hips import small

NAME = "test_efficientnet"


def fresh(seed: int) -> HipNetwork:
    """A small network with random weights."""
    return build_network(small(backbone=NAME, seed=seed))


def same(a: HipNetwork, b: HipNetwork, *, head: bool = True) -> bool:
    """Whether two networks have the same weights."""
    theirs = b.backbone.state_dict()
    return all(
        torch.equal(v, theirs[k]) for k, v in a.backbone.state_dict().items() if head or not k.startswith("classifier")
    )


def test_bytes_of_a_package_come_back() -> None:
    trained, network = fresh(1), fresh(2)
    weights.load_bytes(network, weights.weights_bytes(trained), path="m.hipcad", backbone=NAME)
    assert same(trained, network)


def test_safetensors_by_name(tmp_path: Path) -> None:
    trained, network = fresh(1), fresh(2)
    state = {f"module.{k}": v.contiguous() for k, v in trained.backbone.state_dict().items()}
    safetensors.torch.save_file(state, tmp_path / "w.safetensors")
    weights.load_file(network, tmp_path / "w.safetensors", NAME)
    assert same(trained, network)


def test_other_names_in_the_same_order_and_another_number_of_classes(tmp_path: Path) -> None:
    trained, network = fresh(1), fresh(2)
    head_before = network.backbone.classifier.weight.clone()
    state = OrderedDict()
    for index, (key, value) in enumerate(trained.backbone.state_dict().items()):
        wide = torch.zeros((1000, *value.shape[1:])) if key.startswith("classifier") else value
        state[f"_layer{index}.{key.rpartition('.')[2]}"] = wide
    torch.save({"state_dict": state}, tmp_path / "w.pth")
    weights.load_file(network, tmp_path / "w.pth", NAME)
    assert same(trained, network, head=False)
    assert torch.equal(network.backbone.classifier.weight, head_before)


def _without_one(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {k: v for k, v in state.items() if k != "conv_head.weight"}


def _misshapen(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {**state, "conv_head.weight": torch.zeros(3, 3, 1, 1)}


def _not_finite(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {**state, "conv_head.weight": torch.full_like(state["conv_head.weight"], torch.nan)}


@pytest.mark.parametrize("spoil", [_without_one, _misshapen, _not_finite])
@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_weights_that_do_not_fit_change_nothing(tmp_path: Path, spoil: object, suffix: str) -> None:
    network, before = fresh(2), fresh(2)
    state = spoil({k: v.contiguous() for k, v in fresh(1).backbone.state_dict().items()})  # type: ignore[operator]
    path = tmp_path / f"w{suffix}"
    if suffix == ".pth":
        torch.save(state, path)
    else:
        safetensors.torch.save_file(state, path)
    with pytest.raises(UserError) as refused:
        weights.load_file(network, path, NAME)
    assert refused.value.code is ErrorCode.WEIGHTS_UNFIT
    assert refused.value.facts["detail"]
    assert same(network, before)


@pytest.mark.parametrize("name", ["w.pth", "w.pt", "w.safetensors", "w.bin"])
def test_a_file_of_nonsense(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"not weights at all" * 100)
    with pytest.raises(UserError) as refused:
        weights.load_file(fresh(1), tmp_path / name, NAME)
    assert refused.value.code is ErrorCode.WEIGHTS_UNFIT


class _Mark:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (Path.touch, (Path("ran"),))  # type: ignore[return-value]


def test_a_pickle_that_runs_code_is_refused_and_does_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"conv_stem.weight": _Mark()}, tmp_path / "w.pth")
    with pytest.raises(UserError) as refused:
        weights.load_file(fresh(1), tmp_path / "w.pth", NAME)
    assert refused.value.code is ErrorCode.WEIGHTS_UNFIT
    assert not (tmp_path / "ran").exists()


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(UserError) as refused:
        weights.load_file(fresh(1), tmp_path / "none.pth", NAME)
    assert refused.value.code is ErrorCode.FILE_MISSING


def test_without_a_network_imagenet_fails_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    network = build_network(small())
    began = time.monotonic()
    with pytest.raises(UserError) as refused:
        weights.load_imagenet(network, small().backbone)
    assert refused.value.code is ErrorCode.WEIGHTS_UNREACHABLE
    assert time.monotonic() - began < 10


def test_imagenet_weights_come_from_the_local_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub

    trained = build_network(small(seed=1)).backbone
    state = {k: v.contiguous() for k, v in trained.state_dict().items()}
    state |= {"classifier.weight": torch.zeros(1000, 256), "classifier.bias": torch.zeros(1000)}
    path = tmp_path / "model.safetensors"
    safetensors.torch.save_file(state, path)
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", lambda *_, **__: str(path))
    network = build_network(small(seed=2))
    weights.load_imagenet(network, small().backbone)
    assert torch.equal(network.backbone.conv_head.weight, trained.conv_head.weight)


def test_the_quick_recipe_finds_its_imagenet_weights_without_a_network(monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    from hipcad_desktop.domain.training import QUICK

    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    network = build_network(QUICK)
    before = network.backbone.conv_stem.weight.clone()
    weights.load_imagenet(network, QUICK.backbone)
    assert not torch.equal(network.backbone.conv_stem.weight, before)
    assert float(network.backbone.conv_stem.weight.detach().abs().max()) > 0.5  # trained filters, not small random ones


def test_what_was_rounded_is_kept_in_fewer_bytes_and_comes_back_to_the_last_bit() -> None:
    network = fresh(3)
    large, too_large, small = "blocks.2.0.conv_exp.weight", "conv_head.weight", "conv_stem.weight"
    with torch.no_grad():
        network.backbone.conv_head.weight[0, 0] = 1e6  # more than float16 holds
    kept = weights.rounded(network)
    content = weights.weights_bytes(kept, half=True)
    state = safetensors.torch.load(content)
    assert [state[name].dtype for name in (large, too_large, small)] == [torch.float16, torch.float32, torch.float32]
    again = fresh(4)
    weights.load_bytes(again, content, path="m.hipcad", backbone=NAME)
    assert same(again, kept)
    assert not same(again, network)
    before, after = (n.backbone.state_dict() for n in (network, again))
    assert all(v.dtype != torch.float16 for v in after.values())
    changed = {name for name, values in before.items() if not torch.equal(values, after[name])}
    assert changed == {large}
    assert 0 < float((before[large] - after[large]).abs().max()) < 1e-3


def test_weights_that_float16_would_change_are_kept_whole() -> None:
    network = fresh(3)
    whole = weights.weights_bytes(network, half=True)
    assert all(v.dtype != torch.float16 for v in safetensors.torch.load(whole).values())
    large = sum(v.numel() for v in network.backbone.state_dict().values() if v.numel() >= 1 << 14)
    assert len(weights.weights_bytes(weights.rounded(network), half=True)) < len(whole) - 2 * large + 100
