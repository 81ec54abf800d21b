"""Halving for the eye: the quick ways give what the plain way gives."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hipcad_desktop.imaging.pyramid import halved, pyramid


@settings(max_examples=40, deadline=None)
@given(
    kind=st.sampled_from(["uint8", "uint16", "int16", "int32"]),
    height=st.integers(2, 150),
    width=st.integers(2, 90),
    most=st.sampled_from([200, 4095, 16383, 16384, 30000]),
    seed=st.integers(0, 9),
)
def test_every_pixel_is_the_rounded_mean_of_four(kind: str, height: int, width: int, most: int, seed: int) -> None:
    top = min(most, np.iinfo(kind).max)
    values = np.random.default_rng(seed).integers(0, top + 1, (height, width)).astype(kind)
    values[0, 0] = top
    h, w = height // 2 * 2, width // 2 * 2
    four = values[:h, :w].astype(np.int64).reshape(h // 2, 2, w // 2, 2).sum(axis=(1, 3))
    found = halved(values)
    assert found.dtype == values.dtype
    assert (found == (four + 2) >> 2).all()


def test_a_view_into_a_larger_picture_is_halved_alike() -> None:
    whole = np.random.default_rng(1).integers(0, 256, (64, 101), dtype=np.uint8)
    part = whole[3:61, 5:100]
    assert (halved(part) == halved(part.copy())).all()


def test_halving_stops_before_the_film_is_a_stamp() -> None:
    levels = pyramid(np.zeros((2200, 1100), np.uint16))
    assert [level.shape for level in levels] == [(2200, 1100), (1100, 550), (550, 275)]


@pytest.mark.parametrize("value", [0.5, -3.0])
def test_floating_point_stays_so(value: float) -> None:
    assert (halved(np.full((4, 4), value, np.float32)) == np.float32(value)).all()
