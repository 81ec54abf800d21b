"""The reader's own answer on both hips: given and locked before the program's is shown, given again after it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QSettings, Qt, Signal
from PySide6.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QFrame,
    QHBoxLayout,
    QInputDialog,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from hipcad_desktop.domain.anatomy import ImageHalf, Side, SideMap
from hipcad_desktop.domain.messages import sentence
from hipcad_desktop.domain.read_first import ANSWER_WORDS, CONFIDENCE_WORDS, Case, HipReading, OwnAnswer
from hipcad_desktop.gui import settings as keys
from hipcad_desktop.gui.diagnose.read_first_gate import ReadFirstGate
from hipcad_desktop.gui.diagnose.read_first_summary import ReadFirstSummaryDialog
from hipcad_desktop.gui.tasks import Tasks
from hipcad_desktop.gui.widgets.notice import Notice

_TIP = "Your own answer on each hip is locked before the program's is shown; what you change after it is recorded."
_BUTTONS: Mapping[OwnAnswer, str] = {
    OwnAnswer.FRACTURE: "Fracture",
    OwnAnswer.NO_FRACTURE: "No fracture",
    OwnAnswer.UNSURE: "Unsure",
}


class HipRow(QWidget):
    """One hip: one of three answers, and how sure, 1 to 5."""

    edited = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.name = QLabel()
        self.name.setProperty("look", "bold")
        self.answers = QButtonGroup(self)
        self.confidences = QButtonGroup(self)
        self._sure = QLabel()
        self._sure.setProperty("look", "muted")
        answers, sure = QHBoxLayout(), QHBoxLayout()
        answers.setSpacing(4)
        sure.setSpacing(4)
        for number, (answer, words) in enumerate(_BUTTONS.items()):
            answers.addWidget(_chip(self.answers, number, words, ANSWER_WORDS[answer]), 1)
        sure.addWidget(QLabel("Sure?"))
        for number, words in CONFIDENCE_WORDS.items():
            sure.addWidget(_chip(self.confidences, number, str(number), f"How sure: {words}"))
        sure.addWidget(self._sure, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self.name)
        layout.addLayout(answers)
        layout.addLayout(sure)
        for group in (self.answers, self.confidences):
            group.idClicked.connect(self._on_clicked)

    def show_side(self, side: Side, reading: HipReading | None) -> None:
        """Which hip it is, and what stands there."""
        self.name.setText(f"{side.value}   Patient's {side.word} hip")
        for group in (self.answers, self.confidences):
            group.setExclusive(False)
            for button in group.buttons():
                button.setChecked(False)
                button.setAccessibleName(f"{side.word} hip: {button.toolTip()}")
            group.setExclusive(True)
        if reading is not None:
            self.answers.button(list(_BUTTONS).index(reading.answer)).setChecked(True)
            self.confidences.button(reading.confidence).setChecked(True)
        self._say_sure()

    @property
    def reading(self) -> HipReading | None:
        """What is chosen; None until both are."""
        answer, confidence = self.answers.checkedId(), self.confidences.checkedId()
        return HipReading(list(_BUTTONS)[answer], confidence) if answer >= 0 and confidence > 0 else None

    def _on_clicked(self, _number: int) -> None:
        self._say_sure()
        self.edited.emit()

    def _say_sure(self) -> None:
        self._sure.setText(CONFIDENCE_WORDS.get(self.confidences.checkedId(), ""))


class ReadFirstCard(QFrame):
    """A switch, and while it is on what the film on the screen asks of the reader. Shows nothing of any answer."""

    def __init__(
        self, gate: ReadFirstGate, tasks: Tasks, settings: QSettings | None, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setProperty("look", "card")
        self.gate, self._tasks, self._settings = gate, tasks, settings
        self._film_id, self._shown_for = "", ("", "", "")
        self._sides: Sequence[Side] = (Side.RIGHT, Side.LEFT)
        self.switch = QCheckBox("Read first")
        self.summary = QPushButton("Summary…")
        self.reader = QPushButton()
        self.words = QLabel()
        self.rows = (HipRow(), HipRow())
        self.lock = QPushButton()
        self.notice = Notice()
        self._arrange()
        self.switch.toggled.connect(self._on_switched)
        self.summary.clicked.connect(self.show_summary)
        self.reader.clicked.connect(self._ask_reader)
        self.lock.clicked.connect(self._on_lock)
        for row in self.rows:
            row.edited.connect(self._show_button)
        gate.changed.connect(self._show)
        gate.failed.connect(lambda error: self.notice.say(f"Nothing new is shown. {sentence(error)}", "error"))
        if settings is not None and keys.text(settings, keys.READ_FIRST) == "on":
            self.switch.setChecked(True)
        self._show()

    def show_film(self, film_id: str, sides: SideMap | None) -> None:
        """The film on the screen; the hip in the picture's left half first. Empty: none."""
        order = [sides.side_of(half) for half in ImageHalf] if sides is not None else [Side.RIGHT, Side.LEFT]
        if (film_id, order) != (self._film_id, list(self._sides)):
            self._film_id, self._sides = film_id, tuple(order)
            self.notice.say("")
            self._show()

    def show_summary(self) -> ReadFirstSummaryDialog:
        """What was changed, of every reader."""
        dialog = ReadFirstSummaryDialog(self.gate.path, self._tasks, self)
        dialog.open()
        return dialog

    # what is shown

    def _show(self) -> None:
        gate, case = self.gate, self.gate.case(self._film_id)
        if self.switch.isChecked() != gate.on:
            self.switch.setChecked(gate.on)
        asks = gate.ready and bool(self._film_id) and (case is None or (case.shown is not None and case.final is None))
        self.reader.setText(f"Reader: {gate.reader}")
        self.reader.setVisible(gate.on)
        self.words.setVisible(gate.on)
        self.words.setText(_words(gate, self._film_id, case, self._sides))
        stage = "after" if case is not None else "before"
        if (shown_for := (gate.reader, self._film_id, stage)) != self._shown_for:
            self._shown_for = shown_for
            for row, side in zip(self.rows, self._sides, strict=True):
                row.show_side(side, case.locked.hips[side] if case is not None else None)
        for widget in (*self.rows, self.lock):
            widget.setVisible(asks)
        self._show_button()

    def _show_button(self) -> None:
        chosen, case = self._chosen(), self.gate.case(self._film_id)
        self.lock.setEnabled(len(chosen) == 2)
        if case is None:
            self.lock.setText("Lock my answer")
            self.lock.setToolTip("It cannot be changed after this; then the program's answer is shown")
        else:
            same = chosen == case.locked.hips
            self.lock.setText("I stay with my answer" if same else "Record the change")
            self.lock.setToolTip("")

    def _chosen(self) -> dict[Side, HipReading]:
        readings = {side: row.reading for side, row in zip(self._sides, self.rows, strict=True)}
        return {side: reading for side, reading in readings.items() if reading is not None}

    # what the reader does

    def _on_switched(self, on: bool) -> None:
        self.notice.say("")
        if self._settings is not None:
            self._settings.setValue(keys.READ_FIRST, "on" if on else "off")
        self.gate.set_on(on)

    def _on_lock(self) -> None:
        chosen = self._chosen()
        if len(chosen) != 2 or not self.gate.ready:
            return
        self.lock.setEnabled(False)
        self.notice.say("")
        step = self.gate.lock if self.gate.case(self._film_id) is None else self.gate.close
        step(self._film_id, chosen)

    def _ask_reader(self) -> None:
        name, chosen = QInputDialog.getText(self, "Who reads?", "Name of the reader", text=self.gate.reader)
        if chosen and name.strip():
            self.gate.set_reader(name)

    def _arrange(self) -> None:
        self.switch.setToolTip(_TIP)
        self.summary.setProperty("look", "flat")
        self.summary.setToolTip("What readers changed after they had seen the program's answer")
        self.reader.setProperty("look", "flat")
        self.reader.setToolTip("Who reads: click to change")
        self.words.setProperty("look", "muted")
        self.words.setWordWrap(True)
        self.lock.setProperty("look", "primary")
        head = QHBoxLayout()
        head.addWidget(self.switch, 1)
        head.addWidget(self.summary)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(14, 8, 14, 10)
        layout.setSpacing(8)
        layout.addLayout(head)
        layout.addWidget(self.reader, 0, Qt.AlignmentFlag.AlignLeft)
        for widget in (self.words, *self.rows, self.lock, self.notice):
            layout.addWidget(widget)


