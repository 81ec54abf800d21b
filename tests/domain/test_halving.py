"""Halving: the paper's examples by hand, and what holds for every film and rectangle."""

from __future__ import annotations

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from hipcad_desktop.domain.anatomy import ImageHalf
from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.geometry import Rectangle, Size, Window
from hipcad_desktop.domain.halving import (
    LARGEST_OVERLAP_SHARE,
    SMALLEST_WINDOW_SHARE,
    Halving,
    HalvingMethod,
    half_of,
    halve_by_hips,
    halve_by_midline,
    halve_by_rectangles,
    mirrored,
)

FRAME = Size(380, 380)


@st.composite
def rectangles(draw: st.DrawFn, film: Size) -> Rectangle:
    """A rectangle inside the film, within the outer 55 % of one half or the other."""
    x0, width = draw(st.floats(0, 0.4)), draw(st.floats(1e-3, 0.15))
    y0, height = draw(st.floats(0, 0.5)), draw(st.floats(1e-3, 0.5))
    box = Rectangle(x0 * film.width, y0 * film.height, width * film.width, height * film.height)
    return box.mirrored(film.width) if draw(st.booleans()) else box


@st.composite
def halved(draw: st.DrawFn) -> tuple[Size, list[Rectangle], Halving]:
    """A film whose rectangles can be halved."""
    film = draw(st.builds(Size, st.integers(50, 6000), st.integers(50, 6000)))
    boxes = draw(st.lists(rectangles(film), min_size=1, max_size=3))
    try:
        return film, boxes, halve_by_rectangles(film, boxes)
    except UserError:
        assume(False)
        raise


def code_of(film: Size, boxes: list[Rectangle]) -> ErrorCode | None:
    try:
        halve_by_rectangles(film, boxes)
    except UserError as error:
        return error.code
    return None


def test_a_fracture_on_the_pictures_left() -> None:
    halving = halve_by_rectangles(FRAME, [Rectangle(60, 200, 70, 80)])
    assert halving.line_px == 180
    assert (halving.left.window, halving.left.fracture) == (Window(0, 200), True)  # [-20, 180] moved into the film
    assert (halving.right.window, halving.right.fracture) == (Window(180, 380), False)


def test_a_fracture_on_the_pictures_right() -> None:
    halving = halve_by_rectangles(FRAME, [Rectangle(230, 200, 70, 80)])
    assert halving.line_px == 180
    assert (halving.left.window, halving.left.fracture) == (Window(0, 180), False)
    assert (halving.right.window, halving.right.fracture) == (Window(180, 360), True)


def test_both_hips_broken() -> None:
    halving = halve_by_rectangles(FRAME, [Rectangle(60, 200, 70, 80), Rectangle(250, 200, 70, 80)])
    assert halving.line_px == 190
    assert (halving.left.window, halving.right.window) == (Window(0, 190), Window(190, 380))
    assert halving.left.fracture
    assert halving.right.fracture


@pytest.mark.parametrize(
    ("boxes", "code"),
    [
        ([Rectangle(100, 0, 140, 9)], ErrorCode.NOT_HALVED_WINDOW_TOO_NARROW),
        ([Rectangle(10, 0, 90, 9), Rectangle(150, 0, 100, 9)], None),
        ([Rectangle(10, 0, 240, 9)], ErrorCode.NOT_HALVED_WINDOW_TOO_NARROW),
        ([Rectangle(0, 0, 185, 9)], ErrorCode.NOT_HALVED_RECTANGLE_TOO_WIDE),
        ([Rectangle(60, 0, 150, 9), Rectangle(190, 0, 90, 9)], ErrorCode.NOT_HALVED_NO_GAP),
        ([Rectangle(5, 0, 20, 9), Rectangle(140, 0, 200, 9)], ErrorCode.NOT_HALVED_WINDOW_TOO_NARROW),
        ([Rectangle(5, 0, 130, 9), Rectangle(155, 0, 220, 9)], ErrorCode.NOT_HALVED_RECTANGLE_TOO_WIDE),
    ],
)
def test_what_cannot_be_halved_says_why(boxes: list[Rectangle], code: ErrorCode | None) -> None:
    assert code_of(FRAME, boxes) is code


@given(halved())
def test_every_rectangle_lies_in_the_fracture_window_of_its_half(case: tuple[Size, list[Rectangle], Halving]) -> None:
    film, boxes, halving = case
    for box in boxes:
        hip = halving.of(half_of(box, film))
        assert hip.fracture
        assert hip.window.holds(box)
    assert {h for h in ImageHalf if halving.of(h).fracture} == {half_of(b, film) for b in boxes}


@given(halved())
def test_windows_are_equal_wide_enough_and_inside_the_film(case: tuple[Size, list[Rectangle], Halving]) -> None:
    film, _, halving = case
    left, right = halving.left.window, halving.right.window
    assert left.width == pytest.approx(right.width)
    assert left.width >= SMALLEST_WINDOW_SHARE * film.width * (1 - 1e-9)
    for window in (left, right):
        assert 0 <= window.x0 < window.x1 <= film.width
    assert left.x0 <= right.x0


@given(halved())
def test_the_whole_hips_window_never_touches_the_rectangle(case: tuple[Size, list[Rectangle], Halving]) -> None:
    _, boxes, halving = case
    for half in ImageHalf:
        if not halving.of(half).fracture:
            window = halving.of(half).window
            assert all(box.x1 <= window.x0 or box.x >= window.x1 for box in boxes)


