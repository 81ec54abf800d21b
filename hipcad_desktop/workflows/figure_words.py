"""Figures in words: never a bare percentage, always interval and n (METHOD 2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hipcad_desktop.domain.metrics import Estimate, Proportion

POINT_WORDS = {"no_fracture": "no-fracture threshold", "fracture": "fracture threshold"}
HALVING_WORDS = {
    "midline": "diagnosis halving (midline)",
    "paper": "paper's halving (50 px from the rectangle)",
    "hip": "diagnosis halving (a square about each hip)",
    "diagnosis": "each as its own diagnosis halves",
}


def share(proportion: Proportion) -> str:
    """A proportion in words: per cent, 95 % interval, hits of n."""
    if proportion.value is None:
        return "not computed (0 of 0)"
    return f"{share_value(proportion)} {share_interval(proportion)}"


def share_value(proportion: Proportion) -> str:
    """Its value alone, for a figure whose interval stands right below."""
    return "not computed" if proportion.value is None else f"{100 * proportion.value:.1f} %"


def share_interval(proportion: Proportion) -> str:
    """Its interval and n alone."""
    if proportion.value is None:
        return "(0 of 0)"
    return f"({100 * proportion.low:.1f} to {100 * proportion.high:.1f}), {proportion.hits} of {proportion.n}"


def estimate(figure: Estimate, digits: int = 3) -> str:
    """An estimate in words: value, 95 % interval, n; or the reason why there is none."""
    if figure.value is None:
        return f"not computed: {figure.reason}"
    return f"{estimate_value(figure, digits)} {estimate_interval(figure, digits)}"


def estimate_value(figure: Estimate, digits: int = 3) -> str:
    """Its value alone, for a figure whose interval stands right below."""
    return "not computed" if figure.value is None else f"{figure.value:.{digits}f}"


def estimate_interval(figure: Estimate, digits: int = 3) -> str:
    """Its interval and n alone, or why there is none."""
    if figure.value is None:
        return figure.reason
    n = f"n = {figure.n} {figure.unit}"
    if figure.low is None or figure.high is None:
        return f"(no interval: {figure.reason}), {n}"
    return f"({figure.low:.{digits}f} to {figure.high:.{digits}f}), {n}"


def counted(n: int, one: str, many: str = "") -> str:
    """ "1 hip", "3 hips"."""
    return f"{n} {one if n == 1 else many or one + 's'}"


def thresholds_words(origin: Mapping[str, Any]) -> str:
    """Where a card's thresholds come from, as far as the card says it; "" where it does not."""
    if not origin:
        return ""
    words = f"chosen on the {origin.get('partition', 'unknown')} partition"
    if "n_fracture" in origin:
        words += f", {origin['n_fracture']} hips with and {origin['n_no_fracture']} without fracture"
    if "halving" in origin:
        words += f", {HALVING_WORDS.get(str(origin['halving']), origin['halving'])}"
    if "sensitivity_target" in origin:
        words += (
            f", for a sensitivity of {origin['sensitivity_target']} and a specificity of {origin['specificity_target']}"
        )
    return words


def two_lines(words: str) -> str:
    """A figure in words for a narrow column: n on a line of its own."""
    return words.replace("), ", ")\n")
