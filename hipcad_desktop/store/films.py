"""Films of a project: adding them, where their files lie, whose they are, and the worklist."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, func, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.orm import InstrumentedAttribute

from hipcad_desktop.domain.anatomy import Side, SideMap, SideSource
from hipcad_desktop.domain.annotation import Reading
from hipcad_desktop.domain.diagnosis import Refusal, RefusalReason
from hipcad_desktop.domain.geometry import Size
from hipcad_desktop.domain.radiograph import FilmId, PatientCode, Radiograph
from hipcad_desktop.store import audit, exchange
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
class CohortFacts:
    """What the cohort's tables ask of a film. hospital is a label that a person gave; sex is M, F or O."""

    hospital: str = ""
    sex: str | None = None
    age_years: int | None = None
    study_date: str | None = None


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
    cohort: CohortFacts = field(default_factory=CohortFacts)


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
    cohort: CohortFacts = field(default_factory=CohortFacts)

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
                _audit_import(connection, film)
                exchange.adopt(connection, film.radiograph, utc=film.imported_utc)
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
            held_code = patient_code(held.patient_id)
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
            code = held_code if named is None else patient_code(named)
            utc = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
            old, new = audit.packed({"patient": held_code}), audit.packed({"patient": code, "named": True})
            audit.record(connection, "patient", who=audit.operator(), utc=utc, what=film_id, old=old, new=new)


def tell_cohort(project: Project, told: Sequence[tuple[FilmId, CohortFacts]]) -> None:
    """Add what is known now to films that are there: a hospital replaces the one before, the rest fills gaps only."""
    with project.writing() as connection:
        for film_id, facts in told:
            held = connection.execute(
                select(FilmTable.sex, FilmTable.age_years, FilmTable.study_date).where(FilmTable.film_id == film_id)
            ).one()
            values: dict[str, str | int] = {"hospital": facts.hospital} if facts.hospital else {}
            for name in ("sex", "age_years", "study_date"):
                value = getattr(facts, name)
                if value is not None and getattr(held, name) is None:
                    values[name] = value
            if values:
                connection.execute(update(FilmTable).where(FilmTable.film_id == film_id).values(**values))


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
    """Where a film's bytes may lie, the project's own copy first. Raises KeyError for a film it does not have.

    A film whose only file was imported again with other bytes has no place left; then it is one where nothing lies.
    """
    with project.reading() as connection:
        rows = connection.execute(
            select(FileRow.path)
            .where(FileRow.film_id == film_id)
            .order_by(FileRow.is_copy.desc(), FileRow.mtime_ns.desc(), FileRow.path)
        ).scalars()
        paths = [project_path(project, stored) for stored in rows]
        known = select(FilmTable.film_id).where(FilmTable.film_id == film_id)
        if not paths and connection.execute(known).first() is None:
            raise KeyError(film_id)
    return paths or [project_path(project, _lost(film_id))]


def all_files(project: Project) -> dict[FilmId, list[Path]]:
    """Every film's places, in order of import; names a person knows before the project's own copies."""
    with project.reading() as connection:
        rows = connection.execute(
            select(FilmTable.film_id, FileRow.path)
            .outerjoin(FileRow, FilmTable.film_id == FileRow.film_id)
            .order_by(FilmTable.position, FileRow.is_copy, FileRow.path)
        )
        found: dict[FilmId, list[Path]] = {}
        for row in rows:
            path = row.path or _lost(row.film_id)
            found.setdefault(FilmId(row.film_id), []).append(project_path(project, path))
        return found


def _lost(film_id: str) -> str:
    """The name of a film whose only file was imported again with other bytes: nothing lies there."""
    return f"{film_id[:12]} (its file was replaced)"


def scanners(project: Project) -> dict[FilmId, str]:
    """The scanner of every film whose header tells it; films that were imported before it was kept tell none."""
    with project.reading() as connection:
        scanner = func.json_extract(FilmTable.header, "$.scanner")
        rows = connection.execute(select(FilmTable.film_id, scanner.label("scanner")).where(scanner.is_not(None)))
        return {FilmId(r.film_id): r.scanner for r in rows}


def film_rows(project: Project, *, reader: str | None, round: int = 1) -> list[FilmRow]:
    """Every film in order of import, with one reader's current reading of a round (None: without readings)."""
    with project.reading() as connection:
        held = [] if reader is None else current_readings(connection, reader=reader, round=round)
        readings = {r.film_id: r for r in held}
        # Not a copy before a copy, then by name: the path that a person knows.
        places: dict[str, tuple[int, str]] = {}
        for film_id, is_copy, path in connection.execute(select(FileRow.film_id, FileRow.is_copy, FileRow.path)):
            place = (is_copy, path)
            if film_id not in places or place < places[film_id]:
                places[film_id] = place
        rows = connection.execute(select(*_listed_columns()).order_by(FilmTable.position)).all()
    root = os.path.join(project.path, "")
    sides: dict[tuple[str, str], SideMap] = {}
    cohorts: dict[tuple[Any, ...], CohortFacts] = {}  # few differ, and one is cheaper than 20,000
    listed = []
    for film_id, patient_id, width, height, kind, left, source, pixels, midline, confidence, refusal, *facts in rows:
        path = places[film_id][1] if film_id in places else _lost(film_id)
        side_map = sides.get((left, source))
        if side_map is None:
            side_map = sides[left, source] = SideMap(Side(left), SideSource(source))
        cohort = cohorts.get(key := tuple(facts))
        if cohort is None:
            cohort = cohorts[key] = CohortFacts(*facts)
        listed.append(
            FilmRow(
                film_id,
                path[path.rfind("/") + 1 :],
                _listed_path(root, path),
                patient_code(patient_id),
                width,
                height,
                kind,
                side_map,
                pixels,
                midline,
                confidence,
                None if refusal is None else _refusal(refusal),
                readings.get(film_id),
                cohort,
            )
        )
    return listed


def _listed_path(root: str, stored: str) -> str:
    """project_path as text, without a Path for each of 20,000 films. root ends with a separator."""
    if os.sep == "/":
        return stored if stored[0] == "/" else root + stored
    return os.path.join(root, stored.replace("/", os.sep))


def _listed_columns() -> list[InstrumentedAttribute[Any]]:
    """In the order in which film_rows takes them apart; 20,000 rows are read while a person waits."""
    t = FilmTable
    film = [t.film_id, t.patient_id, t.width, t.height, t.kind, t.picture_left, t.side_source, t.pixel_hash]
    seen: list[InstrumentedAttribute[Any]] = [t.midline_px, t.midline_confidence, t.refusal]
    return [*film, *seen, t.hospital, t.sex, t.age_years, t.study_date]


def film_count(connection: Connection) -> int:
    """How many films the project has."""
    return connection.execute(select(func.count()).select_from(FilmTable)).scalar_one()


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
            **asdict(film.cohort),
        )
    )


def _audit_import(connection: Connection, film: NewFilm) -> None:
    """The film by its bytes and pixels; its path is left out, since folders may be named after patients."""
    radiograph = film.radiograph
    new = {
        "pixel_hash": radiograph.pixel_hash,
        "width": radiograph.size.width,
        "height": radiograph.size.height,
        "kind": radiograph.kind,
    }
    utc, who = film.imported_utc, audit.operator()
    audit.record(connection, "import", who=who, utc=utc, what=radiograph.film_id, new=audit.packed(new))


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
