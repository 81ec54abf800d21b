"""Step 1: choose a dataset and see how many patients, films and hips of each kind it holds."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFileDialog, QGridLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from hipcad_desktop.domain.cohort import Partition
from hipcad_desktop.gui.training.dataset_facts import COLUMNS, DatasetFacts
from hipcad_desktop.gui.training.form import button, card
from hipcad_desktop.gui.widgets.elided import ElidedLabel
from hipcad_desktop.gui.widgets.notice import Notice
from hipcad_desktop.gui.widgets.pieces import muted

_HEADS = ("Patients", "Films", "Fracture", "No fracture")


class DatasetCard(QWidget):
    """Emits dataset_chosen; the mode reads the manifest in the background and hands back what it found."""

    dataset_chosen = Signal(object)  # Path
    partition_asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.start_folder = Path.home()
        self.choose = QPushButton("Choose…")
        self.choose.setToolTip("Choose a dataset's folder (it holds dataset.json)")
        self.choose.clicked.connect(self._ask)
        self.partition = button("Partition again…", self.partition_asked.emit)
        self.partition.setToolTip("Other counts, or a hospital held out for the test: makes a new dataset beside it")
        self.partition.hide()
        frame, layout = card(1, "Dataset", self.partition, self.choose)
        self._path = ElidedLabel("No dataset chosen. Export one from a project first.")
        self._path.setProperty("look", "muted")
        self._table = QWidget()
        self._cells = self._make_table()
        self._left_out = muted()
        self._left_out.hide()
        self.notice = Notice()
        for widget in (self._path, self._table, self._left_out, self.notice):
            layout.addWidget(widget)
        self._table.hide()
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(frame)

    def show_reading(self, path: Path) -> None:
        """The manifest is being read."""
        self._path.setText(f"Reading {path} …")
        self.partition.hide()
        self._table.hide()
        self._left_out.hide()
        self.notice.say("")

    def show_failure(self, path: Path, words: str) -> None:
        """It could not be read, and why."""
        self._path.setText(str(path))
        self.notice.say(words, "error")

    def show_facts(self, facts: DatasetFacts) -> None:
        """Counts, what was left out, and what speaks against a training."""
        self._path.setText(str(facts.path))
        for partition in Partition:
            for column in COLUMNS:
                self._cells[partition, column].setText(f"{facts.counts[partition][column]:,}")
        self._table.show()
        self.partition.show()
        films = "film was" if facts.left_out == 1 else "films were"
        self._left_out.setText(f"{facts.left_out} {films} left out at export; dataset.json says why.")
        self._left_out.setVisible(facts.left_out > 0)
        if facts.obstacles:
            self.notice.say("\n".join(facts.obstacles), "error")
        else:
            self.notice.say("\n".join(facts.doubts), "warning")

    def _make_table(self) -> dict[tuple[Partition, str], QLabel]:
        grid = QGridLayout(self._table)
        grid.setContentsMargins(0, 4, 0, 2)
        grid.setVerticalSpacing(4)
        right = Qt.AlignmentFlag.AlignRight
        for column, head in enumerate(_HEADS):
            label = QLabel(head)
            label.setProperty("look", "muted")
            grid.addWidget(label, 0, column + 1, right)
        cells = {}
        for row, partition in enumerate(Partition):
            grid.addWidget(QLabel(partition.value.capitalize()), row + 1, 0)
            for column, name in enumerate(COLUMNS):
                cells[partition, name] = QLabel("0")
                grid.addWidget(cells[partition, name], row + 1, column + 1, right)
        return cells

    def _ask(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "Choose a dataset", str(self.start_folder))
        if chosen:
            self.dataset_chosen.emit(Path(chosen))
