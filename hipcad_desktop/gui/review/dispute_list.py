"""Films on which two readers differ: what each says, in what they differ, and what was agreed since."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem, QWidget

from hipcad_desktop.domain.annotation import Answer, Verdict
from hipcad_desktop.gui.widgets.icons import icon
from hipcad_desktop.gui.worklist.model import status_colour

if TYPE_CHECKING:
    from hipcad_desktop.workflows.agreement import DisputedFilm

COLUMNS = ("Film", "Reader 1", "Reader 2", "Differ in", "Agreed")
FILM, ONE, TWO, KINDS, AGREED = range(5)
VERDICTS: dict[Verdict, str] = {
    Verdict.FRACTURE: "fracture",
    Verdict.NO_FRACTURE: "no fracture",
    Verdict.UNSURE: "unsure",
    Verdict.EXCLUDED: "excluded",
}


def verdict_words(answer: Answer) -> str:
    """A verdict with its types or its reason."""
    types = sorted({f.fracture_type.value for f in answer.findings if f.fracture_type is not None})
    more = ", ".join(types) or (answer.exclusion.value if answer.exclusion else "")
    return VERDICTS[answer.verdict] + (f" ({more})" if more else "")


class DisputeList(QTableWidget):
    """One row a film and pair of readers."""

    picked = Signal(int)  # index

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(0, len(COLUMNS), parent)
        self._disputes: Sequence[DisputedFilm] = ()
        self.setHorizontalHeaderLabels(list(COLUMNS))
        self.setAccessibleName("Disagreements")
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setTabKeyNavigation(False)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setIconSize(QSize(16, 16))
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(28)
        header = self.horizontalHeader()
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.setHighlightSections(False)
        header.setSectionResizeMode(AGREED, QHeaderView.ResizeMode.Stretch)
        for column, width in ((FILM, 100), (ONE, 104), (TWO, 104), (KINDS, 74)):
            self.setColumnWidth(column, width)
        self.itemSelectionChanged.connect(lambda: self.picked.emit(self.currentRow()))

    def show_disputes(self, disputes: Sequence[DisputedFilm], chosen: int | None) -> None:
        """All of them; chosen is selected, without being told as picked."""
        self._disputes = disputes
        self.blockSignals(True)
        self.setRowCount(len(disputes))
        for row in range(len(disputes)):
            self._fill(row)
        if chosen is not None:
            self.selectRow(chosen)
        self.blockSignals(False)

    def recolour(self) -> None:
        """The theme has changed."""
        self.show_disputes(self._disputes, self.currentRow() if self.currentRow() >= 0 else None)

    def _fill(self, row: int) -> None:
        film = self._disputes[row]
        self.setItem(row, FILM, _item(film.file_name))
        for column, answer, reader in zip((ONE, TWO), film.answers, film.readers, strict=True):
            tip = f"{reader}: {verdict_words(answer)}"
            self.setItem(row, column, _verdict_item(answer, tip, VERDICTS[answer.verdict]))
        kinds = ", ".join(kind.value for kind in film.disagreement.kinds)
        lowest = film.disagreement.lowest_iou
        self.setItem(row, KINDS, _item(kinds, kinds + (f"\nlowest IoU {lowest:.2f}" if lowest is not None else "")))
        agreed = film.adjudicated
        open_item = _item("open")
        self.setItem(
            row,
            AGREED,
            open_item if agreed is None else _verdict_item(agreed, verdict_words(agreed), VERDICTS[agreed.verdict]),
        )


def _verdict_item(answer: Answer, tip: str, words: str) -> QTableWidgetItem:
    item = _item(words, tip)
    item.setIcon(icon(answer.verdict.value, status_colour(answer.verdict.value)))
    return item


def _item(words: str, tip: str = "") -> QTableWidgetItem:
    item = QTableWidgetItem(words)
    item.setToolTip(tip or words)
    return item
