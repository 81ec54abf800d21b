"""The files of a dataset: dataset.json, hips.csv and images/, written for export, checked for training."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hipcad_desktop.domain.anatomy import Side
from hipcad_desktop.domain.cohort import Partition
from hipcad_desktop.domain.dataset import (
    HIPS_NAME,
    IMAGES_FOLDER,
    MANIFEST_NAME,
    SCHEMA,
    DatasetManifest,
    HipEntry,
)
from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.halving import FRAME_PX, HalvingMethod
from hipcad_desktop.imaging.hip_image import decode_png

COLUMNS = tuple(f.name for f in fields(HipEntry))
LAST_COLUMN = {1: "mapping_high", 2: "synthetic"}  # of older schemas; what they lack takes its default
SYNTHETIC = "synthetic_"
IMAGE_NAME = re.compile(rf"{IMAGES_FOLDER}/({SYNTHETIC})?[0-9a-f]{{12}}_[RL]_(paper|midline|hip)\.png")


def image_name(film_code: str, side: Side, halving: HalvingMethod, *, synthetic: bool = False) -> str:
    """Where a hip's image lies, relative to the dataset."""
    return f"{IMAGES_FOLDER}/{SYNTHETIC if synthetic else ''}{film_code}_{side.value}_{halving.value}.png"


def write_manifest(dataset: Path, manifest: DatasetManifest, entries: Sequence[HipEntry]) -> DatasetManifest:
    """Write hips.csv and dataset.json into a dataset's folder; the manifest with the hash of hips.csv.

    The folder is one that nobody sees yet: whoever exports renames it when it is whole.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([_cell(getattr(entry, name)) for name in COLUMNS] for entry in entries)
    hips = text.getvalue().encode("utf-8")
    complete = replace(manifest, hips_sha256=hashlib.sha256(hips).hexdigest())
    written = json.dumps(complete.to_json(), indent=2, sort_keys=True, ensure_ascii=True, allow_nan=False) + "\n"
    (dataset / HIPS_NAME).write_bytes(hips)
    (dataset / MANIFEST_NAME).write_bytes(written.encode("utf-8"))
    return complete


def read_manifest(dataset: Path, *, verify: bool = False) -> tuple[DatasetManifest, list[HipEntry]]:
    """A dataset's manifest and hips, the hash of hips.csv checked and every image there.

    verify reads every image and checks its hash too. Raises UserError FILE_MISSING, NOT_A_DATASET, or DATASET_DAMAGED
    naming the file.
    """
    manifest = _manifest(dataset)
    try:
        hips = (dataset / HIPS_NAME).read_bytes()
    except OSError as error:
        raise _damaged(dataset, HIPS_NAME, "is missing") from error
    if hashlib.sha256(hips).hexdigest() != manifest.hips_sha256:
        raise _damaged(dataset, HIPS_NAME, "is not the file that was exported")
    entries = _entries(dataset, hips, columns_of(manifest.schema))
    for entry in entries:
        if not (dataset / entry.image).is_file():
            raise _damaged(dataset, entry.image, "is missing")
        if verify:
            _image_bytes(dataset, entry)
    return manifest, entries


def read_images(dataset: Path, entries: Sequence[HipEntry]) -> NDArray[np.uint8]:
    """The entries' images, uint8 [N, 380, 380], every file's hash checked. Raises UserError DATASET_DAMAGED."""
    images = np.empty((len(entries), FRAME_PX, FRAME_PX), np.uint8)
    for i, entry in enumerate(entries):
        data = _image_bytes(dataset, entry)
        try:
            images[i] = decode_png(data)
        except (OSError, ValueError) as error:  # the hash is right, so it was exported by something else
            raise _damaged(dataset, entry.image, "is no hip image") from error
    return images


def _manifest(dataset: Path) -> DatasetManifest:
    if not dataset.is_dir():
        raise UserError(ErrorCode.NOT_A_DATASET if dataset.exists() else ErrorCode.FILE_MISSING, path=str(dataset))
    try:
        data = (dataset / MANIFEST_NAME).read_bytes()
    except FileNotFoundError as error:
        raise UserError(ErrorCode.NOT_A_DATASET, path=str(dataset)) from error
    except OSError as error:
        raise _damaged(dataset, MANIFEST_NAME, "cannot be read") from error
    try:
        values: Any = json.loads(data)
        if not isinstance(values, dict) or values.get("schema") not in range(1, SCHEMA + 1):
            raise UserError(ErrorCode.NOT_A_DATASET, path=str(dataset))
        return DatasetManifest.from_json(values)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise _damaged(dataset, MANIFEST_NAME, "is no manifest") from error


def columns_of(schema: int) -> tuple[str, ...]:
    """The columns of hips.csv in a schema."""
    return COLUMNS[: COLUMNS.index(LAST_COLUMN[schema]) + 1] if schema in LAST_COLUMN else COLUMNS


def _entries(dataset: Path, hips: bytes, columns: tuple[str, ...]) -> list[HipEntry]:
    try:
        rows = csv.reader(io.StringIO(hips.decode("utf-8"), newline=""), strict=True)
        if tuple(next(rows, ())) != columns:
            raise _damaged(dataset, HIPS_NAME, "has other columns")
        entries = [HipEntry(**_values(dict(zip(columns, row, strict=True)))) for row in rows]
        if any(entry.window.is_strip is (entry.halving is HalvingMethod.HIP) for entry in entries):
            raise ValueError("squares are of one halving, strips of the others")
    except (ValueError, KeyError, csv.Error) as error:
        raise _damaged(dataset, HIPS_NAME, "has a row that is no hip") from error
    return entries


def _values(row: Mapping[str, str]) -> dict[str, Any]:
    if not IMAGE_NAME.fullmatch(row["image"]):  # nothing outside the dataset is ever opened
        raise ValueError("no image of a dataset")
    return {name: _READ[name](value) if name in _READ else value for name, value in row.items()}


def _flag(text: str) -> bool:
    return {"true": True, "false": False}[text]


def _maybe(text: str) -> float | None:
    return float(text) if text else None


_READ: Mapping[str, Callable[[str], Any]] = {
    "partition": Partition,
    "side": Side,
    "fracture": _flag,
    "pair_has_fracture": _flag,
    "halving": HalvingMethod,
    "x0_px": float,
    "x1_px": float,
    "line_px": float,
    "margin_share": _maybe,
    "overlap_share": _maybe,
    "film_width": int,
    "film_height": int,
    "mapping_low": float,
    "mapping_high": float,
    "rect_x0_px": _maybe,
    "rect_y0_px": _maybe,
    "rect_x1_px": _maybe,
    "rect_y1_px": _maybe,
    "synthetic": _flag,
    "window_y0": _maybe,
    "window_y1": _maybe,
}


def _cell(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case float():
            return repr(value)
        case _:
            return str(value)


def _image_bytes(dataset: Path, entry: HipEntry) -> bytes:
    try:
        data = (dataset / entry.image).read_bytes()
    except OSError as error:
        raise _damaged(dataset, entry.image, "is missing") from error
    if hashlib.sha256(data).hexdigest() != entry.sha256:
        raise _damaged(dataset, entry.image, "is not the file that was exported")
    return data


def _damaged(dataset: Path, file: str, what: str) -> UserError:
    return UserError(ErrorCode.DATASET_DAMAGED, path=str(dataset), detail=f"{file} {what}")
