"""The curves of a run: loss, figures on validation, learning rate. Each has a colour, a dash, a marker and its name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QEvent, Qt, QTimer
from PySide6.QtGui import QColor, QFont, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from hipcad_desktop.gui import theme
from hipcad_desktop.gui.training.run_state import RunState


@dataclass(frozen=True, slots=True)
class CurveLook:
    """How one figure is drawn. colour is the name of a colour of the palette."""

    figure: str
    words: str
    colour: str
    dash: Qt.PenStyle
    marker: str


LOSSES = (
    CurveLook("train_loss", "training", "accent", Qt.PenStyle.SolidLine, "o"),
    CurveLook("validation_loss", "validation", "doubt", Qt.PenStyle.DashLine, "s"),
)
FIGURES = (
    CurveLook("auc", "AUC", "accent", Qt.PenStyle.SolidLine, "o"),
    CurveLook("sensitivity", "sensitivity", "fracture", Qt.PenStyle.DashLine, "t"),
    CurveLook("specificity", "specificity", "no_fracture", Qt.PenStyle.DotLine, "d"),
)
_NAME_PX = 17.0  # height of a curve's name
_NAMES_PX = 118.0  # room for the longest of them


class Curves(QWidget):
    """Three plots over epochs that follow a RunState. Importing pyqtgraph takes a while, so it happens in here."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        import pyqtgraph

        self._loss = _Plot(pyqtgraph, "Loss", LOSSES)
        self._figures = _Plot(pyqtgraph, "On validation (sensitivity and specificity at 0.5)", FIGURES, top=1.0)
        self._rates = _Plot(pyqtgraph, "Learning rate (thousandths)", (), high_px=130)
        self._run: RunState | None = None
        self._resized = QTimer(self)
        self._resized.setSingleShot(True)
        self._resized.timeout.connect(self._draw_again)
        self._plots = (self._loss, self._figures, self._rates)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        for plot, share in zip(self._plots, (5, 5, 4), strict=True):
            layout.addWidget(plot.widget, share)
        self._recolour()

    def show_run(self, run: RunState) -> None:
        """Draw what the run has said so far."""
        self._run = run
        epochs = max(run.epochs, run.epoch, 1)
        self._loss.draw(run.figures, epochs, [(share * epochs, loss) for share, loss in run.steps])
        self._figures.draw(run.figures, epochs, [])
        self._rates.draw([], epochs, [(share * epochs, 1000 * rate) for share, rate in run.rates])

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._resized.start(30)  # the names' room is of so many pixels

    def _draw_again(self) -> None:
        if self._run is not None:
            self.show_run(self._run)

    def changeEvent(self, event: QEvent) -> None:
        if event.type() is QEvent.Type.PaletteChange and hasattr(self, "_plots"):
            self._recolour()
        super().changeEvent(event)

    def _recolour(self) -> None:
        for plot in self._plots:
            plot.recolour()


