"""The worker as the window meets it: a process of its own, driven by lines."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hipcad_desktop.domain.jobs import (
    Artifact,
    Cancel,
    Cancelled,
    Command,
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
    command_line,
    parse_event,
)
from hipcad_desktop.domain.preflight import Preflight
from tests.fakes.made_up_dataset import write_made_up_dataset
from tests.fakes.model_package import write_fake_package
from tests.fakes.tiny_recipe import TINY

COMMAND = [sys.executable, "-m", "hipcad_desktop", "worker"]
ROOT = Path(__file__).resolve().parents[1]
SMALL = TINY
LONG = replace(SMALL, epochs=5000)

PLAYING = """
import sys
import hipcad_desktop.workflows.diagnose as module
from hipcad_desktop.worker import main
def play(files, *, model, to, network, watch, **_):
    act = files[0]
    print("a stray print"); sys.stdout.flush()
    import os; os.write(1, b"a stray write\\n")
    if act == "bug":
        secret = "Doe^Jane"
        raise KeyError(secret)
    if act == "full":
        raise OSError(28, "No space left on device", "/no/such/file")
    if act == "hungry":
        raise MemoryError
    if act == "deaf":
        import time; time.sleep(60)
    watch.step("playing", 1, 1, odd=float("nan"), place=to)
    return module.DiagnosisRun(())
