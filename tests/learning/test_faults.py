"""Faults put into a training: a full disk, sleep, a lost GPU, a pause. Named, and only the current epoch is lost."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch

from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.messages import sentence
from hipcad_desktop.domain.progress import Watch
from hipcad_desktop.learning import checkpoint, memory, trainer
from hipcad_desktop.learning.run_folder import open_run
from hipcad_desktop.learning.vigil import SleepClock, Vigil
from tests.learning.hips import begun, run_to_the_end, small, trainer_for

ROOT = Path(__file__).resolve().parents[2]


class Recorder(Watch):
    """Keeps what was said."""

    def __init__(self) -> None:
        self.said: list[Mapping[str, Any]] = []
        self.artifacts: list[tuple[str, int]] = []

    def step(self, stage: str, done: int, total: int, **facts: Any) -> None:
        self.said.append({"done": done, **facts})

    def artifact(self, what: str, path: str, **facts: Any) -> None:
        assert Path(path).is_file()
        self.artifacts.append((what, facts["epoch"]))


def resumed(folder: Path, config: Any) -> Mapping[str, torch.Tensor]:
    """The weights of a run that goes on from its newest checkpoint."""
    with open_run(folder, resume=True) as run:
        going_on = trainer_for(config, run)
        found = checkpoint.newest(run.checkpoints)
        assert found is not None
        going_on.resume(found)
        return going_on.train().backbone.state_dict()  # type: ignore[no-any-return]


def same(a: Mapping[str, torch.Tensor], b: Mapping[str, torch.Tensor]) -> bool:
    """Bit for bit."""
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


def test_each_epoch_leaves_its_worst_hips(tmp_path: Path) -> None:
    watch = Recorder()
    with open_run(tmp_path / "r", resume=False) as run:
        config = small(epochs=2)
        trainer_for(config, begun(run, config), watch=watch).train()
    assert watch.artifacts == [("worst_hips", 1), ("worst_hips", 2)]
    found = json.loads((tmp_path / "r" / "worst.json").read_text())
    assert (found["epoch"], len(found["hips"])) == (2, 6)


def test_a_disk_that_fills_up_loses_the_current_epoch_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = small(dropout=0.3)
    unbroken = run_to_the_end(tmp_path / "a", config)
    real, saved = checkpoint.safetensors.torch.save_file, []

    def fills_up(tensors: Any, path: Path, **how: Any) -> None:
        if saved:
            Path(path).write_bytes(b"half of it")
            raise checkpoint.safetensors.SafetensorError("I/O error: No space left on device (os error 28)")
        saved.append(path)
        real(tensors, path, **how)

    with monkeypatch.context() as patched, open_run(tmp_path / "b", resume=False) as run:
        patched.setattr(checkpoint.safetensors.torch, "save_file", fills_up)
        with pytest.raises(UserError) as stopped:
            trainer_for(config, begun(run, config)).train()
    assert stopped.value.code is ErrorCode.DISK_FULL
    assert "disk is full" in sentence(stopped.value)
    assert [p.name for p in (tmp_path / "b" / "checkpoints").iterdir()] == ["epoch-00001.safetensors"]
    assert same(unbroken, resumed(tmp_path / "b", config))


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES])
def test_a_table_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def refused(_: int) -> None:
        raise OSError(number, os.strerror(number))

    with open_run(tmp_path / "r", resume=False) as run:
        begun(run, small())
        monkeypatch.setattr(os, "fsync", refused)
        with pytest.raises(UserError) as stopped:
            run.add_metrics({"epoch": 1})
        wanted = ErrorCode.DISK_FULL if number == errno.ENOSPC else ErrorCode.FOLDER_NOT_WRITABLE
        assert stopped.value.code is wanted


SMALL_DISK = """
set -e
mount -t tmpfs -o size=3m tmpfs "$1"
cd "$2"
"$3" -c "
import sys
from pathlib import Path
from hipcad_desktop.domain.errors import UserError
from hipcad_desktop.learning import checkpoint
from hipcad_desktop.learning.run_folder import open_run
from tests.learning.hips import begun, small, trainer_for
config = small(epochs=50)
run_folder = Path(sys.argv[1]) / 'r'
try:
    with open_run(run_folder, resume=False) as run:
        trainer_for(config, begun(run, config)).train()
except UserError as error:
    found = checkpoint.newest(run_folder / 'checkpoints')
    print(error.code.value, found.epochs_done >= 1, len(list(run_folder.rglob('*.part'))))
