"""Where the film lies on the screen: one scale and one offset, in logical pixels of the widget."""

from __future__ import annotations

from dataclasses import dataclass, replace

MOST_ZOOM = 40.0  # screen pixels for one film pixel
KEPT_PX = 60.0  # so much of the film stays on the screen, however far it is pushed


@dataclass(frozen=True, slots=True)
class Camera:
    """screen = film * scale + offset. y grows downwards in both."""

    scale: float = 1.0
    x: float = 0.0
    y: float = 0.0

    @classmethod
    def fitting(cls, film: tuple[int, int], view: tuple[float, float], *, margin: float = 8.0) -> Camera:
        """The whole film (width, height) as large as the view allows, centred."""
        room = (max(view[0] - 2 * margin, 1.0), max(view[1] - 2 * margin, 1.0))
        scale = min(room[0] / film[0], room[1] / film[1])
        return cls(scale, (view[0] - film[0] * scale) / 2, (view[1] - film[1] * scale) / 2)

    def to_screen(self, x: float, y: float) -> tuple[float, float]:
        """A point of the film on the screen."""
        return x * self.scale + self.x, y * self.scale + self.y

    def to_film(self, x: float, y: float) -> tuple[float, float]:
        """A point of the screen on the film."""
        return (x - self.x) / self.scale, (y - self.y) / self.scale

    def moved(self, dx: float, dy: float) -> Camera:
        """Pushed by screen pixels."""
        return replace(self, x=self.x + dx, y=self.y + dy)

    def zoomed(self, factor: float, at: tuple[float, float], *, least: float) -> Camera:
        """Scaled about a screen point that keeps its film point; the scale stays between least and MOST_ZOOM."""
        scale = min(max(self.scale * factor, least), MOST_ZOOM)
        film = self.to_film(*at)
        return Camera(scale, at[0] - film[0] * scale, at[1] - film[1] * scale)

    def kept_visible(self, film: tuple[int, int], view: tuple[float, float]) -> Camera:
        """Pulled back so that some of the film is always on the screen."""

        def held(offset: float, length: float, room: float) -> float:
            keep = min(KEPT_PX, length, room)
            return min(max(offset, keep - length), room - keep)

        return replace(
            self, x=held(self.x, film[0] * self.scale, view[0]), y=held(self.y, film[1] * self.scale, view[1])
        )
