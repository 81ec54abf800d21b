"""How a project's database is opened: what it must be, how it is set up, how it is migrated, what can be wrong."""

from __future__ import annotations

import os
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import StaticPool

from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.store.folders import sync_file, sync_folder

APPLICATION_ID = 0x48495043  # "HIPC"
SCHEMA = 3  # PRAGMA user_version of the newest migration
BUSY_TIMEOUT_MS = 5000
NEEDED_BYTES = 1_000_000  # with less, an I/O error of SQLite is taken for a full disk
MAGIC = b"SQLite format 3\0"
MIGRATIONS = Path(__file__).with_name("migrations")
NETWORK_FILE_SYSTEMS = frozenset(
    {"cifs", "smb3", "smbfs", "nfs", "nfs4", "afs", "9p", "fuse.sshfs", "fuse.rclone", "davfs"}
)
DRIVE_REMOTE = 4  # GetDriveTypeW


@contextmanager
def telling(project: Path) -> Iterator[None]:
    """Tell what SQLite says of a busy, full, read-only or damaged database as a UserError; other errors are bugs."""
    try:
        yield
    except (DBAPIError, sqlite3.Error) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        told = _user_error(cause, project)
        if told is None:
            raise
        raise told from error


def _user_error(cause: BaseException | None, project: Path) -> UserError | None:
    code = getattr(cause, "sqlite_errorcode", None)
    if code is None:
        return None
    match code & 0xFF:  # the primary code of an extended one
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return UserError(ErrorCode.PROJECT_BUSY, path=str(project))
        case sqlite3.SQLITE_FULL:
            return UserError(ErrorCode.DISK_FULL, path=str(project), needed_mb=10)
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_PERM:
            return UserError(ErrorCode.FOLDER_NOT_WRITABLE, path=str(project))
        case sqlite3.SQLITE_IOERR if _disk_is_full(project):  # so SQLite says it of its log and its shared memory
            return UserError(ErrorCode.DISK_FULL, path=str(project), needed_mb=10)
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB | sqlite3.SQLITE_IOERR:
            return UserError(ErrorCode.PROJECT_DAMAGED, path=str(project), detail=str(cause))
        case _:
            return None


def _disk_is_full(project: Path) -> bool:
    with suppress(OSError):
        return shutil.disk_usage(project).free < NEEDED_BYTES
    return False


def connect(database: Path) -> tuple[Engine, Connection]:
    """The one connection of this process. Transactions are begun by hand, so that schema changes are in them too."""

    def creator() -> sqlite3.Connection:
        return sqlite3.connect(
            database,
            timeout=BUSY_TIMEOUT_MS / 1000,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=256,
        )

    engine = create_engine("sqlite+pysqlite://", creator=creator, poolclass=StaticPool)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql(str(connection.info.get("begin", "BEGIN")))

    connection = engine.connect()
    return engine, connection


def set_up(connection: Connection, *, network: bool) -> None:
    """The settings of RELIABILITY 2.1: durable on every commit, and never WAL on a network drive (2.7)."""
    for pragma in (
        "trusted_schema = OFF",
        "foreign_keys = ON",
        f"busy_timeout = {BUSY_TIMEOUT_MS}",
        f"locking_mode = {'EXCLUSIVE' if network else 'NORMAL'}",
        f"journal_mode = {'DELETE' if network else 'WAL'}",
        "synchronous = FULL",
    ):
        run_pragma(connection, pragma)


def run_pragma(connection: Connection, pragma: str) -> Any:
    """A pragma's first value, outside any transaction (several of them do nothing inside one)."""
    raw = connection.connection.dbapi_connection
    assert raw is not None
    row = raw.execute(f"PRAGMA {pragma}").fetchone()
    return row[0] if row else None


def check_identity(connection: Connection, project: Path) -> None:
    """Raise UserError unless the database is a project that this program knows and whose pages are whole."""
    if run_pragma(connection, "application_id") != APPLICATION_ID:
        raise UserError(ErrorCode.NOT_A_PROJECT, path=str(project))
    found = run_pragma(connection, "user_version")
    if found > SCHEMA:
        raise UserError(ErrorCode.PROJECT_NEWER, path=str(project), found=found, known=SCHEMA)
    verdict = run_pragma(connection, "quick_check(1)")
    if verdict != "ok":
        raise UserError(ErrorCode.PROJECT_DAMAGED, path=str(project), detail=str(verdict))


def check_magic(database: Path, project: Path) -> None:
    """Raise UserError PROJECT_DAMAGED where the file is no SQLite database at all."""
    with database.open("rb") as file:
        if file.read(len(MAGIC)) != MAGIC:
            raise UserError(ErrorCode.PROJECT_DAMAGED, path=str(project), detail="project.sqlite is no database")


def back_up(connection: Connection, database: Path) -> Path | None:
    """A copy of a project of an older schema, beside it, whole or not at all; None where the schema is the newest."""
    found = run_pragma(connection, "user_version")
    if found == SCHEMA:
        return None
    target = database.with_name(f"{database.stem}-before-schema-{SCHEMA}{database.suffix}")
    part = Path(f"{target}.part")
    part.unlink(missing_ok=True)
    raw = connection.connection.dbapi_connection
    assert raw is not None
    with closing(sqlite3.connect(part)) as copy:
        raw.backup(copy)  # through SQLite, so what is only in the WAL is in the copy too
        copy.execute("PRAGMA journal_mode = DELETE")
    sync_file(part)
    os.replace(part, target)
    sync_folder(target.parent)
    return target


def migrate(connection: Connection) -> None:
    """Bring the schema up to SCHEMA in one transaction; nothing happens where it is there already.

    Foreign keys are off meanwhile (a table that others refer to is made anew); migrations check them at their end.
    """
    if run_pragma(connection, "user_version") == SCHEMA:
        return
    from alembic import command  # late: 0.2 s, and an up-to-date project never needs it
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    enforced = run_pragma(connection, "foreign_keys")
    run_pragma(connection, "foreign_keys = OFF")
    try:
        connection.info["begin"] = "BEGIN IMMEDIATE"
        command.upgrade(config, "head")
        if connection.in_transaction():
            connection.commit()
    finally:
        run_pragma(connection, f"foreign_keys = {enforced}")


def on_network(path: Path, *, mounts: str | None = None) -> bool:
    """Whether a path lies on a network drive, as far as the system says. mounts: the text of /proc/self/mountinfo."""
    text = str(path.resolve())
    if sys.platform == "win32":
        import ctypes

        return text.startswith("\\\\") or ctypes.windll.kernel32.GetDriveTypeW(path.resolve().anchor) == DRIVE_REMOTE
    if mounts is None:
        try:
            mounts = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="surrogateescape")
        except OSError:
            return False
    longest, kind = "", ""
    for line in mounts.splitlines():
        fields, _, rest = line.partition(" - ")
        point = fields.split(" ")[4].encode().decode("unicode_escape")  # spaces are written as \040
        if (text == point or text.startswith(point.rstrip("/") + "/")) and len(point) >= len(longest):
            longest, kind = point, rest.split(" ")[0]
    return kind in NETWORK_FILE_SYSTEMS


def stray_files(database: Path) -> list[Path]:
    """What an interrupted creation may have left beside a database's temporary name."""
    return [p for p in (Path(f"{database}{end}") for end in ("", "-journal", "-wal", "-shm")) if os.path.lexists(p)]
