"""train, preflight and runs from a terminal."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from hipcad_desktop.cli import main
from tests.fakes.made_up_dataset import write_made_up_dataset

CONFIG = ["--backbone", "test_efficientnet.r160_in1k", "--weights", "none", "--input", "64", "--batch", "4"]


@pytest.fixture(autouse=True)
def _signals() -> Iterator[None]:
    """The verbs take Ctrl+C for themselves; the tests give it back."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    write_made_up_dataset(tmp_path / "d")
    return tmp_path / "d"


def test_a_look_a_training_and_the_list_of_runs(
    dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    plan = [str(dataset), "--recipe", "quick", *CONFIG, "--epochs", "1"]
    assert main(["preflight", *plan, "--to", str(tmp_path / "a.hipcad")]) == 0
    said = capsys.readouterr().out
    assert "[mind] Device" in said
    assert "[ok]   Time: about" in said
    assert main(["preflight", *plan, "--to", str(tmp_path / "a.hipcad"), "--device", "cuda", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["verdict"] == "stop"

    for name, seed in (("a", "1"), ("b", "2")):
        assert main(["train", *plan, "--to", str(tmp_path / f"{name}.hipcad"), "--seed", seed]) == 0
    said_aloud = capsys.readouterr()
    assert "! This training runs on the processor: no GPU can be used" in said_aloud.err
    assert "AUC" in said_aloud.out

    assert main(["runs", str(tmp_path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert all("finished  1/1 epochs" in line for line in lines)
    assert main(["runs", "--compare", str(tmp_path / "a.run"), str(tmp_path / "b.run")]) == 0
    assert "  seed: 1 | 2" in capsys.readouterr().out
    assert main(["runs", str(tmp_path), "--json"]) == 0
    assert {row["name"] for row in json.loads(capsys.readouterr().out)} == {"a", "b"}


def test_a_folder_without_runs_and_one_that_is_no_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runs", str(tmp_path)]) == 0
    assert "No run in here" in capsys.readouterr().err
    assert main(["runs", "--compare", str(tmp_path)]) == 1
    assert "no training was run in here" in capsys.readouterr().err
