"""One film into two hips: by the rectangle (METHOD 3.3), by the midline (3.4) and by the femoral heads (3.4b).

Everything is in pixels of the displayed film; the paper's 50 px of its 380 px frame become a share of the film's
width, so windows are the same whether computed in the frame or in the film (METHOD 3.2).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import reduce

from hipcad_desktop.domain.anatomy import ImageHalf
from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.geometry import Rectangle, Size, Window

FRAME_PX = 380
MARGIN_PX = 50.0
MARGIN_SHARE = MARGIN_PX / FRAME_PX
SMALLEST_WINDOW_SHARE = 0.25
LARGEST_OVERLAP_SHARE = 0.25
# The square of a hip, in distances of the femoral heads (about 180 mm) from its head's centre: from the acetabulum to
# beyond the greater trochanter, from the acetabular roof to below the lesser trochanter; about 140 mm a side.
HIP_INWARDS, HIP_OUTWARDS = 0.30, 0.48
HIP_ABOVE, HIP_BELOW = 0.22, 0.56
LEAST_IN_SQUARE = 0.9  # of a rectangle's area: below that the square about the hip does not show its fracture
LEAST_HIP_IN_FILM = 0.6  # of the square's area; below that the hip is cut off by the film's edge


class HalvingMethod(StrEnum):
    """How the line between the hips was found."""

    PAPER = "paper"  # 50 px from the rectangle
    MIDLINE = "midline"  # the film's midline, windows overlapping by the card's share
    HIP = "hip"  # a square about each hip, placed and scaled by the femoral heads


@dataclass(frozen=True, slots=True)
class HipWindow:
    """The strip of one hip and whether it shows a fracture (None where nobody said, as in diagnosis)."""

    half: ImageHalf
    window: Window
    fracture: bool | None


@dataclass(frozen=True, slots=True)
class Halving:
    """Two windows of equal width, the dividing line, and how it was found. Line and windows in film pixels."""

    method: HalvingMethod
    line_px: float
    left: HipWindow  # of the picture's left half
    right: HipWindow  # of the picture's right half
    margin_share: float | None = None  # paper: margin / film width
    overlap_share: float | None = None  # midline: d / film width

    def of(self, half: ImageHalf) -> HipWindow:
        """The hip in one half of the picture."""
        return self.left if half is ImageHalf.LEFT else self.right


def half_of(rectangle: Rectangle, film: Size) -> ImageHalf:
    """The half of the picture in which a rectangle's centre lies."""
    return ImageHalf.LEFT if rectangle.centre_x < film.width / 2 else ImageHalf.RIGHT


def halve_by_rectangles(film: Size, rectangles: Sequence[Rectangle]) -> Halving:
    """Halve a broken film as the paper did, 50 px of the 380 px frame beside the rectangle (METHOD 3.3).

    Rectangles on one side count as their union. Raises UserError NOT_HALVED_* where the rule gives no pair of windows.
    """
    if not rectangles:
        raise ValueError("halving by rectangles needs a rectangle")
    left = [r for r in rectangles if half_of(r, film) is ImageHalf.LEFT]
    right = [r for r in rectangles if half_of(r, film) is ImageHalf.RIGHT]
    if left and right:
        return _halve_both_broken(film, _union(left), _union(right))
    if left:
        return _halve_left_broken(film, _union(left))
    return mirrored(_halve_left_broken(film, _union(right).mirrored(film.width)), film)


def halve_by_midline(film: Size, midline_px: float, *, overlap_share: float, fracture: bool | None = None) -> Halving:
    """Halve at the midline; each window reaches overlap_share of the film's width beyond it (METHOD 3.4).

    For a midline in the middle these are METHOD's [0, M + d] and [M - d, W]. For any other midline both windows have
    the width of the wider of the two and keep the film's outer edges, so that no hip is cut and none is squeezed more
    than the other (ADR 0004). Raises UserError where the midline lies so far off that a hip cannot be in the film.
    """
    if not 0 <= overlap_share <= LARGEST_OVERLAP_SHARE:
        raise ValueError(f"overlap_share lies in [0, {LARGEST_OVERLAP_SHARE}], not {overlap_share}")
    if not 0 < midline_px < film.width:
        raise UserError(ErrorCode.NOT_HALVED_NO_MIDLINE, detail="the midline lies outside the film")
    narrower_share = min(midline_px, film.width - midline_px) / film.width + overlap_share
    if narrower_share < SMALLEST_WINDOW_SHARE:
        raise UserError(ErrorCode.NOT_HALVED_MIDLINE_AT_EDGE)
    film_width = float(film.width)
    width = min(max(midline_px, film_width - midline_px) + overlap_share * film_width, film_width)
    return Halving(
        method=HalvingMethod.MIDLINE,
        line_px=midline_px,
        left=HipWindow(ImageHalf.LEFT, Window(0.0, width), fracture),
        right=HipWindow(ImageHalf.RIGHT, Window(film_width - width, film_width), fracture),
        overlap_share=overlap_share,
    )


