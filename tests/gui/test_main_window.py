"""The window as a whole: what is where, what imports and exports tell, and that it leaves cleanly."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QColor, QDropEvent, QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog, QLabel, QMessageBox
from pytestqt.qtbot import QtBot

from hipcad_desktop.app.paths import resource
from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.gui import actions, theme
from hipcad_desktop.gui.dialogs.export import ExportDialog
from hipcad_desktop.gui.dialogs.help import CheatSheet
from hipcad_desktop.gui.dialogs.summary import SummaryDialog
from hipcad_desktop.gui.dialogs.trouble import BugDialog, bug_report
from hipcad_desktop.gui.main_window import MainWindow
from hipcad_desktop.workflows.annotate import Session
from hipcad_desktop.workflows.open_project import open_project
from tests.fakes.project_films import write_films
from tests.gui.conftest import READER, Desk


def dialog(desk: Desk, kind: type) -> object:
    desk.wait(lambda: desk.window.findChild(kind) is not None)
    return desk.window.findChild(kind)


def words(widget: object) -> str:
    assert hasattr(widget, "findChildren")
    return "\n".join(label.text() for label in widget.findChildren(QLabel))


# tables


def test_no_key_means_two_things() -> None:
    for scope in ("annotate", "review"):
        heard = [a for a in actions.ACTIONS if a.scope in ("window", scope)]
        keys = Counter(QKeySequence(k).toString() for a in heard for k in a.keys)
        assert [k for k, n in keys.items() if n > 1] == []


def test_every_command_has_a_menu_an_icon_that_exists_and_works(empty_window: MainWindow) -> None:
    for entry in actions.ACTIONS:
        assert entry.menu in actions.MENUS
        assert not entry.icon or resource("icons", f"{entry.icon}.svg").is_file()
    assert set(empty_window.actions_by_name) == {a.name for a in actions.ACTIONS}


def test_the_cheat_sheet_names_every_key(empty_window: MainWindow) -> None:
    text = words(CheatSheet(empty_window, empty_window.keymap.table()))
    for entry in actions.ACTIONS:
        if entry.keys:
            assert entry.text.rstrip("…") in text
    for gesture in actions.GESTURES:
        assert gesture.text in text


def luminance(colour: str) -> float:
    def linear(share: float) -> float:
        return share / 12.92 if share <= 0.03928 else ((share + 0.055) / 1.055) ** 2.4

    c = QColor(colour)
    return 0.2126 * linear(c.redF()) + 0.7152 * linear(c.greenF()) + 0.0722 * linear(c.blueF())


def contrast(a: str, b: str) -> float:
    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("palette", theme.PALETTES.values(), ids=lambda p: p.name)
def test_words_can_be_read_on_every_ground(palette: theme.Palette) -> None:
    grounds = (palette.window, palette.surface, palette.raised)
    for ground in grounds:
        for colour in ("text", "muted", "accent", "fracture", "doubt", "no_fracture", "danger", "warning", "ok"):
            assert contrast(getattr(palette, colour), ground) >= 4.5, (colour, ground)
    for ground in (
        palette.selection,
        palette.hover,
        palette.danger_ground,
        palette.warning_ground,
        palette.info_ground,
    ):
        assert contrast(palette.text, ground) >= 4.5
    assert contrast(palette.on_accent, palette.accent) >= 4.5
    for mark in (theme.FILM_AMBER, theme.FILM_TEXT, theme.FILM_FINDING, theme.FILM_LINE):
        assert contrast(mark, theme.FILM_GROUND) >= 4.5


# the window


def test_research_use_is_always_said(desk: Desk) -> None:
    assert "Research use only" in desk.window.windowTitle()
    assert "Research use only" in words(desk.window.statusBar())


def test_the_first_page_leads_on(empty_window: MainWindow) -> None:
    assert empty_window.modes.currentWidget() is empty_window.start_page
    assert not empty_window.actions_by_name["export_dataset"].isEnabled()


def test_a_project_that_is_none_says_so_and_changes_nothing(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    desk.window.commands.open_path(tmp_path / "other")
    box = dialog(desk, QMessageBox)
    assert isinstance(box, QMessageBox)
    assert "not a HipCAD project" in box.text()
    box.accept()
    assert desk.window.state.path == desk.folder


def test_the_theme_can_be_changed_while_working(desk: Desk) -> None:
    action = desk.window.actions_by_name["light_theme"]
    action.setChecked(True)
    assert theme.current().name == "light"
    desk.window.grab()
    action.setChecked(False)
    assert theme.current().name == "dark"


def test_modes_are_made_on_first_use(desk: Desk) -> None:
    for name in ("mode_train", "mode_diagnose"):
        assert desk.window.modes.made(name) is None
        desk.window.actions_by_name[name].trigger()
        assert desk.window.modes.currentWidget() is desk.window.modes.made(name)
    desk.window.actions_by_name["mode_annotate"].trigger()
    assert desk.window.modes.currentWidget() is desk.window.annotate


# import and export


def test_an_import_is_never_silent(desk: Desk, tmp_path: Path) -> None:
    films = write_films(tmp_path / "more", 6)
    (tmp_path / "more" / "letter.jpg").write_text("no film")
    (tmp_path / "more" / "notes.txt").write_text("no film")
    desk.window.commands.import_paths([films[0].parent, tmp_path / "more" / "letter.jpg"])
    summary = dialog(desk, SummaryDialog)
    assert isinstance(summary, SummaryDialog)
    assert "2 films imported." in summary.words.text()
    assert "4 films already in the project" in summary.words.text()
    rows = {summary.table.item(y, 0).text() for y in range(summary.table.rowCount())}
    assert {"letter.jpg", "notes.txt"} <= rows
    assert len(desk.window.state.films) == 6
    summary.reject()


def test_an_import_can_be_cancelled(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_films(tmp_path / "more", 60)
    desk.window.tasks.work_started.connect(lambda work: work.cancel())
    desk.window.commands.import_paths([tmp_path / "more"])
    desk.wait(lambda: "Import cancelled" in desk.window.statusBar().currentMessage())
    assert len(desk.window.state.films) < 64
    desk.wait(lambda: not desk.window.work_bar.isVisible())


def test_dropped_films_are_imported(desk: Desk, tmp_path: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(p)) for p in write_films(tmp_path / "drop", 5)])
    event = QDropEvent(
        QPointF(400, 300), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    )
    desk.window.dropEvent(event)
    summary = dialog(desk, SummaryDialog)
    assert isinstance(summary, SummaryDialog)
    assert len(desk.window.state.films) == 5
    summary.reject()


def test_import_without_a_project_asks_for_a_new_one(
    qtbot: QtBot, empty_window: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    films = write_films(tmp_path / "films", 2)
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(tmp_path / "fresh"))
    empty_window.commands.import_paths(films)
    qtbot.waitUntil(lambda: empty_window.findChild(SummaryDialog) is not None, timeout=15000)
    assert empty_window.state.path == tmp_path / "fresh"
    assert len(empty_window.state.films) == 2
    empty_window.findChild(SummaryDialog).reject()


def test_export_tells_what_came_out_and_what_did_not(desk: Desk, tmp_path: Path) -> None:
    desk.drag(30, 60, 60, 100)
    desk.look_at(1)
    desk.key(Qt.Key.Key_N)
    desk.saved()
    desk.window.actions_by_name["export_dataset"].trigger()
    export = dialog(desk, ExportDialog)
    assert isinstance(export, ExportDialog)
    export.folder.setText(str(tmp_path / "dataset"))
    trained: list[object] = []
    desk.window.commands.train_asked.connect(trained.append)
    export.start.click()
    desk.wait(lambda: export._pages.currentIndex() == 2)
    manifest = json.loads((tmp_path / "dataset" / "dataset.json").read_text("utf-8"))
    assert "2 films, 4 hips" in export.result_words.text()
    assert "2 films not exported" in export.result_words.text()
    assert len(manifest["not_exported"]) == 2
    assert "2 of the films without squares about the hips" in export.result_words.text()
    assert {n["code"] for n in manifest["without_squares"]} == {"not_halved_no_hips"}
    desk.window.commands.train_asked.disconnect(desk.window.modes.train_on)
    export.train.click()
    assert trained == [tmp_path / "dataset"]


def test_export_into_a_full_folder_says_so_and_stays(desk: Desk, tmp_path: Path) -> None:
    desk.key(Qt.Key.Key_N)
    desk.saved()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    desk.window.actions_by_name["export_dataset"].trigger()
    export = dialog(desk, ExportDialog)
    assert isinstance(export, ExportDialog)
    export.folder.setText(str(tmp_path / "full"))
    export.start.click()
    desk.wait(lambda: export.trouble.isVisible())
    assert "not empty" in export.trouble.words
    assert export._pages.currentIndex() == 0
    export.reject()


def test_shares_that_leave_nothing_to_train_on_are_refused(desk: Desk) -> None:
    export = ExportDialog(Path("x"), desk.window)
    export.partition.validation.setValue(60)
    export.partition.test.setValue(40)
    assert not export.start.isEnabled()


# trouble and the end


def test_a_bug_report_names_no_patient() -> None:
    def deep() -> None:
        patient = "Yamada Taro"
        raise ValueError(f"cannot read /films/{patient}.dcm")

    with pytest.raises(ValueError, match="cannot read") as caught:
        deep()
    report = bug_report(caught.value)
    assert "ValueError" in report
    assert "deep" in report
    assert "Yamada" not in report
    assert "/films" not in report


def test_a_bug_in_the_background_is_shown(desk: Desk) -> None:
    desk.window.tasks.pool("divide", lambda: 1 / 0)
    bug = dialog(desk, BugDialog)
    assert isinstance(bug, BugDialog)
    assert "ZeroDivisionError" in bug.report.toPlainText()
    bug.reject()


def test_closing_with_unsaved_answers_asks(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    error = UserError(ErrorCode.DISK_FULL, path="p", needed_mb=1)
    desk.window.state.save_ended(desk.film(0), None, error)
    asked: list[str] = []

    def cancel(_parent: object, _title: str, text: str, *_rest: object) -> QMessageBox.StandardButton:
        asked.append(text)
        return QMessageBox.StandardButton.Cancel

    monkeypatch.setattr(QMessageBox, "question", cancel)
    assert not desk.window.close()
    assert "1 answer" in asked[0]
    assert desk.window.isVisible()


def test_what_is_drawn_last_is_saved_on_the_way_out(desk: Desk) -> None:
    desk.drag(30, 60, 60, 100)
    film_id = desk.film(0)
    assert desk.window.close()
    with open_project(desk.folder) as project:
        assert Session(project, reader=READER).answer(film_id) is not None


PROGRAM = """
import sys
from pathlib import Path
from PySide6.QtCore import QTimer
from hipcad_desktop.gui.application import run
def ready(window):
    window.modes.worker("mode_train")
    QTimer.singleShot(int(sys.argv[2]), window.close)
