"""The thread that owns a worker process: jobs in, events out, and no way for either to hold up the window.

ARCHITECTURE 4.3: the process is this program with the argument `worker`; domain.jobs are the words between them.
"""

from __future__ import annotations

import logging
import sys
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from PySide6.QtCore import QCoreApplication, QObject, QProcess, QProcessEnvironment, Qt, QThread, QTimer, Signal, Slot

from hipcad_desktop.domain.errors import ErrorCode
from hipcad_desktop.domain.jobs import (
    HUNG_AFTER_S,
    Cancel,
    Cancelled,
    Event,
    Failed,
    Finished,
    Heartbeat,
    Job,
    Pause,
    Progress,
    Resume,
    command_line,
    event_line,
    parse_event,
)
from hipcad_desktop.gui.process_end import how_it_ended

_LOG = logging.getLogger(__name__)
_LONGEST_LINE = 16 * 1024 * 1024  # bytes: a worker that never ends its line must not fill the memory
_TICK_MS = 200
_FLUSH_MS = 50  # progress reaches the window at most this often


def worker_command() -> list[str]:
    """The command line that starts this program as a worker, from a checkout, an installation or a frozen build."""
    if getattr(sys, "frozen", False):
        return [sys.executable, "worker"]
    return [sys.executable, "-m", "hipcad_desktop", "worker"]


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait, in seconds, before a worker is ended."""

    first_word_s: float = 60.0  # from its start to its first line: a cold disk may hold thousands of files to import
    hung_after_s: float = HUNG_AFTER_S
    cancel_s: float = 5.0  # from a cancel to the job's end
    stop_s: float = 5.0  # from closed standard input to terminate, then two more to kill


class Worker(QObject):
    """The window's end of a worker process. Jobs run one after the other; a process is started when one is needed.

    After submit exactly one of Finished, Failed or Cancelled arrives for each job, whatever the process does. The
    signal is not called `event`, because that would hide QObject.event.
    """

    event_received = Signal(object)  # domain.jobs.Event, heartbeats left out
    busy_changed = Signal(bool)
    stopped = Signal()
    _job_submitted = Signal(object)
    _cancel_asked = Signal(str)
    _pause_asked = Signal(str, bool)
    _stop_asked = Signal()

    def __init__(
        self, *, command: Sequence[str] | None = None, patience: Patience | None = None, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._open_jobs: set[str] = set()
        self._thread: QThread | None = QThread()
        self._supervisor = _Supervisor(tuple(command or worker_command()), patience or Patience())
        self._supervisor.moveToThread(self._thread)
        queued = Qt.ConnectionType.QueuedConnection
        self._job_submitted.connect(self._supervisor.submit, queued)
        self._cancel_asked.connect(self._supervisor.cancel, queued)
        self._pause_asked.connect(self._supervisor.pause, queued)
        self._stop_asked.connect(self._supervisor.stop, queued)
        self._supervisor.event_received.connect(self._on_event, queued)
        self._supervisor.ended.connect(self._thread.quit, Qt.ConnectionType.DirectConnection)
        self._thread.finished.connect(self._supervisor.deleteLater)
        self._thread.finished.connect(self.stopped, queued)
        self._thread.start()
        application = QCoreApplication.instance()
        if application is not None:
            application.aboutToQuit.connect(self.join)

    def submit(self, job: Job) -> None:
        """Run a job after those submitted before it."""
        command_line(job)  # a job that is no JSON is a bug of the caller and raises here
        was_busy = self.busy
        self._open_jobs.add(job.job)
        self._job_submitted.emit(job)
        if not was_busy:
            self.busy_changed.emit(True)

    def cancel(self, job: str) -> None:
        """Ask a job to stop. Its Cancelled arrives within the patience for it, unless it ended by itself before."""
        self._cancel_asked.emit(job)

    def pause(self, job: str) -> None:
        """Ask a job to stand still. Its Paused arrives when it does; one that waits will not begin before resume."""
        self._pause_asked.emit(job, True)

    def resume(self, job: str) -> None:
        """Let a paused job go on; its Resumed arrives when it does."""
        self._pause_asked.emit(job, False)

    @property
    def busy(self) -> bool:
        """Whether a job was submitted whose end has not arrived."""
        return bool(self._open_jobs)

    def stop(self) -> None:
        """End process and thread without waiting; `stopped` tells when both are gone."""
        self._stop_asked.emit()

    @Slot()
    def join(self) -> None:
        """End process and thread and wait for it: only for the end of the program."""
        if self._thread is None:
            return
        self.stop()
        self._thread.wait()
        self._thread = None

    @Slot(object)
    def _on_event(self, event: Event) -> None:
        if isinstance(event, Finished | Failed | Cancelled):
            self._open_jobs.discard(event.job)
        self.event_received.emit(event)
        if isinstance(event, Finished | Failed | Cancelled) and not self._open_jobs:
            self.busy_changed.emit(False)


class _Supervisor(QObject):
    """Lives in the thread: owns the process, keeps the queue, watches the clock."""

    event_received = Signal(object)
    ended = Signal()

    def __init__(self, command: tuple[str, ...], patience: Patience) -> None:
        super().__init__()
        self._command = command
        self._patience = patience
        self._queue: deque[Job] = deque()
        self._paused: set[str] = set()  # jobs, running or waiting, that were asked to stand still
        self._running: Job | None = None
        self._process: QProcess | None = None
        self._unfinished_line = b""
        self._spoke = False  # whether this process has said anything yet
        self._last_word = 0.0
        self._last_tick = 0.0
        self._cancel_until: float | None = None
        self._killed_for: Literal["", "cancel", "hung", "endless line"] = ""
        self._silent_s = 0.0
        self._stopping = False
        self._held_progress: Progress | None = None
        self._ticks = QTimer(self)
        self._ticks.setInterval(_TICK_MS)
        self._ticks.timeout.connect(self._on_tick)
        self._flush = QTimer(self)
        self._flush.setSingleShot(True)
        self._flush.setInterval(_FLUSH_MS)
        self._flush.timeout.connect(self._send_held)

    # from the window

    @Slot(object)
    def submit(self, job: Job) -> None:
        self._queue.append(job)
        self._pump()

    @Slot(str)
    def cancel(self, job: str) -> None:
        waiting = [j for j in self._queue if j.job == job]
        if waiting:
            self._queue.remove(waiting[0])
            self._paused.discard(job)
            self._send(Cancelled(job))
        elif self._running is not None and self._running.job == job and self._cancel_until is None:
            self._write(command_line(Cancel(job)))
            self._cancel_until = time.monotonic() + self._patience.cancel_s

    @Slot(str, bool)
    def pause(self, job: str, stand: bool) -> None:
        running = self._running is not None and self._running.job == job
        if stand == (job in self._paused) or not (running or any(j.job == job for j in self._queue)):
            return
        (self._paused.add if stand else self._paused.discard)(job)
        if running:
            self._write(command_line(Pause(job) if stand else Resume(job)))

    @Slot()
    def stop(self) -> None:
        if self._stopping:
            return
        self._stopping = True
        self._queue.clear()
        if self._process is None:
            self._end()
            return
        self._process.closeWriteChannel()  # end of file: cancel everything and end
        QTimer.singleShot(int(self._patience.stop_s * 1000), self, self._terminate)
        QTimer.singleShot(int((self._patience.stop_s + 2) * 1000), self, self._kill)

    # the process

    def _pump(self) -> None:
        """Give the next job to the process, which is started where there is none."""
        if self._running is not None or not self._queue or self._stopping:
            return
        if self._process is None:
            self._launch()
        elif self._process.state() is QProcess.ProcessState.Running and not self._killed_for:
            self._running = self._queue.popleft()
            self._last_word = self._last_tick = time.monotonic()
            if self._running.job in self._paused:
                self._write(command_line(Pause(self._running.job)))
            self._write(command_line(self._running))
            self._ticks.start()

    def _launch(self) -> None:
        process = QProcess(self)
        environment = QProcessEnvironment.systemEnvironment()
        if not getattr(sys, "frozen", False):  # a checkout that is not installed is found from any folder
            package_parent = str(Path(__file__).resolve().parents[2])
            known = environment.value("PYTHONPATH", "")
            separator = ";" if sys.platform == "win32" else ":"
            environment.insert("PYTHONPATH", separator.join(p for p in (package_parent, known) if p))
        process.setProcessEnvironment(environment)
        process.started.connect(self._pump)
        process.readyReadStandardOutput.connect(self._on_output)
        process.readyReadStandardError.connect(self._on_log)
        process.finished.connect(self._on_finished)
        process.errorOccurred.connect(self._on_error)
        self._process = process
        self._spoke = False
        self._unfinished_line = b""
        self._killed_for = ""
        process.start(self._command[0], list(self._command[1:]))

    def _write(self, line: str) -> None:
        if self._process is not None:
            self._process.write(line.encode("ascii"))  # Qt buffers it: a worker that does not read blocks nobody

    @Slot()
    def _on_output(self) -> None:
        if self._process is None:
            return
        lines = (self._unfinished_line + bytes(self._process.readAllStandardOutput().data())).split(b"\n")
        self._unfinished_line = lines.pop()
        self._last_word = time.monotonic()
        for line in lines:
            self._on_line(line)
        if len(self._unfinished_line) > _LONGEST_LINE:
            self._killed_for = "endless line"
            self._kill()

    def _on_line(self, line: bytes) -> None:
        try:
            event = parse_event(line.decode("utf-8"))
        except ValueError:  # UnicodeDecodeError and JSONDecodeError are ValueErrors
            _LOG.warning("the worker sent a line that is no event (%d bytes)", len(line))
            return
        self._spoke = True
        running = self._running
        if isinstance(event, Heartbeat) or running is None or event.job != running.job:
            return
        if isinstance(event, Progress) and "event" not in event.facts:  # news is never held back
            self._hold(event)
            return
        if isinstance(event, Finished | Failed | Cancelled):
            self._clear_running()
        self._send(event)
        self._pump()

    @Slot()
    def _on_log(self) -> None:
        if self._process is not None:
            for line in bytes(self._process.readAllStandardError().data()).decode("utf-8", "replace").splitlines():
                _LOG.info("worker: %s", line)

    @Slot()
    def _on_finished(self) -> None:
        process = self._process
        if process is None:
            return
        self._on_output()
        self._on_log()
        self._process = None
        process.deleteLater()
        self._fail_running(how_it_ended(process))
        if self._stopping:
            self._end()
        else:
            self._pump()

    @Slot(QProcess.ProcessError)
    def _on_error(self, error: QProcess.ProcessError) -> None:
        if error is not QProcess.ProcessError.FailedToStart or self._process is None:
            return  # every other error is followed by finished
        self._process.deleteLater()
        self._process = None
        if self._running is None and self._queue:
            self._running = self._queue.popleft()
        self._fail_running("it could not be started")
        if self._stopping:
            self._end()
        else:
            QTimer.singleShot(0, self, self._pump)

    # the clock

    @Slot()
    def _on_tick(self) -> None:
        now = time.monotonic()
        gap, self._last_tick = now - self._last_tick, now
        if gap > _TICK_MS / 1000 + 2:  # the computer slept or was starved, and the worker with it
            self._last_word = now
            return
        if self._cancel_until is not None and now > self._cancel_until:
            self._killed_for = "cancel"
            self._kill()
            return
        silent_s = now - self._last_word
        if silent_s > (self._patience.hung_after_s if self._spoke else self._patience.first_word_s):
            self._killed_for, self._silent_s = "hung", silent_s
            self._kill()

    @Slot()
    def _terminate(self) -> None:
        if self._process is not None:
            self._process.terminate()

    @Slot()
    def _kill(self) -> None:
        if self._process is not None:
            self._process.kill()

    # to the window

    def _fail_running(self, how: str) -> None:
        running = self._running
        if running is None:
            return
        asked_to_cancel, killed_for = self._cancel_until is not None, self._killed_for
        self._clear_running()
        if asked_to_cancel and killed_for != "hung":
            self._send(Cancelled(running.job))
        elif killed_for == "hung":
            self._send(Failed(running.job, ErrorCode.WORKER_HUNG.value, {"seconds": round(self._silent_s)}))
        else:
            self._send(Failed(running.job, ErrorCode.WORKER_DIED.value, {"detail": how}))

    def _clear_running(self) -> None:
        if self._running is not None:
            self._paused.discard(self._running.job)
        self._running = None
        self._cancel_until = None
        self._ticks.stop()

    def _hold(self, progress: Progress) -> None:
        """Keep the newest progress and send it soon: a worker that reports each batch must not fill the event queue."""
        if self._held_progress is not None and self._held_progress.stage != progress.stage:
            self._send_held()
        self._held_progress = progress
        if not self._flush.isActive():
            self._flush.start()

    @Slot()
    def _send_held(self) -> None:
        held, self._held_progress = self._held_progress, None
        if held is not None:
            self.event_received.emit(held)

    def _send(self, event: Event) -> None:
        self._send_held()  # what came before is seen before
        if _LOG.isEnabledFor(logging.DEBUG):
            _LOG.debug("%s", event_line(event).strip())
        self.event_received.emit(event)

    def _end(self) -> None:
        self._ticks.stop()
        self._flush.stop()
        self.ended.emit()
