"""Work beside the window: one thread for the project, a pool for decoding, import and export. Results come back here.

ARCHITECTURE 4: no widget opens a file or the database; every callback runs on the GUI thread.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from itertools import count
from typing import Any, TypeVar

from PySide6.QtCore import QObject, Qt, Signal

from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.progress import Watch

_LOG = logging.getLogger(__name__)
T = TypeVar("T")
Done = Callable[[T], None]
Failed = Callable[[Exception], None]
TELL_EVERY_S = 0.08


class Work(QObject):
    """One piece of background work with a name, seen by a person: it tells how far it is and can be cancelled."""

    progressed = Signal(str, int, int)  # stage, done, total
    ended = Signal()

    def __init__(self, title: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.title = title
        self._cancel = threading.Event()

    def cancel(self) -> None:
        """Ask the work to stop at the next film."""
        self._cancel.set()

    @property
    def cancel_asked(self) -> bool:
        """Whether somebody asked."""
        return self._cancel.is_set()


class _SignalWatch(Watch):
    """The workflow's end of a Work; step may be called thousands of times a second."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._told_at = 0.0

    def step(self, stage: str, done: int, total: int, **facts: Any) -> None:
        now = time.monotonic()
        if now - self._told_at >= TELL_EVERY_S or done == total:
            self._told_at = now
            self._work.progressed.emit(stage, done, total)

    def cancelled(self) -> bool:
        return self._work.cancel_asked


class Tasks(QObject):
    """The executors of the window. After close() nothing starts and no callback runs any more."""

    work_started = Signal(object)  # Work
    failed = Signal(str, object)  # what, UserError: nobody else took it
    broken = Signal(object)  # any other exception: a bug, for the report dialog
    _delivered = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._project = ThreadPoolExecutor(1, thread_name_prefix="project")
        self._pool = ThreadPoolExecutor(2, thread_name_prefix="pool")
        self._works: set[Work] = set()
        self._latest: dict[str, tuple[Callable[[], Any], Done[Any], Failed | None] | None] = {}
        self._closed = False
        # What a call and its callbacks hold may be widgets, and a widget whose last reference goes in another thread
        # takes the program down: so they lie here, and a thread only knows their number.
        self._waiting: dict[int, tuple[str, Callable[[], Any], Done[Any] | None, Failed | None]] = {}
        self._numbers = count()
        # Signals from executor threads: Qt queues them to the thread that this object lives in.
        self._delivered.connect(self._run, Qt.ConnectionType.QueuedConnection)

    def project(
        self, what: str, call: Callable[[], T], *, done: Done[T] | None = None, failed: Failed | None = None
    ) -> None:
        """Read or write the project; calls run one after the other in the order given."""
        self._submit(self._project, what, call, done, failed)

    def pool(
        self, what: str, call: Callable[[], T], *, done: Done[T] | None = None, failed: Failed | None = None
    ) -> None:
        """Decode or compute something short that nobody needs to see or cancel."""
        self._submit(self._pool, what, call, done, failed)

    def latest(self, key: str, call: Callable[[], T], *, done: Done[T], failed: Failed | None = None) -> None:
        """As pool, but one at a time a key: of those asked for meanwhile only the newest runs (live previews)."""
        if key in self._latest:
            self._latest[key] = (call, done, failed)
            return
        self._latest[key] = None

        def next_one() -> None:
            waiting = self._latest.pop(key, None)
            if waiting is not None:
                self.latest(key, waiting[0], done=waiting[1], failed=waiting[2])

        def finished(value: T) -> None:
            next_one()
            done(value)

        def not_finished(error: Exception) -> None:
            next_one()
            self._failure(key, error, failed)

        self._submit(self._pool, key, call, finished, not_finished)

    def work(self, title: str, call: Callable[[Watch], T], *, done: Done[T], failed: Failed | None = None) -> Work:
        """Import, export: long, seen in the status bar, cancelled by a person. call gets a Watch."""
        work = Work(title, self)
        self._works.add(work)

        def end() -> None:
            self._works.discard(work)
            work.ended.emit()
            work.deleteLater()

        def finished(value: T) -> None:
            end()
            done(value)

        def not_finished(error: Exception) -> None:
            end()
            self._failure(title, error, failed)

        self.work_started.emit(work)
        self._submit(self._pool, title, lambda: call(_SignalWatch(work)), finished, not_finished)
        return work

    def works(self) -> list[Work]:
        """What a person would lose by leaving now."""
        return list(self._works)

    def close(self) -> None:
        """Cancel what can be cancelled, finish what was saved, and let no callback run any more."""
        if self._closed:
            return
        self._closed = True
        for work in self._works:
            work.cancel()
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._project.shutdown(wait=True)

    def _submit(
        self, executor: Executor, what: str, call: Callable[[], T], done: Done[T] | None, failed: Failed | None
    ) -> None:
        if self._closed:
            return

        number = next(self._numbers)
        self._waiting[number] = (what, call, done, failed)

        def run() -> None:
            value, kept = None, None
            try:
                value = self._waiting[number][1]()
            except Exception as error:  # handed on: to `failed`, or to the report dialog
                kept = error
            self._delivered.emit((number, value, kept))

        executor.submit(run)

    def _run(self, outcome: tuple[int, Any, Exception | None]) -> None:
        number, value, error = outcome
        what, _, done, failed = self._waiting.pop(number)
        if self._closed:
            return
        if error is not None:
            self._failure(what, error, failed)
        elif done is not None:
            done(value)

    def _failure(self, what: str, error: Exception, failed: Failed | None) -> None:
        if isinstance(error, UserError) and error.code is ErrorCode.CANCELLED and failed is None:
            return
        if failed is not None:
            failed(error)
        elif isinstance(error, UserError):
            self.failed.emit(what, error)
        else:
            self.broken.emit(error)