sys.exit(run(Path(sys.argv[1]), [], ready=ready))
"""


@pytest.mark.parametrize("wait_ms", [0, 700])
def test_the_program_ends_cleanly(project_folder: Path, own_settings: Path, wait_ms: int) -> None:
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "HIPCAD_SETTINGS": str(own_settings)}
    command = [sys.executable, "-X", "dev", "-W", "ignore", "-c", PROGRAM, str(project_folder), str(wait_ms)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment, check=False)
    assert ended.returncode == 0, ended.stderr
    told = [line for line in ended.stderr.splitlines() if "propagateSizeHints" not in line and line.strip()]
    assert told == []


def test_the_window_does_not_wait_for_decoders_or_databases() -> None:
    code = "import sys, hipcad_desktop.gui.main_window; print(*sorted(set(sys.modules) & set(sys.argv[1:])))"
    heavy = ["pydicom", "sqlalchemy", "pyqtgraph", "imagecodecs", "torch", "onnxruntime", "PIL", "scipy"]
    found = subprocess.run([sys.executable, "-c", code, *heavy], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == ""


def test_the_work_bar_cancels(desk: Desk, tmp_path: Path) -> None:
    write_films(tmp_path / "more", 80)
    desk.window.commands.import_paths([tmp_path / "more"])
    desk.wait(lambda: desk.window.work_bar.isVisible())
    QTest.mouseClick(desk.window.work_bar.cancel, Qt.MouseButton.LeftButton)
    desk.wait(lambda: not desk.window.work_bar.isVisible())
    for summary in desk.window.findChildren(SummaryDialog):
        summary.reject()
