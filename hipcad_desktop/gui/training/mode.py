"""Training mode: the launcher on the left, the run on the right. The work itself happens in the worker process."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

from PySide6.QtCore import QSettings, Qt, QTimer, QUrl, Signal
from PySide6.QtGui import QDesktopServices, QShowEvent
from PySide6.QtWidgets import (
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from hipcad_desktop.domain.errors import UserError
from hipcad_desktop.domain.jobs import Artifact, Cancelled, Event, Failed, Finished, Job
from hipcad_desktop.domain.messages import sentence
from hipcad_desktop.gui.tasks import Tasks
from hipcad_desktop.gui.training.dataset_card import DatasetCard, step_heading
from hipcad_desktop.gui.training.dataset_facts import DatasetFacts, read_dataset_facts
from hipcad_desktop.gui.training.recipe_card import RecipeCard
from hipcad_desktop.gui.training.result_words import failure_words
from hipcad_desktop.gui.training.run_panel import RunPanel
from hipcad_desktop.gui.training.run_state import RunState
from hipcad_desktop.gui.widgets.notice import Notice
from hipcad_desktop.gui.worker_thread import Worker

_LEFT_PX = 430


class TrainingMode(QWidget):
    """Chooses, starts, follows, cancels and resumes one training at a time."""

    diagnose_asked = Signal(object)  # Path of a model package that was just trained

    def __init__(
        self, *, worker: Worker, tasks: Tasks, settings: QSettings | None, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._worker = worker
        self._tasks = tasks
        self._settings = settings
        self._facts: DatasetFacts | None = None
        self._reading: Path | None = None
        self._run: RunState | None = None
        self._last: dict[str, Any] = {}  # arguments of the last training, for resuming it
        self._evaluation = ""
        self._report = ""
        self.dataset = DatasetCard()
        self.recipe = RecipeCard()
        self.run_panel = RunPanel()
        self._to = QLineEdit()
        self._to.setPlaceholderText("model.hipcad")
        self._to.setAccessibleName("Model file")
        self._problem = Notice()
        self.start = QPushButton("Start training")
        self.start.setProperty("look", "primary")
        self._arrange()
        self.dataset.dataset_chosen.connect(self.set_dataset)
        self.recipe.changed.connect(self._check)
        self._to.textChanged.connect(self._check)
        self.start.clicked.connect(lambda: self._start(resume=False))
        self.run_panel.cancel_asked.connect(self._cancel)
        self.run_panel.resume_asked.connect(self._resume)
        self.run_panel.diagnose_asked.connect(lambda: self.diagnose_asked.emit(self.model_path))
        self.run_panel.evaluate_asked.connect(self._evaluate)
        worker.event_received.connect(self._on_event)
        self.setFocusProxy(self.dataset.choose)
        self._check()

    @property
    def running(self) -> bool:
        """Whether a training is under way."""
        return self._run is not None and not self._run.ended

    @property
    def run(self) -> RunState | None:
        """The run on the screen."""
        return self._run

    def set_target(self, path: Path) -> None:
        """Where the model is to be written."""
        self._to.setText(str(path))

    @property
    def model_path(self) -> Path:
        """Where the last training was to put its model."""
        return Path(str(self._last.get("to", "")))

    def set_dataset(self, path: Path) -> None:
        """Read a dataset's manifest in the background and show it."""
        self._reading, self._facts = path, None
        self.dataset.show_reading(path)
        self._check()
        self._tasks.pool(
            "Read the dataset",
            lambda: read_dataset_facts(path),
            done=lambda facts: self._on_facts(path, facts),
            failed=lambda error: self._on_facts_failed(path, error),
        )

    def set_project(self, path: Path) -> None:
        """The open project's folder: datasets are looked for beside it."""
        self.dataset.start_folder = path.parent

    def _on_facts(self, path: Path, facts: DatasetFacts) -> None:
        if path != self._reading:
            return  # another dataset was chosen in the meantime
        self._facts = facts
        self.dataset.show_facts(facts)
        if not self._to.text():
            self._to.setText(str(_free(facts.path.parent / f"{facts.path.name}-{self.recipe.recipe}.hipcad")))
        self._check()

    def _on_facts_failed(self, path: Path, error: Exception) -> None:
        if not isinstance(error, UserError):
            self._tasks.broken.emit(error)
        elif path == self._reading:
            self.dataset.show_failure(path, sentence(error))

    # starting

    def _check(self) -> bool:
        """Whether a training can start; says what is missing where it cannot."""
        words = ""
        if self._facts is None:
            words = "Choose a dataset first."
        elif not self._facts.trainable:
            words = "This dataset cannot be trained on, see step 1."
        elif not self._to.text().strip().endswith(".hipcad"):
            words = "Name a model file that ends in .hipcad."
        else:
            try:
                self.recipe.config()
            except UserError as error:
                self._problem.say(sentence(error), "error")
                self.start.setEnabled(False)
                return False
        self._problem.say("" if self.running else words)
        self.start.setEnabled(not words and not self.running)
        return self.start.isEnabled()

    def _start(self, *, resume: bool) -> None:
        if not self._check() or self._facts is None:
            return
        self._last = {
            "dataset": str(self._facts.path),
            "to": self._to.text().strip(),
            "config": self.recipe.config().to_json(),
            "device": self.recipe.device,
        }
        self._submit(resume=resume)

    def _resume(self) -> None:
        if self._last and not self.running:
            self._submit(resume=True)

    def _submit(self, *, resume: bool) -> None:
        before, self._run = self._run, RunState(uuid.uuid4().hex)
        self._run.epochs = int(self._last["config"]["epochs"])
        if resume and before is not None:
            self._run.follow(before)
        self.run_panel.show_run(self._run, title=self.model_path.stem)
        self._worker.submit(Job(self._run.job, "train", {**self._last, "resume": resume}))
        self._lock(True)

    def _cancel(self) -> None:
        if self._run is not None and not self._run.ended:
            self.run_panel.show_cancelling()
            self._worker.cancel(self._run.job)

    def _lock(self, locked: bool) -> None:
        for widget in (self.dataset, self.recipe, self._to_card):
            widget.setEnabled(not locked)
        self._check()

    # events

    def _on_event(self, event: Event) -> None:
        if self._run is not None and self._run.hear(event):
            self.run_panel.show_run(self._run)
            if self._run.outcome == "finished":
                self._to.setText(str(_free(self.model_path)))  # the next model does not overwrite this one
            if self._run.ended:
                self._lock(False)
        elif self._evaluation and event.job == self._evaluation:
            self._on_evaluation(event)

    def _evaluate(self) -> None:
        to = _free(self.model_path.with_name(f"{self.model_path.stem}-report"))
        self._evaluation, self._report = uuid.uuid4().hex, str(to / "report.html")
        arguments = {"model": str(self.model_path), "dataset": self._last["dataset"], "to": str(to)}
        self._worker.submit(Job(self._evaluation, "evaluate", arguments))
        self.run_panel.show_evaluation("Evaluating on the test partition …", busy=True)

    def _on_evaluation(self, event: Event) -> None:
        match event:
            case Artifact(what="report", path=path):
                self._report = path
            case Failed():
                self.run_panel.show_evaluation(failure_words(event), failed=True)
            case Cancelled():
                self.run_panel.show_evaluation("The evaluation was cancelled.")
            case Finished():
                report = Path(self._report)
                page = report if report.suffix == ".html" else report / "report.html"
                self.run_panel.show_evaluation(f"The report is in {page.parent} and opens in the browser.")
                QDesktopServices.openUrl(QUrl.fromLocalFile(str(page)))

    # the screen

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        QTimer.singleShot(50, self, self.run_panel.prepare)  # once the page itself is seen

    def _arrange(self) -> None:
        left = QWidget()
        column = QVBoxLayout(left)
        column.setContentsMargins(14, 14, 14, 14)
        column.setSpacing(12)
        column.addWidget(self.dataset)
        column.addWidget(self.recipe)
        column.addWidget(self._make_to())
        column.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidget(left)
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        side = QWidget()
        side.setProperty("look", "panel")
        side_layout = QVBoxLayout(side)
        side_layout.setContentsMargins(0, 0, 0, 0)
        side_layout.setSpacing(0)
        side_layout.addWidget(scroll, 1)
        foot = QVBoxLayout()
        foot.setContentsMargins(14, 8, 14, 14)
        foot.setSpacing(8)
        foot.addWidget(self._problem)
        foot.addWidget(self.start)
        side_layout.addLayout(foot)
        splitter = QSplitter()
        splitter.addWidget(side)
        splitter.addWidget(self.run_panel)
        splitter.setStretchFactor(1, 1)
        splitter.setChildrenCollapsible(False)
        splitter.setSizes([_LEFT_PX, 2 * _LEFT_PX])
        side.setMinimumWidth(360)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(splitter)

    def _make_to(self) -> QFrame:
        card = QFrame()
        card.setProperty("look", "card")
        choose = QPushButton("Choose…")
        choose.clicked.connect(self._ask_to)
        row = QHBoxLayout()
        row.addWidget(self._to, 1)
        row.addWidget(choose)
        words = QLabel(
            "One file with the network, its card and its figures. What a crash needs lies beside it in a .run folder."
        )
        words.setProperty("look", "muted")
        words.setWordWrap(True)
        layout = QVBoxLayout(card)
        layout.setContentsMargins(14, 12, 14, 14)
        layout.addWidget(step_heading(3, "Model file"))
        layout.addLayout(row)
        layout.addWidget(words)
        self._to_card = card
        return card

    def _ask_to(self) -> None:
        chosen, _ = QFileDialog.getSaveFileName(
            self, "Where the model goes", self._to.text(), "HipCAD model (*.hipcad)"
        )
        if chosen:
            self._to.setText(chosen if chosen.endswith(".hipcad") else f"{chosen}.hipcad")


def _free(wanted: Path) -> Path:
    """The first of wanted, wanted-2, wanted-3... that is not there."""
    number, found = 1, wanted
    while found.exists():
        number += 1
        found = wanted.with_stem(f"{wanted.stem}-{number}")
    return found
