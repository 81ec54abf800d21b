"""A DICOMDIR stands for the image files that it lists (PS3.3 F, PS3.10 8): only files inside its own folder."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hipcad_desktop.domain.errors import ErrorCode, UserError

NAME = "DICOMDIR"
MAX_BYTES = 128 * 1024 * 1024
MAX_PARTS = 8  # components of a File ID, PS3.10 8.2


@dataclass(frozen=True, slots=True)
class ListedFilms:
    """Paths to look for films in, and what a DICOMDIR lists that cannot be had: one error each, with its path."""

    paths: tuple[Path, ...]
    missing: tuple[UserError, ...]


def listed_films(paths: Sequence[Path]) -> ListedFilms:
    """The same paths, a DICOMDIR file replaced by the images it lists; a folder's own DICOMDIR tells what is missing.

    Raises UserError DICOMDIR_BAD or FILE_MISSING for a DICOMDIR that was named itself.
    """
    found: dict[Path, None] = {}
    missing: list[UserError] = []
    for path in paths:
        if path.name.upper() == NAME and not path.is_dir():
            images, absent = read_dicomdir(path)
            found.update(dict.fromkeys(images))
            missing.extend(absent)
            continue
        found.setdefault(path)
        inside = path / NAME
        if path.is_dir() and inside.is_file():
            try:
                missing.extend(read_dicomdir(inside)[1])
            except UserError as error:  # the folder's films count, whatever its table of contents says
                missing.append(error)
    return ListedFilms(tuple(found), tuple(missing))


def read_dicomdir(path: Path) -> tuple[list[Path], list[UserError]]:
    """The image files that a DICOMDIR lists and are there, in its order; an error for each that is not or is outside.

    Raises UserError FILE_MISSING or DICOMDIR_BAD.
    """
    folder = path.parent
    images: dict[Path, None] = {}
    missing: list[UserError] = []
    for parts in _file_ids(path):
        target = _inside(folder, parts)
        if target is None:
            shown = " / ".join(parts)[:120]
            missing.append(
                UserError(ErrorCode.DICOMDIR_BAD, path=str(path), detail=f"it lists {shown!r}, not in its folder")
            )
        elif not target.is_file():
            missing.append(UserError(ErrorCode.FILE_MISSING, path=str(target)))
        else:
            images.setdefault(target)
    return list(images), missing


def _file_ids(path: Path) -> list[tuple[str, ...]]:
    """ReferencedFileID of every IMAGE record, as its components."""
    if not path.exists():
        raise UserError(ErrorCode.FILE_MISSING, path=str(path))
    if not path.is_file() or path.stat().st_size > MAX_BYTES:
        raise UserError(ErrorCode.DICOMDIR_BAD, path=str(path), detail="it is no ordinary file of up to 128 MB")
    warnings.filterwarnings("ignore", module=r"pydicom(\.|$)")  # pydicom quotes a file's values, names among them
    logging.getLogger("pydicom").setLevel(logging.CRITICAL + 1)
    from pydicom import dcmread  # late: a window's start needs no pydicom

    try:
        records = dcmread(path).DirectoryRecordSequence
        found = []
        for record in records:
            file_id = record.get("ReferencedFileID")
            if str(record.get("DirectoryRecordType", "")).strip().upper() == "IMAGE" and file_id:
                parts = [file_id] if isinstance(file_id, str) else list(file_id)
                found.append(tuple(str(p).strip() for p in parts))
    except Exception:  # pydicom raises nearly every type on damaged bytes, with the file's values in the text
        raise UserError(ErrorCode.DICOMDIR_BAD, path=str(path), detail="it is damaged or no DICOMDIR") from None
    return found


def _inside(folder: Path, parts: Sequence[str]) -> Path | None:
    """The file that the components name, in whatever case the disk has it; None where they lead out of the folder."""
    if not parts or len(parts) > MAX_PARTS:
        return None
    target = folder
    for part in parts:
        if part in ("", ".", "..") or any(c in part for c in "/\\:\0"):
            return None
        target = _as_on_disk(target, part)
    real = os.path.realpath(target)  # a link out of the folder counts as out
    return target if Path(real).is_relative_to(os.path.realpath(folder)) else None


def _as_on_disk(folder: Path, name: str) -> Path:
    """The entry of this name. What was copied from a disc often has small letters (ISO 9660); a DICOMDIR never has."""
    if (folder / name).exists():
        return folder / name
    try:
        same = sorted(e for e in os.listdir(folder) if e.casefold() == name.casefold())
    except OSError:
        same = []
    return folder / (same[0] if same else name)
