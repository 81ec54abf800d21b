"""The table of an import: every file that was not simply taken, no cell that a spreadsheet computes."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.workflows.import_films import ImportSummary
from hipcad_desktop.workflows.import_report import COLUMNS, report_lines, save_report

BAD = "/films/股関節.dcm"
SUMMARY = ImportSummary(
    imported=5,
    already=2,
    refused=((BAD, UserError(ErrorCode.NOT_A_FILM, path=BAD)),),
    passed_over=("=1+1.txt",),
    without_patient=3,
    duplicates=("/a.dcm = /b.dcm",),
)


def test_the_table_holds_counts_and_reasons(tmp_path: Path) -> None:
    rows = save_report(SUMMARY, tmp_path / "report.csv")
    with (tmp_path / "report.csv").open(encoding="utf-8-sig", newline="") as file:
        read = list(csv.reader(file))
    assert read[0] == list(COLUMNS)
    assert len(read) == rows + 1
    assert [row[:2] for row in read[1:]] == [
        ["imported", ""],
        ["already there", ""],
        ["imported without a patient", ""],
        ["refused", BAD],
        ["same film, several patients", "/a.dcm = /b.dcm"],
        ["passed over", "'=1+1.txt"],
    ]
    assert [row[2] for row in read[1:4]] == ["5", "2", "3"]
    assert read[4][2].startswith("Neither DICOM")


def test_every_file_has_its_line() -> None:
    assert [line.file for line in report_lines(SUMMARY)] == [BAD, "/a.dcm = /b.dcm", "=1+1.txt"]


def test_a_table_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(UserError) as raised:
        save_report(SUMMARY, tmp_path / "file" / "report.csv")
    assert raised.value.code is ErrorCode.FOLDER_NOT_WRITABLE
