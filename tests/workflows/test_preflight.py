"""The look before a training: what it finds, what it forbids, and that it leaves nothing behind."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from hipcad_desktop.domain.cohort import Partition
from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.preflight import Preflight, PreflightItem
from hipcad_desktop.domain.progress import Watch
from hipcad_desktop.learning import memory
from hipcad_desktop.workflows import preflight as workflow
from hipcad_desktop.workflows import train as training
from hipcad_desktop.workflows.preflight import preflight
from tests.fakes.made_up_dataset import write_made_up_dataset
from tests.fakes.tiny_recipe import TINY

MANY = {Partition.TRAINING: 6, Partition.VALIDATION: 30, Partition.TEST: 3}


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small whole dataset, not to be changed."""
    path = tmp_path_factory.mktemp("data") / "dataset"
    write_made_up_dataset(path)
    return path


def look(dataset: Path, to: Path, **arguments: Any) -> Preflight:
    """What is found, after checking that nothing was left."""
    before = sorted(to.parent.rglob("*"))
    found = preflight(dataset, to=to, **{"config": TINY, "device": "cpu", "watch": Watch(), **arguments})
    assert sorted(to.parent.rglob("*")) == before
    return found


def item(found: Preflight, name: str) -> PreflightItem:
    """The one line of a name."""
    (line,) = [each for each in found.items if each.name == name]
    return line


def test_all_is_looked_at_and_nothing_is_left(dataset: Path, tmp_path: Path) -> None:
    found = look(dataset, tmp_path / "m.hipcad")
    names = [each.name for each in found.items]
    assert names == ["Recipe", "Hips", "Model file", "Device", "Network", "Disk", "Memory", "Time"]
    assert found.counts["training"] == {"patients": 6, "films": 6, "hips": 12, "fracture": 6, "no_fracture": 6}
    assert found.counts["test"]["hips"] == 6
    assert (found.device, found.precision, found.batch, found.micro_batch) == ("cpu", "float32", 4, 4)
    assert found.torch_build.startswith(torch.__version__.partition("+")[0])
    assert found.steps == 6
    assert found.timed_steps == 3
    assert found.seconds_per_step is not None
    assert found.seconds_total is not None
    assert found.seconds_total > found.steps * found.seconds_per_step * 0.99 - 0.05  # it is rounded
    assert found.images_per_s == pytest.approx(4 / found.seconds_per_step, rel=0.1)
    assert found.disk_needed_mb < found.disk_free_mb
    assert found.peak_memory_mb is not None
    assert found.free_memory_mb is not None
    assert found.peak_memory_mb < found.free_memory_mb
    assert found.parameters is not None
    assert Preflight.from_json(json.loads(json.dumps(found.to_json()))) == found


def test_its_estimate_of_steps_is_what_the_training_says(dataset: Path, tmp_path: Path) -> None:
    class Told(Watch):
        steps = 0

        def started(self, **facts: Any) -> None:
            self.steps = facts["steps"]

        def cancelled(self) -> bool:
            return bool(self.steps)

    told = Told()
    with pytest.raises(UserError):
        training.train(dataset, tmp_path / "m.hipcad", config=TINY, device="cpu", watch=told)
    assert look(dataset, tmp_path / "n.hipcad").steps == told.steps


