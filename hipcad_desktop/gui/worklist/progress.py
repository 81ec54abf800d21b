"""How far each reader is, as counts: nothing that another reader said is in it, so it is shown while blinded too."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtWidgets import QGridLayout, QLabel, QProgressBar, QVBoxLayout, QWidget

from hipcad_desktop.gui.widgets.elided import ElidedLabel


class ReaderCounts(QWidget):
    """The own count with a bar; below it a thin bar for every other reader."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.own = QLabel()
        self.others: dict[str, int] = {}  # as shown
        self.own.setProperty("look", "muted")
        self._bar = _bar()
        self._others = QGridLayout()
        self._others.setContentsMargins(0, 0, 0, 0)
        self._others.setHorizontalSpacing(8)
        self._others.setVerticalSpacing(2)
        self._others.setColumnMinimumWidth(0, 92)
        self._others.setColumnStretch(1, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self.own)
        layout.addWidget(self._bar)
        layout.addLayout(self._others)

    def show_own(self, read: int, films: int, listed: int) -> None:
        """The present reader's count; listed: films that the filter leaves."""
        shown = "" if listed == films else f" · {listed} listed"
        self.own.setText(f"{read} of {films} films read{shown}")
        self._bar.setRange(0, max(films, 1))
        self._bar.setValue(read)

    def show_others(self, counts: Sequence[tuple[str, int]], films: int) -> None:
        """The other readers' names and how many films each has read."""
        self.others = dict(counts)
        while (item := self._others.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.deleteLater()
        for row, (reader, read) in enumerate(counts):
            name, number, bar = ElidedLabel(reader), QLabel(str(read)), _bar()
            for label in (name, number):
                label.setProperty("look", "muted")
            bar.setRange(0, max(films, 1))
            bar.setValue(read)
            bar.setAccessibleName(f"{reader} has read {read} of {films} films")
            self._others.addWidget(name, row, 0)
            self._others.addWidget(bar, row, 1)
            self._others.addWidget(number, row, 2)
            number.setToolTip(f"{reader} has read {read} of {films} films")


def _bar() -> QProgressBar:
    bar = QProgressBar()
    bar.setTextVisible(False)
    bar.setFixedHeight(4)
    return bar
