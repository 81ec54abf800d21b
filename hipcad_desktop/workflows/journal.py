"""A file that is only ever added to: a line a record, each bound to all before it, on the disk when append returns.

The first line says what is kept and has an id of its own. A line's hash is SHA-256 of the hash before it and of its
content, so a line that was changed, moved, taken out or brought from another file is found. A cut end is not; where
that matters, the last hash is printed and kept elsewhere.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.workflows.write_whole import append_durably, not_written

_SCHEMA = 1
_LOCK_S = 10.0
_TRY_EVERY_S = 0.02

Content = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Journal:
    """What a file holds: its records, the last hash ("" of no file), and the size of whole lines in bytes."""

    contents: tuple[Content, ...] = ()
    head: str = ""
    size: int = 0


def read_journal(path: Path, kind: str) -> Journal:
    """Read and check; nothing where there is no file. Raises UserError JOURNAL_BROKEN.

    A last line without its end is one that a power cut broke off: its append never returned.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return Journal()
    except OSError as error:
        raise _broken(path, "it cannot be read") from error
    size = data.rfind(b"\n") + 1
    head, contents = "", []
    for number, line in enumerate(data[:size].split(b"\n")[:-1], 1):
        try:
            content = json.loads(line)["content"]
            followed = _line(content, head) == line + b"\n"
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise _broken(path, f"line {number} is no record") from error
        if not followed or not isinstance(content, dict):
            raise _broken(path, f"line {number} does not follow from what is before it")
        if number == 1 and (content.get("journal") != kind or content.get("schema") != _SCHEMA):
            raise _broken(path, f"it is no file of {kind} that this program knows")
        head = _hash(content, head)
        contents.append(content)
    return Journal(tuple(contents[1:]), head, size)


def append(path: Path, kind: str, content: Content, *, check: Callable[[Journal], None] | None = None) -> Journal:
    """Add one record; all of them, this one last. check may refuse by raising what it likes, with the file locked.

    Raises UserError JOURNAL_BROKEN, JOURNAL_BUSY, FOLDER_NOT_WRITABLE, DISK_FULL; the file is then what it was.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise not_written(error, path.parent, needed=1) from error
    with _held(path):
        before = read_journal(path, kind)
        if check is not None:
            check(before)
        lines = b"" if before.head else _line(_first(kind), "")
        head = before.head or _hash(json.loads(lines)["content"], "")
        lines += _line(content, head)
        try:
            append_durably(path, lines, at=before.size)
        except OSError as error:
            raise not_written(error, path.parent, needed=len(lines)) from error
    return Journal((*before.contents, content), _hash(content, head), before.size + len(lines))


def _first(kind: str) -> Content:
    return {"journal": kind, "schema": _SCHEMA, "id": uuid.uuid4().hex}


def one_writer(lock: Path) -> int:
    """A handle that keeps other processes out until it is closed, or its holder dies.

    Raises UserError JOURNAL_BUSY where another one is in, FOLDER_NOT_WRITABLE, DISK_FULL. A file system without locks,
    as some network shares are, lets everybody in.
    """
    try:
        handle = os.open(lock, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise not_written(error, lock.parent, needed=1) from error
    try:
        _take(handle)
    except OSError as error:
        if error.errno in (errno.EAGAIN, errno.EACCES, errno.EDEADLK):
            os.close(handle)
            raise UserError(ErrorCode.JOURNAL_BUSY, path=str(lock.parent)) from error
    return handle


def _text(content: Content) -> str:
    return json.dumps(content, sort_keys=True, ensure_ascii=True, allow_nan=False)


def _hash(content: Content, before: str) -> str:
    return hashlib.sha256(f"{before}\n{_text(content)}".encode()).hexdigest()


def _line(content: Content, before: str) -> bytes:
    return _text({"content": content, "hash": _hash(content, before)}).encode() + b"\n"


@contextmanager
def _held(path: Path) -> Iterator[None]:
    """One writer at a time, of whatever process; the system lets go of the lock when its holder dies."""
    try:
        handle = os.open(path.with_name(f".{path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise not_written(error, path.parent, needed=1) from error
    try:
        until = time.monotonic() + _LOCK_S
        while not _locked(handle):
            if time.monotonic() > until:
                raise UserError(ErrorCode.JOURNAL_BUSY, path=str(path))
            time.sleep(_TRY_EVERY_S)
        yield
    finally:
        os.close(handle)


def _locked(handle: int) -> bool:
    try:
        _take(handle)
    except OSError:  # held, or a file system without locks: told after the wait
        return False
    return True


def _take(handle: int) -> None:
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _broken(path: Path, detail: str) -> UserError:
    return UserError(ErrorCode.JOURNAL_BROKEN, path=str(path), detail=detail)
