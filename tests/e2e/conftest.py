"""One whole way through the program, made once: simulated films -> project -> dataset -> model, by the command line."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

Hipcad = Callable[..., subprocess.CompletedProcess[str]]


def run_hipcad(*words: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """`hipcad WORDS` as a person would type it."""
    return subprocess.run(
        [sys.executable, "-m", "hipcad_desktop", *map(str, words)],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


@pytest.fixture(scope="session")
def hipcad() -> Hipcad:
    return run_hipcad


@dataclass(frozen=True)
class WholeWay:
    folder: Path
    films: Path
    project: Path
    dataset: Path
    model: Path
    output: dict[str, subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def whole_way(tmp_path_factory: pytest.TempPathFactory) -> WholeWay:
    folder = tmp_path_factory.mktemp("whole way with spaces, 股関節")
    films, project, dataset, model = folder / "sim", folder / "P", folder / "DS", folder / "M.hipcad"
    steps: dict[str, list[str | Path]] = {
        "simulate": ["simulate", "--films", "14", "--seed", "3", "--to", films, "--size", "420x360"],
        "import": ["import", project, films / "films", "--patients", films / "patients.csv"],
        "readings": ["readings", "import", project, films / "boxes.csv", "--reader", "A. Surgeon"],
        "export": ["export", project, "--to", dataset],
        "train": ["train", dataset, "--to", model, "--recipe", "quick", "--epochs", "2", "--device", "cpu"],
        "evaluate": ["evaluate", model, dataset, "--to", folder / "REPORT"],
    }
    output = {name: run_hipcad(*words) for name, words in steps.items()}
    return WholeWay(folder, films, project, dataset, model, output)
