"""How every chart of a report looks: one style, vectors and pixels of one figure, no window, no global figure."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, cast

from hipcad_desktop.domain.diagnosis import HipState
from hipcad_desktop.workflows.document import Chart

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BROKEN, WHOLE, DOUBT, FAINT, INK, GRID = "#b4472f", "#2f6b8a", "#d3a42c", "#9aa3ab", "#22272c", "#d5dade"
STATE_COLOURS = {HipState.NO_FRACTURE: WHOLE, HipState.DOUBT: DOUBT, HipState.FRACTURE: BROKEN}
POINT_MARKS = {"no_fracture": (WHOLE, "o"), "fracture": (BROKEN, "s")}
_PIXELS_PER_INCH = 220
_STYLE = {
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same drawing on every machine
    "font.size": 9.5,
    "axes.edgecolor": "#c3c9ce",
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "svg.fonttype": "path",  # a self-contained file cannot count on the reader's fonts
    "svg.hashsalt": "hipcad",  # same values, same bytes
}


def styled() -> Any:
    """A context in which charts are drawn."""
    import matplotlib

    return matplotlib.rc_context(cast(Any, _STYLE))


def new_figure(width_in: float, height_in: float, columns: int = 1, **shared: Any) -> tuple[Figure, list[Axes]]:
    """A figure with axes beside each other."""
    # pyplot keeps figures in a global and picks a window system: neither belongs into a worker.
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width_in, height_in), layout="constrained")
    axes = figure.subplots(1, columns, squeeze=False, **shared)
    return figure, list(axes[0])


def finished(figure: Figure, *, alt: str, caption: str) -> Chart:
    """The figure as SVG on nothing and as PNG on white."""
    text, pixels = io.StringIO(), io.BytesIO()
    figure.savefig(text, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    figure.savefig(pixels, format="png", dpi=_PIXELS_PER_INCH, facecolor="white", metadata={"Software": None})
    width, height = figure.get_size_inches()
    return Chart(text.getvalue(), pixels.getvalue(), float(width), float(height), alt, caption)


def unit_square(axes: Axes, *, xlabel: str, ylabel: str) -> None:
    """Two shares against each other, 0 to 1, as a square."""
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), xlabel=xlabel, ylabel=ylabel)
    axes.set_aspect("equal")
