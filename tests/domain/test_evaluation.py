"""report.json: what is written keeps every value, and says none of nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hipcad_desktop.domain.evaluation import (
    SCHEMA,
    Calibration,
    Caution,
    Evaluation,
    HalvingFigures,
    OperatingPoint,
    PrCurve,
    ReliabilityBin,
    RocCurve,
)
from hipcad_desktop.domain.metrics import Estimate, Proportion, Thresholds
from hipcad_desktop.domain.model_card import ModelCard
from hipcad_desktop.domain.seal import Opening
from tests.fakes.model_package import fake_card


def test_json_keeps_values_and_says_none_of_nothing() -> None:
    missing = Estimate(None, None, None, 3, "hips", "DeLong", "no hip with a fracture in this partition")
    nothing = Proportion(0, 0, 0.0, 1.0)
    some = Proportion(2, 3, 0.2, 0.9)
    point = OperatingPoint("fracture", 0.7, 0, 0, 1, 2, some, nothing, some, missing, missing, missing)
    figures = HalvingFigures(
        halving="midline",
        hips=3,
        fracture=0,
        no_fracture=3,
        films=2,
        patients=2,
        auc=missing,
        auc_same_film=missing,
        points=(point,),
        states={"fracture": {}, "no_fracture": {"doubt": 3}},
        negatives=(),
        types=(),
        roc=RocCurve(),
        average_precision=missing,
        pr=PrCurve(),
        calibration=Calibration(0.5, 0.0, missing, 0.0, missing, missing, (ReliabilityBin(0.0, 0.1, 0.05, some),)),
    )
    evaluation = Evaluation(
        schema=SCHEMA,
        created_utc="2026-11-24T12:00:00Z",
        program_version="0",
        model={"name": "m"},
        dataset={"name": "d"},
        partition="test",
        thresholds=Thresholds(0.2, 0.7),
        thresholds_from={},
        halvings=(figures,),
        cautions=(Caution("one_class", "Text."),),
        notice="Research use only.",
        prevalence=0.5,
        interval="wilson",
        temperature=1.5,
        openings=(Opening(1, "2026-11-24T12:00:00Z", "m", "0" * 64, Thresholds(0.2, 0.7), "0"),),
    )
    values = json.loads(json.dumps(evaluation.to_json(), allow_nan=False))
    point_values = values["halvings"][0]["points"][0]
    assert point_values["sensitivity"] == {"value": None, "hits": 0, "n": 0, "low": 0.0, "high": 1.0}
    assert point_values["accuracy"]["value"] == pytest.approx(2 / 3)
    assert values["halvings"][0]["auc"]["value"] is None
    assert "no hip with a fracture" in values["halvings"][0]["auc"]["reason"]
    assert values["halvings"][0]["calibration"]["bins"][0]["observed"]["value"] == pytest.approx(2 / 3)
    assert values["openings"][0]["thresholds"] == {"no_fracture": 0.2, "fracture": 0.7}
    assert evaluation.of("midline") is figures
    with pytest.raises(KeyError):
        evaluation.of("paper")


def test_a_card_of_before_calibration_still_loads() -> None:
    values = fake_card().to_json()
    del values["temperature"], values["calibrated_prevalence"]
    card = ModelCard.from_json({**values, "schema": 1})
    assert (card.temperature, card.calibrated_prevalence) == (1.0, None)


@pytest.mark.parametrize(
    "wrong",
    [
        {"temperature": 0.0},
        {"temperature": float("inf")},
        {"temperature": -1.0},
        {"calibrated_prevalence": 1.0},
    ],
)
def test_a_card_with_an_impossible_calibration_is_none(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="0 <"):
        ModelCard.from_json({**fake_card().to_json(), **wrong})
