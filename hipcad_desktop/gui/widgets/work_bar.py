"""Background work in the status bar: what runs, how far it is, and the way to stop it."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QPushButton, QWidget

from hipcad_desktop.gui.tasks import Work


class WorkBar(QWidget):
    """Shows the newest of the running works; hidden while there is none."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._works: list[Work] = []
        self._words = QLabel()
        self._bar = QProgressBar()
        self._bar.setFixedSize(150, 8)
        self._bar.setTextVisible(False)
        self.cancel = QPushButton("Cancel")
        self.cancel.setProperty("look", "flat")
        self.cancel.clicked.connect(self._cancel)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(8, 0, 8, 0)
        layout.setSpacing(8)
        layout.addWidget(self._words)
        layout.addWidget(self._bar, 0, Qt.AlignmentFlag.AlignVCenter)
        layout.addWidget(self.cancel)
        self.hide()

    def follow(self, work: Work) -> None:
        """Show a work that has just started."""
        self._works.append(work)
        work.progressed.connect(lambda stage, done, total, w=work: self._progressed(w, done, total))
        work.ended.connect(lambda w=work: self._ended(w))
        self._show()

    def _show(self) -> None:
        self.setVisible(bool(self._works))
        if self._works:
            self._words.setText(f"{self._works[-1].title}…")
            self._bar.setRange(0, 0)
            self.cancel.setEnabled(not self._works[-1].cancel_asked)

    def _progressed(self, work: Work, done: int, total: int) -> None:
        if self._works and work is self._works[-1] and not work.cancel_asked:
            self._words.setText(f"{work.title}: {done} of {total}")
            self._bar.setRange(0, max(total, 1))
            self._bar.setValue(done)

    def _ended(self, work: Work) -> None:
        self._works.remove(work)
        self._show()

    def _cancel(self) -> None:
        if self._works:
            self._works[-1].cancel()
            self._words.setText(f"{self._works[-1].title}: stopping…")
            self.cancel.setEnabled(False)
