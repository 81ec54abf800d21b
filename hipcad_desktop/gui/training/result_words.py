"""A run's end in words: why it failed, or its figures with the number of hips behind them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.jobs import Failed
from hipcad_desktop.domain.messages import sentence


def failure_words(failure: Failed) -> str:
    """The sentence of a failure. A bug has none: it gets its last line, the whole lies in the log."""
    try:
        code = ErrorCode(failure.code)
    except ValueError:
        trace = str(failure.facts.get("traceback", "")).strip().splitlines()
        return f"This is a bug in HipCAD ({trace[-1] if trace else failure.code}). The log holds the details."
    return sentence(UserError(code, **failure.facts))


def figure_lines(summary: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Label and words for each line of a finished training, from its RunSummary as JSON."""
    lines = [("Model", str(summary["model"]))] if summary.get("model") else []
    found = summary.get("figures")
    figures: Mapping[str, Any] = found if isinstance(found, Mapping) else {}
    if _is_number(figures.get("auc")):
        lines.append(("AUC", f"{figures['auc']:.3f}"))
    for name, label, figure in (
        ("no_fracture", "“No fracture” below", "sensitivity"),
        ("fracture", "“Fracture” from", "specificity"),
    ):
        point = figures.get(f"at_{name}_threshold")
        if isinstance(point, Mapping) and _is_number(point.get("threshold")):
            lines.append((label, f"{point['threshold']:.3f}, {figure} {proportion_words(point.get(figure))}"))
    fracture, whole = figures.get("n_fracture"), figures.get("n_no_fracture")
    if _is_number(fracture) and _is_number(whole):
        lines.append(
            ("Measured on", f"{fracture} hips with and {whole} without a fracture, of the validation partition")
        )
    lines.append(("Mind", "the same hips chose the thresholds, so this is no test: evaluate on the test partition"))
    return lines


def proportion_words(value: object) -> str:
    """{"hits": 25, "n": 30, "low": ..., "high": ...} as "0.83 (25 of 30; 95 % interval 0.66 to 0.93)"."""
    if not isinstance(value, Mapping) or not value.get("n"):
        return "unknown"
    words = f"{value['hits'] / value['n']:.2f} ({value['hits']} of {value['n']}"
    if _is_number(value.get("low")) and _is_number(value.get("high")):
        words += f"; 95 % interval {value['low']:.2f} to {value['high']:.2f}"
    return words + ")"


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
