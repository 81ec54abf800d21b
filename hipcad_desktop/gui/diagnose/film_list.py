"""The films to be diagnosed: name, and below it where each stands, in words and shapes."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter
from PySide6.QtWidgets import QListWidget, QListWidgetItem, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from hipcad_desktop.domain.diagnosis import HipState
from hipcad_desktop.gui import theme
from hipcad_desktop.gui.diagnose.answers import FilmAnswer, FilmStatus
from hipcad_desktop.gui.diagnose.question_queue import QuestionQueue
from hipcad_desktop.gui.diagnose.state_mark import draw_state, state_colour
from hipcad_desktop.gui.diagnose.urgency_order import UrgentItem

_STATUS_WORDS = {
    FilmStatus.NO_MODEL: "no model chosen",
    FilmStatus.WAITING: "waiting",
    FilmStatus.RUNNING: "computing …",
    FilmStatus.REFUSED: "no answer: out of scope",
    FilmStatus.FAILED: "failed",
    FilmStatus.CONCEALED: "your answer comes first",
}
_SHORT = {HipState.FRACTURE: "fracture", HipState.DOUBT: "doubt", HipState.NO_FRACTURE: "no fracture"}
_SORT_MS = 200
_STATUS, _ANSWER = Qt.ItemDataRole.UserRole + 1, Qt.ItemDataRole.UserRole + 2


class FilmList(QListWidget):
    """Follows a QuestionQueue; tells which film is looked at."""

    film_selected = Signal(str)

    def __init__(self, queue: QuestionQueue, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._queue = queue
        self._items: dict[str, UrgentItem] = {}
        self._urgent = False
        self._sorting = QTimer(self)  # hundreds of answers may come in a row, and one sort is for all of them
        self._sorting.setSingleShot(True)
        self._sorting.setInterval(_SORT_MS)
        self._sorting.timeout.connect(self.sortItems)
        self.setItemDelegate(_ChipDelegate(self))
        self.setUniformItemSizes(True)
        self.setMouseTracking(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName("Films to diagnose")
        self.currentItemChanged.connect(self._on_current)
        queue.films_changed.connect(self._fill)
        queue.film_changed.connect(self._refresh)

    def show_film(self, file: str) -> None:
        """Select a film."""
        if file in self._items:
            self.setCurrentItem(self._items[file])

    def set_urgent(self, urgent: bool) -> None:
        """The most urgent films first, in each kind the newest; or all as they were opened."""
        self._urgent = urgent
        for item in self._items.values():
            item.set_urgent(urgent)
        self.sortItems()

    def keyboardSearch(self, search: str) -> None:
        """Letters are keys of the mode here, not a search for names."""

    def _fill(self) -> None:
        files = self._queue.files
        if [*self._items] != files[: len(self._items)]:
            self.clear()
            self._items.clear()
        for file in files[len(self._items) :]:
            item = UrgentItem(Path(file).name, len(self._items))
            item.set_urgent(self._urgent)
            item.setToolTip(file)
            self._items[file] = item
            self.addItem(item)
            self._refresh(file)

    def _refresh(self, file: str) -> None:
        item, entry = self._items.get(file), self._queue.entry(file)
        if item is None or entry is None:
            return
        status = self._queue.status(file)
        item.set_place(entry, status)
        if self._urgent:
            self._sorting.start()
        item.setData(_STATUS, status)
        item.setData(_ANSWER, entry.answer if status is FilmStatus.ANSWERED else None)
        item.setData(Qt.ItemDataRole.AccessibleDescriptionRole, chip_words(status, entry.answer))

    def _on_current(self, item: QListWidgetItem | None) -> None:
        file = next((f for f, i in self._items.items() if i is item), "")
        self.film_selected.emit(file)


def chip_words(status: FilmStatus, answer: FilmAnswer | None) -> str:
    """Where a film stands, in words."""
    if status is FilmStatus.ANSWERED and answer is not None:
        return ", ".join(f"{hip.side.value} {_short(hip.state)}" for hip in answer.hips)
    return _STATUS_WORDS.get(status, "")


def _short(state: HipState | None) -> str:
    return "no answer" if state is None else _SHORT[state]


class _ChipDelegate(QStyledItemDelegate):
    """Two lines: the file's name; a shape and a word a hip, or the status."""

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(160, 48)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        palette = theme.current()
        box = option.rect
        painter.save()
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(box, QColor(palette.selection))
        elif option.state & QStyle.StateFlag.State_MouseOver:
            painter.fillRect(box, QColor(palette.hover))
        inner = box.adjusted(12, 6, -10, -6)
        font = QFont(option.font)
        painter.setFont(font)
        painter.setPen(QColor(palette.text))
        measure = QFontMetrics(font)
        name = measure.elidedText(str(index.data()), Qt.TextElideMode.ElideMiddle, inner.width())
        painter.drawText(inner, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop, name)
        font.setPixelSize(11)
        painter.setFont(font)
        self._paint_second_line(painter, QRectF(inner), index)
        painter.restore()

    def _paint_second_line(self, painter: QPainter, inner: QRectF, index: QModelIndex | QPersistentModelIndex) -> None:
        palette = theme.current()
        status, answer = index.data(_STATUS), index.data(_ANSWER)
        line = QRectF(inner.left(), inner.bottom() - 15, inner.width(), 15)
        left = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        if not isinstance(answer, FilmAnswer):
            painter.setPen(QColor(palette.danger if status is FilmStatus.FAILED else palette.muted))
            painter.drawText(line, left, _STATUS_WORDS.get(status, ""))
            return
        x = line.left()
        for hip in answer.hips:
            colour = palette.muted if hip.state is None else state_colour(hip.state)
            painter.setPen(QColor(palette.muted))
            painter.drawText(QRectF(x, line.top(), 12, 15), left, hip.side.value)
            if hip.state is not None:
                draw_state(painter, QRectF(x + 12, line.top() + 0.5, 14, 14), hip.state, colour)
            start = x + (30 if hip.state is not None else 14)
            measure = painter.fontMetrics()
            words = measure.elidedText(_short(hip.state), Qt.TextElideMode.ElideRight, round(line.right() - start))
            painter.setPen(QColor(colour))
            painter.drawText(QRectF(start, line.top(), line.right() - start, 15), left, words)
            x = max(x + line.width() / 2, start + measure.horizontalAdvance(words) + 8)
