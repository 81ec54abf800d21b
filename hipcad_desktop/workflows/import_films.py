"""Films into the project: found, hashed, decoded on every core, committed in order and in batches."""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import stat
import time
from collections import deque
from collections.abc import Generator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.progress import Watch
from hipcad_desktop.domain.radiograph import FilmId
from hipcad_desktop.imaging.dicomdir import listed_films
from hipcad_desktop.imaging.film import Film
from hipcad_desktop.imaging.midline import find_midline
from hipcad_desktop.imaging.reader import find_films, read_film
from hipcad_desktop.imaging.scope import look
from hipcad_desktop.store import films as store
from hipcad_desktop.store.films import CohortFacts, FilmFile, HeldFilm, NewFilm
from hipcad_desktop.store.folders import writing_into
from hipcad_desktop.store.project_store import FILMS_FOLDER, Project
from hipcad_desktop.workflows.load_film import has_bytes
from hipcad_desktop.workflows.patients_table import Named, name_patients, named_films, sex_of

log = logging.getLogger(__name__)

SILENT = Watch()
BATCH_FILMS = 50
BATCH_S = 1.0
EXTENSIONS: Mapping[str, str] = {"DICOM": ".dcm", "JPEG": ".jpg", "PNG": ".png", "TIFF": ".tif"}


@dataclass(frozen=True, slots=True)
class ImportSummary:
    """What came of an import. duplicates: the same film under several patients, one line for each such group."""

    imported: int
    already: int
    refused: tuple[tuple[str, UserError], ...]
    passed_over: tuple[str, ...]
    without_patient: int  # of the imported ones: neither the file nor the table names a patient
    duplicates: tuple[str, ...] = ()
    not_in_table: int = 0  # films that a given table of patients does not name
    unknown_in_table: tuple[str, ...] = ()  # files that it names and that are none of these films


@dataclass(frozen=True, slots=True)
class _Known:
    film_id: FilmId
    kind: str
    files: tuple[FilmFile, ...]


@dataclass(slots=True)
class _Tally:
    """What waits for the next commit, and what has been counted so far."""

    pending: list[NewFilm] = field(default_factory=list)
    known: list[_Known] = field(default_factory=list)
    told: list[tuple[FilmId, CohortFacts]] = field(default_factory=list)
    imported: int = 0
    already: int = 0
    without_patient: int = 0
    refused: list[tuple[str, UserError]] = field(default_factory=list)
    last_commit: float = field(default_factory=time.monotonic)


def import_films(
    project: Project,
    paths: Sequence[Path],
    *,
    patients: Path | None = None,
    copy: bool = False,
    hospital: str = "",
    watch: Watch = SILENT,
) -> ImportSummary:
    """Bring films and folders of films into the project; a film that is there already is not touched.

    patients: a table file,patient for films whose file names none, optionally with hospital, sex and age. hospital: a
    label of where these films are from (the header's institution is never used). copy: keep the films' bytes in the
    project's folder. A DICOMDIR stands for the films it lists. A film that cannot be used is in `refused` and stops
    nothing. Raises UserError NO_FILMS_FOUND, DICOMDIR_BAD, PATIENTS_FILE_BAD, PROJECT_BUSY, DISK_FULL, and CANCELLED
    (what was imported by then is kept).
    """
    listed = listed_films([Path(os.path.abspath(p)) for p in paths])
    found = find_films(listed.paths)
    if not found.films and not listed.missing:
        raise UserError(ErrorCode.NO_FILMS_FOUND, path=", ".join(str(p) for p in paths))
    named, unknown = named_films(patients, found.films)
    held, films = store.known_files(project), store.known_films(project)
    tally = _Tally(refused=[(error.facts["path"], error) for error in listed.missing])
    watch.started(films=len(found.films))
    try:
        with closing(_looked_at(project, found.films, held, films)) as looked_at:
            for done, (path, came) in enumerate(looked_at, 1):
                own = named.get(path, Named())
                _count(tally, path, came, named=own, hospital=hospital.strip(), project=project, copy=copy)
                if len(tally.pending) >= BATCH_FILMS or time.monotonic() - tally.last_commit > BATCH_S:
                    _commit(project, tally)
                watch.step("import", done, len(found.films))
                watch.check("The import")
    finally:
        _commit(project, tally)
    name_patients(project, named, found.films)
    return ImportSummary(
        imported=tally.imported,
        already=tally.already,
        refused=tuple(tally.refused),
        passed_over=tuple(str(p) for p in found.passed_over),
        without_patient=tally.without_patient,
        duplicates=_duplicates(project),
        not_in_table=sum(p not in named for p in found.films) if patients is not None else 0,
        unknown_in_table=unknown,
    )


def _looked_at(
    project: Project,
    paths: Sequence[Path],
    held: Mapping[str, tuple[FilmId, int, int]],
    films: Mapping[FilmId, HeldFilm],
) -> Generator[tuple[Path, NewFilm | _Known | UserError], None, None]:
    """Look at every file on all cores, a few ahead; give the outcomes in the order of the paths."""
    workers = max(1, min(8, os.cpu_count() or 1))
    with ThreadPoolExecutor(workers, thread_name_prefix="import") as pool:
        ahead: deque[tuple[Path, Future[NewFilm | _Known | UserError]]] = deque()
        try:
            for path in paths:
                seen = held.get(store.stored_path(project, path))
                ahead.append((path, pool.submit(_look_at, path, seen, films)))
                if len(ahead) > 2 * workers:
                    first, outcome = ahead.popleft()
                    yield first, outcome.result()
            while ahead:
                first, outcome = ahead.popleft()
                yield first, outcome.result()
        finally:
            for _, outcome in ahead:
                outcome.cancel()


