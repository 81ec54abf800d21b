"""Does a probability mean what it says? Brier score, reliability, calibration slope and intercept, with intervals."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from hipcad_desktop.domain.evaluation import Calibration, HipScore, Interval, ReliabilityBin
from hipcad_desktop.domain.metrics import Estimate, Z, at_prevalence
from hipcad_desktop.workflows.intervals import NO_BROKEN, NO_WHOLE, by_patient, proportion

BINS = 10
_CLUSTERED = "logistic regression, standard errors clustered by patient"
_SUREST = 1e-9  # nearer to 0 or 1 a probability's logit is cut off


def calibration_of(
    scores: Sequence[HipScore], *, trained_prevalence: float | None, interval: Interval = "wilson"
) -> Calibration | None:
    """The calibration of scores; None without hips. Slope and intercept need both classes, and that they overlap."""
    if not scores:
        return None
    truth = np.array([s.fracture for s in scores], np.float64)
    prevalence = float(truth.mean())
    p = np.array([s.p_fracture for s in scores])
    if trained_prevalence is not None and 0 < prevalence < 1:
        p = np.array([at_prevalence(v, trained=trained_prevalence, wanted=prevalence) for v in p.tolist()])
    patients = [s.patient for s in scores]
    slope, intercept = _slope_and_intercept(p, truth, patients)
    return Calibration(
        trained_prevalence=trained_prevalence,
        prevalence=prevalence,
        brier=_brier(p, truth, patients),
        brier_reference=prevalence * (1 - prevalence),
        slope=slope,
        intercept=intercept,
        bins=_bins(p, truth, interval),
    )


def _brier(p: npt.NDArray[np.float64], truth: npt.NDArray[np.float64], patients: Sequence[str]) -> Estimate:
    """The mean squared distance of probability and truth (Brier 1950)."""
    parts = np.stack([(p - truth) ** 2, np.ones_like(p)], axis=1)
    return by_patient(patients, parts, lambda sums: np.asarray(sums[:, 0] / sums[:, 1]))


def _bins(p: npt.NDArray[np.float64], truth: npt.NDArray[np.float64], interval: Interval) -> tuple[ReliabilityBin, ...]:
    places = np.minimum((p * BINS).astype(int), BINS - 1)
    return tuple(
        ReliabilityBin(
            low=place / BINS,
            high=(place + 1) / BINS,
            mean_p=float(p[places == place].mean()),
            observed=proportion(int(truth[places == place].sum()), int((places == place).sum()), interval),
        )
        for place in np.unique(places).tolist()
    )


def _slope_and_intercept(
    p: npt.NDArray[np.float64], truth: npt.NDArray[np.float64], patients: Sequence[str]
) -> tuple[Estimate, Estimate]:
    """Cox (Biometrika 1958;45:562): truth regressed on the logit of p.

    The slope is its coefficient; the intercept is that of a regression with the coefficient held at 1, "calibration in
    the large" (Van Calster and others, BMC Medicine 2019;17:230). Hips of one patient resemble each other, so the
    standard errors are the clustered ones of Liang and Zeger (Biometrika 1986;73:13).
    """
    import statsmodels.api as sm

    if not truth.any() or truth.all():
        reason = NO_WHOLE if truth.any() else NO_BROKEN
        return _none(len(p), reason), _none(len(p), reason)
    kept = np.clip(p, _SUREST, 1 - _SUREST)
    logit = np.log(kept / (1 - kept))
    _, groups = np.unique(np.array(patients), return_inverse=True)
    in_the_large = _fitted(sm.GLM(truth, np.ones_like(logit), offset=logit, family=sm.families.Binomial()), groups, 0)
    reason = _unfit_for_slope(logit, truth)
    if reason:
        return _none(len(p), reason), in_the_large
    return _fitted(sm.GLM(truth, sm.add_constant(logit), family=sm.families.Binomial()), groups, 1), in_the_large


def _unfit_for_slope(logit: npt.NDArray[np.float64], truth: npt.NDArray[np.float64]) -> str:
    """Why the regression has no finite answer: with the classes apart any steeper line fits better."""
    if np.ptp(logit) == 0:
        return "all hips have the same probability"
    broken, whole = logit[truth > 0], logit[truth == 0]
    if broken.min() >= whole.max() or broken.max() <= whole.min():
        return "no probability lies between those of the other class, so no slope fits best"
    return ""


def _fitted(model: Any, groups: npt.NDArray[np.intp], which: int) -> Estimate:
    n = len(groups)
    clustered = len(np.unique(groups)) > 2  # of fewer clusters no variance can be had
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            fit = model.fit(cov_type="cluster", cov_kwds={"groups": groups}) if clustered else model.fit()
            value, error = float(fit.params[which]), float(fit.bse[which])
        except (Warning, ArithmeticError, np.linalg.LinAlgError, ValueError):
            return _none(n, "the regression finds no answer on these hips")
    if not clustered or not np.isfinite(error) or error <= 0:
        return Estimate(value, None, None, n, "hips", _CLUSTERED, "too few patients for an interval")
    return Estimate(value, value - Z * error, value + Z * error, n, "hips", _CLUSTERED)


def _none(n: int, reason: str) -> Estimate:
    return Estimate(None, None, None, n, "hips", _CLUSTERED, reason)
