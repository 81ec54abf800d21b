"""Films of a project: adding them, where their files lie, whose they are, and the worklist."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath

from sqlalchemy import Connection, func, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from hipcad_desktop.domain.anatomy import Side, SideMap, SideSource
from hipcad_desktop.domain.annotation import Reading
from hipcad_desktop.domain.diagnosis import Refusal, RefusalReason
from hipcad_desktop.domain.geometry import Size
from hipcad_desktop.domain.radiograph import FilmId, PatientCode, Radiograph
from hipcad_desktop.store.models import FileRow, FilmTable, PatientRow
from hipcad_desktop.store.project_store import Project
from hipcad_desktop.store.readings import current_readings


@dataclass(frozen=True, slots=True)
class FilmFile:
    """A file that holds a film's bytes, as it was when last seen."""

    path: Path
    size_bytes: int
    mtime_ns: int
    is_copy: bool = False


@dataclass(frozen=True, slots=True)
class NewFilm:
    """Everything the project keeps of a film. patient_identifier None: nobody says, so it is its own patient."""

    radiograph: Radiograph
    files: tuple[FilmFile, ...]
    patient_identifier: str | None
    midline_px: float | None
    midline_confidence: float
    refusal: Refusal | None
    imported_utc: str


@dataclass(frozen=True, slots=True)
class HeldFilm:
    """What an import has to know of a film that is there already."""

    kind: str
    patient_named: bool


@dataclass(frozen=True, slots=True)
class FilmRow:
    """A line of the worklist. path is one that exists when it was imported; reading is the asked reader's."""

    film_id: FilmId
    file_name: str
    path: str
    patient: PatientCode
    width: int
    height: int
    kind: str
    side_map: SideMap
    pixel_hash: str
    midline_px: float | None
    midline_confidence: float
    refusal: Refusal | None
    reading: Reading | None

    @property
    def size(self) -> Size:
        """Width and height as displayed."""
        return Size(self.width, self.height)


def add_films(project: Project, films: Sequence[NewFilm]) -> list[NewFilm]:
    """Add films in one transaction, those already there only with their files. The new ones."""
    added = []
    with project.writing() as connection:
        position = connection.execute(select(func.coalesce(func.max(FilmTable.position), 0))).scalar_one()
        for film in films:
            known = connection.execute(
                select(FilmTable.film_id).where(FilmTable.film_id == film.radiograph.film_id)
            ).first()
            if known is None:
                position += 1
                added.append(film)
                _insert_film(connection, film, position=position)
            _record_files(connection, project, film.radiograph.film_id, film.files)
    return added


def record_files(project: Project, files: Iterable[tuple[FilmId, FilmFile]]) -> None:
    """Remember further places of films that are already in the project, in one transaction."""
    with project.writing() as connection:
        for film_id, file in files:
            _record_files(connection, project, film_id, (file,))


def assign_patients(project: Project, identifiers: Sequence[tuple[FilmId, str]]) -> None:
    """Give films of unknown patients the patient that a table names; films whose patient is known keep theirs."""
    with project.writing() as connection:
        for film_id, identifier in identifiers:
            held = connection.execute(
                select(PatientRow.patient_id, PatientRow.identifier)
                .join(FilmTable, FilmTable.patient_id == PatientRow.patient_id)
                .where(FilmTable.film_id == film_id)
            ).one()
            if held.identifier is not None:
                continue
            named = connection.execute(
                select(PatientRow.patient_id).where(PatientRow.identifier == identifier)
            ).scalar_one_or_none()
            if named is None:  # the film's own patient gets the name, and keeps the code
                rename = (
                    update(PatientRow).where(PatientRow.patient_id == held.patient_id).values(identifier=identifier)
                )
                connection.execute(rename)
            else:
                # the film's own patient stays behind, empty: a code is never given to anyone else
                connection.execute(update(FilmTable).where(FilmTable.film_id == film_id).values(patient_id=named))


def known_files(project: Project) -> dict[str, tuple[FilmId, int, int]]:
    """Stored path -> film, size in bytes, modification time in ns."""
    with project.reading() as connection:
        rows = connection.execute(select(FileRow.path, FileRow.film_id, FileRow.size_bytes, FileRow.mtime_ns))
        return {r.path: (FilmId(r.film_id), r.size_bytes, r.mtime_ns) for r in rows}


def known_films(project: Project) -> dict[FilmId, HeldFilm]:
    """Every film of the project."""
    with project.reading() as connection:
        rows = connection.execute(
            select(FilmTable.film_id, FilmTable.kind, PatientRow.identifier).join(
                PatientRow, PatientRow.patient_id == FilmTable.patient_id
            )
        )
        return {FilmId(r.film_id): HeldFilm(r.kind, r.identifier is not None) for r in rows}


def films_under_several_patients(project: Project) -> list[tuple[FilmId, ...]]:
    """Films with equal pixels that belong to different patients, in groups; the films inside in order of import."""
    with project.reading() as connection:
        suspect = (
            select(FilmTable.pixel_hash)
            .group_by(FilmTable.pixel_hash)
            .having(func.count(FilmTable.patient_id.distinct()) > 1)
        )
        rows = connection.execute(
            select(FilmTable.pixel_hash, FilmTable.film_id)
            .where(FilmTable.pixel_hash.in_(suspect))
            .order_by(FilmTable.position)
        )
        found: dict[str, list[FilmId]] = {}
        for row in rows:
            found.setdefault(row.pixel_hash, []).append(FilmId(row.film_id))
        return [tuple(films) for films in found.values()]


