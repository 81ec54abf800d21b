"""Readings are append-only, undo and redo are revisions, and nothing acknowledged is ever lost."""

from __future__ import annotations

import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from benchmarks.kill import kill_while_saving
from hipcad_desktop.domain.anatomy import FractureType
from hipcad_desktop.domain.annotation import Answer, ExclusionReason, Finding, Verdict
from hipcad_desktop.domain.geometry import Rectangle
from hipcad_desktop.domain.radiograph import FilmId
from hipcad_desktop.store.films import add_films, films_under_several_patients
from hipcad_desktop.store.project_store import Project, open_store
from hipcad_desktop.workflows.annotate import Session
from tests.fakes.project_films import new_film

FILMS = [FilmId(f"{i:064x}") for i in range(3)]
WHOLE = Answer(Verdict.NO_FRACTURE)
BROKEN = Answer(
    Verdict.FRACTURE,
    (
        Finding(Rectangle(0.1, 1 / 3, 50.25, 60), FractureType.GARDEN_III),
        Finding(Rectangle(120, 20, 1e-3, 7)),
    ),
    mirrored=True,
)
LEFT_OUT = Answer(
    Verdict.EXCLUDED, exclusion=ExclusionReason.SHAFT_FRACTURE, exclusion_text="大腿骨, ünusual", mirrored=False
)
ANSWERS: list[Answer | None] = [None, WHOLE, BROKEN, LEFT_OUT, Answer(Verdict.UNSURE)]


@pytest.fixture
def project(tmp_path: Path):  # type: ignore[no-untyped-def]
    with open_store(tmp_path / "P", create=True) as opened:
        add_films(opened, [new_film(i, tmp_path) for i in range(3)])
        yield opened


def clock() -> datetime:
    return datetime(2026, 3, 1, 12, 30, 15, 250_000, UTC)


@pytest.mark.parametrize("answer", ANSWERS[1:])
def test_what_was_saved_is_read_back_equal(project: Project, answer: Answer) -> None:
    reading = Session(project, reader=" A. Surgeon ", clock=clock).save(FILMS[0], answer)
    assert (reading.revision, reading.reader, reading.created_utc) == (1, "A. Surgeon", "2026-03-01T12:30:15.250000Z")
    session = Session(project, reader="A. Surgeon")
    assert session.answer(FILMS[0]) == answer
    assert session.revisions(FILMS[0]) == [reading]
    assert session.answer(FILMS[1]) is None
    assert Session(project, reader="B").answer(FILMS[0]) is None


def test_the_same_answer_again_is_no_revision(project: Project) -> None:
    session = Session(project, reader="A")
    first = session.save(FILMS[0], BROKEN)
    assert session.save(FILMS[0], BROKEN) == first
    assert session.save(FILMS[0], None).revision == 2
    assert session.answer(FILMS[0]) is None
    assert session.save(FILMS[1], None).revision == 0, "there is nothing to withdraw"
    assert session.revisions(FILMS[1]) == []


def test_undo_crosses_films_and_restarts_and_is_itself_a_revision(tmp_path: Path) -> None:
    with open_store(tmp_path / "P", create=True) as project:
        add_films(project, [new_film(i, tmp_path) for i in range(3)])
        session = Session(project, reader="A")
        assert session.undo() is None
        assert not session.can_undo
        session.save(FILMS[0], WHOLE)
        session.save(FILMS[1], BROKEN)
        session.save(FILMS[0], LEFT_OUT)
        assert session.undo() == FILMS[0]
        assert session.answer(FILMS[0]) == WHOLE
    with open_store(tmp_path / "P", create=False) as project:
        session = Session(project, reader="A")
        assert session.can_undo
        assert session.can_redo
        assert session.undo() == FILMS[1]
        assert session.answer(FILMS[1]) is None
        assert session.redo() == FILMS[1]
        assert session.answer(FILMS[1]) == BROKEN
        assert session.redo() == FILMS[0]
        assert session.redo() is None
        assert [r.answer for r in session.revisions(FILMS[0])] == [WHOLE, LEFT_OUT, WHOLE, LEFT_OUT]
        assert [r.revision for r in session.revisions(FILMS[1])] == [1, 2, 3]


def test_a_new_answer_ends_redoing(project: Project) -> None:
    session = Session(project, reader="A")
    session.save(FILMS[0], WHOLE)
    session.undo()
    session.save(FILMS[1], WHOLE)
    assert not session.can_redo
    assert session.redo() is None


