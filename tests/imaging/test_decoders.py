"""A compressed frame is looked at before it is decoded, and broken ones are named, never guessed."""

from __future__ import annotations

import logging
import struct
from pathlib import Path

import numpy as np
import pydicom.uid as uid
import pytest

from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.imaging.decoders import FrameError, decode_frame, describe
from hipcad_desktop.imaging.reader import read_film
from tests.fakes.dicom_files import ENCODERS, dicom_file, film_array, rle


@pytest.mark.parametrize(
    ("syntax", "family"),
    [
        (uid.JPEGLossless, "JPEG"),
        (uid.JPEGLSLossless, "JPEG-LS"),
        (uid.JPEG2000Lossless, "JPEG 2000"),
        (uid.HTJ2KLossless, "HTJ2K"),
    ],
)
def test_a_codestream_is_described(syntax: str, family: str) -> None:
    said = describe(ENCODERS[syntax][0](film_array(40, 56, bits=16), 16))
    assert (said.family, said.height, said.width, said.components, said.signed) == (family, 40, 56, 1, False)
    assert said.precision == 16


def test_a_jp2_file_around_the_codestream_is_opened(tmp_path: Path) -> None:
    import imagecodecs

    array = film_array(bits=16)
    frame = bytes(imagecodecs.jpeg2k_encode(array, level=0, reversible=True, codecformat="jp2"))
    film = read_film(dicom_file(tmp_path / "f.dcm", array, syntax=uid.JPEG2000Lossless, frame=frame))
    np.testing.assert_array_equal(film.values, array)


@pytest.mark.parametrize("syntax", [s for s in ENCODERS if s != uid.RLELossless], ids=lambda s: uid.UID(s).keyword)
def test_another_size_than_the_header_says(syntax: str) -> None:
    frame = ENCODERS[syntax][0](film_array(40, 56, bits=16), 16)
    with pytest.raises(FrameError, match="another size"):
        decode_frame(frame, syntax=syntax, height=40, width=57, samples=1, bits_allocated=16, rgb=False)


def test_a_rle_header_that_claims_too_much_stops_early() -> None:
    run = struct.pack("<16I", 1, 64, *[0] * 14) + bytes([129, 7]) * 100_000  # 12.8 MB out of 200 KB
    with pytest.raises(FrameError, match="broken"):
        decode_frame(run, syntax=uid.RLELossless, height=10, width=10, samples=1, bits_allocated=8, rgb=False)
    short = rle(film_array(10, 10, bits=8), 8)
    with pytest.raises(FrameError):
        decode_frame(short, syntax=uid.RLELossless, height=100, width=100, samples=1, bits_allocated=8, rgb=False)


@pytest.mark.parametrize("share", [0.3, 0.7, 0.98])
@pytest.mark.parametrize("syntax", list(ENCODERS), ids=lambda s: uid.UID(s).keyword)
def test_a_cut_frame_is_damaged(tmp_path: Path, syntax: str, share: float) -> None:
    array = film_array(64, 64, bits=12)
    frame = ENCODERS[syntax][0](array, 12 if syntax != uid.RLELossless else 16)
    cut = frame[: int(len(frame) * share) // 2 * 2]
    path = dicom_file(tmp_path / "f.dcm", array, syntax=syntax, bits_stored=12, frame=cut)
    with pytest.raises(UserError) as caught:
        read_film(path)
    assert caught.value.code is ErrorCode.FILM_DAMAGED


def test_nothing_known_is_named(tmp_path: Path) -> None:
    path = dicom_file(tmp_path / "f.dcm", film_array(), syntax=uid.JPEGBaseline8Bit, frame=b"what is this" * 4)
    with pytest.raises(UserError) as caught:
        read_film(path)
    assert caught.value.facts["detail"] == "the compressed pixels are in no known format"


def test_nothing_of_the_header_reaches_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = dicom_file(tmp_path / "f.dcm", film_array(), bits_stored=12, PatientName="SECRET^NAME")
    data = path.read_bytes().replace(b"\x28\x00\x10\x00US\x02\x00\x28\x00", b"\x28\x00\x10\x00US\x02\x00\x29\x00")
    data = data.replace(b"1.2.3.4", b"SECRET!")
    path.write_bytes(data)
    with caplog.at_level(logging.DEBUG), pytest.raises(UserError) as caught:
        read_film(path)
    assert "SECRET" not in str(caught.value)
    assert "SECRET" not in caplog.text
    assert caught.value.__cause__ is None
