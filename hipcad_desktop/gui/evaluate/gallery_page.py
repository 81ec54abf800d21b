"""The gallery of errors: every miss and false alarm that the report has a picture of, with its heat map."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QLayout, QLayoutItem, QPushButton, QVBoxLayout, QWidget

from hipcad_desktop.domain.judgement import FALSE_ALARM, FOUND, MISSED, HeatMap
from hipcad_desktop.gui.evaluate.pictures import SmallHip
from hipcad_desktop.gui.evaluate.report_file import HTML, ReportFile, open_outside
from hipcad_desktop.gui.tasks import Tasks
from hipcad_desktop.gui.widgets.pieces import button_row, clear, heading, muted, scrolled

_SHELVES = (
    (MISSED, "Misses", "Broken hips called “no fracture”.", "fracture"),
    (FALSE_ALARM, "False alarms", "Whole hips called “fracture”.", "doubt"),
    (FOUND, "Found", "Broken hips called “fracture”. These heat maps are judged on the next page.", "no_fracture"),
)
_MOST = 24  # pictures of a kind on the page; the folder holds all
_SIDES = {"R": "right hip", "L": "left hip"}


class GalleryPage(QWidget):
    """Pictures are read in the pool; what is shown always belongs to the newest report."""

    def __init__(self, tasks: Tasks, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._tasks = tasks
        self._report: ReportFile | None = None
        self._inside = QWidget()
        self._column = QVBoxLayout(self._inside)
        self._column.setContentsMargins(18, 14, 18, 18)
        self._column.setSpacing(10)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(scrolled(self._inside))

    def show_report(self, report: ReportFile) -> None:
        """Read its pictures and show them."""
        self._report = report
        wanted = [m for kind, *_ in _SHELVES for m in [m for m in report.heat_maps if m.kind == kind][:_MOST]]
        self._tasks.pool(
            "Read the pictures",
            lambda: [(m, report.pictures(m)[1]) for m in wanted],
            done=lambda found: self._show(report, found),
        )

    def _show(self, report: ReportFile, pictures: list[tuple[HeatMap, QImage]]) -> None:
        if report is not self._report:
            return
        clear(self._column)
        for kind, title, words, colour in _SHELVES:
            total = sum(m.kind == kind for m in report.heat_maps)
            shown = [(m, image) for m, image in pictures if m.kind == kind]
            if not total and kind == FOUND:
                continue
            counted = f"{total:,}" if total == len(shown) else f"{len(shown)} of {total:,}"
            self._column.addWidget(heading(f"{title}: {counted}"))
            self._column.addWidget(muted(words if total else f"{words} There is no picture of any in this report."))
            shelf = QWidget()
            flow = FlowLayout(shelf)
            for m, image in shown:
                flow.addWidget(_small(m, image, colour))
            self._column.addWidget(shelf)
        if report.has_html:
            button = QPushButton("See the gallery in the report")
            button.clicked.connect(lambda: open_outside(report.folder / HTML))
            self._column.addLayout(button_row(button))
        self._column.addStretch(1)


def _small(m: HeatMap, image: QImage, colour: str) -> SmallHip:
    kind = m.fracture_type or ("no fracture" if m.kind == FALSE_ALARM else "fracture, type not given")
    words = f"{kind}\nfilm {m.film_code}, {_SIDES.get(m.side, m.side)}"
    return SmallHip(image, m.aspect, f"p {m.p_fracture:.3f}", words, colour=colour)


class FlowLayout(QLayout):
    """Widgets from left to right and on in the next line, as words in a text."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._items: list[QLayoutItem] = []
        self.setContentsMargins(0, 0, 0, 0)
        self.setSpacing(10)

    def addItem(self, item: QLayoutItem) -> None:
        self._items.append(item)

    def count(self) -> int:
        return len(self._items)

    def itemAt(self, index: int) -> QLayoutItem | None:
        return self._items[index] if 0 <= index < len(self._items) else None

    def takeAt(self, index: int) -> QLayoutItem | None:
        return self._items.pop(index) if 0 <= index < len(self._items) else None

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        return self._arrange(QRect(0, 0, width, 0), move=False)

    def setGeometry(self, rect: QRect) -> None:
        super().setGeometry(rect)
        self._arrange(rect, move=True)

    def sizeHint(self) -> QSize:
        return self.minimumSize()

    def minimumSize(self) -> QSize:
        size = QSize()
        for item in self._items:
            size = size.expandedTo(item.minimumSize())
        return size

    def expandingDirections(self) -> Qt.Orientation:
        return Qt.Orientation(0)

    def _arrange(self, rect: QRect, *, move: bool) -> int:
        x, y, tall = rect.x(), rect.y(), 0
        for item in self._items:
            size = item.sizeHint()
            if x + size.width() > rect.right() + 1 and tall:
                x, y, tall = rect.x(), y + tall + self.spacing(), 0
            if move:
                item.setGeometry(QRect(QPoint(x, y), size))
            x += size.width() + self.spacing()
            tall = max(tall, size.height())
        return y + tall - rect.y()
