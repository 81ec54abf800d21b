"""Answers of the program that were disputed: the list of a computer, the queue of a project, and what came of them."""

from __future__ import annotations

import csv
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hipcad_desktop.domain.anatomy import Side
from hipcad_desktop.domain.annotation import Answer, Verdict
from hipcad_desktop.domain.diagnosis import HipState
from hipcad_desktop.domain.dispute import Dispute
from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.read_first import OwnAnswer
from hipcad_desktop.workflows.adjudicate import adjudicate
from hipcad_desktop.workflows.annotate import Session
from hipcad_desktop.workflows.import_films import import_films
from hipcad_desktop.workflows.journal import append
from hipcad_desktop.workflows.open_project import Project, open_project
from hipcad_desktop.workflows.program_disputes import (
    COLUMNS,
    DISPUTES_NAME,
    KIND,
    disputes_in,
    keep_dispute,
    queue_file,
    review_queue,
    send_dispute,
    since_words,
    take_in,
    write_queue,
)
from hipcad_desktop.workflows.reader_study import end_blinded_phase
from hipcad_desktop.workflows.utc import stamp
from tests.fakes.diagnose_bench import film_hash
from tests.fakes.project_films import middle, write_films


@pytest.fixture
def films(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    monkeypatch.setattr("hipcad_desktop.workflows.import_films.look", middle)
    folder = tmp_path / "films"
    write_films(folder, 3)
    return sorted(p for p in folder.rglob("*") if p.is_file())


def disputed(film: Path, **changes: object) -> Dispute:
    dispute = Dispute(
        film_id=film_hash(str(film)),
        model_sha256="m" * 64,
        model_name="one",
        side=Side.RIGHT,
        program=HipState.NO_FRACTURE,
        p_fracture=0.1,
        reader="A",
        own=OwnAnswer.FRACTURE,
        at_utc=stamp(),
    )
    return replace(dispute, **changes)  # type: ignore[arg-type]


def opened(project: Project) -> Project:
    end_blinded_phase(project, who="A")
    return project


def test_a_list_keeps_each_once(tmp_path: Path, films: list[Path]) -> None:
    path = tmp_path / "own" / DISPUTES_NAME
    one = disputed(films[0])
    assert keep_dispute(one, path)
    assert not keep_dispute(replace(one, at_utc="2027-01-01T00:00:00Z"), path)  # said twice
    assert keep_dispute(replace(one, own=OwnAnswer.UNSURE), path)
    assert [d.own for d in disputes_in(path)] == [OwnAnswer.FRACTURE, OwnAnswer.UNSURE]
    assert disputes_in(tmp_path / "none.jsonl") == ()


def test_who_says_the_same_does_not_dispute(films: list[Path]) -> None:
    with pytest.raises(ValueError, match="both say the same"):
        disputed(films[0], own=OwnAnswer.NO_FRACTURE)
    with pytest.raises(ValueError, match="both say the same"):
        disputed(films[0], program=HipState.DOUBT, own=OwnAnswer.UNSURE)


def test_a_sent_film_is_imported_where_it_is_not_there(tmp_path: Path, films: list[Path]) -> None:
    with open_project(tmp_path / "P", create=True) as project:
        import_films(project, films[:1])
        assert send_dispute(project, disputed(films[0])) == (True, False)
        assert send_dispute(project, disputed(films[1]), file=films[1]) == (True, True)
        assert send_dispute(project, disputed(films[1]), file=films[1]) == (False, False)
        for file in (None, films[1]):  # no file, or another film's
            with pytest.raises(UserError) as raised:
                send_dispute(project, disputed(films[2]), file=file)
            assert raised.value.code is ErrorCode.DISPUTED_FILM_MISSING
        with pytest.raises(UserError, match="still_blinded"):
            review_queue(project)
        queue = review_queue(opened(project))
        assert [(q.file_name, q.open) for q in queue] == [(films[0].name, True), (films[1].name, True)]


def test_what_came_of_it(tmp_path: Path, films: list[Path]) -> None:
    past = datetime.now(UTC) - timedelta(days=1)
    with open_project(tmp_path / "P", create=True) as project:
        import_films(project, films)
        ids = [film_hash(str(f)) for f in films]
        Session(project, reader="A", clock=lambda: past).save(ids[0], Answer(Verdict.NO_FRACTURE))
        for film in films:
            send_dispute(project, disputed(film))
        later = datetime.now(UTC) + timedelta(minutes=1)
        Session(project, reader="B", clock=lambda: later).save(ids[1], Answer(Verdict.UNSURE))
        Session(project, reader="B", clock=lambda: later).save(ids[2], Answer(Verdict.UNSURE))
        opened(project)
        adjudicate(project, ids[2], Answer(Verdict.NO_FRACTURE), adjudicators=["A", "B"])
        queue = review_queue(project)
        said = {q.dispute.film_id: since_words(q) for q in queue}
        assert said == {ids[0]: "open", ids[1]: "read again by B: unsure", ids[2]: "agreed: no fracture"}
        assert queue[0].dispute.film_id == ids[0]  # the open ones first
        assert write_queue(queue, tmp_path / "queue.csv") == 3
    with (tmp_path / "queue.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == COLUMNS
    assert (rows[0]["program"], rows[0]["says"], rows[0]["since"]) == ("no_fracture", "fracture", "open")


def test_a_list_is_taken_in_later(tmp_path: Path, films: list[Path]) -> None:
    local = tmp_path / DISPUTES_NAME
    for film in films:
        keep_dispute(disputed(film), local)
    before = local.read_bytes()
    with open_project(tmp_path / "P", create=True) as project:
        import_films(project, films[:1])
        taken = take_in(project, local)
        assert (taken.added, taken.already, taken.waiting, taken.films_added) == (1, 0, 2, 0)
        taken = take_in(project, local, files=[films[1]])
        assert (taken.added, taken.already, taken.waiting, taken.films_added) == (1, 1, 1, 1)
        assert len(disputes_in(queue_file(project))) == 2
    assert local.read_bytes() == before


def test_a_damaged_queue_is_said(tmp_path: Path) -> None:
    append(tmp_path / "q.jsonl", KIND, {"film_id": "f"})
    with pytest.raises(UserError) as raised:
        disputes_in(tmp_path / "q.jsonl")
    assert raised.value.code is ErrorCode.JOURNAL_BROKEN
