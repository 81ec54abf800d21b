"""The curves of a report: ROC, precision and recall, reliability; each says its n."""

from __future__ import annotations

from collections.abc import Sequence

from hipcad_desktop.domain.evaluation import Calibration, HalvingFigures, RocCurve
from hipcad_desktop.workflows.chart_style import (
    BROKEN,
    FAINT,
    GRID,
    INK,
    POINT_MARKS,
    WHOLE,
    finished,
    new_figure,
    styled,
    unit_square,
)
from hipcad_desktop.workflows.document import Chart
from hipcad_desktop.workflows.figure_words import POINT_WORDS, estimate

_SIZE = (4.7, 4.5)


def draw_roc(main: HalvingFigures, beside: HalvingFigures | None) -> Chart:
    """The ROC of one halving, both operating points with intervals, another halving's curve faint behind it."""
    with styled():
        figure, (axes,) = new_figure(*_SIZE)
        axes.plot([0, 1], [0, 1], color=GRID, lw=0.8, ls=(0, (4, 3)))
        if beside is not None and beside.roc.true_positive_rate:
            curve = beside.roc
            label = f"{beside.halving} halving"
            axes.plot(curve.false_positive_rate, curve.true_positive_rate, color=FAINT, lw=1.1, label=label)
        fpr, tpr = main.roc.false_positive_rate, main.roc.true_positive_rate
        axes.plot(fpr, tpr, color=INK, lw=1.8, label=f"{main.halving} halving", solid_joinstyle="miter")
        for point in main.points:
            sensitivity, specificity = point.sensitivity, point.specificity
            if sensitivity.value is None or specificity.value is None:
                continue
            colour, mark = POINT_MARKS[point.name]
            x, y = 1 - specificity.value, sensitivity.value
            axes.plot([1 - specificity.high, 1 - specificity.low], [y, y], color=colour, lw=1, alpha=0.75)
            axes.plot([x, x], [sensitivity.low, sensitivity.high], color=colour, lw=1, alpha=0.75)
            words = f"{POINT_WORDS[point.name]}, p = {point.threshold:.3f}"
            axes.plot(x, y, mark, color=colour, ms=8, mec="white", mew=1.2, label=words)
        unit_square(axes, xlabel="1 - specificity (whole hips called broken)", ylabel="sensitivity (broken hips found)")
        axes.legend(loc="lower right", frameon=False, fontsize=8.5, handlelength=1.4)
        caption = (
            f"ROC curve, n = {main.fracture} hips with and {main.no_fracture} without fracture. AUC "
            f"{estimate(main.auc)}; interval: {main.auc.method}. Crosses are the 95 % intervals at the two thresholds."
        )
        return finished(figure, alt="Receiver operating characteristic with both operating points", caption=caption)


def draw_precision_recall(main: HalvingFigures) -> Chart:
    """Precision against recall with both operating points; chance is the share of broken hips."""
    with styled():
        figure, (axes,) = new_figure(*_SIZE)
        chance = main.fracture / main.hips
        axes.axhline(chance, color=GRID, lw=0.9, ls=(0, (4, 3)))
        axes.text(0.99, chance + 0.015, "chance", color=FAINT, fontsize=8.5, ha="right")
        axes.step(main.pr.recall, main.pr.precision, where="post", color=INK, lw=1.8)
        for point in main.points:
            called = point.true_positive + point.false_positive
            if not called or point.sensitivity.value is None:
                continue
            colour, mark = POINT_MARKS[point.name]
            words = f"{POINT_WORDS[point.name]}, p = {point.threshold:.3f}"
            y = point.true_positive / called
            axes.plot(point.sensitivity.value, y, mark, color=colour, ms=8, mec="white", mew=1.2, label=words)
        unit_square(axes, xlabel="recall = sensitivity (broken hips found)", ylabel="precision (called broken, and is)")
        axes.legend(loc="lower left", frameon=False, fontsize=8.5, handlelength=1.4)
        caption = (
            f"Precision and recall at this partition's share of broken hips ({main.fracture} of {main.hips} hips). "
            f"Average precision {estimate(main.average_precision)}; interval: {main.average_precision.method}."
        )
        return finished(figure, alt="Precision against recall with both operating points", caption=caption)


def draw_reliability(calibration: Calibration, hips: int) -> Chart:
    """What was said against what was so, with intervals; below, how many hips lie in each bin."""
    with styled():
        figure, (axes,) = new_figure(*_SIZE)
        axes.plot([0, 1], [0, 1], color=GRID, lw=0.9, ls=(0, (4, 3)))
        most = max((b.observed.n for b in calibration.bins), default=1)
        for b in calibration.bins:
            share = 0.12 * b.observed.n / most
            axes.bar((b.low + b.high) / 2, share, width=0.9 * (b.high - b.low), color=FAINT, alpha=0.35, lw=0)
        shown = [b for b in calibration.bins if b.observed.value is not None]
        x, y = [b.mean_p for b in shown], [b.observed.value or 0.0 for b in shown]
        axes.vlines(x, [b.observed.low for b in shown], [b.observed.high for b in shown], color=INK, lw=1.1)
        axes.plot(x, y, "o-", color=INK, lw=1.0, ms=5.5, mec="white", mew=0.8)
        for b in calibration.bins:
            axes.text((b.low + b.high) / 2, 1.05, str(b.observed.n), fontsize=7.5, color="#5d6770", ha="center")
        axes.text(-0.03, 1.05, "n", fontsize=7.5, color="#5d6770", ha="right")
        unit_square(axes, xlabel="p (fracture), as said", ylabel="share of hips that are broken")
        caption = (
            f"Reliability, n = {hips} hips: how many of the hips that were given a probability are broken, with 95 % "
            "intervals. Dashed: perfect. Above and as grey bars: how many hips."
        )
        return finished(figure, alt="Reliability curve", caption=caption)


def draw_two_rocs(names: Sequence[str], curves: Sequence[RocCurve], caption: str) -> Chart:
    """Two models' ROC curves on the same hips."""
    with styled():
        figure, (axes,) = new_figure(5.2, 5.0)
        axes.plot([0, 1], [0, 1], color=GRID, lw=0.8, ls=(0, (4, 3)))
        for name, curve, colour, dash in zip(names, curves, (WHOLE, BROKEN), ("-", (0, (5, 1.5))), strict=True):
            axes.plot(curve.false_positive_rate, curve.true_positive_rate, color=colour, lw=1.8, ls=dash, label=name)
        unit_square(axes, xlabel="1 - specificity (whole hips called broken)", ylabel="sensitivity (broken hips found)")
        axes.legend(loc="lower right", frameon=False, fontsize=8.5)
        return finished(figure, alt="Receiver operating characteristics of both", caption=caption)
