"""Read first: which answers of the program stay hidden until the reader's own is on the disk. Knows no widget."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from hipcad_desktop.app.records import records_folder
from hipcad_desktop.domain.anatomy import Side
from hipcad_desktop.domain.errors import UserError
from hipcad_desktop.domain.read_first import Case, HipReading, Key, ProgramHip
from hipcad_desktop.gui.diagnose.answers import FilmAnswer, FilmEntry
from hipcad_desktop.gui.diagnose.question_queue import QuestionQueue
from hipcad_desktop.gui.tasks import Tasks

if TYPE_CHECKING:
    from hipcad_desktop.workflows.read_first import ReadFirst

Step = Callable[["ReadFirst"], object]


class ReadFirstGate(QObject):
    """While it is on, no answer leaves the queue whose film and model this reader has not locked an own one for.

    Steps are kept one after the other beside the window. What cannot be kept is not shown, and `failed` says why.
    """

    changed = Signal()  # on or off, a step kept, another reader
    failed = Signal(object)  # UserError

    def __init__(self, queue: QuestionQueue, tasks: Tasks, *, reader: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._queue, self._tasks = queue, tasks
        self.on = False
        self.reader = reader
        self._journal: ReadFirst | None = None
        self._opening = False
        self._seen: set[str] = set()  # hashes of films whose answer was on the screen while this was off
        self._steps: deque[Step] = deque()
        self._busy = False
        queue.conceals = self.conceals
        queue.film_changed.connect(self._on_film_changed)
        queue.model_changed.connect(self.changed)

    # what is hidden

    def conceals(self, entry: FilmEntry) -> bool:
        """Whether an entry's answer must not be seen yet. That a film is out of scope tells nothing of its hips."""
        if not self.on or entry.answer is None or entry.answer.refused:
            return False
        case = self.case(entry.answer.film_id)
        return case is None or case.shown is None

    def case(self, film_id: str) -> Case | None:
        """How far this reader is with a film and the model in use."""
        key = self._key(film_id)
        return self._journal.case(key) if self._journal is not None and key is not None else None

    @property
    def ready(self) -> bool:
        """Whether a step could be taken: the records are open and a model is chosen."""
        return self.on and self._journal is not None and self._queue.model is not None

    @property
    def path(self) -> Path:
        """The file of this computer."""
        from hipcad_desktop.workflows.read_first import READ_FIRST_NAME

        return records_folder() / READ_FIRST_NAME

    # on and off

    def set_on(self, on: bool) -> None:
        """Hide from now on, or show all again. Hidden is everything until the records are read."""
        if on == self.on:
            return
        self.on = on
        self._tell_all()
        if on and self._journal is None and not self._opening:
            self._open()

    def set_reader(self, reader: str) -> None:
        """Somebody else reads: other answers are hidden."""
        if reader.strip() and reader.strip() != self.reader:
            self.reader = reader.strip()
            self._tell_all()

    def _open(self) -> None:
        self._opening = True
        path = self.path

        def read() -> ReadFirst:
            from hipcad_desktop.workflows.read_first import ReadFirst

            return ReadFirst(path)

        def opened(journal: ReadFirst) -> None:
            self._opening, self._journal = False, journal
            self._tell_all()

        def broken(error: Exception) -> None:
            self._opening = False
            self.set_on(False)
            self._on_failed(error)

        self._tasks.pool("Read the films read first", read, done=opened, failed=broken)

    # steps

    def lock(self, film_id: str, hips: Mapping[Side, HipReading]) -> None:
        """The own answer on both hips; kept before anything is shown."""
        key, seen = self._key(film_id), film_id in self._seen
        if key is not None:
            self._take(lambda journal: journal.lock(key, hips, seen_before=seen))

    def close(self, film_id: str, hips: Mapping[Side, HipReading]) -> None:
        """The answer after the program's; the film is done."""
        key = self._key(film_id)
        if key is not None:
            self._take(lambda journal: journal.close(key, hips))

    def _key(self, film_id: str) -> Key | None:
        model = self._queue.model
        return Key(self.reader, film_id, model.sha256) if model is not None and film_id else None

    def _on_film_changed(self, file: str) -> None:
        entry = self._queue.entry(file)
        if entry is None or entry.answer is None:
            return
        answer = entry.answer
        if not self.on:
            self._seen.add(answer.film_id)
        elif self._queue.answers_now(file):
            self._show(answer)

    def _show(self, answer: FilmAnswer) -> None:
        """Keep what is about to be shown; a film that is not locked, or is done, has nothing to be kept."""
        key, case = self._key(answer.film_id), self.case(answer.film_id)
        if key is None or case is None or case.final is not None:
            return
        program = {hip.side: ProgramHip(hip.state, hip.p_fracture) for hip in answer.hips}
        midline_px = answer.midline_px
        if case.shown is None or (case.shown.program, case.shown.midline_px) != (program, midline_px):
            self._take(lambda journal: _show_open(journal, key, program, midline_px))

    def _take(self, step: Step) -> None:
        self._steps.append(step)
        self._next()

    def _next(self) -> None:
        journal = self._journal
        if self._busy or not self._steps or journal is None:
            return
        self._busy = True
        step = self._steps.popleft()

        def kept(_case: object) -> None:
            self._busy = False
            self._tell_all()
            self._next()

        def not_kept(error: Exception) -> None:
            self._busy = False
            self._on_failed(error)
            self._next()

        self._tasks.pool("Keep what was read", lambda: step(journal), done=kept, failed=not_kept)

    def _on_failed(self, error: Exception) -> None:
        if isinstance(error, UserError):
            self.failed.emit(error)
        else:
            self._tasks.broken.emit(error)

    def _tell_all(self) -> None:
        for file in self._queue.files:
            self._queue.film_changed.emit(file)
        self.changed.emit()


def _show_open(journal: ReadFirst, key: Key, program: Mapping[Side, ProgramHip], midline_px: float | None) -> None:
    """Asked for twice in a row, or closed meanwhile: kept once."""
    case = journal.case(key)
    if case is not None and case.final is None:
        journal.show(key, program, midline_px=midline_px)
