"""A card is calibrated on validation: temperature first, thresholds of the calibrated probabilities, and warnings."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hipcad_desktop.domain.model_card import ModelCard
from hipcad_desktop.workflows.calibrate import probabilities
from hipcad_desktop.workflows.pack_model import calibrated
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
