"""AUC and its interval: against brute force, against scikit-learn, and at the edges where DeLong has no width."""

from __future__ import annotations

import json
from itertools import product
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from hipcad_desktop.domain.evaluation import (
    SCHEMA,
    Caution,
    Estimate,
    Evaluation,
    HalvingFigures,
    OperatingPoint,
    RocCurve,
    area_under_roc,
    auc_interval,
    delong_variance,
)
from hipcad_desktop.domain.metrics import Proportion, Thresholds

# Few distinct values, so that ties are common.
SCORES = st.lists(st.integers(0, 12).map(lambda v: v / 12), min_size=2, max_size=14)


def _won(a: float, b: float) -> float:
    return 1.0 if a > b else 0.5 if a == b else 0.0


def _variance_by_brute_force(broken: list[float], whole: list[float]) -> float:
    """DeLong's S10/m + S01/n, written out pair by pair as in the paper."""
    m, n = len(broken), len(whole)
    auc = sum(_won(x, y) for x, y in product(broken, whole)) / (m * n)
    v10 = [sum(_won(x, y) for y in whole) / n for x in broken]
    v01 = [sum(_won(x, y) for x in broken) / m for y in whole]
    s10 = sum((v - auc) ** 2 for v in v10) / (m - 1)
    s01 = sum((v - auc) ** 2 for v in v01) / (n - 1)
    return s10 / m + s01 / n


@given(broken=SCORES, whole=SCORES)
def test_auc_and_variance_equal_brute_force(broken: list[float], whole: list[float]) -> None:
    assert area_under_roc(broken, whole) == pytest.approx(fmean(_won(x, y) for x, y in product(broken, whole)))
    assert delong_variance(broken, whole) == pytest.approx(_variance_by_brute_force(broken, whole), abs=1e-12)


@given(broken=SCORES, whole=SCORES)
def test_auc_equals_scikit_learn(broken: list[float], whole: list[float]) -> None:
    expected = roc_auc_score([1] * len(broken) + [0] * len(whole), broken + whole)
    assert area_under_roc(broken, whole) == pytest.approx(expected)


@given(broken=SCORES, whole=SCORES)
def test_the_interval_holds_the_area_and_has_a_width(broken: list[float], whole: list[float]) -> None:
    low, high, _ = auc_interval(broken, whole)
    assert 0 <= low <= area_under_roc(broken, whole) + 1e-12
    assert area_under_roc(broken, whole) - 1e-12 <= high <= 1
    assert high - low > 0.01


def test_a_known_interval() -> None:
    # Ten and ten, AUC 0.91; variance by hand as above, z = 1.959964.
    broken = [0.9, 0.8, 0.85, 0.7, 0.95, 0.6, 0.75, 0.65, 0.99, 0.4]
    whole = [0.1, 0.2, 0.3, 0.45, 0.5, 0.15, 0.25, 0.35, 0.62, 0.05]
    low, high, method = auc_interval(broken, whole)
    half = 1.959964 * _variance_by_brute_force(broken, whole) ** 0.5
    assert method == "DeLong"
    assert low == pytest.approx(area_under_roc(broken, whole) - half, abs=1e-6)
    assert high == pytest.approx(min(1.0, area_under_roc(broken, whole) + half), abs=1e-6)


def test_classes_far_apart_claim_no_certainty() -> None:
    low3, high, method = auc_interval([0.9] * 3, [0.1] * 3)
    low300, _, _ = auc_interval([0.9] * 300, [0.1] * 300)
    assert method == "Newcombe score"
    assert high == 1
    assert low3 < 0.6
    assert 0.98 < low300 < 1
    # The mirror image: AUC 0.
    assert auc_interval([0.1] * 3, [0.9] * 3)[:2] == pytest.approx((0, 1 - low3), abs=1e-9)


def test_json_keeps_values_and_says_none_of_nothing() -> None:
    missing = Estimate(None, None, None, 3, "hips", "DeLong", "no hip with a fracture in this partition")
    nothing = Proportion(0, 0, 0.0, 1.0)
    some = Proportion(2, 3, 0.2, 0.9)
    point = OperatingPoint("fracture", 0.7, 0, 0, 1, 2, some, nothing, some, missing)
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
    )
    values = json.loads(json.dumps(evaluation.to_json(), allow_nan=False))
    point_values = values["halvings"][0]["points"][0]
    assert point_values["sensitivity"] == {"value": None, "hits": 0, "n": 0, "low": 0.0, "high": 1.0}
    assert point_values["accuracy"]["value"] == pytest.approx(2 / 3)
    assert values["halvings"][0]["auc"]["value"] is None
    assert "no hip with a fracture" in values["halvings"][0]["auc"]["reason"]
    assert evaluation.of("midline") is figures
    with pytest.raises(KeyError):
        evaluation.of("paper")
