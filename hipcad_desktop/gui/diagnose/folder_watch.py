"""A folder that the window watches: what arrives there whole joins the list of films and is asked about."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QCheckBox, QFileDialog, QPushButton, QVBoxLayout, QWidget

from hipcad_desktop.domain.errors import UserError
from hipcad_desktop.domain.messages import sentence
from hipcad_desktop.gui.diagnose.question_queue import QuestionQueue
from hipcad_desktop.gui.tasks import Tasks
from hipcad_desktop.gui.widgets.notice import Notice

if TYPE_CHECKING:
    from hipcad_desktop.workflows.arrivals import Arrival, Arrivals

_LOOK_EVERY_MS = 1000


class FolderWatch(QWidget):
    """A button that begins and ends it, and how the list is ordered."""

    ordered = Signal(bool)  # the most urgent first, or as opened
    batch_asked = Signal()
    changed = Signal(str)  # a film in the list has other bytes now

    def __init__(self, queue: QuestionQueue, tasks: Tasks, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._queue, self._tasks = queue, tasks
        self._arrivals: Arrivals | None = None
        self._looking = False
        self.button = QPushButton("Watch a folder…")
        self.button.setToolTip("Films that come into a folder are read as soon as they are whole")
        self.batch = QPushButton("Diagnose thousands…")
        self.batch.setToolTip("A whole folder into a folder of answers, with a table; can be stopped and gone on with")
        self.urgent = QCheckBox("Most urgent first")
        self.urgent.setToolTip("Fracture, doubt, no fracture, no answer; in each the newest first")
        self.notice = Notice()
        self._timer = QTimer(self)
        self._timer.setInterval(_LOOK_EVERY_MS)
        self._timer.timeout.connect(self.look)
        self.button.clicked.connect(self._toggle)
        self.batch.clicked.connect(self.batch_asked)
        self.urgent.toggled.connect(self.ordered)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        for widget in (self.button, self.batch, self.urgent, self.notice):
            layout.addWidget(widget)

    @property
    def watching(self) -> bool:
        """Whether a folder is watched."""
        return self._arrivals is not None

    def begin(self, folder: Path) -> None:
        """Watch a folder; what lies in it already is read too, and the list shows the most urgent film first."""
        from hipcad_desktop.workflows.arrivals import Arrivals

        try:
            self._arrivals = Arrivals(folder)
        except UserError as error:
            self.notice.say(sentence(error), "error")
            return
        self.button.setText("Stop watching")
        self.notice.say(f"Watching {folder.name or folder}.")
        self.urgent.setChecked(True)
        self._timer.start()
        self.look()

    def end(self) -> None:
        """Watch no more; the list stays."""
        self._timer.stop()
        self._arrivals = None
        self.button.setText("Watch a folder…")
        self.notice.say("")

    def look(self) -> None:
        """Look once, beside the window; never two looks at a time."""
        arrivals = self._arrivals
        if arrivals is None or self._looking:
            return
        self._looking = True
        self._tasks.pool(
            "Look into the watched folder",
            lambda: arrivals.look(time.monotonic()),
            done=lambda came: self._on_looked(arrivals, came),
            failed=self._on_failed,
        )

    def _on_looked(self, arrivals: Arrivals, came: tuple[Arrival, ...]) -> None:
        self._looking = False
        if arrivals is not self._arrivals:
            return  # somebody chose another folder, or none, meanwhile
        if not arrivals.reachable:
            self.notice.say("The watched folder cannot be reached; waiting for it.", "warning")
        elif self.notice.property("look") == "warning":
            self.notice.say("The watched folder is there again.")
        new = self._queue.add((arrival.file for arrival in came), newest_s=time.time())
        for arrival in came:
            if arrival.file not in new:
                self._queue.renew(arrival.file)  # other bytes came under the same name
                self.changed.emit(arrival.file)

    def _on_failed(self, error: Exception) -> None:
        self._looking = False
        self._tasks.broken.emit(error)

    def _toggle(self) -> None:
        if self.watching:
            self.end()
            return
        folder = QFileDialog.getExistingDirectory(self, "A folder to watch")
        if folder:
            self.begin(Path(folder))