def _look_at(
    path: Path, seen: tuple[FilmId, int, int] | None, films: Mapping[FilmId, HeldFilm]
) -> NewFilm | _Known | UserError:
    """One file: known already, a new film, or the reason why not. Never raises: one bad file stops nothing."""
    try:
        os.fsencode(path).decode("utf-8")
    except UnicodeDecodeError:
        shown = os.fsencode(path).decode("utf-8", "replace")
        return UserError(ErrorCode.FILM_UNSUPPORTED, path=shown, detail="its name is not UTF-8: rename it")
    try:
        status = path.stat()
        file = FilmFile(path, status.st_size, status.st_mtime_ns)
        if seen is not None and seen[1:] == (status.st_size, status.st_mtime_ns):
            return _Known(seen[0], films[seen[0]].kind, (file,))
        if stat.S_ISREG(status.st_mode):
            with path.open("rb") as opened:
                film_id = FilmId(hashlib.file_digest(opened, "sha256").hexdigest())
            if film_id in films:
                return _Known(film_id, films[film_id].kind, (file,))
        return _new_film(path, file)
    except OSError:
        return _why(path)  # read_film has the sentence for it
    except UserError as error:
        return error
    except Exception as error:  # a bug or a hostile file: named in the import's report, the others go on
        log.exception("looking at a film failed")
        return UserError(ErrorCode.FILM_DAMAGED, path=str(path), detail=type(error).__name__)


def _why(path: Path) -> UserError:
    try:
        read_film(path)
    except UserError as error:
        return error
    return UserError(ErrorCode.FILM_DAMAGED, path=str(path), detail="it could not be read at once")


def _new_film(path: Path, file: FilmFile) -> NewFilm:
    film = read_film(path)
    scope = look(film)
    midline_px, confidence = scope.midline_px, scope.confidence
    if midline_px is None:  # a reader may overrule the refusal, and then halving needs a line
        guess = find_midline(film.eight_bit)
        midline_px, confidence = guess.x_px, guess.confidence
    return NewFilm(
        radiograph=film.radiograph,
        files=(file,),
        patient_identifier=film.patient.identifier,
        midline_px=midline_px,
        midline_confidence=confidence,
        refusal=scope.refusal,
        imported_utc=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        cohort=CohortFacts(sex=sex_of(film.patient.sex), age_years=film.patient.age_years, study_date=_date(film)),
    )


def _date(film: Film) -> str | None:
    text = film.patient.study_date or ""
    return text if len(text) == 8 and text.isascii() and text.isdigit() else None


def _count(
    tally: _Tally,
    path: Path,
    came: NewFilm | _Known | UserError,
    *,
    named: Named,
    hospital: str,
    project: Project,
    copy: bool,
) -> None:
    try:
        match came:
            case UserError():
                raise came
            case _Known():
                copies = (_copied(project, path, came.film_id, came.kind),) if copy else ()
                tally.known.append(replace(came, files=came.files + copies))
                tally.told.append((came.film_id, named.over(CohortFacts(hospital))))
                tally.already += 1
            case NewFilm():
                radiograph = came.radiograph
                copies = (_copied(project, path, radiograph.film_id, radiograph.kind),) if copy else ()
                identifier = came.patient_identifier or named.patient
                cohort = named.over(replace(came.cohort, hospital=hospital))
                pending = replace(came, patient_identifier=identifier, files=came.files + copies, cohort=cohort)
                tally.pending.append(pending)
    except UserError as error:
        if error.code in (ErrorCode.DISK_FULL, ErrorCode.FOLDER_NOT_WRITABLE):  # the project's trouble, not the film's
            raise
        tally.refused.append((str(path), error))


def _commit(project: Project, tally: _Tally) -> None:
    if tally.pending:
        added = store.add_films(project, tally.pending)
        tally.imported += len(added)
        tally.already += len(tally.pending) - len(added)
        tally.without_patient += sum(f.patient_identifier is None for f in added)
    if tally.known:
        store.record_files(project, [(k.film_id, file) for k in tally.known for file in k.files])
    if told := [(film_id, facts) for film_id, facts in tally.told if facts != CohortFacts()]:
        store.tell_cohort(project, told)
    tally.pending, tally.known, tally.told, tally.last_commit = [], [], [], time.monotonic()


def _copied(project: Project, path: Path, film_id: FilmId, kind: str) -> FilmFile:
    """Copy a film's bytes into the project, named by their hash; there whole or not at all, then read-only."""
    folder = project.path / FILMS_FOLDER
    target = folder / f"{film_id}{EXTENSIONS.get(kind, '')}"
    if not target.exists():
        try:
            source = path.open("rb")
        except OSError as error:
            raise UserError(ErrorCode.FILE_MISSING, path=str(path)) from error
        with source, writing_into(folder, needed_mb=os.fstat(source.fileno()).st_size // 2**20 + 1):
            folder.mkdir(exist_ok=True)
            part = target.with_name(f".{target.name}.part")
            try:
                with part.open("wb") as copied:
                    shutil.copyfileobj(source, copied, 1 << 20)
                    copied.flush()
                    os.fsync(copied.fileno())
                if not has_bytes(part, film_id):
                    raise UserError(ErrorCode.FILM_CHANGED, path=str(path))
                part.chmod(0o444)
                os.replace(part, target)
            finally:
                part.unlink(missing_ok=True)
    status = target.stat()
    return FilmFile(target, status.st_size, status.st_mtime_ns, is_copy=True)


def _duplicates(project: Project) -> tuple[str, ...]:
    groups = store.films_under_several_patients(project)
    if not groups:
        return ()
    files = store.all_files(project)
    return tuple(" = ".join(str(files[film_id][0]) for film_id in group) for group in groups)
