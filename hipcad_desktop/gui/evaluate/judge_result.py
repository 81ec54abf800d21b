"""What judging came to: shares covered with their intervals, and kappa between rounds and between readers."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from hipcad_desktop.domain.agreement import Kappa
from hipcad_desktop.domain.judgement import JudgementSummary, ReaderJudgements
from hipcad_desktop.gui.evaluate.words import kappa_words
from hipcad_desktop.gui.widgets.figure_charts import Row, RowChart
from hipcad_desktop.gui.widgets.pieces import card, heading, muted, scrolled

_ROUNDS = {1: "first round", 2: "second round"}
_PAPER = (
    "The paper's surgeon judged twice, two weeks apart: covered on every found fracture, kappa given as 1.0. Where \
both rounds say the same everywhere, kappa is not defined; then the share of equal answers is given."
)


class JudgeResult(QWidget):
    """Shown when a round is done; other readers' figures appear only then, so that they sway nobody."""

    read = Signal()  # seen on the screen

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.words = heading("")
        self.words.setWordWrap(True)
        self.covered, self.kappas = RowChart("Share of heat maps that cover the fracture"), RowChart("Cohen's kappa")
        self.lines = muted()
        self._figures = QWidget()
        figures = QVBoxLayout(self._figures)
        figures.setContentsMargins(0, 0, 0, 0)
        figures.setSpacing(12)
        figures.addWidget(card("The heat covers the fracture", self.covered, note="Wilson's 95 % intervals."))
        figures.addWidget(card("Agreement", self.kappas, self.lines, note=_PAPER))
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 4, 0, 4)
        column.setSpacing(12)
        column.addWidget(self.words)
        column.addWidget(self._figures)
        column.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(scrolled(inside))

    def say(self, words: str) -> None:
        """What there is to do now."""
        self.words.setText(words)

    def clear(self) -> None:
        """No figures."""
        self._figures.hide()

    def show_summary(self, summary: JudgementSummary, reader: str) -> None:
        """The figures of all readers, this one first."""
        readers = sorted(summary.readers, key=lambda r: r.reader != reader)
        self._figures.setVisible(bool(readers))
        self.covered.show_rows([row for r in readers for row in _share_rows(r)])
        pairs = [(f"{r.reader}, both rounds", r.again) for r in readers if r.again.n]
        pairs += [(f"{one} and {two}", kappa) for one, two, kappa in summary.between if kappa.n]
        drawn = [_kappa_row(name, kappa) for name, kappa in pairs]
        lowest = min((k.low for _, k in pairs if k.low is not None), default=0.0)
        self.kappas.show_rows(drawn, least=-1.0 if lowest < 0 else 0.0)
        self.kappas.setVisible(bool(pairs))
        self.lines.setText("" if pairs else "Kappa comes with the second round, or with a second reader.")
        self.lines.setVisible(not pairs)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.read.emit()


def _share_rows(reader: ReaderJudgements) -> list[Row]:
    rows = []
    for round, share in reader.covered.items():
        if share.value is not None:
            words = f"{share.value:.3f}  ({share.low:.3f} to {share.high:.3f})   {share.hits} of {share.n}"
            rows.append(Row(f"{reader.reader}, {_ROUNDS[round]}", words, share.value, share.low, share.high))
    return rows


def _kappa_row(name: str, kappa: Kappa) -> Row:
    return Row(name, kappa_words(kappa), kappa.value, kappa.low, kappa.high)
