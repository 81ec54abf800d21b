"""Thumbnails for the worklist: made on one thread of low priority, what is on the screen first; a few are kept."""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections import OrderedDict, deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QImage, QPixmap

from hipcad_desktop.domain.radiograph import FilmId
from hipcad_desktop.gui.state.project_state import ProjectState

KEPT = 600  # pixmaps: 600 x 100 kB
DENSITY = 2.0  # 160 pixels fill 80 of the screen's: sharp on dense screens too
NICE = 10
TELL_EVERY = 10

Job = tuple[FilmId, str]  # and where its file lies
_LOG = logging.getLogger(__name__)


@dataclass(slots=True)
class _Line:
    """What one project's thread still has to do. Guarded by its lock; a project that is closed has an empty one."""

    project: Path
    urgent: deque[Job] = field(default_factory=deque)
    rest: deque[Job] = field(default_factory=deque)
    total: int = 0
    running: bool = False
    dropped: bool = False  # nobody listens any more
    lock: threading.Lock = field(default_factory=threading.Lock)

    def next(self) -> tuple[Job, bool, int, int] | None:
        """A film, whether it is urgent, how many of the rest are left, of how many; None ends the thread's run."""
        with self.lock:
            if not (self.urgent or self.rest):
                self.running = False
                return None
            urgent = bool(self.urgent)
            job = self.urgent.popleft() if urgent else self.rest.popleft()
            return job, urgent, len(self.rest), self.total

    def clear(self) -> None:
        """Nothing more after the film at work."""
        with self.lock:
            self.urgent.clear()
            self.rest.clear()
            self.total = 0


class Thumbnails(QObject):
    """show() says what is on the screen; the rest of the project follows until stop(). Nothing blocks."""

    arrived = Signal(str)  # film id
    progressed = Signal(int, int)  # films looked after, of how many; equal when all are
    _made = Signal(object, str, object)  # _Line, film id, QImage
    _stepped = Signal(object, int, int)

    def __init__(self, state: ProjectState, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._state = state
        self._pixmaps: OrderedDict[FilmId, QPixmap | None] = OrderedDict()
        self._line: _Line | None = None
        self._thread: ThreadPoolExecutor | None = None
        # From the thread: Qt queues them to the one that this object lives in.
        self._made.connect(self._take, Qt.ConnectionType.QueuedConnection)
        self._stepped.connect(self._tell, Qt.ConnectionType.QueuedConnection)
        state.closed.connect(self.forget)

    def picture(self, film_id: FilmId) -> QPixmap | None:
        """The pixmap where it is here; asking starts nothing."""
        found = self._pixmaps.get(film_id)
        if found is not None:
            self._pixmaps.move_to_end(film_id)
        return found

    def show(self, films: Sequence[FilmId]) -> None:
        """These are on the screen, and nothing else is urgent any more."""
        line = self._opened()
        if line is not None:
            jobs = [(f.film_id, f.path) for f in map(self._state.film, films) if f and f.film_id not in self._pixmaps]
            with line.lock:
                line.urgent = deque(jobs)
            self._work(line)

    def make_all(self) -> None:
        """Make those of all films, in order, behind whatever is on the screen."""
        line = self._opened()
        if line is not None:
            with line.lock:
                line.rest = deque((f.film_id, f.path) for f in self._state.films)
                line.total = len(line.rest)
            self._work(line)

    def stop(self) -> None:
        """Finish the one film at work, then only what comes on the screen."""
        if self._line is not None:
            self._line.clear()
        self.progressed.emit(0, 0)

    def forget(self) -> None:
        """Another project, or none: what still arrives is not taken, nothing is kept."""
        if self._line is not None:
            self._line.dropped = True
        self.stop()
        self._line = None
        self._pixmaps.clear()
        if self._thread is not None:
            self._thread.shutdown(wait=False, cancel_futures=True)
            self._thread = None

    def _opened(self) -> _Line | None:
        path = self._state.path
        if path is not None and (self._line is None or self._line.project != path):
            self._line = _Line(path)
        return self._line

    def _work(self, line: _Line) -> None:
        with line.lock:
            if line.running or not (line.urgent or line.rest):
                return
            line.running = True
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, thread_name_prefix="thumbnails", initializer=_be_nice)
        self._thread.submit(self._run, line)

    def _run(self, line: _Line) -> None:
        """On the thread: until nothing is left to do."""
        from hipcad_desktop.workflows.thumbnails import thumbnail, thumbnails_of

        cache = thumbnails_of(line.project)
        while (found := line.next()) is not None:
            (film_id, path), urgent, left, total = found
            try:
                if urgent or not cache.holds(film_id):
                    jpeg = thumbnail(cache, line.project, film_id, Path(path))
                    if urgent and not line.dropped:  # decoded here, so that the window only has to upload it
                        self._made.emit(line, film_id, QImage.fromData(jpeg) if jpeg else QImage())
            except Exception:  # a bug or a hostile file: the others get their thumbnails
                _LOG.exception("a thumbnail failed")
            if total and not line.dropped and not urgent and (left == 0 or left % TELL_EVERY == 0):
                self._stepped.emit(line, total - left, total)
        cache.trim()

    def _take(self, line: _Line, film_id: str, image: QImage) -> None:
        if line is not self._line:
            return
        pixmap = None
        if not image.isNull():
            pixmap = QPixmap.fromImage(image)
            pixmap.setDevicePixelRatio(DENSITY)
        self._pixmaps[FilmId(film_id)] = pixmap
        while len(self._pixmaps) > KEPT:
            self._pixmaps.popitem(last=False)
        self.arrived.emit(film_id)

    def _tell(self, line: _Line, done: int, total: int) -> None:
        if line is self._line:
            self.progressed.emit(done, total)


def _be_nice() -> None:
    """Reading a film comes first. Only Linux can lower a single thread."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)
