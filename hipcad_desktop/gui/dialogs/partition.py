"""How a dataset is divided: shares or films, hospitals held out, the seed, and at once what comes of it.

PartitionForm is the form alone (the export dialog has one); PartitionDialog partitions a dataset again.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QFileDialog,
    QFormLayout,
    QGridLayout,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from hipcad_desktop.domain.cohort import Partition, PartitionRule, PatientGroup, assign_partitions
from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.messages import sentence
from hipcad_desktop.domain.progress import Watch
from hipcad_desktop.gui.dialogs.table import WordTable
from hipcad_desktop.gui.widgets.notice import Notice

if TYPE_CHECKING:
    from hipcad_desktop.gui.tasks import Tasks, Work
    from hipcad_desktop.workflows.repartition import RepartitionSummary

SEED = 20200414
LARGEST_SEED = 2**31 - 1
MOST_FILMS = 999_999
FIELD_PX = 220
ONE_COLUMN = 4  # as many hospitals below each other; more have two columns
_PERCENT, _FILMS = "% of the patients", "films"
_HEADINGS = ("Partition", "Patients", "With fracture", "Films")


class PartitionForm(QWidget):
    """Emits changed with every edit; the owner asks rule(), which is None while the form cannot be used."""

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._population: Mapping[str, PatientGroup] = {}
        self._test_before = 15
        self.unit = QComboBox()
        self.unit.addItems([_PERCENT, _FILMS])
        self.unit.setMaximumWidth(FIELD_PX)
        self.validation, self.test = QSpinBox(), QSpinBox()
        self.seed = QSpinBox()
        self.seed.setRange(0, LARGEST_SEED)
        self.seed.setValue(SEED)
        for box in (self.validation, self.test, self.seed):
            box.setMaximumWidth(FIELD_PX)
        self.hospitals: dict[str, QCheckBox] = {}
        self._hospital_grid = QGridLayout()
        self._hospital_grid.setVerticalSpacing(4)
        self._hospital_words = QLabel()
        self._hospital_words.setProperty("look", "muted")
        self._hospital_words.setWordWrap(True)
        self.preview = WordTable(_HEADINGS, [])
        self.preview.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.trouble = Notice()
        self._form = QFormLayout(self)
        self._lay_out()
        self._measure(15, 15)
        self.unit.currentIndexChanged.connect(self._unit_changed)
        for box in (self.validation, self.test, self.seed):
            box.valueChanged.connect(self._edited)
        self.show_population({})

    def show_population(self, population: Mapping[str, PatientGroup]) -> None:
        """The patients to divide, by group; empty while they are not known."""
        self._population = population
        names = sorted(frozenset[str]().union(*(g.hospitals for g in population.values())) - {""})
        for box in self.hospitals.values():
            self._hospital_grid.removeWidget(box)
            box.deleteLater()
        self.hospitals = {}
        columns = 1 if len(names) <= ONE_COLUMN else 2
        for number, name in enumerate(names):
            own = [g for g in population.values() if name in g.hospitals]
            patients, films = sum(g.patients for g in own), sum(g.films for g in own)
            words = f"{name}  ·  {_count(patients, 'patient')}, {_count(films, 'film')}"
            tick = QCheckBox(words.replace("&", "&&"))  # one & would be a key
            tick.setToolTip("All its patients are test; a patient seen elsewhere too goes along")
            tick.toggled.connect(self._hold_out_changed)
            self._hospital_grid.addWidget(tick, number // columns, number % columns)
            self.hospitals[name] = tick
        self._say_hospitals(bool(names))
        self._edited()

    def rule(self) -> PartitionRule | None:
        """What is asked; None where it leaves nothing to train on."""
        try:
            rule = PartitionRule(self._size(self.validation), self._size(self.test), self.held_out())
            self._assigned(rule)
        except (ValueError, UserError):
            return None
        return rule

    def held_out(self) -> tuple[str, ...]:
        """The ticked hospitals."""
        return tuple(name for name, tick in self.hospitals.items() if tick.isChecked())

    def _lay_out(self) -> None:
        self._form.setContentsMargins(0, 0, 0, 0)
        self._form.setSpacing(10)
        self._form.addRow("Sizes in", self.unit)
        sizes = QHBoxLayout()
        sizes.addWidget(self.validation, 1)
        sizes.addSpacing(12)
        sizes.addWidget(QLabel("Test"))
        sizes.addWidget(self.test, 1)
        sizes.addStretch(1)
        self._form.addRow("Validation", sizes)
        held = QVBoxLayout()
        held.setSpacing(4)
        held.addLayout(self._hospital_grid)
        held.addWidget(self._hospital_words)
        self._form.addRow("Held out", held)
        self._form.addRow("Seed", self.seed)
        header = self.preview.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self.preview.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._form.addRow(self.preview)
        self._form.addRow(self.trouble)

    def _say_hospitals(self, known: bool) -> None:
        self._hospital_words.setText(
            "A ticked hospital is the test partition, as an external validation. Test above adds films of the others."
            if known
            else "No film tells its hospital. It is given at the import, in the field Hospital."
            if self._population
            else "Counting the patients…"
        )

    def _in_films(self) -> bool:
        return self.unit.currentText() == _FILMS

    def _size(self, box: QSpinBox) -> float | int:
        return box.value() if self._in_films() else box.value() / 100

    def _measure(self, validation: int, test: int) -> None:
        for box, value in ((self.validation, validation), (self.test, test)):
            box.blockSignals(True)
            box.setRange(0, MOST_FILMS if self._in_films() else 90)
            box.setSuffix(" films" if self._in_films() else " %")
            box.setValue(value)
            box.blockSignals(False)

    def _unit_changed(self) -> None:
        films = sum(g.films for g in self._population.values())
        factor = films / 100 if self._in_films() else 100 / max(films, 1)
        both = [round(box.value() * factor) for box in (self.validation, self.test)]
        self._test_before = round(self._test_before * factor)
        self._measure(both[0], both[1])
        self._edited()

    def _hold_out_changed(self) -> None:
        if self.held_out() and self.test.value():
            self._test_before = self.test.value()
            self.test.setValue(0)
        elif not self.held_out() and not self.test.value():
            self.test.setValue(self._test_before)
        self._edited()

    def _assigned(self, rule: PartitionRule) -> dict[str, Partition]:
        return assign_partitions(self._population, rule=rule, seed=self.seed.value())

    def _edited(self) -> None:
        words = ""
        assigned: dict[str, Partition] = {}
        try:
            rule = PartitionRule(self._size(self.validation), self._size(self.test), self.held_out())
            assigned = self._assigned(rule)
        except ValueError:
            words = "Nothing is left to train on: choose smaller sizes."
        except UserError as error:
            words = sentence(error)
        rows, doubts = [], []
        for partition in Partition:
            own = [self._population[p] for p, a in assigned.items() if a is partition]
            broken = sum(g.patients for g in own if g.fracture)
            numbers = (sum(g.patients for g in own), broken, sum(g.films for g in own))
            if assigned and not broken:
                doubts.append(f"The {partition.value} partition has no patient with a fracture.")
            rows.append((partition.value.capitalize(), *(f"{n:,}" for n in numbers)))
        self.trouble.say(words or "\n".join(doubts), "error" if words else "warning")
        self.preview.show_rows(rows)
        self.preview.setVisible(bool(assigned))
        height = sum(self.preview.rowHeight(y) for y in range(len(rows)))
        self.preview.setFixedHeight(self.preview.horizontalHeader().sizeHint().height() + height + 4)
        self.changed.emit()


class PartitionDialog(QDialog):
    """Partition a dataset again, into a new folder beside it; partitioned tells where it is."""

    partitioned = Signal(object)  # Path

    def __init__(self, dataset: Path, tasks: Tasks, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Partition again")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(600, 640)
        self._dataset, self._tasks = dataset, tasks
        self._work: Work | None = None
        self._alive = True
        self.folder = QLineEdit(str(_free(dataset)))
        self.form = PartitionForm()
        self.trouble = Notice()
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.progress.hide()
        self.start = QPushButton("Make the new dataset")
        self.cancel = QPushButton("Cancel")
        self._lay_out()
        self.form.changed.connect(self._form_changed)
        self.start.clicked.connect(self._begin)
        self.cancel.clicked.connect(self.reject)
        self._form_changed()
        self._count()

    def reject(self) -> None:
        """While it runs this stops the work; the dialog stays and says so."""
        if self._work is not None:
            self._work.cancel()
            self.cancel.setEnabled(False)
        else:
            self._alive = False
            super().reject()

    def _lay_out(self) -> None:
        title = QLabel("Partition again")
        title.setProperty("look", "title")
        words = QLabel(
            f"The same hips as {self._dataset.name}, divided anew by patient, in a new folder; the old dataset stays. "
            "The windows of the diagnosis halving are kept as they were exported."
        )
        words.setProperty("look", "muted")
        words.setWordWrap(True)
        choose = QPushButton("Choose…")
        choose.setAutoDefault(False)
        choose.clicked.connect(self._choose)
        where = QHBoxLayout()
        where.addWidget(QLabel("New folder"))
        where.addWidget(self.folder, 1)
        where.addWidget(choose)
        self.start.setProperty("look", "primary")
        self.start.setDefault(True)
        self.cancel.setAutoDefault(False)
        buttons = QHBoxLayout()
        buttons.addWidget(self.progress, 1)
        buttons.addStretch(1)
        buttons.addWidget(self.cancel)
        buttons.addWidget(self.start)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(20, 16, 20, 16)
        layout.setSpacing(12)
        layout.addWidget(title)
        layout.addWidget(words)
        layout.addLayout(where)
        layout.addWidget(self.form)
        layout.addWidget(self.trouble)
        layout.addStretch(1)
        layout.addLayout(buttons)

    def _count(self) -> None:
        dataset = self._dataset

        def call() -> Mapping[str, PatientGroup]:
            from hipcad_desktop.workflows.repartition import population

            return population(dataset)

        def counted(found: Mapping[str, PatientGroup]) -> None:
            if self._alive:
                self.form.show_population(found)

        self._tasks.pool("Count the patients", call, done=counted, failed=self._failed)

    def _begin(self) -> None:
        rule, to, dataset = self.form.rule(), self.folder.text().strip(), self._dataset
        if not to:
            self.trouble.say("Choose a folder for the new dataset.", "error")
            return
        if rule is None:
            return
        self.trouble.say("")
        seed = self.form.seed.value()

        def call(watch: Watch) -> RepartitionSummary:
            from hipcad_desktop.workflows.repartition import repartition

            return repartition(dataset, Path(to), rule=rule, seed=seed, watch=watch)

        self._work = self._tasks.work("Partition again", call, done=self._done, failed=self._failed)
        self._work.progressed.connect(self._progressed)
        self._set_running(True)

    def _set_running(self, running: bool) -> None:
        self.progress.setRange(0, 0)
        self.progress.setVisible(running)
        self.form.setEnabled(not running)
        self.folder.setEnabled(not running)
        self.cancel.setEnabled(True)
        self._form_changed()

    def _progressed(self, stage: str, done: int, total: int) -> None:
        self.progress.setRange(0, max(total, 1))
        self.progress.setValue(done)

    def _done(self, summary: RepartitionSummary) -> None:
        self._work = None
        self._alive = False
        self.partitioned.emit(summary.dataset)
        self.accept()

    def _failed(self, error: Exception) -> None:
        self._work = None
        if not self._alive:
            return
        self._set_running(False)
        if not isinstance(error, UserError):
            self.trouble.say("It failed; see the report.", "error")
            self._tasks.broken.emit(error)
        elif error.code is ErrorCode.CANCELLED:
            self.trouble.say(sentence(error), "info")
        else:
            self.trouble.say(sentence(error), "error")

    def _form_changed(self) -> None:
        self.start.setEnabled(self._work is None and self.form.rule() is not None)

    def _choose(self) -> None:
        now = Path(self.folder.text())
        chosen = QFileDialog.getExistingDirectory(self, "Folder in which the new dataset is made", str(now.parent))
        if chosen:
            self.folder.setText(str(Path(chosen) / now.name))


def _free(dataset: Path) -> Path:
    """A name beside the dataset that nothing has yet."""
    number = 2
    while (found := dataset.with_name(f"{dataset.name}-{number}")).exists():
        number += 1
    return found


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
