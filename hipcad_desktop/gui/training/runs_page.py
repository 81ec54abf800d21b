"""Trainings that were run: a list, and those chosen side by side, with what differs between them and their curves."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QSettings, Qt
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from hipcad_desktop.domain.errors import UserError
from hipcad_desktop.domain.messages import sentence
from hipcad_desktop.domain.runs import Compared, RunComparison, RunRow
from hipcad_desktop.domain.time_words import day_words, duration
from hipcad_desktop.gui import settings as keys
from hipcad_desktop.gui.dialogs.table import WordTable
from hipcad_desktop.gui.tasks import Tasks
from hipcad_desktop.gui.training.run_curves import MOST_RUNS, EpochChart, RunKey
from hipcad_desktop.gui.widgets.notice import Notice
from hipcad_desktop.gui.widgets.pieces import card, clear, muted, scrolled

COLUMNS = ("Run", "State", "Begun", "Recipe", "Network", "Epochs", "AUC", "Sens.", "Spec.", "Time", "Device")
_WIDTHS = (190, 110, 205, 70, 200, 66, 66, 66, 66, 80)
_CHARTS = (
    ("train_loss", "Loss, training", None),
    ("validation_loss", "Loss, validation", None),
    ("auc", "AUC", 1.0),
    ("sensitivity", "Sensitivity at 0.5", 1.0),
    ("specificity", "Specificity at 0.5", 1.0),
)
_NO_FOLDER = "Every training leaves a .run folder beside its model. Add the folder that holds them to see them here."
_CHOOSE = f"Choose one run for its curves, or up to {MOST_RUNS} (with Ctrl) to see them side by side."
_MOST_FOLDERS = 20


class RunsPage(QWidget):
    """Folders are looked through in the pool whenever the page is shown."""

    def __init__(self, *, tasks: Tasks, settings: QSettings | None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._tasks, self._settings = tasks, settings
        self._folders = _kept(settings)
        self._rows: tuple[RunRow, ...] = ()
        self._comparison: RunComparison | None = None
        self.add, self.refresh_button = QPushButton("Add a folder…"), QPushButton("Look again")
        self.add.clicked.connect(self._ask)
        self.refresh_button.clicked.connect(self.refresh)
        self.notice, self.words = Notice(), muted()
        self.table = WordTable(COLUMNS, ())
        self.table.setAccessibleName("Runs")
        for x, width in enumerate(_WIDTHS):
            self.table.setColumnWidth(x, width)
        self.table.itemSelectionChanged.connect(self._on_selected)
        self.charts = {name: EpochChart(title, top=top) for name, title, top in _CHARTS}
        self.all_lines = QCheckBox("Also what is the same")
        self.all_lines.toggled.connect(lambda _on: self._show_lines())
        self._keys = QHBoxLayout()
        self._lines = QGridLayout()
        self._side_by_side = QWidget()
        self._arrange()
        self._show_rows()

    @property
    def folders(self) -> tuple[Path, ...]:
        """Where runs are looked for."""
        return tuple(self._folders)

    def add_folder(self, folder: Path) -> None:
        """Look for runs in this folder too, from now on."""
        if folder not in self._folders:
            self._folders = [folder, *self._folders][:_MOST_FOLDERS]
            if self._settings is not None:
                self._settings.setValue(keys.RUN_FOLDERS, json.dumps([str(f) for f in self._folders]))
        if self.isVisible():
            self.refresh()

    def refresh(self) -> None:
        """Look through the folders again."""
        from hipcad_desktop.workflows.list_runs import list_runs

        def find() -> tuple[RunRow, ...]:
            return list_runs([f for f in self._folders if f.is_dir()])  # one on a drive that is not in comes back later

        self._tasks.latest("List the runs", find, done=self._on_rows, failed=self._on_failed)

    def _on_rows(self, rows: tuple[RunRow, ...]) -> None:
        chosen = {row.path for row in self.selected()}
        self._rows = rows
        self.notice.say("")
        self._show_rows()
        for y, row in enumerate(rows):
            if row.path in chosen:
                self.table.selectRow(y)

    def _on_failed(self, error: Exception) -> None:
        if isinstance(error, UserError):
            self.notice.say(sentence(error), "error")
        else:
            self._tasks.broken.emit(error)

    def selected(self) -> list[RunRow]:
        """The chosen runs, in the order of the list."""
        return [self._rows[y] for y in sorted({i.row() for i in self.table.selectedIndexes()}) if y < len(self._rows)]

    def _on_selected(self) -> None:
        from hipcad_desktop.workflows.list_runs import compare_runs

        chosen = self.selected()[:MOST_RUNS]
        if not chosen:
            self._comparison = None
            self._side_by_side.hide()
            return
        paths = [Path(row.path) for row in chosen]
        self._tasks.latest(
            "Compare the runs", lambda: compare_runs(paths), done=self._on_comparison, failed=self._on_failed
        )

    def _on_comparison(self, found: RunComparison) -> None:
        if [r.path for r in found.runs] != [r.path for r in self.selected()[:MOST_RUNS]]:
            return  # something else was chosen meanwhile
        self._comparison = found
        clear(self._keys)
        for number, run in enumerate(found.runs):
            self._keys.addWidget(RunKey(number))
            self._keys.addWidget(QLabel(run.name))
            self._keys.addSpacing(12)
        self._keys.addStretch(1)
        for name, chart in self.charts.items():
            chart.show_curves(found.curves.get(name, ()))
        self._show_lines()
        self._side_by_side.show()

    # showing

    def _show_rows(self) -> None:
        self.table.blockSignals(True)
        self.table.clearSelection()
        self.table.show_rows([_cells(row) for row in self._rows])
        self.table.blockSignals(False)
        self.table.setVisible(bool(self._rows))
        self._side_by_side.setVisible(bool(self.selected()))
        where = ", ".join(str(f) for f in self._folders)
        if not self._folders:
            self.words.setText(_NO_FOLDER)
        else:
            self.words.setText(f"{_CHOOSE}\nIn {where}" if self._rows else f"No run in {where}.")

    def _show_lines(self) -> None:
        clear(self._lines)
        found = self._comparison
        if found is None:
            return
        lines: Sequence[Compared] = found.differences
        several = len(found.runs) > 1
        if self.all_lines.isChecked() or not several:
            lines = (*found.config, *found.environment)
        self.all_lines.setVisible(several)
        for x, run in enumerate(found.runs, 1):
            head = QLabel(run.name)
            head.setProperty("look", "heading")
            self._lines.addWidget(head, 0, x)
            self._lines.setColumnStretch(x, 1)
        for y, line in enumerate(lines, 1):
            self._lines.addWidget(muted(line.name.replace("_", " ")), y, 0, Qt.AlignmentFlag.AlignTop)
            for x, value in enumerate(line.values, 1):
                words = QLabel(value or "–")
                words.setWordWrap(True)
                words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
                self._lines.addWidget(words, y, x, Qt.AlignmentFlag.AlignTop)
        if not lines:
            self._lines.addWidget(muted("Nothing: same recipe, seed, data and versions."), 1, 0, 1, len(found.runs) + 1)

    def _arrange(self) -> None:
        head = QHBoxLayout()
        title = QLabel("Runs")
        title.setProperty("look", "title")
        head.addWidget(title, 1)
        head.addWidget(self.refresh_button)
        head.addWidget(self.add)
        top = QWidget()
        column = QVBoxLayout(top)
        column.setContentsMargins(18, 12, 18, 8)
        column.setSpacing(8)
        column.addLayout(head)
        column.addWidget(self.words)
        column.addWidget(self.notice)
        column.addWidget(self.table, 1)
        charts = QHBoxLayout()
        charts.setSpacing(4)
        for chart in self.charts.values():
            charts.addWidget(chart, 1)
        self._keys.setSpacing(6)
        self._lines.setHorizontalSpacing(20)
        self._lines.setVerticalSpacing(5)
        below = QVBoxLayout(self._side_by_side)
        below.setContentsMargins(18, 8, 18, 14)
        below.setSpacing(10)
        below.addWidget(card("Curves by epoch, on validation", self._keys, charts))
        below.addWidget(card("Recipe and surroundings", self.all_lines, self._lines))
        below.addStretch(1)
        splitter = QSplitter(Qt.Orientation.Vertical)
        splitter.addWidget(top)
        splitter.addWidget(scrolled(self._side_by_side))
        splitter.setChildrenCollapsible(False)
        splitter.setSizes([250, 470])
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(splitter)

    def _ask(self) -> None:
        start = str(self._folders[0]) if self._folders else str(Path.home())
        chosen = QFileDialog.getExistingDirectory(self, "A folder with runs", start)
        if chosen:
            self.add_folder(Path(chosen))

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.refresh()


def _kept(settings: QSettings | None) -> list[Path]:
    if settings is None:
        return []
    try:
        found = json.loads(keys.text(settings, keys.RUN_FOLDERS, "[]"))
    except ValueError:
        return []
    return [Path(f) for f in found if isinstance(f, str)] if isinstance(found, list) else []


_STATES = {
    "running": "▶ running",
    "paused": "❚❚ paused",
    "unfinished": "… unfinished",
    "finished": "✓ finished",
    "damaged": "✕ damaged",
}


def _cells(row: RunRow) -> tuple[str, ...]:
    return (
        row.name,
        _STATES[row.state],
        day_words(row.started_utc) if row.started_utc else "–",
        row.recipe or "–",
        row.backbone or "–",
        f"{row.epochs_done} of {row.epochs}",
        *("–" if value is None else f"{value:.3f}" for value in (row.auc, row.sensitivity, row.specificity)),
        duration(row.seconds) if row.seconds else "–",
        row.device or "–",
    )
