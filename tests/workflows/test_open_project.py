"""A project from the outside: opened, listed, and film by film read back."""

from __future__ import annotations

from pathlib import Path

import pytest

from hipcad_desktop.domain.annotation import Answer, Verdict
from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.radiograph import FilmId
from hipcad_desktop.store.films import files_of
from hipcad_desktop.workflows.annotate import Session
from hipcad_desktop.workflows.import_films import import_films
from hipcad_desktop.workflows.load_film import load_film_file, picture_from
from hipcad_desktop.workflows.open_project import list_films, open_project
from tests.fakes.project_films import HEIGHT, WIDTH, midline_in_the_middle, write_film, write_films

pytestmark = pytest.mark.usefixtures("midline_in_the_middle")
__all__ = ["midline_in_the_middle"]


def test_the_worklist_has_every_film_in_order_with_the_readers_own_reading(tmp_path: Path) -> None:
    paths = write_films(tmp_path / "films", 3)
    with open_project(tmp_path / "P", create=True) as project:
        assert list_films(project, reader="A") == []
        import_films(project, [tmp_path / "films"])
        films = list_films(project, reader="A")
        assert [f.file_name for f in films] == ["film0.png", "film1.png", "film2.png"]
        assert [f.path for f in films] == [str(p) for p in paths]
        assert [f.patient for f in films] == ["P0001", "P0002", "P0003"]
        assert {(f.width, f.height, f.kind, f.midline_px, f.reading) for f in films} == {
            (WIDTH, HEIGHT, "PNG", WIDTH / 2, None)
        }
        reading = Session(project, reader="A").save(films[1].film_id, Answer(Verdict.UNSURE))
        assert [f.reading for f in list_films(project, reader="A")] == [None, reading, None]
        assert [f.reading for f in list_films(project, reader="B")] == [None, None, None]


def test_a_film_is_loaded_with_the_bytes_that_were_imported(tmp_path: Path) -> None:
    path = write_film(tmp_path / "a.png", 1)
    with open_project(tmp_path / "P", create=True) as project:
        import_films(project, [path])
        film_id = list_films(project, reader="A")[0].film_id
        paths = files_of(project, film_id)
        assert (picture_from(paths, film_id).eight_bit == load_film_file(path).eight_bit).all()
        for content, code in (
            (write_film(tmp_path / "b.png", 2).read_bytes(), ErrorCode.FILM_CHANGED),
            (b"no film", ErrorCode.FILM_CHANGED),
        ):
            path.write_bytes(content)
            with pytest.raises(UserError) as raised:
                picture_from(paths, film_id)
            assert (raised.value.code, raised.value.facts["path"]) == (code, str(path))
        path.unlink()
        with pytest.raises(UserError) as raised:
            picture_from(paths, film_id)
        assert raised.value.code is ErrorCode.FILE_MISSING
        with pytest.raises(KeyError):
            files_of(project, FilmId("0" * 64))


def test_a_film_is_found_at_any_place_it_was_seen_at(tmp_path: Path) -> None:
    path = write_film(tmp_path / "a.png", 1)
    moved = tmp_path / "moved" / "b.png"
    with open_project(tmp_path / "P", create=True) as project:
        import_films(project, [path])
        moved.parent.mkdir()
        path.rename(moved)
        summary = import_films(project, [moved])
        assert (summary.imported, summary.already) == (0, 1)
        film_id = list_films(project, reader="A")[0].film_id
        assert files_of(project, film_id) == [path, moved]
        assert (picture_from([path, moved], film_id).eight_bit == load_film_file(moved).eight_bit).all()
