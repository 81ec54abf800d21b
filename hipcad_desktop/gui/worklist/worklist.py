"""The worklist on the screen, and the steps through it: next, previous, next unread."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QModelIndex, QSize, Qt, Signal
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QProgressBar,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from hipcad_desktop.domain.radiograph import FilmId
from hipcad_desktop.gui import theme
from hipcad_desktop.gui.state.project_state import ProjectState
from hipcad_desktop.gui.widgets.icons import icon
from hipcad_desktop.gui.worklist.model import (
    ANY,
    COLUMNS,
    FILM,
    PATIENT,
    READING,
    UNREAD,
    WORDS,
    WorklistFilter,
    WorklistModel,
)


class Worklist(QWidget):
    """Selects films in ProjectState and follows its selection."""

    all_read = Signal()  # next unread was asked for and there is none

    def __init__(self, state: ProjectState, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state = state
        self._model = WorklistModel(state, self)
        self._filter = WorklistFilter(self._model, state, self)
        self._following = False
        self.setProperty("look", "panel")
        self._build()
        state.current_changed.connect(self._follow)
        state.films_replaced.connect(self._count)
        state.films_replaced.connect(lambda: self._follow(state.current))
        state.answer_changed.connect(lambda _film: self._count())

    def _build(self) -> None:
        self.search = QLineEdit()
        self.search.setPlaceholderText("Search film or patient")
        self.search.setClearButtonEnabled(True)
        self._search_icon = self.search.addAction(icon("search"), QLineEdit.ActionPosition.LeadingPosition)
        self.search.textChanged.connect(self._filter.search)
        self.only = QComboBox()
        self.only.setAccessibleName("Which films are listed")
        self.only.addItem("all", ANY)
        for status, word in WORDS.items():
            self.only.addItem(word, str(status))
        self.only.currentIndexChanged.connect(lambda _i: self._filter.only(self.only.currentData()))
        self.progress = QLabel()
        self.progress.setProperty("look", "muted")
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setFixedHeight(4)
        self.table = _table(self._filter)
        self.table.selectionModel().currentRowChanged.connect(self._picked)
        head = QHBoxLayout()
        head.setSpacing(6)
        head.addWidget(self.search, 1)
        head.addWidget(self.only)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 8, 0, 0)
        layout.setSpacing(6)
        layout.addLayout(head)
        layout.addWidget(self.progress)
        layout.addWidget(self._bar)
        layout.addWidget(self.table, 1)

    def step(self, by: int) -> None:
        """The film `by` rows further down, stopping at the ends."""
        rows = self._filter.rowCount()
        if rows:
            now = self._row()
            self._state.select(
                self._film_at(min(max((-1 if by > 0 else 0) if now is None else now, -1) + by, rows - 1))
            )

    def next_unread(self) -> None:
        """The next unread film of the list, from here on and round."""
        rows, now = self._filter.rowCount(), self._row()
        start = -1 if now is None else now
        for offset in range(1, rows + 1):
            row = (start + offset) % rows
            if self._model.status(self._source_row(row)) == UNREAD and self._film_at(row) != self._state.current:
                self._state.select(self._film_at(row))
                return
        if rows:
            self.all_read.emit()

    def ahead(self) -> list[FilmId]:
        """The films that will probably be looked at next: the next row, the next unread, the one before."""
        now, rows = self._row(), self._filter.rowCount()
        if now is None:
            return []
        unread = (r for r in range(now + 1, min(now + 200, rows)) if self._model.status(self._source_row(r)) == UNREAD)
        wanted = [now + 1, next(unread, -1), now - 1]
        return [f for f in dict.fromkeys(self._film_at(r) for r in wanted if 0 <= r < rows) if f is not None]

    def changeEvent(self, event: QEvent) -> None:
        if hasattr(self, "_search_icon") and theme.has_changed(self, event):
            self._model.recolour()
            self._search_icon.setIcon(icon("search"))
        super().changeEvent(event)

    def _picked(self, now: QModelIndex, before: QModelIndex) -> None:
        if now.isValid() and not self._following:
            self._state.select(self._film_at(now.row()))

    def _follow(self, film_id: FilmId | None) -> None:
        self._following = True
        self._filter.refresh()
        row = self._row()
        if row is None:
            self.table.clearSelection()
            self.table.setCurrentIndex(QModelIndex())
        else:
            index = self._filter.index(row, FILM)
            self.table.selectRow(row)
            self.table.scrollTo(index)
        self._following = False

    def _row(self) -> int | None:
        row = self._state.row_of(self._state.current)
        if row is None:
            return None
        index = self._filter.mapFromSource(self._model.index(row, 0))
        return index.row() if index.isValid() else None

    def _source_row(self, row: int) -> int:
        return self._filter.mapToSource(self._filter.index(row, 0)).row()

    def _film_at(self, row: int) -> FilmId | None:
        return self._model.film(self._source_row(row)).film_id if 0 <= row < self._filter.rowCount() else None

    def _count(self) -> None:
        films, read = len(self._state.films), self._state.read_count()
        self.progress.setText(f"{read} of {films} films read")
        self._bar.setRange(0, max(films, 1))
        self._bar.setValue(read)


def _table(model: WorklistFilter) -> QTableView:
    table = QTableView()
    table.setModel(model)
    table.setAccessibleName("Worklist")
    table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
    table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    table.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    table.setTabKeyNavigation(False)
    table.setShowGrid(False)
    table.setWordWrap(False)
    table.setTextElideMode(Qt.TextElideMode.ElideMiddle)
    table.setIconSize(QSize(16, 16))
    table.setSortingEnabled(True)
    model.sort(-1)  # order of import until a header is clicked
    table.horizontalHeader().setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
    table.horizontalHeader().setSortIndicatorClearable(True)
    table.horizontalHeader().setHighlightSections(False)
    table.horizontalHeader().setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
    table.verticalHeader().hide()
    table.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
    table.verticalHeader().setDefaultSectionSize(28)
    header = table.horizontalHeader()
    header.setSectionResizeMode(FILM, QHeaderView.ResizeMode.Stretch)
    header.setMinimumSectionSize(40)
    table.setColumnWidth(READING, 108)
    table.setColumnWidth(PATIENT, 62)
    assert len(COLUMNS) == 3
    return table
