"""Values of a report, and how a network's two thresholds are chosen on validation (METHOD 3.8)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

CONFIDENCE = 0.95
Z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)


@dataclass(frozen=True, slots=True)
class Proportion:
    """A share with its count and 95 % interval."""

    hits: int
    n: int
    low: float
    high: float

    @property
    def value(self) -> float | None:
        """hits / n; None where n is 0."""
        return self.hits / self.n if self.n else None


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
class Thresholds:
    """Below `no_fracture` a hip is "no fracture", from `fracture` on "fracture", between them "doubt"."""

    no_fracture: float
    fracture: float

    def __post_init__(self) -> None:
        if not 0 <= self.no_fracture <= self.fracture <= 1:
            raise ValueError("0 <= no_fracture <= fracture <= 1")


def with_values(node: Any) -> Any:
    """A JSON object in which each Proportion also carries its value."""
    match node:
        case {"hits": hits, "n": n, "low": _, "high": _}:
            return {"value": hits / n if n else None, **node}
        case dict():
            return {key: with_values(value) for key, value in node.items()}
        case list() | tuple():
            return [with_values(value) for value in node]
        case _:
            return node


def at_prevalence(p: float, *, trained: float, wanted: float) -> float:
    """A probability that holds where `trained` of the hips are broken, as it stands where `wanted` of them are.

    Bayes' rule with the likelihood ratio kept: the odds are multiplied by those of wanted over those of trained
    (Saerens, Latinne and Decaestecker, Neural Computation 2002;14:21). 0 and 1 stay. Raises ValueError outside
    0 < share < 1.
    """
    if not (0 <= p <= 1 and 0 < trained < 1 and 0 < wanted < 1):
        raise ValueError(f"no probability or no shares: {p}, {trained}, {wanted}")
    broken, whole = p * wanted * (1 - trained), (1 - p) * (1 - wanted) * trained
    return broken / (broken + whole)


def choose_thresholds(
    p_fracture: Sequence[float], fracture: Sequence[bool], *, sensitivity_target: float, specificity_target: float
) -> Thresholds:
    """The two operating points of a validation set: high sensitivity below, high specificity above.

    The sensitive point is the largest threshold that at least sensitivity_target of the broken hips reach; the specific
    point the smallest that at least specificity_target of the whole hips stay below. Where the classes are so far apart
    that the specific point lies lower, the two change places: what lies between was never seen, so it is doubt.
    Raises ValueError where a class is missing.
    """
    broken = sorted((p for p, f in zip(p_fracture, fracture, strict=True) if f), reverse=True)
    whole = sorted(p for p, f in zip(p_fracture, fracture, strict=True) if not f)
    if not broken or not whole:
        raise ValueError("thresholds need hips of both classes")
    needed = _ceil_share(len(broken), sensitivity_target)
    sensitive = broken[needed - 1]
    kept = _ceil_share(len(whole), specificity_target)
    above = [p for p in whole[kept:] if p > whole[kept - 1]] + [p for p in broken if p > whole[kept - 1]]
    specific = min(above, default=1.0)
    return Thresholds(min(sensitive, specific), max(sensitive, specific))


def _ceil_share(n: int, share: float) -> int:
    exact = n * share
    whole = int(exact)
    return max(1, whole if exact - whole < 1e-9 else whole + 1)
