"""Figures with their 95 % intervals (METHOD 2): Wilson or Clopper-Pearson, DeLong, MOVER-R, bootstrap."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from hipcad_desktop.domain.auc import auc_interval
from hipcad_desktop.domain.evaluation import HipScore, Interval
from hipcad_desktop.domain.metrics import CONFIDENCE, Estimate, Proportion

RESAMPLES = 2000
SEED = 20200414
NO_BROKEN = "no hip with a fracture in this partition"
NO_WHOLE = "no hip without a fracture in this partition"
NO_WIDTH = "all resamples agree, which shows no interval"
MOVER = "MOVER-R of the two shares"
BY_PATIENT = f"bootstrap by patient, {RESAMPLES} resamples"
_AT_ONCE = 1 << 22  # numbers of one resampling step, so that ten thousand hips still fit into memory


def proportion(hits: int, n: int, interval: Interval = "wilson") -> Proportion:
    """A share with its interval; of nothing, the whole range.

    Wilson (JASA 1927;22:209), whose coverage is near 95 % on average, or Clopper and Pearson (Biometrika 1934;26:404),
    whose coverage is never below 95 % and which is wider.
    """
    from statsmodels.stats.proportion import proportion_confint

    if n == 0:
        return Proportion(0, 0, 0.0, 1.0)
    method = {"wilson": "wilson", "clopper-pearson": "beta"}[interval]
    low, high = proportion_confint(hits, n, alpha=1 - CONFIDENCE, method=method)
    value = hits / n  # rounding may leave it a hair outside where it is 0 or 1
    return Proportion(hits, n, max(0.0, min(float(low), value)), min(1.0, max(float(high), value)))


def auc_of(broken: Sequence[float], whole: Sequence[float]) -> Estimate:
    """The area under the ROC curve of two groups' probabilities, with DeLong's interval (domain.auc)."""
    from sklearn.metrics import roc_auc_score

    n = len(broken) + len(whole)
    if not len(broken) or not len(whole):
        return Estimate(None, None, None, n, "hips", "DeLong", NO_BROKEN if not len(broken) else NO_WHOLE)
    value = float(roc_auc_score([1] * len(broken) + [0] * len(whole), [*broken, *whole]))
    low, high, method = auc_interval(broken, whole)
    return Estimate(value, low, high, n, "hips", method)


def auc_of_hips(broken: Sequence[HipScore], whole: Sequence[HipScore]) -> Estimate:
    """auc_of of scores."""
    return auc_of([s.p_fracture for s in broken], [s.p_fracture for s in whole])


def predictive_values(sensitivity: Proportion, specificity: Proportion, prevalence: float) -> tuple[Estimate, Estimate]:
    """PPV and NPV where `prevalence` of the hips are broken, from a sensitivity and a specificity measured apart.

    Bayes' rule: the odds of a right answer are those of the prevalence times a ratio of two independent shares (the
    likelihood ratio). Its interval is joined from the two shares' own (MOVER-R: Donner and Zou, Stat Methods Med Res
    2012;21:347; Newcombe, same 2016;25:1774), so it follows the choice of Wilson or Clopper-Pearson, and it holds where
    a cell is empty. The better known logit interval (Mercaldo, Stat Med 2007;26:2170) does not there: at a sensitivity
    and specificity of 99 % on 60 hips each it covers the truth 74 times in 100 instead of 95, this one 98 times.
    Raises ValueError outside 0 < prevalence < 1.
    """
    if not 0 < prevalence < 1:
        raise ValueError(f"0 < prevalence < 1, not {prevalence}")
    odds = prevalence / (1 - prevalence)
    called, not_called = 'no hip was called "fracture"', 'no hip was called "no fracture"'
    return (
        _predictive(sensitivity, _rest(specificity), odds, called),
        _predictive(specificity, _rest(sensitivity), 1 / odds, not_called),
    )


def _rest(share: Proportion) -> Proportion:
    """The share of the others: of wrong answers where share is of right ones."""
    return Proportion(share.n - share.hits, share.n, 1 - share.high, 1 - share.low)


def _predictive(right: Proportion, wrong: Proportion, odds: float, nothing: str) -> Estimate:
    """The share of right answers among all answers of one kind; odds of the hips it is right for."""
    n = right.n + wrong.n
    if right.value is None or wrong.value is None:
        return Estimate(None, None, None, n, "hips", MOVER, "needs hips of both classes")
    if not right.hits and not wrong.hits:
        return Estimate(None, None, None, n, "hips", MOVER, nothing)
    low, high = _ratio_interval(right, right.value, wrong, wrong.value)
    value = odds * right.value / (odds * right.value + wrong.value)
    return Estimate(value, min(value, _of_odds(odds * low)), max(value, _of_odds(odds * high)), n, "hips", MOVER)


def _ratio_interval(above: Proportion, over: float, below: Proportion, under: float) -> tuple[float, float]:
    """MOVER-R of over / under, not both 0; the lower bound written so that it also holds where under is 0."""
    product = over * under
    of_low, of_high = above.low * (2 * over - above.low), above.high * (2 * over - above.high)
    by_high, by_low = below.high * (2 * under - below.high), below.low * (2 * under - below.low)
    low = of_low / (product + math.sqrt(max(0.0, product**2 - of_low * by_high))) if of_low > 0 else 0.0
    high = (product + math.sqrt(max(0.0, product**2 - of_high * by_low))) / by_low if by_low > 0 else math.inf
    return low, high


def _of_odds(odds: float) -> float:
    return odds / (1 + odds) if math.isfinite(odds) else 1.0


def by_patient(
    patients: Sequence[str],
    parts: npt.NDArray[np.float64],
    figure: Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]],
    *,
    unit: str = "hips",
) -> Estimate:
    """A figure of summed parts with a percentile interval, patients drawn with replacement (Efron 1979); seeded.

    parts [N, k] is what each hip adds; figure takes sums [R, k] and gives R values, not a number where it has none.
    A figure that no resample changes has no interval: one without width would claim certainty.
    """
    sums = sums_by_patient(patients, parts)
    value = float(figure(sums.sum(axis=0, keepdims=True))[0])
    values = np.concatenate([figure(drawn @ sums) for drawn in draws(len(sums), sums.shape[1])])
    return of_resamples(value, values, n=len(patients), unit=unit)


def of_resamples(value: float, values: npt.NDArray[np.float64], *, n: int, unit: str = "hips") -> Estimate:
    """The percentile interval of a figure's resampled values; resamples without the figure are left out."""
    some = values[np.isfinite(values)]
    if not math.isfinite(value) or not len(some):
        return Estimate(None, None, None, n, unit, BY_PATIENT, "not defined on these hips")
    low, high = np.quantile(some, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    if low == high:
        return Estimate(value, None, None, n, unit, BY_PATIENT, NO_WIDTH)
    return Estimate(value, float(low), float(high), n, unit, BY_PATIENT)


def sums_by_patient(patients: Sequence[str], values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """values [N, k] added up within each patient: [patients, k]."""
    names, places = np.unique(np.array(patients), return_inverse=True)
    sums = np.zeros((len(names), values.shape[1]))
    np.add.at(sums, places, values)
    return sums


def draws(patients: int, width: int) -> list[npt.NDArray[np.int64]]:
    """How often each patient is drawn, [R, patients] in pieces of R rows, RESAMPLES rows in all; always the same.

    width: how many numbers per patient or hip the caller needs beside each row.
    """
    generator = np.random.default_rng(SEED)
    rows = max(1, min(RESAMPLES, _AT_ONCE // max(1, patients, width)))
    shares = np.full(patients, 1 / patients)
    return [
        generator.multinomial(patients, shares, size=min(rows, RESAMPLES - start))
        for start in range(0, RESAMPLES, rows)
    ]
