"""Runs are listed from what their folders hold, however they ended, and held side by side."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.messages import sentence
from hipcad_desktop.domain.progress import Watch
from hipcad_desktop.domain.training import TrainConfig
from hipcad_desktop.workflows.list_runs import compare_runs, list_runs
from hipcad_desktop.workflows.train import train
from tests.fakes.made_up_dataset import write_made_up_dataset
from tests.fakes.tiny_recipe import TINY


def made_up(folder: Path, *, started: str, config: TrainConfig = TINY, epochs: int = 2, **files: str) -> Path:
    """A run's folder without its checkpoints."""
    folder.mkdir(parents=True)
    environment = {"versions": {"torch": "2.14.1"}, "device": "CPU", "started_utc": started, "data_sha256": "ab"}
    (folder / "config.json").write_text(json.dumps(config.to_json()))
    (folder / "environment.json").write_text(json.dumps({**environment, "seed": config.seed}))
    lines: list[dict[str, Any]] = [{"event": "slept", "epoch": 1, "seconds": 60}]
    lines += [
        {"epoch": e, "auc": 0.5 + e / 10, "sensitivity": 0.8, "specificity": None, "seconds": 2.5, "n_fracture": 3}
        for e in range(1, epochs + 1)
    ]
    (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text)
    return folder


def test_a_real_run_and_one_that_was_cancelled(tmp_path: Path) -> None:
    class Cancelling(Watch):
        epochs = 0

        def epoch(self, epoch: int, epochs: int, figures: Any) -> None:
            self.epochs = epoch

        def cancelled(self) -> bool:
            return self.epochs >= 1

    write_made_up_dataset(tmp_path / "data")
    done = train(tmp_path / "data", tmp_path / "models" / "a.hipcad", config=TINY, device="cpu", watch=Watch())
    other = replace(TINY, seed=7, batch=6)
    with pytest.raises(UserError):
        train(tmp_path / "data", tmp_path / "models" / "b.hipcad", config=other, device="cpu", watch=Cancelling())
    later, first = list_runs([tmp_path / "models"])
    assert (first.name, first.state, first.epochs_done, first.epochs, first.ended) == ("a", "finished", 2, 2, "")
    assert (first.model, first.model_sha256) == ("a.hipcad", done.model_sha256)
    assert (first.n_fracture, first.n_no_fracture) == (3, 3)
    assert first.auc is not None
    assert first.seconds > 0
    assert (later.name, later.state, later.epochs_done, later.ended) == ("b", "unfinished", 1, "cancelled")
    assert later.data_sha256 == first.data_sha256

    comparison = compare_runs([tmp_path / "models" / "a.run", tmp_path / "models" / "b.run"])
    differing = {line.name: line.values for line in comparison.differences if line.name != "started_utc"}
    assert differing == {"batch": ("4", "6"), "seed": (str(TINY.seed), "7")}
    assert [len(curve) for curve in comparison.curves["auc"]] == [2, 1]
    environment = {line.name for line in comparison.environment}
    assert {"data_sha256", "seed", "versions.torch", "threads", "torch_build", "device"} <= environment
    assert json.loads(json.dumps(comparison.to_json()))["curves"]["auc"][0][1][0] == 2


def test_runs_of_every_state_the_latest_first(tmp_path: Path) -> None:
    made_up(tmp_path / "one" / "old.run", started="2026-01-01T00:00:00")
    made_up(
        tmp_path / "two" / "deep" / "new.run", started="2026-03-01T00:00:00", finished__json='{"model": "new.hipcad"}'
    )
    torn = made_up(tmp_path / "torn.run", started="2026-02-01T00:00:00", epochs=3)
    text = (torn / "metrics.jsonl").read_text()
    (torn / "metrics.jsonl").write_text(text + '{"epoch": 4, "au')
    broken = made_up(tmp_path / "broken.run", started="2025-01-01T00:00:00")
    (broken / "config.json").write_text("{")
    rows = list_runs([tmp_path])
    assert [(row.name, row.state, row.epochs_done) for row in rows] == [
        ("new", "finished", 2),
        ("torn", "unfinished", 3),
        ("old", "unfinished", 2),
        ("broken", "damaged", 2),
    ]
    assert rows[0].auc == pytest.approx(0.7)
    assert rows[0].specificity is None
    assert rows[0].seconds == 5.0
    assert rows[0].events == ({"event": "slept", "epoch": 1, "seconds": 60},)
    assert list_runs([tmp_path, tmp_path / "torn.run"]) == rows


HOLDER = """
import sys, time
from pathlib import Path
from hipcad_desktop.learning.run_folder import open_run
with open_run(Path(sys.argv[1]), resume=True):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_run_that_runs_and_one_whose_process_was_killed(tmp_path: Path) -> None:
    run = made_up(tmp_path / "r.run", started="2026-01-01T00:00:00")
    process = subprocess.Popen([sys.executable, "-c", HOLDER, str(run)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"held\n"
    assert list_runs([tmp_path])[0].state == "running"
    process.kill()
    process.communicate()
    assert (run / "trainer.pid").exists()
    assert list_runs([tmp_path])[0].state == "unfinished"


def test_what_is_no_run_is_said(tmp_path: Path) -> None:
    with pytest.raises(UserError) as refused:
        compare_runs([tmp_path])
    assert refused.value.code is ErrorCode.NOT_A_RUN
    assert str(tmp_path) in sentence(refused.value)
    with pytest.raises(UserError) as absent:
        list_runs([tmp_path / "absent"])
    assert absent.value.code is ErrorCode.FILE_MISSING
    assert list_runs([tmp_path]) == ()


def test_listing_needs_no_torch() -> None:
    heavy = {"torch", "numpy", "onnxruntime", "PySide6", "sqlalchemy"}
    code = f"import sys, hipcad_desktop.workflows.list_runs; print(sorted({heavy} & set(sys.modules)))"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"
