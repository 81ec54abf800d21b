"""Calibration: as scikit-learn and SciPy have it, and blind to nothing but the mixture of hips."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from scipy.optimize import minimize
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss

from hipcad_desktop.domain.anatomy import Side
from hipcad_desktop.domain.diagnosis import HipState
from hipcad_desktop.domain.evaluation import Calibration, HipScore
from hipcad_desktop.workflows.calibration_figures import calibration_of


def hips(p: Sequence[float], truth: Sequence[bool], patients: Sequence[str] | None = None) -> list[HipScore]:
    names = patients or [f"P{i}" for i in range(len(p))]
    return [
        HipScore(f"{i}.png", f"f{i}", names[i], Side.LEFT, bool(truth[i]), bool(truth[i]), "", float(v), HipState.DOUBT)
        for i, v in enumerate(p)
    ]


def drawn(n: int, *, slope: float, shift: float = 0.0, seed: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities, and truths that come from logit(truth) = shift + slope * logit(p)."""
    generator = np.random.default_rng(seed)
    logit = generator.normal(0, 2, n)
    truth = generator.uniform(size=n) < 1 / (1 + np.exp(-(shift + slope * logit)))
    return 1 / (1 + np.exp(-logit)), truth


def found(p: Sequence[float], truth: Sequence[bool], **more: float) -> Calibration:
    calibration = calibration_of(hips(p, truth), trained_prevalence=more.get("trained"))
    assert calibration is not None
    return calibration


def test_brier_and_bins_as_scikit_learn_has_them() -> None:
    p, truth = drawn(600, slope=1.0)
    calibration = found(list(p), list(truth))
    assert calibration.brier.value == pytest.approx(brier_score_loss(truth, p))
    assert calibration.brier_reference == pytest.approx(truth.mean() * (1 - truth.mean()))
    observed, said = calibration_curve(truth, p, n_bins=10)
    assert [b.mean_p for b in calibration.bins] == pytest.approx(list(said))
    assert [b.observed.value for b in calibration.bins] == pytest.approx(list(observed))
    assert sum(b.observed.n for b in calibration.bins) == 600
    assert all(b.low <= b.mean_p <= b.high for b in calibration.bins)


def test_slope_and_intercept_are_those_of_most_likely_regression() -> None:
    p, truth = drawn(400, slope=0.5, shift=0.4)
    calibration = found(list(p), list(truth))
    logit = np.log(p / (1 - p))

    def loss(beta: np.ndarray) -> float:
        return float(np.logaddexp(0, -np.where(truth, 1, -1) * (beta[0] + beta[1] * logit)).sum())

    both = minimize(loss, np.zeros(2), method="Nelder-Mead", options={"xatol": 1e-7, "fatol": 1e-10})
    alone = minimize(lambda b: loss(np.array([b[0], 1.0])), np.zeros(1), method="Nelder-Mead", options={"xatol": 1e-7})
    assert calibration.slope.value == pytest.approx(both.x[1], abs=1e-4)
    assert calibration.intercept.value == pytest.approx(alone.x[0], abs=1e-4)


def test_too_sure_a_network_is_seen() -> None:
    p, truth = drawn(1500, slope=0.4)
    slope = found(list(p), list(truth)).slope
    assert slope.high is not None
    assert slope.low is not None
    assert slope.low < 0.4 < slope.high < 1


def test_a_good_network_holds_one_and_zero() -> None:
    held = 0
    for seed in range(40):
        calibration = found(*(list(v) for v in drawn(300, slope=1.0, seed=seed)))
        slope, intercept = calibration.slope, calibration.intercept
        assert slope.low is not None
        assert slope.high is not None
        assert intercept.low is not None
        assert intercept.high is not None
        held += (slope.low <= 1 <= slope.high) + (intercept.low <= 0 <= intercept.high)
    assert held >= 68  # 95 % of 80 are 76; fewer than 68 comes in one of ten thousand


def test_hips_of_one_patient_count_once() -> None:
    p, truth = drawn(120, slope=1.0)
    single = found(list(p), list(truth)).slope
    again = calibration_of(
        hips(list(p) * 5, list(truth) * 5, [f"P{i}" for i in range(120)] * 5), trained_prevalence=None
    )
    assert again is not None
    assert single.low is not None
    assert again.slope.low is not None
    assert again.slope.value == pytest.approx(single.value, abs=1e-6)
    assert again.slope.low == pytest.approx(single.low, abs=0.02)


def test_another_mixture_of_hips_is_no_fault_of_the_network() -> None:
    """Probabilities made for 1 : 1 on hips of which one in ten is broken: moved there first, they are calibrated."""
    p, truth = drawn(6000, slope=1.0)
    generator = np.random.default_rng(1)
    kept = np.where(truth, generator.uniform(size=6000) < 1 / 9, True)
    few = hips(list(p[kept]), list(truth[kept]))
    moved = calibration_of(few, trained_prevalence=0.5)
    unmoved = calibration_of(few, trained_prevalence=None)
    assert moved is not None
    assert unmoved is not None
    assert moved.intercept.low is not None
    assert moved.intercept.high is not None
    assert moved.intercept.low <= 0 <= moved.intercept.high
    assert unmoved.intercept.high is not None
    assert unmoved.intercept.high < -1
    assert moved.prevalence == pytest.approx(truth[kept].mean())


def test_one_class_gives_brier_and_says_what_is_missing() -> None:
    calibration = found([0.2, 0.4], [False, False], trained=0.5)
    assert calibration.brier.value == pytest.approx((0.04 + 0.16) / 2)
    assert calibration.slope.value is None
    assert "with a fracture" in calibration.slope.reason


def test_classes_apart_have_no_slope() -> None:
    calibration = found([0.1, 0.2, 0.3, 0.7, 0.8, 0.9], [False] * 3 + [True] * 3)
    assert calibration.slope.value is None
    assert "no slope fits best" in calibration.slope.reason
    assert calibration.intercept.value == pytest.approx(0, abs=1e-6)


def test_certain_probabilities_and_equal_ones() -> None:
    certain = found([0.0, 1.0, 0.0, 1.0, 1.0], [False, True, True, False, True])
    assert certain.brier.value == pytest.approx(2 / 5)
    equal = found([0.5] * 6, [True, False] * 3)
    assert equal.slope.value is None
    assert "same probability" in equal.slope.reason
    assert calibration_of([], trained_prevalence=0.5) is None


@pytest.mark.parametrize("n", [2, 3, 4, 5, 8])
def test_few_hips_never_fail(n: int) -> None:
    generator = np.random.default_rng(n)
    for _ in range(30):
        p, truth = generator.uniform(size=n), generator.uniform(size=n) < 0.5
        assert found(list(p), list(truth), trained=0.5).brier.value is not None
