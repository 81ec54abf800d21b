"""Rectangles to and from COCO, YOLO, Pascal VOC and labelme. What a format cannot say stays as it was."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from hipcad_desktop.domain.annotation import Answer, Finding, Verdict
from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.progress import Watch
from hipcad_desktop.domain.radiograph import FilmId
from hipcad_desktop.store import audit
from hipcad_desktop.store import films as film_store
from hipcad_desktop.store.films import FilmRow
from hipcad_desktop.store.project_store import Project
from hipcad_desktop.workflows.annotate import Session
from hipcad_desktop.workflows.coco_file import read_coco, write_coco
from hipcad_desktop.workflows.labelled_folders import (
    read_labelme,
    read_voc,
    read_yolo,
    write_labelme,
    write_voc,
    write_yolo,
)
from hipcad_desktop.workflows.path_index import PathIndex, shortest_ends
from hipcad_desktop.workflows.rectangle_text import BadAnnotation, FilmBoxes, ReadFilm, to_finding

SILENT = Watch()
Format = Literal["coco", "yolo", "voc", "labelme"]
WRITERS: Mapping[Format, Callable[[Path, Sequence[FilmBoxes]], None]] = {
    "coco": write_coco,
    "yolo": write_yolo,
    "voc": write_voc,
    "labelme": write_labelme,
}
READERS: Mapping[Format, Callable[[Path], Iterator[ReadFilm | BadAnnotation]]] = {
    "coco": read_coco,
    "yolo": read_yolo,
    "voc": read_voc,
    "labelme": read_labelme,
}


@dataclass(frozen=True, slots=True)
class AnnotationsWritten:
    """What left: films and rectangles; without_place: films unsure or excluded, which the formats cannot say."""

    films: int
    rectangles: int
    without_place: int


@dataclass(frozen=True, slots=True)
class AnnotationsRead:
    """What came: films with a new revision, unchanged ones, films without rectangle left unread, and problems."""

    saved: int
    unchanged: int
    left_unread: int
    problems: tuple[UserError, ...]


def export_annotations(project: Project, to: Path, *, file_format: Format, reader: str) -> AnnotationsWritten:
    """Write a reader's rectangles as a file (COCO) or a new folder (the others), whole or not at all.

    Films are named by the shortest end of their path that no other has. Raises UserError TARGET_NOT_EMPTY,
    FOLDER_NOT_WRITABLE, DISK_FULL or NOTHING_TO_EXPORT.
    """
    rows = film_store.film_rows(project, reader=reader)
    ends = shortest_ends(Path(r.path) for r in rows)
    films, without_place = [], 0
    for row in rows:
        answer = None if row.reading is None else row.reading.answer
        if answer is None:
            continue
        if answer.verdict not in (Verdict.FRACTURE, Verdict.NO_FRACTURE):
            without_place += 1
            continue
        films.append(FilmBoxes(ends[Path(row.path)], row.size, answer.findings))
    if not films:
        raise UserError(ErrorCode.NOTHING_TO_EXPORT, path=str(project.path))
    WRITERS[file_format](Path(os.path.abspath(to)), films)
    facts = {"format": file_format, "reader": reader, "films": len(films)}
    audit.note(project, "export", what="rectangles", new=facts)
    return AnnotationsWritten(len(films), sum(len(f.findings) for f in films), without_place)


def import_annotations(
    project: Project,
    path: Path,
    *,
    file_format: Format,
    reader: str,
    empty_is_no_fracture: bool = False,
    watch: Watch = SILENT,
) -> AnnotationsRead:
    """Save another program's rectangles as this reader's answers; sides, flags and the rest that the reader gave stay.

    A film of the file without a rectangle is left alone unless the file says "no fracture" in so many words or
    empty_is_no_fracture. A film with something wrong is left out and named; the others are done. Raises UserError
    ANNOTATIONS_BAD, FILE_MISSING, PROJECT_BUSY, DISK_FULL, and CANCELLED (answers saved by then are kept).
    """
    path = Path(os.path.abspath(path))
    problems: list[UserError] = []
    found = _found(project, READERS[file_format](path), path, reader=reader, problems=problems)
    answers, left_unread = _answers(found, path, empty=empty_is_no_fracture, problems=problems)
    session = Session(project, reader=reader)
    saved = 0
    for done, (row, answer) in enumerate(answers, 1):
        watch.check("The import of rectangles")
        before = 0 if row.reading is None else row.reading.revision
        try:
            saved += session.save(row.film_id, answer).revision > before
        except UserError as error:
            if error.code in (ErrorCode.PROJECT_BUSY, ErrorCode.DISK_FULL, ErrorCode.FOLDER_NOT_WRITABLE):
                raise
            problems.append(error)  # a signed reading, say
        watch.step("rectangles", done, len(answers))
    return AnnotationsRead(saved, len(answers) - saved, left_unread, tuple(problems))


def _found(
    project: Project,
    read: Iterator[ReadFilm | BadAnnotation],
    path: Path,
    *,
    reader: str,
    problems: list[UserError],
) -> dict[FilmId, tuple[FilmRow, list[ReadFilm]]]:
    """What was read, by the film that it means."""
    rows = {r.film_id: r for r in film_store.film_rows(project, reader=reader)}
    places = [(p, film_id) for film_id, paths in film_store.all_files(project).items() for p in paths]
    index = PathIndex(places)
    stems = PathIndex((p.with_suffix(""), film_id) for p, film_id in places)
    found: dict[FilmId, tuple[FilmRow, list[ReadFilm]]] = {}
    for item in read:
        if isinstance(item, BadAnnotation):
            problems.append(_problem(path, item))
            continue
        meant: list[FilmId] = []
        for name in item.names:  # the surest name first; a stem only where no full name fits
            meant = index.find(name, beside=item.path.parent) or stems.find(name, beside=item.path.parent)
            if meant:
                break
        if len(meant) != 1:
            said = item.names[0] if item.names else "without a name"
            detail = f"{len(meant)} films can be meant by {said}" if meant else f"no imported film is named {said}"
            problems.append(_problem(path, BadAnnotation(_place(item, path, item.place), detail)))
            continue
        found.setdefault(meant[0], (rows[meant[0]], []))[1].append(item)
    return found


def _answers(
    found: Mapping[FilmId, tuple[FilmRow, list[ReadFilm]]], path: Path, *, empty: bool, problems: list[UserError]
) -> tuple[list[tuple[FilmRow, Answer]], int]:
    """The answer of every film that is all right, and how many are left unread."""
    answers: list[tuple[FilmRow, Answer]] = []
    left_unread = 0
    for row, items in found.values():
        try:
            findings = tuple(dict.fromkeys(f for item in items for f in _findings(item, row, path)))
        except BadAnnotation as bad:
            problems.append(_problem(path, bad))
            continue
        if not findings and not (empty or any(item.no_fracture for item in items)):
            left_unread += 1
            continue
        answers.append((row, _answer(row, findings)))
    return answers, left_unread


def _findings(item: ReadFilm, row: FilmRow, path: Path) -> Iterator[Finding]:
    if item.size is not None and item.size != row.size:
        detail = (
            f"the film has {row.width} x {row.height} pixels, the rectangles were drawn on "
            f"{item.size.width} x {item.size.height}"
        )
        raise BadAnnotation(_place(item, path, item.place), detail)
    for box in item.boxes:
        try:
            yield to_finding(box, item.shape, row.size)
        except BadAnnotation as bad:
            raise BadAnnotation(_place(item, path, bad.place), bad.detail) from None


def _answer(row: FilmRow, findings: tuple[Finding, ...]) -> Answer:
    verdict = Verdict.FRACTURE if findings else Verdict.NO_FRACTURE
    held = None if row.reading is None else row.reading.answer
    if held is None:
        return Answer(verdict, findings)
    return replace(held, verdict=verdict, findings=findings, exclusion=None, exclusion_text="")


def _place(item: ReadFilm, path: Path, place: str) -> str:
    """In a folder, the file too."""
    return place if item.path == path else f"{item.path.name}, {place}"


def _problem(path: Path, bad: BadAnnotation) -> UserError:
    return UserError(ErrorCode.ANNOTATION_BAD, path=str(path), place=bad.place, detail=bad.detail)