module.diagnose = play
module.open_network = lambda model: None
sys.exit(main())
"""


class Talk:
    """One worker process and what it says."""

    def __init__(self, command: list[str]) -> None:
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
        self.process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self._events: queue.Queue[Event | None] = queue.Queue()
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._events.put(parse_event(line.decode("ascii")))
        self._events.put(None)

    def tell(self, *lines: Command | str) -> None:
        """Send commands, or lines that are none."""
        assert self.process.stdin is not None
        text = "".join(line if isinstance(line, str) else command_line(line) for line in lines)
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()

    def until(self, wanted: Callable[[Event], bool], *, timeout_s: float = 60) -> list[Event]:
        """Everything said up to the wanted event."""
        said: list[Event] = []
        end = time.monotonic() + timeout_s
        while True:
            event = self._events.get(timeout=max(0.01, end - time.monotonic()))
            assert event is not None, f"the worker ended after {said}"
            said.append(event)
            if wanted(event):
                return said

    def end_of(self, job: str, *, timeout_s: float = 60) -> Event:
        """How a job ended."""
        ends = (Finished, Failed, Cancelled)
        return self.until(lambda e: isinstance(e, ends) and e.job == job, timeout_s=timeout_s)[-1]

    def close(self) -> tuple[int, str]:
        """Close its input; its exit status and what it logged."""
        assert self.process.stdin is not None
        assert self.process.stderr is not None
        self.process.stdin.close()
        log = self.process.stderr.read().decode()
        status = self.process.wait(timeout=10)
        self._thread.join()
        return status, log

    def end(self) -> None:
        """Leave nothing behind, whatever happened."""
        self.process.kill()
        self.process.wait()
        self._thread.join()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            if pipe is not None:
                pipe.close()


@pytest.fixture
def talk() -> Iterator[Callable[[list[str]], Talk]]:
    """Start a worker; it is gone after the test."""
    started: list[Talk] = []

    def start(command: list[str]) -> Talk:
        started.append(Talk(command))
        return started[-1]

    yield start
    for one in started:
        one.end()


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """A small dataset."""
    write_made_up_dataset(tmp_path / "dataset")
    return tmp_path / "dataset"


def training(job: str, dataset: Path, to: Path, **arguments: Any) -> Job:
    """A job that trains."""
    arguments = {"config": SMALL.to_json(), "device": "cpu", **arguments}
    return Job(job, "train", {"dataset": str(dataset), "to": str(to), **arguments})


def playing(job: str, act: str) -> Job:
    """A diagnose job that plays a part."""
    return Job(job, "diagnose", {"files": [act], "model": "m", "to": "t"})


def test_a_training_says_everything_and_ends_with_its_summary(
    talk: Callable[[list[str]], Talk], dataset: Path, tmp_path: Path
) -> None:
    worker = talk(COMMAND)
    worker.tell(training("a", dataset, tmp_path / "m.hipcad"))
    said = worker.until(lambda e: isinstance(e, Finished | Failed))
    end = said[-1]
    assert isinstance(end, Finished)
    assert end.facts["model"] == str(tmp_path / "m.hipcad")
    assert end.facts["figures"]["n_fracture"] == 3
    assert [e.epoch for e in said if isinstance(e, Epoch)] == [1, 2]
    assert [e.facts["device"] for e in said if isinstance(e, Started)] == ["cpu"]
    assert any(isinstance(e, Progress) and "images_per_s" in e.facts for e in said)
    assert [e.what for e in said if isinstance(e, Artifact)] == ["worst_hips", "worst_hips", "model"]
    assert worker.close()[0] == 0


def test_cancel_is_answered_within_two_seconds_and_the_next_job_runs(
    talk: Callable[[list[str]], Talk], dataset: Path, tmp_path: Path
) -> None:
    worker = talk(COMMAND)
    worker.tell(training("a", dataset, tmp_path / "m.hipcad", config=LONG.to_json()))
    worker.until(lambda e: isinstance(e, Epoch))
    began = time.monotonic()
    worker.tell(Cancel("a"))
    assert worker.end_of("a") == Cancelled("a")
    assert time.monotonic() - began < 2
    assert not (tmp_path / "m.hipcad").exists()
    worker.tell(training("b", dataset, tmp_path / "m.hipcad"))
    refusal = worker.end_of("b")
    assert isinstance(refusal, Failed)
    assert refusal.code == "run_unfinished"
    assert worker.close()[0] == 0


def test_a_paused_training_stands_still_beats_and_goes_on(
    talk: Callable[[list[str]], Talk], dataset: Path, tmp_path: Path
) -> None:
    worker = talk(COMMAND)
    worker.tell(training("a", dataset, tmp_path / "m.hipcad", config=LONG.to_json()))
    worker.until(lambda e: isinstance(e, Epoch))
    worker.tell(Pause("a"))
    worker.until(lambda e: e == Paused("a"), timeout_s=5)
    assert worker.until(lambda e: isinstance(e, Heartbeat), timeout_s=10) == [Heartbeat("a")]
    worker.tell(Resume("a"))
    assert worker.until(lambda e: isinstance(e, Resumed), timeout_s=5)[-1] == Resumed("a")
    worker.until(lambda e: isinstance(e, Epoch))
    worker.tell(Pause("a"))
    worker.until(lambda e: e == Paused("a"), timeout_s=5)
    began = time.monotonic()
    worker.tell(Cancel("a"))
    assert worker.end_of("a") == Cancelled("a")
    assert time.monotonic() - began < 2
    assert worker.close()[0] == 0


def test_a_job_paused_while_it_waits_does_not_begin(talk: Callable[[list[str]], Talk]) -> None:
    worker = talk([sys.executable, "-c", PLAYING])
    worker.tell(Pause("a"), playing("a", "play"))
    assert worker.until(lambda e: isinstance(e, Paused), timeout_s=10)[-1] == Paused("a")
    worker.tell(Resume("a"))
    assert isinstance(worker.end_of("a"), Finished)


def test_the_look_before_a_training_is_a_job(talk: Callable[[list[str]], Talk], dataset: Path, tmp_path: Path) -> None:
    worker = talk(COMMAND)
    arguments = training("a", dataset, tmp_path / "m.hipcad").arguments
    worker.tell(Job("a", "preflight", arguments))
    end = worker.end_of("a")
    assert isinstance(end, Finished)
    found = Preflight.from_json(end.facts)
    assert found.verdict == "mind"
    assert found.device == "cpu"
    assert not (tmp_path / "m.run").exists()


def test_a_killed_training_goes_on_after_its_last_epoch(
    talk: Callable[[list[str]], Talk], dataset: Path, tmp_path: Path
) -> None:
    to = tmp_path / "m.hipcad"
    worker = talk(COMMAND)
    worker.tell(training("a", dataset, to, config=replace(SMALL, epochs=4).to_json()))
    worker.until(lambda e: isinstance(e, Epoch) and e.epoch == 2)
    worker.process.kill()
    again = talk(COMMAND)
    again.tell(training("b", dataset, to, config=replace(SMALL, epochs=4).to_json(), resume=True))
    said = again.until(lambda e: isinstance(e, Finished | Failed))
    assert isinstance(said[-1], Finished)
    (started,) = [e for e in said if isinstance(e, Started)]
    assert started.facts["epochs_done"] >= 2
    assert [e.epoch for e in said if isinstance(e, Epoch)] == list(range(started.facts["epochs_done"] + 1, 5))


def test_closing_its_input_ends_a_training_soon(
    talk: Callable[[list[str]], Talk], dataset: Path, tmp_path: Path
) -> None:
    worker = talk(COMMAND)
    worker.tell(training("a", dataset, tmp_path / "m.hipcad", config=LONG.to_json()))
    worker.until(lambda e: isinstance(e, Epoch))
    began = time.monotonic()
    worker.close()
    assert time.monotonic() - began < 5
    assert not list(tmp_path.rglob("*.part"))


PARENT = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-m", "hipcad_desktop", "worker"], stdin=subprocess.PIPE)
child.stdin.write(sys.argv[1].encode()); child.stdin.flush()
print(child.pid, flush=True)
time.sleep(600)
"""


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="reads /proc")
def test_killing_the_window_leaves_no_orphan(dataset: Path, tmp_path: Path) -> None:
    line = command_line(training("a", dataset, tmp_path / "m.hipcad", config=LONG.to_json()))
    command = [sys.executable, "-c", PARENT, line]
    parent = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    for text in parent.stdout:
        if json.loads(text)["event"] == "Epoch":
            break
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    end = time.monotonic() + 5
    while alive(child) and time.monotonic() < end:
        time.sleep(0.05)
    assert not alive(child)


