"""The probe of the synthesis: it sees what is smoothed, and nothing where nothing was done."""

from __future__ import annotations

import numpy as np
import pytest

from hipcad_desktop.domain.anatomy import ImageHalf, Side
from hipcad_desktop.domain.geometry import Size
from hipcad_desktop.imaging.finder import find_hips_of
from hipcad_desktop.simulation.film import simulate_film
from hipcad_desktop.synthesis.film import BaseFilm, HipAt
from hipcad_desktop.workflows.synthesis_probe import FEWEST_PATIENTS, Traces, traces_of, traces_of_film

PATIENTS = 24


def hip(generator: np.random.Generator) -> np.ndarray:
    """Blobs and noise, uint8 [380, 380], of a contrast and brightness of its own."""
    from scipy.ndimage import gaussian_filter

    blobs = gaussian_filter(generator.normal(size=(380, 380)), 12) * generator.uniform(200, 500)
    noisy = 120 + generator.uniform(-20, 20) + blobs + gaussian_filter(generator.normal(size=(380, 380)), 0.7) * 9
    return np.asarray(np.clip(noisy, 0, 255), np.uint8)


def shifted(image: np.ndarray, order: int) -> np.ndarray:
    """Moved by half a pixel."""
    from scipy.ndimage import shift

    return np.asarray(np.clip(shift(image.astype(float), (0.5, 0.5), order=order, mode="nearest"), 0, 255), np.uint8)


def test_interpolation_is_seen() -> None:
    generator, traces = np.random.default_rng(1), Traces()
    for number in range(PATIENTS):
        image = hip(generator)
        traces.add(f"P{number}", [(traces_of(image), traces_of(shifted(image, 1)))])
    answer = traces.answer()
    assert answer.n == 2 * PATIENTS
    assert answer.value is not None
    assert answer.value > 0.9
    assert answer.low is not None
    assert answer.low > 0.5


def test_nothing_done_is_nothing_seen() -> None:
    generator, traces = np.random.default_rng(2), Traces()
    for number in range(PATIENTS):
        one, other = hip(generator), hip(generator)
        traces.add(f"P{number}", [(traces_of(one), traces_of(other))])
    answer = traces.answer()
    assert answer.value is not None
    assert answer.low is not None
    assert answer.high is not None
    assert answer.low < 0.5 < answer.high


def test_neither_contrast_nor_turning_about_matters() -> None:
    image = hip(np.random.default_rng(3))
    dull = np.asarray(image * 0.5 + 40, np.uint8)
    difference = np.abs(traces_of(dull) - traces_of(image))[:-7]  # the last are the brightness itself
    assert difference.max() < 0.2


def test_few_patients_give_no_figure() -> None:
    generator, traces = np.random.default_rng(4), Traces()
    for number in range(FEWEST_PATIENTS - 1):
        traces.add(f"P{number}", [(traces_of(hip(generator)), traces_of(hip(generator)))] * 2)
    answer = traces.answer()
    assert (answer.value, answer.n) == (None, 4 * (FEWEST_PATIENTS - 1))
    assert str(FEWEST_PATIENTS) in answer.reason


def test_a_film_gives_both_hips_before_and_after() -> None:
    film = simulate_film(seed=11, size=Size(460, 380), hospital="A", fracture=None, side=Side.LEFT)
    low, high = np.percentile(film.values, (1, 99.5))
    eight = (np.clip((film.values - low) / (high - low), 0, 1) * 255).astype(np.uint8)
    found = find_hips_of(eight)
    assert found is not None
    left, right = (HipAt(h.half, (h.head_x, h.head_y), (h.shaft_x, h.shaft_y), h.heads_px) for h in found)
    assert left.half is ImageHalf.LEFT
    base = BaseFilm.of(eight, (left, right))
    hips = traces_of_film(base, (left.head, right.head), np.random.default_rng(1))
    assert len(hips) == 2
    for before, after in hips:
        assert before.shape == after.shape
        assert np.isfinite(before).all()
        assert (before != after).any()
        assert before == pytest.approx(after, abs=3)
