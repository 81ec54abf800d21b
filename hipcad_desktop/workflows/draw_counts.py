"""The bars and rows of a report: probabilities, states, subgroups, heat maps against chance, differences."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from hipcad_desktop.domain.coverage import Coverage
from hipcad_desktop.domain.diagnosis import HipState
from hipcad_desktop.domain.evaluation import HalvingFigures, HipScore
from hipcad_desktop.domain.metrics import Estimate, Proportion, Thresholds
from hipcad_desktop.domain.subgroups import NEGATIVES, TYPE, TYPE_GROUP, Subgroup
from hipcad_desktop.workflows.chart_style import (
    BROKEN,
    DOUBT,
    FAINT,
    INK,
    STATE_COLOURS,
    WHOLE,
    finished,
    new_figure,
    styled,
)
from hipcad_desktop.workflows.document import Chart

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_ROW_IN = 0.235
_LONGEST_NAME = 34


def draw_scores(scores: Sequence[HipScore], thresholds: Thresholds) -> Chart:
    """How the probabilities of broken (above) and whole hips (below the line) are spread, with both thresholds."""
    import numpy as np
    from matplotlib.ticker import MaxNLocator

    edges = np.linspace(0, 1, 26)
    with styled():
        figure, (axes,) = new_figure(4.7, 4.5)
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
        caption = (
            f"Probabilities of {n} hips with fracture (above) and {len(scores) - n} without (below). The shaded band "
            "between the two thresholds is doubt."
        )
        return finished(figure, alt="Histogram of the probabilities of both classes", caption=caption)


def draw_states(figures: HalvingFigures) -> Chart:
    """What was said of broken and of whole hips: one bar each, the three states one after the other."""
    rows = (("with fracture", "fracture"), ("without fracture", "no_fracture"))
    with styled():
        figure, (axes,) = new_figure(9.6, 1.75)
        for y, (_, key) in enumerate(rows):
            counts, start = figures.states[key], 0.0
            n = sum(counts.values())
            for state in HipState if n else ():
                share = counts[state.value] / n
                axes.barh(y, share, left=start, height=0.62, color=STATE_COLOURS[state], ec="white", lw=1.2)
                if share > 0.03:
                    ink = INK if state is HipState.DOUBT else "white"
                    axes.text(start + share / 2, y, str(counts[state.value]), color=ink, ha="center", va="center")
                start += share
            if not n:
                axes.text(0.01, y, "none in this partition", va="center", color="#5d6770")
        axes.set_yticks(range(2), [f"{words}\nn = {sum(figures.states[key].values())}" for words, key in rows])
        axes.set(xlim=(0, 1), ylim=(1.5, -0.5))
        axes.xaxis.set_visible(False)
        axes.tick_params(length=0)
        for spine in axes.spines.values():
            spine.set_visible(False)
        handles = [axes.barh(0, 0, color=STATE_COLOURS[s], label=s.words) for s in HipState]
        axes.legend(handles=handles, title=None, ncols=3, loc="upper left", bbox_to_anchor=(0, 1.32), frameon=False)
        caption = "What the program said of each hip, in hips. Doubt asks for CT or MRI."
        return finished(figure, alt="What was said of hips with and without fracture", caption=caption)


def draw_subgroups(groups: Sequence[Subgroup], whole: HalvingFigures, *, begin: float, caption: str) -> Chart:
    """A forest plot: AUC, sensitivity and specificity of each part with intervals, all hips as the dashed line.

    begin is where the axes begin.
    """
    names = {point.name: point for point in whole.points}
    overall = (
        whole.auc.value,
        names["no_fracture"].sensitivity.value,
        names["fracture"].specificity.value,
    )
    titles = ("AUC", "sensitivity,\nno-fracture threshold", "specificity,\nfracture threshold")
    labels, places, heads = _rows(groups)
    with styled():
        height = 0.95 + _ROW_IN * (places[-1] + 1)
        figure, columns = new_figure(9.6, height, 3, sharey=True)
        for axes, title, line in zip(columns, titles, overall, strict=True):
            axes.set_title(title, fontsize=9.5)
            axes.set(xlim=(begin - 0.02 * (1 - begin), 1 + 0.02 * (1 - begin)), ylim=(places[-1] + 0.7, -0.7))
            axes.set_xticks([begin, (1 + begin) / 2, 1], [f"{v:.2f}" for v in (begin, (1 + begin) / 2, 1)])
            axes.grid(axis="x", color="#eceff1", lw=0.7)
            axes.set_axisbelow(True)
            if line is not None:
                axes.axvline(line, color=FAINT, lw=1, ls=(0, (4, 3)))
            axes.tick_params(axis="y", length=0)
            axes.spines["left"].set_visible(False)
        for group, y in zip(groups, places, strict=True):
            _row(columns[0], y, group.auc, INK)
            if group.kind != NEGATIVES:
                _row(columns[1], y, group.sensitivity["no_fracture"], WHOLE)
            if group.kind not in (TYPE, TYPE_GROUP):
                _row(columns[2], y, group.specificity["fracture"], BROKEN)
        columns[0].set_yticks([*places, *(y for _, y in heads)], [*labels, *(head for head, _ in heads)])
        ticks = columns[0].get_yticklabels()
        for tick in ticks[len(places) :]:
            tick.set_fontweight("bold")
        return finished(figure, alt="Figures of the subgroups with 95 % intervals", caption=caption)


def draw_coverage(coverage: Coverage) -> Chart:
    """Heat maps against the readers' rectangles: three figures with intervals, each beside what chance would give."""
    rows: tuple[tuple[str, Proportion | Estimate, float | None], ...] = (
        ("hottest point in the rectangle", coverage.pointing, coverage.pointing_by_chance),
        ("share of the heat inside", coverage.heat_inside, coverage.inside_by_chance),
        (f"IoU, heat above {coverage.iou_threshold:.2f} of its peak", coverage.iou, None),
    )
    with styled():
        figure, (axes,) = new_figure(7.6, 1.95)
        axes.set(xlim=(-0.02, 1.02), ylim=(2.6, -0.6))
        axes.grid(axis="x", color="#eceff1", lw=0.7)
        axes.set_axisbelow(True)
        for y, (_, value, chance) in enumerate(rows):
            _row(axes, y, value, INK)
            if chance is not None:
                axes.plot(
                    [chance, chance], [y - 0.3, y + 0.3], color=DOUBT, lw=2.2, label="by chance" if y == 0 else None
                )
        axes.set_yticks(range(3), [name for name, _, _ in rows])
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.legend(loc="lower right", frameon=False, fontsize=8.5)
        caption = f"Heat maps of {coverage.n} correctly found fractures against the readers' rectangles."
        return finished(figure, alt="Heat maps against rectangles and chance", caption=caption)