def test_a_run_on_the_processor_is_never_silent(dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    line = item(look(dataset, tmp_path / "m.hipcad", device="auto"), "Device")
    assert line.verdict == "mind"
    assert "No GPU can be used" in line.sentence
    forbidden = look(dataset, tmp_path / "m.hipcad", device="cuda")
    assert item(forbidden, "Device").verdict == "stop"
    assert forbidden.verdict == "stop"
    assert forbidden.seconds_total is None


def test_few_validation_hips_and_no_test_hips_are_minded(dataset: Path, tmp_path: Path) -> None:
    assert "only 3 hips of one class" in item(look(dataset, tmp_path / "m.hipcad"), "Hips").sentence
    write_made_up_dataset(tmp_path / "many" / "d", films=MANY)
    assert item(look(tmp_path / "many" / "d", tmp_path / "m.hipcad"), "Hips").verdict == "ok"
    write_made_up_dataset(tmp_path / "none" / "d", films={**MANY, Partition.TEST: 0})
    line = item(look(tmp_path / "none" / "d", tmp_path / "m.hipcad"), "Hips")
    assert line.verdict == "mind"
    assert "test partition is empty" in line.sentence


def test_everything_in_the_way_is_told_at_once(dataset: Path, tmp_path: Path) -> None:
    to = tmp_path / "m.hipcad"
    to.write_bytes(b"precious")
    write_made_up_dataset(tmp_path / "d", classes=(True,))
    found = look(tmp_path / "d", to, config=replace(TINY, backbone="no_such_backbone"))
    stopped = {each.name for each in found.items if each.verdict == "stop"}
    assert stopped == {"Hips", "Model file", "Network"}
    assert all(each.sentence for each in found.items if each.verdict == "stop")


@pytest.mark.parametrize(
    ("changes", "name"),
    [({"epochs": 0}, "Recipe"), ({"weights": "/no/such/file.pth"}, "Network"), ({"backbone": "test_vit"}, "Network")],
)
def test_a_config_that_cannot_be(dataset: Path, tmp_path: Path, changes: dict[str, Any], name: str) -> None:
    assert item(look(dataset, tmp_path / "m.hipcad", config=replace(TINY, **changes)), name).verdict == "stop"


def test_an_unfinished_run_stands_in_the_way_unless_it_is_resumed(dataset: Path, tmp_path: Path) -> None:
    held = tmp_path / "m.run" / "checkpoints"
    held.mkdir(parents=True)
    (held / "epoch-00001.safetensors").write_bytes(b"")
    assert item(look(dataset, tmp_path / "m.hipcad"), "Model file").verdict == "stop"
    assert item(look(dataset, tmp_path / "m.hipcad", resume=True), "Model file").verdict == "ok"


def test_a_full_disk(dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(workflow.shutil, "disk_usage", lambda _: usage._replace(free=1_000_000))
    found = look(dataset, tmp_path / "m.hipcad")
    line = item(found, "Disk")
    assert line.verdict == "stop"
    assert str(found.disk_needed_mb) in line.sentence


@pytest.mark.parametrize(("hips_that_fit", "verdict"), [(2, "mind"), (0, "stop")])
def test_little_memory(
    dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hips_that_fit: int, verdict: str
) -> None:
    from hipcad_desktop.learning.architecture import build_network

    network = build_network(TINY)
    per_hip = memory.bytes_per_hip(network, torch.device("cpu"))
    room = memory.needed_bytes(network, per_hip, hips_that_fit) + 1000
    monkeypatch.setattr(memory, "free_bytes", lambda _: room)
    monkeypatch.setattr(workflow, "FRAME_PX", 1)  # the hip images do not count here
    found = look(dataset, tmp_path / "m.hipcad")
    lines = [each for each in found.items if each.verdict == verdict and each.name in ("Memory", "Time")]
    assert len(lines) == 1
    if verdict == "mind":
        assert "2 hips at once, 2 times a step" in lines[0].sentence
        assert found.micro_batch == 2


def test_several_processes_on_too_few_gpus(dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workflow.os, "cpu_count", lambda: 2)
    found = look(dataset, tmp_path / "m.hipcad", processes=3)
    assert item(found, "Processes").verdict == "mind"
    assert found.processes == 3
    assert item(look(dataset, tmp_path / "m.hipcad", processes=0), "Recipe").verdict == "stop"


def test_it_can_be_cancelled(dataset: Path, tmp_path: Path) -> None:
    class Cancelled(Watch):
        asked = 0

        def cancelled(self) -> bool:
            self.asked += 1
            return self.asked > 12  # in the middle of the timed steps

    with pytest.raises(UserError) as stopped:
        look(dataset, tmp_path / "m.hipcad", watch=Cancelled())
    assert stopped.value.code is ErrorCode.CANCELLED


def test_without_torch(dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "_NEEDED", ("no_such_module_of_torch",))
    found = look(dataset, tmp_path / "m.hipcad")
    assert found.items[-1].name == "Training software"
    assert found.verdict == "stop"
