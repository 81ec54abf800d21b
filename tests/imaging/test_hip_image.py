"""One function makes hip images, and their bytes survive being written and read."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from hipcad_desktop.domain.geometry import Window
from hipcad_desktop.imaging.hip_image import RENDERING, decode_png, encode_png, hip_image
from tests.fakes.dicom_files import film_array


@settings(max_examples=12, deadline=None)
@given(width=st.integers(64, 400), height=st.integers(64, 400), x0=st.floats(0, 0.4), share=st.floats(0.25, 0.6))
def test_export_and_diagnosis_see_the_same_bytes(width: int, height: int, x0: float, share: float) -> None:
    film = film_array(height, width, bits=8)
    window = Window(x0 * width, (x0 + share) * width)
    hip = hip_image(film, window)  # diagnosis
    data = encode_png(hip)  # export
    assert hip.shape == (380, 380)
    assert hip.dtype == np.uint8
    np.testing.assert_array_equal(decode_png(data), hip)  # training
    assert encode_png(hip_image(film.copy(), window)) == data


def test_a_window_is_what_it_says() -> None:
    film = np.zeros((760, 760), np.uint8)
    film[:, 380:] = 200
    assert (hip_image(film, Window(0, 380)) == 0).all()
    assert (hip_image(film, Window(380, 760)) == 200).all()
    both = hip_image(film, Window(190, 570))
    assert (both[:, :180] == 0).all()
    assert (both[:, 200:] == 200).all()


def test_edges_between_pixels_move_the_image() -> None:
    film = film_array(400, 400, bits=8)
    assert not np.array_equal(hip_image(film, Window(0, 200)), hip_image(film, Window(0.5, 200.5)))


def test_mirroring_the_film_mirrors_the_hip() -> None:
    film = film_array(500, 600, bits=8)
    window = Window(20.25, 330.5)
    hip = hip_image(film, window)
    other = hip_image(np.ascontiguousarray(film[:, ::-1]), window.mirrored(600))
    assert np.abs(hip.astype(int) - other[:, ::-1]).max() <= 1


def test_small_detail_is_averaged_not_skipped() -> None:
    film = np.zeros((3800, 3800), np.uint8)
    film[:, ::10] = 255
    hip = hip_image(film, Window(0, 3800))
    assert 15 < hip.mean() < 36
    assert hip.std() < 30  # picking every tenth column would give 0 or 255


@pytest.mark.parametrize("window", [Window(-1, 100), Window(50, 201)])
def test_a_window_outside_the_film_is_a_bug(window: Window) -> None:
    with pytest.raises(ValueError, match="leaves a film"):
        hip_image(film_array(100, 200, bits=8), window)


def test_only_hip_images_are_read_back() -> None:
    with pytest.raises(ValueError, match="no hip image"):
        decode_png(encode_png(np.zeros((10, 10), np.uint8)))
    with pytest.raises(ValueError, match="no hip image"):
        decode_png(encode_png(np.zeros((380, 380, 3), np.uint8)))
    good = encode_png(np.asarray(Image.linear_gradient("L").resize((380, 380))))
    flipped = bytes(b ^ 0xFF for b in good[100:104])
    for broken in (b"", good[:50], good[: len(good) // 2], good[:100] + flipped + good[104:]):
        with pytest.raises(ValueError, match="no hip image"):
            decode_png(broken)


def test_other_pixels_are_another_rendering() -> None:
    """Kept hip images are reused by this number: whoever changes a pixel raises it, and this hash with it."""
    film = (np.arange(300 * 400, dtype=np.uint64) * 2654435761 >> 7).astype(np.uint8).reshape(300, 400)
    pixels = hip_image(film, Window(3.25, 371.5)).tobytes()
    assert (RENDERING, hashlib.sha256(pixels).hexdigest()[:16]) == (1, "e34a9a56376be20c")


def test_a_box_is_black_where_it_leaves_the_film() -> None:
    film = np.full((400, 500), 200, np.uint8)
    image = hip_image(film, Window(400.0, 600.0, 100.0, 300.0))
    assert image.shape == (380, 380)
    assert (image[:, :185] == 200).all()
    assert (image[:, 195:] == 0).all()


def test_a_box_inside_the_film_is_that_part_of_it() -> None:
    film = np.random.default_rng(1).integers(0, 256, (900, 900), dtype=np.uint8)
    box = Window(100.0, 480.0, 200.0, 580.0)
    assert (hip_image(film, box) == film[200:580, 100:480]).all()
