"""An open report: its name, its pages outside, and what can be looked at, judged and compared in tabs."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QTabWidget, QVBoxLayout, QWidget

from hipcad_desktop.domain.judgement import FOUND
from hipcad_desktop.domain.time_words import day_words
from hipcad_desktop.gui.evaluate.checks_page import ChecksPage
from hipcad_desktop.gui.evaluate.compare_page import ComparePage
from hipcad_desktop.gui.evaluate.figures_page import FiguresPage
from hipcad_desktop.gui.evaluate.gallery_page import GalleryPage
from hipcad_desktop.gui.evaluate.judge_page import JudgePage
from hipcad_desktop.gui.evaluate.report_file import HTML, PDF, ReportFile, open_outside
from hipcad_desktop.gui.evaluate.subgroups_page import SubgroupsPage
from hipcad_desktop.gui.tasks import Tasks
from hipcad_desktop.gui.widgets.elided import ElidedLabel


class ReportView(QWidget):
    """Hands a report to every tab."""

    back_asked = Signal()

    def __init__(self, tasks: Tasks, *, reader: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.report: ReportFile | None = None
        self._title = ElidedLabel(mode=Qt.TextElideMode.ElideRight)
        self._title.setProperty("look", "title")
        self._words = ElidedLabel(mode=Qt.TextElideMode.ElideRight)
        self._words.setProperty("look", "muted")
        self.back = QPushButton("‹  Evaluations")
        self.back.setToolTip("A new evaluation, or another report")
        self.back.clicked.connect(self.back_asked)
        self.html, self.pdf, self.folder = QPushButton("Open report"), QPushButton("Open PDF"), QPushButton("Folder")
        self.html.clicked.connect(lambda: self._open(HTML))
        self.pdf.clicked.connect(lambda: self._open(PDF))
        self.folder.clicked.connect(lambda: self._open(""))
        self.figures, self.subgroups, self.checks = FiguresPage(), SubgroupsPage(), ChecksPage()
        self.gallery = GalleryPage(tasks)
        self.judge = JudgePage(tasks, reader=reader)
        self.compare = ComparePage()
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        for page, name in (
            (self.figures, "Figures"),
            (self.subgroups, "Subgroups"),
            (self.checks, "Checks"),
            (self.gallery, "Errors"),
            (self.judge, "Judge heat maps"),
            (self.compare, "Compare"),
        ):
            self.tabs.addTab(page, name)
        self.tabs.currentChanged.connect(self._on_tab)
        self._arrange()

    def show_report(self, report: ReportFile) -> None:
        """Show it in every tab, the figures first."""
        self.report = report
        found = report.evaluation
        self._title.setText(report.title)
        self._words.setText(
            f"{found.partition.capitalize()} partition, {day_words(found.created_utc)}, HipCAD {found.program_version}"
        )
        self.html.setVisible(report.has_html)
        self.pdf.setVisible(report.has_pdf)
        for page in (self.figures, self.subgroups, self.checks, self.gallery, self.judge):
            page.show_report(report)
        self.compare.forget(report.folder)
        alarms = sum(p.alarm for p in found.probes)
        self.tabs.setTabText(self.tabs.indexOf(self.checks), f"Checks  ✕ {alarms}" if alarms else "Checks")
        judged = sum(m.kind == FOUND for m in report.heat_maps)
        self.tabs.setTabText(self.tabs.indexOf(self.judge), f"Judge heat maps ({judged})")
        self.tabs.setCurrentWidget(self.figures)

    def _open(self, name: str) -> None:
        if self.report is not None:
            open_outside(self.report.folder / name if name else self.report.folder)

    def _on_tab(self) -> None:
        page = self.tabs.currentWidget()
        if page is self.judge:  # Y and N are heard at once
            self.judge.setFocus(Qt.FocusReason.OtherFocusReason)

    def _arrange(self) -> None:
        names = QVBoxLayout()
        names.setSpacing(0)
        names.addWidget(self._title)
        names.addWidget(self._words)
        head = QHBoxLayout()
        head.setContentsMargins(18, 12, 18, 4)
        head.setSpacing(8)
        head.addWidget(self.back)
        head.addSpacing(6)
        head.addLayout(names, 1)
        for button in (self.html, self.pdf, self.folder):
            head.addWidget(button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addLayout(head)
        layout.addWidget(self.tabs, 1)
