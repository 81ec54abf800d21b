"""The modes of the window in one stack: the first page, annotation, and three that are made on first use."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import QSettings, Qt, Signal
from PySide6.QtWidgets import QStackedWidget, QWidget

from hipcad_desktop.gui.annotate.mode import AnnotateMode
from hipcad_desktop.gui.tasks import Tasks


class Modes(QStackedWidget):
    """Modes do not know each other, so what one wants of another comes here."""

    status_message = Signal(str)
    dispute_asked = Signal(object)  # of diagnosis, for the project's review queue
    mode_shown = Signal(str)

    def __init__(
        self,
        first_page: QWidget,
        annotate: AnnotateMode,
        *,
        review: Callable[[], QWidget],
        tasks: Tasks,
        settings: QSettings,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._first_page = first_page
        self._annotate = annotate
        self._review = review
        self._tasks = tasks
        self._settings = settings
        self._made: dict[str, QWidget] = {}
        self._workers: dict[str, Any] = {}
        self.addWidget(first_page)
        self.addWidget(annotate)

    def show_mode(self, name: str, *, project_open: bool) -> None:
        """Show a mode by its command's name; where no project is open the first page instead of annotation."""
        if name == "mode_annotate":
            self.setCurrentWidget(self._annotate if project_open else self._first_page)
            (self._annotate.take_focus if project_open else self._first_page.setFocus)()
        else:
            mode = self.mode(name)
            self.setCurrentWidget(mode)
            mode.setFocus(Qt.FocusReason.OtherFocusReason)

    def mode(self, name: str) -> Any:
        """The widget of a mode other than annotation; made, and its modules imported, on first use."""
        if name not in self._made:
            made: Any = self._review() if name == "mode_review" else self._with_worker(name)
            self._made[name] = made
            self.addWidget(made)
            if hasattr(made, "status_message"):
                made.status_message.connect(self.status_message)
            if hasattr(made, "diagnose_asked"):
                made.diagnose_asked.connect(self.diagnose_with)
            if hasattr(made, "dispute_asked"):
                made.dispute_asked.connect(self.dispute_asked)
            if hasattr(made, "evaluate_asked"):
                made.evaluate_asked.connect(self.evaluate)
        return self._made[name]

    def _with_worker(self, name: str) -> Any:
        if name == "mode_train":
            from hipcad_desktop.gui.training.mode import TrainingMode as Mode
        elif name == "mode_evaluate":
            from hipcad_desktop.gui.evaluate.mode import EvaluateMode as Mode  # type: ignore[assignment]
        else:
            from hipcad_desktop.gui.diagnose.mode import DiagnoseMode as Mode  # type: ignore[assignment]
        return Mode(worker=self.worker(name), tasks=self._tasks, settings=self._settings)

    def made(self, name: str) -> Any | None:
        """The widget of a mode, if it was ever shown."""
        return self._made.get(name)

    def worker(self, mode: str) -> Any:
        """A mode's own worker thread, started on first use: diagnosis does not wait for a training."""
        if mode not in self._workers:
            from hipcad_desktop.gui.worker_thread import Worker

            self._workers[mode] = Worker(parent=self)
        return self._workers[mode]

    def train_on(self, dataset: Path) -> None:
        """Training with a dataset."""
        self.mode_shown.emit("mode_train")
        self.mode("mode_train").set_dataset(dataset)

    def diagnose_with(self, model: Path) -> None:
        """Diagnosis with a model."""
        self.mode_shown.emit("mode_diagnose")
        self.mode("mode_diagnose").open_model(Path(model))

    def evaluate(self, model: Path, dataset: Path) -> None:
        """Evaluation of a model on a dataset, ready to start."""
        self.mode_shown.emit("mode_evaluate")
        self.mode("mode_evaluate").evaluate(Path(model), Path(dataset))

    def diagnose(self, files: Sequence[str]) -> None:
        """Diagnosis of films."""
        self.mode_shown.emit("mode_diagnose")
        self.mode("mode_diagnose").open_films([Path(f) for f in files])

    @property
    def training(self) -> bool:
        """Whether a training runs that leaving would stop."""
        return bool(getattr(self._made.get("mode_train"), "running", False))

    def stop(self) -> None:
        """End the workers, all at once; only at the end of the program."""
        for worker in self._workers.values():
            worker.stop()
        for worker in self._workers.values():
            worker.join()
