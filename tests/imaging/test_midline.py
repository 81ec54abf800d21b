"""The midline: where it must be on a drawn pelvis, how it follows the film, and its figures on real films."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageOps

from hipcad_desktop.domain.scope import Midline
from hipcad_desktop.imaging.gradients import gradient_map
from hipcad_desktop.imaging.midline import find_midline
from hipcad_desktop.imaging.pelvis import MIRRORED_CHANNELS, Level, Pose, in_pose, load_template
from tests.fakes.pelvis_drawing import drawn_pelvis

TRUTH = Path(__file__).with_name("data") / "pelves.csv"
Pixels = NDArray[np.uint8]


@pytest.mark.parametrize("x", [0.35, 0.43, 0.5, 0.57, 0.66])
def test_midline_of_a_drawn_pelvis(x: float) -> None:
    midline = find_midline(drawn_pelvis(x=x, heads=0.4))
    assert midline.x_px / 454 == pytest.approx(x, abs=0.02)
    assert midline.confidence > 0.8


@pytest.mark.parametrize("heads", [0.25, 0.35, 0.5])
@pytest.mark.parametrize(("width", "height"), [(454, 373), (373, 454), (1400, 1150)])
def test_midline_of_any_size(heads: float, width: int, height: int) -> None:
    midline = find_midline(drawn_pelvis(width, height, x=0.47, heads=heads))
    assert midline.x_px / width == pytest.approx(0.47, abs=0.02)


def test_a_mirrored_film_has_the_mirrored_midline() -> None:
    film = drawn_pelvis(x=0.42)
    there, back = find_midline(film), find_midline(film[:, ::-1])
    assert back.x_px == pytest.approx(454 - there.x_px, abs=0.01 * 454)


@pytest.mark.parametrize("pad_px", [37, 110])
def test_a_padded_film_has_the_shifted_midline(pad_px: int) -> None:
    film = drawn_pelvis(x=0.5)
    padded = np.pad(film, ((0, 0), (pad_px, 0)))
    assert find_midline(padded).x_px == pytest.approx(find_midline(film).x_px + pad_px, abs=0.015 * padded.shape[1])


@pytest.mark.parametrize("change", [lambda a: a * 0.4, lambda a: a * 0.5 + 100, lambda a: 255 * (a / 255) ** 0.6])
def test_exposure_does_not_move_the_midline(change: Callable[[NDArray[np.float64]], NDArray[np.float64]]) -> None:
    film = drawn_pelvis(x=0.45)
    changed = change(film.astype(np.float64)).astype(np.uint8)
    assert find_midline(changed).x_px == pytest.approx(find_midline(film).x_px, abs=0.01 * 454)


@pytest.mark.parametrize("times", [3, 8])
def test_a_larger_scan_has_the_same_midline(times: int) -> None:
    film = Image.fromarray(drawn_pelvis(x=0.45))
    large = np.asarray(film.resize((454 * times, 373 * times), Image.Resampling.BICUBIC))
    expected = find_midline(np.asarray(film)).x_px * times
    assert find_midline(large).x_px == pytest.approx(expected, abs=0.01 * 454 * times)


@pytest.mark.parametrize(("height", "width"), [(300, 400), (20, 9), (2, 2), (1, 1), (40, 3000)])
def test_without_a_pelvis_the_midline_is_unsure_and_inside(height: int, width: int) -> None:
    pixels: Pixels = np.eye(height, width, dtype=np.uint8) * np.uint8(200)
    midline = find_midline(pixels)
    assert 0 <= midline.x_px <= pixels.shape[1]
    assert midline.confidence < 0.5


def test_the_template_is_its_own_mirror_image() -> None:
    weights = load_template().weights
    np.testing.assert_allclose(weights, weights[:, ::-1][:, :, MIRRORED_CHANNELS], atol=2e-5)


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_turning_the_film_is_turning_its_map(quarters: int) -> None:
    film = Image.fromarray(drawn_pelvis(320, 320))
    turned = Image.fromarray(np.ascontiguousarray(np.rot90(np.asarray(film), -quarters)))
    level = Level(gradient_map(turned, (320, 320)), (320, 320))
    cells, _ = in_pose(level, Pose(quarters))
    np.testing.assert_allclose(cells, gradient_map(film, (320, 320)), atol=1e-3)


def test_inverting_the_film_is_permuting_its_map() -> None:
    film = drawn_pelvis(320, 320)
    level = Level(gradient_map(Image.fromarray(255 - film), (320, 320)), (320, 320))
    cells, _ = in_pose(level, Pose(inverted=True))
    np.testing.assert_allclose(cells, gradient_map(Image.fromarray(film), (320, 320)), atol=1e-3)


def _truth() -> dict[str, float]:
    """Midline as a share of the width, placed by eye, for films that show both hips."""
    with TRUTH.open(encoding="ascii") as table:
        return {row["file"]: float(row["midline"]) for row in csv.DictReader(table) if row["head_left_x"]}


def test_real_films_within_four_percent(capsys: pytest.CaptureFixture[str]) -> None:
    folder = os.environ.get("HIPCAD_REAL_FILMS")
    if not folder:
        pytest.skip("HIPCAD_REAL_FILMS names no folder of real films")
    truth = _truth()
    found: dict[str, tuple[Midline, int]] = {}
    for path in Path(folder).rglob("*.jpg"):
        if path.name in truth:
            pixels = np.asarray(ImageOps.exif_transpose(Image.open(path)).convert("L"))
            found[path.name] = (find_midline(pixels), pixels.shape[1])
    if not found:
        pytest.skip("HIPCAD_REAL_FILMS holds none of the films of pelves.csv")
    errors = np.array([abs(m.x_px / width - truth[name]) for name, (m, width) in found.items()])
    with capsys.disabled():
        print(f"\nmidline within 4 % on {np.mean(errors <= 0.04):.1%} of {errors.size} films")
    assert np.mean(errors <= 0.04) >= 0.9
