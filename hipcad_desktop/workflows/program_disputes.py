"""Answers of the program that a reader disagrees with: the project's review queue, and a list for want of a project."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hipcad_desktop.domain.annotation import Reading
from hipcad_desktop.domain.dispute import Dispute
from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.store.films import film_rows
from hipcad_desktop.store.project_store import Project
from hipcad_desktop.store.readings import current_readings
from hipcad_desktop.workflows.import_films import import_films
from hipcad_desktop.workflows.journal import Journal, append, read_journal
from hipcad_desktop.workflows.reader_study import require_open
from hipcad_desktop.workflows.write_whole import write_whole

DISPUTES_NAME = "program_disputes.jsonl"  # in a project's folder, or in the folder of the user's records
KIND = "answers of the program that were disputed"
COLUMNS = (
    "film", "file", "side", "program", "p_fracture", "reader", "says", "since", "model_name", "model", "disputed_utc",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class QueuedDispute:
    """One in a project: the film's name there, and what was read of it since ("" : open)."""

    dispute: Dispute
    file_name: str
    since: tuple[Reading, ...]  # newest first; an adjudication before all others

    @property
    def open(self) -> bool:
        """Nobody has looked again yet."""
        return not self.since


@dataclass(frozen=True, slots=True)
class TakenIn:
    """A list taken into a project: how many were new, were there already, and wait because their film is not."""

    added: int
    already: int
    waiting: int
    films_added: int


def disputes_in(path: Path) -> tuple[Dispute, ...]:
    """All of a file, in order. Raises UserError JOURNAL_BROKEN."""
    return _disputes(read_journal(path, KIND), path)


def keep_dispute(dispute: Dispute, path: Path) -> bool:
    """Put one into a file, durably; False where the very same hip, reader, model and answer stand there already.

    Raises UserError JOURNAL_BROKEN, JOURNAL_BUSY, FOLDER_NOT_WRITABLE, DISK_FULL.
    """

    class _Already(Exception):
        pass

    def check(journal: Journal) -> None:
        if _what(dispute) in map(_what, _disputes(journal, path)):
            raise _Already

    try:
        append(path, KIND, dispute.to_json(), check=check)
    except _Already:
        return False
    return True


def queue_file(project: Project) -> Path:
    """Where a project's queue lies."""
    return project.path / DISPUTES_NAME


def send_dispute(project: Project, dispute: Dispute, *, file: Path | None = None) -> tuple[bool, bool]:
    """Put one into a project's review queue; the film is imported from its file where the project has it not yet.

    Whether it was new, and whether the film was. Raises UserError DISPUTED_FILM_MISSING, that of a film that cannot be
    imported, PROJECT_BUSY, and those of keep_dispute.
    """
    imported = False
    if not _has_film(project, dispute.film_id):
        if file is None or _hash_of(file) != dispute.film_id:
            film = dispute.film_id[:12]
            raise UserError(ErrorCode.DISPUTED_FILM_MISSING, film=film, path=str(project.path))
        summary = import_films(project, [file])
        if summary.refused:
            raise summary.refused[0][1]
        imported = True
    return keep_dispute(dispute, queue_file(project)), imported


def take_in(project: Project, local: Path, *, files: Sequence[Path] = ()) -> TakenIn:
    """Take a list into a project's queue. files: where films may be that the project has not; told by their hashes.

    The list stays as it is: what is in the queue already is not added twice. Raises UserError as send_dispute, but a
    film that is neither here nor there is counted.
    """
    known = {digest: file for file in files if (digest := _hash_of(file))}
    added = already = waiting = films = 0
    for dispute in disputes_in(local):
        try:
            new, imported = send_dispute(project, dispute, file=known.get(dispute.film_id))
        except UserError as error:
            if error.code is not ErrorCode.DISPUTED_FILM_MISSING:
                raise
            waiting += 1
            continue
        added, already, films = added + new, already + (not new), films + imported
    return TakenIn(added, already, waiting, films)


def review_queue(project: Project) -> tuple[QueuedDispute, ...]:
    """A project's queue, the open ones first. Raises UserError STILL_BLINDED, JOURNAL_BROKEN."""
    require_open(project)
    names: dict[str, str] = {film.film_id: film.file_name for film in film_rows(project, reader=None)}
    with project.reading() as connection:
        readings = [r for r in current_readings(connection, round=None) if r.answer is not None]
    found = [QueuedDispute(d, names.get(d.film_id, ""), _since(d, readings)) for d in disputes_in(queue_file(project))]
    return tuple(sorted(found, key=lambda q: not q.open))


def write_queue(queue: Sequence[QueuedDispute], to: Path) -> int:
    """A queue as CSV, written whole; the number of rows. Raises UserError FOLDER_NOT_WRITABLE, DISK_FULL."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for queued in queue:
        d = queued.dispute
        said = (d.side.value, d.program.value, f"{d.p_fracture:.6f}", d.reader, d.own.value, since_words(queued))
        writer.writerow((d.film_id, queued.file_name, *said, d.model_name, d.model_sha256, d.at_utc))
    write_whole(to.absolute(), text.getvalue().encode("utf-8"))
    return len(queue)


def since_words(queued: QueuedDispute) -> str:
    """What came of it, in words."""
    if not queued.since:
        return "open"
    last = queued.since[0]
    verdict = last.answer.verdict.value.replace("_", " ") if last.answer is not None else ""
    return f"agreed: {verdict}" if last.adjudicators else f"read again by {last.reader}: {verdict}"


def _since(dispute: Dispute, readings: Sequence[Reading]) -> tuple[Reading, ...]:
    """Readings of a film that were made after it was disputed; stamps of utc.stamp sort as times."""
    later = [r for r in readings if r.film_id == dispute.film_id and r.created_utc > dispute.at_utc]
    return tuple(sorted(later, key=lambda r: (bool(r.adjudicators), r.created_utc), reverse=True))


def _what(dispute: Dispute) -> tuple[str, ...]:
    return (dispute.film_id, dispute.model_sha256, dispute.side.value, dispute.reader, dispute.own.value)


def _disputes(journal: Journal, path: Path) -> tuple[Dispute, ...]:
    try:
        return tuple(Dispute.from_json(c) for c in journal.contents)
    except (ValueError, TypeError, KeyError) as error:
        raise UserError(ErrorCode.JOURNAL_BROKEN, path=str(path), detail=f"a record that is none: {error}") from error


def _has_film(project: Project, film_id: str) -> bool:
    return any(film.film_id == film_id for film in film_rows(project, reader=None))


def _hash_of(file: Path) -> str:
    try:
        with file.open("rb") as bytes_of:
            return hashlib.file_digest(bytes_of, "sha256").hexdigest()
    except OSError:
        return ""
