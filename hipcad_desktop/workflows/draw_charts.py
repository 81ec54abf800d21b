"""The charts of a report as SVG text: values in, vector pictures out, no window and no global figure."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from hipcad_desktop.domain.diagnosis import HipState
from hipcad_desktop.domain.evaluation import HalvingFigures, HipScore
from hipcad_desktop.domain.metrics import Thresholds

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BROKEN, WHOLE, DOUBT, FAINT, INK = "#b4472f", "#2f6b8a", "#d3a42c", "#9aa3ab", "#22272c"
_STATE_COLOURS = {HipState.NO_FRACTURE: WHOLE, HipState.DOUBT: DOUBT, HipState.FRACTURE: BROKEN}
_STATE_WORDS = {HipState.NO_FRACTURE: "no fracture", HipState.DOUBT: "doubt", HipState.FRACTURE: "fracture"}
_STYLE = {
    "font.size": 9.5,
    "axes.edgecolor": "#c3c9ce",
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "svg.fonttype": "path",  # a self-contained file cannot count on the reader's fonts
    "svg.hashsalt": "hipcad",  # same values, same bytes
}


def draw_roc(main: HalvingFigures, beside: HalvingFigures | None) -> str:
    """The ROC of one halving with both operating points, another halving's curve faint behind it."""
    with _styled():
        figure, axes = _figure(4.4, 4.2)
        axes.plot([0, 1], [0, 1], color="#d5dade", lw=0.8, ls=(0, (4, 3)))
        if beside is not None and beside.roc.true_positive_rate:
            axes.plot(
                beside.roc.false_positive_rate,
                beside.roc.true_positive_rate,
                color=FAINT,
                lw=1.1,
                label=f"{beside.halving} halving",
            )
        fpr, tpr = main.roc.false_positive_rate, main.roc.true_positive_rate
        axes.plot(fpr, tpr, color=INK, lw=1.8, label=f"{main.halving} halving", solid_joinstyle="miter")
        marks = {"no_fracture": (WHOLE, "o"), "fracture": (BROKEN, "s")}
        for point in main.points:
            sensitivity, specificity = point.sensitivity.value, point.specificity.value
            if sensitivity is None or specificity is None:
                continue
            colour, mark = marks[point.name]
            words = f"{point.name.replace('_', ' ')} threshold, p = {point.threshold:.3f}"
            axes.plot(1 - specificity, sensitivity, mark, color=colour, ms=8, mec="white", mew=1.2, label=words)
        axes.set(
            xlim=(-0.02, 1.02),
            ylim=(-0.02, 1.02),
            xlabel="1 - specificity (whole hips called broken)",
            ylabel="sensitivity (broken hips found)",
        )
        axes.set_aspect("equal")
        axes.legend(loc="lower right", frameon=False, fontsize=8.5, handlelength=1.4)
        return _svg(figure)


def draw_scores(scores: Sequence[HipScore], thresholds: Thresholds) -> str:
    """How the probabilities of broken (above) and whole hips (below the line) are spread, with both thresholds."""
    import numpy as np
    from matplotlib.ticker import MaxNLocator

    edges = np.linspace(0, 1, 26)
    with _styled():
        figure, axes = _figure(5.4, 4.2)
        most = 1
        for fracture, colour, sign in ((True, BROKEN, 1), (False, WHOLE, -1)):
            counts, _ = np.histogram([s.p_fracture for s in scores if s.fracture is fracture], edges)
            most = max(most, int(counts.max()))
            axes.bar(edges[:-1], sign * counts, width=1 / 25, align="edge", color=colour, ec="white", lw=0.5)
        axes.axhline(0, color=INK, lw=0.8)
        axes.axvspan(thresholds.no_fracture, thresholds.fracture, color=DOUBT, alpha=0.16, lw=0)
        for threshold in (thresholds.no_fracture, thresholds.fracture):
            axes.axvline(threshold, color=DOUBT, lw=1.2)
        axes.set(xlim=(0, 1), ylim=(-1.2 * most, 1.2 * most), xlabel="p (fracture)", ylabel="hips")
        axes.yaxis.set_major_locator(MaxNLocator(integer=True))
        axes.yaxis.set_major_formatter(lambda value, _: f"{abs(value):.0f}")
        n = sum(s.fracture for s in scores)
        axes.text(0.02, 0.97, f"with fracture, n = {n}", transform=axes.transAxes, color=BROKEN, va="top")
        axes.text(0.02, 0.03, f"without, n = {len(scores) - n}", transform=axes.transAxes, color=WHOLE)
        return _svg(figure)


def draw_states(figures: HalvingFigures) -> str:
    """What was said of broken and of whole hips: one bar each, the three states one after the other."""
    rows = (("with fracture", "fracture"), ("without fracture", "no_fracture"))
    with _styled():
        figure, axes = _figure(9.6, 1.75)
        for y, (_, key) in enumerate(rows):
            counts, start = figures.states[key], 0.0
            n = sum(counts.values())
            for state in HipState if n else ():
                share = counts[state.value] / n
                axes.barh(y, share, left=start, height=0.62, color=_STATE_COLOURS[state], ec="white", lw=1.2)
                if share > 0.03:
                    ink = INK if state is HipState.DOUBT else "white"
                    axes.text(start + share / 2, y, str(counts[state.value]), color=ink, ha="center", va="center")
                start += share
            if not n:
                axes.text(0.01, y, "none in this partition", va="center", color=FAINT)
        axes.set_yticks(range(2), [f"{words}\nn = {sum(figures.states[key].values())}" for words, key in rows])
        axes.set(xlim=(0, 1), ylim=(1.5, -0.5))
        axes.xaxis.set_visible(False)
        axes.tick_params(length=0)
        for spine in axes.spines.values():
            spine.set_visible(False)
        handles = [axes.barh(0, 0, color=_STATE_COLOURS[s], label=_STATE_WORDS[s]) for s in HipState]
        axes.legend(handles=handles, title=None, ncols=3, loc="upper left", bbox_to_anchor=(0, 1.32), frameon=False)
        return _svg(figure)


def _figure(width: float, height: float) -> tuple[Figure, Axes]:
    # pyplot keeps figures in a global and picks a window system: neither belongs into a worker.
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.add_subplot()


def _styled() -> Any:
    import matplotlib

    return matplotlib.rc_context(cast(Any, _STYLE))


def _svg(figure: Figure) -> str:
    text = io.StringIO()
    figure.savefig(text, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return text.getvalue()
