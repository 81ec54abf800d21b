"""How the heat map is looked at: its opacity, its colours, its outline; the film without it; the hips side by side."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QElapsedTimer, QEvent, QObject, QSize, Qt, Signal
from PySide6.QtGui import QIcon, QImage, QKeyEvent, QPixmap
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QPushButton, QSlider, QWidget

from hipcad_desktop.gui.viewer.heat import COLOURS, DEFAULT_COLOURS, HOTTEST, coloured

_HELD_MS = 350  # a key held longer shows the original only as long as it is held
_SWATCH_PX = (44, 12)


class HeatBar(QWidget):
    """The controls under the film. As an event filter it hears O, C and S wherever the mode has the keyboard."""

    changed = Signal()  # opacity, contour, original: what is drawn of a heat map
    colours_changed = Signal(str)
    pair_toggled = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._pressed = QElapsedTimer()
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(0, 100)
        self.slider.setValue(45)
        self.slider.setMinimumWidth(60)
        self.slider.setMaximumWidth(130)
        self.slider.setAccessibleName("Opacity of the heat map")
        self.slider.setToolTip("Opacity of the heat map")
        self.palettes = QComboBox()
        self.palettes.setAccessibleName("Colours of the heat map")
        self.palettes.setToolTip(
            "Colours of the heat map, from little heat to much; each can be read by the colour-blind"
        )
        self.palettes.setIconSize(QSize(*_SWATCH_PX))
        for name in COLOURS:
            self.palettes.addItem(_swatch(name), name)
        self.contour = _toggle("Contour  C", f"Outline of the hottest region: from {HOTTEST:.0%} of the map's peak (C)")
        self.original = _toggle("Original  O", "The film without the heat map (O; or hold O)")
        self.side_by_side = _toggle("Side by side  S", "Both hips beside each other, one mirrored (S)")
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 0, 12, 8)
        row.setSpacing(8)
        for widget in (self.slider, self.palettes, self.contour, self.original, self.side_by_side):
            row.addWidget(widget)
        row.addStretch(1)
        self.slider.valueChanged.connect(lambda _: self.changed.emit())
        self.contour.toggled.connect(lambda _: self.changed.emit())
        self.original.toggled.connect(lambda _: self.changed.emit())
        self.palettes.currentTextChanged.connect(self.colours_changed)
        self.side_by_side.toggled.connect(lambda _: self.pair_toggled.emit())

    @property
    def opacity(self) -> float:
        """0 to 1."""
        return self.slider.value() / 100

    @property
    def colours(self) -> str:
        """One of COLOURS."""
        return self.palettes.currentText()

    def set_colours(self, name: str) -> None:
        """Choose colours by name; another name changes nothing."""
        self.palettes.setCurrentIndex(max(self.palettes.findText(name), self.palettes.findText(DEFAULT_COLOURS)))

    def set_usable(self, usable: bool) -> None:
        """Whether there is a heat map to look at."""
        for widget in (self.slider, self.palettes, self.contour, self.original, self.side_by_side):
            widget.setEnabled(usable)
        if not usable:
            self.side_by_side.setChecked(False)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QKeyEvent) and not event.modifiers() and not event.isAutoRepeat():
            if event.key() == Qt.Key.Key_O and self.original.isEnabled():
                return self._on_original_key(event)
            for key, button in ((Qt.Key.Key_S, self.side_by_side), (Qt.Key.Key_C, self.contour)):
                if event.key() == key and event.type() is QEvent.Type.KeyPress and button.isEnabled():
                    button.toggle()
                    return True
        return super().eventFilter(watched, event)

    def _on_original_key(self, event: QKeyEvent) -> bool:
        """A tap toggles; held, the original shows until the key is let go."""
        if event.type() is QEvent.Type.KeyPress:
            self._pressed.restart()
            self.original.toggle()
            return True
        if event.type() is QEvent.Type.KeyRelease:
            if self._pressed.isValid() and self._pressed.elapsed() > _HELD_MS:
                self.original.toggle()
            return True
        return False


def _toggle(words: str, tip: str) -> QPushButton:
    button = QPushButton(words)
    button.setCheckable(True)
    button.setToolTip(tip)
    return button


def _swatch(name: str) -> QIcon:
    width, height = _SWATCH_PX
    ramp = coloured(np.tile(np.linspace(0.0, 1.0, width), (height, 1)), name)
    ramp[..., 3] = 255
    image = QImage(ramp.tobytes(), width, height, 4 * width, QImage.Format.Format_RGBA8888).copy()
    return QIcon(QPixmap.fromImage(image))
