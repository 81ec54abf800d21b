"""Export a dataset: where to, how it is divided; then how it goes; then what came out and what did not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QFileDialog,
    QFormLayout,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLayout,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QSpinBox,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from hipcad_desktop.domain.errors import ErrorCode
from hipcad_desktop.gui.dialogs.partition import PartitionForm
from hipcad_desktop.gui.dialogs.table import WordTable
from hipcad_desktop.gui.widgets.notice import Notice

if TYPE_CHECKING:
    from hipcad_desktop.domain.cohort import PatientGroup
    from hipcad_desktop.gui.tasks import Work
    from hipcad_desktop.workflows.export_dataset import ExportSummary

COLUMNS = ("patients", "films", "fracture", "no_fracture")
HEADINGS = ("Partition", "Patients", "Films", "Hips with fracture", "Hips without")


@dataclass(frozen=True, slots=True)
class SyntheticHips:
    """How many hips are to be made by program to train on, and which share of them broken."""

    hips: int
    broken_share: float


class ExportDialog(QDialog):
    """Three pages. It starts nothing itself: export_asked tells, follow() and show_*() answer."""

    export_asked = Signal(object, object, int, object)  # Path, PartitionRule, seed, SyntheticHips (None: none)
    train_asked = Signal(object)  # Path of the dataset

    def __init__(self, target: Path, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Export dataset")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(620, 660)
        self._work: Work | None = None
        self._dataset: Path | None = None
        self._pages = QStackedWidget()
        self._tables = QVBoxLayout()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(20, 16, 20, 16)
        layout.setSpacing(12)
        self._title = QLabel("Export dataset")
        self._title.setProperty("look", "title")
        layout.addWidget(self._title)
        layout.addWidget(self._pages, 1)
        self._build_form(target)
        self._build_progress()
        self._build_result()

    def _build_form(self, target: Path) -> None:
        self.folder = QLineEdit(str(target))
        choose = _not_default(QPushButton("Choose…"))
        choose.clicked.connect(self._choose)
        where = QHBoxLayout()
        where.addWidget(self.folder, 1)
        where.addWidget(choose)
        self.partition = PartitionForm()
        self.partition.changed.connect(self._partition_changed)
        self.fractures = QComboBox()
        self.fractures.addItems(("as readers found them", "made by program from films without any"))
        self.hips = QSpinBox()
        self.hips.setRange(2, 200_000)
        self.hips.setSingleStep(500)
        self.hips.setValue(2000)
        self.hips.setSuffix(" hips")
        self.hips.setAccessibleName("Synthetic hips to train on")
        self.hips.hide()
        self.broken = QSpinBox()
        self.broken.setRange(5, 95)
        self.broken.setSingleStep(5)
        self.broken.setValue(50)
        self.broken.setSuffix(" % broken")
        self.broken.setAccessibleName("Share of the synthetic hips that are broken")
        self.broken.setToolTip("50 %: one hip of every film. Less: some films stay whole. More: some have both broken.")
        self.broken.hide()
        made = QHBoxLayout()
        made.addWidget(self.fractures, 1)
        made.addWidget(self.hips)
        made.addWidget(self.broken)
        self._made_words = QLabel(
            "Hips broken by program, to train on where few real fractures are at hand, and whole ones made so too. "
            "Every patient with a real fracture is test then: synthetic hips are in no figure of the test partition."
        )
        self._made_words.setProperty("look", "muted")
        self._made_words.setWordWrap(True)
        self._made_words.hide()
        self.fractures.currentIndexChanged.connect(self._fractures_changed)
        form = QFormLayout()
        form.setSpacing(10)
        form.addRow("New folder", where)
        form.addRow("Fractures", made)
        form.addRow(self._made_words)
        words = QLabel(
            "Every film with an agreed answer gives two hips of 380 × 380 pixels, as halves of the film and, where "
            "both are found, as squares about them; no name. "
            "All films of one patient go into one partition, always. The same project and seed give the same dataset."
        )
        words.setProperty("look", "muted")
        words.setWordWrap(True)
        self.trouble = Notice()
        self.start = QPushButton("Export")
        self.start.setProperty("look", "primary")
        self.start.setDefault(True)
        self.start.clicked.connect(self._ask)
        cancel = _not_default(QPushButton("Cancel"))
        cancel.clicked.connect(self.reject)
        self._page(words, form, self.partition, self.trouble, None, _row(cancel, self.start))
        self._partition_changed()

    def _build_progress(self) -> None:
        self._progress_words = QLabel()
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._stop = _not_default(QPushButton("Cancel"))
        self._stop.clicked.connect(self._cancel)
        self._page(self._progress_words, self._bar, None, _row(self._stop))

    def _build_result(self) -> None:
        self.result_words = QLabel()
        self.result_words.setWordWrap(True)
        self.result_words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        close = _not_default(QPushButton("Close"))
        close.clicked.connect(self.accept)
        self.train = QPushButton("Train on it")
        self.train.setProperty("look", "primary")
        self.train.clicked.connect(self._train)
        self._page(self.result_words, self._tables, _row(close, self.train))

    def _page(self, *parts: QWidget | QLayout | None) -> None:
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(12)
        for part in parts:
            if part is None:
                column.addStretch(1)
            elif isinstance(part, QWidget):
                column.addWidget(part)
            else:
                column.addLayout(part, int(part is self._tables))
        self._pages.addWidget(page)

    def show_population(self, population: Mapping[str, PatientGroup]) -> None:
        """The patients that will be divided have been counted."""
        self.partition.show_population(population)
        nothing = "No film has an answer that can be exported yet. Read some films first."
        self.trouble.say("" if population else nothing, "warning")

    def follow(self, work: Work) -> None:
        """The export runs."""
        self._work = work
        self._progress_words.setText("Reading the project…")
        self._bar.setRange(0, 0)
        self._stop.setEnabled(True)
        work.progressed.connect(self._progressed)
        self._pages.setCurrentIndex(1)

    def show_result(self, summary: ExportSummary) -> None:
        """What came out, and what did not."""
        self._work = None
        self._dataset = summary.dataset
        self._title.setText("Dataset exported")
        self.resize(780, 560)
        left, squareless = len(summary.not_exported), len(summary.without_squares)
        self.result_words.setText(
            f"{summary.films} films, {summary.hips} hips in {summary.dataset}"
            + (f"\n{summary.synthesis.words}" if summary.synthesis else "")
            + (f"\n{left} film{'' if left == 1 else 's'} not exported; the table says why." if left else "")
            + (f"\n{squareless} of the films without squares about the hips (recipe “hip”)." if squareless else "")
        )
        rows = [(name, *(str(counts.get(column, 0)) for column in COLUMNS)) for name, counts in summary.counts.items()]
        counts = WordTable(HEADINGS, rows)
        counts.setMaximumHeight(40 + 30 * len(rows))
        for column in range(4):
            counts.setColumnWidth(column, 130)
        self._tables.addWidget(counts)
        # What somebody decided comes before what nobody has read yet.
        order = sorted(summary.not_exported, key=lambda e: (e.code == ErrorCode.NOT_EXPORTED_UNREAD, e.file_name))
        reasons = [(entry.file_name, entry.sentence) for entry in order]
        reasons += [(entry.file_name, f"No squares: {entry.sentence}") for entry in summary.without_squares]
        if reasons:
            heading = "Not exported" if left == len(reasons) else "Not exported, or not as squares"
            self._tables.addWidget(WordTable((heading, "Why"), reasons), 1)
        else:
            self._tables.addStretch(1)
        self._pages.setCurrentIndex(2)
        self.train.setFocus()

    def show_failure(self, words: str) -> None:
        """It did not work: back to the form, with the sentence."""
        self._work = None
        self.trouble.say(words, "error")
        self._pages.setCurrentIndex(0)

    def reject(self) -> None:
        """Escape while it runs cancels the export, not the dialog."""
        if self._work is not None:
            self._cancel()
        else:
            super().reject()

    def _ask(self) -> None:
        text = self.folder.text().strip()
        if not text:
            self.trouble.say("Choose a folder for the dataset.", "error")
            return
        self.trouble.say("")
        rule = self.partition.rule()
        if rule is not None:
            made = (
                SyntheticHips(self.hips.value(), self.broken.value() / 100) if self.fractures.currentIndex() else None
            )
            self.export_asked.emit(Path(text), rule, self.partition.seed.value(), made)

    def _choose(self) -> None:
        now = Path(self.folder.text())
        chosen = QFileDialog.getExistingDirectory(self, "Folder in which the dataset's folder is made", str(now.parent))
        if chosen:
            self.folder.setText(str(Path(chosen) / now.name))

    def _fractures_changed(self, chosen: int) -> None:
        self.hips.setVisible(bool(chosen))
        self.broken.setVisible(bool(chosen))
        self._made_words.setVisible(bool(chosen))

    def _partition_changed(self) -> None:
        self.start.setEnabled(self.partition.rule() is not None)

    def _progressed(self, stage: str, done: int, total: int) -> None:
        self._progress_words.setText(f"{stage.capitalize()}: {done} of {total} films")
        self._bar.setRange(0, max(total, 1))
        self._bar.setValue(done)

    def _cancel(self) -> None:
        if self._work is not None:
            self._work.cancel()
            self._stop.setEnabled(False)
            self._progress_words.setText("Stopping…")

    def _train(self) -> None:
        if self._dataset is not None:
            self.train_asked.emit(self._dataset)
        self.accept()


def _row(*buttons: QPushButton) -> QFrame:
    frame = QFrame()
    row = QHBoxLayout(frame)
    row.setContentsMargins(0, 0, 0, 0)
    row.addStretch(1)
    for button in buttons:
        row.addWidget(button)
    return frame


def _not_default(button: QPushButton) -> QPushButton:
    # Otherwise Return in a field would press the nearest button of the dialog, whatever it is.
    button.setAutoDefault(False)
    return button
