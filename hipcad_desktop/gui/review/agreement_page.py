"""How two readers agree: kappa for presence and type, overlap of rectangles, and what the numbers are of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QFrame, QHBoxLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from hipcad_desktop.gui.review.charts import KappaChart, KappaRow, OverlapChart
from hipcad_desktop.gui.widgets.notice import Notice

if TYPE_CHECKING:
    from hipcad_desktop.workflows.agreement import PairAgreement


class AgreementPage(QWidget):
    """One pair at a time."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._pairs: Sequence[PairAgreement] = ()
        self.pair = QComboBox()
        self.pair.setAccessibleName("Which two readings are compared")
        self.pair.setMinimumWidth(260)
        self.pair.currentIndexChanged.connect(lambda _i: self._show())
        self.films, self.overlap_words = QLabel(), QLabel()
        for label in (self.films, self.overlap_words):
            label.setWordWrap(True)
            label.setProperty("look", "muted")
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.kappas, self.overlaps = KappaChart(), OverlapChart()
        self.trouble = Notice()
        self._figures = QWidget()
        self._build()

    def _build(self) -> None:
        head = QHBoxLayout()
        head.addWidget(self.pair)
        head.addWidget(self.films, 1)
        figures = QVBoxLayout(self._figures)
        figures.setContentsMargins(0, 0, 0, 0)
        figures.setSpacing(12)
        figures.addLayout(head)
        note = "Unweighted; 95 % interval after Fleiss, Cohen, Everitt 1969. The hips of one film are not independent."
        figures.addWidget(_card("Cohen's kappa", note, self.kappas))
        card = _card("Overlap of rectangles (IoU)", "", self.overlaps)
        layout = card.layout()
        assert layout is not None
        layout.addWidget(self.overlap_words)
        figures.addWidget(card)
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(16, 14, 16, 14)
        column.addWidget(self.trouble)
        column.addWidget(self._figures)
        column.addStretch(1)
        scroll = QScrollArea()
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setWidgetResizable(True)
        scroll.setWidget(inside)
        outside = QVBoxLayout(self)
        outside.setContentsMargins(0, 0, 0, 0)
        outside.addWidget(scroll)

    def show_pairs(self, pairs: Sequence[PairAgreement], trouble: str) -> None:
        """All pairs; the one shown before stays."""
        chosen = self.pair.currentText()
        self._pairs = pairs
        self.pair.blockSignals(True)
        self.pair.clear()
        for entry in pairs:
            one, two = entry.readers
            self.pair.addItem(f"{one}: first and second reading" if one == two else f"{one} and {two}")
        self.pair.setCurrentIndex(max(self.pair.findText(chosen), 0))
        self.pair.blockSignals(False)
        self.trouble.say(trouble, "info")
        self._show()

    def _show(self) -> None:
        index = self.pair.currentIndex()
        self._figures.setVisible(0 <= index < len(self._pairs))
        if not 0 <= index < len(self._pairs):
            return
        found = self._pairs[index].agreement
        left = f"; {found.left_out} left out, because one is unsure or excludes the film" if found.left_out else ""
        self.films.setText(f"{found.films} films answered by both{left}. They differ on {len(found.disagreements)}.")
        self.kappas.show_rows(
            (
                KappaRow("Fracture, per film", found.presence_films),
                KappaRow("Fracture, per hip", found.presence_hips),
                KappaRow("Type", found.types),
            )
        )
        overlap = found.overlap
        self.overlaps.show_values(overlap.values)
        words = "No film on which both drew a rectangle on the same hip."
        if overlap.median is not None and overlap.lowest is not None and overlap.share_same is not None:
            words = (
                f"{overlap.n} pairs of rectangles: median {overlap.median:.2f}, lowest {overlap.lowest:.2f}; "
                f"{overlap.share_same:.0%} overlap by at least a half."
            )
        alone = f" {overlap.unmatched} without a counterpart." if overlap.unmatched else ""
        self.overlap_words.setText(words + alone)


def _card(title: str, note: str, *parts: QWidget) -> QFrame:
    card = QFrame()
    card.setProperty("look", "card")
    column = QVBoxLayout(card)
    column.setContentsMargins(16, 12, 16, 12)
    column.setSpacing(8)
    head = QLabel(title)
    head.setProperty("look", "heading")
    column.addWidget(head)
    for part in parts:
        column.addWidget(part)
    if note:
        words = QLabel(note)
        words.setProperty("look", "muted")
        words.setWordWrap(True)
        column.addWidget(words)
    return card
