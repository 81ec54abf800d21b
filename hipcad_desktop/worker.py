"""The worker process: heavy work for the window, one job after the other, in the words of domain.jobs.

ARCHITECTURE 4.3: jobs come as lines on standard input, events go as lines to a duplicate of standard output, and
descriptor 1 is pointed at standard error, so that a stray print becomes log. End of input means cancel and end.
"""

from __future__ import annotations

import os
import queue
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, is_dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from hipcad_desktop.domain.anatomy import Side
from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.faults import named_fault
from hipcad_desktop.domain.jobs import (
    HEARTBEAT_S,
    Artifact,
    Cancel,
    Cancelled,
    Epoch,
    Event,
    Failed,
    Finished,
    Heartbeat,
    Job,
    Pause,
    Paused,
    Progress,
    Resume,
    Resumed,
    Started,
    event_line,
    parse_command,
)
from hipcad_desktop.domain.progress import Watch
from hipcad_desktop.domain.second_opinion import OpinionMethod
from hipcad_desktop.domain.training import TrainConfig

if TYPE_CHECKING:
    from hipcad_desktop.inference.network import Predictor
    from hipcad_desktop.workflows.diagnose import KeptFilms

_LAST_RESORT_S = 4.0  # after the end of input; with it an orphan lives less than 5 s, whatever it is busy with
_PROGRESS_EVERY_S = 0.1
_PAUSE_LOOKS_S = 0.05
_TRAINING_NICE = 5
_OOM_SCORE = "500"  # of 1000
_BAD_COMMAND = "bad_command"
_BUG = "bug"


