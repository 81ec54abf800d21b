"""The worklist's table: one row a film, made for 20,000 of them."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, QSortFilterProxyModel, Qt
from PySide6.QtGui import QColor, QIcon

from hipcad_desktop.domain.annotation import Verdict
from hipcad_desktop.domain.radiograph import FilmId
from hipcad_desktop.gui import theme
from hipcad_desktop.gui.state.project_state import FilmFacts, ProjectState
from hipcad_desktop.gui.widgets.icons import icon

COLUMNS = ("Reading", "Film", "Patient")
READING, FILM, PATIENT = range(3)
UNREAD = "unread"
WORDS: dict[str, str] = {
    UNREAD: "unread",
    Verdict.FRACTURE: "fracture",
    Verdict.NO_FRACTURE: "no fracture",
    Verdict.UNSURE: "unsure",
    Verdict.EXCLUDED: "excluded",
}
ANY = ""
Index = QModelIndex | QPersistentModelIndex


def status_colour(status: str) -> str:
    """The palette's colour of a verdict; its word stands always beside it."""
    p = theme.current()
    colours = {
        Verdict.FRACTURE: p.fracture,
        Verdict.NO_FRACTURE: p.no_fracture,
        Verdict.UNSURE: p.doubt,
        Verdict.EXCLUDED: p.muted,
    }
    return colours.get(Verdict(status), p.muted) if status != UNREAD else p.muted


class WorklistModel(QAbstractTableModel):
    """Reads ProjectState; holds nothing of its own but icons."""

    def __init__(self, state: ProjectState, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._state = state
        self._icons: dict[str, QIcon] = {}
        state.films_replacing.connect(self.beginResetModel)
        state.films_replaced.connect(self.endResetModel)
        state.answer_changed.connect(self._changed)

    def status(self, row: int) -> str:
        """A verdict's value, or "unread"."""
        answer = self._state.answer(self._state.films[row].film_id)
        return UNREAD if answer is None else answer.verdict.value

    def film(self, row: int) -> FilmFacts:
        """The film of a row."""
        return self._state.films[row]

    def recolour(self) -> None:
        """The theme has changed."""
        self._icons.clear()
        if self.rowCount():
            self.dataChanged.emit(self.index(0, 0), self.index(self.rowCount() - 1, len(COLUMNS) - 1))

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self._state.films)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(COLUMNS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = 0) -> Any:
        if orientation is Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return COLUMNS[section]
        return None

    def data(self, index: Index, role: int = 0) -> Any:
        film = self._state.films[index.row()]
        column = index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            match column:
                case 0:
                    return WORDS[self.status(index.row())]
                case 1:
                    return film.file_name
                case _:
                    return film.patient
        if role == Qt.ItemDataRole.DecorationRole and column == READING:
            return self._icon(self.status(index.row()))
        if role == Qt.ItemDataRole.ForegroundRole and column in (READING, PATIENT):
            return QColor(status_colour(self.status(index.row())) if column == READING else theme.current().muted)
        if role == Qt.ItemDataRole.ToolTipRole:
            return f"{film.path}\n{film.kind}, {film.width} x {film.height} pixels, patient {film.patient}"
        return None

    def _icon(self, status: str) -> QIcon:
        if status not in self._icons:
            self._icons[status] = icon(status, status_colour(status))
        return self._icons[status]

    def _changed(self, film_id: str) -> None:
        row = self._state.row_of(FilmId(film_id))
        if row is not None:
            self.dataChanged.emit(self.index(row, 0), self.index(row, len(COLUMNS) - 1))


class WorklistFilter(QSortFilterProxyModel):
    """What is searched for and which verdict; the film looked at always stays in the list."""

    def __init__(self, model: WorklistModel, state: ProjectState, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self._state = state
        self._words: tuple[str, ...] = ()
        self._status = ANY
        self.setSourceModel(model)

    def search(self, text: str) -> None:
        """Films whose name or patient holds every word."""
        self.beginFilterChange()
        self._words = tuple(text.casefold().split())
        self.endFilterChange()

    def only(self, status: str) -> None:
        """Films with one verdict, or "unread"; ANY for all."""
        self.beginFilterChange()
        self._status = status
        self.endFilterChange()

    def refresh(self) -> None:
        """The film looked at has changed; without a search nothing depends on it (20,000 rows stay untouched)."""
        if self._words or self._status:
            self.beginFilterChange()
            self.endFilterChange()

    def filterAcceptsRow(self, row: int, parent: Index) -> bool:
        film = self._model.film(row)
        if film.film_id == self._state.current:
            return True
        if self._status and self._model.status(row) != self._status:
            return False
        text = f"{film.file_name} {film.patient}".casefold()
        return all(word in text for word in self._words)
