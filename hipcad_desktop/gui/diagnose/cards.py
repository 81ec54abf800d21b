"""The answer beside the film: a card a hip, or one card that says why there is none."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from hipcad_desktop.domain.anatomy import Side
from hipcad_desktop.domain.diagnosis import advice
from hipcad_desktop.domain.metrics import Thresholds
from hipcad_desktop.domain.model_card import RESEARCH_USE
from hipcad_desktop.gui.diagnose.answers import FilmAnswer, HipAnswer
from hipcad_desktop.gui.diagnose.probability_bar import ProbabilityBar
from hipcad_desktop.gui.diagnose.state_mark import STATE_WORDS, StateMark
from hipcad_desktop.gui.widgets.notice import Notice

P_TIP = "The network's probability of a fracture; the box of the model says what it was fitted to."
SIDE_WORDS = {Side.RIGHT: "Patient's right hip", Side.LEFT: "Patient's left hip"}


class HipCard(QFrame):
    """State in words, shape and colour; probability with both thresholds; what to do."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("look", "card")
        self._letter = _label("title")
        self._side = _label("muted")
        self._old_words = _label("warning")
        self._mark = StateMark()
        self._state = _label("heading")
        self._p = _label("heading")
        self._bar = ProbabilityBar()
        self._advice = _label("")
        self._advice.setWordWrap(True)
        head = QHBoxLayout()
        head.addWidget(self._letter)
        head.addWidget(self._side, 1)
        head.addWidget(self._old_words)
        state = QHBoxLayout()
        state.addWidget(self._mark)
        state.addWidget(self._state, 1)
        state.addWidget(self._p)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(14, 10, 14, 12)
        layout.setSpacing(6)
        layout.addLayout(head)
        layout.addLayout(state)
        layout.addWidget(self._bar)
        layout.addWidget(self._advice)

    @property
    def words(self) -> str:
        """Everything the card says, for tests and screen readers."""
        said = (self._letter, self._state, self._p, self._old_words)
        return " ".join(label.text() for label in said if label.text())

    def show_hip(self, hip: HipAnswer, thresholds: Thresholds, *, old: bool) -> None:
        """One hip of an answer, or why it has none; old greys it and says so."""
        self._letter.setText(hip.side.value)
        self._side.setText(SIDE_WORDS[hip.side])
        self._mark.show_state(hip.state, old=old)
        answered = hip.state is not None and hip.p_fracture is not None
        for widget in (self._mark, self._p, self._bar):
            widget.setVisible(answered)
        if hip.state is not None and hip.p_fracture is not None:
            self._state.setText(STATE_WORDS[hip.state])
            self._p.setText(f"p = {hip.p_fracture:.3f}")
            self._p.setToolTip(P_TIP)
            self._bar.show_probability(hip.p_fracture, thresholds, old=old)
            self._advice.setText(advice(hip.state))
        else:
            self._state.setText("Out of scope")
            self._p.clear()
            self._advice.setText(hip.refused)
        self._old_words.setText("old answer" if old else "")
        for label in (self._letter, self._state, self._p, self._advice):
            label.setEnabled(not old)
        self.setAccessibleName(f"{SIDE_WORDS[hip.side]}: {self.words}")


class AnswerPanel(QWidget):
    """Both cards, or the one of a refusal or a failure, or what is being waited for."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.cards = (HipCard(), HipCard())
        self.waiting = _label("muted")
        self.waiting.setWordWrap(True)
        self.refusal = QFrame()
        self.refusal.setProperty("look", "card")
        self._refusal_words = _label("")
        self._refusal_words.setWordWrap(True)
        self._refusal_words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        refused = QVBoxLayout(self.refusal)
        refused.setContentsMargins(14, 12, 14, 12)
        heading = _label("heading")
        heading.setText("Out of scope")
        refused.addWidget(heading)
        refused.addWidget(self._refusal_words)
        self.failure = Notice()
        self.again = QPushButton("Try again")
        self.warnings = Notice()
        self._research = _label("warning")
        self._research.setText(RESEARCH_USE)
        self._research.setWordWrap(True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(10)
        for widget in (self.waiting, *self.cards, self.refusal, self.failure, self.again, self.warnings):
            layout.addWidget(widget)
        layout.addStretch(1)
        layout.addWidget(self._research)
        self.show_waiting("")

    @property
    def refusal_words(self) -> str:
        """Why there is no answer."""
        return self._refusal_words.text()

    def show_waiting(self, words: str) -> None:
        """No answer yet: nothing of another film stays."""
        self._only()
        self.waiting.setText(words)
        self.waiting.setVisible(bool(words))

    def show_failure(self, words: str) -> None:
        """It could not be computed, and why."""
        self._only(self.again)
        self.failure.say(words, "error")

    def show_answer(self, answer: FilmAnswer, *, old: bool, progress: str = "") -> None:
        """The cards of both hips, the picture's left first; or the refusal. old: it answers another question."""
        if answer.refused:
            self._only(self.refusal)
            self._refusal_words.setText(answer.refused)
            self.refusal.setEnabled(not old)
        else:
            self._only(*self.cards)
            for card, hip in zip(self.cards, answer.hips, strict=True):
                card.show_hip(hip, answer.thresholds, old=old)
            self.warnings.say("\n".join(answer.warnings), "warning")
        self.waiting.setText(progress)
        self.waiting.setVisible(bool(progress))

    def _only(self, *shown: QWidget) -> None:
        for widget in (self.waiting, *self.cards, self.refusal, self.again):
            widget.setVisible(widget in shown)
        self.failure.say("")
        self.warnings.say("")


def _label(look: str) -> QLabel:
    label = QLabel()
    if look:
        label.setProperty("look", look)
    return label
