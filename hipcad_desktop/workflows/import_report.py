"""What came of an import, a line a file: for the screen, and as a table. Nothing that stands inside the films."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path

from hipcad_desktop.domain.messages import sentence
from hipcad_desktop.workflows.import_films import ImportSummary
from hipcad_desktop.workflows.write_whole import write_whole

COLUMNS = ("outcome", "file", "why")
FORMULA = ("=", "+", "-", "@", "\t")  # a spreadsheet would compute a cell that begins so


@dataclass(frozen=True, slots=True)
class ReportLine:
    """One file that was not simply taken. file: its path; several, joined, where one film has several patients."""

    outcome: str  # "refused", "same film, several patients" or "passed over"
    file: str
    why: str


def report_lines(summary: ImportSummary) -> list[ReportLine]:
    """Refused, then doubtful, then passed over."""
    lines = [ReportLine("refused", path, _without_path(sentence(error), path)) for path, error in summary.refused]
    same = "The same film under several patients: they stay in one partition."
    lines += [ReportLine("same film, several patients", pair, same) for pair in summary.duplicates]
    none = "Passed over: no film by its name and its first bytes."
    return lines + [ReportLine("passed over", path, none) for path in summary.passed_over]


def save_report(summary: ImportSummary, path: Path) -> int:
    """Write the counts and all lines as CSV, whole or not at all; the number of rows.

    File names stand as they are on the disk. Raises UserError FOLDER_NOT_WRITABLE or DISK_FULL.
    """
    rows = [
        ("imported", "", str(summary.imported)),
        ("already there", "", str(summary.already)),
        ("imported without a patient", "", str(summary.without_patient)),
        *((line.outcome, line.file, line.why) for line in report_lines(summary)),
    ]
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    writer.writerows([f"'{cell}" if cell.startswith(FORMULA) else cell for cell in row] for row in rows)
    # With a byte order mark: Excel takes Japanese file names for another encoding without it.
    write_whole(path, text.getvalue().encode("utf-8-sig", "replace"))
    return len(rows)


def _without_path(words: str, path: str) -> str:
    rest = words.removeprefix(path).removeprefix(":").strip()
    return rest[:1].upper() + rest[1:]