def _words(gate: ReadFirstGate, film_id: str, case: Case | None, sides: Sequence[Side]) -> str:
    """Where the film stands, in words."""
    if not film_id:
        return "Open a film: your own answer comes before the program's."
    if not gate.ready:
        return "The program's answers stay hidden until a model is chosen and the records are open."
    if case is None:
        return "What do you see? The program's answer stays hidden until yours is locked."
    locked = "\n".join(f"{s.value}: {case.locked.hips[s].words()}" for s in sides)
    said = f"Locked at {case.locked.at_utc[11:16]} UTC:\n{locked}"
    if case.locked.seen_before:
        said += "\nAn answer on this film had been on the screen before, so it will not count."
    if case.shown is None:
        return f"{said}\nThe program's answer is shown as soon as it is there."
    if case.final is None:
        return f"{said}\nYour answer now, having seen the program's:"
    changed = [
        f"{s.value}: {ANSWER_WORDS[case.final.hips[s].answer]}"
        for s in sides
        if case.final.hips[s].answer is not case.locked.hips[s].answer
    ]
    return f"{said}\n" + (f"Changed after the program's answer to {', '.join(changed)}." if changed else "Kept.")


def _chip(group: QButtonGroup, number: int, words: str, tip: str) -> QPushButton:
    button = QPushButton(words)
    button.setProperty("look", "chip")
    button.setCheckable(True)
    button.setToolTip(tip)
    group.addButton(button, number)
    return button
