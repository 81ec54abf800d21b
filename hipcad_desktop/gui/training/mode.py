"""Training mode: the launcher on the left, check and run on the right; the work itself happens in the worker process.

The tab beside it lists earlier runs.
"""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QSettings, QTimer, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QSplitter, QStackedWidget, QTabWidget, QVBoxLayout, QWidget

from hipcad_desktop.app.box import models_in_the_box
from hipcad_desktop.domain.jobs import Cancelled, Event, Failed, Finished, Job, Progress
from hipcad_desktop.domain.preflight import Preflight
from hipcad_desktop.gui.settings import text
from hipcad_desktop.gui.tasks import Tasks
from hipcad_desktop.gui.training.choices import Choices
from hipcad_desktop.gui.training.draft import RecipeDraft
from hipcad_desktop.gui.training.launcher import Launcher
from hipcad_desktop.gui.training.preflight_page import PreflightPage
from hipcad_desktop.gui.training.recipe_table import RecipeTable
from hipcad_desktop.gui.training.result_words import failure_words
from hipcad_desktop.gui.training.run_panel import RunPanel
from hipcad_desktop.gui.training.run_state import RunState
from hipcad_desktop.gui.worker_thread import Worker

if TYPE_CHECKING:
    from hipcad_desktop.gui.training.runs_page import RunsPage

_LEFT_PX = 440
UNFINISHED = "training/unfinished"  # the arguments of a run that has not ended well, for after a crash or a reboot


