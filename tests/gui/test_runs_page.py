"""The page of runs over folders as trainings leave them: listed, chosen, side by side."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from hipcad_desktop.domain.training import QUICK
from hipcad_desktop.gui import settings as keys
from hipcad_desktop.gui.tasks import Tasks
from hipcad_desktop.gui.training.runs_page import RunsPage

# Of the offscreen platform, whenever a window's smallest size changes; no other platform says it.
pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints")


def write_run(folder: Path, *, seed: int) -> Path:
    """What list_runs reads of a run that stopped after two epochs."""
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(QUICK.to_json() | {"seed": seed}), encoding="utf-8")
    (folder / "environment.json").write_text(json.dumps({"versions": {"torch": "2"}}), encoding="utf-8")
    lines = [
        {"epoch": e, "train_loss": 0.7 / e, "validation_loss": 0.8 / e, "auc": 0.5 + e / 10, "sensitivity": 0.8,
         "specificity": 0.7, "learning_rate": 1e-3, "seconds": 2.0} for e in (1, 2)
    ]  # fmt: skip
    (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return folder


class Bench:
    """The page on a screen."""

    def __init__(self, qtbot: QtBot, folder: Path) -> None:
        self.qtbot, self.folder = qtbot, folder
        self.tasks = Tasks()
        self.page = RunsPage(tasks=self.tasks, settings=keys.open_settings())
        qtbot.addWidget(self.page)
        self.page.resize(1200, 800)
        self.page.show()

    def wait(self, true: Callable[[], bool]) -> None:
        self.qtbot.waitUntil(true, timeout=20_000)


@pytest.fixture
def bench(qtbot: QtBot, tmp_path: Path) -> Iterator[Bench]:
    made = Bench(qtbot, tmp_path)
    yield made
    made.tasks.close()


def test_without_a_folder_it_says_what_to_do(bench: Bench) -> None:
    assert "Add the folder" in bench.page.words.text()
    assert not bench.page.table.isVisible()


def test_two_runs_side_by_side(bench: Bench) -> None:
    for seed in (1, 2):
        write_run(bench.folder / "models" / f"m{seed}.run", seed=seed)
    bench.page.add_folder(bench.folder / "models")
    bench.wait(lambda: bench.page.table.rowCount() == 2)
    bench.page.table.selectAll()
    bench.wait(lambda: bench.page._comparison is not None and len(bench.page._comparison.runs) == 2)
    found = bench.page._comparison
    assert found is not None
    assert [line.name for line in found.differences] == ["seed"]
    assert bench.page._side_by_side.isVisible()
    assert bench.page.charts["auc"].accessibleDescription() == "run 1: 0.700; run 2: 0.700"
    few = bench.page._lines.count()
    bench.page.all_lines.click()
    assert bench.page._lines.count() > few
    assert not bench.page.grab().isNull()


def test_folders_are_remembered(bench: Bench) -> None:
    write_run(bench.folder / "models" / "m.run", seed=1)
    bench.page.add_folder(bench.folder / "models")
    bench.page.add_folder(bench.folder / "models")
    again = RunsPage(tasks=bench.tasks, settings=keys.open_settings())
    bench.qtbot.addWidget(again)
    assert again.folders == (bench.folder / "models",)


def test_a_folder_that_is_gone_hides_nothing(bench: Bench) -> None:
    write_run(bench.folder / "here" / "m.run", seed=1)
    bench.page.add_folder(bench.folder / "gone")
    bench.page.add_folder(bench.folder / "here")
    bench.wait(lambda: bench.page.table.rowCount() == 1)
    assert bench.page.notice.words == ""
