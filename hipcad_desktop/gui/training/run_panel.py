"""The run on the screen: where it is, on what device, how fast, its curves, what it gets wrong, what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from hipcad_desktop.domain.jobs import Failed
from hipcad_desktop.domain.time_words import duration
from hipcad_desktop.gui.tasks import Tasks
from hipcad_desktop.gui.training.curves import Curves
from hipcad_desktop.gui.training.form import button, set_look
from hipcad_desktop.gui.training.result_card import ResultCard
from hipcad_desktop.gui.training.result_words import failure_words
from hipcad_desktop.gui.training.run_state import RunState
from hipcad_desktop.gui.training.worst_hips import WorstHips
from hipcad_desktop.gui.widgets.elided import ElidedLabel
from hipcad_desktop.gui.widgets.notice import Notice

_REDRAW_MS = 500  # curves are drawn at most this often: a person does not see more, and the window stays free
_BEFORE = (
    "1  Choose a dataset and a recipe on the left.\n"
    "2  Check: the program looks at dataset, device, memory and disk, and times a few steps.\n"
    "3  Start. The curves grow here, beside the hips that the network gets most wrong.\n\n"
    "The training runs in a process of its own: go on annotating or diagnosing meanwhile. It can be paused. "
    "A crash, a power cut or a cancel costs at most one epoch; the run is resumed from the last one that ended."
)
_NUMBERS = ("Epoch", "Loss", "Learning rate", "Images/s", "Time left")


class RunPanel(QWidget):
    """Draws a RunState. Emits what was asked for; the mode does it."""

    cancel_asked = Signal()
    pause_asked = Signal(bool)  # True: stand still, False: go on
    resume_asked = Signal()
    diagnose_asked = Signal()
    evaluate_asked = Signal()

    def __init__(self, tasks: Tasks, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._run: RunState | None = None
        self._curves: Curves | None = None
        self._title = ElidedLabel("No run yet")
        self._title.setProperty("look", "title")
        self._device = Notice()
        self._stage = QLabel(_BEFORE)
        self._stage.setWordWrap(True)
        self._whole = QProgressBar()
        self._whole.setTextVisible(False)
        self._whole.setAccessibleName("Progress of the run")
        self._numbers = {name: _Number(name) for name in _NUMBERS}
        self._notes = Notice()
        self._notice = Notice()
        self.worst = WorstHips(tasks)
        self.result = ResultCard(diagnose=self.diagnose_asked.emit, evaluate=self.evaluate_asked.emit)
        self._buttons = {
            "pause": button("Pause", self._pause),
            "cancel": button("Cancel", self.cancel_asked.emit),
            "resume": button("Resume", self.resume_asked.emit, look="primary"),
            **self.result.buttons,
        }
        self._room = QHBoxLayout()
        self._room.setContentsMargins(0, 0, 0, 0)
        self._room.setSpacing(16)
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
            self._room.addWidget(self._curves, 5)
            self._room.addWidget(self.worst, 4)
            self._curves.hide()

    def show_run(self, run: RunState, *, title: str = "") -> None:
        """Follow a run; call again whenever it heard something."""
        fresh = run is not self._run
        self._run = run
        if fresh:
            self._title.setText(title)
            self._notice.say("")
            self.result.clear()
        self.prepare()
        if self._curves is not None:
            self._curves.setVisible(run.outcome != "interrupted")
        self.worst.setVisible(run.outcome != "interrupted")
        self._stage.setText(_stage_words(run))
        self._show_device(run.started)
        self._notes.say("\n".join(run.notes), "warning")
        self.worst.follow(*run.worst)
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
        for name in ("cancel", "pause"):
            self._buttons[name].setEnabled(False)

    # parts

    def _arrange(self) -> None:
        head = QHBoxLayout()
        head.addWidget(self._title, 1)
        for name in ("pause", "cancel", "resume"):
            head.addWidget(self._buttons[name])
        numbers = QHBoxLayout()
        numbers.setContentsMargins(0, 0, 0, 0)
        for number in self._numbers.values():
            numbers.addWidget(number, 1)
        self._number_row = QWidget()
        self._number_row.setLayout(numbers)
        page = QWidget()
        body = QVBoxLayout(page)
        body.setContentsMargins(0, 0, 10, 0)
        body.setSpacing(10)
        for note in (self._device, self._notes, self._notice, self.result):
            body.addWidget(note)
        room = QWidget()
        room.setLayout(self._room)
        body.addWidget(room, 1)
        scroll = QScrollArea()
        scroll.setWidget(page)
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(20, 16, 10, 10)
        layout.setSpacing(10)
        layout.addLayout(head)
        for widget in (self._stage, self._whole, self._number_row):
            layout.addWidget(widget)
        layout.addWidget(scroll, 1)
        for widget in (self._whole, self._number_row, self.worst):
            widget.hide()

    def _show_device(self, facts: Mapping[str, Any]) -> None:
        device = str(facts.get("device", ""))
        if not device:
            self._device.say("")
            return
        name = str(facts.get("name", "") or device)
        processes = int(facts.get("processes") or 1)
        several = f", {processes} processes" if processes > 1 else ""
        if device.startswith("cuda"):
            self._device.say(f"GPU: {name}{several}", "info")
        else:
            reason = str(facts.get("reason", ""))
            why = reason if "GPU" in reason else "no GPU is used"
            self._device.say(f"CPU: {name}{several}. Slow: {why}.", "warning")

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
        self._numbers["Learning rate"].set("–" if run.learning_rate is None else f"{run.learning_rate:.2g}")
        self._numbers["Images/s"].set("–" if run.images_per_s is None else f"{run.images_per_s:.1f}")
        idle = run.seconds_left is None or run.ended
        self._numbers["Time left"].set("–" if idle else duration(run.seconds_left or 0.0))

    def _show_buttons(self) -> None:
        run = self._run
        under_way = run is not None and not run.ended
        self._buttons["cancel"].setVisible(under_way)
        self._buttons["cancel"].setEnabled(True)
        self._buttons["resume"].setVisible(run is not None and run.resumable)
        pause = self._buttons["pause"]
        pause.setVisible(under_way)
        paused = run.paused if run is not None else "no"
        pause.setText({"no": "Pause", "asked": "Pausing …", "yes": "Go on"}[paused])
        set_look(pause, "primary" if paused == "yes" else "")
        # Not while it is asked: a disabled button would hand its focus, and the next Space, to Cancel.
        pause.setEnabled(under_way and run is not None and run.outcome == "running")

    def _pause(self) -> None:
        run = self._run
        if run is not None and not run.ended and run.paused != "asked":
            stand = run.paused == "no"
            run.paused = "asked" if stand else run.paused
            self._stage.setText(_stage_words(run))
            self._show_buttons()
            self.pause_asked.emit(stand)

    def _show_end(self, run: RunState) -> None:
        if run.outcome == "failed" and isinstance(run.failure, Failed):
            self._notice.say(failure_words(run.failure), "error")
        elif run.outcome == "cancelled":
            self._notice.say("Cancelled. What the last finished epoch had learnt is kept: resume whenever you like.")
        elif run.outcome == "finished":
            self.result.show_summary(run.summary)

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
        case "interrupted":
            return "This training was not finished when the program ended. It goes on from its last finished epoch."
        case "running" if run.paused == "yes":
            return "Paused. Its memory is kept: “Go on” continues at the very step."
        case "running" if run.paused == "asked":
            return "Pausing after this step …"
        case "running":
            counted = f": {run.done:,} of {run.total:,}" if run.total else ""
            return f"{run.stage.capitalize()}{counted}" if run.stage else "Preparing …"
