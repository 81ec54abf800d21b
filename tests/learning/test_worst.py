"""The hips that a model gets most wrong are written in one piece, and the most wrong come first."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from PIL import Image

from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.learning.run_folder import RunFolder
from hipcad_desktop.learning.worst import write_worst
from tests.learning.hips import made_up


def test_the_most_wrong_come_first(tmp_path: Path) -> None:
    hips = made_up(4, 1)  # whole, broken, whole, broken
    table = write_worst(RunFolder(tmp_path), hips, (0.9, 0.2, 0.1, 0.99), epoch=3)
    found = json.loads(table.read_text())
    assert found["epoch"] == 3
    assert [row["p_fracture"] for row in found["hips"]] == [0.9, 0.2, 0.1, 0.99]
    assert [row["wrong"] for row in found["hips"]] == [True, True, False, False]
    assert found["hips"][0]["loss"] == pytest.approx(-math.log(0.1), abs=1e-5)
    for row in found["hips"]:
        with Image.open(tmp_path / row["image"]) as picture:
            assert (picture.size, picture.mode) == ((160, 160), "L")


def test_twelve_at_most_and_the_epoch_before_stays(tmp_path: Path) -> None:
    hips = made_up(20, 1)
    for epoch in (1, 2, 3):
        write_worst(RunFolder(tmp_path), hips, (0.5,) * 20, epoch=epoch)
    names = sorted(path.name for path in (tmp_path / "worst").iterdir())
    assert len(names) == 24
    assert {name[:6] for name in names} == {"e00002", "e00003"}


def test_a_hip_without_a_number_is_the_most_wrong(tmp_path: Path) -> None:
    table = write_worst(RunFolder(tmp_path), made_up(3, 1), (0.9, math.nan, 0.0), epoch=1)
    first = json.loads(table.read_text())["hips"][0]
    assert (first["p_fracture"], first["loss"], first["wrong"]) == (None, None, True)


def test_a_full_disk_keeps_the_old_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import errno
    import os

    run = RunFolder(tmp_path)
    write_worst(run, made_up(2, 1), (0.5, 0.5), epoch=1)

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UserError) as stopped:
        write_worst(run, made_up(2, 1), (0.5, 0.5), epoch=2)
    assert stopped.value.code is ErrorCode.DISK_FULL
    assert json.loads((tmp_path / "worst.json").read_text())["epoch"] == 1
    assert not list(tmp_path.rglob("*.part"))
