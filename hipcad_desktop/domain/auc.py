"""The area under the ROC curve, its 95 % interval, and two areas of the same hips held against each other."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from statistics import fmean

from hipcad_desktop.domain.metrics import Z


def area_under_roc(broken: Sequence[float], whole: Sequence[float]) -> float:
    """The share of pairs in which the broken hip scores higher, ties half. Both classes have at least one hip."""
    ranked = sorted(whole)
    return fmean(_placement(p, ranked) for p in broken)


def auc_interval(broken: Sequence[float], whole: Sequence[float]) -> tuple[float, float, str]:
    """The 95 % interval of the AUC and its method's name; each class needs a hip.

    DeLong, DeLong and Clarke-Pearson (Biometrics 1988;44:837). Its variance is zero where the classes are apart (or a
    class has one hip), and an interval of no width would claim certainty: then the score interval, method 5 of
    Newcombe (Stat Med 2006;25:559), is given.
    """
    auc = area_under_roc(broken, whole)
    if len(broken) > 1 and len(whole) > 1 and 0 < auc < 1:
        deviation = math.sqrt(delong_variance(broken, whole))
        if deviation > 0:
            return max(0.0, auc - Z * deviation), min(1.0, auc + Z * deviation), "DeLong"
    low, high = score_interval(auc, len(broken), len(whole))
    return low, high, "Newcombe score"


def delong_variance(broken: Sequence[float], whole: Sequence[float]) -> float:
    """The variance of the AUC after DeLong; each class has at least two hips."""
    ranked_whole, ranked_broken = sorted(whole), sorted(broken)
    of_broken = [_placement(p, ranked_whole) for p in broken]
    of_whole = [1 - _placement(p, ranked_broken) for p in whole]
    return _variance(of_broken) / len(broken) + _variance(of_whole) / len(whole)


def paired_difference(
    broken_a: Sequence[float], whole_a: Sequence[float], broken_b: Sequence[float], whole_b: Sequence[float]
) -> tuple[float, float]:
    """The AUC of B minus that of A on the same hips in the same order, and DeLong's variance of the difference.

    Each class has at least two hips. The covariance of the two areas is in it, since the placements of a hip under A
    and B are subtracted before the variance is taken (DeLong 1988, equation 5).
    """
    of_broken = _placement_differences(broken_a, whole_a, broken_b, whole_b)
    of_whole = _placement_differences(whole_a, broken_a, whole_b, broken_b)
    variance = _variance(of_broken) / len(of_broken) + _variance(of_whole) / len(of_whole)
    return fmean(of_broken), variance


def _placement_differences(
    ones_a: Sequence[float], others_a: Sequence[float], ones_b: Sequence[float], others_b: Sequence[float]
) -> list[float]:
    """How much higher each of the ones is placed among the others under B than under A."""
    ranked_a, ranked_b = sorted(others_a), sorted(others_b)
    return [_placement(b, ranked_b) - _placement(a, ranked_a) for a, b in zip(ones_a, ones_b, strict=True)]


def _placement(p: float, ranked: Sequence[float]) -> float:
    """The share of ranked values below p, ties half."""
    return (bisect_left(ranked, p) + bisect_right(ranked, p)) / (2 * len(ranked))


def _variance(values: Sequence[float]) -> float:
    mean = fmean(values)
    return math.fsum((v - mean) ** 2 for v in values) / (len(values) - 1)


def score_interval(auc: float, broken: int, whole: int) -> tuple[float, float]:
    """Method 5 of Newcombe (Stat Med 2006;25:559): all areas whose standard error, times Z, reaches auc."""
    middle = (broken + whole) / 2

    def deviation(area: float) -> float:
        spread = 1 + (middle - 1) * ((1 - area) / (2 - area) + area / (1 + area))
        return math.sqrt(area * (1 - area) * spread / (broken * whole))

    def bound(far: float) -> float:
        inside, outside = auc, far
        if abs(auc - far) <= Z * deviation(far):
            return far
        for _ in range(60):
            half = (inside + outside) / 2
            if abs(auc - half) <= Z * deviation(half):
                inside = half
            else:
                outside = half
        return inside

    return bound(0.0), bound(1.0)