def test_readers_do_not_undo_each_other(project: Project) -> None:
    one, two = Session(project, reader="A"), Session(project, reader="B")
    one.save(FILMS[0], WHOLE)
    two.save(FILMS[0], BROKEN)
    assert one.undo() == FILMS[0]
    assert two.answer(FILMS[0]) == BROKEN
    assert not one.can_undo


def test_two_sessions_of_one_reader_share_one_history(project: Project) -> None:
    one, two = Session(project, reader="A"), Session(project, reader="A")
    one.save(FILMS[0], WHOLE)
    two.save(FILMS[1], BROKEN)
    assert one.undo() == FILMS[1]
    assert two.undo() == FILMS[0]
    assert one.redo() == FILMS[0]


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("save"), st.sampled_from(FILMS), st.sampled_from(ANSWERS)),
        st.tuples(st.sampled_from(["undo", "redo", "restart"])),
    ),
    max_size=40,
)


@settings(max_examples=10, deadline=None)
@given(STEPS)
def test_undo_and_redo_are_those_of_a_plain_editor(steps: list[tuple[object, ...]]) -> None:
    with tempfile.TemporaryDirectory() as folder, open_store(Path(folder) / "P", create=True) as project:
        add_films(project, [new_film(i, Path(folder)) for i in range(3)])
        session = Session(project, reader="A")
        state: dict[FilmId, Answer | None] = dict.fromkeys(FILMS)
        past: list[tuple[FilmId, Answer | None, Answer | None]] = []
        future: list[tuple[FilmId, Answer | None, Answer | None]] = []
        for step in steps:
            match step:
                case ("save", film, answer):
                    session.save(film, answer)  # type: ignore[arg-type]
                    if state[film] != answer:  # type: ignore[index]
                        past.append((film, state[film], answer))  # type: ignore[index,arg-type]
                        future.clear()
                        state[film] = answer  # type: ignore[index,assignment]
                case ("undo",):
                    assert session.undo() == (past[-1][0] if past else None)
                    if past:
                        film_id, before, _ = past[-1]
                        state[film_id] = before
                        future.append(past.pop())
                case ("redo",):
                    assert session.redo() == (future[-1][0] if future else None)
                    if future:
                        film_id, _, after = future[-1]
                        state[film_id] = after
                        past.append(future.pop())
                case _:
                    session = Session(project, reader="A")
            assert {f: session.answer(f) for f in FILMS} == state
            assert (session.can_undo, session.can_redo) == (bool(past), bool(future))


@pytest.mark.parametrize("table", ["reading", "finding"])
@pytest.mark.parametrize("change", ["UPDATE {} SET reading_id = 7", "DELETE FROM {}"])
def test_what_was_said_cannot_be_changed(project: Project, table: str, change: str) -> None:
    session = Session(project, reader="A")
    session.save(FILMS[0], BROKEN)
    with pytest.raises(IntegrityError, match="append-only"), project.writing() as connection:
        connection.execute(text(change.format(table)))
    assert session.answer(FILMS[0]) == BROKEN


def test_a_film_that_is_not_in_the_project_has_no_answers(project: Project) -> None:
    with pytest.raises(IntegrityError):
        Session(project, reader="A").save(FilmId("f" * 64), WHOLE)


def test_the_same_pixels_under_two_patients_are_found(project: Project, tmp_path: Path) -> None:
    add_films(
        project,
        [
            new_film(11, tmp_path, identifier="one", pixels="same"),
            new_film(12, tmp_path, identifier="two", pixels="same"),
            new_film(13, tmp_path, identifier="three", pixels="own"),
            new_film(14, tmp_path, identifier="three", pixels="own"),
        ],
    )
    assert films_under_several_patients(project) == [(FilmId(f"{11:064x}"), FilmId(f"{12:064x}"))]


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is a signal")
def test_nothing_acknowledged_is_lost_when_the_program_is_killed(tmp_path: Path) -> None:
    with open_store(tmp_path / "P", create=True) as project:
        add_films(project, [new_film(0, tmp_path)])
    figures = kill_while_saving(tmp_path / "P", FILMS[0], kills=20)
    assert figures.kills == 20
    assert figures.acknowledged >= 20
    assert (figures.lost, figures.halved, figures.damaged, figures.audit_problems) == (0, 0, 0, 0)
