"""The constant matrices are the antialiased resize they claim to be."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from hipcad_desktop.learning.preprocess import Preprocess, resampling_matrices

HALF = (0.5, 0.5, 0.5)


@pytest.mark.parametrize("input_px", [64, 160, 300, 380, 456])
def test_resizes_as_torch_does_with_antialiasing(input_px: int) -> None:
    hips = torch.randint(0, 256, (3, 380, 380), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    ours = Preprocess(input_px=input_px, mean=HALF, std=HALF)(hips)
    reference = functional.interpolate(
        hips[:, None].float() / 255, size=(input_px, input_px), mode="bilinear", antialias=True, align_corners=False
    )
    assert ours.shape == (3, 3, input_px, input_px)
    assert torch.equal(ours[:, 0], ours[:, 2])
    torch.testing.assert_close(ours[:, :1], (reference - 0.5) / 0.5, atol=1e-4, rtol=0)


def test_at_380_the_pixels_are_untouched() -> None:
    hips = torch.randint(0, 256, (2, 380, 380), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    pixels = Preprocess(input_px=380, mean=(0.0,) * 3, std=(1.0,) * 3)(hips)
    assert torch.equal((pixels[:, 0] * 255).round().to(torch.uint8), hips)


def test_a_stretch_never_looks_outside_itself() -> None:
    matrices = resampling_matrices(torch.tensor([38.0, 0.0]), torch.tensor([380.0, 342.0]), size=380, out=160)
    torch.testing.assert_close(matrices.sum(dim=2), torch.ones(2, 160))
    assert float(matrices[0, :, :38].abs().max()) == 0
    assert float(matrices[1, :, 342:].abs().max()) == 0


def test_mean_and_deviation_can_be_taken_from_loaded_weights() -> None:
    preprocess = Preprocess(input_px=64, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
    assert preprocess.normalisation() == ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    preprocess.set_normalisation(HALF, HALF)
    assert float(preprocess(torch.full((1, 380, 380), 255, dtype=torch.uint8)).max()) == pytest.approx(1.0, abs=1e-5)
