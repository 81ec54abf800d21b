"""Rectangles, windows and sizes in pixels of the displayed film. x grows to the right, y downwards."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Size:
    """Width and height of a film in pixels, both at least 1."""

    width: int
    height: int

    def __post_init__(self) -> None:
        if self.width < 1 or self.height < 1:
            raise ValueError(f"a film has at least one pixel, not {self.width} x {self.height}")


@dataclass(frozen=True, slots=True)
class Rectangle:
    """An upright rectangle in film pixels: its corner nearest the origin, and its extent (both above zero)."""

    x: float
    y: float
    width: float
    height: float

    def __post_init__(self) -> None:
        if not (
            math.isfinite(self.x) and math.isfinite(self.y) and math.isfinite(self.width) and math.isfinite(self.height)
        ):
            raise ValueError("a rectangle has finite coordinates")
        if self.width <= 0 or self.height <= 0:
            raise ValueError("a rectangle has a width and a height above zero")

    @classmethod
    def from_corners(cls, x0: float, y0: float, x1: float, y1: float) -> Rectangle:
        """The rectangle between two opposite corners, in any order."""
        return cls(min(x0, x1), min(y0, y1), abs(x1 - x0), abs(y1 - y0))

    @property
    def x1(self) -> float:
        """The far edge in x."""
        return self.x + self.width

    @property
    def y1(self) -> float:
        """The far edge in y."""
        return self.y + self.height

    @property
    def centre_x(self) -> float:
        """The middle in x."""
        return self.x + self.width / 2

    def clipped(self, film: Size) -> Rectangle | None:
        """The part inside the film; None where nothing is."""
        x0, y0 = max(0.0, self.x), max(0.0, self.y)
        x1, y1 = min(float(film.width), self.x1), min(float(film.height), self.y1)
        return Rectangle(x0, y0, x1 - x0, y1 - y0) if x1 > x0 and y1 > y0 else None

    def union(self, other: Rectangle) -> Rectangle:
        """The smallest rectangle that holds both."""
        return Rectangle.from_corners(
            min(self.x, other.x), min(self.y, other.y), max(self.x1, other.x1), max(self.y1, other.y1)
        )

    def mirrored(self, film_width: float) -> Rectangle:
        """The rectangle in the film flipped about its vertical middle."""
        return Rectangle(film_width - self.x1, self.y, self.width, self.height)


@dataclass(frozen=True, slots=True)
class Window:
    """The part of a film that shows one hip, in film pixels, floating point.

    A strip [x0, x1] over the film's full height where y0 and y1 are None, else the box [x0, x1] x [y0, y1], which may
    leave the film.
    """

    x0: float
    x1: float
    y0: float | None = None
    y1: float | None = None

    def __post_init__(self) -> None:
        if not self.x1 > self.x0:
            raise ValueError(f"a window has a width above zero, not [{self.x0}, {self.x1}]")
        if (self.y0 is None) != (self.y1 is None):
            raise ValueError("a window has both an upper and a lower edge, or neither")
        if self.y0 is not None and self.y1 is not None and not self.y1 > self.y0:
            raise ValueError(f"a window has a height above zero, not [{self.y0}, {self.y1}]")

    @property
    def width(self) -> float:
        """Width in film pixels."""
        return self.x1 - self.x0

    @property
    def edges(self) -> tuple[float, ...]:
        """x0, x1 of a strip; x0, x1, y0, y1 of a box. Window(*edges) is the window again."""
        return tuple(edge for edge in (self.x0, self.x1, self.y0, self.y1) if edge is not None)

    @property
    def is_strip(self) -> bool:
        """Whether it runs over the film's full height."""
        return self.y0 is None

    def rows(self, film_height: float) -> tuple[float, float]:
        """Its upper and lower edge on a film of this height."""
        return (0.0, film_height) if self.y0 is None or self.y1 is None else (self.y0, self.y1)

    def holds(self, rectangle: Rectangle) -> bool:
        """Whether the rectangle lies inside, up to rounding."""
        in_x = rectangle.x >= self.x0 - 1e-6 and rectangle.x1 <= self.x1 + 1e-6
        in_y = self.y0 is None or self.y1 is None or (rectangle.y >= self.y0 - 1e-6 and rectangle.y1 <= self.y1 + 1e-6)
        return in_x and in_y

    def mirrored(self, film_width: float) -> Window:
        """The window in the film flipped about its vertical middle."""
        return Window(film_width - self.x1, film_width - self.x0, self.y0, self.y1)
