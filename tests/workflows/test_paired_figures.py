"""Two answers on the same hips: published examples, brute force, and tests that reject as often as they say."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, chi2

from hipcad_desktop.domain.auc import paired_difference
from hipcad_desktop.workflows.paired_figures import (
    compare_areas,
    compare_shares,
    mcnemar_test,
    paired_share_difference,
)


def test_newcombes_interval_as_published() -> None:
    # Fagerland, Lydersen and Laake, Stat Med 2014;33:2850: airway reactivity before and after, 1, 1, 7, 12 of 21.
    figure = paired_share_difference(1, 1, 7, 12)
    assert figure.value == pytest.approx(6 / 21)
    assert (figure.low, figure.high) == pytest.approx((0.026, 0.507), abs=5e-4)


CELLS = st.tuples(*[st.integers(0, 12)] * 4).filter(lambda c: sum(c) > 0)


@given(CELLS)
def test_the_difference_turns_with_its_sides(cells: tuple[int, int, int, int]) -> None:
    both, only_a, only_b, neither = cells
    one = paired_share_difference(both, only_a, only_b, neither)
    other = paired_share_difference(both, only_b, only_a, neither)
    assert one.value is not None
    assert one.low is not None
    assert one.high is not None
    assert other.low is not None
    assert -1 <= one.low <= one.value <= one.high <= 1
    assert other.low == pytest.approx(-one.high)
    assert one.high - one.low > 0.01  # also where no pair is discordant


def test_no_pairs_have_no_difference() -> None:
    assert paired_share_difference(0, 0, 0, 0).value is None
    nothing = compare_shares("sensitivity", [], [], [], "wilson")
    assert nothing.p_value is None
    assert nothing.by_patient.value is None


@given(st.integers(0, 12), st.integers(0, 12))
def test_mcnemar_exact_is_a_coins_test(only_a: int, only_b: int) -> None:
    p_value, test = mcnemar_test(only_a, only_b)
    assert test == "McNemar, exact"
    expected = binomtest(only_a, only_a + only_b).pvalue if only_a + only_b else 1.0
    assert p_value == pytest.approx(expected)


def test_mcnemar_of_many_pairs_is_corrected() -> None:
    p_value, test = mcnemar_test(20, 45)
    assert test == "McNemar, continuity-corrected"
    assert p_value == pytest.approx(chi2.sf((abs(20 - 45) - 1) ** 2 / 65, 1))


def test_shares_and_cells_as_counted() -> None:
    a = [True, True, False, False, True]
    b = [True, False, True, False, True]
    share = compare_shares("sensitivity", a, b, ["P1", "P2", "P3", "P4", "P5"], "wilson")
    assert (share.both_right, share.only_a_right, share.only_b_right, share.neither_right) == (2, 1, 1, 1)
    assert (share.a.hits, share.b.hits, share.a.n) == (3, 3, 5)
    assert share.difference.value == 0
    assert share.p_value == 1


def test_hips_of_one_patient_widen_only_the_interval_by_patient() -> None:
    generator = np.random.default_rng(4)
    a, b = generator.uniform(size=40) < 0.7, generator.uniform(size=40) < 0.8
    patients = [f"P{i}" for i in range(40)]
    once = compare_shares("specificity", a.tolist(), b.tolist(), patients, "wilson")
    six = compare_shares("specificity", np.tile(a, 6).tolist(), np.tile(b, 6).tolist(), patients * 6, "wilson")

    def width(low: float | None, high: float | None) -> float:
        assert low is not None
        assert high is not None
        return high - low

    assert width(six.by_patient.low, six.by_patient.high) == pytest.approx(
        width(once.by_patient.low, once.by_patient.high)
    )
    assert width(six.difference.low, six.difference.high) < 0.5 * width(once.difference.low, once.difference.high)


def _made(generator: np.random.Generator, n: int, *, better: float) -> tuple[list[float], list[float], list[bool]]:
    truth = np.arange(n) % 2 == 0
    shared = generator.standard_normal(n)
    a = truth + 0.8 * shared + 0.6 * generator.standard_normal(n)
    b = (1 + better) * truth + 0.8 * shared + 0.6 * generator.standard_normal(n)
    return a.tolist(), b.tolist(), truth.tolist()


def test_delong_against_a_slow_bootstrap() -> None:
    generator = np.random.default_rng(9)
    a, b, truth = _made(generator, 400, better=0.4)
    found = compare_areas(a, b, truth, [f"P{i}" for i in range(400)])
    assert found.difference.value is not None
    assert found.difference.low is not None
    assert found.difference.high is not None
    assert found.a.value is not None
    assert found.b.value is not None
    assert found.difference.value == pytest.approx(found.b.value - found.a.value)
    assert found.difference.low == pytest.approx(found.by_patient.low, abs=0.01)
    assert found.difference.high == pytest.approx(found.by_patient.high, abs=0.01)
    # p by hand from the interval: z = value / error.
    error = (found.difference.high - found.difference.low) / 2 / 1.959964
    z = found.difference.value / error
    assert found.p_value == pytest.approx(2 * (1 - 0.5 * (1 + math.erf(abs(z) / math.sqrt(2)))), abs=1e-6)
    assert found.p_value is not None
    assert found.p_value < 0.05


def test_delong_rejects_a_true_sameness_as_seldom_as_it_says() -> None:
    generator = np.random.default_rng(12)
    rejected = 0
    for _ in range(400):
        a, b, truth = _made(generator, 80, better=0.0)
        value, variance = paired_difference(a[::2], a[1::2], b[::2], b[1::2])
        assert truth[0]
        assert not truth[1]
        rejected += abs(value) / math.sqrt(variance) > 1.959964
    assert 8 <= rejected <= 36  # 5 % of 400 are 20


def test_the_same_scores_have_no_difference_and_no_interval() -> None:
    p = [0.9, 0.1, 0.4, 0.6]
    found = compare_areas(p, p, [True, False, True, False], ["P1", "P1", "P2", "P2"])
    assert (found.difference.value, found.difference.low, found.p_value) == (0, None, 1)
    assert "same order" in found.difference.reason
    # Any rising change of the scores is the same order too.
    assert compare_areas(p, [v**2 for v in p], [True, False, True, False], ["a", "b", "c", "d"]).p_value == 1


def test_one_class_has_no_areas_to_compare() -> None:
    found = compare_areas([0.1, 0.2], [0.3, 0.1], [False, False], ["P1", "P2"])
    assert found.difference.value is None
    assert found.p_value is None
    assert found.by_patient.value is None
