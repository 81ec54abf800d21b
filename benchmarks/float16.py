"""What float16 weights change of a model's probabilities, by which weights are rounded.

    python benchmarks/float16.py M.hipcad [FILM…]

The hips are both halves of the films (without any: of the sample films) and eight of noise. Measured on 2026-11-24 with
the demonstration model (EfficientNet-Lite0, 5 epochs), largest change of a margin and of a probability:

    rounded                    share of the weights    margin    probability
    every matrix                       97.5 %           0.181      0.0075
    the first convolution alone         0.0 %           0.136      0.0067
    single channels alone               5.3 %           0.142      0.0043
    the others alone                   92.1 %           0.038      0.0057
    16,384 values and more             94.7 %           0.026      0.0012

So the package keeps tensors of fewer than 16,384 values as they are (learning/weights.py).
"""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from hipcad_desktop.domain.training import TrainConfig
from hipcad_desktop.inference.package import read_package
from hipcad_desktop.learning.architecture import HipNetwork, build_network
from hipcad_desktop.learning.export import said_by_torch
from hipcad_desktop.workflows.shrink_model import film_halves, sample_films
from hipcad_desktop.workflows.train import load_weights
from hipcad_desktop.workflows.weight_precision import compared_hips, largest_change

CHOICES: dict[str, Callable[[str, Any], bool]] = {
    "every matrix": lambda name, tensor: tensor.ndim > 1,
    "the first convolution alone": lambda name, tensor: name == "conv_stem.weight",
    "single channels alone": lambda name, tensor: _single(tensor),
    "the others alone": lambda name, tensor: tensor.ndim > 1 and not _single(tensor) and name != "conv_stem.weight",
    "4,096 values and more": lambda name, tensor: tensor.numel() >= 1 << 12,
    "16,384 values and more": lambda name, tensor: tensor.numel() >= 1 << 14,
    "65,536 values and more": lambda name, tensor: tensor.numel() >= 1 << 16,
}


def _single(tensor: Any) -> bool:
    return bool(tensor.ndim == 4 and tensor.shape[1] == 1)


def partly_rounded(network: HipNetwork, chosen: Callable[[str, Any], bool]) -> tuple[HipNetwork, float]:
    """A copy with the chosen tensors through float16, and their share of all values."""
    copied = copy.deepcopy(network)
    count = total = 0
    with torch.no_grad():
        for name, tensor in copied.backbone.state_dict().items():
            total += tensor.numel()
            if tensor.is_floating_point() and chosen(name, tensor):
                tensor.copy_(tensor.half())
                count += tensor.numel()
    return copied, count / total


def main(model: Path, films: list[Path]) -> int:
    """Print the table."""
    card = read_package(model).card
    config = replace(TrainConfig.from_json(card.config), weights=str(model), backbone=card.backbone)
    network = build_network(replace(config, input_px=card.input_px))
    load_weights(network, config)
    hips = compared_hips(film_halves(films or sample_films()))
    exact = said_by_torch(network, hips).margin
    print(f"{len(hips)} hips, temperature {card.temperature:.3f}")
    print(f"{'rounded':30}{'share':>8}{'margin':>10}{'probability':>14}")
    for words, chosen in CHOICES.items():
        copied, share = partly_rounded(network, chosen)
        said = said_by_torch(copied, hips).margin
        change = largest_change(exact, said, temperature=card.temperature)
        print(f"{words:30}{share:8.1%}{np.abs(exact - said).max():10.3f}{change:14.4f}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), [Path(word) for word in sys.argv[2:]]))
