"""What came of an import: counts in words, and a table of everything that was not taken, with why."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QLabel, QVBoxLayout, QWidget

from hipcad_desktop.domain.messages import sentence
from hipcad_desktop.gui.dialogs.table import WordTable

if TYPE_CHECKING:
    from hipcad_desktop.workflows.import_films import ImportSummary
    from hipcad_desktop.workflows.readings_table import ReadingsSummary


class SummaryDialog(QDialog):
    """A title, lines of words, and a table where there is something to list."""

    def __init__(
        self,
        title: str,
        lines: Sequence[str],
        columns: Sequence[str] = (),
        rows: Sequence[Sequence[str]] = (),
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        head = QLabel(title)
        head.setProperty("look", "title")
        self.words = QLabel("\n".join(lines))
        self.words.setWordWrap(True)
        self.words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(20, 16, 20, 16)
        layout.setSpacing(10)
        layout.addWidget(head)
        layout.addWidget(self.words)
        self.table = WordTable(columns, rows)
        self.table.setVisible(bool(rows))
        layout.addWidget(self.table, 1)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        close = buttons.button(QDialogButtonBox.StandardButton.Close)
        close.setDefault(True)
        close.setFocus()
        buttons.rejected.connect(self.reject)
        layout.addWidget(buttons)
        self.setMinimumWidth(460)
        if rows:
            self.resize(820, 460)


def import_summary(summary: ImportSummary, parent: QWidget | None) -> SummaryDialog:
    """Imported, already there, refused with why, passed over."""
    lines = [f"{_films(summary.imported)} imported."]
    if summary.already:
        lines.append(f"{_films(summary.already)} already in the project; nothing changed for them.")
    if summary.refused:
        lines.append(f"{_films(len(summary.refused))} could not be taken; the table says why.")
    if summary.passed_over:
        lines.append(f"{_count(len(summary.passed_over), 'file')} passed over, because no film is in them.")
    if summary.without_patient:
        lines.append(
            f"{_films(summary.without_patient)} without a patient in the file: each counts as a patient of its own. "
            "Where several films are of one patient, import them with a table of patients (hipcad import --patients)."
        )
    rows = [(Path(path).name, _without_path(sentence(error), path)) for path, error in summary.refused]
    rows += [(pair, "The same film under several patients: they stay in one partition.") for pair in summary.duplicates]
    rows += [(Path(path).name, "Passed over: no film by its name and its first bytes.") for path in summary.passed_over]
    return SummaryDialog("Import finished", lines, ("File", "What and why"), rows, parent)


def readings_summary(summary: ReadingsSummary, parent: QWidget | None) -> SummaryDialog:
    """Saved, unchanged, and the rows that were left out."""
    lines = [f"{_count(summary.saved, 'reading')} saved, {summary.unchanged} unchanged."]
    rows = [(str(error.facts.get("line", "")), sentence(error)) for error in summary.problems]
    if rows:
        lines.append(f"{_count(len(rows), 'problem')}; these rows were left out.")
    return SummaryDialog("Readings imported", lines, ("Line", "What and why"), rows, parent)


def _films(n: int) -> str:
    return _count(n, "film")


def _count(n: int, word: str) -> str:
    return f"{n} {word}{'' if n == 1 else 's'}"


def _without_path(words: str, path: str) -> str:
    rest = words.removeprefix(path).removeprefix(":").strip()
    return rest[:1].upper() + rest[1:]
