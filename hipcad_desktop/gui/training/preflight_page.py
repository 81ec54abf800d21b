"""Before a training: what will run and on what, what speaks against it, and the one button that starts it."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from hipcad_desktop.domain.preflight import Preflight, PreflightItem, Verdict
from hipcad_desktop.domain.time_words import duration
from hipcad_desktop.gui.training.form import button, set_look
from hipcad_desktop.gui.widgets.notice import Notice
from hipcad_desktop.gui.widgets.pieces import muted

# A sign and a word beside each colour.
_MARKS: Mapping[Verdict, tuple[str, str, str]] = {
    "ok": ("✓", "good", "ok"),
    "mind": ("!", "mind this", "warning"),
    "stop": ("✕", "in the way", "error"),
}
_COUNTS = (("patients", "Patients"), ("films", "Films"), ("fracture", "Fracture"), ("no_fracture", "No fracture"))
_LOOKING = "Looking at dataset, device, memory and disk, and timing a few steps. Nothing is written yet."


class PreflightPage(QWidget):
    """Shows a Preflight. Emits start_asked, check_asked, cancel_asked; the mode does the work."""

    start_asked = Signal()
    check_asked = Signal()
    cancel_asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._found: Preflight | None = None
        self._stale = False
        self._title = QLabel()
        self._title.setProperty("look", "title")
        self._stage = muted()
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._verdict = Notice()
        self._body = QWidget()
        self._room = QVBoxLayout(self._body)
        self._room.setContentsMargins(0, 0, 10, 0)
        self._room.setSpacing(10)
        self.on_cpu = QCheckBox()
        self.on_cpu.toggled.connect(self._show_buttons)
        self.again = button("Check again", self.check_asked.emit)
        self.cancel = button("Cancel", self.cancel_asked.emit)
        self.start = button("Start training", self.start_asked.emit, look="primary")
        self._arrange()

    @property
    def found(self) -> Preflight | None:
        """What was found, where it still holds."""
        return None if self._stale else self._found

    @property
    def good(self) -> bool:
        """Whether what was found still holds and stops nothing: then the next step is to start."""
        return self.found is not None and self.found.verdict != "stop"

    @property
    def may_start(self) -> bool:
        """Whether what was found lets a training begin, on the processor only where a person said so."""
        found = self.found
        return self.good and found is not None and (found.device != "cpu" or self.on_cpu.isChecked())

    def show_checking(self, title: str) -> None:
        """The check has begun."""
        self._found = None
        self._title.setText(title)
        self._verdict.say("")
        self._clear()
        self._busy(_LOOKING)

    def show_stage(self, stage: str, done: int, total: int) -> None:
        """How far the check is."""
        self._busy(f"{stage.capitalize()} …" if stage else _LOOKING)
        self._bar.setRange(0, total)
        self._bar.setValue(done)

    def show_failure(self, words: str) -> None:
        """The check itself could not be made, or was cancelled."""
        self._found = None
        self._idle()
        self._verdict.say(words, "error")
        self._show_buttons()

    def show_found(self, found: Preflight) -> None:
        """Everything on one page."""
        self._found, self._stale = found, False
        self._idle()
        self._clear()
        self._room.addWidget(_numbers(found))
        self._room.addWidget(_items(found.items))
        self._room.addWidget(_counts(found.counts))
        self._room.addStretch(1)
        self.on_cpu.setChecked(False)
        self._show_verdict(found)
        self._show_buttons()

    def show_stale(self) -> None:
        """Something on the left was changed: what was found no longer holds."""
        if self._found is not None and not self._stale:
            self._stale = True
            self._verdict.say("Something was changed on the left. Check again before you start.", "warning")
            self._body.setEnabled(False)
            self._show_buttons()

    # parts

    def _arrange(self) -> None:
        scroll = QScrollArea()
        scroll.setWidget(self._body)
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        foot = QHBoxLayout()
        foot.addWidget(self.again)
        foot.addWidget(self.cancel)
        foot.addStretch(1)
        foot.addWidget(self.on_cpu)
        foot.addSpacing(10)
        foot.addWidget(self.start)
        self.start.setMinimumWidth(190)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(20, 16, 12, 14)
        layout.setSpacing(10)
        for widget in (self._title, self._stage, self._bar, self._verdict):
            layout.addWidget(widget)
        layout.addWidget(scroll, 1)
        layout.addLayout(foot)
        self._idle()
        self._show_buttons()

    def _busy(self, words: str) -> None:
        self._stage.setText(words)
        self._stage.show()
        self._bar.setRange(0, 0)
        self._bar.show()
        self.cancel.show()
        self._body.setEnabled(True)
        self._show_buttons()

    def _idle(self) -> None:
        for widget in (self._stage, self._bar, self.cancel):
            widget.hide()
        self._body.setEnabled(True)

    def _clear(self) -> None:
        while (item := self._room.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.hide()
                widget.deleteLater()

    def _show_verdict(self, found: Preflight) -> None:
        about = f"about {duration(found.seconds_total)}" if found.seconds_total is not None else "for an unknown time"
        where = f"on {found.device_name or found.device}" if found.device else ""
        tick = " To train without a GPU, tick the box below." if found.device == "cpu" else ""
        match found.verdict:
            case "ok":
                self._verdict.say(f"Ready: it will run {about} {where}.{tick}", "info")
            case "mind":
                self._verdict.say(f"It can run, {about} {where}. Mind the lines marked “!”.{tick}", "warning")
            case "stop":
                self._verdict.say("It cannot start yet: see the lines marked “✕”.", "error")

    def _show_buttons(self) -> None:
        found = self.found
        on_cpu = found is not None and self.good and found.device == "cpu"
        self.on_cpu.setVisible(on_cpu)
        if on_cpu and found is not None:
            about = f" ({duration(found.seconds_total)})" if found.seconds_total is not None else ""
            self.on_cpu.setText(f"Yes, train on the processor{about}")
            self.on_cpu.setToolTip("No GPU is used. Nothing trains on the processor without this tick.")
        self.start.setVisible(self._found is not None)
        self.start.setEnabled(self.may_start)
        self.again.setVisible(not self.cancel.isVisibleTo(self))


def _numbers(found: Preflight) -> QWidget:
    """The four figures a person asks for first."""
    memory = ""
    if found.peak_memory_mb is not None:
        free = f" of {_gigabytes(found.free_memory_mb)} free" if found.free_memory_mb is not None else ""
        memory = f"{_gigabytes(found.peak_memory_mb)}{free}"
    seconds = found.seconds_total
    speed = f"{found.images_per_s:.0f} images/s" if found.images_per_s and found.images_per_s >= 10 else ""
    if not speed and found.images_per_s:
        speed = f"{found.images_per_s:.1f} images/s"
    disk = f"{_gigabytes(found.disk_needed_mb)} of {_gigabytes(found.disk_free_mb)} free" if found.disk_free_mb else ""
    device = {"cuda": "GPU", "cpu": "Processor"}.get(found.device, "")
    row = QWidget()
    layout = QHBoxLayout(row)
    layout.setContentsMargins(0, 0, 0, 0)
    for value, name in (
        (device, (found.precision and f"Device, {found.precision}") or "Device"),
        (duration(seconds) if seconds is not None else "", f"Time, {speed}" if speed else "Time"),
        (memory, "Memory needed"),
        (disk, "Disk needed"),
    ):
        frame = QFrame()
        frame.setProperty("look", "card")
        column = QVBoxLayout(frame)
        column.setContentsMargins(12, 7, 12, 7)
        column.setSpacing(0)
        figure = QLabel(value or "–")
        figure.setProperty("look", "heading")
        column.addWidget(figure)
        column.addWidget(muted(name))
        layout.addWidget(frame, 1)
    return row


def _items(items: tuple[PreflightItem, ...]) -> QWidget:
    """One line an item: sign, name, what was found, and why it matters; the worst first."""
    frame = QFrame()
    frame.setProperty("look", "card")
    grid = QGridLayout(frame)
    grid.setContentsMargins(14, 10, 14, 10)
    grid.setHorizontalSpacing(12)
    grid.setVerticalSpacing(8)
    grid.setColumnStretch(2, 1)
    order = ("stop", "mind", "ok")
    top = Qt.AlignmentFlag.AlignTop
    for line, item in enumerate(sorted(items, key=lambda i: order.index(i.verdict))):
        sign, words, look = _MARKS[item.verdict]
        mark = QLabel(sign)
        mark.setProperty("look", look)
        mark.setToolTip(words)
        mark.setAccessibleName(f"{item.name}: {words}")
        mark.setFixedWidth(16)
        name = QLabel(item.name)
        name.setProperty("look", "bold")
        value = QLabel(item.value)
        value.setWordWrap(True)
        value.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        cell = QVBoxLayout()
        cell.setSpacing(1)
        cell.addWidget(value)
        if item.sentence:
            why = muted(item.sentence)
            if item.verdict != "ok":
                set_look(why, look)
            cell.addWidget(why)
        grid.addWidget(mark, line, 0, top)
        grid.addWidget(name, line, 1, top)
        grid.addLayout(cell, line, 2)
    return frame


def _counts(counts: Mapping[str, Mapping[str, int]]) -> QWidget:
    frame = QFrame()
    frame.setProperty("look", "card")
    grid = QGridLayout(frame)
    grid.setContentsMargins(14, 10, 14, 10)
    grid.setHorizontalSpacing(28)
    right = Qt.AlignmentFlag.AlignRight
    for column, (_, head) in enumerate(_COUNTS, start=1):
        label = QLabel(head)
        label.setProperty("look", "muted")
        grid.addWidget(label, 0, column, right)
    for line, (partition, figures) in enumerate(counts.items(), start=1):
        grid.addWidget(QLabel(partition.capitalize()), line, 0)
        for column, (key, _) in enumerate(_COUNTS, start=1):
            grid.addWidget(QLabel(f"{figures[key]:,}" if key in figures else "–"), line, column, right)
    grid.setColumnStretch(len(_COUNTS) + 1, 1)
    frame.setVisible(bool(counts))
    return frame


def _gigabytes(megabytes: int | None) -> str:
    if megabytes is None:
        return "?"
    return f"{megabytes:,} MB" if megabytes < 1000 else f"{megabytes / 1000:,.1f} GB"
