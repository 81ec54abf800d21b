"""The film in the middle: loaded beside the window, with its midline and with where the model looked."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QElapsedTimer, QEvent, QObject, Qt, Signal
from PySide6.QtGui import QImage, QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSlider, QStackedWidget, QVBoxLayout, QWidget

from hipcad_desktop.domain.anatomy import Side
from hipcad_desktop.domain.errors import UserError
from hipcad_desktop.domain.geometry import Window
from hipcad_desktop.domain.messages import sentence
from hipcad_desktop.gui.diagnose.answers import FilmAnswer
from hipcad_desktop.gui.diagnose.hip_pair import HipPair
from hipcad_desktop.gui.tasks import Tasks
from hipcad_desktop.gui.viewer.film_view import FilmView
from hipcad_desktop.gui.viewer.picture import Picture
from hipcad_desktop.gui.widgets.elided import ElidedLabel

if TYPE_CHECKING:
    from hipcad_desktop.workflows.load_film import Film

Loaded = tuple["Film", Picture]
Heat = dict[Side, NDArray[np.uint8]]
_EMPTY = "Drop X-ray films here, or open them with the button on the left."
_KEPT_FILMS = 3  # the last ones looked at: going back is at once
_HELD_MS = 350  # a key held longer shows the original only as long as it is held
_LOOKED = "Heat map: where the model looked, not where the fracture is. Each hip has its own scale."
_NOWHERE = "The heat map is empty: no part of this film spoke for a fracture."


class FilmStage(QWidget):
    """Shows one film and at most the answer that was given to it."""

    midline_moved = Signal()  # while it is dragged
    midline_dragged = Signal(str, float)  # file, pixels of the displayed film
    film_shown = Signal(str)

    def __init__(self, tasks: Tasks, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._tasks = tasks
        self._file = ""
        self._kept: OrderedDict[str, Loaded] = OrderedDict()
        self._answer: FilmAnswer | None = None
        self._heat: Heat = {}
        self._pressed = QElapsedTimer()
        self.view = FilmView()
        self.pair = HipPair()
        self._words = QLabel()
        self._stack = QStackedWidget()
        self._name = ElidedLabel()
        self._patient = ElidedLabel()
        self._looked = QLabel(_LOOKED)
        self._opacity = QSlider(Qt.Orientation.Horizontal)
        self.original = QPushButton("Original  O")
        self.side_by_side = QPushButton("Side by side  S")
        self._arrange()
        self.view.midline_moved.connect(lambda _: self.midline_moved.emit())
        self.view.midline_dragged.connect(lambda x: self.midline_dragged.emit(self._file, x))
        self._opacity.valueChanged.connect(self._show_heat)
        self.original.toggled.connect(self._show_heat)
        self.side_by_side.toggled.connect(self._show_pair)
        self.show_answer(None)
        self._say(_EMPTY)

    # the film

    @property
    def film_id(self) -> str:
        """Hash of the film on the screen; empty while there is none."""
        return self.view.film.radiograph.film_id if self.view.film is not None else ""

    def show_file(self, file: str) -> None:
        """Load a film and show it; what was there goes at once."""
        if file == self._file:
            return
        self._file = file
        self.show_answer(None)
        self._name.setText(Path(file).name)
        self._patient.clear()
        self.view.clear()
        if not file:
            self._say(_EMPTY)
        elif file in self._kept:
            self._on_loaded(file, self._kept[file])
        else:
            self._say("Opening …")
            self._tasks.latest(
                "Open a film",
                lambda: load(file),
                done=lambda loaded: self._on_loaded(file, loaded),
                failed=lambda error: self._on_load_failed(file, error),
            )

    def _on_loaded(self, file: str, loaded: Loaded) -> None:
        self._kept[file] = loaded
        self._kept.move_to_end(file)
        while len(self._kept) > _KEPT_FILMS:
            self._kept.popitem(last=False)
        if file != self._file:
            return  # somebody went on to another film
        film, picture = loaded
        self.view.show_film(film, sides=film.radiograph.sides, picture=picture)
        self._patient.setText(film.patient.words())
        self._stack.setCurrentWidget(self.view)
        self.film_shown.emit(file)

    def _on_load_failed(self, file: str, error: Exception) -> None:
        if not isinstance(error, UserError):
            self._tasks.broken.emit(error)
        if file == self._file:
            self._say(sentence(error) if isinstance(error, UserError) else "This film could not be opened.")

    # the answer

    def show_answer(self, answer: FilmAnswer | None) -> None:
        """Midline and heat of a current answer to the film on the screen; None takes all of it away."""
        self._answer, self._heat = answer, {}
        self._show_heat()
        self.view.set_overlays({})
        has_hips = answer is not None and bool(answer.hips)
        if answer is not None and answer.midline_px is not None:
            self.view.set_midline(answer.midline_px, draggable=True)
        elif answer is not None or self.view.film is None:
            self.view.set_midline(None)
        for widget in (self.original, self.side_by_side, self._opacity):
            widget.setEnabled(has_hips)
        self._looked.setVisible(has_hips)
        if not has_hips:
            self.side_by_side.setChecked(False)
        elif answer is not None:
            self._tasks.latest(
                "Open a heat map",
                lambda: read_heat(answer),
                done=lambda heat: self._on_heat(answer, heat),
                failed=lambda _: self._looked.setText("The heat map could not be read"),
            )

    def hide_heat(self) -> None:
        """At once, while the midline moves: the heat belongs to where it was."""
        self._answer, self._heat = None, {}
        self.view.set_overlays({})
        self._looked.hide()

    def _on_heat(self, answer: FilmAnswer, heat: Heat) -> None:
        if answer is not self._answer:
            return
        self._heat = heat
        self._looked.setText(_LOOKED if any(h.any() for h in heat.values()) else _NOWHERE)
        whole = whole_heat(answer, heat)
        self.view.set_overlay(*whole, opacity=self._opacity.value() / 100) if whole else self.view.set_overlays({})
        self._show_pair()
        self._show_heat()

    def _show_heat(self) -> None:
        visible = not self.original.isChecked()
        self.view.set_overlay_opacity(self._opacity.value() / 100)
        self.view.set_overlay_visible(visible)
        self.pair.set_heat(self._opacity.value() / 100, visible)

    def _show_pair(self) -> None:
        film = self.view.film
        if self.side_by_side.isChecked() and film is not None and self._answer is not None and self._answer.hips:
            self.pair.show_answer(film, self._answer, self._heat)
            self._show_heat()
            self._stack.setCurrentWidget(self.pair)
        elif film is not None:
            self._stack.setCurrentWidget(self.view)

    # keys

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QKeyEvent) and not event.modifiers() and not event.isAutoRepeat():
            if event.key() == Qt.Key.Key_O and self.original.isEnabled():
                return self._on_original_key(event)
            if event.key() == Qt.Key.Key_S and event.type() is QEvent.Type.KeyPress and self.side_by_side.isEnabled():
                self.side_by_side.toggle()
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

    # the screen

    def _say(self, words: str) -> None:
        self._words.setText(words)
        self._stack.setCurrentWidget(self._words)

    def _arrange(self) -> None:
        self._words.setProperty("look", "muted")
        self._words.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._words.setWordWrap(True)
        self._words.setMargin(40)
        for page in (self._words, self.view, self.pair):
            self._stack.addWidget(page)
        self._name.setProperty("look", "heading")
        self._patient.setProperty("look", "muted")
        self._looked.setProperty("look", "warning")
        self._looked.setContentsMargins(12, 0, 12, 0)
        self._looked.setWordWrap(True)
        head = QHBoxLayout()
        head.setContentsMargins(12, 8, 12, 8)
        head.addWidget(self._name, 3)
        head.addWidget(self._patient, 2)
        self._opacity.setRange(0, 100)
        self._opacity.setValue(45)
        self._opacity.setFixedWidth(130)
        self._opacity.setAccessibleName("Opacity of the heat map")
        self.original.setCheckable(True)
        self.original.setToolTip("The film without the heat map (O; or hold O)")
        self.side_by_side.setCheckable(True)
        self.side_by_side.setToolTip("Both hips beside each other, one mirrored (S)")
        foot = QHBoxLayout()
        foot.setContentsMargins(12, 0, 12, 8)
        foot.setSpacing(8)
        foot.addWidget(QLabel("Heat map"))
        foot.addWidget(self._opacity)
        foot.addWidget(self.original)
        foot.addWidget(self.side_by_side)
        foot.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(head)
        layout.addWidget(self._stack, 1)
        layout.addSpacing(6)
        layout.addWidget(self._looked)
        layout.addSpacing(6)
        layout.addLayout(foot)


def load(file: str) -> Loaded:
    """For the pool: the film and its picture."""
    from hipcad_desktop.workflows.load_film import load_film_file

    film = load_film_file(Path(file))
    return film, Picture(film.values)


def read_heat(answer: FilmAnswer) -> Heat:
    """For the pool: the 8-bit heat maps by side. Raises OSError where a picture is not there."""
    heat: Heat = {}
    for hip in answer.hips:
        if not hip.heat:
            continue
        image = QImage(hip.heat).convertToFormat(QImage.Format.Format_Grayscale8)
        if image.isNull():
            raise OSError("no heat map")
        rows: Any = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
        heat[hip.side] = rows[:, : image.width()].copy()
    return heat


def whole_heat(answer: FilmAnswer, heat: Heat) -> tuple[NDArray[np.uint8], Window] | None:
    """Both hips' maps as one over both windows; where these overlap, the larger value. None where there is no map."""
    hips = [hip for hip in answer.hips if hip.side in heat]
    if not hips:
        return None
    x0, x1 = min(hip.window.x0 for hip in hips), max(hip.window.x1 for hip in hips)
    rows, columns = heat[hips[0].side].shape
    wide = round(columns * (x1 - x0) / hips[0].window.width)
    whole = np.zeros((rows, wide), np.uint8)
    centres = x0 + (np.arange(wide) + 0.5) * (x1 - x0) / wide
    for hip in hips:
        inside = (centres >= hip.window.x0) & (centres < hip.window.x1)
        source = ((centres[inside] - hip.window.x0) / hip.window.width * columns).astype(int)
        whole[:, inside] = np.maximum(whole[:, inside], heat[hip.side][:, source])
    return whole, Window(x0, x1)
