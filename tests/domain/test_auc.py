"""AUC, its interval, paired differences: against brute force and scikit-learn, and where DeLong has no width."""

from __future__ import annotations

from itertools import product
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from hipcad_desktop.domain.auc import area_under_roc, auc_interval, delong_variance, paired_difference

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


PAIRS = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=2, max_size=12)


def _paired_by_brute_force(
    broken: list[tuple[int, int]], whole: list[tuple[int, int]]
) -> tuple[float, float, float, float]:
    """AUC of A and B, and the variance of their difference by DeLong's matrices S10 and S01, pair by pair."""
    m, n = len(broken), len(whole)
    v10 = [[sum(_won(x[k], y[k]) for y in whole) / n for x in broken] for k in (0, 1)]
    v01 = [[sum(_won(x[k], y[k]) for x in broken) / m for y in whole] for k in (0, 1)]
    auc = [fmean(v10[k]) for k in (0, 1)]

    def covariance(v: list[list[float]], k: int, j: int) -> float:
        return sum((a - auc[k]) * (b - auc[j]) for a, b in zip(v[k], v[j], strict=True)) / (len(v[k]) - 1)

    s = [[covariance(v10, k, j) / m + covariance(v01, k, j) / n for j in (0, 1)] for k in (0, 1)]
    return auc[0], auc[1], s[0][0] + s[1][1] - 2 * s[0][1], s[0][0]


@given(broken=PAIRS, whole=PAIRS)
def test_the_paired_difference_equals_delongs_matrices(
    broken: list[tuple[int, int]], whole: list[tuple[int, int]]
) -> None:
    a, b, variance, _ = _paired_by_brute_force(broken, whole)
    found, found_variance = paired_difference(
        [x[0] for x in broken], [y[0] for y in whole], [x[1] for x in broken], [y[1] for y in whole]
    )
    assert found == pytest.approx(b - a, abs=1e-12)
    assert found_variance == pytest.approx(variance, abs=1e-12)


def test_the_variance_of_one_area_is_the_matrix_diagonal() -> None:
    broken, whole = [(9, 1), (7, 5), (3, 8), (6, 6)], [(1, 2), (4, 7), (6, 1)]
    _, _, _, of_a = _paired_by_brute_force(broken, whole)
    assert delong_variance([x[0] for x in broken], [y[0] for y in whole]) == pytest.approx(of_a)


def test_pairs_of_unequal_length_are_refused() -> None:
    with pytest.raises(ValueError, match="argument"):
        paired_difference([0.1, 0.2], [0.3, 0.4], [0.1], [0.3, 0.4])
