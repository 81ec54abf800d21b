"""Rectangles as a folder with one file a film: YOLO txt, Pascal VOC XML, labelme JSON."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any
from xml.parsers import expat
from xml.sax.saxutils import escape

from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.geometry import Size
from hipcad_desktop.store.folders import whole_folder
from hipcad_desktop.workflows.coco_file import load_json
from hipcad_desktop.workflows.rectangle_text import (
    CLASSES,
    BadAnnotation,
    FilmBoxes,
    ReadBox,
    ReadFilm,
    class_of,
    number,
    texts_of,
    whole_number,
)

CLASSES_NAME = "classes.txt"
LARGEST_FILE = 16 * 1024 * 1024
NO_FRACTURE = "no_fracture"  # labelme's flag of a film without a rectangle


def write_yolo(folder: Path, films: Sequence[FilmBoxes]) -> None:
    """classes.txt and a txt beside the name of every film; an empty one is a film without fracture."""

    def content(film: FilmBoxes) -> str:
        return "".join(f"{CLASSES.index(class_of(f))} {' '.join(texts)}\n" for f, texts in texts_of(film, "shares"))

    _write(folder, films, ".txt", content, beside={CLASSES_NAME: "\n".join(CLASSES) + "\n"})


def write_voc(folder: Path, films: Sequence[FilmBoxes]) -> None:
    """An XML a film; coordinates as decimal text, from 0 at the film's corner."""

    def content(film: FilmBoxes) -> str:
        name = PurePosixPath(film.name)
        lines = [
            "<annotation>",
            f"  <folder>{escape(str(name.parent) if name.parent.parts else '')}</folder>",
            f"  <filename>{escape(name.name)}</filename>",
            f"  <size><width>{film.size.width}</width><height>{film.size.height}</height><depth>1</depth></size>",
        ]
        for finding, texts in texts_of(film, "corners"):
            corners = "".join(
                f"<{tag}>{text}</{tag}>" for tag, text in zip(("xmin", "ymin", "xmax", "ymax"), texts, strict=True)
            )
            lines.append(f"  <object><name>{escape(class_of(finding))}</name><bndbox>{corners}</bndbox></object>")
        return "\n".join([*lines, "</annotation>", ""])

    _write(folder, films, ".xml", content)


def write_labelme(folder: Path, films: Sequence[FilmBoxes]) -> None:
    """A JSON a film without the picture inside; a film without fracture carries the flag no_fracture."""

    def content(film: FilmBoxes) -> str:
        shapes = [
            json.dumps({"label": class_of(f), "shape_type": "rectangle", "group_id": None, "flags": {}})[:-1]
            + f', "points": [[{x0}, {y0}], [{x1}, {y1}]]}}'  # exact decimals, which json.dumps cannot write
            for f, (x0, y0, x1, y1) in texts_of(film, "corners")
        ]
        head = json.dumps(
            {
                "version": "5.5.0",
                "flags": {} if film.findings else {NO_FRACTURE: True},
                "imagePath": PurePosixPath(film.name).name,  # beside the JSON, where labelme looks for it
                "imageData": None,
                "imageHeight": film.size.height,
                "imageWidth": film.size.width,
            },
            ensure_ascii=False,
        )
        return head[:-1] + ', "shapes": [' + ", ".join(shapes) + "]}\n"

    _write(folder, films, ".json", content)


def read_yolo(folder: Path) -> Iterator[ReadFilm | BadAnnotation]:
    """Every txt of a folder but classes.txt. Raises UserError ANNOTATIONS_BAD without classes.txt."""
    try:
        classes = [line.strip() for line in (folder / CLASSES_NAME).read_text("utf-8-sig").splitlines() if line.strip()]
    except (OSError, ValueError) as error:
        detail = f"{CLASSES_NAME} is missing: a line for each class, in their order"
        raise UserError(ErrorCode.ANNOTATIONS_BAD, path=str(folder), detail=detail) from error
    for path, text in _texts(folder, ".txt"):
        if path.name == CLASSES_NAME:
            continue
        try:
            lines = [(n, line.split()) for n, line in enumerate(text.splitlines(), 1) if line.strip()]
            boxes = tuple(_yolo_box(words, f"line {n}", classes) for n, words in lines)
        except BadAnnotation as bad:
            yield BadAnnotation(f"{path.relative_to(folder)}, {bad.place}", bad.detail)
            continue
        stem = path.relative_to(folder).with_suffix("").as_posix()
        yield ReadFilm(path, "line 1", _names(folder, stem), None, "shares", boxes)


