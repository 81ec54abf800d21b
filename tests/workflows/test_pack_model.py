"""A card is calibrated on validation: temperature first, thresholds of the calibrated probabilities, and warnings."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from hipcad_desktop.domain.dataset import DatasetManifest
from hipcad_desktop.domain.model_card import ModelCard
from hipcad_desktop.domain.progress import Watch
from hipcad_desktop.inference.network import Network
from hipcad_desktop.inference.package import read_package
from hipcad_desktop.learning.architecture import HipNetwork, build_network
from hipcad_desktop.learning.export import said_by_torch
from hipcad_desktop.workflows.calibrate import probabilities
from hipcad_desktop.workflows.pack_model import Measured, Origin, calibrated, pack_model
from hipcad_desktop.workflows.train import load_weights
from tests.fakes.model_package import fake_card
from tests.fakes.tiny_recipe import TINY


def draft(*, balanced: bool = True) -> ModelCard:
    config = replace(TINY, balance_classes=balanced)
    return fake_card(config=config.to_json(), thresholds_from={"partition": "validation"})


def hips(n: int) -> tuple[np.ndarray, list[bool]]:
    generator = np.random.default_rng(6)
    logit = generator.normal(0, 2, n)
    return logit * 3, (generator.uniform(size=n) < 1 / (1 + np.exp(-logit))).tolist()


def test_temperature_thresholds_and_figures_belong_together() -> None:
    margins, fracture = hips(1200)
    card = calibrated(draft(), margins, fracture)
    assert card.temperature == pytest.approx(3, rel=0.15)
    assert card.calibrated_prevalence == 0.5
    p = probabilities(margins, card.temperature)
    assert card.thresholds.no_fracture in p
    assert card.thresholds.fracture in p
    at = card.figures["at_no_fracture_threshold"]
    assert at["threshold"] == card.thresholds.no_fracture
    assert at["sensitivity"]["value"] >= 0.95
    assert at["sensitivity"]["n"] == sum(fracture)
    assert card.figures["temperature"]["value"] == card.temperature
    assert card.figures["warnings"] == card.thresholds_from["warnings"] == []
    assert card.thresholds_from["partition"] == "validation"
    assert ModelCard.from_json(card.to_json()) == card


def test_an_unweighted_training_keeps_its_own_share() -> None:
    margins, fracture = hips(300)
    card = calibrated(draft(balanced=False), margins, fracture)
    assert card.calibrated_prevalence == pytest.approx(sum(fracture) / 300)


def test_few_validation_hips_are_warned_of_in_card_and_summary() -> None:
    card = calibrated(draft(), np.array([4.0, -3.0, 2.0, -1.0, 1.0, -2.0]), [True, False] * 3)
    assert card.temperature == 1
    warnings = card.thresholds_from["warnings"]
    assert any("rests on 3 validation hips with a fracture" in text for text in warnings)
    assert card.figures["warnings"] == warnings


def _packed(to: Path, network: HipNetwork) -> dict[str, Any]:
    """The figures of a network that was packed, measured on eight hips of noise."""
    manifest = DatasetManifest(1, "", 1, 0.2, 0.2, 0.1, ("identity8",), {}, "0" * 64, (), "")
    images = np.random.default_rng(7).integers(0, 256, (8, 380, 380), dtype=np.uint8)
    images[::2] //= 3
    measured = Measured(images, (True, False) * 4)
    return pack_model(to, network, measured, Origin(TINY, manifest, {}, ""), watch=Watch())[1]


def test_weights_are_kept_as_float16_and_the_card_is_of_the_weights_as_kept(tmp_path: Path) -> None:
    to = tmp_path / "m.hipcad"
    network = build_network(TINY)
    figures = _packed(to, network)
    package = read_package(to)
    assert package.card.precision == "float16"
    assert 0 < figures["largest_change_by_float16"] <= 0.005
    large = sum(p.numel() for p in network.parameters() if p.numel() >= 1 << 14)
    assert large > 30_000
    assert to.stat().st_size < len(package.onnx) - 2 * large + 30_000
    again = build_network(TINY)
    load_weights(again, replace(TINY, weights=str(to)))
    hips = np.random.default_rng(8).integers(0, 256, (3, 380, 380), dtype=np.uint8)
    np.testing.assert_allclose(Network(package).predict(hips).margin, said_by_torch(again, hips).margin, atol=1e-4)


def test_where_float16_would_change_an_answer_the_weights_stay_single_and_the_card_says_so(tmp_path: Path) -> None:
    network = build_network(TINY)
    with torch.no_grad():  # the same network, but float16 can say nothing of its last convolution
        network.backbone.conv_head.weight *= 1e-9
        network.backbone.bn2.running_mean *= 1e-9
        network.backbone.bn2.running_var.fill_(1e-18)
        network.backbone.bn2.eps = 1e-20
        network.backbone.get_classifier().weight *= 30
    to = tmp_path / "m.hipcad"
    figures = _packed(to, network)
    card = read_package(to).card
    assert card.precision == "float32"
    assert figures["largest_change_by_float16"] > 0.005
    assert any("single precision" in warning for warning in card.figures["warnings"])
    assert figures["warnings"] == card.figures["warnings"]
