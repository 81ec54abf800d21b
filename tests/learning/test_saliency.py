"""Second opinions against captum as a whole and against networks whose answer is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from captum.attr import IntegratedGradients
from torch import Tensor, nn

from hipcad_desktop.learning import saliency
from hipcad_desktop.learning.architecture import HipNetwork, build_network
from hipcad_desktop.learning.preprocess import Preprocess
from tests.learning.hips import small


def hip(seed: int = 1) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.random.default_rng(seed).integers(0, 255, (380, 380), np.uint8)


def quiet(done: int, of: int) -> None:
    assert 0 <= done <= of


class CornerNetwork(HipNetwork):
    """Answers by how bright the upper right quarter is."""

    def __init__(self) -> None:
        super().__init__(nn.Identity(), Preprocess(input_px=64, mean=(0.5,) * 3, std=(0.25,) * 3))

    def logits(self, pixels: Tensor, kept: Tensor | None = None) -> Tensor:
        corner = pixels[:, :, :32, 32:].mean(dim=(1, 2, 3))
        return torch.stack([-corner, corner], dim=1)


def bright_corner() -> np.ndarray[Any, np.dtype[np.uint8]]:
    image = np.full((380, 380), 60, np.uint8)
    image[:190, 190:] = 220
    image[190:, :190] = 220  # just as bright, and without any say
    return image


@pytest.mark.parametrize("method", [saliency.integrated_gradients, saliency.occlusion])
def test_the_heat_lies_where_the_answer_comes_from(method: Any) -> None:
    heat = method(CornerNetwork(), bright_corner(), asked=quiet).heat
    n = len(heat)
    assert heat.min() >= 0
    assert heat[: n // 2, n // 2 :].sum() > 0.9 * heat.sum()
    row, column = np.unravel_index(int(heat.argmax()), heat.shape)
    assert row < n // 2 <= column


def test_integrated_gradients_add_up_for_a_network_that_is_linear() -> None:
    assert saliency.integrated_gradients(CornerNetwork(), bright_corner(), asked=quiet).explained == pytest.approx(1.0)


def test_the_segments_of_the_path_add_up_to_captums_integral() -> None:
    network = build_network(small(input_px=64)).eval()
    end = saliency._pixels(network, hip())
    start = end.mean(dim=(2, 3), keepdim=True).expand_as(end)

    def margin(pixels: Tensor) -> Tensor:
        logits = network.logits(pixels)
        return logits[:, 1] - logits[:, 0]

    whole = IntegratedGradients(margin).attribute(end, baselines=start, n_steps=600, internal_batch_size=50)
    expected = torch.relu(saliency._smoothed(whole.sum(dim=1, keepdim=True)))[0, 0].detach().numpy()
    ours = saliency.integrated_gradients(network, hip(), asked=quiet).heat
    assert np.corrcoef(expected.ravel(), ours.ravel())[0, 1] > 0.98


def test_the_earlier_map_is_finer_than_the_last_one() -> None:
    network = build_network(small(backbone="tf_efficientnet_b0", input_px=160)).eval()
    last = network(torch.from_numpy(hip()[None]))[1]
    assert last.shape[1:] == (5, 5)
    assert saliency.earlier_grad_cam(network, hip(), asked=quiet).heat.shape == (10, 10)


@pytest.mark.parametrize("method", [saliency.earlier_grad_cam, saliency.integrated_gradients, saliency.occlusion])
def test_progress_begins_at_nothing_and_ends_at_all(method: Any) -> None:
    told: list[tuple[int, int]] = []
    method(build_network(small(input_px=64)).eval(), hip(), asked=lambda done, of: told.append((done, of)))
    assert told[0][0] == 0
    assert told[-1][0] == told[-1][1]
    assert len({of for _, of in told}) == 1


def test_probability_is_that_of_the_network_with_its_temperature() -> None:
    network = build_network(small(input_px=64)).eval()
    with torch.no_grad():
        logits = network(torch.from_numpy(hip()[None]))[0][0].double()
    expected = 1 / (1 + np.exp(-float(logits[1] - logits[0]) / 2.5))
    assert saliency.p_fracture(network, hip(), temperature=2.5) == pytest.approx(expected, abs=1e-7)
