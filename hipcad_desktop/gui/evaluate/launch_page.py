"""A new evaluation in three steps: model, dataset and partition, the report's folder; or a report from before."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import (
    QButtonGroup,
    QComboBox,
    QDoubleSpinBox,
    QFileDialog,
    QFormLayout,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QRadioButton,
    QVBoxLayout,
    QWidget,
)

from hipcad_desktop.domain.cohort import Partition
from hipcad_desktop.domain.evaluation import DEFAULT_PREVALENCE, INTERVALS
from hipcad_desktop.gui.diagnose.model_box import ModelBox
from hipcad_desktop.gui.evaluate.run_box import RunBox
from hipcad_desktop.gui.evaluate.seal import DatasetWithSeal, seal_words
from hipcad_desktop.gui.widgets.elided import ElidedLabel
from hipcad_desktop.gui.widgets.notice import Notice
from hipcad_desktop.gui.widgets.pieces import heading, muted, scrolled

_PARTITIONS = {
    Partition.TEST: "Test: hips never used before. This is the program's accuracy.",
    Partition.VALIDATION: "Validation: chose the model and its thresholds, so it flatters them.",
    Partition.TRAINING: "Training: what the model learnt from. Says nothing of new patients.",
}
_INTERVAL_WORDS = {"wilson": "Wilson", "clopper-pearson": "Clopper-Pearson (exact, wider)"}


class LaunchPage(QWidget):
    """A form; the mode reads files, checks and starts."""

    changed = Signal()
    dataset_chosen = Signal(object)  # Path
    report_chosen = Signal(object)  # Path

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.start_folder = Path.home()
        self.model_box = ModelBox()
        self._path = ElidedLabel("No dataset chosen. Export one from a project first.")
        self._path.setProperty("look", "muted")
        self.choose_dataset = QPushButton("Choose…")
        self.dataset_notice, self.seal = Notice(), muted()
        self.partitions = {p: QRadioButton(_PARTITIONS[p]) for p in _PARTITIONS}
        self._counts = {p: muted() for p in _PARTITIONS}
        self._group = QButtonGroup(self)
        self.prevalence, self.interval, self.to = QDoubleSpinBox(), QComboBox(), QLineEdit()
        self.run_box = RunBox()
        self.recent = QListWidget()
        self._arrange()
        self.show_dataset(None)

    # what is on the screen

    @property
    def partition(self) -> Partition:
        """The chosen partition."""
        return next(p for p, button in self.partitions.items() if button.isChecked())

    @property
    def interval_name(self) -> str:
        """The interval of shares."""
        return str(self.interval.currentData())

    def show_dataset(self, dataset: DatasetWithSeal | None, *, path: str = "", failure: str = "") -> None:
        """What is known of the dataset: that it is being read, why it cannot be, or its hips and its seal."""
        known = dataset is not None
        if known or path:
            self._path.setText(str(dataset.facts.path) if dataset is not None else path)
        self.dataset_notice.say(failure, "error")
        self.seal.setVisible(known)
        for partition, button in self.partitions.items():
            counts = dataset.facts.counts[partition] if dataset is not None else {}
            n = sum(int(counts.get(k, 0)) for k in ("fracture", "no_fracture"))
            button.setVisible(known)
            button.setEnabled(n > 0)
            self._counts[partition].setVisible(known)
            self._counts[partition].setText(
                f"{counts.get('patients', 0):,} patients, {counts.get('films', 0):,} films, "
                f"{counts.get('fracture', 0):,} hips with and {counts.get('no_fracture', 0):,} without a fracture"
            )
        if dataset is not None:
            self.seal.setText(seal_words(dataset.openings))
        self.show_seal()

    def show_seal(self) -> None:
        """The seal's sentence stands where it matters."""
        self.seal.setVisible(self.partitions[Partition.TEST].isVisibleTo(self) and self.partition is Partition.TEST)

    def show_recent(self, rows: Sequence[tuple[Path, str, str]]) -> None:
        """Reports from before: folder, title, words."""
        self.recent.clear()
        for folder, title, words in rows:
            item = QListWidgetItem(f"{title}\n{words}")
            item.setData(Qt.ItemDataRole.UserRole, folder)
            item.setToolTip(str(folder))
            item.setSizeHint(QSize(0, 50))
            self.recent.addItem(item)
        self.recent.setVisible(bool(rows))
        self._no_recent.setVisible(not rows)

    def lock(self, locked: bool) -> None:
        """While an evaluation runs nothing of the form can be changed."""
        for frame in self._cards:
            frame.setEnabled(not locked)

    # parts

    def _arrange(self) -> None:
        left = QWidget()
        column = QVBoxLayout(left)
        column.setContentsMargins(18, 14, 12, 14)
        column.setSpacing(12)
        title = QLabel("Evaluate a model")
        title.setProperty("look", "title")
        column.addWidget(title)
        self._cards = [self._model_card(), self._dataset_card(), self._report_card()]
        for frame in self._cards:
            column.addWidget(frame)
        column.addStretch(1)
        form = QWidget()
        form.setMaximumWidth(820)
        inner = QVBoxLayout(form)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.setSpacing(0)
        inner.addWidget(scrolled(left), 1)
        foot = QVBoxLayout()
        foot.setContentsMargins(18, 8, 12, 14)
        foot.addWidget(self.run_box)
        inner.addLayout(foot)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(form, 3)
        layout.addWidget(self._side(), 2)

    def _side(self) -> QWidget:
        side = QWidget()
        side.setProperty("look", "panel")
        column = QVBoxLayout(side)
        column.setContentsMargins(16, 18, 16, 14)
        column.setSpacing(10)
        head = QLabel("Reports")
        head.setProperty("look", "heading")
        open_report = QPushButton("Open a report…")
        open_report.clicked.connect(self._ask_report)
        self._no_recent = muted("Reports that were made or opened here are listed here.")
        self.recent.setAccessibleName("Reports from before")
        self.recent.itemActivated.connect(lambda item: self.report_chosen.emit(item.data(Qt.ItemDataRole.UserRole)))
        self.recent.itemClicked.connect(lambda item: self.report_chosen.emit(item.data(Qt.ItemDataRole.UserRole)))
        row = QHBoxLayout()
        row.addWidget(head, 1)
        row.addWidget(open_report)
        column.addLayout(row)
        column.addWidget(self._no_recent)
        column.addWidget(self.recent, 1)
        column.addStretch(0)
        side.setMinimumWidth(300)
        return side

    def _model_card(self) -> QFrame:
        frame, column = _step(1, "Model")
        self.model_box.setProperty("look", "")
        inner = self.model_box.layout()
        assert inner is not None
        inner.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.model_box)
        return frame

    def _dataset_card(self) -> QFrame:
        frame, column = _step(2, "Dataset")
        self.choose_dataset.clicked.connect(self._ask_dataset)
        row = QHBoxLayout()
        row.addWidget(self._path, 1)
        row.addWidget(self.choose_dataset)
        column.addLayout(row)
        column.addWidget(self.dataset_notice)
        for partition, button in self.partitions.items():
            self._group.addButton(button)
            button.toggled.connect(self._on_partition)
            column.addWidget(button)
            self._counts[partition].setIndent(22)
            column.addWidget(self._counts[partition])
            if partition is Partition.TEST:
                self.seal.setIndent(22)
                column.addWidget(self.seal)
        self.partitions[Partition.TEST].setChecked(True)
        return frame

    def _report_card(self) -> QFrame:
        frame, column = _step(3, "Report")
        self.prevalence.setRange(0.1, 99.9)
        self.prevalence.setDecimals(1)
        self.prevalence.setSuffix(" %")
        self.prevalence.setValue(100 * DEFAULT_PREVALENCE)
        self.prevalence.setButtonSymbols(QDoubleSpinBox.ButtonSymbols.NoButtons)
        self.prevalence.setFixedWidth(110)
        for name in INTERVALS:
            self.interval.addItem(_INTERVAL_WORDS[name], name)
        choose = QPushButton("Choose…")
        choose.clicked.connect(self._ask_to)
        self.to.setPlaceholderText("a new folder")
        self.to.setAccessibleName("Folder of the report")
        self.to.textChanged.connect(self.changed)
        where = QHBoxLayout()
        where.addWidget(self.to, 1)
        where.addWidget(choose)
        form = QFormLayout()
        form.setHorizontalSpacing(16)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow("Folder", where)
        share = QHBoxLayout()
        share.setSpacing(12)
        share.addWidget(self.prevalence)
        share.addWidget(muted("For PPV and NPV. Fewer hips are broken in an emergency room: give yours."), 1)
        form.addRow("Broken hips in use", share)
        form.addRow("Intervals of shares", self.interval)
        column.addLayout(form)
        return frame

    def _on_partition(self) -> None:
        self.show_seal()
        self.changed.emit()

    def _ask_dataset(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "Choose a dataset", str(self.start_folder))
        if chosen:
            self.dataset_chosen.emit(Path(chosen))

    def _ask_report(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "Open a report's folder", str(self.start_folder))
        if chosen:
            self.report_chosen.emit(Path(chosen))

    def _ask_to(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "A folder for the report", self.to.text())
        if chosen:
            self.to.setText(chosen)


def _step(number: int, title: str) -> tuple[QFrame, QVBoxLayout]:
    frame = QFrame()
    frame.setProperty("look", "card")
    column = QVBoxLayout(frame)
    column.setContentsMargins(14, 12, 14, 14)
    column.setSpacing(7)
    column.addWidget(heading(f"{number}   {title}"))
    return frame, column