class TrainingMode(QTabWidget):
    """Chooses, checks, starts, follows, pauses, cancels and resumes one training at a time."""

    diagnose_asked = Signal(object)  # Path of a model package that was just trained
    evaluate_asked = Signal(object, object)  # Path of the model, Path of its dataset

    def __init__(
        self, *, worker: Worker, tasks: Tasks, settings: QSettings | None, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setDocumentMode(True)
        self._worker = worker
        self._tasks = tasks
        self._settings = settings
        self._run: RunState | None = None
        self._last: dict[str, Any] = {}  # arguments of the last training, for resuming it
        self._runs: RunsPage | None = None
        self._checking = ""
        self._checked: dict[str, Any] = {}  # arguments that the check on the screen was made with
        self.draft = RecipeDraft(self)
        self.launcher = Launcher(self.draft, box=models_in_the_box())
        self.choices = Choices(self.launcher, self.draft, tasks, self)
        self.run_panel = RunPanel(tasks)
        self.preflight = PreflightPage()
        self.recipe_table = RecipeTable(self.draft)
        self._pages = QStackedWidget()
        self._arrange()
        self._wire()
        worker.event_received.connect(self._on_event)
        self._offer_unfinished()

    @property
    def running(self) -> bool:
        """Whether a training is under way."""
        return self._run is not None and not self._run.ended

    @property
    def run(self) -> RunState | None:
        """The run on the screen."""
        return self._run

    @property
    def model_path(self) -> Path:
        """Where the last training was to put its model."""
        return Path(str(self._last.get("to", "")))

    def set_target(self, path: Path) -> None:
        """Where the model is to be written."""
        self.launcher.target.set_path(path)

    def set_dataset(self, path: Path) -> None:
        """Read a dataset's manifest in the background and show it."""
        self.setCurrentIndex(0)
        self.choices.set_dataset(path)

    def set_project(self, path: Path) -> None:
        """The open project's folder: datasets are looked for beside it."""
        self.launcher.dataset.start_folder = path.parent

    def runs_page(self) -> RunsPage:
        """The list of earlier runs, made on first use."""
        if self._runs is None:
            from hipcad_desktop.gui.training.runs_page import RunsPage

            self._runs = RunsPage(tasks=self._tasks, settings=self._settings)
            self._runs_room.addWidget(self._runs)
        return self._runs

    def check(self) -> None:
        """Look at everything before a training, in the worker."""
        if self.running or self._checking or self.launcher.missing()[0]:
            return
        self._checked = self.launcher.arguments()
        self._checking = uuid.uuid4().hex
        self.preflight.show_checking(f"Before “{Path(self._checked['to']).stem}” is trained")
        self._pages.setCurrentWidget(self.preflight)
        self._worker.submit(Job(self._checking, "preflight", self._checked))

    # starting

    def _start(self) -> None:
        if not self.preflight.may_start or self.running:
            return
        self._last = dict(self._checked)
        self._submit(resume=False)

    def _resume(self) -> None:
        if self._last and not self.running:
            self._submit(resume=True)

    def _submit(self, *, resume: bool) -> None:
        before, self._run = self._run, RunState(uuid.uuid4().hex)
        self._run.epochs = int(self._last["config"]["epochs"])
        if resume and before is not None:
            self._run.follow(before)
        self._remember(self._last)
        self.runs_page().add_folder(self.model_path.parent)
        self._pages.setCurrentWidget(self.run_panel)
        self.run_panel.show_run(self._run, title=self.model_path.stem)
        self._worker.submit(Job(self._run.job, "train", {**self._last, "resume": resume}))
        self.launcher.lock(True)

    def _cancel(self) -> None:
        if self._run is not None and not self._run.ended:
            self.run_panel.show_cancelling()
            self._worker.cancel(self._run.job)

    def _pause(self, stand: bool) -> None:
        if self._run is not None and not self._run.ended:
            (self._worker.pause if stand else self._worker.resume)(self._run.job)

    def _remember(self, arguments: dict[str, Any]) -> None:
        if self._settings is not None:
            self._settings.setValue(UNFINISHED, json.dumps(arguments) if arguments else "")
            self._settings.sync()  # the next thing may be a power cut

    def _offer_unfinished(self) -> None:
        """A run that a crash, a power cut or the end of the program stopped can go on with one click."""
        known = text(self._settings, UNFINISHED) if self._settings is not None else ""
        try:
            arguments = json.loads(known) if known else {}
            is_there = bool(arguments) and Path(arguments["to"]).with_suffix(".run").is_dir()
            epochs = int(arguments["config"]["epochs"]) if is_there else 0
        except (ValueError, KeyError, TypeError):
            return
        if is_there and not Path(arguments["to"]).exists():
            self._last = arguments
            self._run = RunState("", outcome="interrupted", epochs=epochs)
            self.run_panel.show_run(self._run, title=self.model_path.stem)

    # what comes back

    def _on_changed(self) -> None:
        self.preflight.show_stale()
        self.launcher.show_checked(self.preflight.good)

    def _on_event(self, event: Event) -> None:
        if self._run is not None and self._run.hear(event):
            self.run_panel.show_run(self._run)
            if self._run.outcome == "finished":
                self._remember({})
                self.launcher.target.next_free()  # the next model does not overwrite this one
            if self._run.ended:
                self.launcher.lock(False)
                self.launcher.show_checked(True)  # the next step is on the right: the result, or to resume
        elif self._checking and event.job == self._checking:
            self._on_check(event)

    def _on_check(self, event: Event) -> None:
        match event:
            case Progress():
                self.preflight.show_stage(event.stage, event.done, event.total)
                return
            case Finished(facts=facts):
                self.preflight.show_found(Preflight.from_json(facts))
                if self.launcher.missing()[0] or self.launcher.arguments() != self._checked:
                    self.preflight.show_stale()  # something was changed meanwhile
            case Failed():
                self.preflight.show_failure(failure_words(event))
            case Cancelled():
                self.preflight.show_failure("The check was cancelled.")
            case _:
                return
        self._checking = ""
        self.launcher.show_checked(self.preflight.good)

    # the screen

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        QTimer.singleShot(50, self, self.run_panel.prepare)  # once the page itself is seen

    def _wire(self) -> None:
        launcher, panel, preflight = self.launcher, self.run_panel, self.preflight
        launcher.recipe.table_asked.connect(self._show_table)
        launcher.check_asked.connect(self.check)
        launcher.changed.connect(self._on_changed)
        self.recipe_table.closed.connect(self._hide_table)
        preflight.start_asked.connect(self._start)
        preflight.check_asked.connect(self.check)
        preflight.cancel_asked.connect(lambda: self._worker.cancel(self._checking))
        panel.cancel_asked.connect(self._cancel)
        panel.pause_asked.connect(self._pause)
        panel.resume_asked.connect(self._resume)
        panel.diagnose_asked.connect(lambda: self.diagnose_asked.emit(self.model_path))
        panel.evaluate_asked.connect(lambda: self.evaluate_asked.emit(self.model_path, Path(self._last["dataset"])))
        self.setFocusProxy(launcher.dataset.choose)

    def _show_table(self) -> None:
        self._pages.setCurrentWidget(self.recipe_table)

    def _hide_table(self) -> None:
        at_check = bool(self._checking) or self.preflight.found is not None
        self._pages.setCurrentWidget(self.preflight if at_check else self.run_panel)

    def _arrange(self) -> None:
        for page in (self.run_panel, self.preflight, self.recipe_table):
            self._pages.addWidget(page)
        splitter = QSplitter()
        splitter.addWidget(self.launcher)
        splitter.addWidget(self._pages)
        splitter.setStretchFactor(1, 1)
        splitter.setChildrenCollapsible(False)
        splitter.setSizes([_LEFT_PX, 2 * _LEFT_PX])
        self.launcher.setMinimumWidth(380)
        self.addTab(splitter, "Train")
        runs = QWidget()
        self._runs_room = QVBoxLayout(runs)
        self._runs_room.setContentsMargins(0, 0, 0, 0)
        self.addTab(runs, "Runs")
        self.currentChanged.connect(lambda index: self.runs_page() if index else None)
