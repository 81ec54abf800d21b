"""DICOM films come out upright, bone white, with exact values; each case names its clause."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom.uid as uid
import pytest
from pydicom.dataset import Dataset

from hipcad_desktop.domain.anatomy import Side, SideSource
from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.imaging.dicom_header import patient_facts
from hipcad_desktop.imaging.reader import read_film
from tests.fakes.dicom_files import ENCODERS, NATIVE, dicom_bytes, dicom_file, film_array


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 15, 16])
@pytest.mark.parametrize("syntax", [*NATIVE, *ENCODERS], ids=lambda s: uid.UID(s).keyword)
def test_lossless_syntaxes_are_exact(tmp_path: Path, syntax: str, bits: int) -> None:
    array = film_array(bits=bits)
    film = read_film(dicom_file(tmp_path / "film.dcm", array, syntax=syntax, bits_stored=bits))
    assert film.values.dtype == array.dtype
    np.testing.assert_array_equal(film.values, array)
    assert film.radiograph.kind == "DICOM"


@pytest.mark.parametrize(
    "syntax", [*NATIVE, uid.RLELossless, uid.JPEGLosslessSV1, uid.JPEG2000Lossless, uid.HTJ2KLossless]
)
@pytest.mark.parametrize("bits", [12, 16])
def test_signed_values(tmp_path: Path, syntax: str, bits: int) -> None:
    unsigned = film_array(bits=bits)
    array = (unsigned.astype(np.int32) - 2 ** (bits - 1)).astype(np.int16)
    frame = None
    if syntax in ENCODERS:  # as old writers do it: two's complement, coded as if unsigned
        coded = array.view(np.uint16) & (2**bits - 1)
        frame = ENCODERS[syntax][0](coded.astype(np.uint16), bits if syntax != uid.RLELossless else 16)
        if syntax == uid.HTJ2KLossless:  # this encoder codes 16 bits whatever the depth
            frame = ENCODERS[syntax][0](array.view(np.uint16), 16)
    film = read_film(dicom_file(tmp_path / "film.dcm", array, syntax=syntax, bits_stored=bits, frame=frame))
    np.testing.assert_array_equal(film.values, array)


def test_signed_jpeg2000_codestream_under_either_header(tmp_path: Path) -> None:
    import imagecodecs

    array = (film_array(bits=12).astype(np.int32) - 2048).astype(np.int16)
    frame = bytes(imagecodecs.jpeg2k_encode(array, level=0, reversible=True, codecformat="j2k", bitspersample=12))
    for header in (0, 1):  # the codestream knows its sign, PixelRepresentation may lie
        path = dicom_file(
            tmp_path / f"{header}.dcm",
            array,
            syntax=uid.JPEG2000Lossless,
            bits_stored=12,
            frame=frame,
            PixelRepresentation=header,
        )
        np.testing.assert_array_equal(read_film(path).values, array)


def test_twelve_bit_jpeg_is_close(tmp_path: Path) -> None:
    import imagecodecs

    array = film_array(64, 64, bits=12)
    frame = bytes(imagecodecs.jpeg8_encode(array, level=98, bitspersample=12))
    film = read_film(dicom_file(tmp_path / "f.dcm", array, syntax=uid.JPEGExtended12Bit, bits_stored=12, frame=frame))
    assert film.values.dtype == np.uint16
    assert np.abs(film.values.astype(int)[1:] - array[1:]).mean() < 30  # of 4095; 8-bit decoding would be off by 1000


def test_overlay_bits_above_the_value_are_ignored(tmp_path: Path) -> None:
    array = film_array(bits=12)  # PS3.5 8.1.2
    array_with_overlay = array | np.uint16(0xF000)
    film = read_film(dicom_file(tmp_path / "f.dcm", array_with_overlay, bits_stored=12))
    np.testing.assert_array_equal(film.values, array)


def test_monochrome1_is_turned(tmp_path: Path) -> None:
    array = film_array(bits=12)
    plain = read_film(dicom_file(tmp_path / "2.dcm", array, bits_stored=12))
    turned = read_film(dicom_file(tmp_path / "1.dcm", array, bits_stored=12, photometric="MONOCHROME1"))
    assert turned.radiograph.mapping.inverted
    assert not plain.radiograph.mapping.inverted
    np.testing.assert_array_equal(turned.eight_bit, 255 - plain.eight_bit)
    np.testing.assert_array_equal(turned.values, array.max() + array.min() - array)


def test_eight_bits_stay_as_they_are_and_deeper_ones_use_their_percentiles(tmp_path: Path) -> None:
    eight = film_array(bits=8)
    film = read_film(dicom_file(tmp_path / "8.dcm", eight))
    assert film.radiograph.mapping.rule == "identity8"
    np.testing.assert_array_equal(film.eight_bit, eight)
    array = film_array(200, 200, bits=14)
    film = read_film(dicom_file(tmp_path / "14.dcm", array, bits_stored=14, WindowCenter=100, WindowWidth=10))
    mapping = film.radiograph.mapping
    ordered = np.sort(array.ravel())
    assert mapping.rule == "percentile/v1"
    assert mapping.low == ordered[int(0.005 * array.size) - 1]
    assert mapping.high == ordered[int(0.995 * array.size) - 1]
    expected = np.rint(np.clip((array - mapping.low) / (mapping.high - mapping.low) * 255, 0, 255))
    np.testing.assert_array_equal(film.eight_bit, expected)


def test_rescale_and_look_up_table(tmp_path: Path) -> None:
    array = film_array(bits=12)
    film = read_film(dicom_file(tmp_path / "r.dcm", array, bits_stored=12, RescaleSlope="0.5", RescaleIntercept="200"))
    np.testing.assert_array_equal(film.values, (array * 0.5 + 200).astype(np.float32))
    film = read_film(dicom_file(tmp_path / "i.dcm", array, bits_stored=12, RescaleSlope="1", RescaleIntercept="-1024"))
    np.testing.assert_array_equal(film.values, array.astype(int) - 1024)
    assert film.values.dtype == np.int16
    item = Dataset()
    item.LUTDescriptor = [1000, 500, 16]
    item["LUTDescriptor"].VR = "US"
    table = (np.arange(1000) ** 2 // 20).astype(np.uint16)
    item.LUTData = table.tolist()
    item["LUTData"].VR = "US"
    film = read_film(
        dicom_file(
            tmp_path / "l.dcm",
            array,
            bits_stored=12,
            sequences={"ModalityLUTSequence": item},
            RescaleSlope="5",
            RescaleIntercept="0",
        )
    )
    np.testing.assert_array_equal(film.values, table[np.clip(array.astype(int) - 500, 0, 999)])  # C.11.1.1


def test_padding_decides_nothing_and_is_black(tmp_path: Path) -> None:
    array = film_array(100, 100, bits=12)
    array[array == 4095] = 4094
    padded = array.copy()
    padded[:, :30] = 4095
    film = read_film(dicom_file(tmp_path / "p.dcm", padded, bits_stored=12, PixelPaddingValue=4095))
    bare = read_film(dicom_file(tmp_path / "b.dcm", np.ascontiguousarray(array[:, 30:]), bits_stored=12))
    assert (film.eight_bit[:, :30] == 0).all()
    np.testing.assert_array_equal(film.eight_bit[:, 30:], bare.eight_bit)
    assert film.radiograph.mapping == bare.radiograph.mapping


H, ASSUMED = SideSource.HEADER, SideSource.ASSUMED
R, L = Side.RIGHT, Side.LEFT


@pytest.mark.parametrize(
    ("orientation", "view", "quarters", "picture_left", "source"),
    [
        (["L", "F"], "AP", 0, R, H),  # as everybody shows it
        (["R", "F"], "AP", 0, L, H),  # mirrored: pixels stay
        (["R", "H"], "AP", 2, R, H),  # upside down
        (["L", "H"], "AP", 2, L, H),
        (["H", "L"], "AP", 1, R, H),  # lying, head on the picture's right
        (["H", "R"], "AP", 1, L, H),
        (["F", "R"], "AP", 3, R, H),  # lying, head on the picture's left
        (["F", "L"], "AP", 3, L, H),
        (["A", "F"], "", 0, R, ASSUMED),  # a lateral film
        (["L", "F"], "LL", 0, R, ASSUMED),  # the view contradicts
        (None, "AP", 0, R, ASSUMED),
        (["L", "R"], "AP", 0, R, ASSUMED),  # nonsense
        (["LA", "FP"], "PA", 0, R, H),  # oblique: the first letter leads
    ],
)
def test_patient_orientation(
    tmp_path: Path, orientation: list[str] | None, view: str, quarters: int, picture_left: Side, source: SideSource
) -> None:
    array = film_array(30, 50, bits=12)
    elements = {} if orientation is None else {"PatientOrientation": orientation}
    path = dicom_file(tmp_path / "f.dcm", array, bits_stored=12, ViewPosition=view, PixelSpacing=[0.1, 0.2], **elements)
    film = read_film(path)
    assert film.radiograph.sides.picture_left is picture_left
    assert film.radiograph.sides.source is source
    np.testing.assert_array_equal(film.values, np.rot90(array, quarters))
    assert (film.radiograph.size.height, film.radiograph.size.width) == film.eight_bit.shape
    assert film.radiograph.header.spacing_mm == ((0.2, 0.1) if quarters % 2 else (0.1, 0.2))


@pytest.mark.parametrize(
    ("elements", "spacing", "source"),
    [
        ({}, None, None),
        ({"PixelSpacing": [0.0, 0.0]}, None, None),
        ({"PixelSpacing": [2.0, 2.0]}, None, None),
        ({"PixelSpacing": [0.15, 0.15]}, (0.15, 0.15), "image"),
        ({"PixelSpacing": [0.12, 0.12], "ImagerPixelSpacing": [0.15, 0.15]}, (0.12, 0.12), "calibrated"),
        ({"PixelSpacing": [0.12, 0.12], "PixelSpacingCalibrationType": "FIDUCIAL"}, (0.12, 0.12), "calibrated"),
        ({"PixelSpacing": [0.0, 0.0], "ImagerPixelSpacing": [0.15, 0.15]}, (0.15, 0.15), "detector"),
    ],
)
def test_spacing(tmp_path: Path, elements: dict, spacing: tuple | None, source: str | None) -> None:
    header = read_film(dicom_file(tmp_path / "f.dcm", film_array(), bits_stored=12, **elements)).radiograph.header
    assert (header.spacing_mm, header.spacing_source) == (spacing, source)


def test_header_facts_and_patient(tmp_path: Path) -> None:
    path = dicom_file(
        tmp_path / "f.dcm",
        film_array(),
        bits_stored=12,
        Modality="DX",
        BodyPartExamined="PELVIS",
        ViewPosition="AP",
        StudyDescription="Becken",
        SeriesDescription="Becken ap",
        SpecificCharacterSet="ISO_IR 192",
        PatientName="山田^太郎",
        PatientID="17",
        IssuerOfPatientID="HOSPITAL",
        PatientBirthDate="19400630",
        PatientSex="F",
        StudyDate="20200629",
    )
    film = read_film(path)
    header, patient = film.radiograph.header, film.patient
    assert (header.modality, header.body_part, header.view_position) == ("DX", "PELVIS", "AP")
    assert header.description == "Becken | Becken ap"
    assert (patient.identifier, patient.name, patient.age_years) == ("HOSPITAL^17", "山田^太郎", 79)
    assert "山田" not in repr(film.radiograph)
    assert "山田" not in repr(patient)


def test_without_preamble(tmp_path: Path) -> None:
    array = film_array(bits=12)
    film = read_film(dicom_file(tmp_path / "f", array, bits_stored=12, bare=True))
    np.testing.assert_array_equal(film.values, array)


def test_several_frames_show_the_first(tmp_path: Path) -> None:
    frames = np.stack([film_array(20, 30, seed=s) for s in (1, 2, 3)])
    data = dicom_bytes(frames.reshape(60, 30), bits_stored=12, Rows=20, NumberOfFrames=3)
    (tmp_path / "f.dcm").write_bytes(data)
    film = read_film(tmp_path / "f.dcm")
    assert film.radiograph.header.frames == 3
    np.testing.assert_array_equal(film.values, frames[0])


@pytest.mark.parametrize("syntax", [uid.ExplicitVRLittleEndian, uid.RLELossless])
def test_colour(tmp_path: Path, syntax: str) -> None:
    grey = film_array(bits=8)
    equal = np.repeat(grey[..., None], 3, axis=2)
    film = read_film(dicom_file(tmp_path / "grey.dcm", equal, syntax=syntax, photometric="RGB"))
    np.testing.assert_array_equal(film.eight_bit, grey)
    assert not film.radiograph.header.colour
    red = equal.copy()
    red[..., 1:] //= 4
    assert read_film(dicom_file(tmp_path / "red.dcm", red, syntax=syntax, photometric="RGB")).radiograph.header.colour


@pytest.mark.parametrize(
    ("elements", "code"),
    [
        ({"Rows": 0}, ErrorCode.FILM_DAMAGED),
        ({"Rows": 60000, "Columns": 60000}, ErrorCode.FILM_TOO_LARGE),
        ({"NumberOfFrames": 51}, ErrorCode.FILM_TOO_LARGE),
        ({"Rows": 41}, ErrorCode.FILM_DAMAGED),
        ({"BitsAllocated": 12}, ErrorCode.FILM_UNSUPPORTED),
        ({"SamplesPerPixel": 4}, ErrorCode.FILM_UNSUPPORTED),
        ({"PhotometricInterpretation": "HSV"}, ErrorCode.FILM_UNSUPPORTED),
    ],
)
def test_impossible_layouts(tmp_path: Path, elements: dict, code: ErrorCode) -> None:
    path = dicom_file(tmp_path / "f.dcm", film_array(), bits_stored=12, **elements)
    with pytest.raises(UserError) as caught:
        read_film(path)
    assert caught.value.code is code


def test_floating_point_with_holes(tmp_path: Path) -> None:
    import io

    from pydicom import dcmread

    array = np.linspace(-3, 5, 40 * 56, dtype=np.float32).reshape(40, 56)
    array[3, 3], array[4, 4] = np.nan, np.inf
    dataset = dcmread(io.BytesIO(dicom_bytes(film_array())))
    del dataset.PixelData, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation
    dataset.BitsAllocated, dataset.FloatPixelData = 32, array.tobytes()
    dataset.save_as(tmp_path / "f.dcm")
    film = read_film(tmp_path / "f.dcm")
    assert film.values.dtype == np.float32
    assert np.isfinite(film.values).all()
    assert film.values[10, 10] == array[10, 10]
    assert film.eight_bit[4, 4] == 255


def test_names_in_every_character_set() -> None:
    from pydicom import dcmread
    from pydicom.data import get_charset_files

    names = {}
    for path in map(Path, get_charset_files("*.dcm")):
        dataset = dcmread(path)
        nested = path.stem.startswith("chrSQ")  # these keep their name in a sequence with a character set of its own
        names[path.stem] = patient_facts(dataset.RequestedProcedureCodeSequence[0] if nested else dataset).name
    assert len(names) == 17
    assert names["chrH31"] == "Yamada^Tarou=山田^太郎=やまだ^たろう"
    assert names["chrH32"] == "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう"
    assert names["chrI2"] == "Hong^Gildong=洪^吉洞=홍^길동"
    assert names["chrX1"] == "Wang^XiaoDong=王^小東"
    assert names["chrX2"] == "Wang^XiaoDong=王^小东"
    assert names["chrGreek"] == "Διονυσιος"
    assert names["chrRuss"] == "Люкceмбypг"
    assert names["chrArab"] == "قباني^لنزار"
    assert names["chrHbrw"] == "שרון^דבורה"
    assert names["chrGerm"] == "Äneas^Rüdiger"
    assert names["chrFren"] == "Buc^Jérôme"
    assert not any("\ufffd" in (name or "\ufffd") for name in names.values()), names
