"""A training in several processes of this machine: each is a worker (domain.jobs), told its place as torchrun tells it.

This process only listens: what the first worker says is passed on, and the failure, the death or the cancelling of one
ends all of them. Each finished epoch is kept by the first worker, so ending them at once loses the current one only.
"""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.jobs import (
    Artifact,
    Cancel,
    Cancelled,
    Command,
    Epoch,
    Event,
    Failed,
    Finished,
    Job,
    Pause,
    Progress,
    Resume,
    Started,
    command_line,
    parse_event,
)
from hipcad_desktop.domain.progress import Watch
from hipcad_desktop.domain.training import MEETING, Device, TrainConfig

_WORK = "The training"
_JOB = "train"
_LISTEN_S = 0.1
_POLITE_S = 1.2  # for the first process to put its things away after a cancel; a person waits two seconds
_CAUSE_S = 1.5  # when one process fails the others stumble over its silence, and may say so sooner than it does
_MOST = 64


@dataclass(frozen=True, slots=True)
class Spawned:
    """What workflows.train.train was asked for."""

    dataset: Path
    to: Path
    config: TrainConfig
    device: Device
    resume: bool
    run_folder: Path
    note: str

    def arguments(self) -> dict[str, Any]:
        """For a job of the worker."""
        return {
            "dataset": str(self.dataset),
            "to": str(self.to),
            "config": self.config.to_json(),
            "device": self.device,
            "resume": self.resume,
            "run_folder": str(self.run_folder),
            "note": self.note,
        }


def train_in_processes(what: Spawned, processes: int, *, watch: Watch) -> Mapping[str, Any]:
    """Train in so many processes; the first one's summary, as JSON values.

    Raises UserError CONFIG_INVALID, WORKER_DIED, CANCELLED and whatever a single process raises.
    """
    if not 1 < processes <= _MOST:
        raise UserError(
            ErrorCode.CONFIG_INVALID, field="processes", value=str(processes), detail=f"between 1 and {_MOST}"
        )
    with _workers(processes) as team:
        team.tell_all(Job(_JOB, "train", what.arguments()))
        try:
            return _listen(team, watch)
        except UserError as error:
            if error.code is ErrorCode.CANCELLED:
                team.end_politely()
            raise


def _listen(team: _Team, watch: Watch) -> Mapping[str, Any]:
    while True:
        watch.check(_WORK)
        if watch.paused():
            team.tell_all(Pause(_JOB))
            watch.wait_while_paused()
            team.tell_all(Resume(_JOB))
        heard = team.hear(_LISTEN_S)
        if heard is None:
            continue
        rank, event = heard
        match event:
            case Failed() | None:
                raise team.cause(rank, event)
            case Cancelled():
                raise UserError(ErrorCode.CANCELLED, what=_WORK)
            case Finished() if rank == 0:
                return event.facts
            case _ if rank == 0:
                _pass_on(event, watch)


def _pass_on(event: Event, watch: Watch) -> None:
    match event:
        case Started():
            watch.started(**event.facts)
        case Progress():
            watch.step(event.stage, event.done, event.total, **event.facts)
        case Epoch():
            watch.epoch(event.epoch, event.epochs, event.figures)
        case Artifact():
            watch.artifact(event.what, event.path, **event.facts)


