"""Random changes of the training images: mirrored, brighter, more contrast, the dividing line moved (METHOD 3.4).

A square about a hip (METHOD 3.4b) has no dividing line; it is shifted, scaled and turned, as the finder may place it.
All draws of an epoch are made at once from (seed, epoch), on the CPU: a resumed run draws what the unbroken one would
have drawn, on any device. Cropping, stretching, mirroring and resizing are one matrix for each image.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample

from hipcad_desktop.domain.halving import FRAME_PX, HalvingMethod
from hipcad_desktop.domain.training import TrainConfig
from hipcad_desktop.learning.data import HipSet
from hipcad_desktop.learning.preprocess import Preprocess, resampling_matrices
from hipcad_desktop.learning.textures import NUMBERS, has_textures, textured


@dataclass(frozen=True, slots=True, eq=False)
class Draws:
    """What was drawn for n hips, in the order in which they train; each tensor has n entries.

    image: index into HipSet.images; fracture: its class; start, end: the stretch of columns kept, as shares of the
    width; mirror: whether turned about the vertical axis; brightness, contrast: changes as shares; kept: bool
    [n, features], what dropout leaves, None without dropout. place: [n, 2, 3], where each square is taken from, in
    halves of its side from its middle; None where squares stay where they are. texture: [n, NUMBERS] of textures.py.
    """

    image: Tensor
    fracture: Tensor
    start: Tensor
    end: Tensor
    mirror: Tensor
    brightness: Tensor
    contrast: Tensor
    kept: Tensor | None = None
    place: Tensor | None = None
    texture: Tensor | None = None

    def __len__(self) -> int:
        return len(self.image)

    def part(self, chosen: slice) -> Draws:
        """Some of the hips."""
        return self._with(lambda tensor: tensor[chosen])

    def placed(self, device: torch.device, *, images: torch.device) -> Draws:
        """The same on a device, `image` where the images lie: once an epoch, so that no step waits for the bus."""
        return replace(self._with(lambda tensor: tensor.to(device)), image=self.image.to(images))

    def batches(self, batch: int) -> list[Draws]:
        """Nearly equal batches of about `batch` hips."""
        return [self.part(stretch) for stretch in batch_stretches(len(self), batch)]

    def _with(self, change: Callable[[Tensor], Tensor]) -> Draws:
        values = (getattr(self, name) for name in self.__slots__)
        changed_values: list[Any] = [None if value is None else change(value) for value in values]
        return Draws(*changed_values)


def batch_stretches(n: int, batch: int) -> list[slice]:
    """n hips in nearly equal batches of about `batch`, at least two each: batch norm must never meet a single one."""
    count = max(1, min(-(-n // batch), n // 2))
    ends = [round(i * n / count) for i in range(count + 1)]
    return [slice(a, b) for a, b in pairwise(ends)]


def derived_seed(seed: int, epoch: int, purpose: str) -> int:
    """A seed for one purpose of one epoch, below 2^63."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{epoch}/{purpose}".encode()).digest()[:8], "big") >> 1


def draw_epoch(hips: HipSet, config: TrainConfig, epoch: int, *, features: int = 0) -> Draws:
    """Order, halving, changes and dropout (of so many features) of every hip in one epoch."""
    generator = torch.Generator().manual_seed(derived_seed(config.seed, epoch, "draws"))
    n = len(hips)

    def uniform() -> Tensor:
        return torch.rand(n, generator=generator)

    order = torch.randperm(n, generator=generator)
    pick = uniform().tolist()
    image = torch.tensor(
        [hips.choices[hip][int(p * len(hips.choices[hip]))] for hip, p in zip(order.tolist(), pick, strict=True)]
    )
    crop = uniform() * config.line_jitter
    inner_right = hips.inner_right[image]
    return Draws(
        image=image,
        fracture=hips.fracture[order],
        start=torch.where(inner_right, torch.zeros(n), crop),
        end=torch.where(inner_right, 1 - crop, torch.ones(n)),
        mirror=(uniform() < 0.5) & config.mirror,
        brightness=(uniform() * 2 - 1) * config.brightness,
        contrast=(uniform() * 2 - 1) * config.contrast,
        kept=_kept(n, features, config, epoch) if config.dropout and features else None,
        place=_place(n, config, epoch),
        texture=_texture(n, config, epoch),
    )


def _kept(n: int, features: int, config: TrainConfig, epoch: int) -> Tensor:
    """bool [n, features]; a generator of its own, so that dropout changes no other draw."""
    generator = torch.Generator().manual_seed(derived_seed(config.seed, epoch, "dropout"))
    return torch.empty((n, features), dtype=torch.bool).bernoulli_(1 - config.dropout, generator=generator)


def _place(n: int, config: TrainConfig, epoch: int) -> Tensor | None:
    """[n, 2, 3] for squares about hips, None for strips; a generator of its own, so that it changes no other draw."""
    jitter = (config.shift_jitter, config.shift_jitter, config.scale_jitter, math.radians(config.turn_jitter_deg))
    if config.judged_halving is not HalvingMethod.HIP or not any(jitter):
        return None
    generator = torch.Generator().manual_seed(derived_seed(config.seed, epoch, "place"))
    across, down, scale, turn = ((torch.rand((n, 4), generator=generator) * 2 - 1) * torch.tensor(jitter)).unbind(1)
    cos, sin = (1 + scale) * torch.cos(turn), (1 + scale) * torch.sin(turn)
    return torch.stack((cos, -sin, 2 * across, sin, cos, 2 * down), dim=1).view(n, 2, 3)


def _texture(n: int, config: TrainConfig, epoch: int) -> Tensor | None:
    """What textures.py works from, None where it changes nothing; a generator of its own, as above."""
    if not has_textures(config):
        return None
    generator = torch.Generator().manual_seed(derived_seed(config.seed, epoch, "texture"))
    return torch.rand((n, NUMBERS), generator=generator)


def _placed(hips: Tensor, place: Tensor) -> Tensor:
    """Hip images [n, 380, 380] as if their squares had been placed elsewhere, float32; what lies beyond is mirrored."""
    grid = affine_grid(place, [len(hips), 1, FRAME_PX, FRAME_PX], align_corners=False)
    values = hips.unsqueeze(1).to(torch.float32)
    return grid_sample(values, grid, mode="bilinear", padding_mode="reflection", align_corners=False).squeeze(1)


def changed(preprocess: Preprocess, hips: Tensor, draws: Draws, config: TrainConfig) -> Tensor:
    """The network's input for hip images uint8 [n, 380, 380] with their draws applied, on the images' device."""
    start, end, mirror, brightness, contrast = (
        t.to(hips.device, non_blocking=True)
        for t in (draws.start, draws.end, draws.mirror, draws.brightness, draws.contrast)
    )
    if draws.place is not None:
        hips = _placed(hips, draws.place.to(hips.device, non_blocking=True))
    columns = resampling_matrices(start * FRAME_PX, end * FRAME_PX, size=FRAME_PX, out=preprocess.input_px)
    columns = torch.where(mirror[:, None, None], columns.flip(1), columns)
    grey = preprocess.grey(hips, columns)
    if draws.texture is not None:
        grey = textured(grey, draws.texture.to(hips.device, non_blocking=True), config)
    middle = grey.mean(dim=(1, 2), keepdim=True)
    grey = (grey - middle) * (1 + contrast[:, None, None]) + middle + brightness[:, None, None]
    return preprocess.normalised(grey.clamp(0.0, 1.0))
