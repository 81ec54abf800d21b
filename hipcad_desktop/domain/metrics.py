"""Values of a report, and how a network's two thresholds are chosen on validation (METHOD 3.8)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


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
class Thresholds:
    """Below `no_fracture` a hip is "no fracture", from `fracture` on "fracture", between them "doubt"."""

    no_fracture: float
    fracture: float

    def __post_init__(self) -> None:
        if not 0 <= self.no_fracture <= self.fracture <= 1:
            raise ValueError("0 <= no_fracture <= fracture <= 1")


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
