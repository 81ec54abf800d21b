"""Heat maps against rectangles whose answers are known by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hipcad_desktop.domain.dataset import HipEntry
from hipcad_desktop.workflows.heat_coverage import IOU_THRESHOLDS, coverage_of, covered, rectangle_in_hip
from tests.workflows.test_subgroups import film

# The window is [0, 500] of a film 1000 x 900: the rectangle is x 0.2 to 0.6 and y 0.5 to 0.7 of the hip image.
ENTRY: HipEntry = replace(
    film(1, 0.9, 0.1, "?")[0][0], rect_x0_px=100.0, rect_y0_px=450.0, rect_x1_px=300.0, rect_y1_px=630.0
)


def heat_at(row: int, column: int, cells: int = 10) -> np.ndarray:
    heat = np.zeros((cells, cells), np.float32)
    heat[row, column] = 3.0
    return heat


def test_the_rectangle_in_the_hip_image() -> None:
    assert rectangle_in_hip(ENTRY) == pytest.approx((0.2, 0.5, 0.6, 0.7))
    moved = replace(ENTRY, x0_px=200.0, x1_px=700.0)  # the window cuts it
    assert rectangle_in_hip(moved) == pytest.approx((0.0, 0.5, 0.2, 0.7))
    assert rectangle_in_hip(replace(ENTRY, x0_px=400.0, x1_px=900.0)) is None
    assert rectangle_in_hip(replace(ENTRY, rect_y1_px=None)) is None


def test_the_rectangle_in_a_square_about_the_hip() -> None:
    square = replace(ENTRY, x0_px=-100.0, x1_px=400.0, window_y0=350.0, window_y1=850.0)
    assert rectangle_in_hip(square) == pytest.approx((0.4, 0.2, 0.8, 0.56))
    below = replace(square, window_y0=540.0, window_y1=1040.0)  # the square cuts it
    assert rectangle_in_hip(below) == pytest.approx((0.4, 0.0, 0.8, 0.18))
    assert rectangle_in_hip(replace(square, window_y0=-500.0, window_y1=0.0)) is None
    found = covered(square, heat_at(3, 5))
    assert found is not None
    assert found.hit
    assert found.area == pytest.approx(0.4 * 0.36)


def test_a_peak_inside_and_one_outside() -> None:
    inside, outside = covered(ENTRY, heat_at(6, 3)), covered(ENTRY, heat_at(1, 3))
    assert inside is not None
    assert outside is not None
    assert (inside.hit, outside.hit) == (True, False)
    assert inside.inside > 0.8
    assert outside.inside == 0
    assert inside.area == pytest.approx(0.4 * 0.2)


def test_even_heat_covers_as_much_as_chance() -> None:
    even = covered(ENTRY, np.ones((12, 12), np.float32))
    assert even is not None
    assert even.inside == pytest.approx(even.area, abs=0.002)
    assert even.iou == pytest.approx(np.full(len(IOU_THRESHOLDS), even.area), abs=0.002)


def test_heat_of_the_rectangle_itself_is_a_perfect_overlap() -> None:
    heat = np.zeros((380, 380), np.float32)
    heat[190:266, 76:228] = 1
    exact = covered(ENTRY, heat)
    assert exact is not None
    assert exact.iou.min() == pytest.approx(1)
    assert exact.inside == pytest.approx(1)


def test_no_heat_covers_nothing() -> None:
    cold = covered(ENTRY, np.zeros((10, 10), np.float32))
    assert cold is not None
    assert (cold.hit, cold.inside, cold.iou.max()) == (False, 0.0, 0.0)


def test_the_figures_of_several_hips() -> None:
    hips = [covered(replace(ENTRY, patient=f"P{i}"), heat_at(6 if i < 3 else 1, 3)) for i in range(4)]
    figures = coverage_of([h for h in hips if h])
    assert figures is not None
    assert (figures.n, figures.pointing.hits, figures.pointing.n) == (4, 3, 4)
    assert figures.pointing_by_chance == pytest.approx(0.08)
    assert figures.heat_inside.value == pytest.approx(0.75 * hips[0].inside)  # type: ignore[union-attr]
    assert figures.heat_inside.low is not None
    assert figures.heat_inside.low < figures.heat_inside.value < figures.heat_inside.high  # type: ignore[operator]
    best = np.mean([h.iou for h in hips if h], axis=0)
    assert figures.iou.value == pytest.approx(best.max())
    assert figures.iou_threshold == IOU_THRESHOLDS[int(best.argmax())]


def test_nothing_to_cover() -> None:
    assert coverage_of([]) is None


@settings(deadline=None)  # a machine under load
@given(st.integers(0, 9), st.integers(0, 9), st.floats(0.1, 100))
def test_scale_of_the_heat_does_not_matter(row: int, column: int, scale: float) -> None:
    a, b = covered(ENTRY, heat_at(row, column)), covered(ENTRY, heat_at(row, column) * np.float32(scale))
    assert a is not None
    assert b is not None
    assert a.hit == b.hit
    assert a.inside == pytest.approx(b.inside, abs=1e-5)
