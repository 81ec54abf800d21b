"""A project of the first schema, with readings in it, is brought up to date whole, after a copy was put aside."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy.exc import IntegrityError

from hipcad_desktop.domain.anatomy import FractureType
from hipcad_desktop.domain.annotation import Answer, Finding, Verdict
from hipcad_desktop.domain.geometry import Rectangle
from hipcad_desktop.domain.radiograph import FilmId
from hipcad_desktop.store import audit, opening
from hipcad_desktop.store.project_store import DATABASE_NAME, open_store
from hipcad_desktop.store.readings import reader_names
from hipcad_desktop.workflows.annotate import Session
from hipcad_desktop.workflows.audit import audit_entries, verify_audit
from hipcad_desktop.workflows.open_project import list_films

FILM = FilmId("f" * 64)
BACKUP = f"project-before-schema-{opening.SCHEMA}.sqlite"
ROWS = f"""
INSERT INTO meta VALUES ('uuid', 'the project'), ('created_utc', '2026-01-01T00:00:00Z'), ('program_version', '0.1');
INSERT INTO patient VALUES (1, 'secret');
INSERT INTO film VALUES ('{FILM}', 1, 'pixels', 200, 160, 'PNG', 'R', 'assumed', '{{}}', '{{}}', 1, 100.0, 1.0, NULL,
    '2026-01-01T00:00:00Z');
INSERT INTO film_file VALUES ('films/a.png', '{FILM}', 1, 1, 0);
INSERT INTO reader VALUES (1, 'A'), (2, 'Consensus');
INSERT INTO reading VALUES
    (1, 'u1', '{FILM}', 1, 1, 'fracture', NULL, '', 1, '2026-01-02T00:00:00.000000Z', 'save', NULL),
    (2, 'u2', '{FILM}', 2, 1, 'excluded', 'shaft fracture', '大腿骨', NULL, '2026-01-02T00:00:00.000000Z', 'save',
        NULL),
    (3, 'u3', '{FILM}', 1, 2, NULL, NULL, '', NULL, '2026-01-03T00:00:00.000000Z', 'undo', 1),
    (4, 'u4', '{FILM}', 1, 3, 'fracture', NULL, '', 1, '2026-01-04T00:00:00.000000Z', 'redo', 1);
INSERT INTO finding VALUES (1, 0, 0.1, 10, 20, 30, 'Garden III'), (1, 1, 50, 60, 7, 8, NULL),
    (4, 0, 0.1, 10, 20, 30, 'Garden III'), (4, 1, 50, 60, 7, 8, NULL);
"""
BROKEN = Answer(
    Verdict.FRACTURE,
    (Finding(Rectangle(0.1, 10, 20, 30), FractureType.GARDEN_III), Finding(Rectangle(50, 60, 7, 8))),
    mirrored=True,
)


@pytest.fixture
def old(tmp_path: Path) -> Path:
    folder = tmp_path / "P"
    folder.mkdir()
    engine, connection = opening.connect(folder / DATABASE_NAME)
    config = Config()
    config.set_main_option("script_location", str(opening.MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, "r0001")
    connection.commit()
    connection.close()
    engine.dispose()
    with closing(sqlite3.connect(folder / DATABASE_NAME)) as raw:
        raw.execute("PRAGMA journal_mode = WAL")
        raw.executescript(ROWS)
    return folder


def version(database: Path) -> int:
    with closing(sqlite3.connect(database)) as raw:
        return raw.execute("PRAGMA user_version").fetchone()[0]


def test_a_project_of_the_first_schema_keeps_every_reading(old: Path) -> None:
    assert version(old / DATABASE_NAME) == 1
    with open_store(old, create=False) as project:
        session = Session(project, reader="A")
        assert [(r.revision, r.answer, r.uuid) for r in session.revisions(FILM)] == [
            (1, BROKEN, "u1"),
            (2, None, "u3"),
            (3, BROKEN, "u4"),
        ]
        assert [f.reading.answer if f.reading else None for f in list_films(project, reader="A")] == [BROKEN]
        assert reader_names(project) == ["A", "Consensus (reader)"], "the consensus has the name for itself"
        assert session.can_undo
        assert session.undo() == FILM
        assert session.answer(FILM) is None
        report = verify_audit(project)
        assert report.whole, report.problems
        entries = audit_entries(project)
        assert [e.action for e in entries] == ["taken over"] * 4 + ["undo"]
        assert not any("secret" in str(e) for e in entries)
        with pytest.raises(IntegrityError, match="append-only"), project.writing() as connection:
            connection.exec_driver_sql("UPDATE reading SET verdict = 'unsure'")
        with pytest.raises(IntegrityError), project.writing() as connection:
            connection.exec_driver_sql("INSERT INTO finding VALUES (99, 0, 1, 1, 1, 1, NULL)")


def test_a_copy_of_what_was_there_is_put_aside_once(old: Path) -> None:
    open_store(old, create=False).close()
    assert version(old / BACKUP) == 1
    with closing(sqlite3.connect(old / BACKUP)) as raw:
        assert raw.execute("SELECT count(*) FROM reading").fetchone() == (4,), "what was only in the WAL is there too"
        assert raw.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    before = (old / BACKUP).read_bytes()
    open_store(old, create=False).close()
    assert (old / BACKUP).read_bytes() == before
    assert {p.name for p in old.iterdir()} == {DATABASE_NAME, BACKUP}


def test_a_new_project_needs_no_copy(tmp_path: Path) -> None:
    open_store(tmp_path / "P", create=True).close()
    assert [p.name for p in (tmp_path / "P").iterdir()] == [DATABASE_NAME]


def test_a_migration_that_fails_leaves_the_old_project(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> str:
        raise RuntimeError("half way")

    with monkeypatch.context() as patched:
        patched.setattr(audit, "chained", fail)
        with pytest.raises(RuntimeError, match="half way"):
            open_store(old, create=False)
    with closing(sqlite3.connect(old / DATABASE_NAME)) as raw:
        assert raw.execute("PRAGMA user_version").fetchone() == (1,)
        assert raw.execute("SELECT count(*) FROM reading").fetchone() == (4,)
        assert raw.execute("SELECT count(*) FROM pragma_table_list WHERE name = 'audit'").fetchone() == (0,)
    with open_store(old, create=False) as project:
        assert Session(project, reader="A").answer(FILM) == BROKEN
