"""The decoder's work: the same film that everything else reads, a first look before it, and pixels kept for later."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import numpy as np
import pydicom.uid as uid
import pytest
from PIL import Image

from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.radiograph import FilmId
from hipcad_desktop.imaging.reader import read_film
from hipcad_desktop.workflows import decode_film
from hipcad_desktop.workflows.decode_film import decode, keep
from hipcad_desktop.workflows.view_film import Question, open_preview, open_shown
from tests.fakes.dicom_files import dicom_file, film_array


def film_id_of(path: Path) -> FilmId:
    return FilmId(hashlib.sha256(path.read_bytes()).hexdigest())


def question(path: Path, tmp_path: Path, *, kept: bool = False) -> Question:
    exchange = tmp_path / "exchange"
    exchange.mkdir(exist_ok=True)
    folder = str(tmp_path / "kept") if kept else None
    return Question((str(path),), film_id_of(path) if path.exists() else FilmId("0" * 64), str(exchange), folder, True)


def films(folder: Path) -> list[Path]:
    array, eight = film_array(900, 1400), film_array(700, 1300, bits=8)
    Image.fromarray(eight).save(folder / "a.jpg", quality=95)
    Image.fromarray(array).save(folder / "b.png")
    patient = {"PatientName": "Doe^Jane", "PatientID": "77", "WindowCenter": 900, "WindowWidth": 500}
    dicom_file(folder / "c.dcm", array, bits_stored=12, **patient)
    dicom_file(folder / "d.dcm", array, bits_stored=12, photometric="MONOCHROME1", PatientOrientation=["P", "F"])
    dicom_file(folder / "e.dcm", array, bits_stored=12, syntax=uid.JPEG2000Lossless)
    dicom_file(folder / "f.dcm", eight, syntax=uid.JPEGLSLossless)
    dicom_file(folder / "g.dcm", array, bits_stored=12, RescaleSlope="0.5", RescaleIntercept="3")
    return sorted(folder.iterdir())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "films"
    made.mkdir()
    return made


def test_the_film_is_the_one_that_export_and_diagnosis_read(folder: Path, tmp_path: Path) -> None:
    for path in films(folder):
        plain = read_film(path)
        decoded = decode(question(path, tmp_path), tell_preview=lambda file: None)
        shown = open_shown(decoded.path, said=decoded.said)
        assert shown.film.radiograph == plain.radiograph
        assert shown.film.patient == plain.patient
        assert shown.film.values.dtype == plain.values.dtype
        assert (shown.film.values == plain.values).all()
        assert (shown.film.eight_bit == plain.eight_bit).all()


def test_a_first_look_comes_before_and_looks_alike(folder: Path, tmp_path: Path) -> None:
    for path in films(folder):
        looks: list[Path] = []
        decoded = decode(question(path, tmp_path), tell_preview=looks.append)
        assert len(looks) == 1
        look, shown = open_preview(looks[0]), open_shown(decoded.path, said=decoded.said)
        assert look.size == shown.film.radiograph.size
        full = shown.levels[0].astype(np.float64)
        step = 2**look.halvings
        rows, columns = (min(a, b // step) for a, b in zip(look.levels[0].shape, full.shape, strict=True))
        means = full[: rows * step, : columns * step].reshape(rows, step, columns, step).mean(axis=(1, 3))
        seen = look.levels[0][:rows, :columns].astype(np.float64)
        assert np.corrcoef(seen.ravel(), means.ravel())[0, 1] > 0.98
        if look.exact:
            assert np.abs(seen - means).max() <= 1.0


def test_whose_film_it_is_is_in_no_file(folder: Path, tmp_path: Path) -> None:
    films(folder)
    decoded = decode(question(folder / "c.dcm", tmp_path, kept=True))
    assert decoded.said["patient"]["name"] == "Doe^Jane"
    assert b"Doe" not in decoded.path.read_bytes()
    assert decoded.said["windows"][0]["low"] == 650.0


def test_other_bytes_are_another_film(folder: Path, tmp_path: Path) -> None:
    path = dicom_file(folder / "c.dcm", film_array())
    asked = question(path, tmp_path)
    path.write_bytes(path.read_bytes() + b"\0\0")
    with pytest.raises(UserError) as caught:
        decode(asked)
    assert caught.value.code is ErrorCode.FILM_CHANGED
    path.write_bytes(b"no film")
    with pytest.raises(UserError) as caught:
        decode(asked)
    assert caught.value.code is ErrorCode.FILM_CHANGED
    path.unlink()
    with pytest.raises(UserError) as caught:
        decode(asked)
    assert caught.value.code is ErrorCode.FILE_MISSING


def test_the_second_place_of_a_film_does(folder: Path, tmp_path: Path) -> None:
    path = dicom_file(folder / "c.dcm", film_array())
    asked = question(path, tmp_path)
    both = Question((str(folder / "gone.dcm"), str(path)), asked.film_id, asked.exchange)
    assert decode(both).path.exists()


def test_a_damaged_film_says_so(folder: Path, tmp_path: Path) -> None:
    path = dicom_file(folder / "e.dcm", film_array(), bits_stored=12, syntax=uid.JPEG2000Lossless)
    content = bytearray(path.read_bytes())
    content[-200:] = bytes(200)
    path.write_bytes(content)
    with pytest.raises(UserError) as caught:
        decode(question(path, tmp_path), tell_preview=lambda file: None)
    assert caught.value.code is ErrorCode.FILM_DAMAGED


def test_pixels_kept_are_used_while_the_file_is_the_same(folder: Path, tmp_path: Path) -> None:
    path = dicom_file(folder / "c.dcm", film_array(), PatientName="Doe^Jane", WindowCenter=900, WindowWidth=500)
    asked = question(path, tmp_path, kept=True)
    first = decode(asked)
    assert asked.film_id is not None
    with first.path.open("rb") as pixels:
        keep(pixels, tmp_path / "kept", asked.film_id)
    again = decode(asked)
    assert again.is_kept
    assert again.path.parent == tmp_path / "kept"
    assert again.said == first.said
    before = open_shown(first.path, said=first.said).film
    assert (open_shown(again.path, said=again.said).film.values == before.values).all()
    os.utime(path, ns=(1, 1))
    assert not decode(asked).is_kept
    os.truncate(again.path, 50)
    assert not decode(asked).is_kept


def test_the_longest_unused_makes_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decode_film, "KEPT_BYTES", 250)
    kept = tmp_path / "kept"
    source = tmp_path / "pixels"
    source.write_bytes(bytes(100))
    for number in range(3):
        with source.open("rb") as pixels:
            keep(pixels, kept, FilmId(str(number)))
        os.utime(kept / f"{number}.pixels", ns=(number, number))
    assert sorted(p.name for p in kept.iterdir()) == ["1.pixels", "2.pixels"]
