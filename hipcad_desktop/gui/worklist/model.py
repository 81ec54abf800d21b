"""The worklist's table: one row a film, made for 20,000 of them; order and filter are its own (FilmOrder)."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from itertools import chain
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt, QTimer
from PySide6.QtGui import QColor, QIcon, QPixmap

from hipcad_desktop.domain.annotation import ReadingStatus, Verdict
from hipcad_desktop.domain.diagnosis import Refusal
from hipcad_desktop.domain.messages import refusal_sentence
from hipcad_desktop.domain.radiograph import FilmId
from hipcad_desktop.gui import theme
from hipcad_desktop.gui.state.project_state import FilmFacts, ProjectState
from hipcad_desktop.gui.widgets.icons import icon
from hipcad_desktop.gui.worklist.rows import (
    COLUMNS,
    FILM,
    READING,
    THUMBNAIL,
    UNREAD,
    WORDS,
    FilmOrder,
    Statuses,
    Wanted,
    status_of,
)
from hipcad_desktop.gui.worklist.thumbnails import Thumbnails

PREPARED_ROWS = 400  # about 4 ms
Index = QModelIndex | QPersistentModelIndex
# Plain numbers: comparing enums of Qt costs more than the rest of data(), which runs for each cell of each frame.
DISPLAY, DECORATION, TOOL_TIP, FOREGROUND, ACCESSIBLE = (
    int(role)
    for role in (
        Qt.ItemDataRole.DisplayRole,
        Qt.ItemDataRole.DecorationRole,
        Qt.ItemDataRole.ToolTipRole,
        Qt.ItemDataRole.ForegroundRole,
        Qt.ItemDataRole.AccessibleTextRole,
    )
)


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
    """Reads ProjectState; keeps only the words of rows that were shown, their icons and the order."""

    def __init__(self, state: ProjectState, thumbnails: Thumbnails, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._state = state
        self._thumbnails = thumbnails
        self._order = FilmOrder(state)
        self._row_of: dict[int, int] | None = None
        self._icons: dict[str, QIcon] = {}
        self._colours: dict[str, QColor] = {}
        state.films_replacing.connect(self.beginResetModel)
        state.films_replaced.connect(self._replaced)
        state.answer_changed.connect(self._changed)
        state.signed_changed.connect(self._changed)
        thumbnails.arrived.connect(self._arrived)
        self._preparing = QTimer(self, interval=0)  # between the events of the window, a few rows at a time
        self._preparing.timeout.connect(self._prepare)

    # what is listed

    @property
    def wanted(self) -> Wanted:
        """What is searched and filtered for."""
        return self._order.wanted

    def want(self, wanted: Wanted) -> None:
        """List other films."""
        self._order.want(wanted)
        self.refresh()

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        self._order.sort_by(column, backwards=order is Qt.SortOrder.DescendingOrder)
        self.refresh()

    def refresh(self) -> bool:
        """List what is wanted now; the film looked at is always listed. Whether anything is other than before."""
        order, current = self._order, self._state.row_of(self._state.current)
        if not (order.stale or order.guest) and (current is None or self.row_of(current) is not None):
            return False
        shown = order.arranged()
        if shown == self._order.shown:
            return False
        self.beginResetModel()
        self._order.shown, self._row_of = shown, None
        self.endResetModel()
        return True

    @property
    def others(self) -> list[str]:
        """The other readers whose columns stand after COLUMNS; none while blinded."""
        return [name for name, _ in self._order.others]

    def show_others(self, others: Sequence[tuple[str, Statuses]]) -> None:
        """What the other readers say, a column each, in this order."""
        first, before = len(COLUMNS), len(self._order.others)
        if self.others != [name for name, _ in others]:
            if before:
                self.beginRemoveColumns(QModelIndex(), first, first + before - 1)
                self._order.show_others(())
                self.endRemoveColumns()
            if others:
                self.beginInsertColumns(QModelIndex(), first, first + len(others) - 1)
                self._order.show_others(others)
                self.endInsertColumns()
        elif others:
            self._order.show_others(others)
            if self.rowCount():
                self.dataChanged.emit(self.index(0, first), self.index(self.rowCount() - 1, self.columnCount() - 1))
        self.refresh()

    def _replaced(self) -> None:
        if not self._state.is_open:
            self._order.show_others(())
        self._order.renew()
        self._order.shown, self._row_of = self._order.arranged(), None
        self.endResetModel()
        self._preparing.start()

    def _prepare(self) -> None:
        if self._order.prepare(PREPARED_ROWS):
            self._preparing.stop()

    # rows

    def film(self, row: int) -> FilmFacts:
        """The film in a row of the list."""
        return self._state.films[self._order.shown[row]]

    def status(self, row: int) -> str:
        """A verdict's value, or "unread"."""
        return status_of(self._state.answer(self.film(row).film_id))

    def next_unread(self, row: int | None) -> int | None:
        """The next unread row after this one and round, but not itself; None where there is none."""
        films, shown, answer = self._state.films, self._order.shown, self._state.answer
        start = -1 if row is None else row
        for at in chain(range(start + 1, len(shown)), range(max(start, 0))):
            if answer(films[shown[at]].film_id) is None:
                return at
        return None

    def row_of(self, index: int | None) -> int | None:
        """The row of ProjectState.films[index]; None where it is not listed."""
        shown = self._order.shown
        if index is None or not len(shown):
            return None
        if isinstance(shown, range):
            return index if index < len(shown) else None
        if self._row_of is None:
            place = bisect_left(shown, index)  # most often the order of import
            if place < len(shown) and shown[place] == index:
                return place
            self._row_of = {film: row for row, film in enumerate(shown)}
        return self._row_of.get(index)

    def recolour(self) -> None:
        """The theme has changed."""
        self._icons.clear()
        self._colours.clear()
        if self.rowCount():
            self.dataChanged.emit(self.index(0, 0), self.index(self.rowCount() - 1, self.columnCount() - 1))

    # Qt

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self._order.shown)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(COLUMNS) + len(self._order.others)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = DISPLAY) -> Any:
        if orientation is Qt.Orientation.Horizontal:
            other = section >= len(COLUMNS)
            if role == DISPLAY:
                return self._order.others[section - len(COLUMNS)][0] if other else COLUMNS[section]
            if role == TOOL_TIP and other:
                return f"What {self._order.others[section - len(COLUMNS)][0]} says"
        return None

    def data(self, index: Index, role: int = DISPLAY) -> Any:
        if index.column() >= len(COLUMNS):
            return self._other_data(index, role)
        if role == DISPLAY:
            text = self._order.row(self._order.shown[index.row()]).texts[index.column()]
            signed = index.column() == READING and self._state.signed(self.film(index.row()).film_id)
            return f"{text} ✓" if signed else text
        if role == DECORATION:
            return self._decoration(index.row(), index.column())
        if role == FOREGROUND:
            return self._colour(self.status(index.row()) if index.column() == READING else "", index.column())
        if role == TOOL_TIP:
            return self._tool_tip(self.film(index.row()))
        if role == ACCESSIBLE and index.column() == THUMBNAIL:
            return "thumbnail"
        return None

    def _other_data(self, index: Index, role: int) -> Any:
        """Another reader's verdict."""
        said: ReadingStatus | None = self._order.other(self._order.shown[index.row()], index.column())
        status = UNREAD if said is None else said.verdict.value
        signed = said is not None and said.signed
        if role == DISPLAY:
            return f"{WORDS[status]} ✓" if signed else WORDS[status]
        if role == DECORATION:
            return self._icon(status)
        if role == FOREGROUND:
            return self._colour(status, index.column())
        if role == TOOL_TIP:
            return f"{self.others[index.column() - len(COLUMNS)]}: {WORDS[status]}{', signed' if signed else ''}"
        return None

    def _icon(self, status: str) -> QIcon:
        if status not in self._icons:
            self._icons[status] = icon(status, status_colour(status))
        return self._icons[status]

    def _decoration(self, row: int, column: int) -> QIcon | QPixmap | None:
        if column == READING:
            return self._icon(self.status(row))
        return self._thumbnails.picture(self.film(row).film_id) if column == THUMBNAIL else None

    def _colour(self, status: str, column: int) -> QColor | None:
        if column == FILM:
            return None
        if status not in self._colours:
            self._colours[status] = QColor(status_colour(status) if status else theme.current().muted)
        return self._colours[status]

    def _tool_tip(self, film: FilmFacts) -> str:
        refusal: Refusal | None = getattr(film, "refusal", None)
        scope = f"\n{refusal_sentence(refusal).removeprefix('No answer: ')}" if refusal is not None else ""
        signed = "\nsigned by you" if self._state.signed(film.film_id) else ""
        return f"{film.path}\n{film.kind}, {film.width} x {film.height} pixels, patient {film.patient}{scope}{signed}"

    def _changed(self, film_id: str) -> None:
        index = self._state.row_of(FilmId(film_id))
        if index is None:
            return
        self._order.forget(index)
        row = self.row_of(index)
        if row is not None:
            self.dataChanged.emit(self.index(row, 0), self.index(row, len(COLUMNS) - 1))

    def _arrived(self, film_id: str) -> None:
        row = self.row_of(self._state.row_of(FilmId(film_id)))
        if row is not None:
            index = self.index(row, THUMBNAIL)
            self.dataChanged.emit(index, index, [DECORATION])
