"""A file becomes a film: opened safely, hashed, told apart by its first bytes, given to its format's reader."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import stat
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.geometry import Size
from hipcad_desktop.domain.radiograph import FilmId, Radiograph
from hipcad_desktop.imaging.film import Early, Film, Picture, pixel_hash

MAX_FILE_BYTES = 512 * 1024 * 1024
HEAD_BYTES = 132  # the DICOM preamble and "DICM" (PS3.10 7.1)
FILM_EXTENSIONS = frozenset({".dcm", ".dicom", ".dic", ".ima", ".jpg", ".jpeg", ".jpe", ".png", ".tif", ".tiff"})


def read_film(path: Path) -> Film:
    """The film in a file, read once. Raises UserError, and nothing else, where that is not possible.

    FILE_MISSING, FILE_NOT_READABLE, NOT_A_REGULAR_FILE, NOT_A_FILM, FILM_DAMAGED, FILM_TOO_LARGE,
    FILM_WITHOUT_PIXELS, FILM_UNSUPPORTED.
    """
    film_id, picture = read_picture(path)
    height, width = picture.eight_bit.shape
    radiograph = Radiograph(
        film_id=film_id,
        pixel_hash=pixel_hash(picture.eight_bit),
        size=Size(width, height),
        sides=picture.sides,
        mapping=picture.mapping,
        header=picture.header,
        kind=picture.kind,
    )
    return Film(radiograph, picture.patient, picture.values, picture.eight_bit)


def read_picture(path: Path) -> tuple[FilmId, Picture]:
    """A file's film id and its pixels, without the pixels' hash. Raises what read_film raises."""
    data = file_bytes(path)
    return FilmId(hashlib.sha256(data).hexdigest()), picture_in(data, path=str(path))


def picture_in(data: bytes, *, path: str, early: Early | None = None) -> Picture:
    """The pixels in a file's bytes. `early` gets a DICOM's values before they become 8 bits. Raises as read_film.

    Each format's own reader is imported now: pydicom and Pillow would cost the window half its start.
    """
    kind = _kind(data[:HEAD_BYTES])
    if kind is None:
        raise UserError(ErrorCode.NOT_A_FILM, path=path)
    if kind == "DICOM":
        from hipcad_desktop.imaging import dicom

        return dicom.read(data, path=path, early=early)
    from hipcad_desktop.imaging import raster

    return raster.read(data, path=path, kind=kind)


@dataclass(frozen=True, slots=True)
class FoundFilms:
    """Files that are or claim to be films, and what was passed over on the way."""

    films: tuple[Path, ...]
    passed_over: tuple[Path, ...]


def find_films(paths: Sequence[Path]) -> FoundFilms:
    """Films in files and folders, folders searched to the bottom, in the order given and naturally sorted inside.

    A path named explicitly always counts as a film, so that read_film can say what is wrong with it. In a folder a
    file counts by its extension or its first bytes; hidden, special, unreadable entries and DICOMDIR are passed over.
    """
    films: dict[Path, None] = {}
    passed: dict[Path, None] = {}
    seen: set[tuple[int, int]] = set()
    for path in paths:
        if path.is_dir():
            for entry, is_film in _search(path, seen):
                (films if is_film else passed).setdefault(entry)
        else:
            films.setdefault(path)
    return FoundFilms(tuple(films), tuple(p for p in passed if p not in films))


def _search(folder: Path, seen: set[tuple[int, int]]) -> Iterator[tuple[Path, bool]]:
    """Every entry below a folder and whether it counts as a film. A folder reached twice (a link's loop) is skipped."""
    try:
        identity = folder.stat()
        entries = sorted(os.scandir(folder), key=lambda e: _natural(e.name))
    except OSError:
        yield folder, False
        return
    if (identity.st_dev, identity.st_ino) in seen:
        return
    seen.add((identity.st_dev, identity.st_ino))
    for entry in entries:
        path = folder / entry.name
        try:
            is_folder, is_file = entry.is_dir(), entry.is_file()
        except OSError:  # a link that leads to itself
            is_folder = is_file = False
        if entry.name.startswith("."):
            yield path, False
        elif is_folder:
            yield from _search(path, seen)
        else:
            yield path, is_file and counts_as_film(path)


def counts_as_film(path: Path) -> bool:
    """Whether a file found in a folder is taken for a film: by its extension, else by its first bytes."""
    if path.name.upper() == "DICOMDIR":  # a table of contents, no film
        return False
    if path.suffix.lower() in FILM_EXTENSIONS:
        return True
    try:
        with path.open("rb") as file:
            return _kind(file.read(HEAD_BYTES)) is not None
    except OSError:
        return False


def _natural(name: str) -> list[tuple[int, int, str]]:
    """IMG2 before IMG10."""
    return [
        (0, int(p), "") if p.isdecimal() and p.isascii() else (1, 0, p.casefold()) for p in re.split(r"(\d+)", name)
    ]


def _kind(head: bytes) -> str | None:
    """The format that the first bytes name; DICM first, for a DICOM file may wear a TIFF header (PS3.10 7.1)."""
    if head[128:132] == b"DICM" or _looks_bare(head):
        return "DICOM"
    if head.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return "TIFF"
    return None


def _looks_bare(head: bytes) -> bool:
    """Whether a file without preamble starts like a data set: group 0002 or 0008, then a VR or a short length."""
    if len(head) < 8:
        return False
    group, element = struct.unpack("<HH", head[:4])
    explicit = head[4:6].isalpha() and head[4:6].isupper()
    if group in (0x0002, 0x0008) and element < 0x1200:
        return explicit or struct.unpack("<I", head[4:8])[0] <= 1024
    return head[:2] == b"\0\x08" and explicit


def file_bytes(path: Path) -> bytes:
    """The whole of a regular file, else a UserError.

    A pipe or device is never waited for: O_NONBLOCK, then fstat of what was opened.
    """
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise UserError(ErrorCode.NOT_A_REGULAR_FILE, path=str(path))
        with os.fdopen(os.open(path, flags), "rb") as file:
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode):
                raise UserError(ErrorCode.NOT_A_REGULAR_FILE, path=str(path))
            if found.st_size > MAX_FILE_BYTES:
                raise UserError(
                    ErrorCode.FILM_TOO_LARGE, path=str(path), detail=f"{found.st_size // 2**20} MB, at most 512 MB"
                )
            return file.read(MAX_FILE_BYTES)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise UserError(ErrorCode.FILE_MISSING, path=str(path)) from error
    except ValueError as error:  # a NUL in the name
        raise UserError(ErrorCode.FILE_MISSING, path=str(path)) from error
    except OSError as error:
        detail = errno.errorcode.get(error.errno or 0, "read error")
        raise UserError(ErrorCode.FILE_NOT_READABLE, path=str(path), detail=error.strerror or detail) from error
