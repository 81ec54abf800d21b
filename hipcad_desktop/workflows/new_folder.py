"""A folder that is there whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.workflows.write_whole import not_written


@contextmanager
def new_folder(to: Path, *, needed: int) -> Iterator[Path]:
    """A folder to fill that becomes `to` at the end; it is gone where anything goes wrong. needed in bytes.

    Raises UserError FOLDER_NOT_WRITABLE or DISK_FULL. Call refuse_used first.
    """
    building: Path | None = None
    to = _real(to)
    try:
        to.parent.mkdir(parents=True, exist_ok=True)
        building = Path(tempfile.mkdtemp(prefix=f".{to.name}.", suffix=".part", dir=to.parent))
        building.chmod(0o755)
        yield building
        if to.exists():
            to.rmdir()  # empty, as refuse_used saw
        building.rename(to)
    except OSError as error:
        raise not_written(error, to.parent, needed=needed) from error
    finally:
        if building is not None:
            shutil.rmtree(building, ignore_errors=True)


def refuse_used(to: Path) -> None:
    """Raise UserError TARGET_NOT_EMPTY where `to` is there and is no empty folder, FOLDER_NOT_WRITABLE if unseen."""
    to = _real(to)
    try:
        used = to.exists() and (not to.is_dir() or any(to.iterdir()))
    except OSError as error:
        raise UserError(ErrorCode.FOLDER_NOT_WRITABLE, path=str(to)) from error
    if used:
        raise UserError(ErrorCode.TARGET_NOT_EMPTY, path=str(to))


def _real(to: Path) -> Path:
    """Where it truly lies: what is named "." or by a link cannot be put in its place as a whole."""
    return Path(os.path.realpath(to))
