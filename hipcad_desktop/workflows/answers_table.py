"""Answers as a CSV table, one line a film, the most urgent first."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from hipcad_desktop.domain.anatomy import Side
from hipcad_desktop.domain.batch import BatchRow, HipRow
from hipcad_desktop.domain.triage import URGENCY_WORDS, place

COLUMNS = (
    "urgency", "file", "status", "right_state", "right_p_fracture", "left_state", "left_p_fracture", "sentence",
    "side_source", "midline_px", "film_sha256", "model", "model_sha256", "seconds", "seen_utc", "warnings", "answer",
    "notice",
)  # fmt: skip
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def answers_csv(rows: Iterable[BatchRow]) -> bytes:
    """The table as UTF-8 with the notice on each line; file names that are no text are written with escapes."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for row in sorted(rows, key=lambda r: (*place(r.urgency, r.stamp.modified_ns / 1e9), r.file)):
        writer.writerow(_cells(row))
    return text.getvalue().encode("utf-8", errors="backslashreplace")


def _cells(row: BatchRow) -> list[str]:
    right, left = (_hip(row, side.value) for side in (Side.RIGHT, Side.LEFT))
    refused = " ".join(hip.refused for hip in row.hips if hip.refused)
    return [
        URGENCY_WORDS[row.urgency],
        _no_formula(row.file),
        row.status,
        right.state,
        _number(right.p_fracture, 6),
        left.state,
        _number(left.p_fracture, 6),
        _no_formula(row.sentence or refused),
        row.side_source,
        _number(row.midline_px, 1),
        row.film_id,
        _no_formula(row.model),
        row.model_sha256,
        _number(row.seconds, 3),
        row.seen_utc,
        " ".join(row.warnings),
        row.answer,
        row.notice,
    ]


def _hip(row: BatchRow, side: str) -> HipRow:
    return next((hip for hip in row.hips if hip.side == side), HipRow(side))


def _number(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def _no_formula(text: str) -> str:
    """A cell that begins like a formula is computed by spreadsheets; as a path, "./" before it changes nothing."""
    return f"./{text}" if text.startswith(_FORMULA) else text
