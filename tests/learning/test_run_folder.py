"""A run's folder loses nothing and belongs to one trainer at a time."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.learning import checkpoint
from hipcad_desktop.learning.checkpoint import Checkpoint
from hipcad_desktop.learning.run_folder import environment, open_run
from tests.learning.hips import DATA_SHA256, begun, small

HOLDER = """
import sys, time
from pathlib import Path
from hipcad_desktop.learning.run_folder import open_run
with open_run(Path(sys.argv[1]), resume=False):
    print("held", flush=True)
    time.sleep(60)
"""


def refused_code(path: Path, *, resume: bool) -> ErrorCode:
    """Why a run's folder cannot be opened."""
    with pytest.raises(UserError) as refused, open_run(path, resume=resume):
        pass
    return refused.value.code


def with_progress(path: Path) -> None:
    """A run with one finished epoch."""
    with open_run(path, resume=False) as run:
        begun(run, small())
        checkpoint.save(run.checkpoints, Checkpoint(1, {}, {}))


def test_an_unfinished_run_is_not_written_over(tmp_path: Path) -> None:
    with_progress(tmp_path / "r")
    assert refused_code(tmp_path / "r", resume=False) is ErrorCode.RUN_UNFINISHED
    with open_run(tmp_path / "r", resume=True) as run:
        run.refuse_other(small(), data_sha256=DATA_SHA256)


def test_a_finished_run_is_not_written_over(tmp_path: Path) -> None:
    with open_run(tmp_path / "r", resume=False) as run:
        begun(run, small()).finish({"model": "m.hipcad"})
    assert refused_code(tmp_path / "r", resume=False) is ErrorCode.TARGET_EXISTS


def test_a_run_that_finished_no_epoch_stands_in_nobodys_way(tmp_path: Path) -> None:
    for seed in (1, 2):
        with open_run(tmp_path / "r", resume=False) as run:
            begun(run, small(seed=seed))
    assert json.loads((tmp_path / "r" / "config.json").read_text())["seed"] == 2


def test_nothing_to_resume(tmp_path: Path) -> None:
    assert refused_code(tmp_path / "r", resume=True) is ErrorCode.NOTHING_TO_RESUME
    assert not (tmp_path / "r").exists()


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "r").mkdir()
    (tmp_path / "r" / "thesis.docx").write_text("mine")
    assert refused_code(tmp_path / "r", resume=False) is ErrorCode.TARGET_NOT_EMPTY
    assert [p.name for p in (tmp_path / "r").iterdir()] == ["thesis.docx"]
    (tmp_path / "f").write_text("a file")
    assert refused_code(tmp_path / "f", resume=False) is ErrorCode.TARGET_EXISTS


@pytest.mark.parametrize(("changes", "data"), [({"seed": 9}, DATA_SHA256), ({}, "f" * 64)])
def test_another_config_or_dataset_does_not_resume(tmp_path: Path, changes: dict[str, object], data: str) -> None:
    with_progress(tmp_path / "r")
    with open_run(tmp_path / "r", resume=True) as run, pytest.raises(UserError) as refused:
        run.refuse_other(small(**changes), data_sha256=data)
    assert refused.value.code is ErrorCode.RUN_OTHER
    assert refused.value.facts["detail"] == ("other seed" if changes else "other dataset")


def test_one_trainer_at_a_time_and_a_dead_ones_lock_is_taken_over(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path / "r")], stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        with pytest.raises(UserError) as refused, open_run(tmp_path / "r", resume=False):
            pass
        assert refused.value.code is ErrorCode.RUN_BUSY
        assert refused.value.facts["pid"] == str(process.pid)
    finally:
        process.kill()
        process.communicate()
    with open_run(tmp_path / "r", resume=False):
        pass


def test_the_environment_names_versions_and_device() -> None:
    said = environment(device="a GPU", precision="float16")
    assert said["versions"]["torch"]
    assert (said["device"], said["precision"]) == ("a GPU", "float16")
    json.dumps(said)


def test_too_little_disk_space_is_said_before_training(tmp_path: Path) -> None:
    with open_run(tmp_path / "r", resume=False) as run, pytest.raises(UserError) as refused:
        run.needs_space(1 << 62)
    assert refused.value.code is ErrorCode.DISK_FULL


def test_room_for_checkpoints_that_are_there_is_not_asked_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import shutil

    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=500))
    with open_run(tmp_path / "r", resume=False) as run:
        with pytest.raises(UserError) as refused:
            run.needs_space(1000)
        assert refused.value.code is ErrorCode.DISK_FULL
        (run.checkpoints / "epoch-00001.safetensors").write_bytes(b"x" * 600)
        run.needs_space(1000)
