"""Random changes of the training images: mirrored, brighter, more contrast, the dividing line moved (METHOD 3.4).

All draws of an epoch are made at once from (seed, epoch), on the CPU: a resumed run draws what the unbroken one would
have drawn, on any device. Cropping, stretching, mirroring and resizing are one matrix for each image.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from hipcad_desktop.domain.halving import FRAME_PX
from hipcad_desktop.domain.training import TrainConfig
from hipcad_desktop.learning.data import HipSet
from hipcad_desktop.learning.preprocess import Preprocess, resampling_matrices


@dataclass(frozen=True, slots=True, eq=False)
class Draws:
    """What was drawn for n hips, in the order in which they train; each tensor has n entries.

    image: index into HipSet.images; fracture: its class; start, end: the stretch of columns kept, as shares of the
    width; mirror: whether turned about the vertical axis; brightness, contrast: changes as shares.
    """

    image: Tensor
    fracture: Tensor
    start: Tensor
    end: Tensor
    mirror: Tensor
    brightness: Tensor
    contrast: Tensor

    def __len__(self) -> int:
        return len(self.image)

    def part(self, chosen: slice) -> Draws:
        """Some of the hips."""
        return Draws(*(getattr(self, name)[chosen] for name in self.__slots__))

    def batches(self, batch: int) -> list[Draws]:
        """Nearly equal batches of about `batch` hips, at least two each: batch norm must never meet a single one."""
        count = max(1, min(-(-len(self) // batch), len(self) // 2))
        ends = [round(i * len(self) / count) for i in range(count + 1)]
        return [self.part(slice(a, b)) for a, b in pairwise(ends)]


def derived_seed(seed: int, epoch: int, purpose: str) -> int:
    """A seed for one purpose of one epoch, below 2^63."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{epoch}/{purpose}".encode()).digest()[:8], "big") >> 1


def draw_epoch(hips: HipSet, config: TrainConfig, epoch: int) -> Draws:
    """Order, halving and changes of every hip in one epoch."""
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
    )


def changed(preprocess: Preprocess, hips: Tensor, draws: Draws) -> Tensor:
    """The network's input for hip images uint8 [n, 380, 380] with their draws applied, on the images' device."""
    start, end, mirror, brightness, contrast = (
        t.to(hips.device, non_blocking=True)
        for t in (draws.start, draws.end, draws.mirror, draws.brightness, draws.contrast)
    )
    columns = resampling_matrices(start * FRAME_PX, end * FRAME_PX, size=FRAME_PX, out=preprocess.input_px)
    columns = torch.where(mirror[:, None, None], columns.flip(1), columns)
    grey = preprocess.grey(hips, columns)
    middle = grey.mean(dim=(1, 2), keepdim=True)
    grey = (grey - middle) * (1 + contrast[:, None, None]) + middle + brightness[:, None, None]
    return preprocess.normalised(grey.clamp(0.0, 1.0))
