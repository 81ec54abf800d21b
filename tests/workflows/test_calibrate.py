"""Temperature and thresholds: fitted as the most likely, honest about few hips, applied to the last bit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from sklearn.metrics import log_loss, roc_auc_score

from hipcad_desktop.domain.diagnosis import HipState, state_of
from hipcad_desktop.domain.metrics import Thresholds, choose_thresholds
from hipcad_desktop.workflows.calibrate import (
    fit_temperature,
    probabilities,
    reached_by_new_hips,
    threshold_warnings,
)


def validation(n: int, *, too_sure: float, broken_share: float = 0.5, seed: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """Margins that are too_sure times the true ones, and what is so."""
    generator = np.random.default_rng(seed)
    shift = np.log(broken_share / (1 - broken_share))
    logit = generator.normal(shift, 2, n)
    truth = generator.uniform(size=n) < 1 / (1 + np.exp(-logit))
    return logit * too_sure, truth


@pytest.mark.parametrize("too_sure", [0.5, 1.0, 3.0])
def test_the_temperature_undoes_what_was_done_to_the_margins(too_sure: float) -> None:
    margins, truth = validation(4000, too_sure=too_sure)
    fitted = fit_temperature(margins, truth.tolist(), balanced=False)
    assert fitted.value == pytest.approx(too_sure, rel=0.08)
    assert fitted.loss_after <= fitted.loss_before
    assert fitted.prevalence == pytest.approx(truth.mean())
    assert fitted.reason == ""


def test_the_temperature_is_the_most_likely_one() -> None:
    margins, truth = validation(150, too_sure=2.5)
    fitted = fit_temperature(margins, truth.tolist(), balanced=False)

    def loss(temperature: float) -> float:
        return float(log_loss(truth, 1 / (1 + np.exp(-margins / temperature))))

    expected = minimize_scalar(loss, bounds=(0.1, 10), method="bounded", options={"xatol": 1e-7}).x
    assert fitted.value == pytest.approx(expected, abs=1e-4)
    assert fitted.loss_after == pytest.approx(loss(fitted.value))
    assert fitted.loss_before == pytest.approx(loss(1.0))


def test_balanced_weighs_both_classes_alike() -> None:
    margins, truth = validation(600, too_sure=2.0)
    kept = np.where(truth, np.arange(600) % 10 == 0, True)  # few broken hips, as where films without fracture came too
    few = fit_temperature(margins[kept], truth[kept].tolist(), balanced=True)
    assert few.prevalence == 0.5
    weights = np.where(truth[kept], 1 / truth[kept].sum(), 1 / (~truth[kept]).sum())

    def loss(temperature: float) -> float:
        p = 1 / (1 + np.exp(-margins[kept] / temperature))
        return float(log_loss(truth[kept], p, sample_weight=weights))

    expected = minimize_scalar(loss, bounds=(0.1, 10), method="bounded", options={"xatol": 1e-7}).x
    assert few.value == pytest.approx(expected, abs=1e-4)


def test_the_order_of_hips_stays() -> None:
    margins, truth = validation(300, too_sure=4.0)
    fitted = fit_temperature(margins, truth.tolist(), balanced=True)
    p = probabilities(margins, fitted.value)
    assert roc_auc_score(truth, p) == pytest.approx(roc_auc_score(truth, margins))
    assert fitted.value > 2


def test_few_hips_fit_nothing() -> None:
    fitted = fit_temperature(np.array([3.0, -2.0] * 9 + [1.0]), [True, False] * 9 + [False], balanced=True)
    assert fitted.value == 1
    assert "fewer than 10" in fitted.reason


def test_all_right_is_no_proof_of_certainty() -> None:
    fitted = fit_temperature(np.array([0.2, -0.1] * 30), [True, False] * 30, balanced=True)
    assert fitted.value == 1
    assert "right side" in fitted.reason


def test_worse_than_guessing_ends_near_one_half() -> None:
    fitted = fit_temperature(np.array([-3.0, 3.0] * 20 + [3.0, -3.0]), [True, False] * 21, balanced=True)
    assert fitted.value == pytest.approx(10, rel=1e-3)
    assert fitted.reason == "at the end of its range"
    assert fitted.to_json()["n_fracture"] == 21


def test_one_class_has_no_temperature() -> None:
    with pytest.raises(ValueError, match="both classes"):
        fit_temperature(np.array([1.0, 2.0]), [True, True], balanced=True)


@settings(max_examples=50)
@given(st.lists(st.tuples(st.floats(-40, 40), st.booleans()), min_size=4, max_size=50), st.floats(0.1, 10))
def test_thresholds_hold_for_the_very_hips_they_were_chosen_on(
    hips: list[tuple[float, bool]], temperature: float
) -> None:
    """A threshold is a probability of some hip: computed again, the hip must not fall to its other side."""
    truth = [f for _, f in hips]
    if len(set(truth)) < 2:
        return
    margins = np.array([m for m, _ in hips])
    chosen = choose_thresholds(
        probabilities(margins, temperature).tolist(), truth, sensitivity_target=0.9, specificity_target=0.9
    )
    alone = [float(probabilities(np.array([m]), temperature)[0]) for m, _ in hips]
    missed = sum(f and state_of(p, chosen) is HipState.NO_FRACTURE for p, f in zip(alone, truth, strict=True))
    assert missed <= sum(truth) * 0.1 + 1e-9


def warned(low: float, high: float, *, n: int = 1000) -> tuple[str, ...]:
    return threshold_warnings(
        Thresholds(low, high), n_fracture=n, n_no_fracture=n, sensitivity_target=0.95, specificity_target=0.95
    )


def test_good_thresholds_on_many_hips_need_no_warning() -> None:
    assert warned(0.2, 0.8) == ()


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (0.0, 0.8, 'The threshold for "no fracture" is 0.000: no hip falls below it'),
        (0.2, 1.0, 'The threshold for "fracture" is 1.000: hardly any hip reaches it'),
        (0.0, 0.0, 'The threshold for "fracture" is 0.000: nearly every hip reaches it'),
        (1.0, 1.0, 'The threshold for "no fracture" is 1.000: nearly every hip falls below it'),
    ],
)
def test_thresholds_at_an_end_are_said(low: float, high: float, said: str) -> None:
    assert any(text.startswith(said) for text in warned(low, high))


def test_few_hips_are_said_with_what_to_expect() -> None:
    sensitivity, specificity = warned(0.2, 0.8, n=20)
    assert "The sensitivity of 95% aimed for rests on 20 validation hips with a fracture" in sensitivity
    assert "20 validation hips without a fracture" in specificity
    assert "from 75% to 99%" in sensitivity  # Beta(19, 2)
    assert len(warned(0.2, 0.8, n=500)) == 0
    assert "1 validation hip with a fracture" in warned(0.2, 0.8, n=1)[0]


def test_what_new_hips_reach_as_simulated() -> None:
    """Wilks: the share of new hips above the threshold that 36 of 40 hips reach, over many validations."""
    generator = np.random.default_rng(0)
    reached = []
    for _ in range(4000):
        hips = np.sort(generator.uniform(size=40))[::-1]  # uniform, so a threshold t is reached by 1 - t
        reached.append(1 - hips[35])
    low, high = reached_by_new_hips(40, 0.9)
    assert low == pytest.approx(np.quantile(reached, 0.025), abs=0.01)
    assert high == pytest.approx(np.quantile(reached, 0.975), abs=0.01)
