"""Two answers on the same hips held against each other: DeLong paired, McNemar, Newcombe, bootstrap by patient."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from hipcad_desktop.domain.auc import paired_difference
from hipcad_desktop.domain.comparison import AreaDifference, PairedProportion
from hipcad_desktop.domain.evaluation import Interval
from hipcad_desktop.domain.metrics import Estimate, Proportion, Z
from hipcad_desktop.workflows.curves import Ranked, resampled
from hipcad_desktop.workflows.intervals import BY_PATIENT, auc_of, by_patient, of_resamples, proportion

_FEW_DISCORDANT = 25  # below it the exact test, from it the corrected one (Fleiss, Levin and Paik 2003, 13.1)
_DELONG, _NEWCOMBE = "paired DeLong", "Newcombe method 10, paired"


def compare_areas(
    p_a: Sequence[float], p_b: Sequence[float], fracture: Sequence[bool], patients: Sequence[str]
) -> AreaDifference:
    """The areas under both ROC curves and their difference, B minus A: hip i is the same in all four sequences."""
    broken = [i for i, f in enumerate(fracture) if f]
    whole = [i for i, f in enumerate(fracture) if not f]
    a, b = (auc_of([p[i] for i in broken], [p[i] for i in whole]) for p in (p_a, p_b))
    difference, p_value = _delong(p_a, p_b, broken, whole)
    if a.value is None or b.value is None:
        by_resampling = difference
    else:
        areas = [resampled(patients, Ranked(p, fracture).areas) for p in (p_a, p_b)]
        by_resampling = of_resamples(b.value - a.value, areas[1] - areas[0], n=len(fracture))
    return AreaDifference(a, b, difference, p_value, by_resampling)


def _delong(
    p_a: Sequence[float], p_b: Sequence[float], broken: Sequence[int], whole: Sequence[int]
) -> tuple[Estimate, float | None]:
    n = len(broken) + len(whole)
    if len(broken) < 2 or len(whole) < 2:
        return Estimate(None, None, None, n, "hips", _DELONG, "needs two hips of each class"), None
    value, variance = paired_difference(
        [p_a[i] for i in broken], [p_a[i] for i in whole], [p_b[i] for i in broken], [p_b[i] for i in whole]
    )
    if variance <= 1e-18:  # of sums of thousandths, nothing but rounding
        reason = "both put the hips in the same order" if abs(value) < 1e-9 else "no hip varies from the others"
        return Estimate(value, None, None, n, "hips", _DELONG, reason), (1.0 if abs(value) < 1e-9 else None)
    error = math.sqrt(variance)
    low, high = max(-1.0, value - Z * error), min(1.0, value + Z * error)
    return Estimate(value, low, high, n, "hips", _DELONG), math.erfc(abs(value) / error / math.sqrt(2))


def compare_shares(
    name: str, right_a: Sequence[bool], right_b: Sequence[bool], patients: Sequence[str], interval: Interval
) -> PairedProportion:
    """A share of A and of B on the same hips: right_a[i] and right_b[i] are of one hip, patients[i] its patient."""
    a, b = np.asarray(right_a, bool), np.asarray(right_b, bool)
    both, only_a = int((a & b).sum()), int((a & ~b).sum())
    only_b, neither = int((~a & b).sum()), int((~a & ~b).sum())
    p_value, test = mcnemar_test(only_a, only_b)
    return PairedProportion(
        name=name,
        a=proportion(int(a.sum()), len(a), interval),
        b=proportion(int(b.sum()), len(b), interval),
        both_right=both,
        only_a_right=only_a,
        only_b_right=only_b,
        neither_right=neither,
        difference=paired_share_difference(both, only_a, only_b, neither),
        by_patient=_share_difference_by_patient(a, b, patients),
        p_value=p_value if len(a) else None,
        test=test,
    )


def mcnemar_test(only_a: int, only_b: int) -> tuple[float, str]:
    """McNemar's two-sided p of the discordant pairs (Psychometrika 1947;12:153): exact where few, else corrected."""
    from statsmodels.stats.contingency_tables import mcnemar

    exact = only_a + only_b < _FEW_DISCORDANT
    p_value = float(mcnemar([[0, only_a], [only_b, 0]], exact=exact, correction=True).pvalue)
    return min(1.0, p_value), "McNemar, exact" if exact else "McNemar, continuity-corrected"


def paired_share_difference(both: int, only_a: int, only_b: int, neither: int) -> Estimate:
    """The share of B minus that of A with the interval of Newcombe's method 10 (Stat Med 1998;17:2635).

    It joins the two Wilson intervals by the correlation of the pairs and never leaves -1..1, nor has it no width where
    no pair is discordant.
    """
    n = both + only_a + only_b + neither
    if n == 0:
        return Estimate(None, None, None, 0, "hips", _NEWCOMBE, "no such hip in this partition")
    a, b = proportion(both + only_a, n), proportion(both + only_b, n)
    related = _correlation(both, only_a, only_b, neither)
    value = (only_b - only_a) / n
    return Estimate(
        value,
        max(-1.0, value - _joined(_reach(b, low=True), _reach(a, low=False), related)),
        min(1.0, value + _joined(_reach(b, low=False), _reach(a, low=True), related)),
        n,
        "hips",
        _NEWCOMBE,
    )


def _reach(share: Proportion, *, low: bool) -> float:
    value = share.hits / share.n
    return value - share.low if low else share.high - value


def _joined(one: float, other: float, related: float) -> float:
    return math.sqrt(max(0.0, one**2 - 2 * related * one * other + other**2))


def _correlation(both: int, only_a: int, only_b: int, neither: int) -> float:
    """Newcombe's phi with its continuity correction; 0 where a margin is empty."""
    margins = (both + only_a) * (only_b + neither) * (both + only_b) * (only_a + neither)
    if margins == 0:
        return 0.0
    crossed = float(both * neither - only_a * only_b)
    if crossed > 0:
        crossed = max(crossed - (both + only_a + only_b + neither) / 2, 0.0)
    return crossed / math.sqrt(margins)


def _share_difference_by_patient(
    a: npt.NDArray[np.bool_], b: npt.NDArray[np.bool_], patients: Sequence[str]
) -> Estimate:
    if not len(a):
        return Estimate(None, None, None, 0, "hips", BY_PATIENT, "no such hip in this partition")
    parts = np.stack([b.astype(np.float64) - a, np.ones(len(a))], axis=1)
    return by_patient(patients, parts, lambda sums: np.asarray(sums[:, 0] / sums[:, 1]))
