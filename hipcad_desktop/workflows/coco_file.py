"""Rectangles as one COCO JSON file: images, annotations with bbox in pixels, categories by type of fracture."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.geometry import Size
from hipcad_desktop.store.folders import write_file
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

MAX_BYTES = 512 * 1024 * 1024


def write_coco(path: Path, films: Sequence[FilmBoxes]) -> None:
    """Write the films; one without a finding is an image without an annotation."""
    ids = {name: i for i, name in enumerate(CLASSES, 1)}
    annotations: list[dict[str, Any]] = []
    for image_id, film in enumerate(films, 1):
        for finding, texts in texts_of(film, "extent"):
            bbox = [json.loads(t) for t in texts]
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": image_id,
                    "category_id": ids[class_of(finding)],
                    "bbox": bbox,
                    "area": bbox[2] * bbox[3],
                    "iscrowd": 0,
                    "segmentation": [],
                }
            )
    content = {
        "info": {"description": "HipCAD Desktop. Research use only."},
        "images": [
            {"id": i, "file_name": f.name, "width": f.size.width, "height": f.size.height}
            for i, f in enumerate(films, 1)
        ],
        "annotations": annotations,
        "categories": [{"id": i, "name": name, "supercategory": "hip fracture"} for name, i in ids.items()],
    }
    write_file(path, (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode())


def read_coco(path: Path) -> Iterator[ReadFilm | BadAnnotation]:
    """Every image of a file. Raises UserError ANNOTATIONS_BAD where it is no COCO file."""
    content = load_json(path)
    if not isinstance(content, dict) or not all(
        isinstance(content.get(key), list) for key in ("images", "annotations", "categories")
    ):
        raise UserError(
            ErrorCode.ANNOTATIONS_BAD, path=str(path), detail="no COCO file: images, annotations, categories"
        )
    names = {c.get("id"): str(c.get("name")) for c in content["categories"] if isinstance(c, dict)}
    of_image: dict[Any, list[tuple[int, Mapping[str, Any]]]] = {}
    known = {_key(i.get("id")) for i in content["images"] if isinstance(i, dict)}
    for at, annotation in enumerate(content["annotations"], 1):
        if not isinstance(annotation, dict) or _key(annotation.get("image_id")) not in known:
            yield BadAnnotation(f"annotation {at}", "it belongs to no image of the file")
            continue
        of_image.setdefault(_key(annotation["image_id"]), []).append((at, annotation))
    for at, image in enumerate(content["images"], 1):
        place = f"image {at}"
        try:
            if not isinstance(image, dict) or not isinstance(image.get("file_name"), str) or not image["file_name"]:
                raise BadAnnotation(place, "no file_name")
            boxes = tuple(_box(a, n, names) for n, a in of_image.get(_key(image.get("id")), []))
            size = Size(
                whole_number(image.get("width"), name="width", place=place),
                whole_number(image.get("height"), name="height", place=place),
            )
            yield ReadFilm(path, place, (image["file_name"],), size, "extent", boxes)
        except BadAnnotation as bad:
            yield bad


def _key(value: Any) -> str:
    return json.dumps(value, default=str)  # ids are numbers or text, and a broken file may hold anything


def _box(annotation: Mapping[str, Any], at: int, names: Mapping[Any, str]) -> ReadBox:
    place = f"annotation {annotation.get('id', at)}"
    bbox = annotation.get("bbox")
    if not isinstance(bbox, list) or len(bbox) != 4:
        raise BadAnnotation(place, "no bbox of four numbers")
    a, b, c, d = (number(v, name="bbox", place=place) for v in bbox)
    category = annotation.get("category_id")
    if not isinstance(category, int | str) or category not in names:
        raise BadAnnotation(place, f"the category {str(category)[:40]} is not in the file")
    return ReadBox((a, b, c, d), names[category], place)


def load_json(path: Path) -> Any:
    """A JSON file, its numbers exact. Raises UserError ANNOTATIONS_BAD with the line that is wrong, or FILE_MISSING."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise UserError(ErrorCode.ANNOTATIONS_BAD, path=str(path), detail="the file is larger than 512 MB")
        return json.loads(path.read_bytes().decode("utf-8-sig"), parse_float=Decimal)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise UserError(ErrorCode.FILE_MISSING, path=str(path)) from error
    except OSError as error:
        raise UserError(ErrorCode.ANNOTATIONS_BAD, path=str(path), detail=error.strerror or "unreadable") from error
    except json.JSONDecodeError as error:
        raise UserError(
            ErrorCode.ANNOTATIONS_BAD, path=str(path), detail=f"line {error.lineno}: {error.msg}"
        ) from error
    except (ValueError, RecursionError) as error:
        raise UserError(ErrorCode.ANNOTATIONS_BAD, path=str(path), detail="no JSON in UTF-8") from error
