"""Diagnosis mode with a fake worker, its films and its models."""

from __future__ import annotations

import hashlib
import json
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image
from pytestqt.qtbot import QtBot

from hipcad_desktop.gui.diagnose.answers import FilmStatus
from hipcad_desktop.gui.diagnose.mode import DiagnoseMode
from hipcad_desktop.gui.tasks import Tasks
from hipcad_desktop.gui.worker_thread import Patience, Worker
from tests.fakes.model_package import fake_card

FAKE = [sys.executable, str(Path(__file__).parent / "fake_worker.py")]


def write_film(folder: Path, name: str) -> Path:
    seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big")
    path = folder / f"{name}.png"
    Image.fromarray(np.random.default_rng(seed).integers(0, 255, (80, 100), np.uint8)).save(path)
    return path


def write_model(path: Path, **card: object) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("card.json", json.dumps(fake_card(name=path.stem, **card).to_json()))
    return path


class DiagnoseBench:
    """The mode with its worker, tasks, films and models."""

    def __init__(self, qtbot: QtBot, folder: Path, hung_after_s: float = 10.0) -> None:
        self.qtbot = qtbot
        self.folder = folder
        self.tasks = Tasks()
        self.broken: list[Exception] = []
        self.tasks.broken.connect(self.broken.append)
        self.worker = Worker(command=FAKE, patience=Patience(hung_after_s=hung_after_s, cancel_s=5))
        self.mode = DiagnoseMode(worker=self.worker, tasks=self.tasks, settings=None)
        qtbot.addWidget(self.mode)
        self.mode.resize(1200, 700)
        self.mode.show()

    def open(self, *names: str, model: str = "one") -> list[str]:
        paths = [write_film(self.folder, name) for name in names]
        self.mode.open_films(paths)
        self.wait(lambda: len(self.mode.queue.files) == len(names))
        if model:
            self.mode.open_model(write_model(self.folder / f"{model}.hipcad"))
            self.wait(lambda: self.mode.queue.model is not None)
        return [str(p) for p in paths]

    def wait(self, true: Callable[[], bool]) -> None:
        self.qtbot.waitUntil(true, timeout=20_000)

    def wait_all(self) -> None:
        done = (FilmStatus.ANSWERED, FilmStatus.REFUSED, FilmStatus.FAILED)
        self.wait(lambda: all(self.mode.queue.status(f) in done for f in self.mode.queue.files))

    def wait_film(self, file: str) -> None:
        self.wait(lambda: self.mode.stage.film_id == film_hash(file))

    @property
    def card_words(self) -> list[str]:
        return [c.words for c in self.mode.panel.cards if c.isVisible()]

    def close(self) -> None:
        self.worker.join()
        self.tasks.close()


def film_hash(file: str) -> str:
    return hashlib.sha256(Path(file).read_bytes()).hexdigest()
