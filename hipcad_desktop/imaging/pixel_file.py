"""Decoded pixels in a file that another process maps into its memory: one line of JSON, then plain arrays.

Written by the decoder process, read by the window, so nothing in it is ever executed or trusted: types, shapes and
places are checked against the file's length. No patient data are in it.
"""

from __future__ import annotations

import json
import mmap
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

FORMAT = 1
_HEAD_BYTES = 8192
_ALIGNED = 4096
_TYPES = frozenset({"uint8", "uint16", "int16", "int32", "float32"})


@dataclass(frozen=True, slots=True, eq=False)
class PixelFile:
    """What a file of pixels holds: its facts, and its arrays by name, which cannot be written to."""

    facts: Mapping[str, Any]
    arrays: Mapping[str, NDArray[Any]]


def write_pixels(folder: Path, arrays: Sequence[tuple[str, NDArray[Any]]], *, facts: Mapping[str, Any]) -> Path:
    """Write arrays into a new file with a name of its own and return it; readable for this person only."""
    table: list[dict[str, Any]] = []
    place = _HEAD_BYTES
    for name, array in arrays:
        table.append({"name": name, "type": array.dtype.name, "shape": array.shape, "at": place})
        place += -(-array.nbytes // _ALIGNED) * _ALIGNED
    head = json.dumps({"format": FORMAT, "facts": facts, "arrays": table}).encode("ascii")
    if len(head) >= _HEAD_BYTES:
        raise ValueError("too many facts for the head of a file of pixels")
    handle, name = tempfile.mkstemp(suffix=".pixels", dir=folder)
    try:
        with os.fdopen(handle, "wb", buffering=0) as file:
            file.write(head.ljust(_HEAD_BYTES - 1) + b"\n")
            for entry, (_, array) in zip(table, arrays, strict=True):
                file.seek(entry["at"])
                _write_all(file.fileno(), np.ascontiguousarray(array).data.cast("B"))
            file.truncate(place)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return Path(name)


def _write_all(handle: int, content: memoryview) -> None:
    while content:
        content = content[os.write(handle, content) :]


def read_facts(path: Path) -> Mapping[str, Any]:
    """Only the facts. Raises ValueError or OSError where the file is none of ours."""
    with path.open("rb") as file:
        return _facts(_head(file.read(_HEAD_BYTES)))


def map_pixels(path: Path) -> PixelFile:
    """Map a file into memory, which takes no time; it may be deleted afterwards where the system allows that.

    Raises ValueError where it is none of ours or its arrays do not lie inside it, OSError where it is not there.
    """
    with path.open("rb") as file:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    head = _head(mapped[:_HEAD_BYTES])
    arrays = {}
    for entry in head["arrays"]:
        kind, shape, place = entry.get("type"), tuple(entry.get("shape", ())), entry.get("at")
        if kind not in _TYPES or len(shape) != 2 or not all(isinstance(n, int) and n > 0 for n in (*shape, place)):
            raise ValueError("a file of pixels with an array that is none")
        if place + prod(shape) * np.dtype(kind).itemsize > len(mapped):
            raise ValueError("a file of pixels that ends early")
        arrays[str(entry["name"])] = np.frombuffer(mapped, kind, prod(shape), place).reshape(shape)
    return PixelFile(_facts(head), arrays)


def _head(content: bytes) -> dict[str, Any]:
    head = json.loads(content) if len(content) == _HEAD_BYTES else None
    if not isinstance(head, dict) or head.get("format") != FORMAT or not isinstance(head.get("arrays"), list):
        raise ValueError("no file of pixels, or one of another version")
    return head


def _facts(head: Mapping[str, Any]) -> Mapping[str, Any]:
    facts = head.get("facts")
    if not isinstance(facts, dict):
        raise ValueError("a file of pixels without facts")
    return facts
