"""Kept hip images are used only whole, of the same film, window and making; the folder stays within its limit."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipcad_desktop.domain.geometry import Window
from hipcad_desktop.domain.radiograph import FilmId, Mapping8
from hipcad_desktop.imaging import hip_cache
from hipcad_desktop.imaging.hip_cache import FilmHips, HipCache

A, B = FilmId("a" * 64), FilmId("b" * 64)
WINDOWS = (Window(0.0, 1 / 3), Window(2.5, 7.125))
HIPS = FilmHips(Mapping8("percentile/v1", 1.5, 4000.25, True), WINDOWS, (b"\x89PNG one\n", b"two" * 100))


def file_of(folder: Path) -> Path:
    return next(p for p in folder.rglob("*") if p.is_file())


def test_what_was_kept_comes_back(tmp_path: Path) -> None:
    cache = HipCache(tmp_path / "P" / "cache", spare_bytes=0)
    assert cache.load(A, WINDOWS) is None
    cache.save(A, HIPS)
    assert cache.load(A, WINDOWS) == HIPS
    assert HipCache(tmp_path / "P" / "cache").load(A, WINDOWS[1:]) == FilmHips(
        HIPS.mapping, WINDOWS[1:], HIPS.images[1:]
    )
    assert cache.load(A, (*WINDOWS, Window(0.0, 1.0))) is None
    assert cache.load(B, WINDOWS) is None


SQUARES = (Window(-3.5, 96.25, -20.0, 79.75), Window(101.0, 200.75, 1.5, 101.25))
HEADS = ((40.125, 1 / 3), (150.0, 22.5))


def test_squares_come_back_with_the_heads_whatever_strips_are_asked_for(tmp_path: Path) -> None:
    cache = HipCache(tmp_path, spare_bytes=0)
    images = (*HIPS.images, b"left", b"right")
    cache.save(A, FilmHips(HIPS.mapping, (*WINDOWS, *SQUARES), images, HEADS))
    kept = cache.load(A, WINDOWS[1:])
    assert kept == FilmHips(HIPS.mapping, (WINDOWS[1], *SQUARES), images[1:], HEADS)
    assert kept is not None
    assert kept.of(SQUARES[1]) == b"right"
    assert cache.load(A, SQUARES) == FilmHips(HIPS.mapping, SQUARES, images[2:], HEADS)
    assert cache.load(A, (Window(0.0, 1.0, 0.0, 1.0),)) is None


def test_another_finder_finds_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    HipCache(tmp_path, spare_bytes=0).save(A, HIPS)
    assert HipCache(tmp_path).load(A, WINDOWS) == HIPS
    fitted = tmp_path / "package"
    fitted.mkdir()
    (fitted / "finder.onnx").write_bytes(b"other weights")
    monkeypatch.setattr(hip_cache, "files", lambda name: fitted)
    assert HipCache(tmp_path).load(A, WINDOWS) is None


@given(at=st.floats(0, 0.9999), flip=st.integers(1, 255))
def test_any_changed_byte_is_found(tmp_path_factory: pytest.TempPathFactory, at: float, flip: int) -> None:
    folder = tmp_path_factory.mktemp("cache")
    cache = HipCache(folder, spare_bytes=0)
    cache.save(A, HIPS)
    path = file_of(folder)
    data = bytearray(path.read_bytes())
    data[int(at * len(data))] ^= flip
    path.write_bytes(data)
    assert cache.load(A, WINDOWS) is None
    path.write_bytes(bytes(data[: int(at * len(data))]))
    assert cache.load(A, WINDOWS) is None


def test_another_film_or_version_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = HipCache(tmp_path, spare_bytes=0)
    cache.save(A, HIPS)
    other = tmp_path / "bb" / f"{B}.hips"
    other.parent.mkdir()
    file_of(tmp_path / "aa").rename(other)
    assert cache.load(B, WINDOWS) is None
    cache.save(A, HIPS)
    monkeypatch.setattr(hip_cache, "RENDERING", 2)
    assert HipCache(tmp_path).load(A, WINDOWS) is None


def test_the_least_used_goes_first(tmp_path: Path) -> None:
    films = [FilmId(f"{i:x}" * 64) for i in range(4)]
    cache = HipCache(tmp_path, limit_bytes=0, spare_bytes=0)
    for i, film in enumerate(films):
        cache.save(film, HIPS)
        path = tmp_path / film[:2] / f"{film}.hips"
        os.utime(path, (1000 + i, 1000 + i))
    size = path.stat().st_size
    assert cache.load(films[0], WINDOWS) is not None
    assert HipCache(tmp_path, limit_bytes=2 * size).trim() == 2 * size
    assert [cache.load(f, WINDOWS) is not None for f in films] == [True, False, False, True]
    assert cache.trim() == 0


def test_a_disk_that_refuses_costs_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    cache = HipCache(tmp_path / "file", spare_bytes=0)
    cache.save(A, HIPS)
    assert cache.load(A, WINDOWS) is None
    assert cache.trim() == 0
    full = HipCache(tmp_path / "cache", spare_bytes=1 << 62)
    full.save(A, HIPS)
    assert full.load(A, WINDOWS) is None
    assert not [p for p in (tmp_path / "cache").rglob("*") if p.is_file()]
