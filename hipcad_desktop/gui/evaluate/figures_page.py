"""The figures of a report: what speaks against them first, then figures with intervals, curves and counts."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, pairwise

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QVBoxLayout, QWidget

from hipcad_desktop.domain.evaluation import INTERVALS, Evaluation, HalvingFigures, OperatingPoint, PrCurve
from hipcad_desktop.gui.evaluate.parts import Cell, FigureGrid, Tile
from hipcad_desktop.gui.evaluate.report_file import ReportFile
from hipcad_desktop.gui.evaluate.words import HALVINGS, POINTS, point_name, whole_words
from hipcad_desktop.gui.widgets.figure_charts import Line, Mark, Sign, SquareChart
from hipcad_desktop.gui.widgets.notice import Notice
from hipcad_desktop.gui.widgets.pieces import card, muted, scrolled

_LEAK = "leak"  # the caution that sums up the probes, which stand here themselves
_ONE_CLASS = "Needs hips with and without a fracture."
_SIGNS: tuple[tuple[str, Sign], ...] = (("fracture", "circle"), ("doubt", "square"))  # colour, form by point


class FiguresPage(QWidget):
    """One report, one halving at a time."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._evaluation: Evaluation | None = None
        self.alarm, self.caution = Notice(), Notice()
        self.halving = QComboBox()
        self.halving.setAccessibleName("Which halving the figures are of")
        self.halving.currentIndexChanged.connect(lambda _i: self._show())
        self.of = muted()
        self.tiles = {
            "auc": Tile("AUC", "How often a broken hip scores above a whole one"),
            "auc_same_film": Tile("AUC WITHIN FILMS", "How often the broken hip scores above its film's other hip"),
            "average_precision": Tile("AVERAGE PRECISION", "Area under the precision-recall curve"),
            "brier": Tile("BRIER SCORE", "Mean squared distance of probability and truth; 0 is best"),
        }
        self.points, self.states, self.coverage = FigureGrid(), FigureGrid(), FigureGrid()
        self.roc = SquareChart("ROC curve", "1 − specificity", "sensitivity")
        self.pr = SquareChart("Precision-recall curve", "sensitivity (recall)", "precision (PPV here)")
        self.reliability = SquareChart("Reliability of the probabilities", "probability said", "share broken")
        self.point_words, self.calibration_words = muted(), muted()
        self._arrange()

    def show_report(self, report: ReportFile) -> None:
        """Its figures; the diagnosis halving first."""
        self._evaluation = report.evaluation
        self.halving.blockSignals(True)
        self.halving.clear()
        for figures in report.evaluation.halvings:
            self.halving.addItem(f"Hips halved {HALVINGS.get(figures.halving, figures.halving)}", figures.halving)
        self.halving.blockSignals(False)
        self._show_warnings(report.evaluation)
        self._show()

    def _arrange(self) -> None:
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(18, 14, 18, 18)
        column.setSpacing(12)
        head = QHBoxLayout()
        head.addWidget(self.halving)
        head.addSpacing(8)
        head.addWidget(self.of, 1)
        tiles = QHBoxLayout()
        tiles.setSpacing(10)
        for tile in self.tiles.values():
            tiles.addWidget(tile, 1)
        charts = QHBoxLayout()
        charts.setSpacing(10)
        for title, chart in (("ROC", self.roc), ("Precision and recall", self.pr), ("Reliability", self.reliability)):
            charts.addWidget(card(title, chart), 1)
        column.addWidget(self.alarm)
        column.addLayout(head)
        column.addLayout(tiles)
        column.addWidget(card("At the two thresholds", self.points, self.point_words))
        column.addLayout(charts)
        column.addWidget(card("Calibration", self.calibration_words))
        column.addWidget(card("What diagnosis would have said", self.states))
        self.coverage_card = card(
            "Does the heat map cover the fracture? Against the readers' rectangles", self.coverage
        )
        column.addWidget(self.coverage_card)
        column.addWidget(self.caution)
        column.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(scrolled(inside))

    def _show_warnings(self, evaluation: Evaluation) -> None:
        probes = [f"{p.question} {p.sentence}" for p in evaluation.probes if p.alarm]
        said = {p.sentence for p in evaluation.probes if p.alarm}
        grave = any(c.code == _LEAK and c.loud for c in evaluation.cautions)  # not of the paper's halving alone
        loud = [c.sentence for c in evaluation.cautions if c.loud and c.code != _LEAK and c.sentence not in said]
        quiet = [c.sentence for c in evaluation.cautions if not c.loud]
        self.alarm.say("\n".join(dict.fromkeys([*probes, *loud])), "error" if grave else "warning")
        self.caution.say("\n".join(dict.fromkeys(quiet)), "info")

    def _show(self) -> None:
        evaluation = self._evaluation
        if evaluation is None or not evaluation.halvings:
            return
        figures = evaluation.of(str(self.halving.currentData()))
        self.of.setText(
            f"{evaluation.partition.capitalize()} partition: {figures.hips:,} hips, {figures.fracture:,} with and "
            f"{figures.no_fracture:,} without a fracture; {figures.films:,} films of {figures.patients:,} patients."
        )
        self.tiles["auc"].show_figure(figures.auc)
        self.tiles["auc_same_film"].show_figure(figures.auc_same_film)
        self.tiles["average_precision"].show_figure(figures.average_precision)
        found = figures.calibration
        reference = f"always saying the share: {found.brier_reference:.3f}" if found is not None else ""
        self.tiles["brier"].show_figure(found.brier if found is not None else None, beside=reference)
        self._show_points(figures, evaluation)
        self._show_curves(figures)
        self._show_states(figures)
        self._show_coverage(figures)

    def _show_points(self, figures: HalvingFigures, evaluation: Evaluation) -> None:
        points = figures.points
        share = f"where {evaluation.prevalence:.0%} are broken"
        rows: list[tuple[str, Sequence[Cell]]] = [
            ("Sensitivity", [p.sensitivity for p in points]),
            ("Specificity", [p.specificity for p in points]),
            ("Accuracy", [p.accuracy for p in points]),
            (f"PPV {share}", [p.ppv for p in points]),
            (f"NPV {share}", [p.npv for p in points]),
            ("F1", [p.f1 for p in points]),
            ("Found / missed", [f"{p.true_positive:,} / {p.false_negative:,}" for p in points]),
            ("False alarms / rightly whole", [f"{p.false_positive:,} / {p.true_negative:,}" for p in points]),
        ]
        self.points.show_figures([_head(p) for p in points], rows)
        chosen = evaluation.thresholds_from.get("partition", "validation")
        intervals = INTERVALS[evaluation.interval]
        cooled = f" Probabilities at temperature {evaluation.temperature:.2f}." if evaluation.temperature != 1 else ""
        self.point_words.setText(
            f"Thresholds chosen on the {chosen} partition only. Intervals are 95 %, of shares {intervals}.{cooled}"
        )

    def _show_curves(self, figures: HalvingFigures) -> None:
        roc, pr = figures.roc, figures.pr
        marks = list(zip(figures.points, _SIGNS, strict=False))
        self.roc.show_curves(
            [Line("", tuple(zip(roc.false_positive_rate, roc.true_positive_rate, strict=True)))]
            if roc.true_positive_rate
            else [],
            [
                Mark(POINTS.get(p.name, (p.name, ""))[0], (1 - fp, tp), colour, sign)
                for p, (colour, sign) in marks
                if (tp := p.sensitivity.value) is not None and (fp := p.specificity.value) is not None
            ],
            diagonal=True,
            empty=_ONE_CLASS,
        )
        self.pr.show_curves(
            [Line("", steps_of(pr))] if pr.recall else [],
            [
                Mark(POINTS.get(p.name, (p.name, ""))[0], (recall, p.true_positive / called), colour, sign)
                for p, (colour, sign) in marks
                if (recall := p.sensitivity.value) is not None and (called := p.true_positive + p.false_positive)
            ],
            empty=_ONE_CLASS,
        )
        found = figures.calibration
        bins = found.bins if found is not None else ()
        self.reliability.show_curves(
            [Line("", tuple((b.mean_p, b.observed.value or 0.0) for b in bins), "accent", Qt.PenStyle.DotLine)]
            if bins
            else [],
            [
                Mark(
                    "hips of a bin, 95 % interval", (b.mean_p, v), "accent", "circle", (b.observed.low, b.observed.high)
                )
                for b in bins
                if (v := b.observed.value) is not None
            ],
            diagonal=True,
            empty="Needs hips.",
        )
        self.calibration_words.setText(_calibration_words(figures))

    def _show_coverage(self, figures: HalvingFigures) -> None:
        found = figures.coverage
        self.coverage_card.setVisible(found is not None)
        if found is None:
            return
        rows: list[tuple[str, Sequence[Cell]]] = [
            ("Hottest point inside", [found.pointing, f"{found.pointing_by_chance:.3f}"]),
            ("Share of the heat inside", [found.heat_inside, f"{found.inside_by_chance:.3f}"]),
            (
                f"Overlap (IoU) of the heat above {found.iou_threshold:.0%}",
                [found.iou, "best on these hips"],
            ),
        ]
        self.coverage.show_figures([f"{found.n:,} fractures found", "by chance"], rows)

    def _show_states(self, figures: HalvingFigures) -> None:
        states = (("fracture", "Fracture"), ("doubt", "Doubt: CT or MRI"), ("no_fracture", "No fracture"))
        rows: list[tuple[str, Sequence[Cell]]] = []
        for truth, words in (("fracture", "Broken hips"), ("no_fracture", "Whole hips")):
            counts = figures.states.get(truth, {})
            total = max(sum(counts.values()), 1)
            rows.append((words, [f"{counts.get(s, 0):,}  ({counts.get(s, 0) / total:.0%})" for s, _ in states]))
        self.states.show_figures([words for _, words in states], rows)


def _head(point: OperatingPoint) -> str:
    _, short = POINTS.get(point.name, ("", ""))
    return f"{point_name(point.name, point.threshold)}\n{short}"


def steps_of(pr: PrCurve) -> tuple[tuple[float, float], ...]:
    """Each precision held to the next recall, as average precision counts it: a straight line between would flatter."""
    points = list(zip(pr.recall, pr.precision, strict=True))
    corners = ((after[0], before[1]) for before, after in pairwise(points))
    return (points[0], *chain.from_iterable(zip(corners, points[1:], strict=True)))


def _calibration_words(figures: HalvingFigures) -> str:
    found = figures.calibration
    if found is None:
        return "Cannot be computed without hips."
    share = "as they are"
    if found.trained_prevalence is not None:
        share = f"moved from the {found.trained_prevalence:.0%} they are meant for to this partition's share"
    return (
        f"Slope {whole_words(found.slope)}: 1 is best, below 1 the network is too sure.\n"
        f"Intercept {whole_words(found.intercept)}: 0 is best, above 0 its probabilities are too low on the whole.\n"
        f"Brier score {whole_words(found.brier)}; always saying {found.prevalence:.1%} would give "
        f"{found.brier_reference:.3f}. Probabilities are taken {share}."
    )
