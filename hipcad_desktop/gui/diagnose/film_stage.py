"""The film in the middle: loaded beside the window, with its midline and with where the model looked."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QStackedWidget, QVBoxLayout, QWidget

from hipcad_desktop.domain.errors import UserError
from hipcad_desktop.domain.messages import sentence
from hipcad_desktop.gui.diagnose.answers import FilmAnswer
from hipcad_desktop.gui.diagnose.heat_bar import HeatBar
from hipcad_desktop.gui.diagnose.heat_maps import Heat, heat_layers, read_heat
from hipcad_desktop.gui.diagnose.hip_pair import HipPair
from hipcad_desktop.gui.tasks import Tasks
from hipcad_desktop.gui.viewer.film_view import FilmView
from hipcad_desktop.gui.viewer.picture import Picture
from hipcad_desktop.gui.widgets.elided import ElidedLabel

if TYPE_CHECKING:
    from hipcad_desktop.workflows.load_film import Film

Loaded = tuple["Film", Picture]
_EMPTY = "Drop X-ray films here, or open them with the button on the left."
_KEPT_FILMS = 3  # the last ones looked at: going back is at once
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
        self.view = FilmView()
        self.pair = HipPair()
        self._words = QLabel()
        self._stack = QStackedWidget()
        self._name = ElidedLabel()
        self._patient = ElidedLabel()
        self._looked = QLabel(_LOOKED)
        self.bar = HeatBar()
        self._arrange()
        self.view.midline_moved.connect(lambda _: self.midline_moved.emit())
        self.view.midline_dragged.connect(lambda x: self.midline_dragged.emit(self._file, x))
        self.bar.changed.connect(self._show_heat)
        self.bar.colours_changed.connect(lambda _: self._lay_heat())
        self.bar.pair_toggled.connect(self._show_pair)
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

    def reload(self, file: str) -> None:
        """The file holds other bytes now: what is kept of it goes, and it is loaded again where it is shown."""
        self._kept.pop(file, None)
        if file == self._file:
            self._file = ""
            self.show_file(file)

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
        self.view.set_halving(answer.halving if answer is not None else None)
        has_hips = answer is not None and bool(answer.hips)
        if answer is not None and answer.midline_px is not None:
            self.view.set_midline(answer.midline_px, draggable=True)
        elif answer is not None or self.view.film is None:
            self.view.set_midline(None)
        self.bar.set_usable(has_hips)
        self._looked.setVisible(has_hips)
        if has_hips and answer is not None:
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
        self.view.set_halving(None)
        self._looked.hide()

    def _on_heat(self, answer: FilmAnswer, heat: Heat) -> None:
        if answer is not self._answer:
            return
        self._heat = heat
        self._looked.setText(_LOOKED if any(h.any() for h in heat.values()) else _NOWHERE)
        self._lay_heat()

    def _lay_heat(self) -> None:
        """Heat maps in the colours chosen, over the film and over the pair."""
        if self._answer is not None:
            layers = heat_layers(self._answer, self._heat)
            self.view.set_overlays(layers, self.bar.opacity, self.bar.colours)
            self._show_pair()
            self._show_heat()

    def _show_heat(self) -> None:
        visible, contour = not self.bar.original.isChecked(), self.bar.contour.isChecked()
        self.view.set_overlay_opacity(self.bar.opacity)
        self.view.set_overlay_visible(visible, contour=contour)
        self.pair.set_heat(self.bar.opacity, visible, contour=contour)

    def _show_pair(self) -> None:
        film = self.view.film
        if self.bar.side_by_side.isChecked() and film is not None and self._answer is not None and self._answer.hips:
            self.pair.show_answer(film, self._answer, self._heat, self.bar.colours)
            self._show_heat()
            self._stack.setCurrentWidget(self.pair)
        elif film is not None:
            self._stack.setCurrentWidget(self.view)

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
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(head)
        layout.addWidget(self._stack, 1)
        layout.addSpacing(6)
        layout.addWidget(self._looked)
        layout.addSpacing(6)
        layout.addWidget(self.bar)


def load(file: str) -> Loaded:
    """For the pool: the film and its picture."""
    from hipcad_desktop.workflows.load_film import load_film_file

    film = load_film_file(Path(file))
    return film, Picture(film.values)
