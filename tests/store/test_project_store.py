"""Opening, making and refusing projects."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.store import opening
from hipcad_desktop.store.films import add_films, film_rows, project_path, stored_path
from hipcad_desktop.store.folders import new_folders, whole_folder, write_file
from hipcad_desktop.store.models import Base
from hipcad_desktop.store.project_store import DATABASE_NAME, open_store
from tests.fakes.project_films import new_film


def code_of(path: Path, *, create: bool = False) -> ErrorCode:
    with pytest.raises(UserError) as raised:
        open_store(path, create=create)
    assert raised.value.facts["path"] == str(path)
    return raised.value.code


def test_a_new_project_has_the_settings_of_a_durable_one(tmp_path: Path) -> None:
    with open_store(tmp_path / "deep" / "P", create=True) as project:
        pragmas = {
            name: opening.run_pragma(project._connection, name)
            for name in (
                "journal_mode",
                "synchronous",
                "foreign_keys",
                "busy_timeout",
                "trusted_schema",
                "application_id",
                "user_version",
            )
        }
        assert project.name == "P"
        identity = project.uuid
    assert pragmas == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "busy_timeout": 5000,
        "trusted_schema": 0,
        "application_id": 0x48495043,
        "user_version": opening.SCHEMA,
    }
    assert os.listdir(tmp_path / "deep" / "P") == [DATABASE_NAME]
    with open_store(tmp_path / "deep" / "P", create=True) as project:
        assert project.uuid == identity


def test_migrations_make_the_tables_of_the_models(tmp_path: Path) -> None:
    with open_store(tmp_path / "P", create=True) as project, project.reading() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
        tables = connection.execute(
            text("SELECT name, strict FROM pragma_table_list WHERE type = 'table' AND schema = 'main'")
        ).all()
    own = {name: strict for name, strict in tables if not name.startswith(("sqlite_", "alembic_"))}
    assert own == dict.fromkeys(Base.metadata.tables, 1)


def test_the_newest_migration_is_the_schema_that_the_program_knows() -> None:
    config = Config()
    config.set_main_option("script_location", str(opening.MIGRATIONS))
    script = ScriptDirectory.from_config(config)
    assert len(list(script.walk_revisions())) == opening.SCHEMA
    assert script.get_current_head() == f"r{opening.SCHEMA:04d}"


def test_an_absent_project_is_not_made_unless_asked(tmp_path: Path) -> None:
    assert code_of(tmp_path / "absent") is ErrorCode.FILE_MISSING
    (tmp_path / "empty").mkdir()
    assert code_of(tmp_path / "empty") is ErrorCode.NOT_A_PROJECT
    assert os.listdir(tmp_path) == ["empty"]


def test_a_folder_with_other_things_is_not_made_a_project(tmp_path: Path) -> None:
    (tmp_path / "thesis.docx").write_text("words")
    assert code_of(tmp_path, create=True) is ErrorCode.NOT_A_PROJECT
    assert os.listdir(tmp_path) == ["thesis.docx"]


def test_what_an_interrupted_creation_left_is_swept(tmp_path: Path) -> None:
    (tmp_path / f"{DATABASE_NAME}.part").write_bytes(b"half")
    (tmp_path / f"{DATABASE_NAME}.part-journal").write_bytes(b"half")
    open_store(tmp_path, create=True).close()
    assert os.listdir(tmp_path) == [DATABASE_NAME]


def test_a_creation_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise sqlite3.OperationalError("no")

    monkeypatch.setattr(opening, "migrate", fail)
    with pytest.raises(sqlite3.OperationalError):
        open_store(tmp_path / "a" / "P", create=True)
    assert os.listdir(tmp_path) == []


def test_a_path_below_a_file_cannot_be_written_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    assert code_of(tmp_path / "file" / "P", create=True) is ErrorCode.FOLDER_NOT_WRITABLE
    assert code_of(tmp_path / "file", create=True) is ErrorCode.FOLDER_NOT_WRITABLE
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.skipif(sys.platform == "win32", reason="permission bits")
def test_a_folder_without_write_permission_is_named(tmp_path: Path) -> None:
    """Root may write anywhere, so another user's process tries where the tests run as root."""
    folder = tmp_path / "locked"
    folder.mkdir()
    folder.chmod(0o555)
    code = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from hipcad_desktop.domain.errors import UserError\n"
        "import alembic.command, hipcad_desktop.store.project_store as store\n"
        "os.geteuid() == 0 and (os.setgroups([]), os.setgid(65534), os.setuid(65534))\n"
        "try:\n"
        "    store.open_store(Path(sys.argv[1]), create=True)\n"
        "except UserError as error:\n"
        "    print(error.code)\n"
    )
    if os.geteuid() == 0:
        above = [
            p for p in tmp_path.parents if p.is_relative_to(tempfile.gettempdir()) and p != Path(tempfile.gettempdir())
        ]
        for path in (tmp_path, *above):
            path.chmod(path.stat().st_mode | 0o111)
    for target in (folder, folder / "P"):
        result = subprocess.run([sys.executable, "-c", code, str(target)], capture_output=True, text=True, check=True)
        assert result.stdout.strip() == "folder_not_writable"
    assert os.listdir(folder) == []