class Worker:
    """The state of one worker process: what waits, what runs, what was cancelled."""

    def __init__(self, events: int) -> None:
        self._events = events
        self._writing = threading.Lock()
        self._waiting: queue.Queue[Job | None] = queue.Queue()
        self._cancelled: set[str] = set()
        self._paused: set[str] = set()
        self._ending = threading.Event()
        self._done = threading.Event()
        self._current = ""
        self._loaded: tuple[tuple[str, int, int], Predictor] | None = None
        self._films: KeptFilms | None = None

    def work(self) -> int:
        """Run jobs until standard input ends; the process's exit status."""
        for target in (self._read, self._beat):
            threading.Thread(target=target, name=target.__name__, daemon=True).start()
        while (job := self._waiting.get()) is not None:
            self._current = job.job
            self.say(self._run(job))
            self._current = ""
        self._done.set()
        return 0

    def say(self, event: Event) -> None:
        """Write one event. Where nobody reads any more, everything is cancelled."""
        line = event_line(event).encode("ascii")
        with self._writing:
            try:
                while line:
                    line = line[os.write(self._events, line) :]
            except OSError:
                self._ending.set()

    def stop_asked(self, job: str) -> bool:
        """Whether a job should stop."""
        return self._ending.is_set() or job in self._cancelled

    def pause_asked(self, job: str) -> bool:
        """Whether a job should stand still; one that should stop should not."""
        return job in self._paused and not self.stop_asked(job)

    def _read(self) -> None:
        for line in sys.stdin.buffer:
            try:
                command = parse_command(line.decode("utf-8"))
            except (ValueError, RecursionError):
                command = None
            match command:
                case Cancel(cancel=str(name)):
                    self._cancelled.add(name)
                case Pause(pause=str(name)):
                    self._paused.add(name)
                case Resume(resume=str(name)):
                    self._paused.discard(name)
                case Job(job=str()):
                    self._waiting.put(command)
                case _:  # the line itself may hold a path and is not repeated
                    self.say(Failed("", _BAD_COMMAND, {"detail": "a line that is no command"}))
        self._ending.set()
        self._waiting.put(None)
        if not self._done.wait(_LAST_RESORT_S):
            os._exit(1)  # deep in a call that cannot be cancelled, and nobody is left to wait for it

    def _beat(self) -> None:
        while not self._done.wait(HEARTBEAT_S):
            self.say(Heartbeat(self._current))

    def _run(self, job: Job) -> Event:
        if self.stop_asked(job.job):
            return Cancelled(job.job)
        watch = _JobWatch(self, job.job)
        runners: Mapping[str, Callable[[dict[str, Any], Watch], Mapping[str, Any]]] = {
            "train": _train,
            "evaluate": _evaluate,
            "compare": _compare,
            "diagnose": self._diagnose,
            "batch": self._batch,
            "explain": self._explain,
            "doctor": _doctor,
            "preflight": _preflight,
        }
        try:
            watch.wait_while_paused()
            runner = runners.get(job.kind)
            if runner is None or not isinstance(job.arguments, dict):
                return Failed(job.job, _BAD_COMMAND, {"detail": "a job of no known kind"})
            return Finished(job.job, runner(dict(job.arguments), watch))
        except UserError as error:
            if error.code is ErrorCode.CANCELLED:
                return Cancelled(job.job)
            return Failed(job.job, error.code.value, _plain(error.facts))
        except Exception as error:  # the last hook of the process: a bug becomes a report, and the next job runs
            if (fault := named_fault(error)) is not None:
                return Failed(job.job, fault.code.value, _plain(fault.facts))
            places = _places(error)
            print(places, file=sys.stderr, flush=True)
            return Failed(job.job, _BUG, {"traceback": places})

    def _diagnose(self, arguments: dict[str, Any], watch: Watch) -> Mapping[str, Any]:
        from hipcad_desktop.workflows.diagnose import KeptFilms, diagnose

        self._films = self._films or KeptFilms()
        model = Path(arguments.pop("model"))
        to = Path(arguments.pop("to"))
        run = diagnose(**arguments, model=model, to=to, network=self._network(model), films=self._films, watch=watch)
        return {"films": len(run.diagnoses), "failures": len(run.failures)}

    def _batch(self, arguments: dict[str, Any], watch: Watch) -> Mapping[str, Any]:
        from hipcad_desktop.workflows.diagnose_batch import diagnose_batch

        paths = [Path(path) for path in arguments.pop("paths")]
        model, to = Path(arguments.pop("model")), Path(arguments.pop("to"))
        return _plain(
            asdict(diagnose_batch(paths, **arguments, model=model, to=to, network=self._network(model), watch=watch))
        )

    def _explain(self, arguments: dict[str, Any], watch: Watch) -> Mapping[str, Any]:
        from hipcad_desktop.workflows.second_opinions import explain, need_second_opinions, to_json

        need_second_opinions()
        model, to = Path(arguments.pop("model")), Path(arguments.pop("to"))
        side, method = Side(arguments.pop("side")), OpinionMethod(arguments.pop("method"))
        opinion = explain(
            **arguments, side=side, method=method, model=model, to=to, network=self._network(model), watch=watch
        )
        return _plain(to_json(opinion))

    def _network(self, model: Path) -> Predictor:
        """The loaded model, kept while the file stays the same: a window asks film by film."""
        from hipcad_desktop.workflows.diagnose import open_network

        try:
            status = model.stat()
        except OSError:
            return open_network(model)  # which says what is wrong
        key = (str(model), status.st_mtime_ns, status.st_size)
        if self._loaded is None or self._loaded[0] != key:
            self._loaded = None  # two large graphs need not be in memory at once
            self._loaded = (key, open_network(model))
        return self._loaded[1]


class _JobWatch(Watch):
    """What a workflow says becomes events; what the window asks becomes an answer to cancelled()."""

    def __init__(self, worker: Worker, job: str) -> None:
        self._worker, self._job = worker, job
        self._stage, self._said_s = "", 0.0

    def started(self, **facts: Any) -> None:
        self._worker.say(Started(self._job, _plain(facts)))

    def step(self, stage: str, done: int, total: int, **facts: Any) -> None:
        now = time.monotonic()
        # A small network takes a hundred steps a second, which no eye can follow; news is never held back.
        if stage == self._stage and done < total and now - self._said_s < _PROGRESS_EVERY_S and "event" not in facts:
            return
        self._stage, self._said_s = stage, now
        self._worker.say(Progress(self._job, stage, done, total, _plain(facts)))

    def epoch(self, epoch: int, epochs: int, figures: Mapping[str, Any]) -> None:
        self._worker.say(Epoch(self._job, epoch, epochs, _plain(figures)))

    def artifact(self, what: str, path: str, **facts: Any) -> None:
        self._worker.say(Artifact(self._job, what, path, _plain(facts)))

    def cancelled(self) -> bool:
        return self._worker.stop_asked(self._job)

    def paused(self) -> bool:
        return self._worker.pause_asked(self._job)

    def wait_while_paused(self) -> None:
        if not self._worker.pause_asked(self._job):
            return
        self._worker.say(Paused(self._job))
        while self._worker.pause_asked(self._job):
            time.sleep(_PAUSE_LOOKS_S)
        self.check("The work")
        self._worker.say(Resumed(self._job))


