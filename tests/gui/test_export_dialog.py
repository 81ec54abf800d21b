"""The export dialog: fractures as readers found them, or made by program."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from hipcad_desktop.gui.dialogs.export import ExportDialog, SyntheticHips


@pytest.fixture
def dialog(qtbot: QtBot, tmp_path: Path) -> ExportDialog:
    made = ExportDialog(tmp_path / "dataset")
    qtbot.addWidget(made)
    made.show()
    return made


def asked(qtbot: QtBot, dialog: ExportDialog) -> list[object]:
    with qtbot.waitSignal(dialog.export_asked) as caught:
        qtbot.mouseClick(dialog.start, Qt.MouseButton.LeftButton)
    return list(caught.args or [])


def test_real_fractures_unless_chosen_otherwise(qtbot: QtBot, dialog: ExportDialog, tmp_path: Path) -> None:
    assert not dialog.hips.isVisible()
    to, _, seed, synthetic = asked(qtbot, dialog)
    assert (to, seed, synthetic) == (tmp_path / "dataset", 20200414, None)


def test_fractures_made_by_program(qtbot: QtBot, dialog: ExportDialog) -> None:
    qtbot.keyClick(dialog.fractures, Qt.Key.Key_Down)
    assert dialog.hips.isVisible()
    dialog.hips.setValue(640)
    assert dialog.broken.isVisible()
    assert asked(qtbot, dialog)[3] == SyntheticHips(640, 0.5)
    dialog.broken.setValue(35)
    assert asked(qtbot, dialog)[3] == SyntheticHips(640, 0.35)
    qtbot.keyClick(dialog.fractures, Qt.Key.Key_Up)
    assert not dialog.broken.isVisible()
    assert asked(qtbot, dialog)[3] is None
