"""The viewer: where things lie, what grey they get, and hands on it."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QImage, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from hipcad_desktop.domain.anatomy import Side, SideMap, SideSource
from hipcad_desktop.domain.geometry import Rectangle, Size, Window
from hipcad_desktop.domain.halving import halve_by_hips, halve_by_rectangles
from hipcad_desktop.gui import theme
from hipcad_desktop.gui.viewer.camera import MOST_ZOOM, Camera
from hipcad_desktop.gui.viewer.contour import outline
from hipcad_desktop.gui.viewer.film_view import FilmView
from hipcad_desktop.gui.viewer.heat import COLOURS, coloured
from hipcad_desktop.gui.viewer.picture import GreyWindow, Picture
from hipcad_desktop.gui.viewer.window_menu import ask_preset
from hipcad_desktop.workflows.view_film import DisplayWindow

coordinates = st.floats(-5000, 5000)


@given(scale=st.floats(0.02, MOST_ZOOM), x=coordinates, y=coordinates, px=coordinates, py=coordinates)
def test_film_to_screen_and_back(scale: float, x: float, y: float, px: float, py: float) -> None:
    camera = Camera(scale, x, y)
    assert camera.to_film(*camera.to_screen(px, py)) == pytest.approx((px, py), abs=1e-3)


@given(factor=st.floats(0.1, 10), x=st.floats(0, 800), y=st.floats(0, 600))
def test_zooming_keeps_the_point_under_the_pointer(factor: float, x: float, y: float) -> None:
    camera = Camera.fitting((4000, 3000), (800, 600))
    zoomed = camera.zoomed(factor, (x, y), least=0.01)
    assert zoomed.to_film(x, y) == pytest.approx(camera.to_film(x, y), abs=1e-6)


def test_the_film_cannot_be_pushed_away() -> None:
    camera = Camera(1.0).moved(10_000, -10_000).kept_visible((500, 400), (800, 600))
    assert camera.to_screen(0, 0)[0] < 800
    assert camera.to_screen(500, 400)[1] > 0


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.int16, np.float32])
def test_every_level_of_a_picture_keeps_its_mean(kind: type) -> None:
    values = np.random.default_rng(1).integers(0, 250, (1200, 1600)).astype(kind)
    picture = Picture(values)
    assert len(picture.levels) == 3
    for level in picture.levels:
        assert level.dtype == kind
        assert float(level.mean()) == pytest.approx(float(values.mean()), abs=0.6)


def test_a_picture_with_values_that_are_no_numbers_can_be_drawn() -> None:
    values = np.full((600, 600), np.nan, np.float32)
    values[100:200] = np.linspace(0, 1000, 600, dtype=np.float32)
    picture = Picture(values)
    window = picture.default_window()
    assert np.isfinite((window.low, window.high)).all()
    assert picture.grey(0, (0, 0, 600, 600), window).shape == (600, 600)


@pytest.mark.parametrize("kind", [np.uint16, np.int16, np.float32])
def test_a_window_maps_its_ends_to_black_and_white(kind: type) -> None:
    values = np.array([[-100, 0, 500, 1000, 2000]], dtype=np.float64).clip(0 if kind is np.uint16 else -100)
    grey = Picture(values.astype(kind)).grey(0, (0, 0, 5, 1), GreyWindow(0, 1000))
    assert grey[0, 1:].tolist() == [0, 128, 255, 255]
    turned = Picture(values.astype(kind)).grey(0, (0, 0, 5, 1), GreyWindow(0, 1000, inverted=True))
    assert (turned == 255 - grey).all()


def test_eight_bit_values_are_shown_as_they_are() -> None:
    values = np.random.default_rng(2).integers(0, 256, (300, 400), dtype=np.uint8)
    picture = Picture(values)
    assert (picture.grey(0, (10, 20, 200, 100), picture.default_window()) == values[20:100, 10:200]).all()


# on the screen


@pytest.fixture
def view(qtbot: QtBot, qapp: QApplication) -> FilmView:
    theme.apply(qapp, "dark")
    view = FilmView()
    qtbot.addWidget(view)
    view.resize(800, 600)
    view.show()
    qtbot.waitExposed(view)
    values = np.tile(np.linspace(100, 3000, 400, dtype=np.uint16), (300, 1))
    view.show_film(SimpleNamespace(values=values), sides=SideMap())  # type: ignore[arg-type]
    qtbot.wait(20)  # what the style still has to say to a new widget has been said: pictures are compared below
    return view


def colours(image: QImage) -> set[str]:
    return {QColor(image.pixel(x, y)).name() for x in range(image.width()) for y in range(image.height())}


def test_letters_are_amber_until_somebody_says_so(view: FilmView) -> None:
    assert theme.FILM_AMBER in colours(view.grab().toImage())
    view.set_sides(SideMap(Side.RIGHT, SideSource.READER))
    seen = colours(view.grab().toImage())
    assert theme.FILM_AMBER not in seen
    assert theme.FILM_TEXT in seen


def test_fit_shows_the_whole_film_and_follows_the_window(view: FilmView) -> None:
    for size in ((800, 600), (500, 700)):
        view.resize(*size)
        shown = view.shown()
        assert shown.width() == pytest.approx(400 * view.camera.scale)
        assert shown.height() == pytest.approx(300 * view.camera.scale)


def test_actual_size_is_one_film_pixel_a_screen_pixel(view: FilmView) -> None:
    view.actual_size()
    assert view.camera.scale * view.devicePixelRatioF() == pytest.approx(1)


def test_the_wheel_zooms_at_the_pointer(view: FilmView) -> None:
    at = QPointF(300, 200)
    before = view.camera.to_film(at.x(), at.y())
    event = QWheelEvent(
        at, view.mapToGlobal(at), QPoint(), QPoint(0, 240), Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    scale = view.camera.scale
    QApplication.sendEvent(view, event)
    assert view.camera.scale > scale * 1.3
    assert view.camera.to_film(at.x(), at.y()) == pytest.approx(before, abs=1e-6)


def drag(view: FilmView, button: Qt.MouseButton, start: QPoint, end: QPoint) -> None:
    QTest.mousePress(view, button, Qt.KeyboardModifier.NoModifier, start)
    QTest.mouseMove(view, (start + end) / 2)
    QTest.mouseMove(view, end)
    QTest.mouseRelease(view, button, Qt.KeyboardModifier.NoModifier, end)


@pytest.mark.parametrize("button", [Qt.MouseButton.MiddleButton, Qt.MouseButton.LeftButton])
def test_dragging_moves_the_film_where_no_tool_wants_it(view: FilmView, button: Qt.MouseButton) -> None:
    before = view.camera.to_screen(0, 0)
    drag(view, button, QPoint(300, 200), QPoint(350, 230))
    assert view.camera.to_screen(0, 0) == pytest.approx((before[0] + 50, before[1] + 30))


def test_brightness_is_for_the_eye_only(view: FilmView) -> None:
    values = view.film.values.copy()  # type: ignore[union-attr]
    before = view.grey_window
    shown = view.grab().toImage()
    drag(view, Qt.MouseButton.RightButton, QPoint(300, 200), QPoint(360, 260))
    assert view.grey_window != before
    assert view.grab().toImage() != shown
    view.invert()
    view.reset_grey_window()
    assert view.grey_window == before
    assert (view.film.values == values).all()  # type: ignore[union-attr]


def test_space_tapped_is_told_and_space_held_pans(qtbot: QtBot, view: FilmView) -> None:
    with qtbot.waitSignal(view.space_tapped, timeout=1000) as told:
        QTest.keyClick(view, Qt.Key.Key_Space, Qt.KeyboardModifier.ShiftModifier)
    assert told.args == [True]
    before = view.camera.to_screen(0, 0)
    with qtbot.assertNotEmitted(view.space_tapped, wait=50):
        QTest.keyPress(view, Qt.Key.Key_Space)
        drag(view, Qt.MouseButton.LeftButton, QPoint(300, 200), QPoint(320, 200))
        QTest.keyRelease(view, Qt.Key.Key_Space)
    assert view.camera.to_screen(0, 0)[0] == pytest.approx(before[0] + 20)


def test_the_midline_is_dragged(qtbot: QtBot, view: FilmView) -> None:
    view.set_midline(200.0, draggable=True)
    x, _ = view.camera.to_screen(200, 0)
    to, _ = view.camera.to_screen(230, 0)
    with qtbot.waitSignals([view.midline_moved, view.midline_dragged], timeout=1000):
        drag(view, Qt.MouseButton.LeftButton, QPoint(round(x), 300), QPoint(round(to), 300))
    assert view.midline_px == pytest.approx(230, abs=1)


def test_a_midline_that_is_not_free_stays(view: FilmView) -> None:
    view.set_midline(200.0)
    x, _ = view.camera.to_screen(200, 0)
    drag(view, Qt.MouseButton.LeftButton, QPoint(round(x), 300), QPoint(round(x) + 40, 300))
    assert view.midline_px == 200.0


def test_heat_lies_over_its_window_only_and_can_be_hidden(view: FilmView) -> None:
    plain = view.grab().toImage()
    view.set_overlays({"R": (np.ones((12, 12), np.float32), Window(0, 150))}, opacity=0.6)
    heated = view.grab().toImage()
    inside, outside = view.camera.to_screen(75, 150), view.camera.to_screen(300, 150)
    assert heated.pixel(*map(round, inside)) != plain.pixel(*map(round, inside))
    assert heated.pixel(*map(round, outside)) == plain.pixel(*map(round, outside))
    view.set_overlay_visible(False)
    assert view.grab().toImage() == plain


def test_heat_in_a_square_stays_in_it_and_in_the_film(view: FilmView) -> None:
    plain = view.grab().toImage()
    view.set_overlays({"R": (np.ones((12, 12), np.float32), Window(350, 450, 100, 200))}, opacity=0.6)
    heated = view.grab().toImage()
    changed = [
        p for p in ((375, 150), (375, 50), (375, 250), (300, 150), (402, 150)) if differs(view, plain, heated, p)
    ]
    assert changed == [(375, 150)]


def differs(view: FilmView, before: QImage, after: QImage, point: tuple[float, float]) -> bool:
    at = [round(v * after.devicePixelRatio()) for v in view.camera.to_screen(*point)]
    return before.pixel(*at) != after.pixel(*at)


def test_the_contour_runs_where_the_heat_is_half_its_peak(view: FilmView) -> None:
    heat = np.zeros((20, 20), np.float32)
    heat[5:15, 5:15] = 0.8
    view.set_overlays({"R": (heat, Window(100, 300, 50, 250))}, opacity=0.0)
    plain = view.grab().toImage()
    view.set_overlay_visible(True, contour=True)
    outlined = view.grab().toImage()
    edge, middle, outside = (150, 150), (200, 150), (120, 150)
    assert [differs(view, plain, outlined, p) for p in (edge, middle, outside)] == [True, False, False]
    view.set_overlay_visible(False, contour=True)
    assert view.grab().toImage() == view_without(view)


def view_without(view: FilmView) -> QImage:
    view.set_overlays({})
    return view.grab().toImage()


def test_an_outline_encloses_what_lies_above_the_level() -> None:
    y, x = np.mgrid[0:60, 0:80]
    pieces = outline(np.hypot(x - 40, y - 30).max() - np.hypot(x - 39.5, y - 29.5), 50 - 20)
    pieces = pieces * (80, 60, 80, 60)
    radius = np.hypot(pieces[:, [0, 2]] - 40, pieces[:, [1, 3]] - 30)
    assert radius.std() < 0.1
    ends = np.sort(np.round(pieces.reshape(-1, 2), 6).view("f8,f8").ravel())
    assert np.array_equal(ends[::2], ends[1::2])  # every end is met by another piece: the outline is closed


@pytest.mark.parametrize("values", [np.ones((5, 7)), np.eye(6), 1 - np.eye(6), np.full((3, 3), np.nan)])
def test_outlines_are_closed_whatever_the_values(values: NDArray[np.float64]) -> None:
    pieces = outline(values, 0.5)
    assert ((pieces >= 0) & (pieces <= 1)).all()
    ends = np.sort(np.round(pieces.reshape(-1, 2), 6).view("f8,f8").ravel())
    assert np.array_equal(ends[::2], ends[1::2])
    assert bool(len(pieces)) == bool(np.nan_to_num(values).any())


@pytest.mark.parametrize("name", list(COLOURS))
def test_colours_rise_in_lightness_for_any_colour_vision(name: str) -> None:
    linear = (coloured(np.linspace(0, 1, 21)[None], name)[0, :, :3] / 255) ** 2.2
    luminance, long_cones, medium_cones = (0.2126, 0.7152, 0.0722), (0.273, 0.664, 0.063), (0.1, 0.788, 0.112)
    for seen in (luminance, long_cones, medium_cones):  # of the cones: Vienot, Brettel and Mollon 1999
        assert (np.diff(linear @ seen) > 0).all()


def test_squares_are_drawn_as_squares(view: FilmView) -> None:
    plain = view.grab().toImage()
    view.set_halving(halve_by_hips(Size(400, 300), (150, 120), (250, 120)))
    drawn = view.grab().toImage()
    square = halve_by_hips(Size(400, 300), (150, 120), (250, 120)).left.window
    assert square.y0 is not None
    assert differs(view, plain, drawn, (square.x0, square.y0))
    assert not differs(view, plain, drawn, (200, 280))  # no line where squares do not meet


def test_marks_are_drawn_and_hidden(view: FilmView) -> None:
    plain = view.grab().toImage()
    view.set_halving(halve_by_rectangles(Size(400, 300), [Rectangle(60, 100, 60, 60)]))
    assert view.grab().toImage() != plain
    view.set_marks_visible(False)
    assert view.grab().toImage() == plain


def test_another_film_has_no_marks_of_the_last_one(view: FilmView) -> None:
    view.set_halving(halve_by_rectangles(Size(400, 300), [Rectangle(60, 100, 60, 60)]))
    view.set_midline(100, draggable=True)
    view.show_film(SimpleNamespace(values=np.zeros((300, 400), np.uint8)), sides=SideMap())  # type: ignore[arg-type]
    assert view.halving is None
    assert view.midline_px is None


def test_an_input_method_gets_no_keys_of_the_film(view: FilmView) -> None:
    assert not view.testAttribute(Qt.WidgetAttribute.WA_InputMethodEnabled)


def test_presets_are_for_the_eye_only_and_keep_the_inversion(view: FilmView) -> None:
    values = view.film.values.copy()  # type: ignore[union-attr]
    view.invert()
    seen = set()
    for name in ("auto", "bone", "soft", "full"):
        assert view.use_preset(name) is not None
        assert view.grey_window.inverted
        assert view.grey_window.high > view.grey_window.low
        seen.add((view.grey_window.low, view.grey_window.high))
    assert len(seen) == 4
    assert view.use_preset("file") is None
    assert (view.film.values == values).all()  # type: ignore[union-attr]


def test_the_files_windows_come_one_after_the_other(view: FilmView) -> None:
    assert view.picture is not None
    view.picture.windows = (
        DisplayWindow("NORMAL", 100, 900),
        DisplayWindow("CURVED", 0, 500, bytes(range(255, -1, -1))),
    )
    names = [preset.text for _ in range(3) if (preset := view.use_preset("file"))]
    assert names == ["NORMAL", "CURVED", "NORMAL"]
    view.use_preset("file")
    grey = view.picture.grey(0, (0, 0, 400, 300), view.grey_window)
    assert grey[0, 0] > grey[0, 50]  # the curve falls


def test_the_menu_of_presets_works_by_keys(qtbot: QtBot, view: FilmView) -> None:
    menu = ask_preset(view)
    assert menu is not None
    assert [a.isChecked() for a in menu.actions()] == [False] * 4
    QTest.keyClick(menu, Qt.Key.Key_2)
    assert view.grey_window == view.presets()[1].window
    view.clear()
    assert ask_preset(view) is None


def test_local_contrast_changes_the_screen_and_not_the_film(view: FilmView) -> None:
    shown, values = view.grab().toImage(), view.film.values.copy()  # type: ignore[union-attr]
    view.set_local_contrast(True)
    assert view.grab().toImage() != shown
    assert (view.film.values == values).all()  # type: ignore[union-attr]
    view.set_local_contrast(False)
    assert view.grab().toImage() == shown


def test_a_first_look_is_refined_where_it_lies(view: FilmView) -> None:
    values = np.random.default_rng(3).integers(0, 3000, (1200, 1600), dtype=np.uint16)
    whole = Picture(values)
    first = Picture(levels=whole.levels[1:], halvings=1, size=(1600, 1200))
    view.clear()
    view.show_first_look(first, sides=SideMap(), exact=True)
    assert view.film is None
    assert view.picture is first
    fitted = view.camera
    view.zoom(3.0)
    view.set_grey_window(GreyWindow(5, 70))
    camera = view.camera
    view.show_film(SimpleNamespace(values=values), sides=SideMap(), picture=whole)  # type: ignore[arg-type]
    assert view.camera == camera
    assert view.grey_window == GreyWindow(5, 70)
    view.show_film(SimpleNamespace(values=values), sides=SideMap(), picture=whole)  # type: ignore[arg-type]
    assert view.camera == fitted


def test_a_first_look_tells_no_values(view: FilmView) -> None:
    first = Picture(levels=[np.ones((300, 400), np.uint16)], halvings=2, size=(1600, 1200))
    assert first.value_at(10, 10) is None
    assert first.level_for(1.0) == 0
    assert first.factor(0) == 4
