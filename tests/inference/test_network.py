"""The network's numbers are those of its graph, and a graph that misbehaves is refused in one sentence."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.inference.network import Network, sigmoid
from hipcad_desktop.inference.package import ModelPackage
from tests.fakes.model_package import GAIN, PIVOT, fake_card, fake_graph


def package(onnx: bytes) -> ModelPackage:
    return ModelPackage(path=Path("model.hipcad"), card=fake_card(), onnx=onnx, sha256="0" * 64)


@pytest.fixture(scope="module")
def network() -> Network:
    return Network(package(fake_graph()), threads=1)


def test_probability_and_heat_as_by_hand(network: Network) -> None:
    hips = np.stack([np.full((380, 380), 100, np.uint8), np.full((380, 380), 150, np.uint8)])
    hips[1, :38, 38:76] = 255
    predicted = network.predict(hips)
    means = hips.mean(axis=(1, 2)) / 255
    np.testing.assert_allclose(predicted.p_fracture, 1 / (1 + np.exp(-GAIN * (means - PIVOT))), atol=1e-5)
    assert predicted.p_fracture.dtype == np.float64
    assert predicted.heat.shape == (2, 10, 10)
    np.testing.assert_allclose(predicted.heat[1, 0, :3], [150 / 255, 1, 150 / 255], atol=1e-5)


@given(levels=st.lists(st.integers(0, 255), min_size=1, max_size=5))
def test_a_batch_answers_as_its_hips_alone(network: Network, levels: list[int]) -> None:
    hips = np.stack([np.full((380, 380), level, np.uint8) for level in levels])
    alone = [network.predict(hips[i : i + 1]).p_fracture[0] for i in range(len(hips))]
    np.testing.assert_allclose(network.predict(hips).p_fracture, alone, atol=1e-6)


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("n", [1, 2, 5])
def test_any_number_of_threads_answers_in_the_order_given(threads: int, n: int) -> None:
    network = Network(package(fake_graph()), threads=threads)
    levels = np.linspace(100, 160, n).astype(np.uint8)
    predicted = network.predict(np.broadcast_to(levels[:, None, None], (n, 380, 380)))
    np.testing.assert_allclose(predicted.p_fracture, 1 / (1 + np.exp(-GAIN * (levels / 255 - PIVOT))), atol=1e-5)
    np.testing.assert_allclose(predicted.heat[:, 0, 0], levels / 255, atol=1e-5)
    assert not [t for t in threading.enumerate() if t.name.startswith("hips")]


def test_no_hips_give_no_answers(network: Network) -> None:
    assert network.predict(np.zeros((0, 380, 380), np.uint8)).p_fracture.shape == (0,)


def test_an_extreme_logit_stays_a_probability() -> None:
    network = Network(package(fake_graph(gain=1e6)), threads=1)
    p = network.predict(np.stack([np.zeros((380, 380), np.uint8), np.full((380, 380), 255, np.uint8)])).p_fracture
    assert p[0] == 0.0
    assert p[1] == 1.0


def test_a_window_of_another_size_is_a_bug_not_an_answer(network: Network) -> None:
    small, single = np.zeros((1, 379, 380), np.uint8), np.zeros((380, 380), np.uint8)
    for wrong in (small, single, np.zeros((1, 380, 380), np.float32)):
        with pytest.raises(ValueError, match="380"):
            network.predict(wrong)


def test_no_number_is_refused() -> None:
    network = Network(package(fake_graph(gain=float("nan"))), threads=1)
    with pytest.raises(UserError) as caught:
        network.predict(np.zeros((1, 380, 380), np.uint8))
    assert caught.value.code is ErrorCode.MODEL_PACKAGE_DAMAGED


def test_a_foreign_graph_is_refused() -> None:
    for onnx in (b"", b"no graph", fake_graph()[:-30], _renamed(fake_graph())):
        with pytest.raises(UserError) as caught:
            Network(package(onnx))
        assert caught.value.code is ErrorCode.MODEL_PACKAGE_DAMAGED


def test_the_package_stays_with_the_network() -> None:
    card = fake_card(name="other")
    assert Network(replace(package(fake_graph()), card=card)).package.card.name == "other"


def _renamed(onnx: bytes) -> bytes:
    return onnx.replace(b"logits", b"logins")


def test_the_cards_temperature_divides_the_logits() -> None:
    onnx = fake_graph()
    hips = np.stack([np.full((380, 380), level, np.uint8) for level in (100, 127, 150)])
    as_trained = Network(package(onnx), threads=1).predict(hips)
    card = replace(fake_card(), temperature=2.0)
    cooled = Network(replace(package(onnx), card=card), threads=1).predict(hips)
    np.testing.assert_allclose(cooled.margin, as_trained.margin)
    odds = as_trained.p_fracture / (1 - as_trained.p_fracture)
    np.testing.assert_allclose(cooled.p_fracture, np.sqrt(odds) / (1 + np.sqrt(odds)), rtol=1e-9)
    np.testing.assert_array_equal(cooled.heat, as_trained.heat)


def test_no_margin_overflows() -> None:
    p = sigmoid(np.array([-1e4, -40.0, 0.0, 40.0, 1e4]))
    np.testing.assert_allclose(p, [0, np.exp(-40.0), 0.5, 1, 1], rtol=1e-9)
    assert p[1] > 0
