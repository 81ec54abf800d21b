"""ROC and precision-recall curves, and areas under both on many resamples of patients at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from hipcad_desktop.domain.evaluation import HipScore, PrCurve, RocCurve
from hipcad_desktop.domain.metrics import Estimate
from hipcad_desktop.workflows.intervals import BY_PATIENT, NO_BROKEN, NO_WHOLE, draws, of_resamples


def roc_curve_of(scores: Sequence[HipScore]) -> RocCurve:
    """The receiver operating characteristic; empty where a class is missing."""
    from sklearn.metrics import roc_curve

    truth = [s.fracture for s in scores]
    if len(set(truth)) < 2:
        return RocCurve()
    fpr, tpr, _ = roc_curve(truth, [s.p_fracture for s in scores])
    return RocCurve(tuple(float(v) for v in fpr), tuple(float(v) for v in tpr))


def pr_curve_of(scores: Sequence[HipScore]) -> PrCurve:
    """Precision against recall, ending by convention at recall 0, precision 1; empty where a class is missing."""
    from sklearn.metrics import precision_recall_curve

    truth = [s.fracture for s in scores]
    if len(set(truth)) < 2:
        return PrCurve()
    precision, recall, _ = precision_recall_curve(truth, [s.p_fracture for s in scores], drop_intermediate=True)
    return PrCurve(tuple(float(v) for v in recall), tuple(float(v) for v in precision))


def average_precision_of(scores: Sequence[HipScore]) -> Estimate:
    """Average precision, the area under the precision-recall steps, with an interval by patient.

    By chance it is the share of broken hips, not one half. scikit-learn gives the value; the resamples are computed
    all at once, since 2000 calls on a thousand hips would take seconds.
    """
    from sklearn.metrics import average_precision_score

    n = len(scores)
    truth = [s.fracture for s in scores]
    if len(set(truth)) < 2:
        return Estimate(None, None, None, n, "hips", BY_PATIENT, NO_WHOLE if any(truth) else NO_BROKEN)
    p = [s.p_fracture for s in scores]
    value = float(average_precision_score(truth, p))
    ranked = Ranked(p, truth)
    return of_resamples(value, resampled([s.patient for s in scores], ranked.average_precisions), n=n)


class Ranked:
    """Hips in falling order of probability: [N] probabilities, [N] truths. Equal probabilities are one step."""

    def __init__(self, p: Sequence[float], truth: Sequence[bool]) -> None:
        values = np.asarray(p, np.float64)
        self._order = np.argsort(-values, kind="stable")
        falling = values[self._order]
        self._truth = np.asarray(truth, bool)[self._order]
        self._ends = np.flatnonzero(np.append(falling[1:] != falling[:-1], True))

    def average_precisions(self, weights: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """The average precision where hip i counts weights[r, i] times: [R, N] to [R]; no number without a class."""
        broken, whole = self._counts(weights)
        called = broken + whole
        precision = np.divide(broken, called, out=np.zeros_like(called), where=called > 0)
        steps = np.diff(broken, axis=1, prepend=0.0)
        return _ratio((steps * precision).sum(axis=1), broken[:, -1])

    def areas(self, weights: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """The area under the ROC curve, likewise; ties count half."""
        broken, whole = self._counts(weights)
        of_step = np.diff(broken, axis=1, prepend=0.0)
        below = whole[:, -1:] - whole + np.diff(whole, axis=1, prepend=0.0) / 2
        return _ratio((of_step * below).sum(axis=1), broken[:, -1] * whole[:, -1])

    def _counts(self, weights: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Broken and whole hips at or above each step, [R, steps]."""
        ordered = weights[:, self._order]
        broken = np.cumsum(np.where(self._truth, ordered, 0.0), axis=1)[:, self._ends]
        return broken, np.cumsum(ordered, axis=1)[:, self._ends] - broken


def resampled(
    patients: Sequence[str], figure: Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]]
) -> npt.NDArray[np.float64]:
    """A figure of hip weights [R, N] on every resample of patients: [RESAMPLES]."""
    _, places = np.unique(np.array(patients), return_inverse=True)
    return np.concatenate(
        [figure(drawn[:, places].astype(np.float64)) for drawn in draws(int(places.max()) + 1, len(places))]
    )


def _ratio(above: npt.NDArray[np.float64], below: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.divide(above, below, out=np.full_like(above, np.nan), where=below > 0)
