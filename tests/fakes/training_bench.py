"""The training mode on a fake worker, and hands on it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QSettings
from pytestqt.qtbot import QtBot

from hipcad_desktop.domain.jobs import Job
from hipcad_desktop.gui.tasks import Tasks
from hipcad_desktop.gui.training.mode import TrainingMode
from hipcad_desktop.gui.training.preflight_page import PreflightPage
from hipcad_desktop.gui.worker_thread import Patience, Worker

FAKE = [sys.executable, str(Path(__file__).with_name("fake_worker.py"))]


def write_dataset(folder: Path, **training: int) -> Path:
    full = {"patients": 60, "films": 80, "fracture": 70, "no_fracture": 90}
    counts = {"training": full | training, "validation": full, "test": full}
    folder.mkdir(exist_ok=True)
    (folder / "dataset.json").write_text(json.dumps({"counts": counts, "not_exported": [{}]}), encoding="utf-8")
    return folder


class Bench:
    """The mode with its worker and tasks; the fake worker's arguments are put into every job."""

    def __init__(self, qtbot: QtBot, folder: Path, settings: QSettings | None = None) -> None:
        self.qtbot = qtbot
        self.folder = folder
        self.tasks = Tasks()
        self.worker = Worker(command=FAKE, patience=Patience(hung_after_s=1.0, cancel_s=2))
        self.jobs: list[Job] = []
        self.act: dict[str, Any] = {}
        submit = self.worker.submit
        self.worker.submit = lambda job: submit(self._noted(job))  # type: ignore[method-assign]
        self.mode = TrainingMode(worker=self.worker, tasks=self.tasks, settings=settings)
        qtbot.addWidget(self.mode)
        self.mode.resize(1200, 800)
        self.mode.show()
        self.mode.draft.set_recipe("quick")

    def _noted(self, job: Job) -> Job:
        self.jobs.append(job)
        return Job(job.job, job.kind, {**job.arguments, **self.act})

    def open(self, **training: int) -> None:
        self.mode.set_dataset(write_dataset(self.folder / "data", **training))
        self.wait(lambda: self.mode.launcher.facts is not None)

    def wait(self, true: Callable[[], bool]) -> None:
        self.qtbot.waitUntil(true, timeout=20_000)

    def check(self) -> None:
        self.mode.launcher.check.click()
        assert self.jobs[-1].kind == "preflight"
        self.wait(lambda: not self.mode._checking)

    def start(self, **act: Any) -> None:
        """Check and start as a person does; act is of the training, not of the check."""
        self.act = {}
        self.check()
        self.act = act
        if self.page.on_cpu.isVisible():
            self.page.on_cpu.click()
        self.page.start.click()
        assert self.mode.running

    def wait_end(self) -> None:
        self.wait(lambda: not self.mode.running)

    def button(self, name: str) -> Any:
        return self.mode.run_panel._buttons[name]

    @property
    def page(self) -> PreflightPage:
        return self.mode.preflight

    @property
    def said(self) -> str:
        return self.mode.run_panel._notice.words

    @property
    def trained(self) -> Job:
        return next(job for job in reversed(self.jobs) if job.kind == "train")
