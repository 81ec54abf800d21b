"""Thousands of films one after another: each answer kept as it comes, gone on with where it was stopped."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hipcad_desktop.domain.batch import BatchRow, BatchSummary, FileStamp, answered_row
from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.faults import named_fault
from hipcad_desktop.domain.messages import sentence
from hipcad_desktop.domain.progress import Watch
from hipcad_desktop.imaging.reader import find_films
from hipcad_desktop.workflows.batch_folder import FILMS, FILMS_IN_A_FOLDER, TABLE, BatchFolder
from hipcad_desktop.workflows.diagnose import diagnose, open_network
from hipcad_desktop.workflows.new_folder import refuse_used
from hipcad_desktop.workflows.utc import stamp as utc_stamp

if TYPE_CHECKING:
    from hipcad_desktop.inference.network import Predictor

_MOST_WARNINGS = 10  # those that name a hip differ from film to film; all are in the table
NO_STAMP = FileStamp(-1, -1)
# What ends a batch: the next film would meet it too, or somebody asked.
_ENDING = (ErrorCode.DISK_FULL, ErrorCode.FOLDER_NOT_WRITABLE, ErrorCode.MODEL_PACKAGE_DAMAGED, ErrorCode.CANCELLED)


def diagnose_batch(
    paths: Sequence[Path],
    *,
    model: Path,
    to: Path,
    resume: bool = False,
    network: Predictor | None = None,
    watch: Watch,
) -> BatchSummary:
    """Diagnose every film in files and folders into the folder `to`; see batch_folder for what lies there then.

    With resume, files that an earlier run has done and that have not changed since are not done again. A file that
    cannot be read, or on which the program itself fails, is a row of the table and stops nothing. Raises UserError
    NO_FILMS_FOUND, those of BatchFolder and of the model package, DISK_FULL, and CANCELLED between films: the table
    holds what was done by then.
    """
    began = time.monotonic()
    network = network or open_network(model)
    found, own = find_films(paths), _Own(paths, to)
    films = [str(path) for path in found.films if not own(path)]
    if found.films and not films:
        refuse_used(to)  # all lie in `to` itself
    if not films:
        raise UserError(ErrorCode.NO_FILMS_FOUND, path=str(paths[0]) if paths else "")
    card = network.package.card
    with BatchFolder(to, model=card.name, sha256=network.package.sha256, resume=resume) as folder:
        done = folder.done()
        waiting = [f for f in films if stamp_of(f) != done.get(f)]
        kept = len(films) - len(waiting)
        watch.started(model=card.name, films=len(films), done_before=kept)
        work = BatchWork(folder, network, watch, total=len(films), done=kept)
        try:
            for start in range(0, len(waiting), FILMS_IN_A_FOLDER):
                work.do(waiting[start : start + FILMS_IN_A_FOLDER])
        finally:
            folder.write_table()
        rows = folder.rows().values()
    return BatchSummary(
        folder=str(to),
        table=str(to / TABLE),
        counts=dict(Counter(row.urgency.name.lower() for row in rows)),
        computed=work.computed,
        kept=kept,
        passed_over=len(found.passed_over),
        seconds=time.monotonic() - began,
        warnings=tuple(dict.fromkeys(warning for row in rows for warning in row.warnings))[:_MOST_WARNINGS],
    )


class _Own:
    """Whether a film is a picture of this batch: it may lie below the folder of its films, also through a link."""

    def __init__(self, paths: Sequence[Path], to: Path) -> None:
        real = os.path.realpath(to)
        inside = any(os.path.realpath(path) == real for path in paths)  # the batch lies among its films
        self._own = Path(real, FILMS) if inside else Path(real)
        self._folders: dict[Path, bool] = {}

    def __call__(self, film: Path) -> bool:
        if film.parent not in self._folders:
            self._folders[film.parent] = Path(os.path.realpath(film.parent)).is_relative_to(self._own)
        return self._folders[film.parent]


def stamp_of(file: str) -> FileStamp:
    """Size and time of a file now; NO_STAMP where it cannot be asked."""
    try:
        status = os.stat(file)
    except (OSError, ValueError):
        return NO_STAMP
    return FileStamp(status.st_size, status.st_mtime_ns)


class BatchWork:
    """Runs films through diagnose() and writes a row for each, whatever happens to it."""

    def __init__(self, folder: BatchFolder, network: Predictor, watch: Watch, *, total: int, done: int) -> None:
        self._folder, self._network, self._watch = folder, network, watch
        self._total, self._done = total, done
        self._began, self._counts = time.monotonic(), Counter[str]()
        self.computed = 0

    def do(self, files: Sequence[str], *, total: int | None = None) -> None:
        """Every file of the list, at most FILMS_IN_A_FOLDER of them. Raises UserError DISK_FULL and the like."""
        self._total = self._total if total is None else total
        left = list(files)
        while left:
            to = self._folder.films_folder(left)
            # Asked before a file is read: one that changes meanwhile has another stamp and is done again.
            stamps = {file: stamp_of(file) for file in left}
            listening = _Listening(self, stamps)
            try:
                diagnose(left, model=self._network.package.path, to=to, network=self._network, watch=listening)
                return
            except Exception as error:  # whatever one film did to the program: the others are not to suffer for it
                fault = error if isinstance(error, UserError) else named_fault(error)
                if listening.telling or (fault is not None and fault.code in _ENDING):
                    if fault is None or fault is error:
                        raise
                    raise fault from error
                file = left[listening.heard]
                broken = fault or UserError(ErrorCode.FILM_BROKE, path=file, detail=type(error).__name__)
            self.failed(file, stamps[file], broken)
            left = left[listening.heard + 1 :]

    def answered(self, facts: Mapping[str, Any], stamp: FileStamp, answer: str) -> None:
        """A film's answer came."""
        package = self._network.package
        where = Path(answer).relative_to(self._folder.path).as_posix()
        row = answered_row(
            facts,
            stamp=stamp,
            seen_utc=utc_stamp(),
            answer=where,
            model=package.card.name,
            model_sha256=package.sha256,
        )
        self._add(row)

    def failed(self, file: str, stamp: FileStamp, error: UserError) -> None:
        """A film could not be read, or broke the program."""
        package = self._network.package
        self._add(
            BatchRow(
                file=file,
                stamp=stamp,
                seen_utc=utc_stamp(),
                status="failed",
                sentence=sentence(error),
                code=error.code.value,
                model=package.card.name,
                model_sha256=package.sha256,
            )
        )

    def check(self, what: str) -> None:
        """Pass on that somebody asked to stop."""
        self._watch.check(what)

    def _add(self, row: BatchRow) -> None:
        self._folder.add(row)
        self.computed += 1
        self._done += 1
        self._counts[row.urgency.name.lower()] += 1
        seconds = (time.monotonic() - self._began) / self.computed
        facts = {**self._counts, "films_per_s": 1 / max(seconds, 1e-9)}
        self._watch.artifact("batch_row", str(self._folder.path / row.answer), **row.to_json())
        self._watch.step(
            "diagnose", self._done, self._total, **facts, seconds_left=seconds * max(0, self._total - self._done)
        )


class _Listening(Watch):
    """The batch's ear inside diagnose(): its artifacts come one a file, in the files' order."""

    def __init__(self, work: BatchWork, stamps: Mapping[str, FileStamp]) -> None:
        self._work, self._stamps = work, stamps
        self.heard = 0
        self.telling = False  # an answer is being written and passed on: what breaks now is not the film

    def artifact(self, what: str, path: str, **facts: Any) -> None:
        self.telling = True
        if what == "diagnosis":
            self._work.answered(facts, self._stamps[facts["file"]], path)
        elif what == "failure":
            self._work.failed(path, self._stamps[path], UserError(ErrorCode(facts["code"]), **facts["facts"]))
        self.telling = False
        self.heard += 1

    def check(self, what: str) -> None:
        self._work.check(what)
