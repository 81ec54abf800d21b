"""A full disk and memory that ran out are known behind whatever exception hides them."""

from __future__ import annotations

import errno

import pytest

from hipcad_desktop.domain.errors import ErrorCode
from hipcad_desktop.domain.faults import is_disk_full, named_fault


def behind(cause: Exception) -> Exception:
    """A library's exception with another one as its cause."""
    try:
        raise RuntimeError("could not write") from cause
    except RuntimeError as error:
        return error


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "/somewhere/report.json"), ErrorCode.DISK_FULL),
        (behind(OSError(errno.ENOSPC, "No space left on device")), ErrorCode.DISK_FULL),
        (ValueError("I/O error: No space left on device (os error 28)"), ErrorCode.DISK_FULL),
        (MemoryError(), ErrorCode.OUT_OF_MEMORY),
        (behind(MemoryError("Unable to allocate 3.2 GiB")), ErrorCode.OUT_OF_MEMORY),
    ],
)
def test_a_fault_of_the_machine_is_named(error: Exception, code: ErrorCode) -> None:
    found = named_fault(error)
    assert found is not None
    assert found.code is code


@pytest.mark.parametrize("error", [OSError(errno.EACCES, "Permission denied"), KeyError("x"), behind(ValueError("x"))])
def test_everything_else_stays_what_it_is(error: Exception) -> None:
    assert named_fault(error) is None
    assert not is_disk_full(error)