class _Team:
    """The worker processes; what they say comes as (rank, event), and (rank, None) where one ended."""

    def __init__(self, processes: list[subprocess.Popen[bytes]]) -> None:
        self._processes = processes
        self._heard: queue.Queue[tuple[int, Event | None]] = queue.Queue()
        self._readers = [
            threading.Thread(target=self._read, args=(rank,), name=f"process {rank}", daemon=True)
            for rank in range(len(processes))
        ]
        for reader in self._readers:
            reader.start()

    def hear(self, seconds: float) -> tuple[int, Event | None] | None:
        """What was said next; None where nothing was for so long."""
        try:
            return self._heard.get(timeout=seconds)
        except queue.Empty:
            return None

    def tell_all(self, command: Command) -> None:
        """Give every process a command."""
        for rank in range(len(self._processes)):
            self._tell(rank, command)

    def end_politely(self) -> None:
        """Cancel the first process, which writes, and wait a moment; the others go on meanwhile, or it would wait."""
        self._tell(0, Cancel(_JOB))
        until = time.monotonic() + _POLITE_S
        while (left := until - time.monotonic()) > 0:
            match self.hear(left):
                case (0, Cancelled() | Finished() | Failed() | None):
                    return

    def cause(self, rank: int, event: Failed | None) -> UserError:
        """Why the team failed: what a process can name, else that one died, else the first bug."""
        failures = [(rank, event)]
        until = time.monotonic() + _CAUSE_S
        while not _is_named(failures[-1][1]) and (left := until - time.monotonic()) > 0:
            match self.hear(left):
                case (int(other), Failed() | None as more):
                    failures.append((other, more))
        with_bug = {other for other, more in failures if more is not None}
        failures = [f for f in failures if f[1] is not None or f[0] not in with_bug]  # its end says less than it did
        rank, event = min(failures, key=lambda f: 0 if _is_named(f[1]) else 1 if f[1] is None else 2)
        if event is not None and _is_named(event):
            return UserError(ErrorCode(event.code), **event.facts)
        if event is None:
            with suppress(subprocess.TimeoutExpired):
                self._processes[rank].wait(1)
            detail = f"process {rank} of {len(self._processes)}, exit status {self._processes[rank].returncode}"
        else:
            last = str(event.facts.get("traceback", event.code)).strip().splitlines()[-2:]
            detail = f"process {rank} of {len(self._processes)}, a bug: {', '.join(last)}"
        return UserError(ErrorCode.WORKER_DIED, detail=detail)

    def end(self) -> None:
        """End all of them at once, and their reading."""
        for process in self._processes:
            process.kill()
        for process in self._processes:
            process.wait()
            with suppress(OSError):
                process.stdin.close()  # type: ignore[union-attr]
        for reader in self._readers:
            reader.join()

    def _tell(self, rank: int, command: Command) -> None:
        stream = self._processes[rank].stdin
        with suppress(OSError):  # it died: its reader says so
            stream.write(command_line(command).encode("ascii"))  # type: ignore[union-attr]
            stream.flush()  # type: ignore[union-attr]

    def _read(self, rank: int) -> None:
        with self._processes[rank].stdout as lines:  # type: ignore[union-attr]
            for line in lines:
                with suppress(ValueError):
                    self._heard.put((rank, parse_event(line.decode("ascii"))))
        self._heard.put((rank, None))


def _is_named(event: Failed | None) -> bool:
    return event is not None and event.code in {code.value for code in ErrorCode}


@contextmanager
def _workers(processes: int) -> Iterator[_Team]:
    frozen = getattr(sys, "frozen", False)
    command = [sys.executable, "worker"] if frozen else [sys.executable, "-m", "hipcad_desktop", "worker"]
    with tempfile.TemporaryDirectory(prefix="hipcad-") as folder:
        started: list[subprocess.Popen[bytes]] = []
        try:
            for rank in range(processes):
                surroundings = _environment(rank, processes, Path(folder) / "meeting")
                started.append(
                    subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=surroundings)
                )
        except OSError as error:
            for process in started:
                process.kill()
                process.communicate()
            raise UserError(ErrorCode.WORKER_DIED, detail=str(error.strerror)) from error
        team = _Team(started)
        try:
            yield team
        finally:
            team.end()


def _environment(rank: int, processes: int, meeting: Path) -> dict[str, str]:
    """What torchrun would say, but that the processes meet in a file and not at a port; and fair threads for each."""
    threads = max(1, (os.cpu_count() or 1) // processes)
    loopback = {"linux": "lo", "darwin": "lo0"}.get(sys.platform)
    # They talk within this machine, and nobody on the hospital's network should be able to join in.
    interface = {"GLOO_SOCKET_IFNAME": loopback, "NCCL_SOCKET_IFNAME": loopback} if loopback else {}
    return {
        "OMP_NUM_THREADS": str(threads),
        **interface,
        **os.environ,
        "RANK": str(rank),
        "WORLD_SIZE": str(processes),
        "LOCAL_RANK": str(rank),
        "LOCAL_WORLD_SIZE": str(processes),
        MEETING: meeting.as_uri(),
    }
