"""Write a file, or what is added to one, so that it is there whole or not at all."""

from __future__ import annotations

import errno
import math
import os
import tempfile
from pathlib import Path

from hipcad_desktop.domain.errors import ErrorCode, UserError


def write_whole(path: Path, content: bytes) -> None:
    """Write content to path through a temporary file beside it; the folder is made where it is absent.

    Raises UserError FOLDER_NOT_WRITABLE or DISK_FULL; then path is what it was before.
    """
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=".", suffix=".part", dir=path.parent)
        temporary = Path(name)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except OSError as error:
        raise not_written(error, path.parent, needed=len(content)) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def append_durably(path: Path, lines: bytes, *, at: int) -> None:
    """Durably put lines in place of whatever follows the first `at` bytes of a file, which is made where it is absent.

    Raises OSError; then nothing follows those bytes.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o644)
    with os.fdopen(handle, "r+b", buffering=0) as file:
        try:
            file.truncate(at)
            file.seek(at)
            if file.write(lines) != len(lines):
                raise OSError(errno.ENOSPC, "the disk is full")
            os.fsync(file.fileno())
        except OSError:
            file.truncate(at)
            raise
    if os.name == "posix":  # the folder's entry too; Windows has no such call
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def not_written(error: OSError, folder: Path, *, needed: int) -> UserError:
    """What a failed write into a folder means to a person; needed in bytes."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return UserError(ErrorCode.DISK_FULL, path=str(folder), needed_mb=max(1, math.ceil(needed / 1e6)))
    return UserError(ErrorCode.FOLDER_NOT_WRITABLE, path=str(folder))
