"""What came of a finished run, and the two next steps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFormLayout, QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from hipcad_desktop.domain.model_card import RESEARCH_USE
from hipcad_desktop.gui.training.form import button
from hipcad_desktop.gui.training.result_words import figure_lines


class ResultCard(QFrame):
    """Hidden until there is a result."""

    def __init__(
        self, *, diagnose: Callable[[], object], evaluate: Callable[[], object], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setProperty("look", "card")
        self.buttons: dict[str, QPushButton] = {
            "evaluate": button("Evaluate it…", evaluate, look="primary"),
            "diagnose": button("Diagnose with it", diagnose),
        }
        layout = QVBoxLayout(self)
        layout.setContentsMargins(14, 12, 14, 12)
        heading = QLabel("Result")
        heading.setProperty("look", "heading")
        layout.addWidget(heading)
        self._lines = QFormLayout()
        self._lines.setHorizontalSpacing(18)
        layout.addLayout(self._lines)
        notice = QLabel(RESEARCH_USE)
        notice.setProperty("look", "warning")
        row = QHBoxLayout()
        for each in self.buttons.values():
            row.addWidget(each)
        row.addStretch(1)
        row.addWidget(notice)
        layout.addLayout(row)
        self.hide()

    def show_summary(self, summary: Mapping[str, Any]) -> None:
        """The figures of a RunSummary as JSON."""
        self.clear()
        for label, words in figure_lines(summary):
            name = QLabel(label)
            name.setProperty("look", "muted")
            value = QLabel(words)
            value.setWordWrap(True)
            value.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            self._lines.addRow(name, value)
        self.show()

    def clear(self) -> None:
        """No result."""
        while self._lines.rowCount():
            self._lines.removeRow(0)
        self.hide()
