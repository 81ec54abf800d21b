"""The audit trail: one row for every change, and no row can be changed, removed or moved unseen."""

from __future__ import annotations

import random
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy.exc import IntegrityError

from hipcad_desktop.domain.annotation import Answer, Verdict
from hipcad_desktop.domain.radiograph import FilmId
from hipcad_desktop.store.audit import note
from hipcad_desktop.store.films import add_films, assign_patients
from hipcad_desktop.store.project_store import DATABASE_NAME, Project, open_store
from hipcad_desktop.workflows.adjudicate import adjudicate
from hipcad_desktop.workflows.annotate import Session
from hipcad_desktop.workflows.audit import audit_entries, export_audit, verify_audit
from hipcad_desktop.workflows.reader_study import end_blinded_phase
from tests.fakes.project_films import new_film

FILMS = [FilmId(f"{i:064x}") for i in range(3)]
SECRET = "YAMADA^TARO"


def fill(project: Project, folder: Path) -> None:
    """One of every kind of change."""
    add_films(project, [new_film(i, folder / SECRET) for i in range(3)])
    assign_patients(project, [(FILMS[0], SECRET)])
    session = Session(project, reader="A")
    session.save(FILMS[0], Answer(Verdict.UNSURE))
    session.save(FILMS[1], Answer(Verdict.NO_FRACTURE))
    session.undo()
    session.redo()
    session.sign(FILMS[1])
    session.save(FILMS[1], None, reason="the wrong film")
    Session(project, reader="B").save(FILMS[0], Answer(Verdict.NO_FRACTURE))
    end_blinded_phase(project, who="C", why="all done")
    adjudicate(project, FILMS[0], Answer(Verdict.UNSURE), adjudicators=("A", "B"))
    note(project, "export", what="dataset", new={"films": 3})


def test_every_change_has_its_row(tmp_path: Path) -> None:
    with open_store(tmp_path / "P", create=True) as project:
        fill(project, tmp_path)
        entries = audit_entries(project)
        assert [e.action for e in entries] == [
            *["import"] * 3, "patient", "save", "save", "undo", "redo", "sign", "save", "save", "phase", "adjudicate",
            "export",
        ]  # fmt: skip
        changed = entries[9]
        assert (changed.who, changed.what, changed.why) == ("A", FILMS[1], "the wrong film")
        assert '"no_fracture"' in changed.old
        assert '"answer":null' in changed.new
        assert [e.who for e in entries[10:13]] == ["B", "C", "A, B"]
        assert [e.number for e in entries] == list(range(1, len(entries) + 1))
        report = verify_audit(project)
        assert (report.whole, report.rows, report.head) == (True, len(entries), entries[-1].hash)
        assert export_audit(project, tmp_path / "audit.csv") == len(entries)
        text = (tmp_path / "audit.csv").read_text("utf-8")
        assert text.count("\n") == len(entries) + 1
        assert entries[-1].hash in text
        assert SECRET not in text


@pytest.mark.parametrize("table", ["audit", "signature"])
@pytest.mark.parametrize("change", ["UPDATE {} SET rowid = 70 WHERE rowid = 1", "DELETE FROM {}"])
def test_the_trail_refuses_to_be_changed(tmp_path: Path, table: str, change: str) -> None:
    with open_store(tmp_path / "P", create=True) as project:
        fill(project, tmp_path)
        with pytest.raises(IntegrityError, match="append-only"), project.writing() as connection:
            connection.exec_driver_sql(change.format(table))
        assert verify_audit(project).whole


def test_a_change_that_fails_leaves_no_row(tmp_path: Path) -> None:
    with open_store(tmp_path / "P", create=True) as project:
        with pytest.raises(IntegrityError):
            Session(project, reader="A").save(FILMS[0], Answer(Verdict.UNSURE))
        assert audit_entries(project) == []
        assert verify_audit(project).whole


TAMPERINGS = (
    "UPDATE audit SET {column} = {column} || 'x' WHERE audit_id = {row}",
    "UPDATE audit SET {column} = (SELECT {column} || ' ' FROM audit WHERE audit_id = {other}) WHERE audit_id = {row}",
    "DELETE FROM audit WHERE audit_id = {row}",
    "DELETE FROM audit WHERE audit_id >= {row}",
    "DELETE FROM audit WHERE audit_id = {row}; UPDATE audit SET audit_id = audit_id - 1 WHERE audit_id > {row}",
    "UPDATE audit SET audit_id = -1 WHERE audit_id = {row}; UPDATE audit SET audit_id = {row} WHERE audit_id = {other};"
    "UPDATE audit SET audit_id = {other} WHERE audit_id = -1",
    "INSERT INTO audit SELECT audit_id + 100, utc, who, action, what, old, new, why, hash FROM audit"
    " WHERE audit_id = {row}",
    "UPDATE reading SET verdict = 'no_fracture' WHERE verdict = 'unsure'",
    "DELETE FROM signature",
    "DELETE FROM reading WHERE kind = 'redo'",
)
TRIALS = 100


def test_tampering_is_found_every_time(tmp_path: Path) -> None:
    with open_store(tmp_path / "P", create=True) as project:
        fill(project, tmp_path)
        rows = len(audit_entries(project))
    with closing(sqlite3.connect(tmp_path / "P" / DATABASE_NAME)) as raw:
        for (name,) in raw.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            raw.execute(f"DROP TRIGGER {name}")
        raw.commit()
    whole = (tmp_path / "P" / DATABASE_NAME).read_bytes()
    chance = random.Random(11)
    found = 0
    for trial in range(TRIALS):
        (tmp_path / "P" / DATABASE_NAME).write_bytes(whole)
        row, other = chance.sample(range(1, rows + 1), 2)
        column = chance.choice(["utc", "who", "action", "what", "old", "new", "why", "hash"])
        with closing(sqlite3.connect(tmp_path / "P" / DATABASE_NAME)) as raw:
            raw.executescript(TAMPERINGS[trial % len(TAMPERINGS)].format(row=row, other=other, column=column))
        with open_store(tmp_path / "P", create=False) as project:
            found += not verify_audit(project).whole
    assert found == TRIALS
    shutil.rmtree(tmp_path / "P")
