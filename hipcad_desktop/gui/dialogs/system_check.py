"""What works on this machine, part by part: `hipcad doctor` as a page. Looked up by the worker, beside the window."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QDialog, QDialogButtonBox, QLabel, QPushButton, QVBoxLayout, QWidget

from hipcad_desktop.domain.jobs import Failed, Finished, Job
from hipcad_desktop.gui.dialogs.table import WordTable
from hipcad_desktop.gui.worker_thread import Worker

STATES: Mapping[str, str] = {"ok": "✓ works", "warn": "! look at it", "bad": "✕ does not work"}


class SystemCheck(QDialog):
    """A table of parts, what was found and what to do; can be copied for whoever looks after the machine."""

    def __init__(self, worker: Worker, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("System check")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(900, 460)
        self._job = f"doctor-{uuid.uuid4().hex[:8]}"
        self._lines = ""
        self.said = QLabel("Looking at every part; this takes a few seconds …")
        self._copy = QPushButton("Copy")
        self._copy.setEnabled(False)
        self._copy.clicked.connect(lambda: QApplication.clipboard().setText(self._lines))
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.addButton(self._copy, QDialogButtonBox.ButtonRole.ActionRole)
        buttons.rejected.connect(self.reject)
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(24, 18, 24, 16)
        self._layout.addWidget(self.said)
        self._layout.addStretch(1)
        self._layout.addWidget(buttons)
        worker.event_received.connect(self._on_event)
        worker.submit(Job(self._job, "doctor"))

    def _on_event(self, event: object) -> None:
        if isinstance(event, Finished) and event.job == self._job:
            self._show(event.facts["checks"])
        elif isinstance(event, Failed) and event.job == self._job:
            self.said.setText("The check itself failed. `hipcad doctor` on the command line says more.")

    def _show(self, checks: Sequence[Mapping[str, Any]]) -> None:
        rows = [[STATES[c["state"]], c["name"], c["found"], c["remedy"]] for c in checks]
        troubles = sum(c["state"] != "ok" for c in checks)
        self.said.setText("Everything works." if not troubles else f"{troubles} of {len(rows)} parts need a look.")
        self._lines = "\n".join("\t".join(row) for row in rows)
        self._copy.setEnabled(True)
        table = WordTable(["State", "Part", "Found", "What to do"], rows, self)
        for column, width in enumerate((130, 140, 330)):
            table.setColumnWidth(column, width)
        self._layout.takeAt(1)
        self._layout.insertWidget(1, table, 1)
