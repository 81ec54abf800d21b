"""Step 4: the device that trains, and over how many processes."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QGridLayout, QLabel, QSpinBox, QVBoxLayout, QWidget

from hipcad_desktop.domain.training import Device
from hipcad_desktop.gui.training.form import calm, card, combo
from hipcad_desktop.gui.widgets.pieces import muted

MOST_PROCESSES = 64
_DEVICES: tuple[tuple[Device, str, str], ...] = (
    ("auto", "The GPU, if one works", "Where none works you are asked before anything runs on the processor."),
    ("cuda", "GPU only (CUDA)", "An NVIDIA GPU, or nothing: the check says what is in the way."),
    ("cpu", "Processor (CPU)", "Works everywhere. “Paper” takes days this way; “Quick” takes minutes."),
)
_ONE = "One process. Several GPUs: one for each."
_SEVERAL = "Each takes its part of every batch; they learn one network together."


class MachineCard(QWidget):
    """Device and number of processes."""

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._frame, layout = card(4, "Where it runs")
        self.choice = combo(*((value, words) for value, words, _ in _DEVICES))
        self.choice.setAccessibleName("Device")
        self._words = muted()
        self.count = QSpinBox()
        self.count.setRange(1, MOST_PROCESSES)
        self.count.setAccessibleName("Processes")
        self.count.setFixedWidth(70)
        calm(self.count)
        self._count_words = muted()
        grid = QGridLayout()
        grid.setHorizontalSpacing(10)
        grid.setColumnStretch(2, 1)
        for line, (text, widget) in enumerate((("Device", self.choice), ("Processes", self.count))):
            label = QLabel(text)
            label.setBuddy(widget)
            grid.addWidget(label, 2 * line, 0)
        grid.addWidget(self.choice, 0, 1, 1, 2)
        grid.addWidget(self._words, 1, 1, 1, 2)
        grid.addWidget(self.count, 2, 1)
        grid.addWidget(self._count_words, 2, 2)
        layout.addLayout(grid)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(self._frame)
        self.choice.currentIndexChanged.connect(self._changed)
        self.count.valueChanged.connect(self._changed)
        self._changed()

    @property
    def device(self) -> Device:
        """The chosen device."""
        chosen: Device = self.choice.currentData()
        return chosen

    @property
    def processes(self) -> int:
        """The chosen number."""
        return self.count.value()

    def set_device(self, device: Device) -> None:
        """Choose a device."""
        self.choice.setCurrentIndex(self.choice.findData(device))

    def _changed(self) -> None:
        self._words.setText(_DEVICES[self.choice.currentIndex()][2])
        self._count_words.setText(_ONE if self.processes == 1 else _SEVERAL)
        self.changed.emit()
