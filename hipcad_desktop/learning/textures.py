"""Random changes of what a hip image looks like, not of where it is: sharpness, gamma, folds of soft tissue, edges.

Hospitals' detectors and processing differ in sharpness and contrast, skin folds cross a femur as bright or dark bows,
and what a square holds beyond the film is black. None of it tells a fracture; a network that trains on one hospital's
films must not learn that it does. All of it is worked out from uniform numbers that are drawn with the epoch's others.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn.functional import conv2d, pad

from hipcad_desktop.domain.training import TrainConfig

FOLDS = 3  # at most, in an image
_PER_FOLD = 6
NUMBERS = 7 + FOLDS * _PER_FOLD  # uniform in [0, 1), for one image
_LARGEST_SIGMA = 0.009  # of the image's side
_SMALLEST_SIGMA = 0.0025
_BLURRED, _SHARPENED = 0.35, 0.7  # up to these shares of images
_STRONGEST_SHARPENING = 1.8
_BRIGHTEST_FOLD, _BRIGHTEST_BOW = 0.09, 0.06  # of the full range
_DEEPEST_EDGE = 0.22  # of the image's side


def has_textures(config: TrainConfig) -> bool:
    """Whether a run changes textures at all."""
    return bool(config.sharpness or config.gamma or config.folds or config.edges)


def textured(grey: Tensor, numbers: Tensor, config: TrainConfig) -> Tensor:
    """Images [n, h, h] in 0..1, changed by their numbers, uniform [n, NUMBERS]."""
    grey = _of_other_sharpness(grey, numbers[:, :3], config.sharpness)
    if config.folds:
        grey = _folded(grey, numbers[:, 7:], numbers[:, 3] < config.folds)
    if config.gamma:
        power = torch.exp((numbers[:, 4] * 2 - 1) * config.gamma)
        grey = grey.clamp(0.0, 1.0) ** power[:, None, None]
    return _with_edges(grey, numbers[:, 5:7], config.edges) if config.edges else grey


def _of_other_sharpness(grey: Tensor, numbers: Tensor, sharpness: float) -> Tensor:
    """Some blurred, some sharpened by an unsharp mask: x + amount (x - blurred x)."""
    if not sharpness:
        return grey
    size = grey.shape[-1]
    kind = numbers[:, 0]
    sigma = size * (_SMALLEST_SIGMA + (_LARGEST_SIGMA - _SMALLEST_SIGMA) * numbers[:, 1])
    sharper = _STRONGEST_SHARPENING * numbers[:, 2]
    amount = torch.where(kind < _BLURRED, -torch.ones_like(kind), torch.where(kind < _SHARPENED, sharper, 0 * kind))
    return grey + sharpness * amount[:, None, None] * (grey - _blurred(grey, sigma))


def _blurred(grey: Tensor, sigma: Tensor) -> Tensor:
    """Each image [h, h] by a Gaussian of its own sigma, in pixels."""
    n, size = len(grey), grey.shape[-1]
    reach = max(1, math.ceil(2.5 * size * _LARGEST_SIGMA))
    steps = torch.arange(-reach, reach + 1, dtype=grey.dtype, device=grey.device)
    weights = torch.exp(-0.5 * (steps / sigma[:, None]) ** 2)
    weights = weights / weights.sum(dim=1, keepdim=True)
    across = conv2d(pad(grey[None], (reach, reach, 0, 0), mode="replicate"), weights.view(n, 1, 1, -1), groups=n)
    return conv2d(pad(across, (0, 0, reach, reach), mode="replicate"), weights.view(n, 1, -1, 1), groups=n)[0]


def _folded(grey: Tensor, numbers: Tensor, wanted: Tensor) -> Tensor:
    """Bows across the image: a step that fades on one side, as a fold's edge, or a soft line."""
    size = grey.shape[-1]
    at = torch.linspace(-1, 1, size, dtype=grey.dtype, device=grey.device)
    y, x = at.view(1, size, 1), at.view(1, 1, size)
    for fold in range(FOLDS):
        angle, place, bend, strength, width, kind = (
            v.view(-1, 1, 1) for v in numbers[:, fold * _PER_FOLD : (fold + 1) * _PER_FOLD].unbind(1)
        )
        cos, sin = torch.cos(math.pi * angle), torch.sin(math.pi * angle)
        along = y * cos - x * sin
        away = x * cos + y * sin - (place * 1.8 - 0.9) + (bend - 0.5) * along**2
        step = torch.exp(-away.clamp(min=0) / (0.05 + 0.45 * width)) * (away > 0) * _BRIGHTEST_FOLD
        line = torch.exp(-((away / (0.01 + 0.05 * width)) ** 2)) * _BRIGHTEST_BOW
        change = (strength * 2 - 1) * torch.where(kind < 0.55, step, line)
        grey = grey + torch.where(wanted.view(-1, 1, 1), change, 0 * change)
    return grey


def _with_edges(grey: Tensor, numbers: Tensor, share: float) -> Tensor:
    """Some end early: black from below, or from one side, as squares do at the film's edge."""
    size = grey.shape[-1]
    at = (torch.arange(size, dtype=grey.dtype, device=grey.device) + 0.5) / size
    kind, deep = numbers.unbind(1)
    end = (1 - _DEEPEST_EDGE * deep).view(-1, 1)
    inside = at.view(1, -1) < end
    below, right, left = (
        ((kind >= low * share) & (kind < high * share)).view(-1, 1) for low, high in ((0, 0.5), (0.5, 0.75), (0.75, 1))
    )
    rows = (inside | ~below).unsqueeze(2)
    columns = ((inside | ~right) & (inside.flip(1) | ~left)).unsqueeze(1)
    return grey * rows * columns
