"""`train(processes=2)`: one model, and the end of one process is the end of all."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.jobs import Failed, event_line
from hipcad_desktop.domain.progress import Watch
from hipcad_desktop.inference.package import read_package
from hipcad_desktop.workflows import train_processes
from hipcad_desktop.workflows.train import train
from tests.fakes.made_up_dataset import write_made_up_dataset
from tests.fakes.tiny_recipe import TINY

LONG = replace(TINY, epochs=5000)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small whole dataset, not to be changed."""
    path = tmp_path_factory.mktemp("data") / "dataset"
    write_made_up_dataset(path)
    return path


def children() -> list[psutil.Process]:
    """The workers of this test's own team."""
    return [p for p in psutil.Process().children() if "worker" in p.cmdline()]


@pytest.fixture(autouse=True)
def _nobody_left() -> Iterator[None]:
    yield
    assert not children()


class Recorder(Watch):
    """Keeps what was said, and when."""

    def __init__(self) -> None:
        self.facts: Mapping[str, Any] = {}
        self.steps: list[float] = []
        self.artifacts: list[str] = []

    def started(self, **facts: Any) -> None:
        self.facts = facts

    def step(self, stage: str, done: int, total: int, **facts: Any) -> None:
        if stage == "training":
            self.steps.append(time.monotonic())

    def artifact(self, what: str, path: str, **facts: Any) -> None:
        self.artifacts.append(what)


def test_two_processes_make_one_model(dataset: Path, tmp_path: Path) -> None:
    to, watch = tmp_path / "m.hipcad", Recorder()
    summary = train(dataset, to, config=TINY, device="cpu", processes=2, watch=watch)
    assert read_package(to).sha256 == summary.model_sha256
    assert (summary.model, summary.run_folder) == (to, tmp_path / "m.run")
    assert watch.facts["processes"] == 2
    assert watch.artifacts[-1] == "model"
    assert json.loads((tmp_path / "m.run" / "environment.json").read_text())["processes"] == 2
    assert len((tmp_path / "m.run" / "metrics.jsonl").read_text().splitlines()) == TINY.epochs
    with pytest.raises(UserError) as error:  # named by the first worker, told by this process
        train(dataset, to, config=TINY, device="cpu", processes=2, watch=Watch())
    assert error.value.code is ErrorCode.TARGET_EXISTS


def test_paused_both_stand_still_and_a_cancel_ends_both_within_two_seconds(dataset: Path, tmp_path: Path) -> None:
    class Hesitant(Recorder):
        still = (0.0, 0.0)
        cancelled_at = 0.0

        def paused(self) -> bool:
            return len(self.steps) >= 3 and not self.still[0]

        def wait_while_paused(self) -> None:
            if not self.paused():
                return
            time.sleep(1)  # whatever was on its way has come
            before = sum(sum(p.cpu_times()[:2]) for p in children())
            began = time.monotonic()
            time.sleep(1)
            used = sum(sum(p.cpu_times()[:2]) for p in children()) - before
            assert used < 0.7, "two workers that train use two seconds of a processor"
            self.still = began, time.monotonic()

        def cancelled(self) -> bool:
            if self.still[0] and self.steps[-1] > self.still[1] + 0.3 and not self.cancelled_at:
                self.cancelled_at = time.monotonic()
            return bool(self.cancelled_at)

    watch = Hesitant()
    with pytest.raises(UserError) as error:
        train(dataset, tmp_path / "m.hipcad", config=LONG, device="cpu", processes=2, watch=watch)
    assert error.value.code is ErrorCode.CANCELLED
    assert time.monotonic() - watch.cancelled_at < 2
    assert not list(tmp_path.rglob("*.part"))


def test_the_death_of_one_ends_the_other_and_is_named(dataset: Path, tmp_path: Path) -> None:
    class Murderous(Recorder):
        killed_at = 0.0

        def cancelled(self) -> bool:
            if len(self.steps) >= 3 and not self.killed_at:
                self.killed_at = time.monotonic()
                children()[1].kill()
            return False

    watch = Murderous()
    with pytest.raises(UserError) as error:
        train(dataset, tmp_path / "m.hipcad", config=LONG, device="cpu", processes=2, watch=watch)
    assert error.value.code is ErrorCode.WORKER_DIED
    assert time.monotonic() - watch.killed_at < 4
    assert "process 1 of 2" in error.value.facts["detail"]


def talkers(*lines: str) -> train_processes._Team:
    """Workers that say a line each and end."""
    code = "import sys; sys.stdout.write(sys.argv[1])"
    pipe = subprocess.PIPE
    return train_processes._Team(
        [subprocess.Popen([sys.executable, "-c", code, line], stdin=pipe, stdout=pipe) for line in lines]
    )


def test_the_failure_that_can_be_named_is_told_whoever_stumbled_first() -> None:
    bug = Failed("train", "bug", {"traceback": "gloo.py:1 wait\nRuntimeError"})
    team = talkers(event_line(bug), event_line(Failed("train", "out_of_memory", {"detail": "80 GB"})))
    try:
        error = team.cause(0, bug)
    finally:
        team.end()
    assert (error.code, error.facts) == (ErrorCode.OUT_OF_MEMORY, {"detail": "80 GB"})


def test_a_bug_in_one_process_names_its_place() -> None:
    bug = Failed("train", "bug", {"traceback": "trainer.py:1 train\nbuiltins.RuntimeError"})
    team = talkers(event_line(bug))
    try:
        error = team.cause(0, bug)
    finally:
        team.end()
    assert error.code is ErrorCode.WORKER_DIED
    assert error.facts["detail"] == "process 0 of 1, a bug: trainer.py:1 train, builtins.RuntimeError"


@pytest.mark.parametrize("processes", [-1, 0, 65])
def test_a_number_of_processes_that_cannot_be_is_refused(dataset: Path, tmp_path: Path, processes: int) -> None:
    with pytest.raises(UserError) as error:
        train(dataset, tmp_path / "m.hipcad", config=TINY, device="cpu", processes=processes, watch=Watch())
    assert error.value.code is ErrorCode.CONFIG_INVALID
    assert not list(tmp_path.iterdir())
