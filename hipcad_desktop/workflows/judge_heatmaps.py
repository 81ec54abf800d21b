"""Judgements of a report's heat maps: kept line by line in REPORT/judgements.jsonl, read back, summed up."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence, Set
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.evaluation import Evaluation
from hipcad_desktop.domain.judgement import (
    FOUND,
    HEATMAPS_FILE,
    HEATMAPS_FOLDER,
    JUDGEMENTS_FILE,
    HeatMap,
    Judgement,
    JudgementSummary,
    current,
    heat_maps_from_json,
    judgement_from_json,
    judging_order,
    summarise,
    washout_over,
)
from hipcad_desktop.domain.report_values import ReportNewerError, ReportOlderError, evaluation_from_json
from hipcad_desktop.workflows.csv_rows import CsvRow, read_csv
from hipcad_desktop.workflows.utc import Clock, stamp, utc_now
from hipcad_desktop.workflows.write_whole import not_written

REPORT_JSON = "report.json"
_LARGEST_REPORT = 256 << 20
_CLOCKS_APART = timedelta(days=1)  # of two machines
_FIRST_YEAR = 2000
YES, NO = frozenset({"yes", "y", "1", "true", "covered"}), frozenset({"no", "n", "0", "false", "not covered"})


def read_report(path: Path) -> tuple[Path, Evaluation]:
    """A report's folder (also from the path of one of its files) and its values.

    Raises UserError FILE_MISSING, NOT_A_REPORT, REPORT_OLDER or REPORT_NEWER.
    """
    folder = path if path.is_dir() else path.parent
    if not path.exists():
        raise UserError(ErrorCode.FILE_MISSING, path=str(path))
    try:
        file = folder / REPORT_JSON
        if file.stat().st_size > _LARGEST_REPORT:
            raise UserError(ErrorCode.NOT_A_REPORT, path=str(folder))
        return folder, evaluation_from_json(json.loads(file.read_text("utf-8")))
    except ReportOlderError as error:
        raise UserError(ErrorCode.REPORT_OLDER, path=str(folder)) from error
    except ReportNewerError as error:
        raise UserError(ErrorCode.REPORT_NEWER, path=str(folder)) from error
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise UserError(ErrorCode.NOT_A_REPORT, path=str(folder)) from error


def read_heat_maps(report: Path) -> tuple[HeatMap, ...]:
    """All pictures of a report, also those of errors; empty where it has none. Raises UserError NOT_A_REPORT."""
    file = report / HEATMAPS_FOLDER / HEATMAPS_FILE
    try:
        return heat_maps_from_json(json.loads(file.read_text("utf-8")))
    except FileNotFoundError:
        return ()
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(ErrorCode.NOT_A_REPORT, path=str(report)) from error


def read_judgements(report: Path) -> tuple[Judgement, ...]:
    """Every judgement ever made on a report. A last line cut off by a crash is passed over; else JUDGEMENTS_BAD."""
    file = report / JUDGEMENTS_FILE
    try:
        lines = file.read_text("utf-8").split("\n")
    except FileNotFoundError:
        return ()
    except (OSError, ValueError) as error:
        raise UserError(ErrorCode.JUDGEMENTS_BAD, path=str(file), detail="the file cannot be read") from error
    found = []
    for number, line in enumerate(lines[:-1], 1):  # what follows the last line's end was never whole
        if not line:
            continue
        try:
            found.append(judgement_from_json(json.loads(line)))
        except (ValueError, RecursionError) as error:
            raise UserError(ErrorCode.JUDGEMENTS_BAD, path=str(file), detail=f"line {number} is damaged") from error
    return tuple(found)


def summary_of(report: Path) -> JudgementSummary:
    """Shares covered and kappas of all readers. Raises UserError HEATMAPS_MISSING and as read_judgements."""
    return summarise([m.name for m in _judged(report)], read_judgements(report))


class JudgingSession:
    """One reader at one report. Which round is asked follows from what was judged and when.

    Raises UserError HEATMAPS_MISSING, and as read_judgements.
    """

    def __init__(self, report: Path, *, reader: str, clock: Clock = utc_now) -> None:
        self.report = report
        self.reader = reader.strip()
        self._clock = clock
        self._maps = {m.name: m for m in _judged(report)}
        self._judgements = list(read_judgements(report))
        salt = "|".join(sorted(self._maps))
        self._order = {
            round: judging_order(tuple(self._maps), reader=self.reader, round=round, salt=salt) for round in (1, 2)
        }
        self._done: list[str] = []  # of this sitting, for undo

    @property
    def round(self) -> int:
        """1 until every heat map is judged once, then 2."""
        return 1 if len(self.answers(1)) < len(self._maps) else 2

    @property
    def opens(self) -> datetime | None:
        """From when the second round may be judged, where it is not yet; None where something can be judged now."""
        if self.round == 1:
            return None
        over = washout_over(self._judgements, reader=self.reader)
        return over if over is not None and self._clock() < over else None

    def answers(self, round: int) -> dict[str, bool]:
        """What holds of a round: covered or not, by heat map that the report has."""
        held = current(self._judgements, reader=self.reader, round=round)
        return {name: bool(j.covered) for name, j in held.items() if name in self._maps}

    def order(self, round: int) -> tuple[HeatMap, ...]:
        """The heat maps of a round in its order."""
        return tuple(self._maps[name] for name in self._order[round])

    @property
    def next(self) -> HeatMap | None:
        """The heat map to judge now; None where the round is done or the second not open yet."""
        if self.opens is not None:
            return None
        answered = self.answers(self.round)
        return next((m for m in self.order(self.round) if m.name not in answered), None)

    def answer(self, name: str, covered: bool) -> None:
        """Keep one answer of the round; durable when it returns. Raises UserError WASHOUT_NOT_OVER or FOLDER_*."""
        if name not in self._maps:
            raise ValueError(name)
        if self.opens is not None:
            raise UserError(ErrorCode.WASHOUT_NOT_OVER, reader=self.reader, until=self.opens.strftime("%Y-%m-%d %H:%M"))
        self._keep(Judgement(self.reader, self.round, name, covered, stamp(self._clock)))
        self._done.append(name)

    @property
    def can_undo(self) -> bool:
        """Whether an answer of this sitting can be taken back."""
        return bool(self._done)

    def undo(self) -> HeatMap | None:
        """Take back the last answer of this sitting; it is asked again at once. The file keeps that it was given."""
        if not self._done:
            return None
        name = self._done.pop()
        # The answer may have been the first round's last one, after which `round` is 2.
        last = next(j for j in reversed(self._judgements) if j.reader == self.reader and j.heat_map == name)
        self._keep(Judgement(self.reader, last.round, name, None, stamp(self._clock)))
        return self._maps[name]

    def summary(self) -> JudgementSummary:
        """Of all readers."""
        return summarise(tuple(self._maps), self._judgements)

    def _keep(self, judgement: Judgement) -> None:
        append_judgements(self.report, (judgement,))
        self._judgements.append(judgement)


@dataclass(frozen=True, slots=True)
class ImportedJudgements:
    """How many answers of a table were new, and how many stood there already."""

    added: int
    unchanged: int


def import_judgements(report: Path, table: Path, *, reader: str, clock: Clock = utc_now) -> ImportedJudgements:
    """Take in a CSV with columns heatmap,covered (yes or no) and, if wanted, round and at (ISO 8601).

    All or nothing. Raises UserError JUDGEMENTS_BAD with the line, WASHOUT_NOT_OVER where a second answer comes too
    early, CONFIG_INVALID for the reader's name, HEATMAPS_MISSING, and for the files.
    """
    check_reader(reader)
    names = {m.name for m in _judged(report)}
    held = list(read_judgements(report))
    rows = read_csv(table, required=("heatmap", "covered"), bad=ErrorCode.JUDGEMENTS_BAD).rows
    new: list[Judgement] = []
    unchanged = 0
    for row in sorted(rows, key=lambda r: r.get("round") or "1"):
        judgement = _judgement_of(row, names, reader=reader.strip(), table=table, clock=clock)
        before = current([*held, *new], reader=judgement.reader, round=judgement.round).get(judgement.heat_map)
        if before is not None and before.covered == judgement.covered:
            unchanged += 1
            continue
        if judgement.round == 2:
            over = washout_over([*held, *new], reader=judgement.reader)
            if over is None:
                raise _bad(table, row, "a second round without a first")
            if datetime.fromisoformat(judgement.at_utc) < over:
                until = over.strftime("%Y-%m-%d %H:%M")
                raise UserError(ErrorCode.WASHOUT_NOT_OVER, reader=judgement.reader, until=until)
        new.append(judgement)
    append_judgements(report, new)
    return ImportedJudgements(len(new), unchanged)


def _judgement_of(row: CsvRow, names: Set[str], *, reader: str, table: Path, clock: Clock) -> Judgement:
    name, word, round = row.get("heatmap"), row.get("covered").lower(), row.get("round") or "1"
    if name not in names:
        raise _bad(table, row, f"no heat map of this report is called {name!r}")
    if word not in YES | NO:
        raise _bad(table, row, f"covered is {word!r}, not yes or no")
    if round not in ("1", "2"):
        raise _bad(table, row, f"round is {round!r}, not 1 or 2")
    try:
        at = datetime.fromisoformat(row.get("at")) if row.get("at") else clock()
    except ValueError as error:
        raise _bad(table, row, f"{row.get('at')!r} is no date") from error
    zoned = at if at.tzinfo else at.replace(tzinfo=UTC)
    if zoned > utc_now() + _CLOCKS_APART:  # the second round would wait for it
        raise _bad(table, row, f"{row.get('at')!r} is still to come")
    if zoned.year < _FIRST_YEAR:
        raise _bad(table, row, f"{row.get('at')!r} was before any heat map")
    return Judgement(reader, int(round), name, word in YES, stamp(lambda: zoned))


def check_reader(reader: str) -> None:
    """Raise UserError CONFIG_INVALID unless this is a name that can be kept."""
    if not reader.strip() or any("\ud800" <= letter <= "\udfff" for letter in reader):
        raise UserError(ErrorCode.CONFIG_INVALID, field="reader", value=repr(reader)[1:-1], detail="a name in UTF-8")


def _bad(table: Path, row: CsvRow, detail: str) -> UserError:
    return UserError(ErrorCode.JUDGEMENTS_BAD, path=str(table), detail=f"line {row.line}: {detail}")


def append_judgements(report: Path, judgements: Sequence[Judgement]) -> None:
    """Write lines at the file's end, on the disk when it returns. Raises UserError FOLDER_NOT_WRITABLE or DISK_FULL."""
    if not judgements:
        return
    text = "".join(json.dumps(j.to_json(), ensure_ascii=False) + "\n" for j in judgements)
    file = report / JUDGEMENTS_FILE
    try:
        _end_last_line(file)
        with file.open("ab") as out:
            out.write(text.encode("utf-8"))
            out.flush()
            os.fsync(out.fileno())
    except OSError as error:
        raise not_written(error, report, needed=len(text)) from error


def _end_last_line(file: Path) -> None:
    """Cut off a line that a crash left half written: it was never told to be kept."""
    if not file.exists():
        return
    content = file.read_bytes()
    if content and not content.endswith(b"\n"):
        with file.open("r+b") as half:
            half.truncate(content.rfind(b"\n") + 1)


def _judged(report: Path) -> tuple[HeatMap, ...]:
    maps = tuple(m for m in read_heat_maps(report) if m.kind == FOUND)
    if not maps:
        raise UserError(ErrorCode.HEATMAPS_MISSING, path=str(report))
    return maps