def _yolo_box(words: Sequence[str], place: str, classes: Sequence[str]) -> ReadBox:
    if len(words) != 5:
        raise BadAnnotation(place, f"five numbers make a rectangle, not {len(words)}")
    if not words[0].isascii() or not words[0].isdigit() or int(words[0]) >= len(classes):
        raise BadAnnotation(place, f"the class {words[0][:20]} is not in {CLASSES_NAME}")
    a, b, c, d = (number(w, name="a share", place=place) for w in words[1:])
    if max(abs(v) for v in (a, b, c, d)) > 2:
        raise BadAnnotation(place, "YOLO gives shares of the film between 0 and 1, not pixels")
    return ReadBox((a, b, c, d), classes[int(words[0])], place)


def read_labelme(folder: Path) -> Iterator[ReadFilm | BadAnnotation]:
    """Every labelme JSON of a folder; rectangles of two or four points."""
    for path, _ in _texts(folder, ".json"):
        shown = str(path.relative_to(folder))
        try:
            content = load_json(path)
            if not isinstance(content, dict) or not isinstance(content.get("shapes"), list):
                raise BadAnnotation("line 1", "no labelme file: it has no shapes")
            yield _labelme_film(folder, path, content)
        except BadAnnotation as bad:
            yield BadAnnotation(f"{shown}, {bad.place}", bad.detail)
        except UserError as error:
            yield BadAnnotation(shown, str(error.facts.get("detail", "it cannot be read")))


def _labelme_film(folder: Path, path: Path, content: Mapping[str, Any]) -> ReadFilm:
    boxes = tuple(_labelme_box(shape, f"shape {n}") for n, shape in enumerate(content["shapes"], 1))
    size = None
    if content.get("imageWidth") is not None and content.get("imageHeight") is not None:
        size = Size(
            whole_number(content["imageWidth"], name="imageWidth", place="line 1"),
            whole_number(content["imageHeight"], name="imageHeight", place="line 1"),
        )
    image = str(content.get("imagePath") or "").replace("\\", "/")
    flags = content.get("flags")
    said = isinstance(flags, dict) and flags.get(NO_FRACTURE) is True
    beside = path.relative_to(folder).parent.as_posix()
    told = (f"{beside}/{image}", image) if image and beside != "." else (image,) if image else ()
    names = (*told, *_names(folder, path.relative_to(folder).with_suffix("").as_posix()))
    return ReadFilm(path, "line 1", names, size, "corners", boxes, no_fracture=said and not boxes)


def _labelme_box(shape: Any, place: str) -> ReadBox:
    points = shape.get("points") if isinstance(shape, dict) else None
    kind = shape.get("shape_type", "rectangle") if isinstance(shape, dict) else None
    if kind != "rectangle":
        raise BadAnnotation(place, f"a {str(kind)[:20]} is no rectangle")
    if (
        not isinstance(points, list)
        or len(points) not in (2, 4)
        or not all(isinstance(p, list) and len(p) == 2 for p in points)
    ):
        raise BadAnnotation(place, "a rectangle has two or four points")
    xs = [number(p[0], name="a point", place=place) for p in points]
    ys = [number(p[1], name="a point", place=place) for p in points]
    return ReadBox((min(xs), min(ys), max(xs), max(ys)), str(shape.get("label", "")), place)


def read_voc(folder: Path) -> Iterator[ReadFilm | BadAnnotation]:
    """Every Pascal VOC XML of a folder."""
    for path, text in _texts(folder, ".xml"):
        shown = str(path.relative_to(folder))
        try:
            yield _voc_film(folder, path, _xml(text))
        except BadAnnotation as bad:
            yield BadAnnotation(f"{shown}, {bad.place}", bad.detail)


class _Element:
    """An XML element with the line it begins in."""

    def __init__(self, tag: str, line: int) -> None:
        self.tag, self.line, self.text = tag, line, ""
        self.children: list[_Element] = []

    def find(self, *tags: str) -> _Element | None:
        """The first element on this way down."""
        found: _Element | None = self
        for tag in tags:
            found = None if found is None else next((c for c in found.children if c.tag == tag), None)
        return found

    def word(self, *tags: str) -> str:
        """Its text; "" where there is none."""
        found = self.find(*tags)
        return "" if found is None else found.text.strip()