@given(halved())
def test_the_mirrored_film_is_halved_in_mirror_image(case: tuple[Size, list[Rectangle], Halving]) -> None:
    film, boxes, halving = case
    assume(all(abs(b.centre_x / film.width - 0.5) > 1e-9 for b in boxes))  # the middle itself belongs to one half
    other = mirrored(halve_by_rectangles(film, [b.mirrored(film.width) for b in boxes]), film)
    assert_same(other, halving, film)
    assert_same(mirrored(mirrored(halving, film), film), halving, film)


@given(halved(), st.integers(2, 9))
def test_the_frame_and_the_film_give_the_same_windows(case: tuple[Size, list[Rectangle], Halving], scale: int) -> None:
    film, boxes, halving = case
    large = Size(film.width * scale, film.height * scale)
    scaled = [Rectangle(b.x * scale, b.y * scale, b.width * scale, b.height * scale) for b in boxes]
    other = halve_by_rectangles(large, scaled)
    assert other.line_px == pytest.approx(halving.line_px * scale)
    for half in ImageHalf:
        assert other.of(half).window.x0 == pytest.approx(halving.of(half).window.x0 * scale, abs=1e-6 * large.width)
        assert other.of(half).window.x1 == pytest.approx(halving.of(half).window.x1 * scale, abs=1e-6 * large.width)


@given(halved())
def test_the_order_of_rectangles_does_not_matter(case: tuple[Size, list[Rectangle], Halving]) -> None:
    film, boxes, halving = case
    assert halve_by_rectangles(film, boxes[::-1]) == halving


def assert_same(one: Halving, other: Halving, film: Size) -> None:
    """Equal up to rounding."""
    tolerance = 1e-9 * film.width
    assert one.line_px == pytest.approx(other.line_px, abs=tolerance)
    for half in ImageHalf:
        assert one.of(half).fracture == other.of(half).fracture
        assert one.of(half).window.x0 == pytest.approx(other.of(half).window.x0, abs=tolerance)
        assert one.of(half).window.x1 == pytest.approx(other.of(half).window.x1, abs=tolerance)


@given(st.integers(50, 6000), st.floats(0.01, 0.99), st.floats(0, LARGEST_OVERLAP_SHARE))
@example(380, 0.5, 0.0)
@example(380, 0.5, LARGEST_OVERLAP_SHARE)
def test_midline_windows_are_equal_inside_and_mirror_images(width: int, share: float, overlap: float) -> None:
    film = Size(width, 100)
    narrowest = min(share, 1 - share) + overlap
    assume(abs(narrowest - SMALLEST_WINDOW_SHARE) > 1e-9)
    if narrowest < SMALLEST_WINDOW_SHARE:
        with pytest.raises(UserError) as raised:
            halve_by_midline(film, share * width, overlap_share=overlap)
        assert raised.value.code is ErrorCode.NOT_HALVED_MIDLINE_AT_EDGE
        return
    halving = halve_by_midline(film, share * width, overlap_share=overlap)
    left, right = halving.left.window, halving.right.window
    assert left.width == pytest.approx(right.width)
    assert left.width >= SMALLEST_WINDOW_SHARE * width * (1 - 1e-9)
    for window in (left, right):
        assert 0 <= window.x0 < window.x1 <= width
    assert left.x0 <= halving.line_px <= right.x1
    other = mirrored(halve_by_midline(film, width - share * width, overlap_share=overlap), film)
    assert_same(other, halving, film)
    assert halving.method is HalvingMethod.MIDLINE


@given(st.integers(50, 6000), st.floats(0, LARGEST_OVERLAP_SHARE))
def test_a_midline_in_the_middle_gives_the_methods_windows(width: int, overlap: float) -> None:
    halving = halve_by_midline(Size(width, 100), width / 2, overlap_share=overlap)
    assert halving.left.window.x0 == 0
    assert halving.left.window.x1 == pytest.approx((0.5 + overlap) * width)
    assert halving.right.window.x0 == pytest.approx((0.5 - overlap) * width)
    assert halving.right.window.x1 == width


@pytest.mark.parametrize("midline", [-1.0, 0.0, 380.0, 400.0, float("nan")])
def test_a_midline_outside_the_film_is_none(midline: float) -> None:
    with pytest.raises(UserError) as raised:
        halve_by_midline(FRAME, midline, overlap_share=0.1)
    assert raised.value.code is ErrorCode.NOT_HALVED_NO_MIDLINE


def test_what_only_a_bug_can_ask_for() -> None:
    with pytest.raises(ValueError, match="needs a rectangle"):
        halve_by_rectangles(FRAME, [])
    with pytest.raises(ValueError, match="overlap_share"):
        halve_by_midline(FRAME, 190, overlap_share=0.3)


def test_squares_about_the_hips_are_equal_and_scaled_by_the_heads() -> None:
    film = Size(1000, 800)
    halving = halve_by_hips(film, (300.0, 300.0), (700.0, 300.0))
    assert halving.method is HalvingMethod.HIP
    assert halving.line_px == 500.0
    left, right = halving.left.window, halving.right.window
    assert right == Window(700 - 0.30 * 400, 700 + 0.48 * 400, 300 - 0.22 * 400, 300 + 0.56 * 400)
    assert left.mirrored(1000) == right
    assert right.width == pytest.approx(right.rows(800)[1] - right.rows(800)[0])


def test_a_hip_that_is_cut_off_has_no_square() -> None:
    with pytest.raises(UserError) as caught:
        halve_by_hips(Size(760, 800), (300.0, 300.0), (700.0, 300.0))
    assert caught.value.code is ErrorCode.NOT_HALVED_HIP_CUT_OFF
    with pytest.raises(UserError) as caught:
        halve_by_hips(Size(1000, 800), (700.0, 300.0), (300.0, 300.0))
    assert caught.value.code is ErrorCode.NOT_HALVED_NO_HIPS
