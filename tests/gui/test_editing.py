"""Rectangles under the hand: always inside the film, never inside out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipcad_desktop.domain.geometry import Rectangle, Size
from hipcad_desktop.gui.annotate import editing
from hipcad_desktop.gui.annotate.editing import HANDLES, Handle, Hit

FILM = Size(400, 300)
shift = st.floats(-1000, 1000)


@st.composite
def rectangles(draw: st.DrawFn) -> Rectangle:
    x, y = draw(st.floats(0, 390)), draw(st.floats(0, 290))
    return Rectangle(x, y, draw(st.floats(2, 400 - x)), draw(st.floats(2, 300 - y)))


def inside(rectangle: Rectangle) -> bool:
    return rectangle.x >= 0 and rectangle.y >= 0 and rectangle.x1 <= 400 + 1e-9 and rectangle.y1 <= 300 + 1e-9


@given(rectangles(), shift, shift)
def test_moving_keeps_the_size_and_the_film(rectangle: Rectangle, dx: float, dy: float) -> None:
    moved = editing.moved(rectangle, dx, dy, FILM)
    assert inside(moved)
    assert (moved.width, moved.height) == (rectangle.width, rectangle.height)


@given(rectangles(), st.sampled_from(HANDLES), shift, shift)
def test_resizing_moves_only_the_grabbed_edges(rectangle: Rectangle, handle: Handle, dx: float, dy: float) -> None:
    resized = editing.resized(rectangle, handle, dx, dy, FILM, least=2)
    assert inside(resized)
    assert resized.width >= 2 - 1e-9
    assert resized.height >= 2 - 1e-9
    if "w" not in handle:
        assert resized.x == rectangle.x
    if "e" not in handle:
        assert resized.x1 == pytest.approx(rectangle.x1)
    if "n" not in handle:
        assert resized.y == rectangle.y
    if "s" not in handle:
        assert resized.y1 == pytest.approx(rectangle.y1)


@given(shift, shift, shift, shift)
def test_drawing_is_cut_to_the_film(x0: float, y0: float, x1: float, y1: float) -> None:
    drawn = editing.drawn(x0, y0, x1, y1, FILM, least=3)
    if drawn is not None:
        assert inside(drawn)
        assert min(drawn.width, drawn.height) >= 3


def test_a_dot_and_a_line_are_no_rectangle() -> None:
    assert editing.drawn(10, 10, 10, 10, FILM, least=2) is None
    assert editing.drawn(10, 10, 100, 10, FILM, least=2) is None
    assert editing.drawn(500, 10, 600, 100, FILM, least=2) is None


@pytest.mark.parametrize("handle", HANDLES)
def test_every_handle_is_grabbed_where_it_is_drawn(handle: Handle) -> None:
    rectangle = Rectangle(100, 80, 60, 40)
    point = editing.handle_points(rectangle)[handle]
    assert editing.hit([rectangle], *point, tolerance=5, selected=0) == Hit(0, handle)


def test_the_selected_rectangle_comes_first_and_then_the_smaller_one() -> None:
    large, small = Rectangle(0, 0, 200, 200), Rectangle(50, 50, 20, 20)
    assert editing.hit([large, small], 60, 60, tolerance=4, selected=None) == Hit(1, Handle.INSIDE)
    assert editing.hit([large, small], 60, 60, tolerance=4, selected=0) == Hit(0, Handle.INSIDE)
    assert editing.hit([large, small], 300, 250, tolerance=4, selected=0) is None


def test_a_tiny_rectangle_can_still_be_moved() -> None:
    assert editing.hit([Rectangle(50, 50, 6, 6)], 53, 53, tolerance=8, selected=0) == Hit(0, Handle.INSIDE)
