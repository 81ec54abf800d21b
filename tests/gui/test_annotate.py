"""Annotation by hand: what the mouse and keys do is on the disk when the gesture ends."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QMenu

from hipcad_desktop.domain.anatomy import FractureType, ImageHalf, SideSource
from hipcad_desktop.domain.annotation import ExclusionReason, Verdict
from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.halving import halve_by_rectangles
from hipcad_desktop.domain.messages import sentence
from hipcad_desktop.domain.radiograph import PatientFacts
from hipcad_desktop.imaging.hip_image import hip_image
from hipcad_desktop.workflows import annotate as annotate_workflow
from tests.gui.conftest import Desk

SHIFT, CONTROL = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier


def corners(desk: Desk, row: int = 0, index: int = 0) -> tuple[float, float, float, float]:
    answer = desk.answer(row)
    assert answer is not None
    r = answer.findings[index].rectangle
    return r.x, r.y, r.x1, r.y1


def open_menu(desk: Desk) -> QMenu:
    """The one that is open; those closed before may still wait for their end."""
    return next(m for m in desk.window.findChildren(QMenu, "exclusion_menu") if m.isVisible())


def test_a_drawn_rectangle_is_a_saved_fracture(desk: Desk) -> None:
    desk.drag(30, 60, 60, 100)
    answer = desk.answer(0)
    assert answer is not None
    assert answer.verdict is Verdict.FRACTURE
    assert corners(desk) == pytest.approx((30, 60, 60, 100), abs=0.6)
    assert len(desk.revisions(0)) == 1


def test_a_rectangle_is_drawn_from_any_corner_and_cut_to_the_film(desk: Desk) -> None:
    desk.drag(60, 100, -30, -30)
    assert corners(desk) == pytest.approx((0, 0, 60, 100), abs=0.6)


def test_a_click_draws_nothing(desk: Desk) -> None:
    desk.drag(50, 50, 50.3, 50.3)
    assert desk.answer(0) is None
    assert desk.revisions(0) == []


def test_move_resize_and_delete(desk: Desk) -> None:
    desk.drag(30, 60, 60, 100)
    desk.drag(45, 80, 55, 70)
    assert corners(desk) == pytest.approx((40, 50, 70, 90), abs=1.2)
    desk.drag(70, 90, 80, 95)
    assert corners(desk) == pytest.approx((40, 50, 80, 95), abs=1.2)
    desk.drag(40, 70, 35, 70)
    assert corners(desk) == pytest.approx((35, 50, 80, 95), abs=1.2)
    desk.key(Qt.Key.Key_Delete)
    assert desk.answer(0) is None
    assert len(desk.revisions(0)) == 5
    assert "unread" in desk.window.statusBar().currentMessage()


def test_a_rectangle_cannot_leave_the_film(desk: Desk) -> None:
    desk.drag(30, 60, 60, 100)
    desk.drag(45, 80, -200, -200)
    assert corners(desk) == pytest.approx((0, 0, 30, 40), abs=0.6)


def test_arrow_keys_nudge_and_one_stroke_is_one_revision(desk: Desk) -> None:
    desk.drag(30, 60, 60, 100)
    x, y, *_ = corners(desk)
    view = desk.window.annotate.view
    QTest.keyPress(view, Qt.Key.Key_Right)
    QTest.keyPress(view, Qt.Key.Key_Right)
    QTest.keyPress(view, Qt.Key.Key_Right)
    QTest.keyRelease(view, Qt.Key.Key_Right)
    assert corners(desk)[:2] == pytest.approx((x + 3, y))
    desk.key(Qt.Key.Key_Down, SHIFT)
    assert corners(desk)[:2] == pytest.approx((x + 3, y + 10))
    assert len(desk.revisions(0)) == 3


def test_escape_takes_a_drag_back(desk: Desk) -> None:
    desk.drag(30, 60, 60, 100)
    view = desk.window.annotate.view
    QTest.mousePress(view, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, desk.at(45, 80))
    QTest.mouseMove(view, desk.at(80, 80))
    desk.key(Qt.Key.Key_Escape)
    QTest.mouseRelease(view, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, desk.at(80, 80))
    assert corners(desk) == pytest.approx((30, 60, 60, 100), abs=0.6)
    assert len(desk.revisions(0)) == 1


def test_several_rectangles_and_their_types(desk: Desk) -> None:
    desk.drag(30, 60, 60, 100)
    desk.drag(140, 60, 170, 100)
    panel = desk.window.annotate.panel
    rows = panel.findings.rows()
    assert [row._label.text() for row in rows] == ["1 · R", "2 · L"]
    QTest.mouseClick(rows[0], Qt.MouseButton.LeftButton)
    desk.key(Qt.Key.Key_3)
    answer = desk.answer(0)
    assert answer is not None
    assert [f.fracture_type for f in answer.findings] == [FractureType.GARDEN_III, None]
    rows[1].delete_asked.emit(1)
    answer = desk.answer(0)
    assert answer is not None
    assert [f.fracture_type for f in answer.findings] == [FractureType.GARDEN_III]


def test_moving_a_rectangle_keeps_its_type(desk: Desk) -> None:
    desk.drag(30, 60, 60, 100)
    desk.key(Qt.Key.Key_6)
    desk.drag(45, 80, 55, 80)
    answer = desk.answer(0)
    assert answer is not None
    assert answer.findings[0].fracture_type is FractureType.AO_31_A2


def test_keys_give_verdicts_and_turn_pages(desk: Desk) -> None:
    state = desk.window.state
    desk.key(Qt.Key.Key_N)
    desk.key(Qt.Key.Key_Space)
    desk.shown()
    assert state.current == desk.film(1)
    desk.key(Qt.Key.Key_U)
    desk.key(Qt.Key.Key_Space, SHIFT)
    assert state.current == desk.film(0)
    desk.key(Qt.Key.Key_Return)
    desk.shown()
    assert state.current == desk.film(2)
    desk.key(Qt.Key.Key_PageDown)
    desk.shown()
    assert state.current == desk.film(3)
    desk.key(Qt.Key.Key_PageDown)
    assert state.current == desk.film(3)
    verdicts = [a.verdict if (a := desk.answer(row)) else None for row in range(4)]
    assert verdicts == [Verdict.NO_FRACTURE, Verdict.UNSURE, None, None]
    assert desk.window.annotate.worklist.progress.text() == "2 of 4 films read"


def test_letters_in_the_search_field_are_letters(desk: Desk) -> None:
    worklist = desk.window.annotate.worklist
    worklist.search.setFocus()
    QTest.keyClicks(worklist.search, "nux film2")
    assert worklist.search.text() == "nux film2"
    assert desk.answer(0) is None
    worklist.search.setText("film2")
    assert worklist.table.model().rowCount() == 2  # film2 and the film looked at


def test_excluding_asks_for_the_reason(desk: Desk) -> None:
    desk.key(Qt.Key.Key_X)
    QTest.keyClick(open_menu(desk), Qt.Key.Key_2)
    answer = desk.answer(0)
    assert answer is not None
    assert answer.exclusion is ExclusionReason.SHAFT_FRACTURE
    desk.window.actions_by_name["exclude"].trigger()  # offscreen a closed popup leaves no window active for keys
    QTest.keyClick(open_menu(desk), Qt.Key.Key_4)
    bar = desk.window.annotate.bar
    assert bar.isVisible()
    QTest.keyClick(bar.field, Qt.Key.Key_Return)  # without words nothing happens
    QTest.keyClicks(bar.field, "nail in place")
    QTest.keyClick(bar.field, Qt.Key.Key_Return)
    assert not bar.isVisible()
    assert desk.window.focusWidget() is desk.window.annotate.view
    answer = desk.answer(0)
    assert answer is not None
    assert (answer.exclusion, answer.exclusion_text) == (ExclusionReason.OTHER, "nail in place")
    assert "nail in place" in desk.window.annotate.panel._reason.text()


def test_undo_and_redo_go_back_to_the_film(desk: Desk) -> None:
    window = desk.window
    desk.drag(30, 60, 60, 100)
    desk.look_at(2)
    desk.key(Qt.Key.Key_N)
    desk.saved()
    desk.look_at(3)
    desk.key(Qt.Key.Key_Z, CONTROL)
    desk.wait(lambda: window.state.current == desk.film(2))
    desk.shown()
    assert desk.answer(2) is None
    desk.key(Qt.Key.Key_Z, CONTROL)
    desk.wait(lambda: window.state.current == desk.film(0))
    desk.shown()
    assert desk.answer(0) is None
    desk.wait(lambda: not window.actions_by_name["undo"].isEnabled())
    desk.key(Qt.Key.Key_Z, CONTROL, SHIFT)
    desk.wait(lambda: window.annotate.tool.findings != ())
    assert corners(desk) == pytest.approx((30, 60, 60, 100), abs=0.6)
    desk.key(Qt.Key.Key_Y, CONTROL)
    desk.wait(lambda: window.state.current == desk.film(2))
    answer = desk.answer(2)
    assert answer is not None
    assert answer.verdict is Verdict.NO_FRACTURE


def test_sides_are_confirmed_and_mirrored(desk: Desk) -> None:
    desk_sides = desk.window.annotate.desk
    assert desk_sides.sides.source is SideSource.ASSUMED
    desk.key(Qt.Key.Key_S)
    assert desk_sides.sides.source is SideSource.READER
    assert desk.answer(0) is None  # kept until there is a verdict to save it with
    desk.key(Qt.Key.Key_N)
    answer = desk.answer(0)
    assert answer is not None
    assert answer.mirrored is False
    desk.key(Qt.Key.Key_S, SHIFT)
    answer = desk.answer(0)
    assert answer is not None
    assert answer.mirrored is True
    assert desk_sides.sides.mirrored


def test_halving_and_hip_images_are_live_and_as_exported(desk: Desk) -> None:
    mode = desk.window.annotate
    desk.drag(30, 60, 60, 100)
    desk.wait(lambda: mode.panel.previews.picture(ImageHalf.LEFT).has_picture())
    answer, size, film = desk.answer(0), mode.desk.size, mode.view.film
    assert answer is not None
    assert size is not None
    assert film is not None
    halving = halve_by_rectangles(size, [f.rectangle for f in answer.findings])
    assert mode.view.halving == halving
    image = mode.panel.previews.picture(ImageHalf.LEFT)._image
    assert image is not None
    shown = np.frombuffer(image.constBits(), np.uint8).reshape(380, image.bytesPerLine())[:, :380]
    desk.wait(lambda: bool((shown == hip_image(film.eight_bit, halving.left.window)).all()))
    assert [label.text() for label in mode.panel.previews._words.values()] == ["R: fracture", "L: no fracture"]


def test_the_halving_follows_the_drag(desk: Desk) -> None:
    view = desk.window.annotate.view
    desk.drag(30, 60, 60, 100)
    before = view.halving
    assert before is not None
    QTest.mousePress(view, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, desk.at(45, 80))
    QTest.mouseMove(view, desk.at(50, 80))
    QTest.mouseMove(view, desk.at(55, 80))
    assert view.halving is not None
    assert view.halving.line_px == pytest.approx(before.line_px + 10, abs=0.6)
    QTest.mouseRelease(view, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, desk.at(55, 80))


def test_no_fracture_is_halved_at_the_midline(desk: Desk) -> None:
    desk.key(Qt.Key.Key_N)
    halving = desk.window.annotate.view.halving
    assert halving is not None
    assert halving.line_px == 100
    assert halving.left.fracture is False


def test_a_film_that_cannot_be_halved_says_so_at_once(desk: Desk) -> None:
    desk.drag(30, 60, 150, 100)
    notice = desk.window.annotate.panel.halving_notice
    assert notice.isVisible()
    assert notice.words.startswith("The film cannot be halved")
    assert desk.window.annotate.view.halving is None
    assert desk.answer(0) is not None  # the reading is saved all the same


def test_no_answer_before_the_film_is_seen(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    path = Path(desk.window.state.films[3].path)
    path.unlink()
    desk.window.annotate.source.forget()
    desk.window.state.select(desk.film(3))
    desk.wait(lambda: "no such file" in desk.window.annotate._notice.text())
    desk.key(Qt.Key.Key_N)
    desk.window.annotate.commands.say(Verdict.NO_FRACTURE)
    assert desk.answer(3) is None


def test_a_film_that_comes_late_is_not_shown(desk: Desk) -> None:
    mode = desk.window.annotate
    waiting: list[Callable[[], None]] = []
    pool = desk.window.tasks.pool

    def later(what: str, call: Callable[[], object], **kwargs: object) -> None:
        waiting.append(lambda: pool(what, call, **kwargs))  # type: ignore[arg-type]

    mode.source.forget()
    desk.window.tasks.pool = later  # type: ignore[method-assign]
    desk.window.state.select(desk.film(1))
    desk.window.state.select(desk.film(2))
    desk.window.tasks.pool = pool  # type: ignore[method-assign]
    waiting[1]()
    desk.shown()
    waiting[0]()
    desk.wait(lambda: desk.film(1) in mode.source._kept)
    assert mode.view.film is not None
    assert mode.view.film.radiograph.film_id == desk.film(2)


def test_a_failed_save_is_loud_stays_and_can_be_tried_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    error = UserError(ErrorCode.DISK_FULL, path="/project", needed_mb=10)
    real = annotate_workflow.Session.save

    def full(*_args: object, **_kwargs: object) -> None:
        raise error

    monkeypatch.setattr(annotate_workflow.Session, "save", full)
    desk.drag(30, 60, 60, 100)
    window = desk.window
    desk.wait(lambda: window.unsaved.isVisible())
    assert sentence(error) in window.unsaved.words
    assert "not saved" in window.saved.text()
    desk.look_at(1)
    assert window.unsaved.isVisible()
    monkeypatch.setattr(annotate_workflow.Session, "save", real)
    window.binding.save_again()
    desk.wait(lambda: not window.unsaved.isVisible())
    assert desk.answer(0) is not None


def test_hiding_marks_shows_the_bone_alone(desk: Desk) -> None:
    view = desk.window.annotate.view
    plain = view.grab().toImage()
    desk.drag(30, 60, 60, 100)
    assert view.grab().toImage() != plain
    desk.key(Qt.Key.Key_H)
    assert view.grab().toImage() == plain


def test_another_reader_starts_with_nothing(desk: Desk) -> None:
    desk.key(Qt.Key.Key_N)
    desk.saved()
    desk.window.binding.change_reader("B. Surgeon")
    desk.wait(lambda: desk.window.state.reader == "B. Surgeon")
    assert desk.window.state.read_count() == 0
    desk.window.binding.change_reader("A. Surgeon")
    desk.wait(lambda: desk.window.state.read_count() == 1)


def test_a_focused_button_keeps_its_keys(desk: Desk) -> None:
    desk.drag(30, 60, 60, 100)
    before = desk.window.state.current
    button = desk.window.annotate.panel.as_shown
    button.setFocus()
    QTest.keyClick(button, Qt.Key.Key_Space)
    assert desk.window.state.current == before
    assert desk.window.annotate.desk.mirrored is False


def test_the_patient_stands_above_the_film_and_goes_with_it(desk: Desk) -> None:
    header = desk.window.annotate.header
    header.show_patient(PatientFacts(name="Yamada^Taro", birth_date="19400102", sex="M"))
    assert header._patient.text() == "Yamada Taro   M   born 1940-01-02"
    desk.window.state.select(desk.film(1))
    assert "Yamada" not in header._patient.text()