" "$1"
"""


@pytest.mark.skipif(sys.platform != "linux", reason="mounts a small disk of its own")
def test_a_real_disk_that_is_really_full(tmp_path: Path) -> None:
    command = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", SMALL_DISK, "sh"]
    try:
        said = subprocess.run(
            [*command, str(tmp_path), str(ROOT), sys.executable], capture_output=True, text=True, timeout=240
        )
    except FileNotFoundError:
        pytest.skip("there is no unshare")
    if said.returncode != 0 and ("unshare" in said.stderr or "mount" in said.stderr):
        pytest.skip(f"no disk of its own can be mounted here: {said.stderr.strip()[-100:]}")
    assert said.stdout.split() == ["disk_full", "True", "0"], said.stderr[-2000:]


def test_a_sleep_is_told_and_changes_nothing(tmp_path: Path) -> None:
    config = small(epochs=2)
    unbroken = run_to_the_end(tmp_path / "a", config)
    looks: list[int] = []

    def clocks() -> tuple[float, float, float]:
        looks.append(1)
        slept = 1800.0 if len(looks) > 100 else 0.0
        return 1.0, 1.0 + slept, 1.0 + slept

    watch = Recorder()
    with open_run(tmp_path / "b", resume=False) as run:
        going = trainer_for(config, begun(run, config), watch=watch)
        going._vigil = Vigil(watch, SleepClock(clocks))
        trained = going.train().backbone.state_dict()
    (event,) = [said for said in watch.said if said.get("event") == "slept"]
    assert event["seconds"] == 1800
    assert "30 minutes" in event["sentence"]
    lines = [json.loads(line) for line in (tmp_path / "b" / "metrics.jsonl").read_text().splitlines()]
    assert [line["event"] for line in lines if "event" in line] == ["slept"]
    assert "slept for 30 minutes" in (tmp_path / "b" / "log.txt").read_text()
    assert same(unbroken, trained)


@pytest.mark.parametrize(
    "text", ["CUDA error: unknown error", "CUDA error: device-side assert triggered", "cuDNN error: EXECUTION_FAILED"]
)
def test_a_lost_gpu_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    real, steps = trainer.changed, []

    def lost(*arguments: Any) -> torch.Tensor:
        steps.append(1)
        if len(steps) > 4:
            raise RuntimeError(text)
        return real(*arguments)

    monkeypatch.setattr(trainer, "changed", lost)
    config = small()
    with open_run(tmp_path / "r", resume=False) as run, pytest.raises(UserError) as stopped:
        trainer_for(config, begun(run, config)).train()
    assert stopped.value.code is ErrorCode.GPU_LOST
    assert "resume" in sentence(stopped.value)
    found = checkpoint.newest(tmp_path / "r" / "checkpoints")
    assert found is not None
    assert found.epochs_done == 1


def test_another_error_of_torch_stays_a_bug(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(*_: Any) -> torch.Tensor:
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    monkeypatch.setattr(trainer, "changed", wrong)
    config = small()
    with open_run(tmp_path / "r", resume=False) as run, pytest.raises(RuntimeError, match="mat1"):
        trainer_for(config, begun(run, config)).train()


def test_little_memory_cuts_the_batch_before_the_first_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config, watch = small(batch=8, epochs=1), Recorder()
    with open_run(tmp_path / "r", resume=False) as run:
        going = trainer_for(config, begun(run, config), watch=watch, hips=16)
        per_hip = memory.bytes_per_hip(going._network, torch.device("cpu"))
        room = memory.needed_bytes(going._network, per_hip, 4)
        monkeypatch.setattr(memory, "free_bytes", lambda _: room)
        going.train()
    event = watch.said[0]
    assert (event["event"], event["micro_batch"], event["accumulated"], event["done"]) == ("out_of_memory", 4, 2, 0)
    assert "4 hips at once, 2 times a step" in event["sentence"]


def test_too_little_memory_ends_the_run_before_it_begins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "free_bytes", lambda _: 1_000_000)
    config, watch = small(), Recorder()
    with open_run(tmp_path / "r", resume=False) as run, pytest.raises(UserError) as stopped:
        trainer_for(config, begun(run, config), watch=watch).train()
    assert stopped.value.code is ErrorCode.OUT_OF_MEMORY
    assert "1 MB are free" in sentence(stopped.value)
    assert not watch.said


def test_a_pause_stops_it_where_it_stands_and_changes_nothing(tmp_path: Path) -> None:
    class Pausing(Watch):
        """Paused in the fifth step, until the test lets it go on."""

        def __init__(self) -> None:
            self.steps = 0
            self.stands, self.goes_on = threading.Event(), threading.Event()
            self.images_per_s: list[float] = []

        def step(self, stage: str, done: int, total: int, **facts: Any) -> None:
            self.steps = done
            self.images_per_s.append(facts["images_per_s"])

        def wait_while_paused(self) -> None:
            if self.steps == 4 and not self.goes_on.is_set():
                self.stands.set()
                assert self.goes_on.wait(30)

    config = small(epochs=2)
    unbroken = run_to_the_end(tmp_path / "a", config)
    watch = Pausing()
    trained: list[Mapping[str, torch.Tensor]] = []
    began = time.monotonic()
    with open_run(tmp_path / "b", resume=False) as run:
        going = trainer_for(config, begun(run, config), watch=watch)
        thread = threading.Thread(target=lambda: trained.append(going.train().backbone.state_dict()))
        thread.start()
        assert watch.stands.wait(30)
        time.sleep(1.0)
        assert watch.steps == 4
        watch.goes_on.set()
        thread.join(60)
    took_s = time.monotonic() - began
    assert same(unbroken, trained[0])
    lines = [json.loads(line) for line in (tmp_path / "b" / "metrics.jsonl").read_text().splitlines()]
    assert sum(line["seconds"] for line in lines) < took_s - 0.9
