"""The worker thread against a process that crashes, hangs, spams and does not listen."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pytestqt.qtbot import QtBot

from hipcad_desktop.domain.jobs import (
    Cancelled,
    Epoch,
    Event,
    Failed,
    Finished,
    Heartbeat,
    Job,
    Paused,
    Progress,
    Resumed,
    Started,
)
from hipcad_desktop.gui.worker_thread import Patience, Worker, worker_command

FAKE = [sys.executable, str(Path(__file__).parents[1] / "fakes" / "fake_worker.py")]
QUICKLY = Patience(first_word_s=30, hung_after_s=1.0, cancel_s=0.7, stop_s=1.0)


class Heard:
    """A worker and everything it said."""

    def __init__(self, qtbot: QtBot, command: list[str] | None = None) -> None:
        self.qtbot = qtbot
        self.worker = Worker(command=command or FAKE, patience=QUICKLY)
        self.events: list[Event] = []
        self.worker.event_received.connect(self.events.append)

    def run(self, job: str, *, kind: str = "evaluate", **arguments: Any) -> None:
        self.worker.submit(Job(job, kind, arguments))  # type: ignore[arg-type]

    def of(self, job: str) -> list[Event]:
        return [e for e in self.events if e.job == job]

    def ends(self, job: str) -> list[Event]:
        return [e for e in self.of(job) if isinstance(e, Finished | Failed | Cancelled)]

    def wait_end(self, job: str, timeout_ms: int = 20_000) -> Event:
        self.qtbot.waitUntil(lambda: bool(self.ends(job)), timeout=timeout_ms)
        return self.ends(job)[0]

    def wait_started(self, job: str) -> int:
        self.qtbot.waitUntil(lambda: bool(self.of(job)), timeout=20_000)
        started = self.of(job)[0]
        assert isinstance(started, Started)
        return int(started.facts["pid"])


@pytest.fixture
def heard(qtbot: QtBot) -> Iterator[Heard]:
    made = Heard(qtbot)
    yield made
    made.worker.join()


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_jobs_run_in_order_in_one_process(heard: Heard) -> None:
    for name in ("a", "b", "c"):
        heard.run(name)
    heard.wait_end("c")
    assert [e.job for e in heard.events if isinstance(e, Finished)] == ["a", "b", "c"]
    assert len({heard.wait_started(n) for n in ("a", "b", "c")}) == 1
    assert not any(isinstance(e, Heartbeat) for e in heard.events)


def test_busy_until_the_last_job_ended(heard: Heard) -> None:
    told: list[bool] = []
    heard.worker.busy_changed.connect(told.append)
    heard.run("a")
    heard.run("b")
    assert heard.worker.busy
    heard.wait_end("b")
    heard.qtbot.waitUntil(lambda: told == [True, False])
    assert not heard.worker.busy


def test_training_tells_epochs_and_progress(heard: Heard) -> None:
    heard.run("t", kind="train", config={"epochs": 3})
    assert isinstance(heard.wait_end("t"), Finished)
    assert [e.epoch for e in heard.of("t") if isinstance(e, Epoch)] == [1, 2, 3]
    steps = [e.done for e in heard.of("t") if isinstance(e, Progress)]
    assert steps == sorted(steps)
    assert steps[-1] == 15


def test_progress_comes_before_what_was_said_after_it(heard: Heard) -> None:
    heard.run("t", kind="train", config={"epochs": 3})
    heard.wait_end("t")
    done = 0
    for event in heard.of("t"):
        if isinstance(event, Progress):
            done = event.done
        if isinstance(event, Epoch):
            assert done == event.epoch * 5


@pytest.mark.parametrize(
    ("act", "detail"), [("crash", "exit status 3"), ("kill", "killed, perhaps for want of memory")]
)
def test_death_is_told_within_three_seconds_and_the_next_job_runs(heard: Heard, act: str, detail: str) -> None:
    heard.run("warm")
    heard.wait_end("warm")
    began = time.monotonic()
    heard.run("dead", act=act)
    heard.run("next")
    end = heard.wait_end("dead", 3000)
    assert isinstance(end, Failed)
    assert (end.code, end.facts) == ("worker_died", {"detail": detail})
    assert time.monotonic() - began < 3
    assert isinstance(heard.wait_end("next"), Finished)


@pytest.mark.parametrize("act", ["hang", "stop"])
def test_a_hung_worker_is_ended_and_told(heard: Heard, act: str) -> None:
    heard.run("dead", act=act)
    pid = heard.wait_started("dead")
    end = heard.wait_end("dead")
    assert isinstance(end, Failed)
    assert end.code == "worker_hung"
    assert end.facts["seconds"] >= 1
    heard.qtbot.waitUntil(lambda: gone(pid), timeout=3000)
    heard.run("next")
    assert isinstance(heard.wait_end("next"), Finished)


def test_slow_is_not_hung(heard: Heard) -> None:
    heard.run("slow", steps=2, pause_s=1.3)
    assert isinstance(heard.wait_end("slow"), Finished)


def test_cancel(heard: Heard) -> None:
    heard.run("long", steps=10_000)
    heard.run("waiting")
    heard.run("next")
    pid = heard.wait_started("long")
    heard.worker.cancel("waiting")
    heard.worker.cancel("long")
    assert isinstance(heard.wait_end("long"), Cancelled)
    assert isinstance(heard.wait_end("waiting"), Cancelled)
    assert isinstance(heard.wait_end("next"), Finished)
    assert heard.wait_started("next") == pid  # a worker that listens is kept
    assert all(isinstance(e, Cancelled) for e in heard.of("waiting"))


def test_a_worker_that_does_not_listen_is_ended_by_cancel(heard: Heard) -> None:
    heard.run("deaf", act="deaf", steps=10_000)
    heard.run("next")
    pid = heard.wait_started("deaf")
    heard.worker.cancel("deaf")
    assert isinstance(heard.wait_end("deaf", 5000), Cancelled)
    assert isinstance(heard.wait_end("next"), Finished)
    assert heard.wait_started("next") != pid
    assert len(heard.ends("deaf")) == 1


def test_cancel_of_an_ended_job_changes_nothing(heard: Heard) -> None:
    heard.run("a")
    heard.wait_end("a")
    heard.worker.cancel("a")
    heard.worker.cancel("never")
    heard.run("b")
    heard.wait_end("b")
    assert len(heard.ends("a")) == 1


def test_spam_reaches_the_window_thinned(heard: Heard) -> None:
    heard.run("spam", act="spam")
    assert isinstance(heard.wait_end("spam", 60_000), Finished)
    steps = [e.done for e in heard.of("spam") if isinstance(e, Progress)]
    assert steps[-1] == 20_000
    assert len(steps) < 2000


def test_lines_that_are_no_events_are_passed_over(heard: Heard) -> None:
    heard.run("a", act="garbage")
    assert isinstance(heard.wait_end("a"), Finished)


def test_a_failure_is_passed_on(heard: Heard) -> None:
    heard.run("a", act="user_error")
    end = heard.wait_end("a")
    assert isinstance(end, Failed)
    assert end.code == "dataset_damaged"


def test_a_program_that_is_not_there(qtbot: QtBot, tmp_path: Path) -> None:
    heard = Heard(qtbot, [str(tmp_path / "none")])
    heard.run("a")
    heard.run("b")
    for job in ("a", "b"):
        end = heard.wait_end(job)
        assert isinstance(end, Failed)
        assert end.code == "worker_died"
    heard.worker.join()


@pytest.mark.parametrize("act", ["finish", "deaf", "hang"])
def test_the_end_leaves_no_process(qtbot: QtBot, act: str) -> None:
    heard = Heard(qtbot)
    heard.run("long", act=act, steps=10_000)
    pid = heard.wait_started("long")
    with qtbot.waitSignal(heard.worker.stopped, timeout=6000):
        heard.worker.stop()
    assert gone(pid)
    heard.worker.join()


def test_two_workers_work_at_once(qtbot: QtBot) -> None:
    training, diagnosis = Heard(qtbot), Heard(qtbot)
    training.run("long", steps=10_000)
    training.wait_started("long")
    diagnosis.run("short")
    assert isinstance(diagnosis.wait_end("short"), Finished)
    assert training.worker.busy
    diagnosis.worker.join()  # and the second's process holds no end of the first's pipes
    training.worker.join()


def test_a_killed_window_leaves_no_worker(tmp_path: Path) -> None:
    script = tmp_path / "window.py"
    script.write_text(
        "import sys\n"
        "from PySide6.QtCore import QCoreApplication\n"
        "from hipcad_desktop.domain.jobs import Job\n"
        "from hipcad_desktop.gui.worker_thread import Worker\n"
        "application = QCoreApplication([])\n"
        f"worker = Worker(command={FAKE!r})\n"
        "def hear(event):\n"
        "    print(getattr(event, 'facts', {}).get('pid', ''), flush=True)\n"
        "worker.event_received.connect(hear)\n"
        "worker.submit(Job('long', 'evaluate', {'steps': 10000}))\n"
        "application.exec()\n",
        encoding="utf-8",
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True, env=environment) as window:
        assert window.stdout is not None
        pid = int(window.stdout.readline())
        window.kill()
    wait_for(lambda: gone(pid))


def wait_for(true: Callable[[], bool], timeout_s: float = 5) -> None:
    until = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < until
        time.sleep(0.02)


def test_the_command_of_a_checkout_and_of_a_frozen_build(monkeypatch: pytest.MonkeyPatch) -> None:
    assert worker_command() == [sys.executable, "-m", "hipcad_desktop", "worker"]
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    assert worker_command() == [sys.executable, "worker"]


def test_a_paused_job_stands_still_and_a_waiting_one_does_not_begin(heard: Heard) -> None:
    heard.run("a", kind="train", config={"epochs": 400}, pause_s=0.01)
    heard.run("b", kind="train", config={"epochs": 1})
    heard.wait_started("a")
    heard.worker.pause("a")
    heard.qtbot.waitUntil(lambda: Paused("a") in heard.events, timeout=5_000)
    stood = len([e for e in heard.of("a") if isinstance(e, Epoch)])
    heard.qtbot.wait(1_500)  # longer than a silent worker is given: it beats while it stands
    assert len([e for e in heard.of("a") if isinstance(e, Epoch)]) == stood
    heard.worker.resume("a")
    heard.qtbot.waitUntil(lambda: Resumed("a") in heard.events, timeout=5_000)
    heard.worker.pause("b")
    heard.worker.cancel("a")
    assert isinstance(heard.wait_end("a"), Cancelled)
    heard.qtbot.waitUntil(lambda: Paused("b") in heard.events, timeout=5_000)
    assert not heard.ends("b")
    heard.worker.resume("b")
    assert isinstance(heard.wait_end("b"), Finished)


def test_a_paused_job_can_be_cancelled(heard: Heard) -> None:
    heard.run("a", kind="train", config={"epochs": 400}, pause_s=0.01)
    heard.wait_started("a")
    heard.worker.pause("a")
    heard.qtbot.waitUntil(lambda: Paused("a") in heard.events, timeout=5_000)
    heard.worker.cancel("a")
    assert isinstance(heard.wait_end("a"), Cancelled)


def test_a_pause_of_a_job_that_is_over_holds_up_nothing(heard: Heard) -> None:
    heard.run("a")
    heard.wait_end("a")
    heard.worker.pause("a")
    heard.run("a2")
    assert isinstance(heard.wait_end("a2"), Finished)
