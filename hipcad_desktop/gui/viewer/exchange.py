"""The folder in which decoders leave pixels for the window: in memory where the system has such a folder."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

SHARED_MEMORY = Path("/dev/shm")
LEAST_FREE = 2 * 2**30  # containers often have 64 MB there: too small for one film
PREFIX = "hipcad-"


def make_exchange() -> Path:
    """A new folder of this process, readable for this person only; what killed windows left behind is taken away."""
    parent = Path(tempfile.gettempdir())
    with suppress(OSError):
        if sys.platform == "linux" and shutil.disk_usage(SHARED_MEMORY).free >= LEAST_FREE:
            parent = SHARED_MEMORY
    _sweep(parent)
    return Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=parent))


def _sweep(parent: Path) -> None:
    if sys.platform == "win32":  # where asking whether a process lives could end it
        return
    for left in parent.glob(f"{PREFIX}*-*"):
        pid = left.name.removeprefix(PREFIX).split("-")[0]
        with suppress(OSError):
            if pid.isdecimal() and left.stat().st_uid == os.getuid() and not _lives(int(pid)):
                shutil.rmtree(left, ignore_errors=True)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