def files_of(project: Project, film_id: FilmId) -> list[Path]:
    """Where a film's bytes may lie, the project's own copy first. Raises KeyError for a film it does not have."""
    with project.reading() as connection:
        rows = connection.execute(
            select(FileRow.path)
            .where(FileRow.film_id == film_id)
            .order_by(FileRow.is_copy.desc(), FileRow.mtime_ns.desc(), FileRow.path)
        ).scalars()
        paths = [project_path(project, stored) for stored in rows]
    if not paths:
        raise KeyError(film_id)
    return paths


def all_files(project: Project) -> dict[FilmId, list[Path]]:
    """Every film's places, in order of import; names a person knows before the project's own copies."""
    with project.reading() as connection:
        rows = connection.execute(
            select(FileRow.film_id, FileRow.path)
            .join(FilmTable, FilmTable.film_id == FileRow.film_id)
            .order_by(FilmTable.position, FileRow.is_copy, FileRow.path)
        )
        found: dict[FilmId, list[Path]] = {}
        for row in rows:
            found.setdefault(FilmId(row.film_id), []).append(project_path(project, row.path))
        return found


def film_rows(project: Project, *, reader: str | None) -> list[FilmRow]:
    """Every film in order of import, with one reader's current reading (None: without readings)."""
    with project.reading() as connection:
        readings = {r.film_id: r for r in current_readings(connection, reader=reader)} if reader is not None else {}
        paths: dict[str, str] = {}
        places = select(FileRow.film_id, FileRow.path).order_by(FileRow.is_copy.desc(), FileRow.path.desc())
        for place in connection.execute(places):
            paths[place.film_id] = place.path  # the last one wins: a name that a person knows
        rows = connection.execute(select(*FilmTable.__table__.columns).order_by(FilmTable.position)).all()
    return [
        FilmRow(
            film_id=FilmId(row.film_id),
            file_name=PurePosixPath(paths[row.film_id]).name,
            path=str(project_path(project, paths[row.film_id])),
            patient=patient_code(row.patient_id),
            width=row.width,
            height=row.height,
            kind=row.kind,
            side_map=SideMap(Side(row.picture_left), SideSource(row.side_source)),
            pixel_hash=row.pixel_hash,
            midline_px=row.midline_px,
            midline_confidence=row.midline_confidence,
            refusal=_refusal(row.refusal),
            reading=readings.get(FilmId(row.film_id)),
        )
        for row in rows
    ]


def patient_code(patient_id: int) -> PatientCode:
    """P0001 of patient 1."""
    return PatientCode(f"P{patient_id:04d}")


def stored_path(project: Project, path: Path) -> str:
    """A path as the project keeps it: relative where the file lies inside the folder, so that it can be moved."""
    absolute = path.absolute()
    inside = absolute.relative_to(project.path) if absolute.is_relative_to(project.path) else absolute
    return inside.as_posix()


def project_path(project: Project, stored: str) -> Path:
    """Back from stored_path: absolute."""
    return project.path / stored


def _insert_film(connection: Connection, film: NewFilm, *, position: int) -> None:
    radiograph = film.radiograph
    connection.execute(
        insert(FilmTable).values(
            film_id=radiograph.film_id,
            position=position,
            pixel_hash=radiograph.pixel_hash,
            width=radiograph.size.width,
            height=radiograph.size.height,
            kind=radiograph.kind,
            picture_left=radiograph.sides.picture_left.value,
            side_source=radiograph.sides.source.value,
            mapping=json.dumps(asdict(radiograph.mapping)),
            header=json.dumps(asdict(radiograph.header)),
            patient_id=_patient(connection, film.patient_identifier),
            midline_px=film.midline_px,
            midline_confidence=film.midline_confidence,
            refusal=None if film.refusal is None else json.dumps(asdict(film.refusal)),
            imported_utc=film.imported_utc,
        )
    )


def _patient(connection: Connection, identifier: str | None) -> int:
    if identifier is not None:
        held = connection.execute(
            select(PatientRow.patient_id).where(PatientRow.identifier == identifier)
        ).scalar_one_or_none()
        if held is not None:
            return held
    key = connection.execute(insert(PatientRow).values(identifier=identifier)).inserted_primary_key
    assert key is not None
    return int(key[0])


def _record_files(connection: Connection, project: Project, film_id: FilmId, files: Iterable[FilmFile]) -> None:
    for file in files:
        values = {
            "film_id": film_id,
            "size_bytes": file.size_bytes,
            "mtime_ns": file.mtime_ns,
            "is_copy": int(file.is_copy),
        }
        statement = upsert(FileRow).values(path=stored_path(project, file.path), **values)
        connection.execute(statement.on_conflict_do_update(index_elements=[FileRow.path], set_=values))


def _refusal(text: str | None) -> Refusal | None:
    if text is None:
        return None
    values = json.loads(text)
    return Refusal(RefusalReason(values["reason"]), values["facts"])
