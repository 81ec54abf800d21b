"""Curves and average precision: as scikit-learn has them, also on resamples, and quickly for many hips."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from hipcad_desktop.domain.anatomy import Side
from hipcad_desktop.domain.diagnosis import HipState
from hipcad_desktop.domain.evaluation import HipScore
from hipcad_desktop.workflows.curves import Ranked, average_precision_of, pr_curve_of, roc_curve_of


def hip(p: float, fracture: bool, patient: str) -> HipScore:
    return HipScore(f"images/{patient}.png", patient, patient, Side.RIGHT, fracture, fracture, "", p, HipState.DOUBT)


HIPS = st.lists(st.tuples(st.integers(0, 6), st.booleans(), st.integers(0, 3)), min_size=2, max_size=20)


@settings(max_examples=60)
@given(HIPS)
def test_areas_of_weighted_hips_as_scikit_learn_has_them(hips: list[tuple[int, bool, int]]) -> None:
    p = [value / 6 for value, _, _ in hips]
    truth = [broken for _, broken, _ in hips]
    weights = np.array([weight for _, _, weight in hips], float)
    ranked = Ranked(p, truth)
    area, precision = ranked.areas(weights[None])[0], ranked.average_precisions(weights[None])[0]
    broken, whole = weights[np.array(truth)].sum(), weights[~np.array(truth)].sum()
    if not broken:
        assert np.isnan(precision)
    else:
        kept = weights > 0
        expected = average_precision_score(np.array(truth)[kept], np.array(p)[kept], sample_weight=weights[kept])
        assert precision == pytest.approx(expected)
    if not broken or not whole:
        assert np.isnan(area)
    else:
        assert area == pytest.approx(roc_auc_score(truth, p, sample_weight=weights))


def test_average_precision_and_its_interval() -> None:
    generator = np.random.default_rng(11)
    truth = np.arange(400) % 2 == 0
    p = np.clip(0.5 + 0.15 * np.where(truth, 1, -1) + 0.2 * generator.standard_normal(400), 0, 1)
    scores = [hip(float(v), bool(t), f"P{i // 2}") for i, (v, t) in enumerate(zip(p, truth, strict=True))]
    began = time.perf_counter()
    figure = average_precision_of(scores)
    assert time.perf_counter() - began < 5  # 2000 calls of scikit-learn take longer on this machine
    assert figure.value == pytest.approx(average_precision_score(truth, p))
    # Against a slow bootstrap of its own seed, patient by patient.
    slow = []
    for _ in range(300):
        drawn = generator.integers(0, 200, 200)
        hips = np.concatenate([2 * drawn, 2 * drawn + 1])
        slow.append(average_precision_score(truth[hips], p[hips]))
    assert figure.low == pytest.approx(np.quantile(slow, 0.025), abs=0.01)
    assert figure.high == pytest.approx(np.quantile(slow, 0.975), abs=0.01)
    assert figure.method.startswith("bootstrap by patient")


def test_by_chance_average_precision_is_the_share_of_broken_hips() -> None:
    scores = [hip(0.5, i % 4 == 0, f"P{i}") for i in range(40)]
    assert average_precision_of(scores).value == pytest.approx(0.25)


def test_curves_end_where_they_must() -> None:
    scores = [hip(0.9, True, "P1"), hip(0.2, False, "P2"), hip(0.6, False, "P3"), hip(0.5, True, "P4")]
    pr, roc = pr_curve_of(scores), roc_curve_of(scores)
    assert (pr.recall[0], pr.recall[-1], pr.precision[-1]) == (1, 0, 1)
    assert len(pr.recall) == len(pr.precision)
    assert (2 / 3) in pr.precision  # from 0.5 on: two broken of three
    assert (roc.false_positive_rate[0], roc.true_positive_rate[-1]) == (0, 1)


@pytest.mark.parametrize(("broken", "missing"), [(True, "without"), (False, "with a")])
def test_one_class_has_no_curve(broken: bool, missing: str) -> None:
    scores = [hip(0.9, broken, "P1"), hip(0.2, broken, "P2")]
    assert pr_curve_of(scores).recall == ()
    assert roc_curve_of(scores).true_positive_rate == ()
    assert average_precision_of(scores).value is None
    assert missing in average_precision_of(scores).reason
