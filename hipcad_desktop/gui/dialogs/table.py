"""A plain table of words that can be read, sorted and copied."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QAbstractItemView, QApplication, QHeaderView, QTableWidget, QTableWidgetItem, QWidget


class WordTable(QTableWidget):
    """Rows of words; Ctrl+C copies the selected ones as tab-separated lines."""

    def __init__(self, columns: Sequence[str], rows: Sequence[Sequence[str]], parent: QWidget | None = None) -> None:
        super().__init__(0, len(columns), parent)
        self.setHorizontalHeaderLabels(list(columns))
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setTabKeyNavigation(False)
        self.setWordWrap(True)
        self.setShowGrid(False)
        self.verticalHeader().hide()
        header = self.horizontalHeader()
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.setHighlightSections(False)
        for x in range(len(columns) - 1):
            header.setSectionResizeMode(x, QHeaderView.ResizeMode.Interactive)
            self.setColumnWidth(x, 190)
        header.setSectionResizeMode(len(columns) - 1, QHeaderView.ResizeMode.Stretch)
        self.show_rows(rows)
        QShortcut(QKeySequence.StandardKey.Copy, self, self._copy, context=Qt.ShortcutContext.WidgetShortcut)

    def show_rows(self, rows: Sequence[Sequence[str]]) -> None:
        """These rows instead of those before."""
        self.setRowCount(len(rows))
        for y, row in enumerate(rows):
            for x, words in enumerate(row):
                item = QTableWidgetItem(words)
                item.setToolTip(words)
                self.setItem(y, x, item)
        mode = QHeaderView.ResizeMode
        # Measuring thousands of wrapped rows would hold the window up.
        self.verticalHeader().setSectionResizeMode(mode.ResizeToContents if len(rows) <= 200 else mode.Interactive)

    def _copy(self) -> None:
        rows = sorted({index.row() for index in self.selectedIndexes()})
        lines = ["\t".join(self._words(y, x) for x in range(self.columnCount())) for y in rows]
        QApplication.clipboard().setText("\n".join(lines))

    def _words(self, row: int, column: int) -> str:
        item = self.item(row, column)
        return item.text() if item is not None else ""
