"""The hips of a partition as tensors: all images in memory as bytes, and which images show which hip."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

_GPU_SHARE = 0.4  # of the free GPU memory that images may take; the rest is for activations


@dataclass(frozen=True, slots=True, eq=False)
class HipSet:
    """images uint8 [M, 380, 380]; the other fields tell the hips apart.

    choices: for each hip the indices of its images, one for each halving; a random one trains each epoch.
    fracture: int64 [hips], 1 where broken. inner_right: bool [M], the dividing line is the image's right edge.
    names: of each hip its film's code and its side, for lists that a person reads; empty where nobody needs them.
    """

    images: Tensor
    choices: tuple[tuple[int, ...], ...]
    fracture: Tensor
    inner_right: Tensor
    names: tuple[tuple[str, str], ...] = ()

    def __len__(self) -> int:
        return len(self.choices)

    def placed(self, device: torch.device) -> HipSet:
        """The same set with its images on the GPU where they fit, so that no batch waits for the bus."""
        if device.type != "cuda":
            return self
        free, _ = torch.cuda.mem_get_info(device)
        if self.images.nbytes > _GPU_SHARE * free:
            return self
        return replace(self, images=self.images.to(device))

    def batch(self, image_indices: Tensor, device: torch.device) -> Tensor:
        """Some images, uint8 [n, 380, 380], on the device."""
        picked = self.images[image_indices.to(self.images.device)]
        if device.type == "cuda" and picked.device.type == "cpu":
            picked = picked.pin_memory()
        return picked.to(device, non_blocking=True)


def class_weights(fracture: Tensor) -> Tensor:
    """Weights of the loss for hips without and with fracture, float32 [2]: each class counts half, the mean is 1."""
    counts = torch.bincount(fracture, minlength=2).float()
    return counts.sum() / (2 * counts)