class _Plot:
    """One pyqtgraph plot and its labelled curves."""

    def __init__(
        self, pg: Any, title: str, looks: Sequence[CurveLook], *, top: float | None = None, high_px: int = 150
    ) -> None:
        self._pg = pg
        self._title = title
        self._looks = looks
        self._top = top
        self.widget = pg.PlotWidget()
        self.widget.setMenuEnabled(False)
        self.widget.setMouseEnabled(False, False)
        self.widget.hideButtons()
        self.widget.setMinimumHeight(high_px)
        self.widget.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Ignored)  # else each wants 480 px
        self.widget.getAxis("left").setWidth(38)  # both plots begin at the same place
        self.widget.showGrid(x=False, y=True, alpha=0.12)
        self.widget.setAccessibleName(title)
        self.widget.getAxis("left").enableAutoSIPrefix(False)
        self._steps = self.widget.plot([], [])
        self._curves = {look.figure: self.widget.plot([], []) for look in looks}
        self._labels = {look.figure: pg.TextItem(anchor=(0, 0.5)) for look in looks}
        for label in self._labels.values():
            self.widget.addItem(label, ignoreBounds=True)

    def recolour(self) -> None:
        """Take the colours of the palette in force."""
        palette, pg = theme.current(), self._pg
        self.widget.setBackground(palette.surface)
        self.widget.setTitle(self._title, color=palette.text, size="10pt", justify="left")
        for axis in ("left", "bottom"):
            self.widget.getAxis(axis).setPen(palette.border)
            self.widget.getAxis(axis).setTextPen(palette.muted)
        if not self._looks:  # the lowest plot names the axis of all three
            self.widget.setLabel("bottom", "epoch", color=palette.muted)
        steps = QColor(palette.muted if self._looks else palette.accent)
        steps.setAlpha(90 if self._looks else 255)  # each step is noise behind the epochs' curves
        self._steps.setPen(pg.mkPen(steps, width=1 if self._looks else 2))
        font = QFont(self.widget.font())
        font.setPixelSize(12)
        for look in self._looks:
            colour = getattr(palette, look.colour)
            curve = self._curves[look.figure]
            curve.setPen(pg.mkPen(colour, width=2, style=look.dash))
            curve.setSymbol(look.marker)
            curve.setSymbolSize(8)
            curve.setSymbolBrush(colour)
            curve.setSymbolPen(palette.surface)
            self._labels[look.figure].setColor(colour)
            self._labels[look.figure].setFont(font)

    def draw(self, figures: Sequence[Mapping[str, Any]], epochs: int, steps: Sequence[tuple[float, float]]) -> None:
        """Draw the figures of the epochs and the loss of the steps."""
        self._steps.setData([x for x, _ in steps], [y for _, y in steps])
        ends: list[tuple[float, float, CurveLook]] = []
        highest = max((y for _, y in steps), default=0.0)
        for look in self._looks:
            known = [(f["epoch"], f[look.figure]) for f in figures if _finite(f.get(look.figure))]
            self._curves[look.figure].setData([x for x, _ in known], [y for _, y in known])
            self._labels[look.figure].setVisible(bool(known))
            highest = max([highest, *(y for _, y in known)])
            if known:
                ends.append((known[-1][0], known[-1][1], look))
        top = (self._top or max(highest, 1e-6)) * 1.06
        # Room on the right for the names of the curves, which stand where the curves end.
        names = min(_NAMES_PX / max(self.widget.plotItem.vb.width(), 1.0), 0.5)
        self.widget.setXRange(0, epochs / (1 - names), padding=0)
        self.widget.setYRange(-0.03 * top, top, padding=0)
        every = max(1, round(epochs / 8))
        ticks = [(n, str(n)) for n in range(every, epochs + 1, every)]
        self.widget.getAxis("bottom").setTicks([ticks, []])
        self._place(ends, top, epochs)

    def _place(self, ends: list[tuple[float, float, CurveLook]], top: float, epochs: int) -> None:
        """Put each curve's name at its end, pushed apart so that none covers another."""
        apart = top * _NAME_PX / max(self.widget.plotItem.vb.height(), 1.0)
        heights: list[float] = []
        for _, y, _ in sorted(ends, key=lambda end: end[1]):
            heights.append(max(y, heights[-1] + apart if heights else apart / 2))
        for i in range(len(heights) - 1, -1, -1):
            ceiling = heights[i + 1] - apart if i + 1 < len(heights) else top - apart / 2
            heights[i] = min(heights[i], ceiling)
        for height, (x, y, look) in zip(heights, sorted(ends, key=lambda end: end[1]), strict=True):
            label = self._labels[look.figure]
            label.setText(f"{look.words} {y:.2f}")
            label.setPos(x + epochs * 0.015, height)


def _finite(value: object) -> bool:
    return isinstance(value, int | float) and abs(value) < 1e9
