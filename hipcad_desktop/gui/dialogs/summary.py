"""What came of an import: counts in words, and a table of everything that was not taken, with why."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QFileDialog, QLabel, QVBoxLayout, QWidget

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
        self.buttons = buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        close = buttons.button(QDialogButtonBox.StandardButton.Close)
        close.setDefault(True)
        close.setFocus()
        buttons.rejected.connect(self.reject)
        layout.addWidget(buttons)
        self.setMinimumWidth(460)
        if rows:
            self.resize(820, 460)


def import_summary(summary: ImportSummary, parent: QWidget | None) -> ImportReport:
    """Imported, already there, refused with why, passed over."""
    lines = [f"{_films(summary.imported)} imported."]
    if summary.already:
        lines.append(f"{_films(summary.already)} already in the project; nothing changed for them.")
    if summary.refused:
        lines.append(f"{_films(len(summary.refused))} could not be taken; the table says why.")
    if summary.passed_over:
        lines.append(f"{_count(len(summary.passed_over), 'file')} passed over, because no film is in them.")
    if summary.duplicates:
        lines.append(f"{_films(len(summary.duplicates))} under more than one patient; the table names them.")
    if summary.without_patient:
        lines.append(
            f"{_films(summary.without_patient)} without a patient in the file: each counts as a patient of its own. "
            "Where several films are of one patient, import them again with a table of patients."
        )
    from hipcad_desktop.workflows.import_report import report_lines

    rows = [(_name(line.file), line.why, line.file) for line in report_lines(summary)]
    return ImportReport(summary, lines, rows, parent)


class ImportReport(SummaryDialog):
    """The end of an import; it can be kept as a table."""

    save_asked = Signal(object, object)  # ImportSummary, Path

    def __init__(
        self,
        summary: ImportSummary,
        lines: Sequence[str],
        rows: Sequence[tuple[str, str, str]],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__("Import finished", lines, ("File", "What and why"), [row[:2] for row in rows], parent)
        self._summary = summary
        for y, (_, _, path) in enumerate(rows):
            item = self.table.item(y, 0)
            if item is not None:
                item.setToolTip(path)
        self.saved = QLabel()
        self.saved.setProperty("look", "muted")
        self.save = self.buttons.addButton("Save as table…", QDialogButtonBox.ButtonRole.ActionRole)
        self.save.setAutoDefault(False)
        self.save.setToolTip("Counts, file names and reasons as CSV; nothing that stands inside the films")
        self.save.clicked.connect(self._save)
        layout = self.layout()
        assert layout is not None
        layout.addWidget(self.saved)
        self.saved.hide()

    def show_saved(self, path: Path) -> None:
        """The table is written."""
        self.saved.setText(f"Saved: {path}")
        self.saved.show()

    def _save(self) -> None:
        path, _ = QFileDialog.getSaveFileName(self, "Report of the import", "import-report.csv", "Tables (*.csv)")
        if path:
            self.save_asked.emit(self._summary, Path(path))


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


def _name(path: str) -> str:
    return " = ".join(Path(part).name for part in path.split(" = "))
