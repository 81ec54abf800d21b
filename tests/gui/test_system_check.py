"""Help > System check, with the real worker."""

from __future__ import annotations

from pytestqt.qtbot import QtBot

from hipcad_desktop.gui.dialogs.system_check import SystemCheck
from hipcad_desktop.gui.dialogs.table import WordTable
from hipcad_desktop.gui.worker_thread import Worker


def test_the_page_shows_what_the_doctor_finds(qtbot: QtBot) -> None:
    worker = Worker()
    page = SystemCheck(worker)
    qtbot.addWidget(page)
    page.show()
    qtbot.waitUntil(lambda: page.findChild(WordTable) is not None, timeout=60_000)
    table = page.findChild(WordTable)
    parts = [table.item(row, 1).text() for row in range(table.rowCount())]
    assert {"Codecs", "SQLite", "Disk"} <= set(parts)
    states = [table.item(row, 0).text() for row in range(table.rowCount())]
    assert all(table.item(row, 3).text() for row, state in enumerate(states) if "works" not in state)
    worker.stop()
    worker.join()
