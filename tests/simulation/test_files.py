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


# Attributes that PS3.3 A.26.3 asks of a Digital X-Ray image for presentation: type 1 has a value, type 2 is there
TYPE_1 = [
    "SOPClassUID",
    "SOPInstanceUID",
    "StudyInstanceUID",
    "SeriesInstanceUID",
    "Modality",
    "PresentationIntentType",
    "ImageLaterality",
    "ImageType",
    "PixelIntensityRelationship",
    "PixelIntensityRelationshipSign",
    "RescaleIntercept",
    "RescaleSlope",
    "RescaleType",
    "PresentationLUTShape",
    "LossyImageCompression",
    "BurnedInAnnotation",
    "ImagerPixelSpacing",
    "SamplesPerPixel",
    "PhotometricInterpretation",
    "Rows",
    "Columns",
    "BitsAllocated",
    "BitsStored",
    "HighBit",
    "PixelRepresentation",
    "PixelData",
    "WindowCenter",
    "WindowWidth",
    "AnatomicRegionSequence",
    "ViewCodeSequence",
    "PatientOrientation",
]
TYPE_2 = [
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "StudyDate",
    "StudyTime",
    "ReferringPhysicianName",
    "StudyID",
    "AccessionNumber",
    "SeriesNumber",
    "Manufacturer",
    "InstanceNumber",
    "DetectorType",
    "AcquisitionContextSequence",
]


@pytest.mark.parametrize("hospital", ["A", "B"])
def test_a_dicom_film_keeps_the_rules_of_its_class(hospital: Hospital) -> None:
    dataset = pydicom.dcmread(io.BytesIO(encode_film(made(hospital), film_format="dicom", patient="SIM-1-0001")))
    assert [name for name in TYPE_1 if not hasattr(dataset, name) or dataset[name].value in (None, "", [])] == []
    assert [name for name in TYPE_2 if not hasattr(dataset, name)] == []
    assert dataset.file_meta.MediaStorageSOPInstanceUID == dataset.SOPInstanceUID
    assert (dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation) == (16, 12, 11, 0)
    assert dataset.PresentationLUTShape == (
        "INVERSE" if dataset.PhotometricInterpretation == "MONOCHROME1" else "IDENTITY"
    )
    for code in (dataset.AnatomicRegionSequence[0], dataset.ViewCodeSequence[0]):
        assert code.CodeValue
        assert code.CodingSchemeDesignator == "SCT"
        assert code.CodeMeaning
    # every value fits its VR, as pydicom judges when it reads strictly
    for element in dataset.iterall():
        pydicom.dataelem.DataElement(element.tag, element.VR, element.value, validation_mode=pydicom.config.RAISE)
