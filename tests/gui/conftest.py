"""A window on a small project of made-up films; settings and projects live in tmp_path."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from hipcad_desktop.domain.annotation import Answer, Reading
from hipcad_desktop.domain.radiograph import FilmId
from hipcad_desktop.gui import settings as keys
from hipcad_desktop.gui import theme
from hipcad_desktop.gui.garbage import GarbageCollector
from hipcad_desktop.gui.main_window import MainWindow
from hipcad_desktop.workflows.annotate import Session
from hipcad_desktop.workflows.import_films import import_films
from hipcad_desktop.workflows.open_project import open_project
from tests.fakes.diagnose_bench import DiagnoseBench
from tests.fakes.project_films import middle, write_films

READER = "A. Surgeon"
WAIT_MS = 15000


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # Said by the offscreen platform only: of smallest sizes, raised windows and menus that take the keyboard.
    for item in items:
        item.add_marker(pytest.mark.qt_log_ignore("This plugin does not support"))


@pytest.fixture(autouse=True, scope="module")
def garbage_of_the_window(qapp: QApplication) -> Iterator[None]:
    """Dead widgets are collected in the window's thread only, as in the program."""
    collector = GarbageCollector()
    yield
    collector.stop()


@pytest.fixture(autouse=True)
def own_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "settings"
    monkeypatch.setenv("HIPCAD_SETTINGS", str(folder))
    settings = keys.open_settings()
    settings.setValue(keys.READER, READER)
    settings.sync()
    return folder


@pytest.fixture
def project_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of four films, 200 x 160 pixels, midline at 100."""
    monkeypatch.setattr("hipcad_desktop.workflows.import_films.look", middle)
    with open_project(tmp_path / "project", create=True) as project:
        assert import_films(project, write_films(tmp_path / "films", 4)).imported == 4
    return tmp_path / "project"


@dataclass
class Desk:
    """A shown window, and hands on it."""

    qtbot: QtBot
    window: MainWindow
    folder: Path

    def wait(self, condition: Callable[[], bool]) -> None:
        self.qtbot.waitUntil(condition, timeout=WAIT_MS)

    def saved(self) -> None:
        self.wait(lambda: self.window.state.saving == 0)

    def shown(self) -> None:
        view = self.window.annotate.view
        self.wait(lambda: view.film is not None and view.film.radiograph.film_id == self.window.state.current)

    def film(self, row: int) -> FilmId:
        return self.window.state.films[row].film_id

    def look_at(self, row: int) -> None:
        self.window.state.select(self.film(row))
        self.shown()

    def at(self, x: float, y: float) -> QPoint:
        """A film point on the view."""
        sx, sy = self.window.annotate.view.camera.to_screen(x, y)
        return QPoint(round(sx), round(sy))

    def drag(
        self, x0: float, y0: float, x1: float, y1: float, button: Qt.MouseButton = Qt.MouseButton.LeftButton
    ) -> None:
        """Press, move in steps and release, in film pixels."""
        view = self.window.annotate.view
        start, end = self.at(x0, y0), self.at(x1, y1)
        QTest.mouseMove(view, start)
        QTest.mousePress(view, button, Qt.KeyboardModifier.NoModifier, start)
        for step in range(1, 6):
            QTest.mouseMove(view, start + (end - start) * step / 5)
        QTest.mouseRelease(view, button, Qt.KeyboardModifier.NoModifier, end)

    def key(self, key: Qt.Key, *modifiers: Qt.KeyboardModifier) -> None:
        held = Qt.KeyboardModifier.NoModifier
        for modifier in modifiers:
            held |= modifier
        QTest.keyClick(self.window.annotate.view, key, held)

    def answer(self, row: int) -> Answer | None:
        """What is on the disk, read by another connection."""
        revisions = self.revisions(row)
        return revisions[-1].answer if revisions else None

    def revisions(self, row: int) -> list[Reading]:
        """Everything on the disk about one film."""
        self.saved()
        with open_project(self.folder) as project:
            return Session(project, reader=READER).revisions(self.film(row))


@pytest.fixture
def empty_window(qtbot: QtBot, own_settings: Path, qapp: QApplication) -> Iterator[MainWindow]:
    theme.apply(qapp, "dark")
    window = MainWindow(keys.open_settings())
    window.resize(1300, 800)
    window.show()
    qtbot.waitExposed(window)
    window.activateWindow()
    yield window
    window.state.unsaved.clear()
    for work in window.tasks.works():
        work.cancel()
    qtbot.waitUntil(lambda: not window.tasks.works(), timeout=WAIT_MS)
    assert window.close()
    window.deleteLater()


@pytest.fixture
def desk(qtbot: QtBot, empty_window: MainWindow, project_folder: Path) -> Desk:
    empty_window.commands.open_path(project_folder)
    made = Desk(qtbot, empty_window, project_folder)
    made.wait(lambda: empty_window.state.is_open)
    made.shown()
    empty_window.annotate.take_focus()
    return made


@pytest.fixture
def bench(qtbot: QtBot, tmp_path: Path) -> Iterator[DiagnoseBench]:
    """Diagnosis mode with a fake worker; test files about other modes have a bench of their own."""
    made = DiagnoseBench(qtbot, tmp_path)
    yield made
    made.close()
    assert not made.broken
