"""A decoder process as the window sees it: one question at a time, and no answer that could hold up the window.

What takes the process down or lasts too long costs one film (RELIABILITY 1.13); the next question starts it again.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QProcess, QProcessEnvironment, QTimer, Signal, Slot

from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.jobs import Artifact, Failed, Finished, Job, Started, command_line, parse_event

if TYPE_CHECKING:
    from hipcad_desktop.workflows.view_film import Question

_LOG = logging.getLogger(__name__)
PATIENCE_S = 10.0  # for one film, from when the process begins with it
START_PATIENCE_S = 60.0  # a cold disk and a virus scanner
LONGEST_LINE = 1 << 20


def own_command() -> tuple[str, ...]:
    """This program as a decoder."""
    if getattr(sys, "frozen", False):
        return sys.executable, "decoder"
    return sys.executable, "-m", "hipcad_desktop", "decoder"


class Decoder(QObject):
    """Owns one process, started with the first question (or before by warm_up)."""

    previewed = Signal(str, str)  # job, file of pixels
    decoded = Signal(str, str, object)  # job, file of pixels, what was said beside it
    failed = Signal(str, object)  # job, UserError
    idle = Signal()  # the next question may come

    def __init__(self, command: Sequence[str] = (), *, patience_s: float = PATIENCE_S) -> None:
        super().__init__()
        self._command = tuple(command) or own_command()
        self._process: QProcess | None = None
        self._job = ""
        self._path = ""
        self._answered = False
        self._too_long = False
        self._line = b""
        self._patience_ms = int(patience_s * 1000)
        self._clock = QTimer(self)
        self._clock.setSingleShot(True)
        self._clock.timeout.connect(self._out_of_time)

    @property
    def busy(self) -> bool:
        """Whether a question is on its way."""
        return bool(self._job)

    def warm_up(self) -> None:
        """Start the process, so that the first film need not wait for it."""
        if self._process is not None:
            return
        process = QProcess(self)
        process.setProcessEnvironment(_environment())
        process.readyReadStandardOutput.connect(self._read)
        process.readyReadStandardError.connect(self._read_log)
        # Methods, not lambdas that hold the process: such a ring would be collected in any thread, and Qt forbids that.
        process.finished.connect(self._gone)
        process.errorOccurred.connect(self._on_error)
        self._process = process
        self._line = b""
        process.start(self._command[0], list(self._command[1:]))

    def ask(self, job: str, question: Question) -> None:
        """Decode a film; only while it is not busy."""
        assert not self._job
        self._job, self._path, self._answered, self._too_long = job, question.paths[0], False, False
        self.warm_up()
        if self._process is not None:  # else it could not be started, and failed has said so
            self._clock.start(int(START_PATIENCE_S * 1000))
            self._process.write(command_line(Job(job, "decode", asdict(question))).encode("ascii"))

    def stop(self) -> None:
        """End the process at once; nothing is told any more."""
        self._job = ""
        self._clock.stop()
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.waitForFinished(2000)  # killed: milliseconds
            process.deleteLater()

    @Slot()
    def _read(self) -> None:
        if self._process is None:
            return
        self._line += bytes(self._process.readAllStandardOutput().data())
        *lines, self._line = self._line.split(b"\n")
        if len(self._line) > LONGEST_LINE:
            self._process.kill()
        for line in lines:
            self._take(line)

    def _take(self, line: bytes) -> None:
        try:
            event = parse_event(line.decode("ascii"))
        except ValueError:
            _LOG.warning("the decoder said something that is no event")
            return
        if not self._job or event.job != self._job:
            return
        match event:
            case Started():
                self._clock.start(self._patience_ms)
            case Artifact(what="preview"):
                self.previewed.emit(event.job, event.path)
            case Artifact():
                self._answered = True
                self._clock.start(int(START_PATIENCE_S * 1000))  # a slow disk may take its time to keep the pixels
                self.decoded.emit(event.job, event.path, event.facts)
            case Failed():
                self._fail(_user_error(event.code, event.facts))
                self._end()
            case Finished():
                self._end()

    def _fail(self, error: UserError) -> None:
        if not self._answered:
            self._answered = True
            self.failed.emit(self._job, error)

    def _end(self) -> None:
        self._job = ""
        self._clock.stop()
        self.idle.emit()

    @Slot()
    def _out_of_time(self) -> None:
        self._too_long = True
        if self._process is not None:
            self._process.kill()

    @Slot()
    def _gone(self) -> None:
        """There is never more than one process, and stop() takes it away before it ends: this is that one."""
        process, self._process = self._process, None
        if process is None:
            return
        process.deleteLater()
        if self._job:
            _LOG.warning("the decoder ended while it had a film (%s)", "too long" if self._too_long else "by itself")
            seconds = self._patience_ms // 1000
            detail = f"decoding it took more than {seconds} seconds" if self._too_long else "decoding it broke off"
            self._fail(UserError(ErrorCode.FILM_DAMAGED, path=self._path, detail=detail))
            self._end()

    def _on_error(self, error: QProcess.ProcessError) -> None:
        if error is QProcess.ProcessError.FailedToStart:  # then there is no finished()
            self._gone()

    @Slot()
    def _read_log(self) -> None:
        if self._process is not None:
            for line in bytes(self._process.readAllStandardError().data()).decode("utf-8", "replace").splitlines():
                _LOG.info("decoder: %s", line)


def _environment() -> QProcessEnvironment:
    environment = QProcessEnvironment.systemEnvironment()
    if not getattr(sys, "frozen", False):  # a checkout that is not installed is found from any folder
        parent, known = str(Path(__file__).resolve().parents[3]), environment.value("PYTHONPATH", "")
        environment.insert("PYTHONPATH", os.pathsep.join(p for p in (parent, known) if p))
    # A film is a few large blocks of memory: in huge pages they cost a tenth of the page faults (glibc 2.35).
    environment.insert("GLIBC_TUNABLES", "glibc.malloc.hugetlb=1")
    environment.insert("OPENBLAS_NUM_THREADS", "1")  # NumPy's library would reserve gigabytes for threads it never uses
    return environment


def _user_error(code: str, facts: Mapping[str, Any]) -> UserError:
    try:
        return UserError(ErrorCode(code), **facts)
    except ValueError:
        return UserError(ErrorCode.FILM_DAMAGED, path=str(facts.get("path", "")), detail="decoding it failed")