def halve_by_hips(
    film: Size,
    left_head: tuple[float, float],
    right_head: tuple[float, float],
    *,
    fracture: bool | None = None,
) -> Halving:
    """A square about each hip, from the centres (x, y) of the heads on the picture's left and right (METHOD 3.4b).

    The distance of the heads is the scale: a spacing in a header is the detector's, and hips are enlarged by 10 to 20 %
    on it. What of a square lies outside the film is black in the hip image. Raises UserError NOT_HALVED_HIP_CUT_OFF
    where too little of one is inside, NOT_HALVED_NO_HIPS where the heads cannot be those of one pelvis.
    """
    across = right_head[0] - left_head[0]
    if not across > 0 or abs(right_head[1] - left_head[1]) > across / 2:
        raise UserError(ErrorCode.NOT_HALVED_NO_HIPS)
    heads_px = math.hypot(across, right_head[1] - left_head[1])
    width = float(film.width)
    right = _square(right_head, heads_px)
    left = _square((width - left_head[0], left_head[1]), heads_px).mirrored(width)
    for window, half in ((left, ImageHalf.LEFT), (right, ImageHalf.RIGHT)):
        if share_inside(window, film) < LEAST_HIP_IN_FILM:
            raise UserError(ErrorCode.NOT_HALVED_HIP_CUT_OFF, half=half.value)
    return Halving(
        method=HalvingMethod.HIP,
        line_px=(left_head[0] + right_head[0]) / 2,
        left=HipWindow(ImageHalf.LEFT, left, fracture),
        right=HipWindow(ImageHalf.RIGHT, right, fracture),
    )


def refuse_outside_squares(halving: Halving, rectangles: Mapping[ImageHalf, Rectangle]) -> None:
    """Raise UserError NOT_HALVED_OUTSIDE_SQUARE where the rectangle of a half lies too little in its square."""
    for half, rectangle in rectangles.items():
        window = halving.of(half).window
        y0, y1 = window.rows(rectangle.y1)
        across = min(rectangle.x1, window.x1) - max(rectangle.x, window.x0)
        down = min(rectangle.y1, y1) - max(rectangle.y, y0)
        share = max(across, 0.0) * max(down, 0.0) / (rectangle.width * rectangle.height)
        if share < LEAST_IN_SQUARE:
            raise UserError(ErrorCode.NOT_HALVED_OUTSIDE_SQUARE, half=half.value, inside_share=round(share, 4))


def _square(head: tuple[float, float], heads_px: float) -> Window:
    """The window of a hip on the picture's right."""
    x, y = head
    return Window(
        x - HIP_INWARDS * heads_px, x + HIP_OUTWARDS * heads_px, y - HIP_ABOVE * heads_px, y + HIP_BELOW * heads_px
    )


def share_inside(window: Window, film: Size) -> float:
    """The share of a window's area that lies in the film."""
    y0, y1 = window.rows(film.height)
    across = min(window.x1, film.width) - max(window.x0, 0.0)
    down = min(y1, film.height) - max(y0, 0.0)
    return max(across, 0.0) * max(down, 0.0) / (window.width * (y1 - y0))


def mirrored(halving: Halving, film: Size) -> Halving:
    """The halving of the film flipped about its vertical middle."""
    width = float(film.width)
    return Halving(
        method=halving.method,
        line_px=width - halving.line_px,
        left=HipWindow(ImageHalf.LEFT, halving.right.window.mirrored(width), halving.right.fracture),
        right=HipWindow(ImageHalf.RIGHT, halving.left.window.mirrored(width), halving.left.fracture),
        margin_share=halving.margin_share,
        overlap_share=halving.overlap_share,
    )


def _halve_left_broken(film: Size, rectangle: Rectangle) -> Halving:
    line = rectangle.x1 + MARGIN_SHARE * film.width
    width = film.width - line
    if width < SMALLEST_WINDOW_SHARE * film.width:
        raise UserError(ErrorCode.NOT_HALVED_WINDOW_TOO_NARROW, width_share=max(0.0, width / film.width))
    fracture = _inside(line - width, width, film)
    if not fracture.holds(rectangle):
        raise UserError(ErrorCode.NOT_HALVED_RECTANGLE_TOO_WIDE)
    return Halving(
        method=HalvingMethod.PAPER,
        line_px=line,
        left=HipWindow(ImageHalf.LEFT, fracture, True),
        right=HipWindow(ImageHalf.RIGHT, Window(line, float(film.width)), False),
        margin_share=MARGIN_SHARE,
    )


def _halve_both_broken(film: Size, left: Rectangle, right: Rectangle) -> Halving:
    if right.x <= left.x1:
        raise UserError(ErrorCode.NOT_HALVED_NO_GAP)
    line = (left.x1 + right.x) / 2
    width = min(line, film.width - line)
    if width < SMALLEST_WINDOW_SHARE * film.width:
        raise UserError(ErrorCode.NOT_HALVED_WINDOW_TOO_NARROW, width_share=width / film.width)
    left_window, right_window = Window(line - width, line), Window(line, line + width)
    if not (left_window.holds(left) and right_window.holds(right)):
        raise UserError(ErrorCode.NOT_HALVED_RECTANGLE_TOO_WIDE)
    return Halving(
        method=HalvingMethod.PAPER,
        line_px=line,
        left=HipWindow(ImageHalf.LEFT, left_window, True),
        right=HipWindow(ImageHalf.RIGHT, right_window, True),
        margin_share=MARGIN_SHARE,
    )


def _union(rectangles: Sequence[Rectangle]) -> Rectangle:
    return reduce(Rectangle.union, rectangles)


def _inside(x0: float, width: float, film: Size) -> Window:
    start = min(max(x0, 0.0), film.width - width)
    return Window(max(start, 0.0), min(start + width, float(film.width)))
