"""Intervals: published examples, independent computation, and coverage of what they promise."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, binomtest, norm

from hipcad_desktop.domain.evaluation import Interval
from hipcad_desktop.domain.metrics import Proportion
from hipcad_desktop.workflows.intervals import auc_of, by_patient, predictive_values, proportion

Z = 1.959964


@pytest.mark.parametrize(
    ("hits", "n", "wilson", "clopper_pearson"),
    [  # Newcombe, Stat Med 1998;17:857, table I, methods 3 and 5
        (81, 263, (0.2553, 0.3662), (0.2527, 0.3676)),
        (15, 148, (0.0624, 0.1605), (0.0578, 0.1617)),
        (0, 20, (0.0000, 0.1611), (0.0000, 0.1684)),
        (1, 29, (0.0061, 0.1718), (0.0009, 0.1776)),
    ],
)
def test_shares_as_published(
    hits: int, n: int, wilson: tuple[float, float], clopper_pearson: tuple[float, float]
) -> None:
    first, second = proportion(hits, n, "wilson"), proportion(hits, n, "clopper-pearson")
    assert (first.low, first.high) == pytest.approx(wilson, abs=5e-5)
    assert (second.low, second.high) == pytest.approx(clopper_pearson, abs=5e-5)


@given(st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_shares_as_scipy_has_them(case: tuple[int, int]) -> None:
    hits, n = case
    for ours, theirs in (("wilson", "wilson"), ("clopper-pearson", "exact")):
        interval: Interval = "wilson" if ours == "wilson" else "clopper-pearson"
        found = proportion(hits, n, interval)
        expected = binomtest(hits, n).proportion_ci(method=theirs)
        assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-9)
        assert 0 <= found.low <= hits / n <= found.high <= 1


def test_nothing_is_the_whole_range() -> None:
    assert proportion(0, 0) == Proportion(0, 0, 0.0, 1.0)
    assert proportion(0, 0).value is None


def test_the_papers_intervals_are_those_of_a_thousand() -> None:
    """METHOD 2: 476 and 485 of 500, yet the printed intervals are Wald's for n = 1000."""

    def wald(share: float, n: int) -> tuple[float, float]:
        reach = float(norm.ppf(0.975)) * math.sqrt(share * (1 - share) / n)
        return round(100 * (share - reach), 1), round(100 * (share + reach), 1)

    # Printed: sensitivity 95.2 (93.9-96.5), specificity 96.9 (95.8-98.0), accuracy 96.1 (94.9-97.3).
    assert wald(476 / 500, 1000) == (93.9, 96.5)
    assert wald(0.969, 1000) == (95.8, 98.0)
    assert wald(961 / 1000, 1000) == (94.9, 97.3)  # of a thousand indeed
    assert wald(476 / 500, 500) != (93.9, 96.5)
    # 485 of 500 is 97.0, not 96.9.
    assert 485 / 500 == 0.97
    sensitivity, specificity = proportion(476, 500), proportion(485, 500)
    assert (sensitivity.low, sensitivity.high) == pytest.approx((0.9296, 0.9676), abs=1e-4)
    assert (specificity.low, specificity.high) == pytest.approx((0.9511, 0.9817), abs=1e-4)
    exact = proportion(476, 500, "clopper-pearson")
    assert exact.low < sensitivity.low
    assert sensitivity.high - sensitivity.low > 1.4 * (0.965 - 0.939)


def test_predictive_values_at_the_papers_own_mixture() -> None:
    # One broken hip for each whole one: PPV is then 476 of 491 positives, NPV 485 of 509 negatives.
    ppv, npv = predictive_values(proportion(476, 500), proportion(485, 500), 0.5)
    assert ppv.value == pytest.approx(476 / 491)
    assert npv.value == pytest.approx(485 / 509)


def _logit_interval(ratio_of: tuple[int, int, int, int], prevalence: float) -> tuple[float, float]:
    """Mercaldo's standard logit interval of a PPV, written out: right answers of n, wrong ones of n."""
    right, of_right, wrong, of_wrong = ratio_of
    middle = math.log(prevalence / (1 - prevalence) * (right / of_right) / (wrong / of_wrong))
    reach = Z * math.sqrt((1 - right / of_right) / right + (1 - wrong / of_wrong) / wrong)
    low, high = (1 / (1 + math.exp(-(middle + sign * reach))) for sign in (-1, 1))
    return low, high


@pytest.mark.parametrize("prevalence", [0.03, 0.2, 0.5])
def test_predictive_intervals_of_many_hips_are_the_logit_ones(prevalence: float) -> None:
    # The case-control table of the bdpv package, 240 of 418 and 288 of 375, tenfold: both methods meet.
    ppv, npv = predictive_values(proportion(2400, 4180), proportion(2880, 3750), prevalence)
    expected = _logit_interval((2400, 4180, 870, 3750), prevalence)
    assert (ppv.low, ppv.high) == pytest.approx(expected, rel=2e-3)
    expected = _logit_interval((2880, 3750, 1780, 4180), 1 - prevalence)
    assert (npv.low, npv.high) == pytest.approx(expected, rel=2e-3)


def _mover_r(over: float, l1: float, u1: float, under: float, l2: float, u2: float) -> tuple[float, float]:
    """Donner and Zou's formulas as they print them, for no empty cell."""
    product = over * under
    low = product - math.sqrt(product**2 - l1 * u2 * (2 * over - l1) * (2 * under - u2))
    high = product + math.sqrt(product**2 - u1 * l2 * (2 * over - u1) * (2 * under - l2))
    return low / (u2 * (2 * under - u2)), high / (l2 * (2 * under - l2))


