"""The table view of the worklist: rows of one height, columns to choose from, thumbnails or not."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import QModelIndex, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from hipcad_desktop.gui.worklist.model import WorklistModel
from hipcad_desktop.gui.worklist.rows import (
    COLUMNS,
    DATE,
    FILM,
    FLAGS,
    FORMAT,
    HOSPITAL,
    PATIENT,
    READING,
    SCOPE,
    THUMBNAIL,
    TYPE,
)

ROW_PX, THUMBNAIL_ROW_PX = 28, 86
WIDTHS = {READING: 112, THUMBNAIL: 96, FILM: 120, PATIENT: 72, DATE: 92, HOSPITAL: 90, TYPE: 100, FLAGS: 130, SCOPE: 92}
HIDDEN = (THUMBNAIL, DATE, HOSPITAL, TYPE, FLAGS, SCOPE, FORMAT)  # until a person wants them
FEW, WIDE_FILM_PX = 3, 180  # with more columns the list scrolls sideways anyway
SETTLE_MS = 40  # thumbnails are asked for once a scroll rests this long


class FilmTable(QTableView):
    """Fixed row heights: nothing is measured, whatever the number of rows."""

    seen = Signal()  # other rows have come on the screen

    def __init__(self, model: WorklistModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setModel(model)
        self._hidden_readers: set[str] = set()
        self._columns = model
        self.setAccessibleName("Worklist")
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setTabKeyNavigation(False)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setIconSize(QSize(16, 16))
        self._build_headers()
        self._settling = QTimer(self, singleShot=True, interval=SETTLE_MS)
        self._settling.timeout.connect(self.seen)
        self.verticalScrollBar().valueChanged.connect(self._settling.start)
        model.modelReset.connect(self._settling.start)
        model.columnsInserted.connect(self._readers_came)
        model.columnsRemoved.connect(self._stretch_film)

    def _build_headers(self) -> None:
        header, rows = self.horizontalHeader(), self.verticalHeader()
        header.setSortIndicator(-1, Qt.SortOrder.AscendingOrder)  # order of import until a header is clicked
        header.setSortIndicatorClearable(True)
        self.setSortingEnabled(True)
        header.setHighlightSections(False)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.setMinimumSectionSize(40)
        header.setSectionsMovable(True)
        rows.hide()
        rows.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        rows.setDefaultSectionSize(ROW_PX)
        for column in range(len(COLUMNS)):
            self.setColumnWidth(column, WIDTHS.get(column, 76))
            self.setColumnHidden(column, column in HIDDEN)
        self._stretch_film()

    def show_column(self, column: int, on: bool) -> None:
        """Show a column or hide it."""
        self.setColumnHidden(column, not on)
        self._stretch_film()

    def hide_readers(self, names: Iterable[str]) -> None:
        """The other readers whose columns are not shown, now or once they come."""
        self._hidden_readers = set(names)
        self._lay_out_readers()

    def _readers_came(self) -> None:
        for column in range(len(COLUMNS), self._columns.columnCount()):
            self.setColumnWidth(column, WIDTHS[READING])
        self._lay_out_readers()

    def _lay_out_readers(self) -> None:
        for column, name in enumerate(self._columns.others, len(COLUMNS)):
            self.setColumnHidden(column, name in self._hidden_readers)
        self._stretch_film()

    def shown_columns(self) -> list[str]:
        """The names of the columns that are shown, but for the thumbnails'."""
        return [COLUMNS[c] for c in range(len(COLUMNS)) if c != THUMBNAIL and not self.isColumnHidden(c)]

    def show_thumbnails(self, on: bool) -> None:
        """High rows with a picture of each film, or low ones without."""
        if on != self.isColumnHidden(THUMBNAIL):
            return
        self.setColumnHidden(THUMBNAIL, not on)
        self.verticalHeader().setDefaultSectionSize(THUMBNAIL_ROW_PX if on else ROW_PX)
        self._stretch_film()

    def select(self, row: int | None) -> None:
        """Select a row and bring it on the screen; None selects nothing."""
        if row is None:
            self.clearSelection()
            self.setCurrentIndex(QModelIndex())
            return
        self.selectRow(row)
        self.scrollTo(self.model().index(row, FILM))

    def visible_rows(self) -> tuple[int, int]:
        """The first and the last row on the screen; (0, -1) where there is none."""
        rows = self.model().rowCount()
        first, last = self.rowAt(0), self.rowAt(self.viewport().height() - 1)
        return max(first, 0), (last if last >= 0 else rows - 1)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._stretch_film()
        self._settling.start()

    def _stretch_film(self) -> None:
        """The film's name takes what the others leave; where that is too little, the list scrolls sideways."""
        shown = [c for c in range(self._columns.columnCount()) if c != FILM and not self.isColumnHidden(c)]
        others = sum(self.columnWidth(c) for c in shown)
        least = WIDTHS[FILM] if len(shown) < FEW + (THUMBNAIL in shown) else WIDE_FILM_PX
        self.setColumnWidth(FILM, max(least, self.viewport().width() - others))
