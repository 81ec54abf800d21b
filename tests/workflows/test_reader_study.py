"""Several readers: signed, blinded, compared, adjudicated, and reading again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy.exc import IntegrityError

from hipcad_desktop.domain.agreement import DisagreementKind
from hipcad_desktop.domain.annotation import Answer, Finding, ProjectPhase, Reading, ReadingStatus, Verdict
from hipcad_desktop.domain.consensus import Consensus, consensus
from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.geometry import Rectangle
from hipcad_desktop.domain.radiograph import FilmId
from hipcad_desktop.store.films import add_films
from hipcad_desktop.store.project_store import Project, open_store
from hipcad_desktop.store.readings import current_readings
from hipcad_desktop.workflows.adjudicate import adjudicate, adjudicate_table
from hipcad_desktop.workflows.agreement import agreement, disagreements, intra_reader, write_disagreements
from hipcad_desktop.workflows.annotate import Session
from hipcad_desktop.workflows.audit import verify_audit
from hipcad_desktop.workflows.exchange_readings import conflicts
from hipcad_desktop.workflows.open_project import list_films
from hipcad_desktop.workflows.reader_study import (
    ReaderProgress,
    end_blinded_phase,
    phase,
    progress,
    second_round,
    start_second_round,
    statuses,
)
from hipcad_desktop.workflows.readings_table import export_readings
from tests.fakes.project_films import new_film

N = 6
FILMS = [FilmId(f"{i:064x}") for i in range(N)]
WHOLE, UNSURE = Answer(Verdict.NO_FRACTURE), Answer(Verdict.UNSURE)
BROKEN = Answer(Verdict.FRACTURE, (Finding(Rectangle(10, 20, 30, 40)),))
MARCH = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    with open_store(tmp_path / "P", create=True) as opened:
        add_films(opened, [new_film(i, tmp_path) for i in range(N)])
        yield opened
        assert verify_audit(opened).problems == ()


def code(error: pytest.ExceptionInfo[UserError]) -> ErrorCode:
    return error.value.code


def standing(project: Project, film_id: FilmId) -> Consensus:
    with project.reading() as connection:
        return consensus([r for r in current_readings(connection) if r.film_id == film_id])


def test_a_signed_reading_changes_only_with_a_reason(project: Project) -> None:
    session = Session(project, reader="A", clock=lambda: MARCH)
    session.save(FILMS[0], WHOLE)
    signed = session.sign(FILMS[0])
    assert signed.signed_utc == "2026-03-01T12:00:00.000000Z"
    assert session.sign(FILMS[0]) == signed == session.reading(FILMS[0])
    assert session.save(FILMS[0], WHOLE) == signed, "the same answer changes nothing"
    for change in (lambda: session.save(FILMS[0], BROKEN, reason="  "), lambda: session.save(FILMS[0], None)):
        with pytest.raises(UserError) as raised:
            change()
        assert code(raised) is ErrorCode.SIGNED_NEEDS_REASON
    assert session.revisions(FILMS[0]) == [signed]
    changed = session.save(FILMS[0], BROKEN, reason=" seen on the CT ")
    assert (changed.revision, changed.reason, changed.signed_utc) == (2, "seen on the CT", None)
    assert session.reading(FILMS[0]) == changed
    assert session.save(FILMS[0], UNSURE).revision == 3, "not signed again, so free again"
    assert session.revisions(FILMS[0])[0].signed_utc is not None


def test_undo_and_redo_across_a_signature_need_a_reason(project: Project) -> None:
    session = Session(project, reader="A")
    session.save(FILMS[0], WHOLE)
    session.save(FILMS[1], WHOLE)
    session.sign(FILMS[1])
    with pytest.raises(UserError) as raised:
        session.undo()
    assert (code(raised), raised.value.facts["film"]) == (ErrorCode.SIGNED_NEEDS_REASON, FILMS[1][:12])
    assert session.can_undo
    assert session.answer(FILMS[1]) == WHOLE
    assert session.undo(reason="the wrong film") == FILMS[1]
    assert session.revisions(FILMS[1])[-1].reason == "the wrong film"
    assert session.undo() == FILMS[0], "this one was never signed"
    assert session.redo() == FILMS[0]
    session.sign(FILMS[0])
    assert session.redo() == FILMS[1], "the withdrawn revision was not signed"


def test_what_was_never_answered_cannot_be_signed(project: Project) -> None:
    session = Session(project, reader="A")
    session.save(FILMS[1], WHOLE)
    session.save(FILMS[1], None)
    for film in FILMS[:2]:
        with pytest.raises(UserError) as raised:
            session.sign(film)
        assert code(raised) is ErrorCode.NOTHING_TO_SIGN
    assert session.sign_all() == 0
    for film in FILMS[2:]:
        session.save(film, WHOLE)
    session.sign(FILMS[2])
    assert session.sign_all() == N - 3
    assert session.sign_all() == 0


def test_the_order_in_which_films_were_read(project: Project) -> None:
    session = Session(project, reader="A")
    for film in (FILMS[2], FILMS[0], FILMS[1], FILMS[2]):
        session.save(film, WHOLE if film != FILMS[2] else Answer(Verdict.UNSURE))
    assert session.order() == (FILMS[2], FILMS[0], FILMS[1])


def test_a_blinded_reader_sees_nothing_of_the_others(project: Project, tmp_path: Path) -> None:
    one, two = Session(project, reader="A"), Session(project, reader="B")
    one.save(FILMS[0], WHOLE)
    two.save(FILMS[0], BROKEN)
    assert phase(project) is ProjectPhase.BLINDED
    assert {f.reading.answer for f in list_films(project, reader="A") if f.reading} == {WHOLE}
    assert list_films(project, reader="C")[0].reading is None
    assert two.answer(FILMS[0]) == BROKEN
    assert [r.reader for r in one.revisions(FILMS[0])] == ["A"]
    for shows_others in (
        lambda: agreement(project),
        lambda: disagreements(project),
        lambda: intra_reader(project, reader="A"),
        lambda: adjudicate(project, FILMS[0], WHOLE, adjudicators=["A", "B"]),
        lambda: adjudicate_table(project, tmp_path / "no.csv", adjudicators=["A", "B"]),
        lambda: conflicts(project),
        lambda: statuses(project),
        lambda: export_readings(project, tmp_path / "all.csv"),
    ):
        with pytest.raises(UserError) as raised:
            shows_others()
        assert code(raised) is ErrorCode.STILL_BLINDED
    assert progress(project) == (ReaderProgress("A", 1, 1, 0, N), ReaderProgress("B", 1, 1, 0, N))
    assert conflicts(project, reader="A") == ()


def test_the_status_of_every_film_and_reader_after_the_blinded_phase(project: Project) -> None:
    one, two = Session(project, reader="A"), Session(project, reader="B")
    for answer in (UNSURE, BROKEN):
        one.save(FILMS[0], answer)
    one.save(FILMS[1], WHOLE)
    one.sign(FILMS[1])
    two.save(FILMS[0], WHOLE)
    two.save(FILMS[0], None)
    end_blinded_phase(project)
    adjudicate(project, FILMS[0], WHOLE, adjudicators=["A", "B"])
    fracture, signed = ReadingStatus(Verdict.FRACTURE, False), ReadingStatus(Verdict.NO_FRACTURE, True)
    assert statuses(project) == {"A": {FILMS[0]: fracture, FILMS[1]: signed}, "B": {}}
    assert statuses(project, round=2) == {"A": {}, "B": {}}


def test_the_blinded_phase_ends_for_ever(project: Project) -> None:
    end_blinded_phase(project, who="chief", why="both are done")
    end_blinded_phase(project)
    assert phase(project) is ProjectPhase.OPEN
    for change in ("UPDATE meta SET value = 'blinded' WHERE name = 'phase'", "DELETE FROM meta WHERE name = 'phase'"):
        with pytest.raises(IntegrityError, match="ends once"), project.writing() as connection:
            connection.exec_driver_sql(change)
    assert phase(project) is ProjectPhase.OPEN


def test_readers_are_compared_and_adjudicated(project: Project, tmp_path: Path) -> None:
    one, two = Session(project, reader="A"), Session(project, reader="B")
    end_blinded_phase(project)
    with pytest.raises(UserError) as raised:
        agreement(project)
    assert code(raised) is ErrorCode.READERS_TOO_FEW
    for film, mine, theirs in ((0, WHOLE, WHOLE), (1, BROKEN, BROKEN), (2, BROKEN, WHOLE)):
        one.save(FILMS[film], mine)
        two.save(FILMS[film], theirs)
    one.save(FILMS[3], WHOLE)
    (found,) = agreement(project)
    assert found.readers == ("A", "B")
    assert found.agreement.presence_films.n == 3
    assert found.agreement.presence_films.value == pytest.approx(0.4)
    (disputed,) = disagreements(project)
    assert (disputed.film_id, disputed.file_name, disputed.answers) == (FILMS[2], "film2.png", (BROKEN, WHOLE))
    assert disputed.disagreement.kinds == (DisagreementKind.VERDICT,)
    assert disputed.adjudicated is None
    assert standing(project, FILMS[2]) == Consensus(None, disagree=True)

    reading = adjudicate(project, FILMS[2], BROKEN, adjudicators=[" A", "B", "A"])
    assert (reading.adjudicators, reading.reader, reading.revision) == (("A", "B"), "consensus", 1)
    assert standing(project, FILMS[2]) == Consensus(BROKEN, disagree=False)
    assert disagreements(project, readers=["B", "A"])[0].adjudicated == BROKEN
    two.save(FILMS[2], UNSURE)
    assert standing(project, FILMS[2]) == Consensus(BROKEN, disagree=False), "agreed is agreed"
    with pytest.raises(UserError) as raised:
        adjudicate(project, FILMS[2], WHOLE, adjudicators=["A", "B"])
    assert code(raised) is ErrorCode.SIGNED_NEEDS_REASON
    adjudicate(project, FILMS[2], None, adjudicators=["A", "B"], why="the CT came")
    assert disagreements(project, readers=["B", "A"])[0].adjudicated is None
    assert standing(project, FILMS[2]).disagree
    assert [p.reader for p in progress(project)] == ["A", "B"]
    assert len(agreement(project)) == 1, "the consensus is no reader"

    write_disagreements(disagreements(project), tmp_path / "d.csv")
    lines = (tmp_path / "d.csv").read_text("utf-8").splitlines()
    assert lines[1] == f"{FILMS[2][:12]},film2.png,A,B,verdict,,fracture,unsure,"
    with pytest.raises(UserError) as raised:
        agreement(project, readers=["A", "Z"])
    assert code(raised) is ErrorCode.READER_UNKNOWN
    with pytest.raises(UserError) as raised:
        adjudicate(project, FILMS[0], WHOLE, adjudicators=[" "])
    assert code(raised) is ErrorCode.ADJUDICATORS_MISSING
    with pytest.raises(UserError) as raised:
        Session(project, reader="Consensus")
    assert code(raised) is ErrorCode.READER_NAME_RESERVED


def test_a_table_can_be_what_was_agreed(project: Project, tmp_path: Path) -> None:
    end_blinded_phase(project)
    table = tmp_path / "t.csv"
    table.write_text("file,verdict,x,y,width,height\nfilm0.png,fracture,10,20,30,40\nfilm1.png,unsure,,,,\n")
    summary = adjudicate_table(project, table, adjudicators=["A", "B"])
    assert (summary.saved, summary.unchanged, summary.problems) == (2, 0, ())
    table.write_text("file,verdict,x,y,width,height\nfilm0.png,fracture,10,20,30,40\nfilm1.png,no_fracture,,,,\n")
    summary = adjudicate_table(project, table, adjudicators=["A", "B"])
    assert (summary.saved, summary.unchanged) == (0, 1)
    assert [p.code for p in summary.problems] == [ErrorCode.SIGNED_NEEDS_REASON]
    assert standing(project, FILMS[0]).answer == BROKEN


def test_a_second_round_waits_for_the_wash_out_time_and_has_another_order(project: Project) -> None:
    session = Session(project, reader="A", clock=lambda: MARCH)
    with pytest.raises(UserError) as raised:
        start_second_round(project, reader="A", after_days=14, seed=1)
    assert code(raised) is ErrorCode.NOTHING_TO_READ_AGAIN
    for film in FILMS[:5]:
        session.save(film, WHOLE)
    session.save(FILMS[4], None)

    def after(days: float) -> datetime:
        return MARCH + timedelta(days=days)

    with pytest.raises(UserError) as raised:
        start_second_round(project, reader="A", after_days=14, seed=1, clock=lambda: after(13.99))
    assert (code(raised), raised.value.facts["until"]) == (ErrorCode.WASHOUT_NOT_OVER, "2026-03-15 12:00")
    assert second_round(project, reader="A") == ()
    films = start_second_round(project, reader="A", after_days=14, seed=1, clock=lambda: after(14))
    assert set(films) == set(FILMS[:4])
    assert list(films) != FILMS[:4]
    assert start_second_round(project, reader="A", after_days=99, seed=2) == films == second_round(project, reader="A")


@pytest.mark.parametrize("seed", range(8))
def test_the_order_of_a_second_round_is_never_the_first_one(tmp_path: Path, seed: int) -> None:
    with open_store(tmp_path / "P", create=True) as project:
        add_films(project, [new_film(i, tmp_path) for i in range(2)])
        for film in FILMS[:2]:
            Session(project, reader="A").save(film, WHOLE)
        assert start_second_round(project, reader="A", after_days=0, seed=seed) == (FILMS[1], FILMS[0])


def test_answers_of_the_second_round_are_kept_apart(project: Project) -> None:
    first = Session(project, reader="A", clock=lambda: MARCH)
    with pytest.raises(UserError) as raised:
        Session(project, reader="A", round=2).save(FILMS[0], WHOLE)
    assert code(raised) is ErrorCode.NOT_IN_SECOND_ROUND
    for film, answer in zip(FILMS, (BROKEN, BROKEN, WHOLE, WHOLE), strict=False):
        first.save(film, answer)
    start_second_round(project, reader="A", after_days=14, seed=1)
    second = Session(project, reader="A", round=2)
    with pytest.raises(UserError) as raised:
        second.save(FILMS[5], WHOLE)
    assert code(raised) is ErrorCode.NOT_IN_SECOND_ROUND
    assert second.answer(FILMS[0]) is None
    assert not second.can_undo
    for film, answer in zip(FILMS, (BROKEN, WHOLE, WHOLE, WHOLE), strict=False):
        second.save(film, answer)
    assert first.answer(FILMS[1]) == BROKEN
    assert (first.reading(FILMS[1]), second.reading(FILMS[1])) != (None, None)
    assert [f.reading.answer if f.reading else None for f in list_films(project, reader="A", round=2)][:2] == [
        BROKEN,
        WHOLE,
    ]
    assert second.undo() == FILMS[3]
    assert second.redo() == FILMS[3]
    assert first.undo() == FILMS[3]
    assert first.redo() == FILMS[3]
    assert standing(project, FILMS[1]) == Consensus(BROKEN, disagree=False), "the first round counts"
    assert [(p.round, p.answered, p.films) for p in progress(project)] == [(1, 4, N), (2, 4, 4)]
    end_blinded_phase(project)
    found = intra_reader(project, reader="A")
    assert found.readers == ("A", "A")
    assert found.agreement.presence_films.value == pytest.approx(0.5)
    assert [d.film_id for d in found.agreement.disagreements] == [FILMS[1]]
    with pytest.raises(UserError) as raised:
        intra_reader(project, reader="B")
    assert code(raised) is ErrorCode.READER_UNKNOWN


def test_only_the_first_round_makes_a_consensus() -> None:
    def reading(answer: Answer, round: int) -> Reading:
        return Reading(FILMS[0], "A", 1, answer, "2026-01-01T00:00:00.000000Z", round=round)

    assert consensus([reading(WHOLE, 1), reading(BROKEN, 2)]) == Consensus(WHOLE, disagree=False)