def main() -> NoReturn:
    """Run as a worker until standard input ends; ends the process."""
    sys.stdout.flush()
    events = os.dup(1)
    os.dup2(2, 1)
    # Ctrl+C in a terminal reaches the whole group; the window decides what becomes of its worker.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    status = Worker(events).work()
    sys.stdout.flush()
    sys.stderr.flush()
    # Taking torch apart lasts seconds on a busy machine; every file was closed by the job that wrote it.
    os._exit(status)


def _train(arguments: dict[str, Any], watch: Watch) -> Mapping[str, Any]:
    from hipcad_desktop.workflows.train import train

    if hasattr(os, "nice"):
        os.nice(max(0, _TRAINING_NICE - os.nice(0)))  # a training gives way to the window
    with suppress(OSError):  # and where memory runs out, Linux ends the training, not the window or the desktop
        Path("/proc/self/oom_score_adj").write_text(_OOM_SCORE, encoding="ascii")
    config = TrainConfig.from_json(arguments.pop("config"))
    dataset, to = Path(arguments.pop("dataset")), Path(arguments.pop("to"))
    run_folder = arguments.pop("run_folder", None)
    summary = train(
        dataset, to, config=config, run_folder=Path(run_folder) if run_folder else None, watch=watch, **arguments
    )
    return _plain(asdict(summary))


def _preflight(arguments: dict[str, Any], watch: Watch) -> Mapping[str, Any]:
    from hipcad_desktop.workflows.preflight import preflight

    config = TrainConfig.from_json(arguments.pop("config"))
    dataset, to = Path(arguments.pop("dataset")), Path(arguments.pop("to"))
    return _plain(preflight(dataset, config=config, to=to, watch=watch, **arguments).to_json())


def _evaluate(arguments: dict[str, Any], watch: Watch) -> Mapping[str, Any]:
    from hipcad_desktop.workflows.evaluate import evaluate

    paths = [Path(arguments.pop(name)) for name in ("model", "dataset", "to")]
    return _plain(evaluate(*paths, **arguments, watch=watch).to_json())


def _compare(arguments: dict[str, Any], watch: Watch) -> Mapping[str, Any]:
    from hipcad_desktop.workflows.compare_models import compare_models

    paths = [Path(arguments.pop(name)) for name in ("report_a", "report_b", "to")]
    return _plain(compare_models(*paths, **arguments, watch=watch).to_json())


def _doctor(arguments: dict[str, Any], watch: Watch) -> Mapping[str, Any]:
    from hipcad_desktop.app.doctor import examine

    return {"checks": [check.to_json() for check in examine()]}


def _plain(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Facts as JSON values: paths and enumerations as text, tuples as lists, no number that is none."""
    return {str(name): _plain_value(value) for name, value in facts.items()}


def _plain_value(value: Any) -> Any:
    match value:
        case Enum():
            return value.value
        case None | bool() | int() | str():
            return value
        case float():
            return value if value - value == 0 else None
        case Mapping():
            return _plain(value)
        case list() | tuple() | set() | frozenset():
            return [_plain_value(v) for v in value]
        case _ if is_dataclass(value) and not isinstance(value, type):
            return _plain(asdict(value))
        case _:
            return str(value)


def _places(error: BaseException) -> str:
    """A traceback of places and kinds only: an exception's text may hold a path, and a path a patient's name."""
    lines: list[str] = []
    seen: BaseException | None = error
    while seen is not None:
        places = [f"{Path(f.filename).name}:{f.lineno} {f.name}" for f in traceback.extract_tb(seen.__traceback__)]
        lines = [*places, f"{type(seen).__module__}.{type(seen).__qualname__}", *lines]
        seen = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)
    return "\n".join(lines)
