"""Who reads, how far everybody is, the end of the blinded phase, and readings sent and merged. No answers here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from hipcad_desktop.domain.annotation import ProjectPhase
from hipcad_desktop.gui.dialogs.table import WordTable
from hipcad_desktop.gui.review.second_round_card import SecondRoundCard
from hipcad_desktop.gui.widgets.notice import Notice

if TYPE_CHECKING:
    from hipcad_desktop.workflows.exchange_readings import MergeSummary
    from hipcad_desktop.workflows.reader_study import ReaderProgress

BLINDED = (
    "The readers are blinded: nobody sees another one's answers. Ending this phase cannot be undone, "
    "and is written into the audit trail."
)
OPEN = "The blinded phase has ended: agreement, disagreements and the whole audit trail can be seen."


class ReadersPage(QWidget):
    """Progress, phase, exchange."""

    end_asked = Signal()

    def __init__(self, actions: Mapping[str, QAction], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(16)
        self._grid.setVerticalSpacing(10)
        self._grid.setColumnStretch(1, 1)
        self.phase_words = QLabel()
        self.phase_words.setWordWrap(True)
        self.end = QPushButton("End the blinded phase…")
        self.end.clicked.connect(self.end_asked)
        self.second = SecondRoundCard()
        self.merged = Notice()
        self.conflicts = WordTable(("Film", "Reader", "Revisions"), ())
        self.conflicts.hide()
        self._send, self._merge = (_command(actions[name]) for name in ("send_readings", "merge_readings"))
        self._build()

    def _build(self) -> None:
        cards = [_card(title) for title in ("Readers", "Second round", "Blinding", "Between workstations")]
        readers, second, phase, exchange = (inside for _, inside in cards)
        readers.addLayout(self._grid)
        second.addWidget(self.second)
        phase.addWidget(self.phase_words)
        row = QHBoxLayout()
        row.addWidget(self.end)
        row.addStretch(1)
        phase.addLayout(row)
        words = QLabel(
            "Your readings leave as one file and merge into another project with the same films: in any order, any "
            "number of times, nothing is lost. Films go by their contents; no patient is in the file."
        )
        words.setWordWrap(True)
        words.setProperty("look", "muted")
        exchange.addWidget(words)
        buttons = QHBoxLayout()
        buttons.addWidget(self._send)
        buttons.addWidget(self._merge)
        buttons.addStretch(1)
        exchange.addLayout(buttons)
        exchange.addWidget(self.merged)
        exchange.addWidget(self.conflicts)
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(16, 14, 16, 14)
        column.setSpacing(12)
        for card, _ in cards:
            column.addWidget(card)
        column.addStretch(1)
        scroll = QScrollArea()
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setWidgetResizable(True)
        scroll.setWidget(inside)
        outside = QVBoxLayout(self)
        outside.setContentsMargins(0, 0, 0, 0)
        outside.addWidget(scroll)

    def show_readers(self, progress: Sequence[ReaderProgress], phase: ProjectPhase, myself: str) -> None:
        """Counts only, also while blinded."""
        while (item := self._grid.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        for row, one in enumerate(progress):
            again = "" if one.round == 1 else f", reading {one.round}"
            name = QLabel(f"{one.reader}{again}" + ("  (you)" if one.reader == myself else ""))
            bar = QProgressBar()
            bar.setTextVisible(False)
            bar.setRange(0, max(one.films, 1))
            bar.setValue(one.answered)
            bar.setAccessibleName(f"{one.reader}: {one.answered} of {one.films}")
            counts = QLabel(f"{one.answered} of {one.films} read, {one.signed} signed")
            counts.setProperty("look", "muted")
            for column, widget in enumerate((name, bar, counts)):
                self._grid.addWidget(widget, row, column)
        if not progress:
            self._grid.addWidget(QLabel("Nobody has read a film yet."), 0, 0)
        blinded = phase is ProjectPhase.BLINDED
        self.phase_words.setText(BLINDED if blinded else OPEN)
        self.end.setVisible(blinded)

    def show_merge(self, summary: MergeSummary, file_names: Mapping[str, str]) -> None:
        """What a merge brought, with everything that two workstations say differently."""
        parts = [f"{summary.reader}: {summary.added} new revisions, {summary.already} were here already."]
        if summary.signatures:
            parts.append(f"{summary.signatures} signatures.")
        if summary.pending:
            parts.append(f"{len(summary.pending)} films are not in this project; what was said of them waits for them.")
        if summary.altered:
            parts.append(f"{len(summary.altered)} revisions have another content here; ours stayed.")
        if summary.conflicts:
            count = len(summary.conflicts)
            parts.append(
                f"{count} film{'s were' if count > 1 else ' was'} changed on both sides: both versions are kept, the "
                f"newer one holds until {summary.reader} saves again."
            )
        careful = bool(summary.conflicts or summary.altered)
        self.merged.say(" ".join(parts), "warning" if careful else "info")
        rows = [
            (file_names.get(c.film_id, c.film_id[:12]), c.reader, " and ".join(str(r) for r in c.revisions))
            for c in summary.conflicts
        ]
        self.conflicts.show_rows(rows)
        self.conflicts.setVisible(bool(rows))
        self.conflicts.setMinimumHeight(min(34 + 34 * len(rows), 240))


def _card(title: str) -> tuple[QFrame, QVBoxLayout]:
    card = QFrame()
    card.setProperty("look", "card")
    column = QVBoxLayout(card)
    column.setContentsMargins(16, 12, 16, 14)
    column.setSpacing(9)
    head = QLabel(title)
    head.setProperty("look", "heading")
    column.addWidget(head)
    return card, column


def _command(action: QAction) -> QPushButton:
    button = QPushButton(action.text())
    button.setToolTip(action.toolTip())
    button.clicked.connect(action.trigger)
    return button
