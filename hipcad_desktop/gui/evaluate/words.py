"""Figures in words: every one with its interval and what it counts."""

from __future__ import annotations

from hipcad_desktop.domain.agreement import Kappa
from hipcad_desktop.domain.metrics import Estimate, Proportion

POINTS = {
    "fracture": ("Calls it a fracture", "few false alarms"),
    "no_fracture": ("Does not rule it out", "few misses"),
}
HALVINGS = {
    "midline": "as diagnosis halves (midline)",
    "paper": "by the rectangle (paper)",
    "hip": "as diagnosis halves (a square about each hip)",
}
NONE = "–"


def value_words(figure: Estimate | Proportion | None) -> str:
    """The figure alone; a dash where it cannot be computed."""
    if figure is None or figure.value is None:
        return NONE
    return f"{figure.value:.3f}"


def interval_words(figure: Estimate | Proportion | None) -> str:
    """Its 95 % interval; empty where it has none."""
    if figure is None or figure.value is None or figure.low is None or figure.high is None:
        return ""
    return f"{figure.low:.3f} to {figure.high:.3f}"


def count_words(figure: Estimate | Proportion | None) -> str:
    """Of how many: "25 of 30", or "n = 74 hips"; for one that cannot be computed why."""
    if figure is None:
        return ""
    if isinstance(figure, Proportion):
        return f"{figure.hits} of {figure.n}"
    if figure.value is None and figure.reason:
        return figure.reason
    return f"n = {figure.n:,} {figure.unit}".rstrip()


def whole_words(figure: Estimate | Proportion | None) -> str:
    """Figure, interval and count in one line."""
    parts = [value_words(figure)]
    if interval := interval_words(figure):
        parts.append(f"({interval})")
    return "  ".join([*parts, count_words(figure)]).strip()


def kappa_words(kappa: Kappa) -> str:
    """Kappa with interval; where it cannot be computed why, and how often both said the same."""
    if kappa.value is not None and kappa.low is not None and kappa.high is not None:
        return f"κ {kappa.value:.2f} ({kappa.low:.2f} to {kappa.high:.2f}), n = {kappa.n}"
    same = "" if kappa.observed is None else f"; the same on {kappa.observed:.0%} of {kappa.n}"
    return f"no κ: {kappa.reason}{same}"


def point_name(name: str, threshold: float) -> str:
    """An operating point for a heading."""
    words, _ = POINTS.get(name, (name.replace("_", " ").capitalize(), ""))
    return f"{words}: from {threshold:.3f}"
