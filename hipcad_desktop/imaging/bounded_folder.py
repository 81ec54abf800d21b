"""A folder of files that can be made again: bounded, swept by age, and never a reason for anything to fail."""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

log = logging.getLogger(__name__)


def keep(path: Path, data: bytes, *, spare_bytes: int) -> None:
    """Write a file whole, unless the disk would be left with less than spare_bytes. A failing disk is only logged."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if shutil.disk_usage(path.parent).free < spare_bytes + len(data):
            return
        handle, name = tempfile.mkstemp(prefix=".", suffix=".part", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:  # no fsync: readers check what they find
                file.write(data)
            os.replace(name, path)
        except BaseException:
            with suppress(OSError):
                os.unlink(name)
            raise
    except OSError as error:
        log.info("a %s file was not kept: %s", path.suffix, error.strerror)


def sweep(folder: Path, *, limit_bytes: int) -> int:
    """Delete the files unused for longest until the rest is within the limit; bytes that are left."""
    found: list[tuple[int, int, str]] = []
    for below, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(below, name)
            with suppress(OSError):
                status = os.stat(path)
                found.append((status.st_mtime_ns, status.st_size, path))
    total = sum(size for _, size, _ in found)
    for _, size, oldest in sorted(found):
        if total <= limit_bytes:
            break
        with suppress(OSError):
            os.unlink(oldest)
            total -= size
    return total
