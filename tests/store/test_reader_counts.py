"""Progress of every reader as counts."""

from __future__ import annotations

from pathlib import Path

from hipcad_desktop.domain.annotation import Answer, Verdict
from hipcad_desktop.store.films import add_films
from hipcad_desktop.store.reader_counts import read_films
from hipcad_desktop.store.readings import Author, save_answers
from hipcad_desktop.workflows.open_project import open_project
from tests.fakes.project_films import new_film

UTC = "2026-01-01T00:00:00Z"


def test_answers_count_once_a_film_and_withdrawn_ones_do_not(tmp_path: Path) -> None:
    films = [new_film(n, tmp_path) for n in range(3)]
    ids = [f.radiograph.film_id for f in films]
    unsure, no = Answer(Verdict.UNSURE), Answer(Verdict.NO_FRACTURE)
    with open_project(tmp_path / "P", create=True) as project:
        assert read_films(project) == []
        add_films(project, films)
        save_answers(project, [(ids[0], unsure), (ids[0], no), (ids[1], no)], author=Author("A"), created_utc=UTC)
        save_answers(project, [(ids[0], no), (ids[0], None)], author=Author("B"), created_utc=UTC)
        save_answers(project, [(ids[2], no)], author=Author("A", round=2), created_utc=UTC)
        save_answers(project, [(ids[2], no)], author=Author("consensus", 1, ("A", "B")), created_utc=UTC)
        assert read_films(project) == [("A", 2), ("B", 0)]
        assert read_films(project, round=2) == [("A", 1), ("B", 0)]
