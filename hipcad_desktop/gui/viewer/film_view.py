"""A film with its marks: side letters, midline, halving, heat maps. Annotation and diagnosis share it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray
from PySide6.QtCore import QPointF, Qt, Signal
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QWidget

from hipcad_desktop.domain.anatomy import SideMap
from hipcad_desktop.domain.geometry import Window
from hipcad_desktop.domain.halving import Halving
from hipcad_desktop.gui.viewer import marks
from hipcad_desktop.gui.viewer.canvas import Canvas
from hipcad_desktop.gui.viewer.heat import DEFAULT_COLOURS, HeatLayer, heat_layer
from hipcad_desktop.gui.viewer.picture import Picture
from hipcad_desktop.gui.viewer.presets import Preset, next_of_file, presets

if TYPE_CHECKING:
    from hipcad_desktop.workflows.load_film import Film

MIDLINE_GRIP_PX = 7.0


class FilmView(Canvas):
    """Shows one film. Everything is given in pixels of the displayed film."""

    midline_moved = Signal(float)  # while it is dragged
    midline_dragged = Signal(float)  # once, when it is let go

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._film: Film | None = None
        self._sides = SideMap()
        self._halving: Halving | None = None
        self._midline: float | None = None
        self._midline_free = False
        self._midline_held = False
        self._heat: dict[str, HeatLayer] = {}
        self._heat_visible = True
        self._contour = False
        self._first_look: tuple[Picture, bool] | None = None
        self._marks_visible = True

    def show_film(self, film: Film, *, sides: SideMap, picture: Picture | None = None) -> None:
        """Show a film, fitted, without marks. picture: the film's Picture where the pool has made one already."""
        self._forget()
        self._film = film
        self._sides = sides
        picture = picture or Picture(film.values)
        first, self._first_look = self._first_look, None
        if first is not None and self.picture is first[0] and first[0].size == picture.size:
            self.refine(picture, keep_window=first[1])
        else:
            self.set_picture(picture)

    def show_first_look(self, picture: Picture, *, sides: SideMap, exact: bool) -> None:
        """What there is of a film that is still being decoded; exact: its values are the film's own."""
        self._forget()
        self._film = None
        self._sides = sides
        self.set_picture(picture)
        self._first_look = picture, exact

    def clear(self) -> None:
        """Show nothing."""
        self._forget()
        self._film = None
        self.set_picture(None)

    @property
    def film(self) -> Film | None:
        """The film shown."""
        return self._film

    def set_sides(self, sides: SideMap) -> None:
        """Which side is which, and who says so."""
        self._sides = sides
        self.update()

    def presets(self) -> tuple[Preset, ...]:
        """The windows ready for the film; none without a film."""
        return presets(self.picture) if self.picture is not None else ()

    def use_preset(self, name: str) -> Preset | None:
        """Take a window by its name; "file" is the next one that the file proposes. None where there is no such."""
        found = self.presets()
        chosen = next_of_file(found, self.grey_window) if name == "file" else None
        chosen = chosen or next((p for p in found if p.name == name), None)
        if chosen is not None:
            self.set_grey_window(replace(chosen.window, inverted=self.grey_window.inverted))
        return chosen

    def set_overlays(
        self,
        layers: Mapping[str, tuple[NDArray[Any], Window]],
        opacity: float = 0.5,
        colours: str = DEFAULT_COLOURS,
    ) -> None:
        """Several named layers, say one a side; they replace what was there. colours is one of heat.COLOURS."""
        self._heat = {name: heat_layer(values, place, opacity, colours) for name, (values, place) in layers.items()}
        self.update()

    def set_overlay_opacity(self, opacity: float) -> None:
        """Of all layers, 0 to 1."""
        self._heat = {name: replace(layer, opacity=min(max(opacity, 0.0), 1.0)) for name, layer in self._heat.items()}
        self.update()

    def set_overlay_visible(self, visible: bool, *, contour: bool = False) -> None:
        """Show or hide the layers without forgetting them; contour outlines their hottest regions."""
        self._heat_visible, self._contour = visible, contour
        self.update()

    def set_midline(self, x_px: float | None, *, draggable: bool = False) -> None:
        """The midline, or None; draggable gives it a grip and midline_moved, midline_dragged."""
        self._midline = x_px
        self._midline_free = draggable
        self._midline_held = False
        self.update()

    @property
    def midline_px(self) -> float | None:
        """Where the midline is shown."""
        return self._midline

    def set_halving(self, halving: Halving | None) -> None:
        """Both windows, with the dividing line between strips; or None."""
        self._halving = halving
        self.update()

    @property
    def halving(self) -> Halving | None:
        """The halving shown."""
        return self._halving

    def set_marks_visible(self, visible: bool) -> None:
        """Hide lines, windows and heat; letters stay, because they tell the side."""
        self._marks_visible = visible
        self.update()

    def paint_marks(self, painter: QPainter) -> None:
        if self.picture is None:
            return
        size = self.picture.size
        if self._marks_visible:
            if self._heat_visible and self._heat:
                marks.draw_heat(painter, self.camera, size, list(self._heat.values()), contour=self._contour)
            if self._halving is not None:
                marks.draw_halving(painter, self.camera, size, self._halving)
            if self._midline is not None:
                marks.draw_midline(
                    painter, self.camera, size, self._midline, handle=self._midline_free, hot=self._midline_held
                )
        marks.draw_sides(painter, self.shown(), self._sides)
        notes = ["First look; the whole film is on its way"] if self._film is None else []
        if self.local_contrast:
            notes.append("Local contrast")
        marks.draw_note(painter, self.shown(), " · ".join(notes))

    def take(self, at: QPointF) -> bool:
        if self._near_midline(at):
            self._midline_held = True
            return True
        return super().take(at)

    def drag(self, at: QPointF) -> None:
        if not self._midline_held:
            super().drag(at)
        elif self.picture is not None:
            x, _ = self.camera.to_film(at.x(), at.y())
            self._midline = min(max(x, 1.0), self.picture.size[0] - 1.0)
            self.midline_moved.emit(self._midline)

    def drop(self, at: QPointF) -> None:
        if not self._midline_held:
            super().drop(at)
        else:
            self._midline_held = False
            if self._midline is not None:
                self.midline_dragged.emit(self._midline)

    def cursor_at(self, at: QPointF) -> Qt.CursorShape:
        return Qt.CursorShape.SplitHCursor if self._near_midline(at) else super().cursor_at(at)

    def _near_midline(self, at: QPointF) -> bool:
        if not (self._midline_free and self._marks_visible) or self._midline is None:
            return False
        x, _ = self.camera.to_screen(self._midline, 0)
        return abs(at.x() - x) <= MIDLINE_GRIP_PX

    def _forget(self) -> None:
        self._halving = None
        self._midline = None
        self._midline_held = False
        self._heat = {}
