"""The large hip images show the squares about the hips too, as the export cuts them, or say why there are none."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import Qt

from hipcad_desktop.domain.anatomy import ImageHalf, SideMap
from hipcad_desktop.domain.geometry import Size
from hipcad_desktop.domain.halving import halve_by_hips
from hipcad_desktop.gui.annotate.large_hips import LargeHips
from hipcad_desktop.imaging.hips import HipPoints
from tests.gui.conftest import Desk

HEADS = ((60.0, 75.0), (140.0, 79.0))


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, ...]]:
    """The films in which heads were looked for; they are always found in the same places."""
    films: list[tuple[int, ...]] = []

    def found(eight_bit: Any, *, midline_px: float | None = None) -> tuple[HipPoints, HipPoints]:
        films.append(eight_bit.shape)
        left, right = (HipPoints(h, x, y, x, y + 40, 80.0) for h, (x, y) in zip(list(ImageHalf), HEADS, strict=True))
        return left, right

    monkeypatch.setattr("hipcad_desktop.workflows.load_film.find_hips_of", found)
    return films


def test_squares_are_looked_for_once_and_only_when_they_are_looked_at(desk: Desk, asked: list[tuple[int, ...]]) -> None:
    large = desk.window.annotate.large_hips
    desk.drag(40, 60, 64, 90)
    desk.wait(lambda: large.pictures == 2)
    assert not asked
    desk.key(Qt.Key.Key_V)
    desk.wait(lambda: large.squares == 2)
    assert large.no_squares == ""
    desk.drag(52, 75, 62, 85)
    desk.saved()
    desk.key(Qt.Key.Key_V)
    desk.key(Qt.Key.Key_V)
    desk.wait(lambda: large.squares == 2)
    assert len(asked) == 1


def test_a_rectangle_outside_its_square_is_said(desk: Desk, asked: list[tuple[int, ...]]) -> None:
    large = desk.window.annotate.large_hips
    desk.drag(5, 5, 40, 30)
    desk.key(Qt.Key.Key_V)
    desk.wait(lambda: "reaches out of the square" in large.no_squares)
    assert (large.pictures, large.squares) == (2, 0)
    desk.key(Qt.Key.Key_N)
    desk.wait(lambda: large.squares == 2)
    assert large.no_squares == ""


def test_a_film_without_hips_says_so(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hipcad_desktop.workflows.load_film.find_hips_of", lambda eight_bit: None)
    desk.drag(40, 60, 64, 90)
    desk.key(Qt.Key.Key_V)
    desk.wait(lambda: "femoral heads were not found" in desk.window.annotate.large_hips.no_squares)


@pytest.mark.parametrize("size", [(1200, 500), (500, 900), (300, 300)])
def test_strips_and_squares_fit_any_window(desk: Desk, size: tuple[int, int]) -> None:
    large = LargeHips(desk.window)
    large.resize(*size)
    halving = halve_by_hips(Size(200, 160), *HEADS)
    bright = np.full((380, 380), 255, np.uint8)
    dark = np.full((380, 380), 60, np.uint8)
    large.show_hips(halving, (dark, dark), SideMap())
    large.show_squares(halving, (bright, bright), "", SideMap())
    picture = large.grab().toImage()
    levels = [[picture.pixelColor(x, y).red() for x in range(0, size[0], 4)] for y in range(0, size[1], 4)]
    shown = np.array(levels)
    areas = [np.isclose(shown, level, atol=2).sum() * 16 for level in (255, 60)]
    assert areas[0] == pytest.approx(areas[1], rel=0.25)
    assert areas[0] > 0.08 * size[0] * size[1]