def alive(pid: int) -> bool:
    """Whether a process runs (a zombie does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_stray_print_is_log_and_no_event(talk: Callable[[list[str]], Talk]) -> None:
    worker = talk([sys.executable, "-c", PLAYING])
    worker.tell(playing("a", "play"))
    said = worker.until(lambda e: isinstance(e, Finished))
    assert Progress("a", "playing", 1, 1, {"odd": None, "place": "t"}) in said
    status, log = worker.close()
    assert status == 0
    assert "a stray print" in log
    assert "a stray write" in log


def test_a_bug_is_reported_without_values_and_the_next_job_runs(talk: Callable[[list[str]], Talk]) -> None:
    worker = talk([sys.executable, "-c", PLAYING])
    worker.tell(playing("a", "bug"), playing("b", "play"))
    end = worker.end_of("a")
    assert isinstance(end, Failed)
    assert end.code == "bug"
    assert end.facts["traceback"].splitlines()[-1] == "builtins.KeyError"
    assert "play" in end.facts["traceback"]
    assert isinstance(worker.end_of("b"), Finished)
    assert "Doe" not in json.dumps(end.facts) + worker.close()[1]


@pytest.mark.parametrize(("act", "code"), [("full", "disk_full"), ("hungry", "out_of_memory")])
def test_a_fault_of_the_machine_is_no_bug(talk: Callable[[list[str]], Talk], act: str, code: str) -> None:
    worker = talk([sys.executable, "-c", PLAYING])
    worker.tell(playing("a", act), playing("b", "play"))
    end = worker.end_of("a")
    assert isinstance(end, Failed)
    assert end.code == code
    assert isinstance(worker.end_of("b"), Finished)


@pytest.mark.parametrize(
    "line",
    [
        "nonsense\n",
        "\n",
        "3\n",
        "[]\n",
        '{"v": 1}\n',
        '{"v": 99, "job": "a", "kind": "doctor"}\n',
        '{"v": 1, "job": ["a"], "kind": "doctor"}\n',
        '{"v": 1, "cancel": {"a": 1}}\n',
        '{"v": 1, "job": "a", "kind": "doctor", "more": 1}\n',
        "[" * 100_000 + "\n",
    ],
)
def test_a_malformed_line_is_answered_and_the_next_one_heard(talk: Callable[[list[str]], Talk], line: str) -> None:
    worker = talk([sys.executable, "-c", PLAYING])
    worker.tell(line, playing("b", "play"))
    said = worker.until(lambda e: isinstance(e, Finished))
    assert [e.code for e in said if isinstance(e, Failed)] == ["bad_command"]
    assert worker.close()[0] == 0


def test_jobs_of_no_kind_or_without_their_arguments_fail(talk: Callable[[list[str]], Talk]) -> None:
    worker = talk(COMMAND)
    worker.tell('{"v": 1, "job": "a", "kind": "dance"}\n', Job("b", "train", {"dataset": "d"}))
    first, second = worker.end_of("a"), worker.end_of("b")
    assert isinstance(first, Failed)
    assert first.code == "bad_command"
    assert isinstance(second, Failed)
    assert second.code == "bug"
    assert worker.close()[0] == 0


def test_a_job_cancelled_while_it_waits_never_starts(talk: Callable[[list[str]], Talk]) -> None:
    worker = talk([sys.executable, "-c", PLAYING])
    worker.tell(Cancel("b"), playing("a", "play"), playing("b", "play"))
    assert isinstance(worker.end_of("a"), Finished)
    assert worker.end_of("b") == Cancelled("b")


def test_a_job_that_hears_nothing_does_not_outlive_its_window(talk: Callable[[list[str]], Talk]) -> None:
    worker = talk([sys.executable, "-c", PLAYING])
    worker.tell(playing("a", "deaf"))
    beats = worker.until(lambda e: isinstance(e, Heartbeat) and e.job == "a", timeout_s=10)
    assert beats
    began = time.monotonic()
    assert worker.close()[0] == 1
    assert time.monotonic() - began < 5


def test_a_models_file_is_loaded_once_until_it_changes(tmp_path: Path) -> None:
    from hipcad_desktop.worker import Worker

    model = tmp_path / "m.hipcad"
    write_fake_package(model)
    worker = Worker(1)
    first = worker._network(model)
    assert worker._network(model) is first
    model.unlink()
    write_fake_package(model)
    os.utime(model, ns=(1, 1))
    assert worker._network(model) is not first


def test_the_doctor_answers(talk: Callable[[list[str]], Talk]) -> None:
    worker = talk(COMMAND)
    worker.tell(Job("a", "doctor"))
    end = worker.end_of("a")
    assert isinstance(end, Finished)
    assert {"name", "state", "found", "remedy"} <= end.facts["checks"][0].keys()


def test_the_worker_starts_without_torch() -> None:
    heavy = {"torch", "onnxruntime", "numpy", "PySide6"}
    code = f"import sys, hipcad_desktop.worker; print(sorted({heavy} & set(sys.modules)))"
    said = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"
