"""Simulated films as files: readable as any other film, and plainly marked as simulated."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pydicom
import pytest
from PIL import Image

from hipcad_desktop.domain.anatomy import FractureType, Side, SideSource
from hipcad_desktop.domain.geometry import Size
from hipcad_desktop.imaging.reader import read_film
from hipcad_desktop.simulation.exposure import WHITE, Hospital
from hipcad_desktop.simulation.files import NOTICE, encode_film
from hipcad_desktop.simulation.film import SimulatedFilm, simulate_film

SIZE = Size(480, 400)


def made(hospital: Hospital) -> SimulatedFilm:
    """A small film with a fracture."""
    return simulate_film(seed=21, size=SIZE, hospital=hospital, fracture=FractureType.AO_31_A1, side=Side.LEFT)


@pytest.mark.parametrize("hospital", ["A", "B", "C"])
def test_a_dicom_film_is_read_back(hospital: Hospital, tmp_path: Path) -> None:
    film = made(hospital)
    path = tmp_path / "film.dcm"
    path.write_bytes(encode_film(film, film_format="dicom", patient="SIM-1-0001"))
    read = read_film(path)
    assert read.radiograph.size == SIZE
    assert read.radiograph.sides.picture_left is Side.RIGHT
    assert read.radiograph.sides.source is SideSource.HEADER
    assert (read.radiograph.header.body_part, read.radiograph.header.view_position) == ("PELVIS", "AP")
    assert read.radiograph.header.spacing_mm == pytest.approx((film.truth.spacing_mm,) * 2, abs=1e-5)
    assert np.corrcoef(read.eight_bit.ravel(), film.values.ravel())[0, 1] > 0.98  # bone is white, also in hospital B


def test_a_dicom_film_says_that_it_is_simulated() -> None:
    dataset = pydicom.dcmread(io.BytesIO(encode_film(made("A"), film_format="dicom", patient="SIM-1-0001")))
    assert "".join(dataset.ImageComments) == NOTICE
    assert dataset.SeriesDescription.startswith("SIMULATED")
    assert dataset.PatientIdentityRemoved == "YES"
    assert dataset.PatientName.alphabetic == "SIM^0001"
    assert "シミュレーション" in dataset.PatientName.ideographic
    assert dataset.BitsStored == 12
    assert dataset.pixel_array.max() <= WHITE


def test_hospital_b_stores_bone_dark() -> None:
    film = made("B")
    dataset = pydicom.dcmread(io.BytesIO(encode_film(film, film_format="dicom", patient="SIM-1-0001")))
    assert dataset.PhotometricInterpretation == "MONOCHROME1"
    assert np.array_equal(WHITE - dataset.pixel_array, film.values)


def test_a_jpeg_film_is_read_back(tmp_path: Path) -> None:
    film = made("C")
    path = tmp_path / "film.jpg"
    path.write_bytes(encode_film(film, film_format="jpeg", patient="SIM-1-0001"))
    with Image.open(path) as image:
        assert image.info["comment"] == NOTICE.encode("ascii")
    read = read_film(path)
    assert read.radiograph.size == SIZE
    assert np.abs(read.eight_bit.astype(int) - (film.values >> 4)).mean() < 4


@pytest.mark.parametrize("film_format", ["dicom", "jpeg"])
def test_the_same_film_is_the_same_bytes(film_format: str) -> None:
    film = made("A")
    once = encode_film(film, film_format=film_format, patient="SIM-1-0001")  # type: ignore[arg-type]
    assert once == encode_film(film, film_format=film_format, patient="SIM-1-0001")  # type: ignore[arg-type]
