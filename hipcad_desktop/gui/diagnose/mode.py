"""Diagnosis mode: films on the left, the film in the middle, what the model says of each hip on the right."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QSettings, Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QPushButton, QScrollArea, QSplitter, QVBoxLayout, QWidget

from hipcad_desktop.app.sample import default_model
from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.messages import sentence
from hipcad_desktop.gui import settings as keys
from hipcad_desktop.gui.diagnose.answers import FilmStatus
from hipcad_desktop.gui.diagnose.batch_dialog import BatchDialog
from hipcad_desktop.gui.diagnose.cards import AnswerPanel
from hipcad_desktop.gui.diagnose.disagree import DisagreeButton
from hipcad_desktop.gui.diagnose.film_list import FilmList
from hipcad_desktop.gui.diagnose.film_stage import FilmStage
from hipcad_desktop.gui.diagnose.folder_watch import FolderWatch
from hipcad_desktop.gui.diagnose.model_box import ModelBox
from hipcad_desktop.gui.diagnose.model_file import ModelFile, read_model_file
from hipcad_desktop.gui.diagnose.question_queue import QuestionQueue
from hipcad_desktop.gui.diagnose.read_first_card import ReadFirstCard
from hipcad_desktop.gui.diagnose.read_first_gate import ReadFirstGate
from hipcad_desktop.gui.diagnose.save_answers import SaveAnswers
from hipcad_desktop.gui.diagnose.second_opinion import SecondOpinionCard
from hipcad_desktop.gui.tasks import Tasks
from hipcad_desktop.gui.widgets.notice import Notice
from hipcad_desktop.gui.worker_thread import Worker


class DiagnoseMode(QWidget):
    """Opens films, asks the worker, shows answers. What is shown always belongs to the film on the screen."""

    dispute_asked = Signal(object)  # DisputeAsked: who knows the project keeps it

    def __init__(
        self, *, worker: Worker, tasks: Tasks, settings: QSettings | None, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._tasks = tasks
        self._settings = settings
        self._file = ""
        self._reading_model: Path | None = None
        self._dragging = False
        self.queue = QuestionQueue(worker, self)
        self.films = FilmList(self.queue)
        self.stage = FilmStage(tasks)
        self.panel = AnswerPanel()
        self.model_box = ModelBox()
        self._notice = Notice()
        self.folder = FolderWatch(self.queue, tasks)
        self.opinions = SecondOpinionCard(worker)
        self.save = SaveAnswers(self.queue, tasks)
        reader = keys.text(settings, keys.READER) if settings is not None else ""
        gate = ReadFirstGate(self.queue, tasks, reader=reader or keys.system_user(), parent=self)
        self.first = ReadFirstCard(gate, tasks, settings)
        self.disagree = DisagreeButton(settings)
        self._worker = worker
        self._reset_midline = QPushButton("Midline back to where it was found")
        self.setAcceptDrops(True)
        self._arrange()
        self.films.film_selected.connect(self._on_selected)
        self.folder.ordered.connect(self.films.set_urgent)
        self.folder.changed.connect(self.stage.reload)
        self.folder.batch_asked.connect(self.ask_batch)
        self.queue.film_changed.connect(self._on_film_changed)
        self.queue.model_changed.connect(lambda: self.model_box.show_model(self.queue.model))
        self.stage.film_shown.connect(self._on_film_changed)
        self.stage.midline_moved.connect(self._on_midline_moved)
        self.stage.midline_dragged.connect(self._on_midline_dragged)
        self.disagree.asked.connect(self.dispute_asked)
        self.panel.again.clicked.connect(lambda: self.queue.ask_again(self._file))
        self.model_box.model_chosen.connect(self.open_model)
        self._reset_midline.clicked.connect(lambda: self.queue.set_midline(self._file, None))
        for watched in (self, self.films, self.stage, self.stage.view, *self.stage.pair.views):
            watched.installEventFilter(self.stage.bar)
        self.setFocusProxy(self.films)
        self._show()
        if settings is not None:
            self.stage.bar.set_colours(keys.text(settings, keys.HEAT_COLOURS))
            self.stage.bar.colours_changed.connect(lambda name: settings.setValue(keys.HEAT_COLOURS, name))
            self._open_first_model(keys.text(settings, keys.MODEL))

    # films and model

    def open_films(self, paths: Sequence[Path]) -> None:
        """Add films; folders are searched beside the window. The first new one is shown."""

        def find() -> tuple[Path, ...]:
            from hipcad_desktop.workflows.load_film import films_among

            return films_among(paths)

        self._tasks.pool("Find films", find, done=lambda found: self._on_found(paths, found))

    def open_model(self, path: Path) -> None:
        """Use the model in a file, once its card is read."""
        self._reading_model = path
        self._tasks.pool(
            "Read the model card",
            lambda: read_model_file(path),
            done=lambda model: self._on_model(path, model),
            failed=lambda error: self._on_model_failed(path, error),
        )

    def _open_first_model(self, last: str) -> None:
        """The model used last, else the one that ships."""

        def find() -> Path | None:
            return Path(last) if last and Path(last).is_file() else default_model()

        def found(path: Path | None) -> None:
            if path is not None and self._reading_model is None:
                self.open_model(path)

        self._tasks.pool("Find a model", find, done=found)

    def _on_found(self, paths: Sequence[Path], found: tuple[Path, ...]) -> None:
        self._notice.say("")
        if not found and paths:
            self._notice.say(sentence(UserError(ErrorCode.NO_FILMS_FOUND, path=str(paths[0]))), "warning")
        new = self.queue.add(str(path) for path in found)
        shown = new or [str(path) for path in found]
        if shown:
            self.films.show_film(shown[0])

    def _on_model(self, path: Path, model: ModelFile) -> None:
        if path == self._reading_model:
            self.queue.set_model(model)
            self.model_box.show_model(model)
            if self._settings is None:
                return
            if path == default_model():  # not kept: after an update the box's new default is to answer
                self._settings.remove(keys.MODEL)
            else:
                self._settings.setValue(keys.MODEL, str(path))

    def _on_model_failed(self, path: Path, error: Exception) -> None:
        if not isinstance(error, UserError):
            self._tasks.broken.emit(error)
        elif path == self._reading_model:
            self.model_box.notice.say(sentence(error), "error")

    def ask_batch(self) -> BatchDialog | None:
        """A window for a folder of thousands of films; None, and the reason beside the list, without a model."""
        if self.queue.model is None:
            self._notice.say("Choose a model first.", "warning")
            return None
        dialog = BatchDialog(self._worker, self.queue.model, self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.show()
        return dialog

    # what is shown

    def _on_selected(self, file: str) -> None:
        self._file, self._dragging = file, False
        self.panel.show_waiting("")
        self.stage.show_file(file)
        self.queue.select(file)
        self._show()

    def _on_film_changed(self, file: str) -> None:
        if file == self._file:
            self._dragging = False
            self._show()

    def _on_midline_moved(self) -> None:
        if not self._dragging:
            self._dragging = True
            self.stage.hide_heat()
            self._show_panel()

    def _on_midline_dragged(self, file: str, midline_px: float) -> None:
        self._dragging = False
        self.queue.set_midline(file, round(midline_px, 1))
        self._show()

    def _show(self) -> None:
        """Bring stage and cards to what is known of the film on the screen."""
        entry = self.queue.entry(self._file)
        current = self._is_current()
        answer = entry.answer if entry is not None and current else None
        self.stage.show_answer(answer if self.stage.film_id else None)
        self._reset_midline.setVisible(entry is not None and entry.midline_px is not None)
        self._show_panel()

    def _is_current(self) -> bool:
        """Whether the film's answer belongs to the very film, model and midline on the screen."""
        entry = self.queue.entry(self._file)
        if entry is None or entry.answer is None or not self.queue.is_current(self._file):
            return False
        return not self.stage.film_id or entry.answer.film_id == self.stage.film_id

    def _show_panel(self) -> None:
        self._show_cards()
        entry = self.queue.entry(self._file)
        explained = entry.answer if entry is not None and self._is_current() and not self._dragging else None
        self.opinions.show_answer(explained, self.queue.model)
        self.disagree.show_answer(explained)
        film = self.stage.view.film
        self.first.show_film(self.stage.film_id, film.radiograph.sides if film is not None else None)
        self.save.show_film(self._file)

    def _show_cards(self) -> None:
        entry, status = self.queue.entry(self._file), self.queue.status(self._file)
        if entry is None:
            self.panel.show_waiting("" if self.queue.files else "The answer for each hip appears here.")
            return
        current = self._is_current() and not self._dragging
        progress = "Let go to compute with this midline." if self._dragging else _PROGRESS.get(status, "")
        if status is FilmStatus.FAILED and not current:
            self.panel.show_failure(entry.failure)
        elif entry.answer is None or self.queue.conceals(entry):
            self.panel.show_waiting(progress)
        elif status in (FilmStatus.ANSWERED, FilmStatus.REFUSED) and not current and not self._dragging:
            changed = UserError(ErrorCode.FILM_CHANGED, path=Path(self._file).name)
            self.panel.show_failure(sentence(changed))
        else:
            self.panel.show_answer(entry.answer, old=not current, progress="" if current else progress)

    # opening by hand

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if any(url.isLocalFile() for url in event.mimeData().urls()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        paths = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
        models = [p for p in paths if p.suffix == ".hipcad"]
        if models:
            self.open_model(models[0])
        films = [p for p in paths if p not in models]
        if films:
            self.open_films(films)
        event.acceptProposedAction()

    def _ask_films(self) -> None:
        chosen, _ = QFileDialog.getOpenFileNames(self, "Open films to diagnose")
        if chosen:
            self.open_films([Path(name) for name in chosen])

    def _arrange(self) -> None:
        open_button = QPushButton("Open films…")
        open_button.setProperty("look", "primary")
        open_button.clicked.connect(self._ask_films)
        clear = QPushButton("Clear list")
        clear.setProperty("look", "flat")
        clear.clicked.connect(self.queue.clear)
        left = QWidget()
        left.setProperty("look", "panel")
        column = QVBoxLayout(left)
        column.setContentsMargins(0, 0, 0, 8)
        top = QVBoxLayout()
        top.setContentsMargins(12, 12, 12, 4)
        top.addWidget(open_button)
        top.addWidget(self.folder)
        top.addWidget(self._notice)
        column.addLayout(top)
        column.addWidget(self.films, 1)
        column.addWidget(clear, 0, Qt.AlignmentFlag.AlignHCenter)
        answers = QWidget()
        inside = QVBoxLayout(answers)
        inside.setContentsMargins(12, 12, 12, 12)
        inside.setSpacing(10)
        inside.addWidget(self.model_box)
        inside.addWidget(self.first)
        inside.addWidget(self.panel, 1)
        inside.addWidget(self.disagree)
        inside.addWidget(self._reset_midline)
        inside.addWidget(self.opinions)
        inside.addWidget(self.save)
        right = QScrollArea()
        right.setWidget(answers)
        right.setWidgetResizable(True)
        right.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        splitter = QSplitter()
        for widget in (left, self.stage, right):
            splitter.addWidget(widget)
        splitter.setChildrenCollapsible(False)
        splitter.setStretchFactor(1, 1)
        splitter.setSizes([220, 700, 340])
        left.setMinimumWidth(180)
        right.setMinimumWidth(310)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(splitter)


_PROGRESS = {
    FilmStatus.NO_MODEL: "Choose a model to get an answer.",
    FilmStatus.WAITING: "Waiting for its turn …",
    FilmStatus.RUNNING: "Computing …",
    FilmStatus.CONCEALED: "The program has its answer. Yours comes first.",
}
