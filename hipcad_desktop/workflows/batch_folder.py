"""The folder of a batch: which model answers, a journal of a line a file, the answers' own files, and a table.

batch.json names the model. answers.jsonl grows by one line, flushed to the disk, for each file that was done: a
process that is killed loses at most the file it was at, and the next run goes on behind it. The answers' JSON and
pictures lie in films/0001, films/0002, ... so that no folder of ten thousand files comes to be. answers.csv is made
from the journal.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from hipcad_desktop.domain.batch import SCHEMA, BatchRow, FileStamp
from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.model_card import RESEARCH_USE
from hipcad_desktop.workflows.answers_table import answers_csv
from hipcad_desktop.workflows.journal import one_writer
from hipcad_desktop.workflows.new_folder import refuse_used
from hipcad_desktop.workflows.write_whole import not_written, write_whole

HEADER, JOURNAL, TABLE, FILMS = "batch.json", "answers.jsonl", "answers.csv", "films"
_LOCK = ".answers.lock"
FILMS_IN_A_FOLDER = 200
NOT_OPENED = ErrorCode.FILE_NOT_READABLE.value  # as while a program still writes it: tried again though unchanged


class BatchFolder:
    """An open batch. Use as a context manager; one process at a time writes into it."""

    def __init__(self, to: Path, *, model: str, sha256: str, resume: bool) -> None:
        """Begin a batch in `to`, or go on with the one that lies there.

        Raises UserError TARGET_NOT_EMPTY, NOT_A_BATCH, BATCH_OTHER_MODEL, FOLDER_NOT_WRITABLE, DISK_FULL, and
        JOURNAL_BUSY where another process writes here.
        """
        self.path = to
        self.model, self.sha256 = model, sha256
        begun = resume and (to / HEADER).exists()
        if begun:
            self._check_header()
        else:
            refuse_used(to)
            header = {"schema": SCHEMA, "model": {"name": model, "sha256": sha256}, "notice": RESEARCH_USE}
            write_whole(to / HEADER, json.dumps(header, indent=1).encode("ascii"))
        self._names: set[str] = set()  # of the films in the folder that is being filled
        self._part: Path | None = None
        self._lock = one_writer(to / _LOCK)
        try:
            self._journal = self._open_journal()
        except BaseException:
            os.close(self._lock)
            raise

    def __enter__(self) -> BatchFolder:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        try:
            self._journal.close()
        finally:
            os.close(self._lock)

    def rows(self) -> dict[str, BatchRow]:
        """The latest row of every file, by its name."""
        return {row.file: row for row in self._written()}

    def done(self) -> dict[str, FileStamp]:
        """The files that are not done again while they lie as they lay then."""
        return {file: row.stamp for file, row in self.rows().items() if row.code != NOT_OPENED}

    def add(self, row: BatchRow) -> None:
        """Write one row and wait until the disk has it. Raises UserError DISK_FULL or FOLDER_NOT_WRITABLE."""
        line = json.dumps(row.to_json(), allow_nan=False).encode("ascii") + b"\n"
        try:
            self._journal.write(line)
            self._journal.flush()
            os.fsync(self._journal.fileno())
        except OSError as error:
            raise not_written(error, self.path, needed=len(line)) from error

    def write_table(self) -> Path:
        """answers.csv of all rows so far. Raises as add."""
        write_whole(self.path / TABLE, answers_csv(self.rows().values()))
        return self.path / TABLE

    def films_folder(self, files: list[str]) -> Path:
        """Where the answers of these files may be written without meeting those of others of the same name."""
        names = [Path(file).name.lower() for file in files]
        full = len(self._names) + len(names) > FILMS_IN_A_FOLDER
        if self._part is None or full or len({*names, *self._names}) < len(names) + len(self._names):
            self._part, self._names = self._next_part(), set()
        self._names.update(names)
        return self._part

    def _next_part(self) -> Path:
        """A new folder; one that an earlier run left behind half-filled is not entered again."""
        films = self.path / FILMS
        try:
            films.mkdir(parents=True, exist_ok=True)
            numbers = [int(p.name) for p in films.iterdir() if p.name.isdecimal()]
            part = films / f"{max(numbers, default=0) + 1:04d}"
            part.mkdir()
        except OSError as error:
            raise not_written(error, films, needed=1) from error
        return part

    def _check_header(self) -> None:
        try:
            header = json.loads((self.path / HEADER).read_bytes())
            schema, begun, sha256 = header["schema"], str(header["model"]["name"]), header["model"]["sha256"]
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise UserError(ErrorCode.NOT_A_BATCH, path=str(self.path), detail=f"{HEADER} is damaged") from error
        if schema != SCHEMA:
            raise UserError(ErrorCode.NOT_A_BATCH, path=str(self.path), detail="another version of HipCAD began it")
        if sha256 != self.sha256:
            # Two trainings may have given their models one name.
            same = f"another model named {begun}" if begun == self.model else begun
            raise UserError(ErrorCode.BATCH_OTHER_MODEL, path=str(self.path), begun=same, asked=self.model)

    def _open_journal(self) -> IO[bytes]:
        path = self.path / JOURNAL
        try:
            torn = path.exists() and path.stat().st_size > 0 and _last_byte(path) != b"\n"
            journal = path.open("ab")
            if torn:  # a killed process's half line must not spoil the next one
                journal.write(b"\n")
        except OSError as error:
            raise not_written(error, self.path, needed=1) from error
        return journal

    def _written(self) -> Iterator[BatchRow]:
        """Every whole row of the journal in the order of writing; a torn line is one file done again."""
        try:
            with (self.path / JOURNAL).open("rb") as lines:
                for line in lines:
                    row = _row(line)
                    if row is not None:
                        yield row
        except OSError as error:
            raise UserError(ErrorCode.NOT_A_BATCH, path=str(self.path), detail=f"{JOURNAL} cannot be read") from error


def _row(line: bytes) -> BatchRow | None:
    try:
        values: Any = json.loads(line)
        return BatchRow.from_json(values)
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def _last_byte(path: Path) -> bytes:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1)
