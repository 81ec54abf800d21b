"""Two models, or two thresholds, on the same hips: paired differences with their intervals and tests."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from hipcad_desktop.domain.comparison import Comparison, HalvingComparison, PairedProportion
from hipcad_desktop.domain.metrics import Estimate
from hipcad_desktop.gui.evaluate.parts import Cell, FigureGrid
from hipcad_desktop.gui.evaluate.report_file import open_outside
from hipcad_desktop.gui.evaluate.words import POINTS
from hipcad_desktop.gui.widgets.figure_charts import Line, Row, RowChart, SquareChart
from hipcad_desktop.gui.widgets.notice import Notice
from hipcad_desktop.gui.widgets.pieces import button_row, card, clear, muted, scrolled

_BEFORE = (
    "Choose a second report of the same hips: another model on the same partition of the same dataset. "
    "Both are compared hip by hip: DeLong for the AUC, McNemar for sensitivity and specificity."
)


class ComparePage(QWidget):
    """Emits what is asked for; the mode asks the worker and hands back what came of it."""

    compare_asked = Signal(object)  # Path of the other report

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.start_folder = Path.home()
        self._page: Path | None = None
        self.choose = QPushButton("Compare with a report…")
        self.choose.setProperty("look", "primary")
        self.choose.clicked.connect(self._ask)
        self.page = QPushButton("Open the comparison's page")
        self.page.clicked.connect(self._open_page)
        self.page.hide()
        self.words, self.notice = muted(_BEFORE), Notice()
        self.names = QLabel()
        self.names.setWordWrap(True)
        self.names.setTextFormat(Qt.TextFormat.PlainText)
        self.figures = FigureGrid()
        self.differences = RowChart("Differences, B minus A")
        self.roc = SquareChart("ROC curves of both", "1 − specificity", "sensitivity")
        self._discordant = QVBoxLayout()
        self._result = QWidget()
        self._arrange()

    def _arrange(self) -> None:
        result = QVBoxLayout(self._result)
        result.setContentsMargins(0, 0, 0, 0)
        result.setSpacing(12)
        row = QHBoxLayout()
        row.setSpacing(10)
        note = "95 % intervals; the dashed line is no difference. p-values: two-sided, not corrected for number."
        row.addWidget(card("Differences (B minus A)", self.differences, note=note), 5)
        row.addWidget(card("ROC", self.roc), 3)
        result.addWidget(self.names)
        result.addLayout(row)
        result.addWidget(card("Side by side", self.figures))
        result.addWidget(card("Hips that only one of the two got right", self._discordant))
        self._result.hide()
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(18, 14, 18, 18)
        column.setSpacing(12)
        column.addLayout(button_row(self.choose, self.page))
        column.addWidget(self.words)
        column.addWidget(self.notice)
        column.addWidget(self._result)
        column.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(scrolled(inside))

    def forget(self, folder: Path) -> None:
        """Another report is open, in this folder: nothing is compared with it yet."""
        self.start_folder = folder.parent
        self._result.hide()
        self.page.hide()
        self.notice.say("")
        self.words.show()
        self.choose.setEnabled(True)

    def show_busy(self) -> None:
        """The worker compares."""
        self.notice.say("Comparing …")
        self._result.hide()
        self.page.hide()
        self.choose.setEnabled(False)

    def show_failure(self, words: str) -> None:
        """Why there is no comparison."""
        self.notice.say(words, "error")
        self.choose.setEnabled(True)

    def show_comparison(self, found: Comparison, page: Path | None) -> None:
        """What came of it; page is compare.html."""
        self.choose.setEnabled(True)
        self._page = page
        self.page.setVisible(page is not None)
        self.words.hide()
        loud = [c.sentence for c in found.cautions]
        self.notice.say("\n".join(loud), "warning" if any(c.loud for c in found.cautions) else "info")
        self.names.setText(
            f"A  {found.a.model.get('name', '?')}  ({found.a.report})\nB  {found.b.model.get('name', '?')}  "
            f"({found.b.report})"
        )
        if found.halvings:
            self._show_halving(found.halvings[0])
        self._result.setVisible(bool(found.halvings))

    def _show_halving(self, found: HalvingComparison) -> None:
        differences = [_difference("AUC", found.auc.difference, found.auc.p_value)]
        table: list[tuple[str, Sequence[Cell]]] = [("AUC", (found.auc.a, found.auc.b, found.auc.difference))]
        for point in found.points:
            name, _ = POINTS.get(point.name, (point.name.capitalize(), ""))
            heading = f"{name}: A from {point.threshold_a:.3f}, B from {point.threshold_b:.3f}"
            differences.append(Row(heading, heading=True))
            table.append((heading, ("", "", "")))
            for share in (point.sensitivity, point.specificity):
                differences.append(_difference(share.name.capitalize(), share.difference, share.p_value))
                table.append((f"   {share.name.capitalize()}", (share.a, share.b, _cells(share))))
        least, most = _span(differences)
        self.differences.show_rows(differences, least=least, most=most, reference=(0.0, "no difference"))
        self.figures.show_figures(("A", "B", "Difference"), table)
        solid, dashed = Qt.PenStyle.SolidLine, Qt.PenStyle.DashLine
        curves = ((found.roc_a, "A", "accent", solid), (found.roc_b, "B", "doubt", dashed))
        lines = [
            Line(words, tuple(zip(roc.false_positive_rate, roc.true_positive_rate, strict=True)), colour, dash)
            for roc, words, colour, dash in curves
            if roc.true_positive_rate
        ]
        self.roc.show_curves(lines, diagonal=True, empty="Needs hips with and without a fracture.")
        clear(self._discordant)
        for hip in found.discordant[:40]:
            kind = "broken" if hip.fracture else "whole"
            said = f"A {hip.p_a:.3f}, B {hip.p_b:.3f}; right: {hip.right.upper()}"
            self._discordant.addWidget(muted(f"film {hip.film_code}, {hip.side}: {kind}; {said}"))
        if not found.discordant:
            self._discordant.addWidget(muted("None: they are right and wrong on the same hips."))
        elif len(found.discordant) > 40:
            self._discordant.addWidget(muted(f"… and {len(found.discordant) - 40} more, in compare.json."))

    def _open_page(self) -> None:
        if self._page is not None:
            open_outside(self._page)

    def _ask(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "The other report's folder", str(self.start_folder))
        if chosen:
            self.compare_asked.emit(Path(chosen))


def _difference(name: str, figure: Estimate, p_value: float | None) -> Row:
    if figure.value is None:
        return Row(name, f"–   {figure.reason}")
    interval = "" if figure.low is None or figure.high is None else f"  ({figure.low:+.3f} to {figure.high:+.3f})"
    p = "" if p_value is None else ("   p < 0.001" if p_value < 0.001 else f"   p = {p_value:.3f}")
    return Row(name, f"{figure.value:+.3f}{interval}{p}", figure.value, figure.low, figure.high)


def _span(rows: Sequence[Row]) -> tuple[float, float]:
    """An axis with 0 in the middle that holds every interval."""
    widest = max([abs(v) for r in rows for v in (r.value, r.low, r.high) if v is not None], default=0.0)
    reach = next((r for r in (0.05, 0.1, 0.2, 0.5) if widest <= r), 1.0)
    return -reach, reach


def _cells(share: PairedProportion) -> str:
    return f"only A right {share.only_a_right}, only B right {share.only_b_right}\n{share.test}"
