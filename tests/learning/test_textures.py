"""Textures change what an image looks like by as much as the config says, and nothing without it."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from hipcad_desktop.domain.training import HIP, QUICK, TrainConfig
from hipcad_desktop.learning.textures import NUMBERS, has_textures, textured

NOTHING = replace(HIP, sharpness=0.0, gamma=0.0, folds=0.0, edges=0.0)


def images(n: int = 64) -> torch.Tensor:
    """Grey noise, smooth enough to have something to sharpen, [n, 96, 96]."""
    noise = torch.rand((n, 1, 24, 24), generator=torch.Generator().manual_seed(1)) * 0.5 + 0.25
    return torch.nn.functional.interpolate(noise, size=(96, 96), mode="bilinear")[:, 0]


def numbers(n: int = 64, seed: int = 2) -> torch.Tensor:
    """What an epoch would draw."""
    return torch.rand((n, NUMBERS), generator=torch.Generator().manual_seed(seed))


def changed(config: TrainConfig) -> torch.Tensor:
    """The images by a config."""
    return textured(images(), numbers(), config)


def test_only_the_hip_recipe_changes_textures() -> None:
    assert has_textures(HIP)
    assert not has_textures(QUICK)
    torch.testing.assert_close(changed(NOTHING), images())


def test_about_a_third_is_blurred_a_third_sharpened_and_the_rest_left() -> None:
    detail = (changed(replace(NOTHING, sharpness=1.0)).diff(dim=2).abs().mean(dim=(1, 2))) / (
        images().diff(dim=2).abs().mean(dim=(1, 2))
    )
    kind = numbers()[:, 0]
    assert (detail[kind < 0.35] < 1).all()
    assert (detail[(kind >= 0.35) & (kind < 0.7)] > 1).all()
    torch.testing.assert_close(detail[kind >= 0.7], torch.ones(int((kind >= 0.7).sum())))


def test_gamma_keeps_black_and_white() -> None:
    flat = torch.tensor([0.0, 0.5, 1.0]).repeat(8, 3, 1)
    found = textured(flat, numbers(8), replace(NOTHING, gamma=0.35))
    assert (found[:, :, 0] == 0).all()
    assert (found[:, :, 2] == 1).all()
    assert found[:, 0, 1].std() > 0.02


@pytest.mark.parametrize("share", [0.3, 1.0])
def test_folds_and_edges_come_as_often_as_said(share: float) -> None:
    folded = (changed(replace(NOTHING, folds=share)) - images()).abs().amax(dim=(1, 2)) > 0
    assert folded.float().mean() == pytest.approx(share, abs=0.12)
    ended = changed(replace(NOTHING, edges=share)) == 0
    assert ended.any(dim=2).any(dim=1).float().mean() == pytest.approx(share, abs=0.15)
    assert not ended[:, 40:56, 40:56].any()
