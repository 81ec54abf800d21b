"""A folder of thousands of films: diagnosed in the worker into a folder of answers, seen to go on, stopped, resumed."""

from __future__ import annotations

import uuid
from typing import Any

from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QCloseEvent, QDesktopServices
from PySide6.QtWidgets import (
    QDialog,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from hipcad_desktop.domain.jobs import Cancelled, Event, Failed, Finished, Job, Progress
from hipcad_desktop.domain.model_card import RESEARCH_USE
from hipcad_desktop.domain.time_words import duration
from hipcad_desktop.domain.triage import URGENCY_WORDS, Urgency
from hipcad_desktop.gui.diagnose.failure_words import failure_words
from hipcad_desktop.gui.diagnose.model_file import ModelFile
from hipcad_desktop.gui.widgets.notice import Notice
from hipcad_desktop.gui.worker_thread import Worker

_COUNTED = tuple(u for u in Urgency if u is not Urgency.WAITING)


class BatchDialog(QDialog):
    """Asks for both folders; a batch that lies in the second one is gone on with. Closing it stops the batch."""

    def __init__(self, worker: Worker, model: ModelFile, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(f"Diagnose a folder. {RESEARCH_USE}")
        self._worker, self._model, self._job, self._table = worker, model, "", ""
        self.films, self.to = QLineEdit(), QLineEdit()
        self.start, self.stop, self.open_table = (
            QPushButton("Start"),
            QPushButton("Stop"),
            QPushButton("Open the table"),
        )
        self.bar, self.counts, self.notice = QProgressBar(), QLabel(), Notice()
        self._arrange()
        self.start.clicked.connect(self.begin)
        self.stop.clicked.connect(lambda: worker.cancel(self._job))
        self.open_table.clicked.connect(lambda: QDesktopServices.openUrl(QUrl.fromLocalFile(self._table)))
        for line in (self.films, self.to):
            line.textChanged.connect(self._enable)
        worker.event_received.connect(self._on_event)
        self._enable()

    @property
    def running(self) -> bool:
        """Whether a batch is under way."""
        return bool(self._job)

    def begin(self) -> None:
        """Diagnose what is not done yet."""
        self._job = uuid.uuid4().hex
        self.notice.say("")
        arguments: dict[str, Any] = {
            "paths": [self.films.text()],
            "model": str(self._model.path),
            "to": self.to.text(),
            "resume": True,
        }
        self.bar.setRange(0, 0)
        self.bar.setFormat("%v of %m")
        self._enable()
        self._worker.submit(Job(self._job, "batch", arguments))

    def _on_event(self, event: Event) -> None:
        if not self._job or event.job != self._job:
            return
        match event:
            case Progress(done=done, total=total, facts=facts):
                self.bar.setRange(0, total)
                self.bar.setValue(done)
                left, rate = duration(facts.get("seconds_left") or 0), facts.get("films_per_s") or 0.0
                self.bar.setFormat(f"%v of %m   {rate:.1f} a second   {left} left")
                self.counts.setText(counted(facts))
            case Finished(facts=facts):
                self._table = str(facts["table"])
                self.counts.setText(counted(facts["counts"]))
                self._end(f"{facts['computed']} films done, {facts['kept']} kept from before. The table: {self._table}")
            case Cancelled():
                self._end("Stopped. Start again to go on; what was answered is kept.")
            case Failed(code=code, facts=facts):
                self._end("")
                self.notice.say(failure_words(code, facts), "error")

    def _end(self, words: str) -> None:
        self._job = ""
        self.bar.setRange(0, 1)
        self.bar.setValue(0)
        self.bar.setFormat("")
        self.notice.say(words)
        self._enable()

    def _enable(self) -> None:
        self.start.setEnabled(not self.running and bool(self.films.text()) and bool(self.to.text()))
        self.stop.setEnabled(self.running)
        self.open_table.setVisible(bool(self._table))
        for line in (self.films, self.to):
            line.setEnabled(not self.running)

    def closeEvent(self, event: QCloseEvent) -> None:
        if self._job:
            self._worker.cancel(self._job)
        super().closeEvent(event)

    def reject(self) -> None:
        self.close()

    def _choose(self, line: QLineEdit, title: str) -> None:
        folder = QFileDialog.getExistingDirectory(self, title, line.text())
        if folder:
            line.setText(folder)

    def _line(self, line: QLineEdit, title: str) -> QWidget:
        choose = QPushButton("Choose…")
        choose.clicked.connect(lambda: self._choose(line, title))
        row = QWidget()
        layout = QHBoxLayout(row)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(line, 1)
        layout.addWidget(choose)
        return row

    def _arrange(self) -> None:
        words = QLabel(
            f"Model: {self._model.card.name}. Each film gets a JSON file and pictures, all of them a table, the most "
            "urgent first. It can be stopped and gone on with; a film that cannot be read stops nothing. Meanwhile "
            "the films in the window wait."
        )
        words.setWordWrap(True)
        words.setProperty("look", "muted")
        form = QFormLayout()
        form.addRow("Films in", self._line(self.films, "A folder of films"))
        form.addRow("Answers to", self._line(self.to, "A new folder, or one to go on with"))
        buttons = QHBoxLayout()
        for button in (self.open_table, self.stop, self.start):
            button.setAutoDefault(False)
            buttons.addWidget(button)
        buttons.insertStretch(1, 1)
        self.start.setProperty("look", "primary")
        self.counts.setAlignment(Qt.AlignmentFlag.AlignCenter)
        layout = QVBoxLayout(self)
        layout.addWidget(words)
        layout.addLayout(form)
        for widget in (self.bar, self.counts, self.notice):
            layout.addWidget(widget)
        layout.addLayout(buttons)
        self.setMinimumWidth(560)


def counted(counts: Any) -> str:
    """How many films of each kind, in words."""
    return "   ".join(f"{URGENCY_WORDS[u]}: {counts.get(u.name.lower(), 0)}" for u in _COUNTED)
