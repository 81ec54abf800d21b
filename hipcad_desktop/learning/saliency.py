"""Where a network looked on one hip, asked in other ways than its own heat map: captum's, step by step.

Each method explains the margin, the logit of "fracture" less that of "no fracture", and keeps what speaks for a
fracture. Every question to the network goes through `asked`, which may raise to end the work: captum itself knows
neither progress nor cancelling.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import torch
from captum.attr import IntegratedGradients, LayerGradCam, Occlusion
from torch import Tensor, nn

from hipcad_desktop.learning.architecture import HipNetwork

Asked = Callable[[int, int], None]  # questions answered so far, of how many
_EARLIER_STRIDE = 16  # pixels of the input a place of the map stands for; the final map's is 32
# The path from grey to the hip, each segment as long as all before it: a network answers to contrast by its order, and
# with equal segments the parts added up to 1.3 to 2.9 times the change on simulated hips, with these to 0.7 to 1.0.
_PATH = (0.0, *(2.0**-i for i in range(7, -1, -1)))
_STEPS = 6  # of each segment
_SMOOTHED = 1 / 64  # of the input's width: single pixels cannot be seen, and their gradients are noise
_COVERED = 1 / 8  # of the input's width: about a femoral head in a hip's strip
_AT_ONCE = 4


@dataclass(frozen=True, slots=True, eq=False)
class Looked:
    """heat: float32 [h, w], at least 0. explained: the share of the margin's change that the map adds up to."""

    heat: npt.NDArray[np.float32]
    explained: float | None = None


def p_fracture(network: HipNetwork, hip: npt.NDArray[np.uint8], *, temperature: float) -> float:
    """What the weights themselves say of a hip image, uint8 [380, 380], as diagnosis computes it."""
    network = network.cpu().eval()
    with torch.inference_mode():
        logits = network.logits(_pixels(network, hip))[0].double()
    return float(torch.sigmoid((logits[1] - logits[0]) / temperature))


def earlier_grad_cam(network: HipNetwork, hip: npt.NDArray[np.uint8], *, asked: Asked) -> Looked:
    """Grad-CAM at the last layer whose map is twice as fine as the final one."""
    cam = LayerGradCam(_counted(network, asked, 1), earlier_layer(network))
    heat = cam.attribute(_pixels(network, hip).requires_grad_(), relu_attributions=True)
    return Looked(_map(heat[:, :1]))


def integrated_gradients(network: HipNetwork, hip: npt.NDArray[np.uint8], *, asked: Asked) -> Looked:
    """Integrated gradients from an even grey, the hip's mean, to the hip; smoothed by 1/64 of the width.

    The path is walked in segments, each an integral of its own, whose sum is the whole one: so the work can be left.
    The parts add up to the margin's change along the path as far as the steps are fine enough (`explained`).
    """
    end = _pixels(network, hip)
    start = end.mean(dim=(2, 3), keepdim=True).expand_as(end)
    # Of each segment captum asks for the integral's points, and for both ends.
    ask = _counted(network, asked, (len(_PATH) - 1) * (math.ceil(_STEPS / _AT_ONCE) + 2))
    method = IntegratedGradients(ask, multiply_by_inputs=True)
    total, gap = torch.zeros_like(end), 0.0
    for a, b in pairwise(_PATH):
        here, there = start + (end - start) * a, start + (end - start) * b
        part, delta = method.attribute(
            there, baselines=here, n_steps=_STEPS, internal_batch_size=_AT_ONCE, return_convergence_delta=True
        )
        total += part.detach()
        gap += float(delta.sum())
    change = float(total.sum()) - gap
    explained = float(total.sum()) / change if abs(change) > 1e-6 else None
    return Looked(_map(_smoothed(total.sum(dim=1, keepdim=True))), explained)


def occlusion(network: HipNetwork, hip: npt.NDArray[np.uint8], *, asked: Asked) -> Looked:
    """How far the margin falls when a square, an eighth of the width, is covered with the hip's mean grey."""
    pixels = _pixels(network, hip)
    size = pixels.shape[-1]
    side = max(4, round(size * _COVERED))
    step = max(2, side // 2)
    places = (math.ceil((size - side) / step) + 1) ** 2
    method = Occlusion(_counted(network, asked, 1 + math.ceil(places / _AT_ONCE)))
    with torch.no_grad():
        heat = method.attribute(
            pixels,
            sliding_window_shapes=(3, side, side),
            strides=(3, step, step),
            baselines=pixels.mean(dim=(2, 3), keepdim=True).expand_as(pixels),
            perturbations_per_eval=_AT_ONCE,
        )
    return Looked(_map(heat[:, :1]))


def earlier_layer(network: HipNetwork) -> nn.Module:
    """The last layer whose features lie 16 pixels apart; without one, the last but one that timm names."""
    stages = [dict(stage) for stage in network.backbone.feature_info]
    fine = [stage for stage in stages if stage["reduction"] <= _EARLIER_STRIDE] or stages[:-1] or stages
    layer: nn.Module = network.backbone.get_submodule(fine[-1]["module"])
    return layer


def _counted(network: HipNetwork, asked: Asked, expected: int) -> Callable[[Tensor], Tensor]:
    """The margin [N] of pixels [N, 3, n, n], as a function that counts how often it is asked."""
    network = network.cpu().eval()
    times = 0

    def margin(pixels: Tensor) -> Tensor:
        nonlocal times
        asked(min(times, expected), expected)
        logits = network.logits(pixels)
        times += 1
        asked(min(times, expected), expected)
        return logits[:, 1] - logits[:, 0]

    return margin


def _pixels(network: HipNetwork, hip: npt.NDArray[np.uint8]) -> Tensor:
    with torch.no_grad():
        pixels: Tensor = network.preprocess(torch.from_numpy(np.ascontiguousarray(hip))[None])
    return pixels.detach()


def _smoothed(values: Tensor) -> Tensor:
    """[1, 1, n, n] under a Gaussian bell."""
    sigma = max(1.0, values.shape[-1] * _SMOOTHED)
    reach = math.ceil(3 * sigma)
    bell = torch.exp(-0.5 * (torch.arange(-reach, reach + 1, dtype=values.dtype) / sigma) ** 2)
    bell = bell / bell.sum()
    across = nn.functional.conv2d(values, bell.view(1, 1, 1, -1), padding=(0, reach))
    return nn.functional.conv2d(across, bell.view(1, 1, -1, 1), padding=(reach, 0))


def _map(values: Tensor) -> npt.NDArray[np.float32]:
    """[1, 1, h, w] -> what is above zero, float32 [h, w]."""
    heat: npt.NDArray[np.float32] = torch.relu(values.detach())[0, 0].float().numpy()
    return heat
