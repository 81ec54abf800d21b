"""Scores of hips become figures with n and 95 % interval (METHOD 2; the intervals are in workflows.intervals)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from hipcad_desktop.domain.anatomy import FractureType
from hipcad_desktop.domain.diagnosis import HipState
from hipcad_desktop.domain.evaluation import (
    DEFAULT_PREVALENCE,
    INTERVALS,
    HalvingFigures,
    HipScore,
    Interval,
    NegativeGroup,
    OperatingPoint,
    TypeFigures,
)
from hipcad_desktop.domain.metrics import Estimate, Thresholds
from hipcad_desktop.workflows.calibration_figures import calibration_of
from hipcad_desktop.workflows.curves import average_precision_of, pr_curve_of, roc_curve_of
from hipcad_desktop.workflows.intervals import (
    BY_PATIENT,
    NO_BROKEN,
    auc_of_hips,
    by_patient,
    predictive_values,
    proportion,
)


def compute_figures(
    halving: str,
    scores: Sequence[HipScore],
    thresholds: Thresholds,
    *,
    prevalence: float = DEFAULT_PREVALENCE,
    interval: Interval = "wilson",
    trained_prevalence: float | None = None,
) -> HalvingFigures:
    """All figures of the hips made by one halving; what a missing class forbids is None with the reason.

    prevalence: the share of broken hips that PPV and NPV are given for. interval: of all shares. trained_prevalence:
    the share that the probabilities are meant for (ModelCard.calibrated_prevalence). Subgroups and the heat maps'
    coverage are added by the workflows of their own.
    """
    broken = [s for s in scores if s.fracture]
    whole = [s for s in scores if not s.fracture]
    named = named_thresholds(thresholds)
    return HalvingFigures(
        halving=halving,
        hips=len(scores),
        fracture=len(broken),
        no_fracture=len(whole),
        films=len({s.film_code for s in scores}),
        patients=len({s.patient for s in scores}),
        auc=auc_of_hips(broken, whole),
        auc_same_film=_auc_same_film(scores, interval),
        points=tuple(
            operating_point(name, threshold, scores, prevalence=prevalence, interval=interval)
            for name, threshold in named.items()
        ),
        states={"fracture": _states(broken), "no_fracture": _states(whole)},
        negatives=_negatives(broken, whole, named, interval),
        types=_types(broken, named, interval),
        roc=roc_curve_of(scores),
        average_precision=average_precision_of(scores),
        pr=pr_curve_of(scores),
        calibration=calibration_of(scores, trained_prevalence=trained_prevalence, interval=interval),
    )


def named_thresholds(thresholds: Thresholds) -> dict[str, float]:
    """The two operating points by name, the specific one first."""
    return {"fracture": thresholds.fracture, "no_fracture": thresholds.no_fracture}


def _auc_same_film(scores: Sequence[HipScore], interval: Interval) -> Estimate:
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
        return Estimate(None, None, None, 0, unit, BY_PATIENT, reason)
    won = [float(np.heaviside(broken.p_fracture - whole.p_fracture, 0.5)) for whole, broken in pairs]
    value = sum(won) / len(won)
    if len(set(won)) == 1 and won[0] != 0.5:
        exact = proportion(round(sum(won)), len(won), interval)
        return Estimate(value, exact.low, exact.high, len(won), unit, INTERVALS[interval])
    parts = np.array([[w, 1.0] for w in won])
    return by_patient([whole.patient for whole, _ in pairs], parts, lambda sums: sums[:, 0] / sums[:, 1], unit=unit)


def operating_point(
    name: str, threshold: float, scores: Sequence[HipScore], *, prevalence: float, interval: Interval
) -> OperatingPoint:
    """What a threshold gives: a hip counts as positive from it on."""
    truth = np.array([s.fracture for s in scores], dtype=bool)
    said = np.array([s.p_fracture >= threshold for s in scores], dtype=bool)
    tp, fn = int((truth & said).sum()), int((truth & ~said).sum())
    fp, tn = int((~truth & said).sum()), int((~truth & ~said).sum())
    sensitivity, specificity = proportion(tp, tp + fn, interval), proportion(tn, tn + fp, interval)
    ppv, npv = predictive_values(sensitivity, specificity, prevalence)
    return OperatingPoint(
        name=name,
        threshold=threshold,
        true_positive=tp,
        false_negative=fn,
        false_positive=fp,
        true_negative=tn,
        accuracy=proportion(tp + tn, len(scores), interval),
        sensitivity=sensitivity,
        specificity=specificity,
        f1=_f1([s.patient for s in scores], truth, said),
        ppv=ppv,
        npv=npv,
    )


def _f1(patients: Sequence[str], truth: npt.NDArray[np.bool_], said: npt.NDArray[np.bool_]) -> Estimate:
    if not truth.any():
        return Estimate(None, None, None, len(patients), "hips", BY_PATIENT, NO_BROKEN)
    counts = np.stack([truth & said, truth & ~said, ~truth & said], axis=1).astype(float)
    return by_patient(patients, counts, _f1_of)


def _f1_of(total: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    tp, fn, fp = total[:, 0], total[:, 1], total[:, 2]
    whole = 2 * tp + fn + fp
    return np.divide(2 * tp, whole, out=np.full_like(whole, np.nan), where=whole > 0)


def _states(scores: Sequence[HipScore]) -> dict[str, int]:
    counts = Counter(s.state for s in scores)
    return {state.value: counts[state] for state in HipState}


def _negatives(
    broken: Sequence[HipScore], whole: Sequence[HipScore], named: Mapping[str, float], interval: Interval
) -> tuple[NegativeGroup, ...]:
    groups = {
        "other_hip": [s for s in whole if s.pair_has_fracture],
        "no_fracture_film": [s for s in whole if not s.pair_has_fracture],
    }
    return tuple(
        NegativeGroup(
            name=name,
            n=len(hips),
            specificity={
                p: proportion(sum(s.p_fracture < t for s in hips), len(hips), interval) for p, t in named.items()
            },
            auc=auc_of_hips(broken, hips),
        )
        for name, hips in groups.items()
    )


def _types(broken: Sequence[HipScore], named: Mapping[str, float], interval: Interval) -> tuple[TypeFigures, ...]:
    if not any(s.fracture_type for s in broken):
        return ()
    order = {kind.value: i for i, kind in enumerate(FractureType)}
    found = sorted({s.fracture_type for s in broken}, key=lambda t: (order.get(t, len(order)), t == "", t))
    result = []
    for kind in found:
        hips = [s for s in broken if s.fracture_type == kind]
        reached = {p: proportion(sum(s.p_fracture >= t for s in hips), len(hips), interval) for p, t in named.items()}
        result.append(TypeFigures(kind, len(hips), reached))
    return tuple(result)
