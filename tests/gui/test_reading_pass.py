"""One pass over a film with one hand on the keys: type, source, flags, signature; all of it on the disk at once."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QInputMethodEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMessageBox

from hipcad_desktop.domain.anatomy import FractureType
from hipcad_desktop.domain.annotation import Answer, DiagnosedFrom, FilmFlag, Verdict
from hipcad_desktop.workflows.annotate import Session
from hipcad_desktop.workflows.open_project import open_project
from tests.gui.conftest import READER, Desk

SHIFT, CONTROL = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier


def held(desk: Desk, row: int = 0) -> Answer:
    answer = desk.answer(row)
    assert answer is not None
    return answer


def type_reason(desk: Desk, words: str) -> None:
    bar = desk.window.annotate.bar
    desk.wait(bar.isVisible)
    QTest.keyClicks(bar.field, words)
    QTest.keyClick(bar.field, Qt.Key.Key_Return)
    desk.wait(lambda: not bar.isVisible())


@pytest.mark.parametrize("number", range(1, 9))
def test_a_number_is_a_type_and_again_is_none(desk: Desk, number: int) -> None:
    desk.drag(30, 60, 60, 100)
    kind = list(FractureType)[number - 1]
    desk.key(Qt.Key(Qt.Key.Key_0.value + number))
    assert held(desk).findings[0].fracture_type is kind
    assert desk.window.annotate.panel.types.chips[kind].isChecked()
    desk.key(Qt.Key(Qt.Key.Key_0.value + number))
    assert held(desk).findings[0].fracture_type is None


def test_a_type_belongs_to_the_selected_rectangle(desk: Desk) -> None:
    desk.key(Qt.Key.Key_1)
    assert "draw one first" in desk.window.statusBar().currentMessage()
    desk.drag(30, 60, 60, 100)
    desk.drag(140, 60, 170, 100)
    desk.key(Qt.Key.Key_5)
    desk.key(Qt.Key.Key_Escape)
    desk.key(Qt.Key.Key_2)
    assert "Which rectangle" in desk.window.statusBar().currentMessage()
    assert [f.fracture_type for f in held(desk).findings] == [None, FractureType.AO_31_A1]


def test_source_and_flags_by_keys_and_chips_each_a_revision(desk: Desk) -> None:
    desk.drag(30, 60, 60, 100)
    desk.key(Qt.Key.Key_C)
    desk.key(Qt.Key.Key_Q)
    panel = desk.window.annotate.panel
    QTest.mouseClick(panel.flags.chips[FilmFlag.OSTEOARTHRITIS], Qt.MouseButton.LeftButton)
    answer = held(desk)
    assert answer.diagnosed_from is DiagnosedFrom.CT_MRI
    assert answer.flags == {FilmFlag.IMPLANT_OTHER_HIP, FilmFlag.OSTEOARTHRITIS}
    assert len(desk.revisions(0)) == 4
    assert panel.sources.chips[DiagnosedFrom.CT_MRI].isChecked()
    QTest.mouseClick(panel.sources.chips[DiagnosedFrom.LATERAL], Qt.MouseButton.LeftButton)
    desk.key(Qt.Key.Key_Q)
    assert held(desk).diagnosed_from is DiagnosedFrom.LATERAL
    assert held(desk).flags == {FilmFlag.OSTEOARTHRITIS}
    assert desk.window.annotate.view.hasFocus()


def test_redrawing_keeps_what_was_said_of_the_film(desk: Desk) -> None:
    desk.drag(30, 60, 60, 100)
    desk.key(Qt.Key.Key_A)
    desk.key(Qt.Key.Key_T)
    desk.drag(45, 80, 55, 80)
    answer = held(desk)
    assert (answer.diagnosed_from, answer.flags) == (DiagnosedFrom.FRONTAL, {FilmFlag.OLD_PELVIC_FRACTURE})
    desk.key(Qt.Key.Key_N)
    assert (held(desk).diagnosed_from, held(desk).flags) == (None, {FilmFlag.OLD_PELVIC_FRACTURE})


def test_a_flag_before_the_verdict_waits_for_it_and_says_so(desk: Desk) -> None:
    desk.key(Qt.Key.Key_W)
    assert desk.revisions(0) == []
    assert desk.window.annotate.panel._flags_words.text() == "saved with the verdict"
    desk.key(Qt.Key.Key_U)
    assert held(desk).flags == {FilmFlag.SPINE_IMPLANT}


def test_what_is_asked_of_a_fracture_only_is_hidden_without_one(desk: Desk) -> None:
    panel = desk.window.annotate.panel
    assert not panel.types.isVisible()
    desk.drag(30, 60, 60, 100)
    assert panel.types.isVisible()
    desk.key(Qt.Key.Key_N)
    assert not panel.types.isVisible()


def test_everything_fits_the_smallest_window(desk: Desk) -> None:
    desk.window.resize(1060, 640)
    desk.drag(30, 60, 60, 100)
    panel = desk.window.annotate.panel
    for chips in (panel.types, panel.sources, panel.flags):
        for chip in chips.chips.values():
            assert chip.width() >= chip.sizeHint().width()
            assert not chip.visibleRegion().isEmpty()
    assert panel.sign_line.sign.isVisible()


def test_keys_work_with_an_input_method_on(desk: Desk) -> None:
    view = desk.window.annotate.view
    assert not view.testAttribute(Qt.WidgetAttribute.WA_InputMethodEnabled)
    QApplication.sendEvent(view, QInputMethodEvent())
    desk.key(Qt.Key.Key_N)
    assert held(desk).verdict is Verdict.NO_FRACTURE


def test_large_hips_tap_stays_and_hold_goes(desk: Desk) -> None:
    mode, view = desk.window.annotate, desk.window.annotate.view
    desk.drag(30, 60, 60, 100)
    desk.wait(lambda: mode.large_hips.pictures == 2)
    desk.key(Qt.Key.Key_V)
    assert mode.large_hips.isVisible()
    assert mode.large_hips.size() == view.size()
    desk.key(Qt.Key.Key_V)
    assert not mode.large_hips.isVisible()
    QTest.keyPress(view, Qt.Key.Key_V)
    assert mode.large_hips.isVisible()
    QTest.qWait(450)
    QTest.keyRelease(view, Qt.Key.Key_V)
    assert not mode.large_hips.isVisible()


def test_large_hips_follow_a_drag_below_them(desk: Desk) -> None:
    mode, view = desk.window.annotate, desk.window.annotate.view
    desk.drag(30, 60, 60, 100)
    desk.wait(lambda: mode.large_hips.pictures == 2)
    desk.key(Qt.Key.Key_V)
    before = mode.large_hips.grab().toImage()
    QTest.mousePress(view, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, desk.at(45, 80))
    QTest.mouseMove(view, desk.at(55, 80))
    QTest.mouseMove(view, desk.at(65, 80))
    desk.wait(lambda: mode.large_hips.grab().toImage() != before)
    QTest.mouseRelease(view, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, desk.at(65, 80))
    desk.key(Qt.Key.Key_N)
    assert held(desk).verdict is Verdict.NO_FRACTURE


# signing


def test_signing_shows_who_and_when(desk: Desk) -> None:
    line = desk.window.annotate.panel.sign_line
    desk.key(Qt.Key.Key_G)
    assert "no answer to sign" in desk.window.statusBar().currentMessage()
    desk.key(Qt.Key.Key_N)
    assert line.words == "Not signed yet"
    desk.key(Qt.Key.Key_G)
    desk.wait(lambda: line.words.startswith(f"✓ Signed by {READER}"))
    assert desk.revisions(0)[-1].signed_utc is not None
    assert desk.window.state.signed(desk.film(0))
    assert not line.sign.isEnabled()


def signed_film(desk: Desk) -> None:
    desk.drag(30, 60, 60, 100)
    desk.saved()
    desk.key(Qt.Key.Key_G)
    desk.wait(lambda: desk.window.state.signed(desk.film(0)))


def test_a_signed_reading_changes_with_a_reason_asked_once(desk: Desk) -> None:
    signed_film(desk)
    desk.key(Qt.Key.Key_3)
    desk.wait(desk.window.annotate.bar.isVisible)
    assert len(desk.revisions(0)) == 1
    assert "Waits for a reason" in desk.window.saved.text()
    type_reason(desk, "lateral film came")
    desk.saved()
    assert held(desk).findings[0].fracture_type is FractureType.GARDEN_III
    assert desk.revisions(0)[-1].reason == "lateral film came"
    assert "lateral film came" in desk.window.annotate.panel.sign_line.words
    desk.key(Qt.Key.Key_4)
    assert held(desk).findings[0].fracture_type is FractureType.GARDEN_IV
    assert not desk.window.annotate.bar.isVisible()


def test_without_a_reason_nothing_changes(desk: Desk) -> None:
    signed_film(desk)
    desk.key(Qt.Key.Key_N)
    bar = desk.window.annotate.bar
    desk.wait(bar.isVisible)
    QTest.keyClick(bar.field, Qt.Key.Key_Escape)
    assert desk.window.state.answer(desk.film(0)) == held(desk)
    assert held(desk).verdict is Verdict.FRACTURE
    assert len(desk.window.annotate.tool.findings) == 1
    assert desk.window.state.unreasoned is None
    desk.key(Qt.Key.Key_N)
    desk.wait(bar.isVisible)
    desk.look_at(1)  # leaving the film leaves the question unanswered
    assert not bar.isVisible()
    assert held(desk).verdict is Verdict.FRACTURE


def test_more_changes_before_the_reason_are_one_question(desk: Desk) -> None:
    signed_film(desk)
    bar = desk.window.annotate.bar
    desk.key(Qt.Key.Key_3)
    desk.wait(bar.isVisible)
    QTest.keyClicks(bar.field, "second look")
    desk.window.annotate.take_focus()
    desk.key(Qt.Key.Key_Q)
    desk.saved()
    assert bar.field.text() == "second look"
    QTest.keyClick(bar.field, Qt.Key.Key_Return)
    desk.saved()
    answer = held(desk)
    assert answer.findings[0].fracture_type is FractureType.GARDEN_III
    assert answer.flags == {FilmFlag.IMPLANT_OTHER_HIP}
    assert len(desk.revisions(0)) == 2


def test_undo_of_a_signed_reading_asks_too(desk: Desk) -> None:
    signed_film(desk)
    desk.key(Qt.Key.Key_Z, CONTROL)
    type_reason(desk, "drawn on the wrong film")
    desk.wait(lambda: desk.window.state.answer(desk.film(0)) is None)
    assert desk.revisions(0)[-1].reason == "drawn on the wrong film"


def test_sign_all_asks_once_and_signs_everything(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def yes(_parent: object, title: str, text: str, *_rest: object) -> QMessageBox.StandardButton:
        asked.append(title + text)
        return QMessageBox.StandardButton.Yes

    monkeypatch.setattr(QMessageBox, "question", yes)
    for row in (0, 1):
        desk.look_at(row)
        desk.key(Qt.Key.Key_N)
    desk.saved()
    desk.key(Qt.Key.Key_G, SHIFT)
    desk.wait(lambda: desk.window.state.signed_count() == 2)
    assert READER in asked[0]
    assert "2 answers" in asked[0]
    with open_project(desk.folder) as project:
        assert Session(project, reader=READER).sign_all() == 0


def test_closing_with_a_question_open_tells_what_is_lost(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    signed_film(desk)
    desk.key(Qt.Key.Key_N)
    desk.wait(desk.window.annotate.bar.isVisible)
    told: list[str] = []

    def cancel(_parent: object, _title: str, text: str, *_rest: object) -> QMessageBox.StandardButton:
        told.append(text)
        return QMessageBox.StandardButton.Cancel

    with monkeypatch.context() as patched:
        patched.setattr(QMessageBox, "question", cancel)
        assert not desk.window.close()
    assert "waits for its reason" in told[0]
    desk.window.annotate.bar.drop()


def test_the_worklist_marks_what_is_signed(desk: Desk) -> None:
    signed_film(desk)
    model = desk.window.annotate.worklist.table.model()
    words = [model.index(row, 0).data() for row in range(model.rowCount())]
    assert words[0] == "fracture ✓"
    assert not [w for w in words[1:] if "✓" in w]
