"""What happens to a hip image between its 380 x 380 bytes and the network: resized, three channels, normalised.

It is part of the torch module and so of the exported graph: training and diagnosis cannot differ here (METHOD 3.5).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from hipcad_desktop.domain.halving import FRAME_PX


def resampling_matrices(start_px: Tensor, end_px: Tensor, *, size: int, out: int) -> Tensor:
    """Matrices [n, out, size] that resample the stretch [start, end] of `size` pixels to `out`, with a triangle filter.

    The filter is widened by the shrinking factor (antialiasing, as Pillow's BILINEAR and torch's antialias=True), and
    pixels outside the stretch weigh nothing. start_px and end_px are float [n].
    """
    scale = (end_px - start_px) / out
    support = scale.clamp(min=1.0)[:, None, None]
    steps = torch.arange(out, dtype=start_px.dtype, device=start_px.device) + 0.5
    centres = (start_px[:, None] + steps[None, :] * scale[:, None])[:, :, None]
    pixels = (torch.arange(size, dtype=start_px.dtype, device=start_px.device) + 0.5)[None, None, :]
    inside = (pixels > start_px[:, None, None]) & (pixels < end_px[:, None, None])
    weights = (1 - (pixels - centres).abs() / support).clamp(min=0.0) * inside
    return weights / weights.sum(dim=2, keepdim=True)


class Preprocess(nn.Module):
    """uint8 [N, 380, 380] -> float32 [N, 3, input_px, input_px], normalised as the weights want."""

    rows: Tensor
    mean: Tensor
    std: Tensor

    def __init__(self, *, input_px: int, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        self.input_px = input_px
        whole = torch.tensor([0.0], dtype=torch.float64), torch.tensor([float(FRAME_PX)], dtype=torch.float64)
        rows = resampling_matrices(*whole, size=FRAME_PX, out=input_px)[0].float()
        self.register_buffer("rows", rows, persistent=False)
        self.register_buffer("mean", torch.tensor(tuple(mean)).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(tuple(std)).view(1, 3, 1, 1), persistent=False)

    def forward(self, hips: Tensor) -> Tensor:
        """The network's input for hip images as they are."""
        return self.normalised(self.grey(hips, self.rows))

    def grey(self, hips: Tensor, columns: Tensor) -> Tensor:
        """Hip images in 0..1, resized: rows by the constant matrix, columns by one [input_px, 380] or one a hip."""
        values = hips.to(torch.float32) / 255.0
        if self.input_px != FRAME_PX:  # at 380 the matrix is the identity
            values = torch.matmul(self.rows, values)
        elif columns is self.rows:
            return values
        return torch.matmul(values, columns.transpose(-1, -2))

    def normalised(self, grey: Tensor) -> Tensor:
        """Three equal channels, less the mean, by the deviation."""
        return (grey.unsqueeze(1) - self.mean) / self.std

    def set_normalisation(self, mean: Sequence[float], std: Sequence[float]) -> None:
        """Take the mean and deviation (in 0..1) that loaded weights were trained with."""
        self.mean.copy_(torch.tensor(tuple(mean)).view(1, 3, 1, 1))
        self.std.copy_(torch.tensor(tuple(std)).view(1, 3, 1, 1))

    def normalisation(self) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
        """Mean and deviation in 0..1, rounded to what a card should show."""
        mean, std = ([round(float(v), 6) for v in t.flatten()] for t in (self.mean, self.std))
        return (mean[0], mean[1], mean[2]), (std[0], std[1], std[2])