def test_a_project_made_by_a_newer_program_is_refused_untouched(tmp_path: Path) -> None:
    open_store(tmp_path / "P", create=True).close()
    database = tmp_path / "P" / DATABASE_NAME
    with sqlite3.connect(database) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    before = database.read_bytes()
    with pytest.raises(UserError) as raised:
        open_store(tmp_path / "P", create=True)
    assert raised.value.code is ErrorCode.PROJECT_NEWER
    assert raised.value.facts == {"path": str(tmp_path / "P"), "found": 99, "known": opening.SCHEMA}
    assert database.read_bytes() == before


def test_another_database_is_no_project_and_is_not_touched(tmp_path: Path) -> None:
    database = tmp_path / DATABASE_NAME
    connection = sqlite3.connect(database)
    connection.execute("CREATE TABLE other (x)")
    connection.close()
    before = database.read_bytes()
    assert code_of(tmp_path) is ErrorCode.NOT_A_PROJECT
    assert database.read_bytes() == before
    assert os.listdir(tmp_path) == [DATABASE_NAME]


def test_garbage_is_a_damaged_project(tmp_path: Path) -> None:
    (tmp_path / DATABASE_NAME).write_bytes(b"not a database" * 1000)
    assert code_of(tmp_path) is ErrorCode.PROJECT_DAMAGED


def test_broken_pages_are_a_damaged_project(tmp_path: Path) -> None:
    with open_store(tmp_path / "P", create=True) as project:
        add_films(project, [new_film(i, tmp_path) for i in range(200)])
    database = tmp_path / "P" / DATABASE_NAME
    data = bytearray(database.read_bytes())
    data[4096 * 2 : 4096 * 40] = os.urandom(4096 * 38)
    database.write_bytes(data)
    assert code_of(tmp_path / "P") is ErrorCode.PROJECT_DAMAGED


def test_a_second_writer_is_told_that_the_project_is_busy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "BUSY_TIMEOUT_MS", 100)
    with open_store(tmp_path / "P", create=True) as first, open_store(tmp_path / "P", create=False) as second:
        with first.writing(), pytest.raises(UserError) as raised, second.writing():
            pytest.fail("two writers at once")
        assert raised.value.code is ErrorCode.PROJECT_BUSY
        with second.writing() as connection:
            connection.execute(text("INSERT INTO meta VALUES ('x', 'y')"))


def test_a_write_that_fails_changes_nothing(tmp_path: Path) -> None:
    with open_store(tmp_path / "P", create=True) as project:

        def fail_half_way() -> None:
            with project.writing() as connection:
                connection.execute(text("INSERT INTO patient (identifier) VALUES ('x')"))
                raise RuntimeError

        with pytest.raises(RuntimeError):
            fail_half_way()
        with project.reading() as connection:
            assert connection.execute(text("SELECT count(*) FROM patient")).scalar_one() == 0


