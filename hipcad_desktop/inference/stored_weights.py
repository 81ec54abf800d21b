"""The tensors of a safetensors file's bytes as numpy arrays, without the library: the Reader edition has none.

A file is eight bytes of length, a JSON header of that length (name -> dtype, shape and place), then the values
(https://github.com/huggingface/safetensors, "Format"). Only what a network's weights use is read.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

Tensors = Mapping[str, npt.NDArray[Any]]
LARGEST_HEADER = 4 << 20
_FILE_NOTE = "__metadata__"
_KINDS = {"F16": "<f2", "F32": "<f4", "F64": "<f8", "I64": "<i8", "I32": "<i4", "U8": "|u1", "BOOL": "|b1"}
_ALIGNMENT = 8


def header(content: bytes) -> dict[str, Any]:
    """The header of a safetensors file. Raises ValueError where the bytes are none."""
    length = int.from_bytes(content[:8], "little")
    if not 2 <= length <= min(LARGEST_HEADER, len(content) - 8):
        raise ValueError("no safetensors header")
    try:
        found = json.loads(content[8 : 8 + length])
    except RecursionError as error:
        raise ValueError("no safetensors header") from error
    if not isinstance(found, dict):
        raise ValueError("no safetensors header")
    return found


def tensors(content: bytes) -> Tensors:
    """Every tensor as a read-only view of the bytes. Raises ValueError where one lies outside them or is of no kind."""
    entries = header(content)
    entries.pop(_FILE_NOTE, None)
    start = 8 + int.from_bytes(content[:8], "little")
    return {name: _tensor(content, start, name, entry) for name, entry in entries.items()}


def note(content: bytes, key: str) -> str:
    """What the file says of itself under a key; empty where it says nothing."""
    said = header(content).get(_FILE_NOTE)
    value = said.get(key, "") if isinstance(said, dict) else ""
    return value if isinstance(value, str) else ""


def with_note(content: bytes, key: str, value: str) -> bytes:
    """The same file, which says this of itself too."""
    entries = header(content)
    values = memoryview(content)[8 + int.from_bytes(content[:8], "little") :]
    entries[_FILE_NOTE] = {**entries.get(_FILE_NOTE, {}), key: value}
    text = json.dumps(entries, separators=(",", ":")).encode("utf-8")
    text += b" " * (-len(text) % _ALIGNMENT)  # the values stay where a reader that maps the file wants them
    return b"".join((len(text).to_bytes(8, "little"), text, values))


def half_precision(content: bytes) -> bool:
    """Whether any tensor is kept as float16."""
    return any(isinstance(entry, dict) and entry.get("dtype") == "F16" for entry in header(content).values())


def _tensor(content: bytes, start: int, name: str, entry: Any) -> npt.NDArray[Any]:
    try:
        kind = np.dtype(_KINDS[entry["dtype"]])
        shape = tuple(int(side) for side in entry["shape"])
        first, last = (int(place) for place in entry["data_offsets"])
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{name} is described in a way that cannot be read") from error
    count = math.prod(shape)
    if (
        min(shape, default=0) < 0
        or not 0 <= first <= last <= len(content) - start
        or last - first != count * kind.itemsize
    ):
        raise ValueError(f"{name} does not lie in the file")
    return np.frombuffer(content, kind, count, start + first).reshape(shape)
