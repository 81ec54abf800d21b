"""The audit trail: is the chain whole, the last entries, and all of it as CSV."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from hipcad_desktop.gui.dialogs.table import WordTable
from hipcad_desktop.gui.widgets.notice import Notice

if TYPE_CHECKING:
    from hipcad_desktop.workflows.audit import AuditReport

LAST = 200
COLUMNS = ("No.", "When (UTC)", "Who", "What was done", "On", "Old", "New", "Why")
WIDTHS = (56, 160, 130, 110, 170, 150, 150)
HIDDEN = "hidden while blinded"


class Entry(Protocol):
    """A row of the trail, as far as it is shown. old and new are JSON, or empty."""

    @property
    def number(self) -> int: ...
    @property
    def utc(self) -> str: ...
    @property
    def who(self) -> str: ...
    @property
    def action(self) -> str: ...
    @property
    def what(self) -> str: ...
    @property
    def old(self) -> str: ...
    @property
    def new(self) -> str: ...
    @property
    def why(self) -> str: ...


class AuditPage(QWidget):
    """While blinded the contents of entries stay hidden, and the CSV is not written: both hold answers."""

    verify_asked = Signal()
    export_asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.verify = QPushButton("Verify the chain")
        self.verify.setProperty("look", "primary")
        self.verify.clicked.connect(self.verify_asked)
        self.export = QPushButton("Export as CSV…")
        self.export.clicked.connect(self.export_asked)
        self.found = Notice()
        self.head = QLabel()
        self.head.setProperty("look", "muted")
        self.head.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.head.setWordWrap(True)
        self.count = QLabel()
        self.count.setProperty("look", "muted")
        self.table = WordTable(COLUMNS, ())
        self.table.setWordWrap(False)
        for column, width in enumerate(WIDTHS):
            self.table.setColumnWidth(column, width)
        row = QHBoxLayout()
        row.addWidget(self.verify)
        row.addWidget(self.export)
        row.addStretch(1)
        row.addWidget(self.count)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 14, 16, 10)
        layout.setSpacing(10)
        layout.addLayout(row)
        layout.addWidget(self.found)
        layout.addWidget(self.head)
        layout.addWidget(self.table, 1)
        self.head.hide()

    def show_entries(self, entries: Sequence[Entry], *, blinded: bool, file_names: Mapping[str, str]) -> None:
        """The last ones, newest first."""
        last = entries[-LAST:][::-1]
        self.table.show_rows(
            [
                (
                    str(e.number),
                    e.utc[:19].replace("T", " "),
                    e.who,
                    e.action,
                    file_names.get(e.what, e.what[:12]),
                    *(HIDDEN if blinded and text else text for text in (content(e.old), content(e.new), e.why)),
                )
                for e in last
            ]
        )
        shown = f", the last {len(last)} shown" if len(entries) > len(last) else ""
        self.count.setText(f"{len(entries)} entries{shown}")
        self.export.setEnabled(not blinded)
        self.export.setToolTip(
            "It holds answers: only after the blinded phase" if blinded else "Every entry and its hash"
        )

    def show_report(self, report: AuditReport) -> None:
        """What the check found."""
        if report.whole:
            self.found.say(f"Whole: {report.rows} entries, none changed, removed or reordered.", "info")
        else:
            self.found.say("Not whole: " + "; ".join(report.problems) + ". Compare with a backup.", "error")
        self.head.setText(f"Last hash, to write down elsewhere: {report.head}")
        self.head.show()

    def forget(self) -> None:
        """Another project."""
        self.found.say("")
        self.head.hide()


def content(text: str) -> str:
    """Old or new in a few words: an answer by its verdict and rectangles; anything else as it is."""
    try:
        value = json.loads(text) if text else ""
    except ValueError:
        return text
    if isinstance(value, dict) and "answer" in value:
        value = value["answer"]
        if value is None:
            return "withdrawn"
    if isinstance(value, dict) and "signed_utc" in value:
        return "signed"
    if not isinstance(value, dict) or "verdict" not in value:
        return "unread" if text == "null" else (value if isinstance(value, str) else text)
    count = len(value.get("findings", ()))
    rectangles = f", {count} rectangle{'s' if count > 1 else ''}" if count else ""
    return str(value["verdict"]).replace("_", " ") + rectangles
