"""Folders and files that are there whole or not at all, and the sentences for places where nothing can be written."""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from hipcad_desktop.domain.errors import ErrorCode, UserError


@contextmanager
def writing_into(path: Path, *, needed_mb: int = 1) -> Iterator[None]:
    """Tell a full disk (DISK_FULL) and a place that refuses to be written (FOLDER_NOT_WRITABLE) as UserErrors."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise UserError(ErrorCode.DISK_FULL, path=str(path), needed_mb=needed_mb) from error
        if error.errno in (
            errno.EACCES,
            errno.EPERM,
            errno.EROFS,
            errno.ENOTDIR,
            errno.EISDIR,
            errno.ENOENT,
            errno.EEXIST,
        ):
            raise UserError(ErrorCode.FOLDER_NOT_WRITABLE, path=str(path)) from error
        raise


@contextmanager
def new_folders(folder: Path) -> Iterator[None]:
    """Make a folder and its parents; where the block fails, those made here are taken away again (when empty)."""
    made: list[Path] = []
    try:
        with writing_into(folder):
            for missing in reversed([p for p in (folder, *folder.parents) if not p.exists()]):
                missing.mkdir()
                made.append(missing)
            if not folder.is_dir():
                raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(folder))
        yield
    except BaseException:
        for path in reversed(made):
            with suppress(OSError):  # somebody else put something in: theirs to keep
                path.rmdir()
        raise


@contextmanager
def whole_folder(target: Path, *, content: frozenset[str], needed_mb: int) -> Iterator[Path]:
    """A folder to fill that becomes `target` when the block ends well, and vanishes when it does not.

    content names what may lie in it: what an interrupted run left under the temporary name is swept only where it
    holds nothing else, and nobody is at work in it. Raises UserError TARGET_NOT_EMPTY, FOLDER_NOT_WRITABLE or
    DISK_FULL.
    """
    target = Path(os.path.realpath(target))  # a link cannot be put in its place as a whole
    part = target.with_name(f"{target.name}.part")
    with new_folders(target.parent), writing_into(target, needed_mb=needed_mb):
        check_writable(target.parent)
        for path, allowed in ((target, frozenset[str]()), (part, content)):
            if os.path.lexists(path) and (not path.is_dir() or {p.name for p in path.iterdir()} - allowed):
                raise UserError(ErrorCode.TARGET_NOT_EMPTY, path=str(path))
        if part.exists():
            with _claimed(part):  # left by one that was interrupted
                shutil.rmtree(part, ignore_errors=True)
        part.mkdir()
        with _claimed(part), _gone_if_it_fails(part):
            yield part
            _sync_tree(part)
            if target.is_dir():  # empty; Windows renames onto nothing that exists
                target.rmdir()
            os.replace(part, target)
            sync_folder(target.parent)


@contextmanager
def _gone_if_it_fails(folder: Path) -> Iterator[None]:
    try:
        yield
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


@contextmanager
def _claimed(folder: Path) -> Iterator[None]:
    """Keep other processes from taking a folder for a left one; UserError TARGET_NOT_EMPTY where one is at work in it.

    The system lets go when its holder dies. Windows has no such lock, and refuses to sweep files that are open.
    """
    if sys.platform == "win32":
        yield
        return
    import fcntl

    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UserError(ErrorCode.TARGET_NOT_EMPTY, path=str(folder)) from error
        yield
    finally:
        os.close(handle)


def check_writable(folder: Path) -> None:
    """Raise UserError FOLDER_NOT_WRITABLE or DISK_FULL unless a file can be made in the folder."""
    with writing_into(folder):
        if not os.access(folder, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(folder))
        handle, name = tempfile.mkstemp(prefix=".hipcad-", dir=folder)
        os.close(handle)
        os.unlink(name)


def write_file(path: Path, data: bytes) -> None:
    """Write a file atomically: a temporary file beside it, fsync, replace."""
    with writing_into(path.parent):
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.chmod(name, 0o644)
            os.replace(name, path)
        except BaseException:
            with suppress(OSError):
                os.unlink(name)
            raise
    sync_folder(path.parent)


def _sync_tree(folder: Path) -> None:
    """Make everything below a folder durable."""
    if os.name == "posix" and _sync_file_system(folder):
        return
    for below, _, files in os.walk(folder):
        for name in files:
            sync_file(Path(below, name))
        sync_folder(Path(below))


def _sync_file_system(folder: Path) -> bool:
    """All of it at once, eight times as fast as an fsync for each of many files; False where there is no syncfs."""
    syncfs = getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None)  # Linux
    if syncfs is None:
        return False
    handle = os.open(folder, os.O_RDONLY)
    try:
        if syncfs(handle) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), str(folder))
    finally:
        os.close(handle)
    return True


def sync_file(path: Path) -> None:
    """Make a file's bytes durable."""
    handle = os.open(path, os.O_RDWR | getattr(os, "O_BINARY", 0))
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_folder(folder: Path) -> None:
    """Make a folder's entries durable, where the system can (not on Windows)."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
