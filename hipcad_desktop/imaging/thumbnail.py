"""Small grey pictures of films, made as cheaply as the format allows, and kept in a project's folder.

One file a film: a line with the SHA-256 of everything after it, then a JPEG. A file that is damaged counts as absent; a
cache that cannot be written costs only time. No film's name and no patient is in it.
"""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.radiograph import FilmId
from hipcad_desktop.imaging import bounded_folder
from hipcad_desktop.imaging.limits import check_pixels
from hipcad_desktop.imaging.reader import MAX_FILE_BYTES, read_picture

SIDE_PX = 160  # the longer side: sharp at 80 logical pixels on a screen of twice the density
QUALITY = 82
LIMIT_BYTES = 512 * 2**20  # about 100,000 films
SPARE_BYTES = 2**30  # of the disk, left to what matters
SUFFIX = ".thumb"


def make_thumbnail(path: Path, film_id: FilmId) -> bytes:
    """A JPEG of the film in a file, its longer side SIDE_PX, as it is displayed.

    Raises UserError FILM_CHANGED where the file does not hold this film's bytes, and what read_film raises.
    """
    if path.suffix.lower() in (".jpg", ".jpeg", ".jpe"):
        small = _by_draft(path, film_id)
        if small is not None:
            return _jpeg(small)
    found, picture = read_picture(path)
    if found != film_id:
        raise UserError(ErrorCode.FILM_CHANGED, path=str(path))
    return _jpeg(_reduced(picture.eight_bit))


def _by_draft(path: Path, film_id: FilmId) -> Image.Image | None:
    """A grey JPEG decoded at an eighth of its size or so (libjpeg's scaled DCT); None where that does not fit it."""
    if not path.is_file() or path.stat().st_size > MAX_FILE_BYTES:
        return None  # read_picture has the sentence for it
    try:
        data = path.read_bytes()
    except OSError:
        return None
    if hashlib.sha256(data).hexdigest() != film_id:
        raise UserError(ErrorCode.FILM_CHANGED, path=str(path))
    try:
        with Image.open(io.BytesIO(data), formats=("JPEG",)) as image:
            check_pixels(image.height, image.width, path=str(path))
            if image.mode not in ("L", "RGB"):
                return None
            image.draft("L", (2 * SIDE_PX, 2 * SIDE_PX))
            return ImageOps.exif_transpose(image).convert("L")
    except (OSError, ValueError, SyntaxError):  # damaged: the reader says how
        return None


def _reduced(eight_bit: NDArray[np.uint8]) -> Image.Image:
    """Every n-th row and column first: nobody measures on a thumbnail, and it is ten times as fast."""
    step = max(1, max(eight_bit.shape) // (4 * SIDE_PX))
    return Image.fromarray(np.ascontiguousarray(eight_bit[::step, ::step]))


def _jpeg(image: Image.Image) -> bytes:
    image.thumbnail((SIDE_PX, SIDE_PX), Image.Resampling.BOX)
    written = io.BytesIO()
    image.save(written, "JPEG", quality=QUALITY)
    return written.getvalue()


class ThumbnailCache:
    """The thumbnails of a project's films. Any thread may use it; no call fails because of the disk."""

    def __init__(self, folder: Path, *, limit_bytes: int = LIMIT_BYTES, spare_bytes: int = SPARE_BYTES) -> None:
        self._folder = folder
        self._limit_bytes = limit_bytes
        self._spare_bytes = spare_bytes

    def load(self, film_id: FilmId) -> bytes | None:
        """The JPEG; None where it is absent or damaged."""
        try:
            digest, _, jpeg = self._path(film_id).read_bytes().partition(b"\n")
        except OSError:
            return None
        return jpeg if _digest(film_id, jpeg) == digest else None

    def holds(self, film_id: FilmId) -> bool:
        """Whether there is one, unread."""
        return self._path(film_id).is_file()

    def save(self, film_id: FilmId, jpeg: bytes) -> None:
        """Keep a JPEG, in place of another. A full or read-only disk is only logged."""
        data = _digest(film_id, jpeg) + b"\n" + jpeg
        bounded_folder.keep(self._path(film_id), data, spare_bytes=self._spare_bytes)

    def trim(self) -> int:
        """Sweep out the oldest until the rest is within the limit; bytes that are left."""
        return bounded_folder.sweep(self._folder, limit_bytes=self._limit_bytes)

    def _path(self, film_id: FilmId) -> Path:
        return self._folder / film_id[:2] / f"{film_id}{SUFFIX}"


def _digest(film_id: FilmId, jpeg: bytes) -> bytes:
    return hashlib.sha256(film_id.encode() + b"\n" + jpeg).hexdigest().encode()