@pytest.mark.parametrize("interval", ["wilson", "clopper-pearson"])
def test_predictive_intervals_by_the_printed_formula(interval: Interval) -> None:
    sensitivity, specificity = proportion(18, 20, interval), proportion(27, 40, interval)
    ppv, _ = predictive_values(sensitivity, specificity, 0.25)
    low, high = _mover_r(18 / 20, sensitivity.low, sensitivity.high, 13 / 40, 1 - specificity.high, 1 - specificity.low)
    assert ppv.low == pytest.approx(low / 3 / (1 + low / 3))
    assert ppv.high == pytest.approx(high / 3 / (1 + high / 3))
    assert ppv.value == pytest.approx(0.9 / 3 / (0.9 / 3 + 13 / 40))


@pytest.mark.parametrize(
    ("of_broken", "of_whole", "sensitivity", "specificity"),
    [(60, 60, 0.99, 0.99), (60, 60, 0.95, 0.9), (20, 60, 0.95, 0.9), (20, 20, 0.8, 0.97)],
)
def test_predictive_intervals_hold_the_truth_as_often_as_they_say(
    of_broken: int, of_whole: int, sensitivity: float, specificity: float
) -> None:
    """The exact coverage, every possible table weighed; the logit interval falls to 74 % in the first case."""
    prevalence, held, seen = 0.2, 0.0, 0.0
    truth = prevalence * sensitivity / (prevalence * sensitivity + (1 - prevalence) * (1 - specificity))
    weights_broken = binom.pmf(np.arange(of_broken + 1), of_broken, sensitivity)
    weights_whole = binom.pmf(np.arange(of_whole + 1), of_whole, specificity)
    for hits in np.flatnonzero(weights_broken > 1e-4).tolist():
        for spared in np.flatnonzero(weights_whole > 1e-4).tolist():
            ppv, _ = predictive_values(proportion(hits, of_broken), proportion(spared, of_whole), prevalence)
            assert ppv.low is not None
            assert ppv.high is not None
            weight = float(weights_broken[hits] * weights_whole[spared])
            seen += weight
            held += weight * (ppv.low - 1e-12 <= truth <= ppv.high + 1e-12)
    assert 0.94 <= held / seen <= 0.99


def test_a_perfect_test_claims_no_certainty() -> None:
    ppv, npv = predictive_values(proportion(20, 20), proportion(20, 20), 0.5)
    assert (ppv.value, npv.value) == (1, 1)
    for figure in (ppv, npv):
        assert figure.low is not None
        assert 0.7 < figure.low < 0.95
        assert figure.high == 1


def test_predictive_values_of_nothing_say_why() -> None:
    nobody, _ = predictive_values(proportion(0, 10), proportion(10, 10), 0.5)
    assert nobody.value is None
    assert "no hip was called" in nobody.reason
    ppv, npv = predictive_values(proportion(0, 0), proportion(10, 10), 0.5)
    assert ppv.value is None
    assert npv.value is None
    assert "both classes" in ppv.reason
    with pytest.raises(ValueError, match="prevalence"):
        predictive_values(proportion(1, 2), proportion(1, 2), 1.0)


@given(st.integers(0, 9), st.integers(0, 9), st.sampled_from([0.01, 0.3, 0.5, 0.9]))
def test_predictive_values_lie_in_their_intervals(hits: int, spared: int, prevalence: float) -> None:
    for figure in predictive_values(proportion(hits, 9), proportion(spared, 9), prevalence):
        if figure.value is not None:
            assert figure.low is not None
            assert figure.high is not None
            assert 0 <= figure.low <= figure.value <= figure.high <= 1
            assert figure.high - figure.low > 0.001


def test_patients_are_drawn_whole() -> None:
    """Ten hips of one patient say no more than one: the interval by patient is as wide as that of single hips."""
    generator = np.random.default_rng(3)
    values = generator.uniform(size=30)
    patients = [f"P{i}" for i in range(30)]

    def mean_of(sums: np.ndarray) -> np.ndarray:
        return np.asarray(sums[:, 0] / sums[:, 1])

    single = by_patient(patients, np.stack([values, np.ones(30)], axis=1), mean_of)
    tenfold = by_patient(patients * 10, np.stack([np.tile(values, 10), np.ones(300)], axis=1), mean_of)
    as_if_apart = by_patient([f"P{i}" for i in range(300)], np.stack([np.tile(values, 10), np.ones(300)], 1), mean_of)
    assert single.low is not None
    assert single.high is not None
    assert (tenfold.value, tenfold.low, tenfold.high) == pytest.approx((single.value, single.low, single.high))
    assert as_if_apart.low is not None
    assert as_if_apart.high is not None
    assert as_if_apart.high - as_if_apart.low < 0.5 * (single.high - single.low)
    # And as wide as theory says of a mean.
    reach = Z * values.std() / math.sqrt(30)
    assert (single.high - single.low) / 2 == pytest.approx(reach, rel=0.1)


def test_a_figure_without_variation_has_no_interval() -> None:
    figure = by_patient(["P1", "P2"], np.ones((2, 1)), lambda sums: np.asarray(sums[:, 0] * 0 + 1))
    assert (figure.value, figure.low, figure.high) == (1, None, None)
    assert "no interval" in figure.reason


def test_the_area_of_a_missing_class_says_which() -> None:
    assert "with a fracture" in auc_of([], [0.1]).reason
    assert "without a fracture" in auc_of([0.1], []).reason
