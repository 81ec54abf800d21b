"""Whether to believe a report: leak alarms and probes, how often the test partition was opened, where it came from."""

from __future__ import annotations

from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from hipcad_desktop.domain.evaluation import Evaluation
from hipcad_desktop.domain.time_words import day_words
from hipcad_desktop.gui.dialogs.table import WordTable
from hipcad_desktop.gui.evaluate.report_file import ReportFile
from hipcad_desktop.gui.evaluate.words import interval_words, value_words
from hipcad_desktop.gui.widgets.figure_charts import Row, RowChart
from hipcad_desktop.gui.widgets.notice import Notice
from hipcad_desktop.gui.widgets.pieces import card, clear, muted, scrolled

_OWN_AUC = "model's AUC"  # workflows.leak_alarms: not a clue, but the model itself being too good


class ChecksPage(QWidget):
    """Probes with their verdicts and sentences; openings; model, dataset and program."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.verdict = Notice()
        self.probes = RowChart("How well the label is told by what should not tell it")
        self._sentences = QVBoxLayout()
        self._sentences.setSpacing(6)
        self.openings = WordTable(("No.", "Opened", "Model", "Thresholds"), ())
        self.openings.setColumnWidth(0, 50)
        self.openings.setColumnWidth(2, 320)
        self.opening_words = muted()
        self.source = muted()
        self.probe_card = card(
            "Can the label be told without looking at the bone?",
            self.probes,
            self._sentences,
            note="A classifier that sees only these clues, cross-validated by patient. 0.5 is chance: there the clue "
            "tells nothing.",
        )
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(18, 14, 18, 18)
        column.setSpacing(12)
        column.addWidget(self.verdict)
        column.addWidget(self.probe_card)
        column.addWidget(card("The seal of the test partition", self.opening_words, self.openings))
        column.addWidget(card("Where these figures come from", self.source))
        column.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(scrolled(inside))

    def show_report(self, report: ReportFile) -> None:
        """Its checks."""
        found = report.evaluation
        alarms = [p for p in found.probes if p.alarm]
        if alarms:
            count = f"{len(alarms)} checks alarm" if len(alarms) > 1 else "One check alarms"
            self.verdict.say(f"{count}. Do not believe the figures before this is explained.", "error")
        elif found.probes:
            self.verdict.say(f"None of {len(found.probes)} checks alarms.", "info")
        else:
            self.verdict.say("This report carries no leak checks.", "warning")
        self._show_probes(found)
        self._show_openings(found)
        model, dataset = found.model, found.dataset
        lines = [
            f"Model {model.get('name', '?')}, {model.get('backbone', '?')}, recipe {model.get('recipe', '?')}; "
            f"SHA-256 {str(model.get('sha256', '?'))[:16]}…",
            f"Dataset {dataset.get('name', '?')}, {found.partition} partition; "
            f"SHA-256 of its table {str(dataset.get('hips_sha256', '?'))[:16]}…",
            f"Made {day_words(found.created_utc)} by HipCAD {found.program_version}, in {report.folder}",
            found.notice,
        ]
        self.source.setText("\n".join(lines))

    def _show_probes(self, found: Evaluation) -> None:
        self.probe_card.setVisible(bool(found.probes))
        rows = []
        for probe in found.probes:
            if probe.auc.value is not None and not probe.name.startswith(_OWN_AUC):
                sign = "✕" if probe.alarm else "✓"
                words = f"{sign} {value_words(probe.auc)}  ({interval_words(probe.auc)})   n = {probe.auc.n:,}"
                auc = probe.auc
                colour = "danger" if probe.alarm else "ok"
                rows.append(Row(probe.name, words, auc.value, auc.low, auc.high, colour=colour))
        self.probes.show_rows(rows, reference=(0.5, "chance"))
        self.probes.setVisible(bool(rows))
        clear(self._sentences)
        for probe in found.probes:
            label = QLabel(f"{'✕' if probe.alarm else '✓'}  {probe.question}\n     {probe.sentence}")
            label.setWordWrap(True)
            if not probe.alarm:
                label.setProperty("look", "muted")
            else:
                label.setProperty("look", "error")
            self._sentences.addWidget(label)

    def _show_openings(self, found: Evaluation) -> None:
        self.openings.setVisible(bool(found.openings))
        if found.partition != "test":
            words = f"These figures are of the {found.partition} partition; the test partition was not opened for them."
        elif not found.openings:
            words = "No opening is on record."
        elif len(found.openings) == 1:
            words = "Opened once, for this report."
        else:
            words = (
                f"Opened {len(found.openings)} times. Whoever knows earlier results may have chosen by them: "
                "only the first opening is free of that."
            )
        self.opening_words.setText(words)
        self.openings.show_rows(
            [
                (
                    str(o.number),
                    day_words(o.opened_utc),
                    f"{o.model_name}, {o.model_sha256[:12]}",
                    f"no fracture below {o.thresholds.no_fracture:.3f}, fracture from {o.thresholds.fracture:.3f}",
                )
                for o in found.openings
            ]
        )
        self.openings.setFixedHeight(34 + 34 * min(len(found.openings), 6))
