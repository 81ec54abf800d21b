"""A second opinion on one hip, on demand: computed in the worker, seen to come, cancelled, dropped where it is late."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, QTemporaryDir
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from hipcad_desktop.domain.anatomy import Side
from hipcad_desktop.domain.jobs import Artifact, Cancelled, Event, Failed, Finished, Job, Progress
from hipcad_desktop.domain.second_opinion import LOOKED, METHOD_NAMES, METHOD_WORDS, OpinionMethod
from hipcad_desktop.gui.diagnose.answers import FilmAnswer, HipAnswer
from hipcad_desktop.gui.diagnose.failure_words import failure_words
from hipcad_desktop.gui.diagnose.model_file import ModelFile
from hipcad_desktop.gui.widgets.notice import Notice
from hipcad_desktop.gui.worker_thread import Worker

_LARGEST_PX = 900  # of the picture in its window


class SecondOpinionCard(QFrame):
    """Asks for one hip of the answer on the screen. Another answer, or none, ends what is under way."""

    def __init__(self, worker: Worker, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("look", "card")
        self._worker = worker
        self._folder = QTemporaryDir()
        self._answer: FilmAnswer | None = None
        self._model: ModelFile | None = None
        self._job, self._side = "", Side.RIGHT
        self.dropped = 0  # late opinions, for tests
        self.method = QComboBox()
        self.words = QLabel()
        self.buttons = {side: QPushButton(f"{side.value}: {side.word} hip") for side in (Side.RIGHT, Side.LEFT)}
        self.bar = QProgressBar()
        self.cancel = QPushButton("Cancel")
        self.notice = Notice()
        self.shown: OpinionDialog | None = None
        self._arrange()
        self.method.currentIndexChanged.connect(self._say_method)
        self.cancel.clicked.connect(self._stop)
        for side, button in self.buttons.items():
            button.clicked.connect(lambda _=False, side=side: self._ask(side))
        worker.event_received.connect(self._on_event)
        self._say_method()
        self._show_running(False)
        self.show_answer(None, None)

    def show_answer(self, answer: FilmAnswer | None, model: ModelFile | None) -> None:
        """The current answer on the screen and its model; None where there is none that could be explained."""
        if answer is self._answer and model == self._model:
            return
        self._answer, self._model = answer, model
        self.notice.say("")
        self._stop()
        if self.shown is not None:  # it belongs to an answer that is not on the screen any more
            self.shown.close()
        answered = {hip.side for hip in answer.hips if hip.state is not None} if answer is not None else set()
        self.setVisible(bool(answered))
        for side, button in self.buttons.items():
            button.setEnabled(side in answered)

    @property
    def chosen(self) -> OpinionMethod:
        """The method in the box."""
        return OpinionMethod(self.method.currentData())

    def _ask(self, side: Side) -> None:
        if self._answer is None or self._model is None or self._job:
            return
        self._job, self._side = uuid.uuid4().hex, side
        self.notice.say("")
        question = self._answer.question
        arguments: dict[str, Any] = {
            "file": question.file,
            "side": side.value,
            "method": self.chosen.value,
            "model": str(self._model.path),
            "to": str(Path(self._folder.path()) / self._job),
            "midline_px": question.midline_px,
        }
        self._show_running(True)
        self._worker.submit(Job(self._job, "explain", arguments))

    def _stop(self) -> None:
        """Nobody waits for it any more; the worker goes on with other films."""
        if self._job:
            self._worker.cancel(self._job)
            self._job = ""
        self._show_running(False)

    def _on_event(self, event: Event) -> None:
        if isinstance(event, Artifact) and event.what == "second_opinion" and event.job != self._job:
            self.dropped += 1
        if not self._job or event.job != self._job:
            return
        match event:
            case Progress(stage=stage, done=done, total=total):
                self.bar.setRange(0, total if stage != "diagnose" else 0)
                self.bar.setValue(done)
            case Artifact(what="second_opinion", facts=facts):
                self._on_opinion(facts)
            case Failed(code=code, facts=facts):
                self._end()
                self.notice.say(failure_words(code, facts), "error")
            case Finished() | Cancelled():
                self._end()

    def _on_opinion(self, facts: Any) -> None:
        """Shown only where film, model and window are those of the answer on the screen."""
        answer = self._answer
        hip = next((h for h in answer.hips if h.side is self._side), None) if answer is not None else None
        if answer is None or hip is None or not _belongs(facts, answer, hip):
            self.dropped += 1
            self.notice.say("The film or the model changed meanwhile. Ask again.", "warning")
            return
        self.shown = OpinionDialog(facts, self)
        self.shown.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.shown.destroyed.connect(self._forget_shown)
        self.shown.show()

    def _forget_shown(self) -> None:
        self.shown = None

    def _end(self) -> None:
        self._job = ""
        self._show_running(False)

    def _show_running(self, running: bool) -> None:
        self.bar.setVisible(running)
        self.cancel.setVisible(running)
        if running:
            self.bar.setRange(0, 0)
        for button in self.buttons.values():
            button.setVisible(not running)
        self.method.setEnabled(not running)

    def _say_method(self) -> None:
        self.words.setText(METHOD_WORDS[self.chosen])

    def _arrange(self) -> None:
        section = QLabel("SECOND OPINION")
        section.setProperty("look", "section")
        section.setToolTip(LOOKED)
        for method in OpinionMethod:
            self.method.addItem(METHOD_NAMES[method], method.value)
        self.method.setAccessibleName("Method of the second opinion")
        self.words.setProperty("look", "muted")
        self.words.setWordWrap(True)
        row = QHBoxLayout()
        for button in self.buttons.values():
            row.addWidget(button)
        running = QHBoxLayout()
        running.addWidget(self.bar, 1)
        running.addWidget(self.cancel)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(14, 10, 14, 12)
        layout.setSpacing(6)
        for widget in (section, self.method, self.words):
            layout.addWidget(widget)
        layout.addLayout(row)
        layout.addLayout(running)
        layout.addWidget(self.notice)


def _belongs(facts: Any, answer: FilmAnswer, hip: HipAnswer) -> bool:
    return bool(
        facts.get("film_id") == answer.film_id
        and facts.get("model_sha256") == answer.question.model_sha256
        and facts.get("side") == hip.side.value
        and facts.get("window_px") == list(hip.window.edges)
    )


class OpinionDialog(QDialog):
    """The picture, with the method and the notice written below it."""

    def __init__(self, facts: Any, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(f"Second opinion, {facts['side']}: {facts['method_name']}. {facts['notice']}")
        self.setModal(False)
        self.picture = QLabel()
        pixmap = QPixmap(str(facts["overlay_path"]))
        if not pixmap.isNull():
            smooth, keep = Qt.TransformationMode.SmoothTransformation, Qt.AspectRatioMode.KeepAspectRatio
            fits = max(pixmap.width(), pixmap.height()) <= _LARGEST_PX
            self.picture.setPixmap(pixmap if fits else pixmap.scaled(_LARGEST_PX, _LARGEST_PX, keep, smooth))
        self.picture.setAccessibleName(f"{facts['method_name']}, {facts['side']} hip. {facts['words']}")
        explained = facts.get("explained")
        said = "" if explained is None else f" The map adds up to {explained:.0%} of the answer's change from grey."
        words = QLabel(f"{facts['words']} Its scale is its own. {facts['seconds']:.1f} s.{said}")
        words.setWordWrap(True)
        words.setProperty("look", "warning")
        close = QPushButton("Close")
        close.clicked.connect(self.close)
        layout = QVBoxLayout(self)
        layout.addWidget(self.picture, 1, Qt.AlignmentFlag.AlignCenter)
        layout.addWidget(words)
        layout.addWidget(close, 0, Qt.AlignmentFlag.AlignRight)
