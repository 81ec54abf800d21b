"""Values of an evaluation: how well a model package does on one partition, with n and interval (METHOD 2)."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import NormalDist, fmean
from typing import Any

from hipcad_desktop.domain.anatomy import Side
from hipcad_desktop.domain.diagnosis import HipState
from hipcad_desktop.domain.metrics import Proportion, Thresholds

SCHEMA = 1
CONFIDENCE = 0.95
Z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure, its 95 % interval and how that was found; value None, with the reason, where it cannot be computed."""

    value: float | None
    low: float | None
    high: float | None
    n: int
    unit: str  # what n counts: "hips", "pairs of hips"
    method: str  # of the interval
    reason: str = ""


@dataclass(frozen=True, slots=True)
class HipScore:
    """What the model said of one hip image of a dataset, beside what the readers said. No person is named."""

    image: str
    film_code: str
    patient: str  # pseudonym
    side: Side
    fracture: bool
    pair_has_fracture: bool
    fracture_type: str
    p_fracture: float
    state: HipState


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """A threshold and what it gives: a hip counts as positive from the threshold on."""

    name: str  # "fracture" (high specificity) or "no_fracture" (high sensitivity)
    threshold: float
    true_positive: int
    false_negative: int
    false_positive: int
    true_negative: int
    accuracy: Proportion
    sensitivity: Proportion
    specificity: Proportion
    f1: Estimate


@dataclass(frozen=True, slots=True)
class NegativeGroup:
    """Whole hips of one kind: the other hip of a broken one, or hips of films without any fracture."""

    name: str  # "other_hip" or "no_fracture_film"
    n: int
    specificity: Mapping[str, Proportion]  # by operating point
    auc: Estimate  # all broken hips against these


@dataclass(frozen=True, slots=True)
class TypeFigures:
    """Broken hips of one type; "" where no reader gave one."""

    fracture_type: str
    n: int
    sensitivity: Mapping[str, Proportion]  # by operating point


@dataclass(frozen=True, slots=True)
class RocCurve:
    """The receiver operating characteristic; empty where a class is missing."""

    false_positive_rate: tuple[float, ...] = ()
    true_positive_rate: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class HalvingFigures:
    """All figures of the hips made by one halving. "midline" is how diagnosis halves: the program's accuracy."""

    halving: str
    hips: int
    fracture: int
    no_fracture: int
    films: int
    patients: int
    auc: Estimate
    auc_same_film: Estimate  # how often the broken hip scores above the other hip of its own film
    points: tuple[OperatingPoint, ...]
    states: Mapping[str, Mapping[str, int]]  # "fracture" / "no_fracture" -> state -> hips
    negatives: tuple[NegativeGroup, ...]
    types: tuple[TypeFigures, ...]
    roc: RocCurve


@dataclass(frozen=True, slots=True)
class Caution:
    """Something a reader of the report has to know before believing its figures."""

    code: str
    sentence: str
    loud: bool = False


@dataclass(frozen=True, slots=True)
class Evaluation:
    """report.json: one model package on one partition of one dataset."""

    schema: int
    created_utc: str
    program_version: str
    model: Mapping[str, Any]  # name, sha256, backbone, recipe
    dataset: Mapping[str, Any]  # name, hips_sha256, whether the model was trained on it
    partition: str
    thresholds: Thresholds
    thresholds_from: Mapping[str, Any]
    halvings: tuple[HalvingFigures, ...]  # "midline" first
    cautions: tuple[Caution, ...]
    notice: str

    def of(self, halving: str) -> HalvingFigures:
        """The figures of one halving. Raises KeyError where the dataset has no hips made by it."""
        for figures in self.halvings:
            if figures.halving == halving:
                return figures
        raise KeyError(halving)

    def to_json(self) -> dict[str, Any]:
        """A JSON object; each Proportion also carries its value."""
        values: dict[str, Any] = _with_values(asdict(self))
        return values


def _with_values(node: Any) -> Any:
    match node:
        case {"hits": hits, "n": n, "low": _, "high": _}:
            return {"value": hits / n if n else None, **node}
        case dict():
            return {key: _with_values(value) for key, value in node.items()}
        case list() | tuple():
            return [_with_values(value) for value in node]
        case _:
            return node


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
    low, high = _score_interval(auc, len(broken), len(whole))
    return low, high, "Newcombe score"


def delong_variance(broken: Sequence[float], whole: Sequence[float]) -> float:
    """The variance of the AUC after DeLong; each class has at least two hips."""
    ranked_whole, ranked_broken = sorted(whole), sorted(broken)
    of_broken = [_placement(p, ranked_whole) for p in broken]
    of_whole = [1 - _placement(p, ranked_broken) for p in whole]
    return _variance(of_broken) / len(broken) + _variance(of_whole) / len(whole)


def _placement(p: float, ranked: Sequence[float]) -> float:
    """The share of ranked values below p, ties half."""
    return (bisect_left(ranked, p) + bisect_right(ranked, p)) / (2 * len(ranked))


def _variance(values: Sequence[float]) -> float:
    mean = fmean(values)
    return math.fsum((v - mean) ** 2 for v in values) / (len(values) - 1)


def _score_interval(auc: float, broken: int, whole: int) -> tuple[float, float]:
    """All areas whose own standard error, times Z, reaches the observed one."""
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
