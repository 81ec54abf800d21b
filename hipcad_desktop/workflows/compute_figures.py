"""Scores of hips become figures with n and 95 % interval (METHOD 2): Wilson, DeLong, bootstrap by patient."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from hipcad_desktop.domain.anatomy import FractureType
from hipcad_desktop.domain.diagnosis import HipState
from hipcad_desktop.domain.evaluation import (
    CONFIDENCE,
    Estimate,
    HalvingFigures,
    HipScore,
    NegativeGroup,
    OperatingPoint,
    RocCurve,
    TypeFigures,
    auc_interval,
)
from hipcad_desktop.domain.metrics import Proportion, Thresholds

RESAMPLES = 2000
SEED = 20200414
NO_BROKEN = "no hip with a fracture in this partition"
NO_WHOLE = "no hip without a fracture in this partition"
_BY_PATIENT = f"bootstrap by patient, {RESAMPLES} resamples"


def compute_figures(halving: str, scores: Sequence[HipScore], thresholds: Thresholds) -> HalvingFigures:
    """All figures of the hips made by one halving; what a missing class forbids is None with the reason."""
    broken = [s for s in scores if s.fracture]
    whole = [s for s in scores if not s.fracture]
    named = {"fracture": thresholds.fracture, "no_fracture": thresholds.no_fracture}
    return HalvingFigures(
        halving=halving,
        hips=len(scores),
        fracture=len(broken),
        no_fracture=len(whole),
        films=len({s.film_code for s in scores}),
        patients=len({s.patient for s in scores}),
        auc=_auc(broken, whole),
        auc_same_film=_auc_same_film(scores),
        points=tuple(_point(name, threshold, scores) for name, threshold in named.items()),
        states={"fracture": _states(broken), "no_fracture": _states(whole)},
        negatives=_negatives(broken, whole, named),
        types=_types(broken, named),
        roc=_roc(scores) if broken and whole else RocCurve(),
    )


def wilson(hits: int, n: int) -> Proportion:
    """A proportion with its Wilson interval; of nothing, the whole range."""
    from statsmodels.stats.proportion import proportion_confint

    if n == 0:
        return Proportion(0, 0, 0.0, 1.0)
    low, high = proportion_confint(hits, n, alpha=1 - CONFIDENCE, method="wilson")
    return Proportion(hits, n, float(low), float(high))


def _auc(broken: Sequence[HipScore], whole: Sequence[HipScore]) -> Estimate:
    from sklearn.metrics import roc_auc_score

    n = len(broken) + len(whole)
    if not broken or not whole:
        return Estimate(None, None, None, n, "hips", "DeLong", NO_BROKEN if not broken else NO_WHOLE)
    positive, negative = [s.p_fracture for s in broken], [s.p_fracture for s in whole]
    value = float(roc_auc_score([1] * len(positive) + [0] * len(negative), positive + negative))
    low, high, method = auc_interval(positive, negative)
    return Estimate(value, low, high, n, "hips", method)


def _auc_same_film(scores: Sequence[HipScore]) -> Estimate:
    """How often the broken hip scores above the other, whole hip of its film, ties half.

    Both hips share machine, exposure and patient, so what sets whole films apart cannot help here (METHOD 2, 3.4).
    """
    unit = "pairs of hips of one film"
    films: dict[str, list[HipScore]] = defaultdict(list)
    for score in scores:
        films[score.film_code].append(score)
    both = [sorted(hips, key=lambda s: s.fracture) for hips in films.values() if len(hips) == 2]
    pairs = [(whole, broken) for whole, broken in both if broken.fracture and not whole.fracture]
    if not pairs:
        reason = "no film with one broken and one whole hip in this partition"
        return Estimate(None, None, None, 0, unit, _BY_PATIENT, reason)
    won = [float(np.heaviside(broken.p_fracture - whole.p_fracture, 0.5)) for whole, broken in pairs]
    value = sum(won) / len(won)
    if len(set(won)) == 1 and won[0] != 0.5:
        exact = wilson(round(sum(won)), len(won))
        return Estimate(value, exact.low, exact.high, len(won), unit, "Wilson")
    sums = _sums_by_patient([whole.patient for whole, _ in pairs], np.array([[w, 1.0] for w in won]))
    low, high = _bootstrap(sums, lambda total: total[:, 0] / total[:, 1])
    return Estimate(value, low, high, len(won), unit, _BY_PATIENT)


def _point(name: str, threshold: float, scores: Sequence[HipScore]) -> OperatingPoint:
    truth = np.array([s.fracture for s in scores], dtype=bool)
    said = np.array([s.p_fracture >= threshold for s in scores], dtype=bool)
    tp, fn = int((truth & said).sum()), int((truth & ~said).sum())
    fp, tn = int((~truth & said).sum()), int((~truth & ~said).sum())
    return OperatingPoint(
        name=name,
        threshold=threshold,
        true_positive=tp,
        false_negative=fn,
        false_positive=fp,
        true_negative=tn,
        accuracy=wilson(tp + tn, len(scores)),
        sensitivity=wilson(tp, tp + fn),
        specificity=wilson(tn, tn + fp),
        f1=_f1([s.patient for s in scores], truth, said),
    )


def _f1(patients: Sequence[str], truth: npt.NDArray[np.bool_], said: npt.NDArray[np.bool_]) -> Estimate:
    n = len(patients)
    if not truth.any():
        return Estimate(None, None, None, n, "hips", _BY_PATIENT, NO_BROKEN)
    counts = np.stack([truth & said, truth & ~said, ~truth & said], axis=1).astype(float)
    sums = _sums_by_patient(patients, counts)
    value = float(_f1_of(sums.sum(axis=0, keepdims=True))[0])
    low, high = _bootstrap(sums, _f1_of)
    if low == high:
        return Estimate(value, None, None, n, "hips", _BY_PATIENT, "all resamples agree, which shows no interval")
    return Estimate(value, low, high, n, "hips", _BY_PATIENT)


def _f1_of(total: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    tp, fn, fp = total[:, 0], total[:, 1], total[:, 2]
    whole = 2 * tp + fn + fp
    return np.divide(2 * tp, whole, out=np.full_like(whole, np.nan), where=whole > 0)


def _sums_by_patient(patients: Sequence[str], values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """values [n, k] added up within each patient: [patients, k]."""
    names, places = np.unique(np.array(patients), return_inverse=True)
    sums = np.zeros((len(names), values.shape[1]))
    np.add.at(sums, places, values)
    return sums


def _bootstrap(
    sums: npt.NDArray[np.float64],
    figure: Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]],
) -> tuple[float, float]:
    """Percentile interval of a figure of summed rows, patients drawn with replacement; seeded."""
    patients = len(sums)
    drawn = np.random.default_rng(SEED).multinomial(patients, np.full(patients, 1 / patients), size=RESAMPLES)
    values = figure(drawn @ sums)
    low, high = np.nanquantile(values, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return float(low), float(high)


def _states(scores: Sequence[HipScore]) -> dict[str, int]:
    counts = Counter(s.state for s in scores)
    return {state.value: counts[state] for state in HipState}


def _negatives(
    broken: Sequence[HipScore], whole: Sequence[HipScore], named: Mapping[str, float]
) -> tuple[NegativeGroup, ...]:
    groups = {
        "other_hip": [s for s in whole if s.pair_has_fracture],
        "no_fracture_film": [s for s in whole if not s.pair_has_fracture],
    }
    return tuple(
        NegativeGroup(
            name=name,
            n=len(hips),
            specificity={p: wilson(sum(s.p_fracture < t for s in hips), len(hips)) for p, t in named.items()},
            auc=_auc(broken, hips),
        )
        for name, hips in groups.items()
    )


def _types(broken: Sequence[HipScore], named: Mapping[str, float]) -> tuple[TypeFigures, ...]:
    if not any(s.fracture_type for s in broken):
        return ()
    order = {kind.value: i for i, kind in enumerate(FractureType)}
    found = sorted({s.fracture_type for s in broken}, key=lambda t: (order.get(t, len(order)), t == "", t))
    result = []
    for kind in found:
        hips = [s for s in broken if s.fracture_type == kind]
        reached = {p: wilson(sum(s.p_fracture >= t for s in hips), len(hips)) for p, t in named.items()}
        result.append(TypeFigures(kind, len(hips), reached))
    return tuple(result)


def _roc(scores: Sequence[HipScore]) -> RocCurve:
    from sklearn.metrics import roc_curve

    fpr, tpr, _ = roc_curve([s.fracture for s in scores], [s.p_fracture for s in scores])
    return RocCurve(tuple(float(v) for v in fpr), tuple(float(v) for v in tpr))
