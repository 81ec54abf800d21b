"""JPEG, PNG and TIFF: upright, exact, grey; what cannot be kept exactly is refused."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.imaging.reader import read_film
from tests.fakes.dicom_files import film_array

# How each EXIF orientation stores an upright picture (EXIF 2.3, tag 274).
STORED = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.T,
    6: lambda a: np.rot90(a),
    7: lambda a: a[::-1, ::-1].T,
    8: lambda a: np.rot90(a, 3),
}


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_exif_orientation(tmp_path: Path, kind: str, orientation: int, bits: int) -> None:
    upright = film_array(40, 56, bits=bits)
    exif = Image.Exif()
    exif[274] = orientation
    image = Image.fromarray(np.ascontiguousarray(STORED[orientation](upright)))
    image.save(tmp_path / "film", kind, exif=exif)
    film = read_film(tmp_path / "film")
    np.testing.assert_array_equal(film.values, upright)
    assert (film.radiograph.size.width, film.radiograph.size.height) == (56, 40)
    assert film.radiograph.kind == kind


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_of_a_jpeg(tmp_path: Path, orientation: int) -> None:
    upright = np.kron(film_array(5, 7, bits=8), np.ones((8, 8), np.uint8))
    exif = Image.Exif()
    exif[274] = orientation
    image = Image.fromarray(np.ascontiguousarray(STORED[orientation](upright)))
    image.save(tmp_path / "film.jpg", quality=100, exif=exif)
    film = read_film(tmp_path / "film.jpg")
    assert film.eight_bit.shape == upright.shape
    assert np.abs(film.eight_bit.astype(int) - upright).max() <= 2


def saved(tmp_path: Path, image: Image.Image, kind: str, **how: Any) -> Path:
    path = tmp_path / f"film.{kind.lower()}"
    image.save(path, kind, **how)
    return path


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bit_grey_is_exact(tmp_path: Path, kind: str) -> None:
    array = film_array(bits=16)
    film = read_film(saved(tmp_path, Image.fromarray(array), kind))
    assert film.values.dtype == np.uint16
    np.testing.assert_array_equal(film.values, array)
    assert film.radiograph.mapping.rule == "percentile/v1"
    assert 100 < film.eight_bit.mean() < 160  # Pillow's own conversion would saturate


@pytest.mark.parametrize("colours", ["RGB", "RGBA", "P", "LA", "1"])
def test_grey_in_other_modes(tmp_path: Path, colours: str) -> None:
    grey = film_array(bits=8)
    if colours == "1":
        grey = np.where(grey > 127, 255, 0).astype(np.uint8)
    image = Image.fromarray(grey)
    if colours == "P":
        image.putpalette([v for v in range(256) for _ in range(3)])
    else:
        image = image.convert(colours, dither=Image.Dither.NONE)
    film = read_film(saved(tmp_path, image, "PNG"))
    np.testing.assert_array_equal(film.eight_bit, grey)
    assert film.radiograph.mapping.rule == "identity8"
    assert not film.radiograph.header.colour


def test_what_is_transparent_is_black(tmp_path: Path) -> None:
    image = Image.fromarray(np.full((20, 20), 200, np.uint8)).convert("LA")
    alpha = np.full((20, 20), 255, np.uint8)
    alpha[:, :10] = 0
    image.putalpha(Image.fromarray(alpha))
    for mode in ("LA", "RGBA"):
        film = read_film(saved(tmp_path, image.convert(mode), "PNG"))
        assert set(film.eight_bit[:, :10].ravel().tolist()) == {0}
        assert set(film.eight_bit[:, 10:].ravel().tolist()) == {200}


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_cmyk(tmp_path: Path, kind: str) -> None:
    grey = np.kron(film_array(5, 7, bits=8), np.ones((8, 8), np.uint8))
    image = Image.fromarray(grey).convert("RGB").convert("CMYK")
    film = read_film(saved(tmp_path, image, kind, **({"quality": 100} if kind == "JPEG" else {})))
    assert np.abs(film.eight_bit.astype(int) - grey).max() <= 3


def test_cmyk_without_the_adobe_marker(tmp_path: Path) -> None:
    grey = np.kron(film_array(5, 7, bits=8), np.ones((8, 8), np.uint8))
    buffer = io.BytesIO()
    inks = 255 - np.asarray(Image.fromarray(grey).convert("RGB").convert("CMYK"))
    Image.fromarray(inks, "CMYK").save(buffer, "JPEG", quality=100)
    data = buffer.getvalue()
    at = data.index(b"\xff\xee")
    length = int.from_bytes(data[at + 2 : at + 4], "big")
    (tmp_path / "plain.jpg").write_bytes(data[:at] + data[at + 2 + length :])
    film = read_film(tmp_path / "plain.jpg")
    assert np.abs(film.eight_bit.astype(int) - grey).max() <= 3


def test_colour_is_remembered(tmp_path: Path) -> None:
    grey = film_array(bits=8)
    photograph = np.stack([grey, grey // 2, 255 - grey], axis=2)
    assert read_film(saved(tmp_path, Image.fromarray(photograph), "PNG")).radiograph.header.colour
    tinted = np.stack([grey // 2, grey // 2 + 3, grey // 2 + 9], axis=2)
    assert not read_film(saved(tmp_path, Image.fromarray(tinted), "PNG")).radiograph.header.colour


def test_deep_colour_is_refused(tmp_path: Path) -> None:
    import imagecodecs

    deep = np.repeat(film_array(bits=16)[..., None], 3, axis=2)
    (tmp_path / "deep.png").write_bytes(imagecodecs.png_encode(deep))
    with pytest.raises(UserError) as caught:
        read_film(tmp_path / "deep.png")
    assert caught.value.code is ErrorCode.FILM_UNSUPPORTED


@pytest.mark.parametrize("bits", [8, 16])
def test_tiff_where_white_is_zero(tmp_path: Path, bits: int) -> None:
    array = film_array(bits=bits)
    path = saved(tmp_path, Image.fromarray(array), "TIFF")
    data = path.read_bytes()
    entry = b"\x06\x01\x03\x00\x01\x00\x00\x00"
    assert data.count(entry + b"\x01\x00") == 1
    path.write_bytes(data.replace(entry + b"\x01\x00", entry + b"\x00\x00"))
    film = read_film(path)
    turned: NDArray[Any] = array.max().astype(int) + array.min() - array
    np.testing.assert_array_equal(film.values, turned)
    assert film.eight_bit[0, 0] == 255  # zero is white
    assert film.eight_bit[0, 1] == 0


def test_pages_of_a_tiff_count(tmp_path: Path) -> None:
    pages = [Image.fromarray(film_array(seed=s, bits=8)) for s in (1, 2)]
    path = saved(tmp_path, pages[0], "TIFF", save_all=True, append_images=pages[1:])
    film = read_film(path)
    assert film.radiograph.header.frames == 2
    np.testing.assert_array_equal(film.values, np.asarray(pages[0]))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF"])
@pytest.mark.parametrize("keep", [0.1, 0.5, 0.9])
def test_a_cut_picture_is_damaged(tmp_path: Path, kind: str, keep: float) -> None:
    path = saved(tmp_path, Image.fromarray(film_array(200, 200, bits=8)), kind)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * keep)])
    with pytest.raises(UserError) as caught:
        read_film(path)
    assert caught.value.code is ErrorCode.FILM_DAMAGED


@pytest.mark.parametrize("side", [10_001, 15_000])
def test_a_huge_picture_is_refused_before_it_is_decoded(tmp_path: Path, side: int) -> None:
    path = tmp_path / "huge.png"
    Image.new("1", (side, side)).save(path)
    with pytest.raises(UserError) as caught:
        read_film(path)
    assert caught.value.code is ErrorCode.FILM_TOO_LARGE
