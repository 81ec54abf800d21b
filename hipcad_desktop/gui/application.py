"""Starts the window: the application, its theme, its settings, and the net under every bug."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, QEvent, QTimer
from PySide6.QtWidgets import QApplication

from hipcad_desktop import __version__
from hipcad_desktop.app.paths import APPLICATION
from hipcad_desktop.gui import settings as keys
from hipcad_desktop.gui import theme
from hipcad_desktop.gui.garbage import GarbageCollector

if TYPE_CHECKING:
    from hipcad_desktop.gui.main_window import MainWindow

_LOG = logging.getLogger(__name__)
WARM_UP_MS = 150  # after the first paint


def run(
    project: Path | None = None,
    files: Sequence[str] = (),
    *,
    argv: Sequence[str] = ("hipcad",),
    ready: Callable[[MainWindow], None] | None = None,
) -> int:
    """Open the window, on a project or on films to diagnose; returns the exit status. `ready` gets the shown window."""
    from hipcad_desktop.gui.main_window import MainWindow

    app = make_application(argv)
    garbage = GarbageCollector()
    window = MainWindow(keys.open_settings())
    install_hook(window)
    window.show()
    QTimer.singleShot(0, lambda: _open(window, project, files))
    QTimer.singleShot(WARM_UP_MS, lambda: warm_up(window))
    if ready is not None:
        QTimer.singleShot(0, lambda: ready(window))
    status = app.exec()
    sys.excepthook = sys.__excepthook__
    window.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)  # the window goes before the application
    garbage.stop()
    return int(status)


def make_application(argv: Sequence[str]) -> QApplication:
    """The QApplication with name and theme; the running one where there is one already (tests)."""
    running = QApplication.instance()
    app = running if isinstance(running, QApplication) else QApplication(list(argv))
    app.setApplicationName(APPLICATION)
    app.setApplicationVersion(__version__)
    light = keys.text(keys.open_settings(), keys.THEME) == "light"
    theme.apply(app, "light" if light else "dark")
    return app


def install_hook(window: MainWindow) -> None:
    """Every exception that nobody took becomes a report a person can copy, and a line in the log."""

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            window.close()
            return
        _LOG.error("unexpected %s", kind.__name__, exc_info=(kind, error, trace))
        window.show_bug(error)

    sys.excepthook = hook


def warm_up(window: MainWindow) -> None:
    """Import what the first film needs, beside the window, so that nobody waits for it."""

    def call() -> None:
        import hipcad_desktop.workflows.annotate
        import hipcad_desktop.workflows.import_films
        import hipcad_desktop.workflows.load_film
        import hipcad_desktop.workflows.open_project  # noqa: F401

    window.tasks.pool("Warm up", call)
    window.annotate.source.warm_up()


def _open(window: MainWindow, project: Path | None, files: Sequence[str]) -> None:
    if project is not None:
        window.commands.open_path(project)
    if files:
        window.modes.diagnose(files)
