"""Subgroups: the same figure for every part of the hips, with its interval, so that a weak part is seen."""

from __future__ import annotations

from PySide6.QtWidgets import QComboBox, QHBoxLayout, QVBoxLayout, QWidget

from hipcad_desktop.domain.evaluation import HalvingFigures
from hipcad_desktop.domain.metrics import Estimate, Proportion
from hipcad_desktop.domain.subgroups import KINDS, Subgroup
from hipcad_desktop.gui.evaluate.report_file import ReportFile
from hipcad_desktop.gui.evaluate.words import POINTS, interval_words, value_words
from hipcad_desktop.gui.widgets.figure_charts import Row, RowChart
from hipcad_desktop.gui.widgets.pieces import card, muted, scrolled

_ALL = "All hips"
_NONE = "The dataset says nothing of types, hospitals, scanners, sex or age, so there are no subgroups."


class SubgroupsPage(QWidget):
    """A forest plot of one figure over all subgroups."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._figures: HalvingFigures | None = None
        self.figure = QComboBox()
        self.figure.setAccessibleName("Which figure is shown of each subgroup")
        self.figure.currentIndexChanged.connect(lambda _i: self._show())
        self.chart = RowChart("Figures of subgroups")
        self.words = muted()
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(18, 14, 18, 18)
        column.setSpacing(12)
        head = QHBoxLayout()
        head.addWidget(self.figure)
        head.addSpacing(8)
        head.addWidget(self.words, 1)
        column.addLayout(head)
        column.addWidget(
            card(
                "",
                self.chart,
                note="Bars are 95 % intervals. Types are parts of the broken hips against all whole ones, kinds of "
                "negatives parts of the whole hips against all broken ones. Small groups say little: mind n.",
            )
        )
        column.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(scrolled(inside))

    def show_report(self, report: ReportFile) -> None:
        """The subgroups of the diagnosis halving."""
        self._figures = report.evaluation.halvings[0] if report.evaluation.halvings else None
        chosen = self.figure.currentText()
        self.figure.blockSignals(True)
        self.figure.clear()
        self.figure.addItem("AUC", ("auc", ""))
        for point in self._figures.points if self._figures is not None else ():
            short = POINTS.get(point.name, ("", point.name))[1]
            for name in ("sensitivity", "specificity"):
                self.figure.addItem(f"{name.capitalize()} from {point.threshold:.3f} ({short})", (name, point.name))
        self.figure.setCurrentIndex(max(self.figure.findText(chosen), 0))
        self.figure.blockSignals(False)
        self._show()

    def _show(self) -> None:
        figures, chosen = self._figures, self.figure.currentData()
        if figures is None or chosen is None:
            return
        name, point = chosen
        whole: Estimate | Proportion = figures.auc
        if name != "auc":
            whole = getattr(next(p for p in figures.points if p.name == point), name)
        rows = [_row(_ALL, whole, f"n = {figures.hips:,}")]
        for kind in KINDS:
            parts = [s for s in figures.subgroups if s.kind == kind]
            if parts:
                rows.append(Row(kind.upper(), heading=True))
                rows += [_row(s.name, _figure(s, name, point), _count(s, name)) for s in parts]
        self.words.setText("" if figures.subgroups else _NONE)
        reference = None if whole.value is None else (whole.value, "all hips")
        lowest = min((row.low for row in rows if row.low is not None), default=0.0)
        self.chart.show_rows(rows, least=0.5 if lowest >= 0.5 else 0.0, reference=reference)


def _figure(part: Subgroup, name: str, point: str) -> Estimate | Proportion | None:
    if name == "auc":
        return part.auc
    shares = part.sensitivity if name == "sensitivity" else part.specificity
    return shares.get(point)


def _count(part: Subgroup, name: str) -> str:
    match name:
        case "sensitivity":
            return f"n = {part.fracture:,}"
        case "specificity":
            return f"n = {part.no_fracture:,}"
        case _:
            return f"n = {part.fracture:,} + {part.no_fracture:,}"


def _row(name: str, figure: Estimate | Proportion | None, count: str) -> Row:
    if figure is None or figure.value is None:
        return Row(name, f"–   {count}")
    interval = interval_words(figure)
    words = f"{value_words(figure)}  ({interval})   {count}" if interval else f"{value_words(figure)}   {count}"
    return Row(name, words, figure.value, figure.low, figure.high)
