"""Faults of the machine that can strike anywhere, told by name and not as a bug: a full disk, memory that ran out."""

from __future__ import annotations

import errno

from hipcad_desktop.domain.errors import ErrorCode, UserError

_FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))
_ROOM_MB = 100  # where nobody knows how much is needed: enough to go on
_WINDOWS_FULL = (39, 112)  # ERROR_HANDLE_DISK_FULL, ERROR_DISK_FULL


def is_disk_full(error: BaseException) -> bool:
    """Whether an exception means that the disk, or somebody's share of it, is full."""
    return (
        isinstance(error, OSError) and (error.errno in _FULL or getattr(error, "winerror", None) in _WINDOWS_FULL)
    ) or (
        "No space left on device" in str(error)  # of a library that makes its own exception of it, as safetensors
    )


def named_fault(error: BaseException) -> UserError | None:
    """The fault of the machine behind an exception, looked for along its causes; None where there is none."""
    seen: BaseException | None = error
    while seen is not None:
        if is_disk_full(seen):
            file = getattr(seen, "filename", None)
            return UserError(ErrorCode.DISK_FULL, path=str(file or "The disk"), needed_mb=_ROOM_MB)
        if isinstance(seen, MemoryError):
            return UserError(ErrorCode.OUT_OF_MEMORY, detail=str(seen).strip()[:200] or "the computer's memory ran out")
        seen = seen.__cause__ or seen.__context__
    return None
