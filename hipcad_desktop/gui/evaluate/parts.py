"""How the pages of an evaluation show figures: large in a tile, or many in a grid."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel, QVBoxLayout, QWidget

from hipcad_desktop.domain.metrics import Estimate, Proportion
from hipcad_desktop.gui.evaluate.words import count_words, interval_words, value_words
from hipcad_desktop.gui.widgets.pieces import clear, muted

Cell = Estimate | Proportion | str | None


class Tile(QFrame):
    """One figure, large, with its interval and what it is of."""

    def __init__(self, name: str, tip: str = "") -> None:
        super().__init__()
        self.setProperty("look", "card")
        self.setToolTip(tip)
        self._value, self._interval, self._count = QLabel(), muted(), muted()
        self._value.setProperty("look", "title")
        name_label = QLabel(name)
        name_label.setProperty("look", "section")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(14, 10, 14, 10)
        layout.setSpacing(1)
        for label in (name_label, self._value, self._interval, self._count):
            layout.addWidget(label)
        layout.addStretch(1)

    def show_figure(self, figure: Estimate | Proportion | None, *, beside: str = "") -> None:
        """Show it; `beside` instead of its count."""
        self._value.setText(value_words(figure))
        interval = interval_words(figure)
        self._interval.setText(f"95 %: {interval}" if interval else "")
        self._interval.setVisible(bool(interval))
        self._count.setText(beside or count_words(figure))


class FigureGrid(QWidget):
    """A table of figures: each cell has the value, and its interval and count below it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 2, 0, 0)
        self._grid.setHorizontalSpacing(22)
        self._grid.setVerticalSpacing(9)

    def show_figures(self, heads: Sequence[str], rows: Sequence[tuple[str, Sequence[Cell]]]) -> None:
        """Column heads (the first column names the rows) and rows."""
        clear(self._grid)
        for x, head in enumerate(heads):
            self._grid.addWidget(muted(head), 0, x + 1, Qt.AlignmentFlag.AlignTop)
        for y, (name, cells) in enumerate(rows, 1):
            self._grid.addWidget(QLabel(name), y, 0, Qt.AlignmentFlag.AlignTop)
            for x, cell in enumerate(cells, 1):
                self._grid.addWidget(_cell(cell), y, x, Qt.AlignmentFlag.AlignTop)
        for x in range(1, len(heads) + 1):
            self._grid.setColumnStretch(x, 1)


def _cell(cell: Cell) -> QWidget:
    if isinstance(cell, str):
        return QLabel(cell)
    holder = QWidget()
    column = QVBoxLayout(holder)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(0)
    value = QLabel(value_words(cell))
    value.setProperty("look", "heading")
    value.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    column.addWidget(value)
    column.addWidget(muted("  ·  ".join(w for w in (interval_words(cell), count_words(cell)) if w)))
    return holder
