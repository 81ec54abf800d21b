"""Importing films: nothing twice, one bad file stops nothing, cancelling keeps what is there."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.progress import Watch
from hipcad_desktop.store.films import files_of
from hipcad_desktop.store.project_store import Project
from hipcad_desktop.workflows.import_films import import_films
from hipcad_desktop.workflows.load_film import picture_from
from hipcad_desktop.workflows.open_project import list_films, open_project
from tests.fakes.dicom_files import dicom_file
from tests.fakes.project_films import midline_in_the_middle, write_film, write_films

pytestmark = pytest.mark.usefixtures("midline_in_the_middle")
__all__ = ["midline_in_the_middle"]


@pytest.fixture
def project(tmp_path: Path):  # type: ignore[no-untyped-def]
    with open_project(tmp_path / "P", create=True) as opened:
        yield opened


class Stop(Watch):
    """Stops after some steps."""

    def __init__(self, after: int) -> None:
        self.after = after
        self.steps: list[tuple[str, int, int]] = []

    def step(self, stage: str, done: int, total: int, **facts: Any) -> None:
        self.steps.append((stage, done, total))

    def cancelled(self) -> bool:
        return len(self.steps) >= self.after


def test_importing_twice_changes_nothing(project: Project, tmp_path: Path) -> None:
    write_films(tmp_path / "films", 5)
    first = import_films(project, [tmp_path / "films"])
    assert (first.imported, first.already, first.refused, first.without_patient) == (5, 0, (), 5)
    before = list_films(project, reader="A")
    second = import_films(project, [tmp_path / "films"])
    assert (second.imported, second.already, second.refused, second.without_patient) == (0, 5, (), 0)
    for path in (tmp_path / "films").iterdir():
        os.utime(path, (1, 1))  # touched, not changed
    assert import_films(project, [tmp_path / "films"]).already == 5
    assert list_films(project, reader="A") == before


def test_the_same_bytes_under_two_names_are_one_film(project: Project, tmp_path: Path) -> None:
    write_film(tmp_path / "films" / "a.png", 1)
    write_film(tmp_path / "films" / "b.png", 1)
    summary = import_films(project, [tmp_path / "films"])
    assert (summary.imported, summary.already, summary.without_patient) == (1, 1, 1)
    assert [f.file_name for f in list_films(project, reader="A")] == ["a.png"]


def test_one_bad_file_stops_nothing_and_is_named(project: Project, tmp_path: Path) -> None:
    films = write_films(tmp_path / "films", 4)
    (tmp_path / "films" / "film1.jpg").write_text("a text file named .jpg")
    films[2].write_bytes(films[2].read_bytes()[:300])
    absent = tmp_path / "absent.png"
    os.mkfifo(tmp_path / "pipe.png")
    summary = import_films(project, [tmp_path / "films", absent, tmp_path / "pipe.png"])
    assert summary.imported == 3
    assert {(Path(p).name, e.code) for p, e in summary.refused} == {
        ("film1.jpg", ErrorCode.NOT_A_FILM),
        ("film2.png", ErrorCode.FILM_DAMAGED),
        ("absent.png", ErrorCode.FILE_MISSING),
        ("pipe.png", ErrorCode.NOT_A_REGULAR_FILE),
    }
    assert all(Path(e.facts["path"]).name == Path(p).name for p, e in summary.refused)
    assert [f.file_name for f in list_films(project, reader="A")] == ["film0.png", "film1.png", "film3.png"]


def test_a_bug_met_in_one_film_is_that_films_problem(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hipcad_desktop.workflows import import_films as module

    look = module.look

    def stumble(film: Any) -> Any:
        if film.eight_bit[0, 0] == odd:
            raise ZeroDivisionError
        return look(film)

    paths = write_films(tmp_path / "films", 3)
    from PIL import Image

    odd = int(np.asarray(Image.open(paths[1]))[0, 0])
    monkeypatch.setattr(module, "look", stumble)
    summary = import_films(project, [tmp_path / "films"])
    assert summary.imported == 2
    assert [(p, e.code) for p, e in summary.refused] == [(str(paths[1]), ErrorCode.FILM_DAMAGED)]


def test_an_empty_folder_is_said_to_be_empty(project: Project, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError) as raised:
        import_films(project, [tmp_path / "empty"])
    assert (raised.value.code, raised.value.facts) == (ErrorCode.NO_FILMS_FOUND, {"path": str(tmp_path / "empty")})


def test_cancelling_keeps_what_was_imported(project: Project, tmp_path: Path) -> None:
    write_films(tmp_path / "films", 9)
    watch = Stop(after=4)
    with pytest.raises(UserError) as raised:
        import_films(project, [tmp_path / "films"], watch=watch)
    assert raised.value.code is ErrorCode.CANCELLED
    assert watch.steps == [("import", i, 9) for i in range(1, 5)]
    assert [f.file_name for f in list_films(project, reader="A")] == [f"film{i}.png" for i in range(4)]
    assert import_films(project, [tmp_path / "films"]).imported == 5


def test_copied_films_live_on_without_their_source(project: Project, tmp_path: Path) -> None:
    path = write_film(tmp_path / "films" / "a.png", 1)
    import_films(project, [path], copy=True)
    film = list_films(project, reader="A")[0]
    assert (film.file_name, film.path) == ("a.png", str(path))
    copies = list((project.path / "films").iterdir())
    assert [c.name for c in copies] == [f"{film.film_id}.png"]
    assert copies[0].stat().st_mode & 0o222 == 0
    path.unlink()
    assert picture_from(files_of(project, film.film_id), film.film_id).eight_bit.size


def test_a_film_that_is_there_already_is_copied_when_asked(project: Project, tmp_path: Path) -> None:
    path = write_film(tmp_path / "a.png", 1)
    import_films(project, [path])
    assert import_films(project, [path], copy=True).already == 1
    path.unlink()
    film = list_films(project, reader="A")[0]
    assert picture_from(files_of(project, film.film_id), film.film_id).eight_bit.size


def test_the_header_or_the_table_says_whose_films_they_are(project: Project, tmp_path: Path) -> None:
    folder = tmp_path / "films"
    folder.mkdir()
    pixels = np.random.default_rng(0).integers(0, 4000, (64, 80), dtype=np.uint16)
    for i in range(2):
        dicom_file(folder / f"d{i}.dcm", pixels + i, PatientID="42", IssuerOfPatientID="Hospital")
    write_films(folder, 3)
    table = tmp_path / "patients.csv"
    table.write_text("file,patient\nfilm0.png,Yamada\nfilms/film1.png,Yamada\nd0.dcm,Somebody\nabsent.png,X\n")
    summary = import_films(project, [folder], patients=table)
    assert (summary.imported, summary.without_patient) == (5, 1)
    patients = {f.file_name: f.patient for f in list_films(project, reader="A")}
    assert patients["d0.dcm"] == patients["d1.dcm"]
    assert patients["film0.png"] == patients["film1.png"]
    assert len(set(patients.values())) == 3


def test_a_table_given_later_names_patients_of_films_that_are_there(project: Project, tmp_path: Path) -> None:
    write_films(tmp_path / "films", 3)
    import_films(project, [tmp_path / "films"])
    table = tmp_path / "patients.csv"
    table.write_text("file,patient\nfilm0.png,A\nfilm2.png,A\n")
    for _ in range(2):
        import_films(project, [tmp_path / "films"], patients=table)
        assert [f.patient for f in list_films(project, reader="A")] == ["P0001", "P0002", "P0001"]
    write_film(tmp_path / "films" / "film9.png", 9)
    import_films(project, [tmp_path / "films"])
    assert list_films(project, reader="A")[-1].patient == "P0004", "a code is never given to another patient"


@pytest.mark.parametrize(
    ("content", "detail"),
    [
        ("file;patient\n", "the columns have to be separated by commas"),
        ("file,who\n", "no column patient"),
        ("file,patient\nfilm0.png,\n", "line 2 needs a file and a patient"),
        ("file,patient\nfilm0.png,A\nfilm0.png,B\n", "line 3 gives a film a second patient"),
        ("file,patient\nsame.png,A\n", "line 2: 2 films can be meant by this file; name more of its folders"),
    ],
)
def test_a_bad_table_of_patients_is_refused_before_anything_is_imported(
    project: Project, tmp_path: Path, content: str, detail: str
) -> None:
    write_films(tmp_path / "films", 1)
    write_film(tmp_path / "films" / "x" / "same.png", 5)
    write_film(tmp_path / "films" / "y" / "same.png", 6)
    table = tmp_path / "patients.csv"
    table.write_text(content)
    with pytest.raises(UserError) as raised:
        import_films(project, [tmp_path / "films"], patients=table)
    assert raised.value.code is ErrorCode.PATIENTS_FILE_BAD
    assert raised.value.facts["detail"] == detail
    assert list_films(project, reader="A") == []


def test_the_same_film_under_two_patients_is_imported_and_said(project: Project, tmp_path: Path) -> None:
    write_film(tmp_path / "films" / "a.png", 1)
    write_film(tmp_path / "films" / "b.png", 1, comment="other bytes, same pixels")
    summary = import_films(project, [tmp_path / "films"])
    assert summary.imported == 2
    assert summary.duplicates == (f"{tmp_path / 'films' / 'a.png'} = {tmp_path / 'films' / 'b.png'}",)