def test_many_threads_take_turns(tmp_path: Path) -> None:
    with open_store(tmp_path / "P", create=True) as project:
        threads = [
            threading.Thread(target=add_films, args=(project, [new_film(i, tmp_path)]), daemon=True) for i in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert {f.film_id for f in film_rows(project, reader=None)} == {f"{i:064x}" for i in range(8)}
        assert [f.patient for f in film_rows(project, reader=None)] == [f"P{i:04d}" for i in range(1, 9)]


def test_paths_inside_the_project_move_with_it(tmp_path: Path) -> None:
    with open_store(tmp_path / "P", create=True) as project:
        inside, outside = tmp_path / "P" / "films" / "a.png", tmp_path / "b.png"
        assert stored_path(project, inside) == "films/a.png"
        assert stored_path(project, outside) == outside.as_posix()
        assert project_path(project, "films/a.png") == inside
        assert project_path(project, outside.as_posix()) == outside


MOUNTS = """22 1 8:1 / / rw - ext4 /dev/sda1 rw
40 22 0:50 / /mnt/share\\040one rw - cifs //server/films rw
41 40 0:51 / /mnt/share\\040one/local rw - ext4 /dev/sdb1 rw
"""


@pytest.mark.parametrize(
    ("path", "network"),
    [
        ("/mnt/share one/P", True),
        ("/mnt/share one", True),
        ("/mnt/share onetwo", False),
        ("/mnt/share one/local/P", False),
        ("/home/x", False),
    ],
)
@pytest.mark.skipif(sys.platform == "win32", reason="the mount table is Linux's")
def test_network_drives_are_told_by_the_mount_table(path: str, network: bool) -> None:
    assert opening.on_network(Path(path), mounts=MOUNTS) is network


def test_a_project_on_a_network_drive_has_no_wal_and_one_owner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "on_network", lambda path: True)
    monkeypatch.setattr(opening, "BUSY_TIMEOUT_MS", 100)
    with open_store(tmp_path / "P", create=True) as project:
        assert opening.run_pragma(project._connection, "journal_mode") == "delete"
        add_films(project, [new_film(1, tmp_path)])
        assert code_of(tmp_path / "P") is ErrorCode.PROJECT_BUSY


def test_whole_folder_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "new" / "D"

    def fail_half_way() -> None:
        with whole_folder(target, content=frozenset({"a"}), needed_mb=1) as part:
            (part / "a").write_text("x")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_half_way()
    assert os.listdir(tmp_path) == []
    with whole_folder(target, content=frozenset({"a"}), needed_mb=1) as part:
        (part / "a").write_text("x")
        assert not target.exists()
    assert os.listdir(target.parent) == ["D"]
    with pytest.raises(UserError) as raised, whole_folder(target, content=frozenset(), needed_mb=1):
        pytest.fail("it is not empty")
    assert raised.value.code is ErrorCode.TARGET_NOT_EMPTY


def test_only_our_own_remains_are_swept(tmp_path: Path) -> None:
    part = tmp_path / "D.part"
    part.mkdir()
    (part / "a").write_text("x")
    with whole_folder(tmp_path / "D", content=frozenset({"a"}), needed_mb=1) as new:
        assert os.listdir(new) == []
    part.mkdir()
    (part / "thesis").write_text("x")
    with (
        pytest.raises(UserError, match=r"target_not_empty.*D\.part"),
        whole_folder(tmp_path / "D", content=frozenset({"a"}), needed_mb=1),
    ):
        pytest.fail("somebody's thesis")
    assert (part / "thesis").exists()


def test_new_folders_keeps_what_somebody_else_put_in(tmp_path: Path) -> None:
    def fail_half_way() -> None:
        with new_folders(tmp_path / "a" / "b"):
            (tmp_path / "a" / "theirs").write_text("x")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_half_way()
    assert os.listdir(tmp_path / "a") == ["theirs"]


def test_a_file_is_replaced_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "t.csv"
    write_file(path, b"one")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UserError) as raised:
        write_file(path, b"two")
    assert raised.value.code is ErrorCode.DISK_FULL
    assert path.read_bytes() == b"one"
    assert os.listdir(tmp_path) == ["t.csv"]
