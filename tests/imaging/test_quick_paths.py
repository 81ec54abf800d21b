"""The quick ways to pixels give exactly what the plain ways gave."""

from __future__ import annotations

from typing import Any

import numpy as np
import pydicom.uid as uid
import pytest
from numpy.typing import NDArray

from hipcad_desktop.imaging import dicom, dicom_pixels, mapping
from hipcad_desktop.imaging.reader import picture_in
from tests.fakes.dicom_files import dicom_bytes, film_array


def plain_stored(data: bytes, *, bits: int, signed: bool) -> NDArray[Any]:
    """By pydicom alone, then only the stored bits, by arithmetic."""
    import io

    from pydicom import dcmread

    array = dcmread(io.BytesIO(data)).pixel_array.astype(np.int64) & ((1 << bits) - 1)
    return np.where(array >= 1 << (bits - 1), array - (1 << bits), array) if signed else array


@pytest.mark.parametrize("syntax", [uid.ImplicitVRLittleEndian, uid.ExplicitVRLittleEndian, uid.ExplicitVRBigEndian])
@pytest.mark.parametrize(
    ("bits", "signed"), [(8, False), (10, False), (12, False), (16, False), (12, True), (16, True)]
)
@pytest.mark.parametrize("dirty", [False, True])
def test_native_values_are_as_pydicom_gives_them(syntax: str, bits: int, signed: bool, dirty: bool) -> None:
    array = film_array(31, 43, bits=bits)
    if dirty and bits in (10, 12):
        array[3:9, 5:8] |= 0xF000  # an old file's overlay in the unused bits (PS3.5 8.1.2)
    data = dicom_bytes(array, syntax=syntax, bits_stored=bits, PixelRepresentation=int(signed))
    dataset = dicom.parse(data, path="")
    layout = dicom_pixels.layout_of(dataset, path="")
    found, _ = dicom_pixels.stored_values(dataset, layout, syntax=syntax, path="")
    assert found.dtype.itemsize == array.dtype.itemsize
    assert (found == plain_stored(data, bits=bits, signed=signed)).all()


def test_values_in_the_upper_bits_are_moved_down() -> None:
    array = film_array(31, 43, bits=12)
    data = dicom_bytes(array << 4, bits_stored=12, HighBit=15)
    dataset = dicom.parse(data, path="")
    layout = dicom_pixels.layout_of(dataset, path="")
    found, _ = dicom_pixels.stored_values(dataset, layout, syntax=uid.ExplicitVRLittleEndian, path="")
    assert (found == array).all()


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.int16])
def test_the_table_gives_what_the_formula_gives(kind: type) -> None:
    values = np.random.default_rng(3).integers(0, 120 if kind is np.uint8 else 3000, (200, 77)).astype(kind)
    values = values - 50 if kind is np.int16 else values
    low, high = 10.0, 100.0
    plain = np.rint(np.clip((values.astype(np.float64) - low) * (255.0 / (high - low)), 0, 255)).astype(np.uint8)
    assert (mapping._scaled(values, low, high) == plain).all()


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_what_is_told_early_is_what_comes(photometric: str) -> None:
    array = film_array(120, 90, bits=12)
    told: list[tuple[NDArray[Any], bool, bool]] = []
    data = dicom_bytes(array, bits_stored=12, photometric=photometric)
    picture = picture_in(data, path="", early=lambda *what: told.append(what))
    values, exact, inverted = told[0]
    assert inverted == (photometric == "MONOCHROME1")
    assert exact == (not inverted)
    if exact:
        assert (values == picture.values).all()


def test_padding_does_not_reach_into_the_8_bits_of_another_array() -> None:
    array = film_array(40, 56, bits=8)
    array[:5] = 0
    picture = picture_in(dicom_bytes(array, PixelPaddingValue=0), path="")
    assert (picture.eight_bit[:5] == 0).all()
    assert picture.values[:5].min() == array[array > 0].min()
