"""A project: one folder with one database. One connection in the process, one writer at a time."""

from __future__ import annotations

import os
import threading
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

from sqlalchemy import Connection, Engine, insert, select

from hipcad_desktop import __version__
from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.store import opening
from hipcad_desktop.store.folders import check_writable, new_folders, sync_folder
from hipcad_desktop.store.models import MetaRow

DATABASE_NAME = "project.sqlite"
FILMS_FOLDER = "films"


class Project:
    """An open project. Any thread may use it; reads and writes take turns on its one connection."""

    def __init__(self, path: Path, engine: Engine, connection: Connection) -> None:
        self.path = path
        self._engine = engine
        self._connection = connection
        self._lock = threading.RLock()
        self._closed = False

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.path.name

    @property
    def uuid(self) -> str:
        """The project's own id, made when it was created."""
        with self.reading() as connection:
            return connection.execute(select(MetaRow.value).where(MetaRow.name == "uuid")).scalar_one()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One consistent view of the database."""
        with self._transaction("BEGIN") as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction: all of the block is durable when it ends, or none of it where it fails.

        Raises UserError PROJECT_BUSY where another program keeps writing for five seconds.
        """
        with self._transaction("BEGIN IMMEDIATE") as connection:
            yield connection

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[Connection]:
        with self._lock, opening.telling(self.path):
            self._connection.info["begin"] = begin
            with self._connection.begin():
                yield self._connection

    def close(self) -> None:
        """Close the database; a second call does nothing."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._connection.close()
                self._engine.dispose()

    def __enter__(self) -> Project:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_store(path: Path, *, create: bool) -> Project:
    """Open a project's folder, making it where create allows. The UserErrors of workflows.open_project."""
    path = Path(os.path.abspath(path))
    database = path / DATABASE_NAME
    if not database.is_file():
        if not create:
            code = ErrorCode.NOT_A_PROJECT if os.path.lexists(path) else ErrorCode.FILE_MISSING
            raise UserError(code, path=str(path))
        _create(path)
    check_writable(path)
    with opening.telling(path):
        opening.check_magic(database, path)
        engine, connection = opening.connect(database)
        try:
            opening.check_identity(connection, path)
            opening.set_up(connection, network=opening.on_network(path))
            opening.back_up(connection, database)
            opening.migrate(connection)
        except BaseException:
            connection.close()
            engine.dispose()
            raise
    return Project(path, engine, connection)


def _create(path: Path) -> None:
    """Make a project that is there whole or not at all: a database under a temporary name, then renamed."""
    if path.is_dir() and any(not p.name.startswith(".") and not _is_stray(p) for p in path.iterdir()):
        raise UserError(ErrorCode.NOT_A_PROJECT, path=str(path))
    with new_folders(path):
        check_writable(path)
        part = path / f"{DATABASE_NAME}.part"
        try:
            for stray in opening.stray_files(part):
                stray.unlink()
            with opening.telling(path):
                _fill_new(part)
            os.replace(part, path / DATABASE_NAME)
            sync_folder(path)
        except BaseException:
            for stray in opening.stray_files(part):
                stray.unlink()
            raise


def remove_empty(path: Path, folders: Sequence[Path]) -> None:
    """Take away a closed project that holds no film, then these folders, innermost first, where they are empty."""
    for file in path.glob(f"{DATABASE_NAME}*"):
        file.unlink()
    for folder in folders:
        with suppress(OSError):  # somebody put something in: theirs to keep
            folder.rmdir()


def _is_stray(path: Path) -> bool:
    return path.name.startswith(f"{DATABASE_NAME}.part")


def _fill_new(database: Path) -> None:
    engine, connection = opening.connect(database)
    try:
        opening.run_pragma(connection, "synchronous = FULL")
        opening.migrate(connection)
        facts = {
            "uuid": str(uuid.uuid4()),
            "created_utc": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "program_version": __version__,
        }
        with connection.begin():
            connection.execute(insert(MetaRow), [{"name": name, "value": value} for name, value in facts.items()])
    finally:
        connection.close()
        engine.dispose()
