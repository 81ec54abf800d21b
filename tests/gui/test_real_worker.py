"""The window's modes with the real worker process: training survives a kill, diagnosis works on real films."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from hipcad_desktop.gui.diagnose.answers import FilmStatus
from hipcad_desktop.gui.diagnose.mode import DiagnoseMode
from hipcad_desktop.gui.tasks import Tasks
from hipcad_desktop.gui.training.mode import TrainingMode
from hipcad_desktop.gui.worker_thread import Worker
from tests.fakes.made_up_dataset import write_made_up_dataset
from tests.fakes.model_package import write_fake_package
from tests.fakes.tiny_recipe import TINY

pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints")
REAL_FILMS = os.environ.get("HIPCAD_REAL_FILMS", "")


@pytest.fixture
def ended(qtbot: QtBot) -> Iterator[Callable[[QObject], None]]:
    """Workers and tasks to be ended after the test, whatever happened."""
    kept: list[QObject] = []
    yield kept.append
    for one in kept:
        if isinstance(one, Worker):
            one.join()
        elif isinstance(one, Tasks):
            one.close()


def test_a_killed_training_is_told_and_resumed(qtbot: QtBot, tmp_path: Path, ended: Callable[[QObject], None]) -> None:
    pytest.importorskip("timm", reason="training is not installed")
    worker, tasks = Worker(), Tasks()
    ended(worker)
    ended(tasks)
    write_made_up_dataset(tmp_path / "data")
    mode = TrainingMode(worker=worker, tasks=tasks, settings=None)
    qtbot.addWidget(mode)
    mode.set_dataset(tmp_path / "data")
    qtbot.waitUntil(lambda: mode.launcher.check.isEnabled())
    mode.draft.set_config(replace(TINY, epochs=30))
    mode.launcher.machine.set_device("cpu")
    mode.launcher.check.click()
    qtbot.waitUntil(lambda: mode.preflight.found is not None, timeout=120_000)
    assert not mode.preflight.start.isEnabled()
    mode.preflight.on_cpu.click()
    mode.preflight.start.click()
    qtbot.waitUntil(lambda: mode.run is not None and mode.run.epoch >= 1, timeout=120_000)
    process = worker._supervisor._process
    assert process is not None
    os.kill(process.processId(), signal.SIGKILL)
    qtbot.waitUntil(lambda: not mode.running, timeout=3000)
    assert mode.run is not None
    assert mode.run.outcome == "failed"
    done = mode.run.epoch
    assert done < 30
    mode.run_panel.resume_asked.emit()
    qtbot.waitUntil(lambda: not mode.running, timeout=180_000)
    assert mode.run.outcome == "finished", mode.run.failure
    assert mode.run.started["epochs_done"] >= done
    assert [f["epoch"] for f in mode.run.figures] == list(range(1, 31))
    assert mode.model_path.is_file()


@pytest.mark.skipif(not REAL_FILMS, reason="HIPCAD_REAL_FILMS names no folder of real films")
def test_real_films_get_an_answer_or_a_reason(qtbot: QtBot, tmp_path: Path, ended: Callable[[QObject], None]) -> None:
    worker, tasks = Worker(), Tasks()
    ended(worker)
    ended(tasks)
    mode = DiagnoseMode(worker=worker, tasks=tasks, settings=None)
    qtbot.addWidget(mode)
    mode.open_model(write_fake_package(tmp_path / "fake.hipcad"))
    films = (
        sorted((Path(REAL_FILMS) / "fracture").iterdir())[:2] + sorted((Path(REAL_FILMS) / "single_hip").iterdir())[:1]
    )
    mode.open_films(films)
    over = (FilmStatus.ANSWERED, FilmStatus.REFUSED)
    qtbot.waitUntil(lambda: len(mode.queue.files) == 3, timeout=10_000)
    qtbot.waitUntil(lambda: all(mode.queue.status(f) in over for f in mode.queue.files), timeout=60_000)
    assert mode.queue.status(str(films[0])) is FilmStatus.ANSWERED
    qtbot.waitUntil(lambda: bool(mode.stage._heat), timeout=5000)
    assert {hip.shape for hip in mode.stage._heat.values()} == {(380, 380)}
