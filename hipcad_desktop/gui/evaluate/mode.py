"""Evaluation mode: choose model and dataset, measure in the worker, look at the report, judge it, compare it."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PySide6.QtCore import QSettings, Signal
from PySide6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from hipcad_desktop.domain.cohort import Partition
from hipcad_desktop.domain.errors import UserError
from hipcad_desktop.domain.jobs import Artifact, Cancelled, Event, Failed, Finished, Job, Progress, Started
from hipcad_desktop.domain.messages import sentence
from hipcad_desktop.domain.report_values import comparison_from_json
from hipcad_desktop.domain.time_words import day_words
from hipcad_desktop.gui import settings as keys
from hipcad_desktop.gui.diagnose.model_file import ModelFile, read_model_file
from hipcad_desktop.gui.evaluate.launch_page import LaunchPage
from hipcad_desktop.gui.evaluate.report_file import ReportFile, read_report_file
from hipcad_desktop.gui.evaluate.report_view import ReportView
from hipcad_desktop.gui.evaluate.seal import DatasetWithSeal, question_words, read_dataset
from hipcad_desktop.gui.evaluate.words import value_words
from hipcad_desktop.gui.tasks import Tasks
from hipcad_desktop.gui.training.result_words import failure_words
from hipcad_desktop.gui.worker_thread import Worker

_MOST_RECENT = 12
_STAGES = {"evaluate": "Measuring", "report": "Writing the report"}


class EvaluateMode(QWidget):
    """One evaluation at a time; a report stays open until another is."""

    status_message = Signal(str)

    def __init__(
        self, *, worker: Worker, tasks: Tasks, settings: QSettings | None, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._worker, self._tasks, self._settings = worker, tasks, settings
        self._model: ModelFile | None = None
        self._dataset: DatasetWithSeal | None = None
        self._reading_model: Path | None = None
        self._reading_dataset: Path | None = None
        self._wanted: Path | None = None  # the report that was asked for last
        self._job, self._comparison = "", ""
        self._to = Path()
        self._own_to = ""  # the folder proposed, until a person writes another
        self._page: Path | None = None
        reader = keys.text(settings, keys.READER) if settings is not None else ""
        self.launch, self.report_view = LaunchPage(), ReportView(tasks, reader=reader)
        self._stack = QStackedWidget()
        self._stack.addWidget(self.launch)
        self._stack.addWidget(self.report_view)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._stack)
        self.launch.model_box.model_chosen.connect(self.open_model)
        self.launch.dataset_chosen.connect(self.open_dataset)
        self.launch.report_chosen.connect(self.open_report)
        self.launch.changed.connect(self._check)
        self.launch.run_box.start_asked.connect(self._ask)
        self.launch.run_box.confirmed.connect(self._start)
        self.launch.run_box.cancel_asked.connect(self._cancel)
        self.report_view.back_asked.connect(self.show_launch)
        self.report_view.compare.compare_asked.connect(self.compare_with)
        worker.event_received.connect(self._on_event)
        self._check()
        self._first()

    @property
    def running(self) -> bool:
        """Whether an evaluation is under way."""
        return bool(self._job)

    # model, dataset, report

    def open_model(self, path: Path) -> None:
        """Read a model's card and choose it."""
        self._reading_model = path
        self._tasks.pool(
            "Read the model card",
            lambda: read_model_file(path),
            done=lambda model: self._on_model(path, model),
            failed=lambda error: self._on_failed(error, path == self._reading_model, self.launch.model_box.notice.say),
        )

    def open_dataset(self, path: Path) -> None:
        """Read a dataset's counts and its seal, and choose it."""
        self._reading_dataset, self._dataset = path, None
        self.launch.show_dataset(None, path=f"Reading {path} …")
        self._check()
        self._tasks.pool(
            "Read the dataset",
            lambda: read_dataset(path),
            done=lambda dataset: self._on_dataset(path, dataset),
            failed=lambda error: self._on_failed(
                error,
                path == self._reading_dataset,
                lambda words, _kind: self.launch.show_dataset(None, path=str(path), failure=words),
            ),
        )

    def evaluate(self, model: Path, dataset: Path) -> None:
        """Prepare an evaluation; nothing starts before a person says so."""
        self.show_launch()
        self.open_model(model)
        self.open_dataset(dataset)

    def open_report(self, path: Path) -> None:
        """Read a report and show it."""
        self._wanted = path
        self._tasks.pool(
            "Read the report",
            lambda: read_report_file(path),
            done=lambda report: self._on_report(path, report),
            failed=lambda error: self._on_failed(
                error, path == self._wanted, lambda words, kind: self.launch.run_box.problem.say(words, kind)
            ),
        )

    def show_launch(self) -> None:
        """The form."""
        self._stack.setCurrentWidget(self.launch)
        self._check()

    def _on_model(self, path: Path, model: ModelFile) -> None:
        if path == self._reading_model:
            self._model = model
            self.launch.model_box.show_model(model)
            self._propose()
            self._check()

    def _on_dataset(self, path: Path, dataset: DatasetWithSeal) -> None:
        if path == self._reading_dataset:
            self._dataset = dataset
            self.launch.show_dataset(dataset)
            self._propose()
            self._check()

    def _on_report(self, path: Path, report: ReportFile) -> None:
        if path != self._wanted:
            return
        self.report_view.show_report(report)
        self._stack.setCurrentWidget(self.report_view)
        self._remember(report)

    def _on_failed(self, error: Exception, wanted: bool, say: Any) -> None:
        if not isinstance(error, UserError):
            self._tasks.broken.emit(error)
        elif wanted:
            say(sentence(error), "error")

    # starting

    def _propose(self) -> None:
        """A folder beside the dataset, unless a person wrote one."""
        if self._model is None or self._dataset is None or self.launch.to.text() != self._own_to:
            return
        folder = self._dataset.facts.path
        wanted = folder.parent / f"{folder.name}-{self._model.path.stem}-report"
        self._tasks.pool("Find a folder", lambda: free(wanted), done=self._on_proposed)

    def _on_proposed(self, to: Path) -> None:
        if self.launch.to.text() == self._own_to:
            self._own_to = str(to)
            self.launch.to.setText(self._own_to)

    def _check(self) -> bool:
        words = ""
        if self._model is None:
            words = "Choose a model first."
        elif self._dataset is None:
            words = "Choose a dataset."
        elif not self.launch.partitions[self.launch.partition].isEnabled():
            words = f"The {self.launch.partition.value} partition is empty: choose another one."
        elif not self.launch.to.text().strip():
            words = "Name a folder for the report."
        box = self.launch.run_box
        box.problem.say("" if self.running else words)
        box.start.setEnabled(not words and not self.running)
        if box.asking:
            box.rest()  # what was asked about has changed
        return box.start.isEnabled()

    def _ask(self) -> None:
        if not self._check() or self._model is None or self._dataset is None:
            return
        if self.launch.partition is Partition.TEST:
            self.launch.run_box.ask(question_words(self._dataset.openings, self._model.card.name))
        else:
            self._start()

    def _start(self) -> None:
        if not self._check() or self._model is None or self._dataset is None:
            return
        self._job, self._to = uuid.uuid4().hex, Path(self.launch.to.text().strip()).expanduser()
        arguments = {
            "model": str(self._model.path),
            "dataset": str(self._dataset.facts.path),
            "to": str(self._to),
            "partition": self.launch.partition.value,
            "prevalence": self.launch.prevalence.value() / 100,
            "interval": self.launch.interval_name,
        }
        self._worker.submit(Job(self._job, "evaluate", arguments))
        self.launch.lock(True)
        self.launch.run_box.problem.say("")
        self.launch.run_box.show_progress("Starting the worker …")

    def _cancel(self) -> None:
        self.launch.run_box.show_cancelling()
        self._worker.cancel(self._job)

    # events

    def _on_event(self, event: Event) -> None:
        if event.job and event.job == self._job:
            self._on_evaluation(event)
        elif event.job and event.job == self._comparison:
            self._on_comparison(event)

    def _on_evaluation(self, event: Event) -> None:
        box = self.launch.run_box
        match event:
            case Started():
                box.show_progress("Reading model and hips …")
            case Progress(stage=stage, done=done, total=total):
                words = _STAGES.get(stage, stage.capitalize())
                box.show_progress(f"{words}: {done:,} of {total:,}" if total else f"{words} …", done, total)
            case Finished() | Cancelled() | Failed():
                self._job = ""
                self.launch.lock(False)
                box.rest()
                self._check()
                self._read_seal_again()
                self._own_to = self.launch.to.text()
                self._propose()
        match event:
            case Failed():
                box.problem.say(failure_words(event), "error")
            case Cancelled():
                box.problem.say(
                    "The evaluation was cancelled. If it had opened the test partition, that stays recorded."
                )
            case Finished():
                self.open_report(self._to)

    def _read_seal_again(self) -> None:
        """The evaluation may have opened the test partition: the next question counts from there."""
        if self._dataset is not None:
            path = self._reading_dataset = self._dataset.facts.path
            self._tasks.pool("Read the seal", lambda: read_dataset(path), done=lambda d: self._on_dataset(path, d))

    def compare_with(self, other: Path) -> None:
        """Hold the open report against another one."""
        report = self.report_view.report
        if report is None or self._comparison:
            return
        to = free(report.folder.parent / f"{report.folder.name}-against-{other.name}")
        self._comparison, self._page = uuid.uuid4().hex, None
        arguments = {"report_a": str(report.folder), "report_b": str(other), "to": str(to)}
        self.report_view.compare.show_busy()
        self._worker.submit(Job(self._comparison, "compare", arguments))

    def _on_comparison(self, event: Event) -> None:
        page = self.report_view.compare
        match event:
            case Artifact(what="comparison", path=path):
                self._page = Path(path)
            case Failed():
                page.show_failure(failure_words(event))
            case Cancelled():
                page.show_failure("The comparison was cancelled.")
            case Finished(facts=facts):
                page.show_comparison(comparison_from_json(facts["comparison"]), self._page)
        if isinstance(event, Failed | Cancelled | Finished):
            self._comparison = ""

    # what is remembered

    def _first(self) -> None:
        """The model used last or shipped, and the reports of before."""
        from hipcad_desktop.app.sample import default_model

        last = keys.text(self._settings, keys.MODEL) if self._settings is not None else ""

        def find() -> Path | None:
            return Path(last) if last and Path(last).is_file() else default_model()

        def found(path: Path | None) -> None:
            if path is not None and self._reading_model is None:
                self.open_model(path)

        self._tasks.pool("Find a model", find, done=found)
        self.launch.show_recent([(Path(r["path"]), r["title"], r["words"]) for r in self._recent()])

    def _recent(self) -> list[Mapping[str, str]]:
        if self._settings is None:
            return []
        try:
            rows = json.loads(keys.text(self._settings, keys.REPORTS, "[]"))
        except ValueError:
            return []
        wanted = {"path", "title", "words"}
        return [r for r in rows if isinstance(r, dict) and wanted <= r.keys()] if isinstance(rows, list) else []

    def _remember(self, report: ReportFile) -> None:
        found = report.evaluation
        auc = value_words(found.halvings[0].auc) if found.halvings else "–"
        row = {
            "path": str(report.folder),
            "title": report.title,
            "words": f"{found.partition} partition, AUC {auc}, {day_words(found.created_utc)}",
        }
        rows = [row, *(r for r in self._recent() if r["path"] != row["path"])][:_MOST_RECENT]
        if self._settings is not None:
            self._settings.setValue(keys.REPORTS, json.dumps(rows))
        self.launch.show_recent([(Path(r["path"]), r["title"], r["words"]) for r in rows])


def free(wanted: Path) -> Path:
    """The first of wanted, wanted-2, wanted-3... that is not there."""
    number, found = 1, wanted
    while found.exists():
        number += 1
        found = wanted.with_name(f"{wanted.name}-{number}")
    return found
