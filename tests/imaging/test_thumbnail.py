"""Thumbnails: small, upright, of the right film, whole or absent, and bounded on the disk."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.radiograph import FilmId
from hipcad_desktop.imaging.thumbnail import SIDE_PX, ThumbnailCache, make_thumbnail
from tests.fakes.dicom_files import dicom_file, film_array

ID = FilmId("ab" * 32)


def film_id(path: Path) -> FilmId:
    return FilmId(hashlib.sha256(path.read_bytes()).hexdigest())


def opened(jpeg: bytes) -> Image.Image:
    return Image.open(io.BytesIO(jpeg))


@pytest.mark.parametrize("name", ["film.jpg", "film.png"])
def test_a_thumbnail_shows_the_film_at_its_shape(tmp_path: Path, name: str) -> None:
    pixels = np.zeros((900, 1200), np.uint8)
    pixels[:, 600:] = 200
    Image.fromarray(pixels).save(tmp_path / name)
    small = opened(make_thumbnail(tmp_path / name, film_id(tmp_path / name)))
    assert (small.mode, small.size) == ("L", (SIDE_PX, SIDE_PX * 3 // 4))
    values = np.asarray(small)
    assert values[:, :70].max() < 20
    assert values[:, 90:].min() > 180


def test_a_photograph_that_lies_on_its_side_is_turned_like_the_film(tmp_path: Path) -> None:
    path = tmp_path / "film.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees
    Image.fromarray(np.zeros((400, 800), np.uint8)).save(path, exif=exif)
    assert opened(make_thumbnail(path, film_id(path))).size == (SIDE_PX // 2, SIDE_PX)


def test_a_dicom_film_has_one_too(tmp_path: Path) -> None:
    path = dicom_file(tmp_path / "film.dcm", film_array(320, 640))
    assert opened(make_thumbnail(path, film_id(path))).size == (SIDE_PX, SIDE_PX // 2)


@pytest.mark.parametrize("name", ["film.jpg", "film.png"])
def test_another_films_bytes_give_none(tmp_path: Path, name: str) -> None:
    Image.fromarray(np.zeros((40, 50), np.uint8)).save(tmp_path / name)
    with pytest.raises(UserError) as raised:
        make_thumbnail(tmp_path / name, ID)
    assert raised.value.code is ErrorCode.FILM_CHANGED


@pytest.mark.parametrize("content", [b"", b"\xff\xd8\xff\xe0" + bytes(50)])
def test_a_damaged_jpeg_is_told_by_the_reader(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "film.jpg"
    path.write_bytes(content)
    with pytest.raises(UserError) as raised:
        make_thumbnail(path, film_id(path))
    assert raised.value.code in (ErrorCode.NOT_A_FILM, ErrorCode.FILM_DAMAGED)


def test_the_cache_gives_back_what_is_whole_and_nothing_else(tmp_path: Path) -> None:
    cache = ThumbnailCache(tmp_path, spare_bytes=0)
    assert cache.load(ID) is None
    cache.save(ID, b"picture")
    assert (cache.load(ID), cache.holds(ID)) == (b"picture", True)
    (path,) = [p for p in tmp_path.rglob("*") if p.is_file()]
    whole = path.read_bytes()
    for damage in (whole[:-1], whole + b"x", b"", whole.replace(b"pic", b"pik")):
        path.write_bytes(damage)
        assert cache.load(ID) is None
    other = FilmId("ab" * 31 + "cd")
    path.write_bytes(whole)
    path.rename(path.with_name(path.name.replace(ID, other)))
    assert cache.load(other) is None  # whole, but another film's


def test_the_cache_stays_within_its_limit_and_spares_a_full_disk(tmp_path: Path) -> None:
    cache = ThumbnailCache(tmp_path, limit_bytes=500, spare_bytes=0)
    for number in range(10):
        cache.save(FilmId(f"{number:064x}"), bytes(100))
    assert cache.trim() <= 500
    assert 0 < len([p for p in tmp_path.rglob("*") if p.is_file()]) < 10
    ThumbnailCache(tmp_path / "full", spare_bytes=2**62).save(ID, b"picture")
    assert not [p for p in (tmp_path / "full").rglob("*") if p.is_file()]


def test_a_cache_that_cannot_be_written_is_no_failure(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    ThumbnailCache(tmp_path / "file", spare_bytes=0).save(ID, b"picture")
    assert ThumbnailCache(tmp_path / "file").load(ID) is None
