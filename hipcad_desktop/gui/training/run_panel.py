"""The run on the screen: where it is, on what device, how fast, its curves, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QFormLayout, QFrame, QHBoxLayout, QLabel, QProgressBar, QPushButton, QVBoxLayout, QWidget

from hipcad_desktop.domain.jobs import Failed
from hipcad_desktop.domain.model_card import RESEARCH_USE
from hipcad_desktop.gui.training.curves import Curves
from hipcad_desktop.gui.training.result_words import failure_words, figure_lines
from hipcad_desktop.gui.training.run_state import RunState, duration
from hipcad_desktop.gui.widgets.notice import Notice

_REDRAW_MS = 500  # curves are drawn at most this often: a person does not see more, and the window stays free
_BEFORE = (
    "Choose a dataset and a recipe on the left, then start. The curves grow here.\n\n"
    "The training runs in a process of its own: go on annotating or diagnosing meanwhile. "
    "A crash or a cancel costs at most one epoch; the run is resumed from the last one that ended."
)


class RunPanel(QWidget):
    """Draws a RunState. Emits what was asked for; the mode does it."""

    cancel_asked = Signal()
    resume_asked = Signal()
    diagnose_asked = Signal()
    evaluate_asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._run: RunState | None = None
        self._curves: Curves | None = None
        self._title = QLabel("No run yet")
        self._title.setProperty("look", "title")
        self._device = Notice()
        self._stage = QLabel(_BEFORE)
        self._stage.setWordWrap(True)
        self._whole = QProgressBar()
        self._whole.setTextVisible(False)
        self._whole.setAccessibleName("Progress of the run")
        self._numbers = {name: _Number(name) for name in ("Epoch", "Loss", "Learning rate", "Images/s", "Time left")}
        self._notice = Notice()
        self._result = QFrame()
        self._buttons = {
            "cancel": _button("Cancel", self.cancel_asked),
            "resume": _button("Resume", self.resume_asked, look="primary"),
            "diagnose": _button("Diagnose with it", self.diagnose_asked, look="primary"),
            "evaluate": _button("Evaluate on the test partition", self.evaluate_asked),
        }
        self._room = QVBoxLayout()
        self._room.setContentsMargins(0, 0, 0, 0)
        self._redraw = QTimer(self)
        self._redraw.setSingleShot(True)
        self._redraw.setInterval(_REDRAW_MS)
        self._redraw.timeout.connect(self._draw_curves)
        self._arrange()
        self._show_buttons()

    def prepare(self) -> None:
        """Make the curves before a run needs them: importing pyqtgraph holds the window up for half a second."""
        if self._curves is None:
            self._curves = Curves()
            self._room.addWidget(self._curves)
            self._curves.hide()

    def show_run(self, run: RunState, *, title: str = "") -> None:
        """Follow a run; call again whenever it heard something."""
        fresh = run is not self._run
        self._run = run
        if fresh:
            self._title.setText(title)
            self._notice.say("")
            self._clear_result()
        self.prepare()
        if self._curves is not None:
            self._curves.show()
        self._stage.setText(_stage_words(run))
        self._show_device(run.started)
        self._show_progress(run)
        self._show_buttons()
        if run.ended or fresh:
            self._draw_curves()
            self._show_end(run)
        elif not self._redraw.isActive():
            self._redraw.start()

    def show_cancelling(self) -> None:
        """At once, before the worker answers."""
        self._stage.setText("Stopping. The last finished epoch is kept …")
        self._buttons["cancel"].setEnabled(False)

    def show_evaluation(self, words: str, *, failed: bool = False, busy: bool = False) -> None:
        """What became of the evaluation."""
        self._notice.say(words, "error" if failed else "info")
        self._buttons["evaluate"].setEnabled(not busy)

    # parts

    def _arrange(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(20, 16, 20, 16)
        layout.setSpacing(10)
        head = QHBoxLayout()
        head.addWidget(self._title, 1)
        for name in ("cancel", "resume"):
            head.addWidget(self._buttons[name])
        layout.addLayout(head)
        layout.addWidget(self._device)
        layout.addWidget(self._stage)
        layout.addWidget(self._whole)
        numbers = QHBoxLayout()
        for number in self._numbers.values():
            numbers.addWidget(number, 1)
        self._number_row = QWidget()
        self._number_row.setLayout(numbers)
        numbers.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._number_row)
        layout.addWidget(self._notice)
        self._result.setProperty("look", "card")
        result = QVBoxLayout(self._result)
        result.setContentsMargins(14, 12, 14, 12)
        heading = QLabel("Result")
        heading.setProperty("look", "heading")
        result.addWidget(heading)
        self._result_lines = QFormLayout()
        self._result_lines.setHorizontalSpacing(18)
        result.addLayout(self._result_lines)
        notice = QLabel(RESEARCH_USE)
        notice.setProperty("look", "warning")
        result.addWidget(notice)
        row = QHBoxLayout()
        row.addWidget(self._buttons["diagnose"])
        row.addWidget(self._buttons["evaluate"])
        row.addStretch(1)
        result.addLayout(row)
        layout.addWidget(self._result)
        room = QWidget()
        room.setLayout(self._room)
        layout.addWidget(room, 1)
        self._whole.hide()
        self._number_row.hide()
        self._result.hide()

    def _show_device(self, facts: Mapping[str, Any]) -> None:
        device = str(facts.get("device", ""))
        if not device:
            self._device.say("")
            return
        name = str(facts.get("name", "") or device)
        if device.startswith("cuda"):
            self._device.say(f"GPU: {name}", "info")
        else:
            reason = str(facts.get("reason", ""))
            why = reason if "GPU" in reason else "no GPU is used"
            self._device.say(f"CPU: {name}. Slow: {why}.", "warning")

    def _show_progress(self, run: RunState) -> None:
        self._whole.setVisible(not run.ended)
        self._number_row.setVisible(bool(run.started))
        share = run.share
        self._whole.setRange(0, 0 if share is None else 1000)
        if share is not None:
            self._whole.setValue(round(share * 1000))
        now = min(run.epoch + (0 if run.ended else 1), run.epochs) if run.epochs else 0
        self._numbers["Epoch"].set(f"{now} of {run.epochs}" if run.epochs else "–")
        self._numbers["Loss"].set("–" if run.loss is None else f"{run.loss:.3f}")
        self._numbers["Learning rate"].set("–" if run.learning_rate is None else f"{run.learning_rate:.1e}")
        self._numbers["Images/s"].set("–" if run.images_per_s is None else f"{run.images_per_s:.1f}")
        left = "–" if run.seconds_left is None or run.ended else duration(run.seconds_left)
        self._numbers["Time left"].set(left)

    def _show_buttons(self) -> None:
        run = self._run
        self._buttons["cancel"].setVisible(run is not None and not run.ended)
        self._buttons["cancel"].setEnabled(True)
        self._buttons["resume"].setVisible(run is not None and run.resumable)

    def _show_end(self, run: RunState) -> None:
        if run.outcome == "failed" and isinstance(run.failure, Failed):
            self._notice.say(failure_words(run.failure), "error")
        elif run.outcome == "cancelled":
            self._notice.say("Cancelled. What the last finished epoch had learnt is kept: resume whenever you like.")
        elif run.outcome == "finished":
            self._show_result(run)

    def _show_result(self, run: RunState) -> None:
        self._clear_result()
        for label, words in figure_lines(run.summary):
            name = QLabel(label)
            name.setProperty("look", "muted")
            value = QLabel(words)
            value.setWordWrap(True)
            value.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            self._result_lines.addRow(name, value)
        self._result.show()

    def _clear_result(self) -> None:
        while self._result_lines.rowCount():
            self._result_lines.removeRow(0)
        self._result.hide()

    def _draw_curves(self) -> None:
        if self._curves is not None and self._run is not None:
            self._curves.show_run(self._run)


class _Number(QFrame):
    """A figure over its name."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setProperty("look", "card")
        self._value = QLabel("–")
        self._value.setProperty("look", "heading")
        label = QLabel(name)
        label.setProperty("look", "muted")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(10, 6, 10, 6)
        layout.setSpacing(0)
        layout.addWidget(self._value)
        layout.addWidget(label)

    def set(self, text: str) -> None:
        """Show another value."""
        self._value.setText(text)


def _button(text: str, signal: Any, *, look: str = "") -> QPushButton:
    button = QPushButton(text)
    if look:
        button.setProperty("look", look)
    button.clicked.connect(lambda: signal.emit())
    return button


def _stage_words(run: RunState) -> str:
    match run.outcome:
        case "waiting":
            return "Starting the worker …"
        case "finished":
            return "Finished."
        case "failed":
            return "Stopped by a failure."
        case "cancelled":
            return "Cancelled."
        case "running":
            counted = f": {run.done:,} of {run.total:,}" if run.total else ""
            return f"{run.stage.capitalize()}{counted}" if run.stage else "Preparing …"
