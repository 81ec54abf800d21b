"""Hip images that were made before, kept in a project's folder: whole and of this program's making, or not used.

Beside the images lie the femoral heads that were found, so that the squares about them need no pixel again either.
One file a film: a line with the SHA-256 of everything after it, a line of JSON, then the PNGs one after the other. A
file that is damaged, of another film or of another version counts as absent; a cache that cannot be written costs only
time.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from pathlib import Path
from typing import Any

from hipcad_desktop import __version__
from hipcad_desktop.domain.geometry import Window
from hipcad_desktop.domain.radiograph import FilmId, Mapping8
from hipcad_desktop.imaging import bounded_folder
from hipcad_desktop.imaging.hip_image import RENDERING

LIMIT_BYTES = 4 * 1024**3  # about 10,000 films of six images
SPARE_BYTES = 2 * 1024**3  # of the disk, left to what matters
DECIDING = ("numpy", "Pillow", "pydicom", "imagecodecs")  # another version may give another pixel
SUFFIX = ".hips"
FITTED = (".csv", ".npz", ".onnx")  # what the finder learnt; another one finds the hips elsewhere

Heads = tuple[tuple[float, float], tuple[float, float]]
"""The centres (x, y) of the femoral heads on the picture's left and right, in pixels of the film."""


@dataclass(frozen=True, slots=True)
class FilmHips:
    """PNGs of a film's windows, in their order, how its values became 8 bits, and the heads where both were found."""

    mapping: Mapping8
    windows: tuple[Window, ...]
    images: tuple[bytes, ...]
    heads: Heads | None = None

    def of(self, window: Window) -> bytes:
        """The PNG of one of the windows."""
        return self.images[self.windows.index(window)]


def rendering_version() -> str:
    """Everything that decides a hip image's bytes and the heads besides the film and the window."""
    of_packages = (f"{p}={_version(p)}" for p in DECIDING)
    return " ".join([f"hipcad={__version__}", f"rendering={RENDERING}", f"finder={_finder()}", *of_packages])


def _finder() -> str:
    digest = hashlib.sha256()
    for path in sorted(files("hipcad_desktop.imaging").iterdir(), key=lambda p: p.name):
        if path.name.endswith(FITTED):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:  # in a frozen build the program's own version stands for all it carries
        return "bundled"


class HipCache:
    """The hip images of a project's films. Any thread may use it; no call fails because of the disk."""

    def __init__(self, folder: Path, *, limit_bytes: int = LIMIT_BYTES, spare_bytes: int = SPARE_BYTES) -> None:
        self._folder = folder
        self._limit_bytes = limit_bytes
        self._spare_bytes = spare_bytes
        self._version = rendering_version()

    def load(self, film_id: FilmId, windows: Sequence[Window]) -> FilmHips | None:
        """The images of exactly these windows and of the squares kept; None where one of these has to be made."""
        path = self._path(film_id)
        try:
            data = path.read_bytes()
            kept = _unpacked(data, film_id=film_id, made_by=self._version)
        except (OSError, ValueError, KeyError, TypeError):
            return None
        if not set(windows) <= set(kept.windows):
            return None
        with suppress(OSError):  # used just now: the last one to be swept out
            os.utime(path)
        wanted = tuple(dict.fromkeys([*windows, *(w for w in kept.windows if not w.is_strip)]))
        return FilmHips(kept.mapping, wanted, tuple(kept.of(w) for w in wanted), kept.heads)

    def save(self, film_id: FilmId, hips: FilmHips) -> None:
        """Keep a film's images, in place of those of other windows. A full or read-only disk is only logged."""
        data = _packed(hips, film_id=film_id, made_by=self._version)
        bounded_folder.keep(self._path(film_id), data, spare_bytes=self._spare_bytes)

    def trim(self) -> int:
        """Sweep out what was not used for longest until the rest is within the limit; bytes that are left."""
        return bounded_folder.sweep(self._folder, limit_bytes=self._limit_bytes)

    def _path(self, film_id: FilmId) -> Path:
        return self._folder / film_id[:2] / f"{film_id}{SUFFIX}"


def _packed(hips: FilmHips, *, film_id: FilmId, made_by: str) -> bytes:
    head = {
        "film": film_id,
        "made_by": made_by,
        "mapping": asdict(hips.mapping),
        "windows": [[w.x0, w.x1, w.y0, w.y1, len(image)] for w, image in zip(hips.windows, hips.images, strict=True)],
        "heads": hips.heads,
    }
    rest = json.dumps(head).encode() + b"\n" + b"".join(hips.images)
    return hashlib.sha256(rest).hexdigest().encode() + b"\n" + rest


def _unpacked(data: bytes, *, film_id: FilmId, made_by: str) -> FilmHips:
    """Raises ValueError, KeyError or TypeError unless the bytes are whole, of this film and of this making."""
    digest, _, rest = data.partition(b"\n")
    if hashlib.sha256(rest).hexdigest().encode() != digest:
        raise ValueError("damaged")
    line, _, images = rest.partition(b"\n")
    head: dict[str, Any] = json.loads(line)
    if head["film"] != film_id or head["made_by"] != made_by:
        raise ValueError("of another film or version")
    found, at = [], 0
    for *_, length in head["windows"]:
        found.append(images[at : at + length])
        at += length
    windows = tuple(Window(x0, x1, y0, y1) for x0, x1, y0, y1, _ in head["windows"])
    heads = None if head["heads"] is None else tuple((float(x), float(y)) for x, y in head["heads"])
    if heads is not None and len(heads) != 2:
        raise ValueError("not two heads")
    return FilmHips(Mapping8(**head["mapping"]), windows, tuple(found), heads)
