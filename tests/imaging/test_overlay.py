"""Heat over a hip: readable for any colour vision, and nothing where there is no heat."""

from __future__ import annotations

import numpy as np

from hipcad_desktop.imaging.overlay import colour_table, heat_image, heat_overlay
from tests.fakes.dicom_files import film_array


def test_colours_rise_in_lightness() -> None:
    lightness = colour_table() @ np.array([0.2126, 0.7152, 0.0722])
    assert (np.diff(lightness) > -0.5).all()
    assert lightness[-1] - lightness[0] > 200


def test_no_heat_leaves_the_hip_as_it_is() -> None:
    hip = film_array(380, 380, bits=8)
    laid = heat_overlay(hip, np.zeros((12, 12), np.float32))
    np.testing.assert_array_equal(laid, np.repeat(hip[..., None], 3, axis=2))


def test_heat_lies_where_it_is() -> None:
    hip = np.full((380, 380), 100, np.uint8)
    heat = np.zeros((10, 10), np.float32)
    heat[2, 7] = 1
    laid = heat_overlay(hip, heat).astype(int)
    changed = np.abs(laid - 100).sum(axis=2)
    y, x = np.unravel_index(changed.argmax(), changed.shape)
    assert (y // 38, x // 38) == (2, 7)
    assert changed[:, :190].max() == 0
    assert np.abs(heat_overlay(hip, heat, opacity=0).astype(int) - 100).max() == 0
    assert changed.max() < np.abs(heat_overlay(hip, heat, opacity=0.9).astype(int) - 100).sum(axis=2).max()


def test_heat_image_reaches_255_and_takes_any_scale() -> None:
    heat = np.abs(np.random.default_rng(0).standard_normal((12, 12))).astype(np.float32)
    image = heat_image(heat, (300, 200))
    assert image.shape == (200, 300)
    assert image.max() == 255
    np.testing.assert_array_equal(image, heat_image(heat * 4, (300, 200)))
    assert heat_image(np.zeros((12, 12), np.float32), (30, 20)).max() == 0
