"""Keys a person chooses: in force at once, kept, conflicts named, and shown wherever a key is shown."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel

from hipcad_desktop.domain.annotation import Verdict
from hipcad_desktop.gui import settings as settings_of
from hipcad_desktop.gui.dialogs.help import CheatSheet
from hipcad_desktop.gui.keymap import GROUP, Keymap
from hipcad_desktop.gui.keys_dialog import KeysDialog
from tests.gui.conftest import Desk


def keys_dialog(desk: Desk) -> KeysDialog:
    desk.window.actions_by_name["set_keys"].trigger()
    dialog = desk.window.findChild(KeysDialog)
    assert isinstance(dialog, KeysDialog)
    return dialog


def choose(dialog: KeysDialog, name: str, key: Qt.Key, held: Qt.KeyboardModifier | None = None) -> None:
    dialog.select(name)
    QTest.mouseClick(dialog.change, Qt.MouseButton.LeftButton)
    QTest.keyClick(dialog.catcher, key, held or Qt.KeyboardModifier.NoModifier)


def test_a_chosen_key_works_at_once_is_shown_and_is_kept(desk: Desk) -> None:
    dialog = keys_dialog(desk)
    choose(dialog, "unsure", Qt.Key.Key_F8)
    dialog.accept()
    panel = desk.window.annotate.panel
    assert panel.verdicts[Verdict.UNSURE]._key.text() == "F8"
    assert "(F8)" in panel.verdicts[Verdict.UNSURE].toolTip()
    desk.window.activateWindow()
    desk.window.annotate.take_focus()
    desk.key(Qt.Key.Key_U)
    assert desk.answer(0) is None
    desk.key(Qt.Key.Key_F8)
    answer = desk.answer(0)
    assert answer is not None
    assert answer.verdict is Verdict.UNSURE
    desk.window.settings.sync()
    assert Keymap(settings_of.open_settings()).keys("unsure") == ("F8",)
    sheet = CheatSheet(desk.window, desk.window.keymap.table())
    assert "F8" in [label.text() for label in sheet.findChildren(QLabel)]


def test_a_conflict_is_named_and_decided(desk: Desk) -> None:
    dialog = keys_dialog(desk)
    choose(dialog, "unsure", Qt.Key.Key_N)
    assert "“No fracture”" in dialog.conflict.words
    QTest.mouseClick(dialog.keep, Qt.MouseButton.LeftButton)
    assert desk.window.keymap.keys("no_fracture") == ("N",)
    assert desk.window.keymap.keys("unsure") == ("U",)
    choose(dialog, "unsure", Qt.Key.Key_N)
    QTest.mouseClick(dialog.give, Qt.MouseButton.LeftButton)
    assert desk.window.keymap.keys("no_fracture") == ()
    assert desk.window.actions_by_name["no_fracture"].shortcuts() == []
    assert desk.window.keymap.keys("unsure") == ("N",)
    dialog.select("unsure")
    QTest.mouseClick(dialog.reset, Qt.MouseButton.LeftButton)
    dialog.select("no_fracture")
    QTest.mouseClick(dialog.reset, Qt.MouseButton.LeftButton)
    assert desk.window.keymap.keys("no_fracture") == ("N",)
    assert not desk.window.settings.childGroups() or GROUP not in desk.window.settings.childGroups()
    dialog.accept()


def test_keys_of_other_modes_are_no_conflict(desk: Desk) -> None:
    keymap = desk.window.keymap
    assert keymap.keys("take_1") == keymap.keys("type_1") == ("1",)
    assert keymap.holder("take_1", "N") is not None  # agreed: no fracture
    assert keymap.holder("type_1", "Ctrl+1") is not None  # of the whole window


def test_keys_that_the_film_needs_are_refused_and_escape_leaves_it(desk: Desk) -> None:
    dialog = keys_dialog(desk)
    choose(dialog, "invert", Qt.Key.Key_Left)
    assert "stays as it is" in dialog.conflict.words
    QTest.keyClick(dialog.catcher, Qt.Key.Key_Shift)
    assert desk.window.keymap.keys("invert") == ("I",)
    choose(dialog, "invert", Qt.Key.Key_Escape)
    assert dialog.isVisible()
    assert desk.window.keymap.keys("invert") == ("I",)
    choose(dialog, "invert", Qt.Key.Key_F7)
    assert desk.window.keymap.keys("invert") == ("F7",)
    choose(dialog, "fit", Qt.Key.Key_Tab, Qt.KeyboardModifier.ControlModifier)
    assert desk.window.keymap.keys("fit") == ("Ctrl+Tab",)
    QTest.mouseClick(dialog.reset_all, Qt.MouseButton.LeftButton)
    assert desk.window.keymap.keys("invert") == ("I",)
    assert not desk.window.keymap.is_own("fit")
    dialog.accept()


def test_space_follows_its_command(desk: Desk) -> None:
    desk.window.keymap.give("no_fracture", "Space")
    from hipcad_desktop.gui import actions

    actions.set_keys(desk.window.actions_by_name, desk.window.keymap.table())
    desk.key(Qt.Key.Key_Space)
    answer = desk.answer(0)
    assert answer is not None
    assert answer.verdict is Verdict.NO_FRACTURE
    assert desk.window.state.current == desk.film(0)


def test_settings_edited_by_hand_do_no_harm(desk: Desk) -> None:
    settings = desk.window.settings
    for name, value in (("unsure", "no json"), ("fit", '{"a": 1}'), ("invert", '["", "P"]'), ("never", '["Q"]')):
        settings.setValue(f"{GROUP}/{name}", value)
    keymap = Keymap(settings)
    assert keymap.keys("unsure") == ("U",)
    assert keymap.keys("fit") == ("F",)
    assert keymap.keys("invert") == ("P",)


def test_the_search_finds_commands_and_keys(desk: Desk) -> None:
    dialog = keys_dialog(desk)
    QTest.keyClicks(dialog.search, "sign")
    names = [dialog.table.item(y, 0).text() for y in range(dialog.table.rowCount())]
    assert "Sign the reading" in names
    assert len(names) < 6
    QTest.keyClick(dialog.search, Qt.Key.Key_Return)  # presses no button
    assert dialog.isVisible()
    dialog.accept()
