"""Rectangles under the hand: what a point grabs, and what a drag makes of it. Pure, in film pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from hipcad_desktop.domain.geometry import Rectangle, Size


class Handle(StrEnum):
    """The eight handles, named by compass, and the inside."""

    NW = "nw"
    N = "n"
    NE = "ne"
    E = "e"
    SE = "se"
    S = "s"
    SW = "sw"
    W = "w"
    INSIDE = "inside"


HANDLES = tuple(h for h in Handle if h is not Handle.INSIDE)


@dataclass(frozen=True, slots=True)
class Hit:
    """Which rectangle is grabbed, and where."""

    index: int
    handle: Handle


def handle_points(rectangle: Rectangle) -> dict[Handle, tuple[float, float]]:
    """Where the eight handles lie."""
    x0, y0, x1, y1 = rectangle.x, rectangle.y, rectangle.x1, rectangle.y1
    xm, ym = (x0 + x1) / 2, (y0 + y1) / 2
    return {
        Handle.NW: (x0, y0),
        Handle.N: (xm, y0),
        Handle.NE: (x1, y0),
        Handle.E: (x1, ym),
        Handle.SE: (x1, y1),
        Handle.S: (xm, y1),
        Handle.SW: (x0, y1),
        Handle.W: (x0, ym),
    }


def hit(rectangles: Sequence[Rectangle], x: float, y: float, *, tolerance: float, selected: int | None) -> Hit | None:
    """What a point grabs: the selected rectangle first, then edges and handles, then the smallest that holds it."""
    order = sorted(range(len(rectangles)), key=lambda i: (i != selected, rectangles[i].width * rectangles[i].height))
    for index in order:
        handle = _edge_at(rectangles[index], x, y, tolerance)
        if handle is not None:
            return Hit(index, handle)
    for index in order:
        r = rectangles[index]
        if r.x <= x <= r.x1 and r.y <= y <= r.y1:
            return Hit(index, Handle.INSIDE)
    return None


def _edge_at(r: Rectangle, x: float, y: float, tolerance: float) -> Handle | None:
    if not (r.x - tolerance <= x <= r.x1 + tolerance and r.y - tolerance <= y <= r.y1 + tolerance):
        return None
    # In a rectangle only a few pixels wide the inside must stay within reach.
    reach_x, reach_y = min(tolerance, r.width / 3), min(tolerance, r.height / 3)
    east_west = "w" if x <= r.x + reach_x else ("e" if x >= r.x1 - reach_x else "")
    north_south = "n" if y <= r.y + reach_y else ("s" if y >= r.y1 - reach_y else "")
    name = north_south + east_west
    return Handle(name) if name else None


def drawn(x0: float, y0: float, x1: float, y1: float, film: Size, *, least: float) -> Rectangle | None:
    """The rectangle between two points, cut to the film; None where it is smaller than `least` in either direction."""
    if x0 == x1 or y0 == y1:
        return None
    cut = Rectangle.from_corners(x0, y0, x1, y1).clipped(film)
    return cut if cut is not None and cut.width >= least and cut.height >= least else None


def moved(rectangle: Rectangle, dx: float, dy: float, film: Size) -> Rectangle:
    """Pushed, and stopped by the film's edges."""
    x = min(max(rectangle.x + dx, 0.0), max(film.width - rectangle.width, 0.0))
    y = min(max(rectangle.y + dy, 0.0), max(film.height - rectangle.height, 0.0))
    return Rectangle(x, y, rectangle.width, rectangle.height)


def resized(rectangle: Rectangle, handle: Handle, dx: float, dy: float, film: Size, *, least: float) -> Rectangle:
    """One edge or corner pushed; never past the opposite edge, never out of the film."""
    x0, y0, x1, y1 = rectangle.x, rectangle.y, rectangle.x1, rectangle.y1
    if "w" in handle.value:
        x0 = min(max(x0 + dx, 0.0), x1 - least)
    if "e" in handle.value:
        x1 = max(min(x1 + dx, float(film.width)), x0 + least)
    if "n" in handle.value:
        y0 = min(max(y0 + dy, 0.0), y1 - least)
    if "s" in handle.value:
        y1 = max(min(y1 + dy, float(film.height)), y0 + least)
    whole = Rectangle.from_corners(x0, y0, x1, y1)
    return whole.clipped(film) or rectangle
