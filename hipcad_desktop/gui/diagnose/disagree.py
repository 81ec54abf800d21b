"""I disagree: a shown answer goes to the review queue, with what the reader says of that hip."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from PySide6.QtCore import QSettings, Signal
from PySide6.QtWidgets import QMenu, QPushButton, QVBoxLayout, QWidget

from hipcad_desktop.domain.dispute import Dispute
from hipcad_desktop.domain.read_first import ANSWER_WORDS, AS_ANSWER, OwnAnswer
from hipcad_desktop.gui import settings as keys
from hipcad_desktop.gui.diagnose.answers import FilmAnswer, HipAnswer
from hipcad_desktop.gui.widgets.notice import Kind, Notice


@dataclass(frozen=True, slots=True)
class DisputeAsked:
    """What was disagreed with, the film's file, and whom to tell what came of it."""

    dispute: Dispute
    file: Path
    told: Callable[[str, Kind], None]


class DisagreeButton(QWidget):
    """Hidden where there is no current answer. Who listens to `asked` keeps it and tells what came of it."""

    asked = Signal(object)  # DisputeAsked

    def __init__(self, settings: QSettings | None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._settings = settings
        self._answer: FilmAnswer | None = None
        self.button = QPushButton("I disagree…")
        self.button.setToolTip("Send this film to the review queue, with what you say of the hip")
        self.menu = QMenu(self)
        self.button.setMenu(self.menu)
        self.notice = Notice()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.button)
        layout.addWidget(self.notice)
        self.menu.aboutToShow.connect(self.fill)
        self.hide()

    def show_answer(self, answer: FilmAnswer | None) -> None:
        """The current answer on the screen; None where there is none."""
        if answer is not self._answer:
            self._answer = answer
            self.notice.say("")
        self.setVisible(answer is not None and any(hip.state is not None for hip in answer.hips))

    def fill(self) -> None:
        """The hips that have an answer, with everything that is not what the program says."""
        self.menu.clear()
        for hip in self._answer.hips if self._answer is not None else ():
            if hip.state is None:
                continue
            self.menu.addSection(f"{hip.side.value}: {hip.side.word} hip")
            for own in OwnAnswer:
                if own is not AS_ANSWER[hip.state]:
                    words = f"{hip.side.value}: I say {ANSWER_WORDS[own]}"
                    self.menu.addAction(words).triggered.connect(partial(self._on_chosen, hip, own))

    def _on_chosen(self, hip: HipAnswer, own: OwnAnswer, _checked: bool = False) -> None:
        self.send(hip, own)

    def send(self, hip: HipAnswer, own: OwnAnswer) -> None:
        """Ask for one hip of the answer on the screen to be looked at again."""
        from hipcad_desktop.workflows.utc import stamp

        answer = self._answer
        if answer is None or hip.state is None or hip.p_fracture is None:
            return
        reader = keys.text(self._settings, keys.READER) if self._settings is not None else ""
        dispute = Dispute(
            film_id=answer.film_id,
            model_sha256=answer.question.model_sha256,
            model_name=answer.model_name,
            side=hip.side,
            program=hip.state,
            p_fracture=hip.p_fracture,
            reader=reader or keys.system_user(),
            own=own,
            at_utc=stamp(),
        )

        def told(words: str, kind: Kind) -> None:
            if answer is self._answer:  # somebody went on to another film meanwhile
                self.notice.say(words, kind)

        self.asked.emit(DisputeAsked(dispute, Path(answer.question.file), told))
