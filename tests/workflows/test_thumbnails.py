"""A film's thumbnail: made once, made again where it is damaged, from whichever place still holds the film."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from hipcad_desktop.domain.radiograph import FilmId
from hipcad_desktop.workflows.thumbnails import CACHE_FOLDER, thumbnail, thumbnails_of
from tests.fakes.project_films import write_film


def test_it_is_made_once_and_again_where_it_is_damaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from hipcad_desktop.workflows import thumbnails

    path, made, make = write_film(tmp_path / "film.png", 1), [], thumbnails.make_thumbnail
    film_id = FilmId(hashlib.sha256(path.read_bytes()).hexdigest())
    monkeypatch.setattr(thumbnails, "make_thumbnail", lambda p, i: made.append(p) or make(p, i))
    cache = thumbnails_of(tmp_path)
    first = thumbnail(cache, tmp_path, film_id, path)
    assert first is not None
    assert thumbnail(cache, tmp_path, film_id, path) == first
    assert made == [path]
    (kept,) = (tmp_path / CACHE_FOLDER).rglob("*.thumb")
    kept.write_bytes(kept.read_bytes()[:-5])
    assert thumbnail(cache, tmp_path, film_id, path) == first
    assert made == [path, path]


def test_the_projects_copy_stands_in_for_a_film_that_was_moved_or_changed(tmp_path: Path) -> None:
    path = write_film(tmp_path / "film.png", 1)
    film_id = FilmId(hashlib.sha256(path.read_bytes()).hexdigest())
    (tmp_path / "films").mkdir()
    (tmp_path / "films" / f"{film_id}.png").write_bytes(path.read_bytes())
    write_film(path, 2)
    assert thumbnail(thumbnails_of(tmp_path), tmp_path, film_id, path) is not None
    assert thumbnail(thumbnails_of(tmp_path), tmp_path, FilmId("0" * 64), tmp_path / "gone.png") is None