def draw_differences(rows: Sequence[tuple[str, Estimate]], caption: str) -> Chart:
    """B minus A with intervals; the line is no difference."""
    with styled():
        figure, (axes,) = new_figure(7.6, 0.9 + 0.36 * len(rows))
        axes.axvline(0, color=FAINT, lw=1, ls=(0, (4, 3)))
        axes.grid(axis="x", color="#eceff1", lw=0.7)
        axes.set_axisbelow(True)
        reach = 0.05
        for y, (_, value) in enumerate(rows):
            _row(axes, y, value, INK)
            reach = max(reach, *(abs(v) * 1.1 for v in (value.value, value.low, value.high) if v is not None), 0.05)
        axes.set(xlim=(-reach, reach), ylim=(len(rows) - 0.4, -0.6), xlabel="A better     B minus A     B better")
        axes.set_yticks(range(len(rows)), [name for name, _ in rows])
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        return finished(figure, alt="Differences between both with 95 % intervals", caption=caption)


def forest_begin(groups: Sequence[Subgroup]) -> float:
    """Where a forest plot's axes begin so that every interval is seen: a tenth, 0.8 at most."""
    lows = [
        value.low
        for g in groups
        for value in (g.auc, g.sensitivity["no_fracture"], g.specificity["fracture"])
        if value.value is not None and value.low is not None
    ]
    return min([0.8, *(math.floor(10 * low) / 10 for low in lows)])


def _rows(groups: Sequence[Subgroup]) -> tuple[list[str], list[float], list[tuple[str, float]]]:
    """Words and places of the rows, and the heads of their kinds."""
    labels: list[str] = []
    places: list[float] = []
    heads: list[tuple[str, float]] = []
    y, kind = -1.0, ""
    for group in groups:
        if group.kind != kind:
            kind = group.kind
            y += 1.25 if heads else 1
            heads.append((kind, y))
        y += 1
        name = group.name if len(group.name) <= _LONGEST_NAME else group.name[: _LONGEST_NAME - 1] + "…"
        of_broken_only = group.kind in (TYPE, TYPE_GROUP)
        counts = f"{group.fracture}" if of_broken_only else f"{group.fracture} / {group.no_fracture}"
        labels.append(f"{name}  ({counts})")
        places.append(y)
    return labels, places, heads


def _row(axes: Axes, y: float, value: Estimate | Proportion, colour: str) -> None:
    if value.value is None:
        axes.text(
            0.5,
            y,
            "not computed",
            transform=axes.get_yaxis_transform(),
            ha="center",
            va="center",
            color=FAINT,
            fontsize=7.5,
        )
        return
    if value.low is not None and value.high is not None:
        axes.plot([value.low, value.high], [y, y], color=colour, lw=1.6, solid_capstyle="butt")
    axes.plot(value.value, y, "o", color=colour, ms=5.5, mec="white", mew=0.7)