def _xml(text: str) -> _Element:
    """Without entities and document types: a few lines of those could grow to gigabytes. Raises BadAnnotation."""
    root = _Element("", 1)
    stack = [root]
    parser = expat.ParserCreate()

    def start(tag: str, _: dict[str, str]) -> None:
        if len(stack) > 20:
            raise BadAnnotation(f"line {parser.CurrentLineNumber}", "nested too deep")
        element = _Element(tag, parser.CurrentLineNumber)
        stack[-1].children.append(element)
        stack.append(element)

    def end(_: str) -> None:
        stack.pop()

    def characters(data: str) -> None:
        stack[-1].text += data

    def refuse(*_: Any) -> None:
        raise BadAnnotation(f"line {parser.CurrentLineNumber}", "a document type is not read")

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler, parser.StartDoctypeDeclHandler = characters, refuse
    try:
        parser.Parse(text, True)
    except expat.ExpatError as error:
        raise BadAnnotation(f"line {error.lineno}", f"no XML: {expat.ErrorString(error.code)}") from None
    return root


def _voc_film(folder: Path, path: Path, root: _Element) -> ReadFilm:
    annotation = root.find("annotation")
    if annotation is None:
        raise BadAnnotation("line 1", "no Pascal VOC file: it has no annotation")
    boxes = []
    for item in (c for c in annotation.children if c.tag == "object"):
        place = f"line {item.line}"
        values = [number(item.word("bndbox", t), name=t, place=place) for t in ("xmin", "ymin", "xmax", "ymax")]
        boxes.append(ReadBox((values[0], values[1], values[2], values[3]), item.word("name"), place))
    size = None
    if (held := annotation.find("size")) is not None:
        place = f"line {held.line}"
        size = Size(
            whole_number(held.word("width"), name="width", place=place),
            whole_number(held.word("height"), name="height", place=place),
        )
    file, parent = annotation.word("filename"), annotation.word("folder")
    told = (f"{parent}/{file}", file) if file and parent else (file,) if file else ()
    names = (*told, *_names(folder, path.relative_to(folder).with_suffix("").as_posix()))
    return ReadFilm(path, f"line {annotation.line}", names, size, "corners", tuple(boxes))


def _names(folder: Path, stem: str) -> tuple[str, ...]:
    """What a film may be called whose rectangles lie in folder/stem.*: with as much of the folders as there is."""
    return (stem, PurePosixPath(stem).name) if "/" in stem else (stem,)


def _texts(folder: Path, suffix: str) -> Iterator[tuple[Path, str]]:
    """The files of one kind below a folder, in order. Raises UserError where there is none, or one is no text."""
    if not folder.is_dir():
        code = ErrorCode.ANNOTATIONS_BAD if folder.exists() else ErrorCode.FILE_MISSING
        raise UserError(code, path=str(folder), detail="a folder is needed")
    paths = [
        Path(below, name)
        for below, _, names in sorted(os.walk(folder))
        for name in sorted(names)
        if name.lower().endswith(suffix) and not name.startswith(".")
    ]
    if not any(p.name != CLASSES_NAME for p in paths):
        raise UserError(ErrorCode.ANNOTATIONS_BAD, path=str(folder), detail=f"no {suffix} file in it")
    for path in paths:
        try:
            if not path.is_file() or path.stat().st_size > LARGEST_FILE:
                raise UserError(ErrorCode.ANNOTATIONS_BAD, path=str(path), detail="no file of rectangles")
            yield path, path.read_bytes().decode("utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise UserError(ErrorCode.ANNOTATIONS_BAD, path=str(path), detail="it is no UTF-8 text") from error


def _write(
    folder: Path,
    films: Sequence[FilmBoxes],
    suffix: str,
    content: Callable[[FilmBoxes], str],
    *,
    beside: Mapping[str, str] | None = None,
) -> None:
    """A new folder, there whole or not at all. Films that share a stem keep their extension: a.jpg.txt."""
    stems: dict[str, int] = {}
    relative = [PurePosixPath(_inside(film.name)) for film in films]
    for name in relative:
        stem = str(name.with_suffix("")).casefold()
        stems[stem] = stems.get(stem, 0) + 1
    tops = {name.parts[0] if len(name.parts) > 1 else "" for name in relative}
    with whole_folder(folder, content=frozenset(tops), needed_mb=1 + len(films) // 200) as part:
        for film, name in zip(films, relative, strict=True):
            alone = stems[str(name.with_suffix("")).casefold()] == 1
            target = part / (name.with_suffix(suffix) if alone else PurePosixPath(f"{name}{suffix}"))
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(content(film), encoding="utf-8", newline="\n")
        for other, text in (beside or {}).items():
            (part / other).write_text(text, encoding="utf-8", newline="\n")


def _inside(name: str) -> str:
    """A relative path that stays in the folder, whatever the film's path looks like."""
    parts = [p for p in re.split(r"[/\\]", name) if p not in ("", ".", "..")]
    return "/".join(p.replace(":", "") for p in parts)
