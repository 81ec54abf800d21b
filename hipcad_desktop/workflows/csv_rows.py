"""Tables that people write: CSV with a header, comma between, UTF-8 with or without a byte order mark."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hipcad_desktop.domain.errors import ErrorCode, UserError

MAX_BYTES = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class CsvRow:
    """One row: the line of the file it begins in, and its values by column, without blanks around them."""

    line: int
    values: Mapping[str, str]

    def get(self, column: str) -> str:
        """The value; "" where the file has no such column."""
        return self.values.get(column, "")


@dataclass(frozen=True, slots=True)
class CsvFile:
    """The columns (lower case) and the rows that are not empty."""

    columns: tuple[str, ...]
    rows: tuple[CsvRow, ...]


def read_csv(path: Path, *, required: Sequence[str], bad: ErrorCode) -> CsvFile:
    """Read a table. Raises UserError FILE_MISSING, NOT_A_REGULAR_FILE, or `bad` with path and detail."""
    text = _text(path, bad)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows: list[CsvRow] = []
    try:
        header = [name.strip().lower() for name in next(reader, [])]
        _check_header(header, path, required=required, bad=bad)
        line = reader.line_num + 1
        for cells in reader:
            if any(c.strip() for c in cells):
                if len(cells) > len(header) and any(c.strip() for c in cells[len(header) :]):
                    raise UserError(bad, path=str(path), detail=f"line {line} has more cells than there are columns")
                rows.append(CsvRow(line, {n: c.strip() for n, c in zip(header, cells, strict=False)}))
            line = reader.line_num + 1
    except csv.Error as error:
        raise UserError(bad, path=str(path), detail=f"line {reader.line_num}: {error}") from error
    return CsvFile(tuple(header), tuple(rows))


def _text(path: Path, bad: ErrorCode) -> str:
    if not path.exists():
        raise UserError(ErrorCode.FILE_MISSING, path=str(path))
    if not path.is_file():
        raise UserError(ErrorCode.NOT_A_REGULAR_FILE, path=str(path))
    try:
        if path.stat().st_size > MAX_BYTES:
            raise UserError(bad, path=str(path), detail="the file is larger than 256 MB")
        data = path.read_bytes()
    except OSError as error:
        raise UserError(bad, path=str(path), detail=error.strerror or "it cannot be read") from error
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UserError(bad, path=str(path), detail=f"line {line} is not UTF-8; save it as CSV UTF-8") from error


def _check_header(header: Sequence[str], path: Path, *, required: Sequence[str], bad: ErrorCode) -> None:
    if not any(header):
        raise UserError(bad, path=str(path), detail="the file is empty")
    missing = [name for name in required if name not in header]
    if missing and any(";" in name or "\t" in name for name in header):
        raise UserError(bad, path=str(path), detail="the columns have to be separated by commas")
    if missing:
        raise UserError(bad, path=str(path), detail=f"no column {', '.join(missing)}")
    twice = {name for name in header if name and header.count(name) > 1}
    if twice:
        raise UserError(bad, path=str(path), detail=f"two columns {', '.join(sorted(twice))}")
