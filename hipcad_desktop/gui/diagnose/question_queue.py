"""Which film is asked next, and which answers still count. Knows no widget."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QTemporaryDir, Signal

from hipcad_desktop.domain.jobs import Artifact, Cancelled, Event, Failed, Finished, Job
from hipcad_desktop.gui.diagnose.answers import FilmEntry, FilmStatus, Question, film_answer
from hipcad_desktop.gui.diagnose.failure_words import failure_words
from hipcad_desktop.gui.diagnose.model_file import ModelFile
from hipcad_desktop.gui.worker_thread import Worker


class QuestionQueue(QObject):
    """One question in the worker at a time, the film looked at first. A late answer to another question is dropped."""

    film_changed = Signal(str)  # a film's status, answer or failure changed
    films_changed = Signal()  # the list itself
    model_changed = Signal()

    def __init__(self, worker: Worker, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._worker = worker
        self._folder = QTemporaryDir()  # pictures of this session; gone with it
        self._entries: dict[str, FilmEntry] = {}
        self._model: ModelFile | None = None
        self._selected = ""
        self._job = ""
        self._asked: Question | None = None
        self._answered = False
        self.dropped = 0  # late answers, for tests and the log
        self.conceals: Callable[[FilmEntry], bool] = lambda _entry: False  # read_first_gate: what must not be seen yet
        worker.event_received.connect(self._on_event)

    # what is asked

    @property
    def files(self) -> list[str]:
        """All films, in the order they were opened."""
        return list(self._entries)

    @property
    def model(self) -> ModelFile | None:
        """The model in use."""
        return self._model

    def entry(self, file: str) -> FilmEntry | None:
        """A film's entry."""
        return self._entries.get(file)

    def add(self, files: Iterable[str], *, newest_s: float = 0.0) -> list[str]:
        """Add films that are not there yet, and ask about them; those that are new. newest_s: when the first came.

        Files that come together come newest first.
        """
        new = [f for f in dict.fromkeys(files) if f not in self._entries]
        for later, file in enumerate(new):
            self._entries[file] = FilmEntry(file, arrived_s=newest_s - later * 1e-6)
        if new:
            self.films_changed.emit()
            self._ask_next()
        return new

    def clear(self) -> None:
        """Forget all films."""
        self._entries.clear()
        self._selected = ""
        self._drop_asked()
        self.films_changed.emit()

    def select(self, file: str) -> None:
        """The film looked at is asked about before the others."""
        self._selected = file
        self._ask_next()

    def set_model(self, model: ModelFile | None) -> None:
        """Use another model: every answer is old from now on."""
        if model == self._model:
            return
        self._model = model
        self._drop_asked()
        self.model_changed.emit()
        for file in self.files:
            self.film_changed.emit(file)
        self._ask_next()

    def set_midline(self, file: str, midline_px: float | None) -> None:
        """A person put the midline elsewhere (None: let the program find it): the film's answer is old from now on."""
        entry = self._entries.get(file)
        if entry is None or entry.midline_px == midline_px:
            return
        entry.midline_px = midline_px
        if self._asked is not None and self._asked.file == file:
            self._drop_asked()
        self.film_changed.emit(file)
        self._ask_next()

    def renew(self, file: str) -> None:
        """The file holds other bytes now: what was said of it counts no more, and it is asked about again."""
        entry = self._entries.get(file)
        if entry is None:
            return
        self._entries[file] = FilmEntry(file, arrived_s=time.time())
        if self._asked is not None and self._asked.file == file:
            self._drop_asked()
        self.film_changed.emit(file)
        self._ask_next()

    def ask_again(self, file: str) -> None:
        """After a failure."""
        entry = self._entries.get(file)
        if entry is not None:
            entry.failure, entry.failed_question = "", None
            self.film_changed.emit(file)
            self._ask_next()

    # what is known

    def question(self, file: str) -> Question | None:
        """What would be asked about a film now; None without a model."""
        entry = self._entries.get(file)
        if entry is None or self._model is None:
            return None
        return Question(file, self._model.sha256, entry.midline_px)

    def is_current(self, file: str) -> bool:
        """Whether the film's answer is to the question that would be asked now, and may be seen."""
        entry = self._entries.get(file)
        return entry is not None and self.answers_now(file) and not self.conceals(entry)

    def answers_now(self, file: str) -> bool:
        """As is_current, seen or not."""
        entry = self._entries.get(file)
        return entry is not None and entry.answer is not None and entry.answer.question == self.question(file)

    def status(self, file: str) -> FilmStatus:
        """Where a film stands."""
        entry, question = self._entries.get(file), self.question(file)
        if entry is None or question is None:
            return FilmStatus.NO_MODEL
        if entry.answer is not None and entry.answer.question == question:
            if self.conceals(entry):
                return FilmStatus.CONCEALED
            return FilmStatus.REFUSED if entry.answer.refused else FilmStatus.ANSWERED
        if entry.failed_question == question:
            return FilmStatus.FAILED
        return FilmStatus.RUNNING if self._asked == question else FilmStatus.WAITING

    # the worker

    def _ask_next(self) -> None:
        if self._job or self._model is None:
            return
        waiting = (f for f in (self._selected, *self._entries) if self.status(f) is FilmStatus.WAITING)
        file = next(waiting, None)
        question = self.question(file) if file is not None else None
        if file is None or question is None:
            return
        self._job, self._asked, self._answered = uuid.uuid4().hex, question, False
        arguments: dict[str, Any] = {
            "files": [file],
            "model": str(self._model.path),
            "to": str(Path(self._folder.path()) / self._job),
            "midlines": {} if question.midline_px is None else {file: question.midline_px},
            "overlays": False,  # the window lays the heat maps over the film itself
        }
        self._worker.submit(Job(self._job, "diagnose", arguments))
        self.film_changed.emit(file)

    def _drop_asked(self) -> None:
        """Nobody wants the answer to what is being computed; the job stays ours until it ends."""
        if self._job:
            self._asked = None
            self._worker.cancel(self._job)

    def _on_event(self, event: Event) -> None:
        if event.job != self._job or not self._job:
            return
        match event:
            case Artifact(what="diagnosis", path=path, facts=facts):
                self._on_answer(path, facts)
            case Artifact(what="failure", facts=facts):
                self._on_failure(str(facts.get("code", "")), facts.get("facts", {}))
            case Failed(code=code, facts=facts):
                self._on_failure(code, facts)
                self._on_end()
            case Finished() | Cancelled():
                if not self._answered and isinstance(event, Finished):
                    self._on_failure("", {})
                self._on_end()

    def _on_end(self) -> None:
        self._job, ended, self._asked = "", self._asked, None
        if ended is not None:
            self.film_changed.emit(ended.file)
        self._ask_next()

    def _on_answer(self, path: str, facts: Any) -> None:
        question = self._wanted()
        if question is None or self._model is None:
            self.dropped += 1
            return
        if facts.get("model", {}).get("sha256") != question.model_sha256:
            self._on_failure("model_changed", {})
            return
        try:
            answer = film_answer(question, facts, self._model.card.thresholds, written=path)
        except ValueError:
            self._on_failure("", {})
            return
        self._answered = True
        entry = self._entries[question.file]
        entry.answer, entry.failure, entry.failed_question = answer, "", None
        self.film_changed.emit(question.file)

    def _on_failure(self, code: str, facts: Any) -> None:
        question = self._wanted()
        if question is None:
            self.dropped += 1
            return
        self._answered = True
        entry = self._entries[question.file]
        entry.failure, entry.failed_question = failure_words(code, facts), question
        self.film_changed.emit(question.file)

    def _wanted(self) -> Question | None:
        """The question under way, where it is still the one that would be asked."""
        asked = self._asked
        return asked if asked is not None and asked == self.question(asked.file) else None
