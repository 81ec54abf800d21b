"""The verb that holds two reports of the same hips against each other."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hipcad_desktop.app.terminal import TerminalWatch, say
from hipcad_desktop.domain.model_card import RESEARCH_USE

if TYPE_CHECKING:
    from hipcad_desktop.domain.comparison import Comparison, PairedProportion
    from hipcad_desktop.domain.metrics import Estimate, Proportion


def _compare(options: argparse.Namespace) -> int:
    from hipcad_desktop.workflows.compare_models import compare_models

    summary = compare_models(
        options.report_a,
        options.report_b,
        options.to,
        threshold_a=options.threshold_a,
        threshold_b=options.threshold_b,
        watch=TerminalWatch(),
    )
    for line in _lines(summary.comparison):
        say(line)
    say(f"Comparison: {summary.compare_html}")
    say(RESEARCH_USE)
    return 0


def _lines(comparison: Comparison) -> Iterator[str]:
    for name, side in (("A", comparison.a), ("B", comparison.b)):
        yield f"{name}: {side.model.get('name')} ({side.report})"
    for halving in comparison.halvings:
        yield (
            f"{halving.halving} halving, {comparison.partition} partition: {halving.hips} hips "
            f"({halving.fracture} with fracture) of {halving.patients} patients"
        )
        auc = halving.auc
        yield f"  AUC  A {_value(auc.a)}, B {_value(auc.b)}"
        yield f"       B minus A, paired DeLong: {_estimate(auc.difference)}, {_p(auc.p_value)}"
        yield f"       the same by patient, bootstrap: {_estimate(auc.by_patient)}"
        for point in halving.points:
            name = point.name.replace("_", " ")
            yield f'  at "{name}" (A from {point.threshold_a:.3f}, B from {point.threshold_b:.3f})'
            for share in (point.sensitivity, point.specificity):
                yield from _share_lines(share)
    for caution in comparison.cautions:
        yield f"! {caution.sentence}"


def _share_lines(share: PairedProportion) -> Iterator[str]:
    yield f"    {share.name}  A {_hits(share.a)}, B {_hits(share.b)}"
    yield (
        f"      only A right {share.only_a_right}, only B right {share.only_b_right}; B minus A, Newcombe: "
        f"{_estimate(share.difference)}, {share.test} {_p(share.p_value)}"
    )
    yield f"      the same by patient, bootstrap: {_estimate(share.by_patient)}"


def _hits(share: Proportion) -> str:
    if share.value is None:
        return "not computed"
    return f"{share.value:.1%} ({share.low:.1%} to {share.high:.1%}; {share.hits} of {share.n})"


def _value(figure: Estimate) -> str:
    if figure.value is None or figure.low is None or figure.high is None:
        return "not computed" if figure.value is None else f"{figure.value:.3f}"
    return f"{figure.value:.3f} ({figure.low:.3f} to {figure.high:.3f})"


def _estimate(figure: Estimate) -> str:
    if figure.value is None:
        return f"not computed: {figure.reason}"
    if figure.low is None or figure.high is None:
        return f"{figure.value:+.3f} (no interval: {figure.reason})"
    return f"{figure.value:+.3f} (95 % interval {figure.low:+.3f} to {figure.high:+.3f})"


def _p(p_value: float | None) -> str:
    if p_value is None:
        return "p not computed"
    return "p < 0.001" if p_value < 0.001 else f"p = {p_value:.3f}"


def add_verbs(verbs: Any) -> None:
    """Tell the parser of this verb."""
    compare = verbs.add_parser("compare", help="two models, or two thresholds, on the same hips")
    compare.add_argument("report_a", type=Path, metavar="REPORT_A", help="a folder that `hipcad evaluate` wrote")
    compare.add_argument("report_b", type=Path, metavar="REPORT_B", help="the same again: its own two thresholds")
    compare.add_argument("--to", type=Path, required=True, metavar="DIR")
    compare.add_argument("--threshold-a", type=float, metavar="P", help="instead of the thresholds of A's model")
    compare.add_argument("--threshold-b", type=float, metavar="P", help="instead of the thresholds of B's model")


VERBS: Mapping[str, Callable[[argparse.Namespace], int]] = {"compare": _compare}
