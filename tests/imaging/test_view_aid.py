"""Local contrast: the same wherever one looks, stronger than before, and never in the film."""

from __future__ import annotations

import numpy as np
import pytest

from hipcad_desktop.imaging.view_aid import LocalContrast


@pytest.fixture
def dull() -> np.ndarray:
    """Faint stripes on a slope of grey, 300 x 400."""
    y, x = np.mgrid[0:300, 0:400]
    return (60 + x * 0.2 + 4 * np.sin(y / 3)).astype(np.uint8)


def test_a_part_looks_as_it_does_in_the_whole(dull: np.ndarray) -> None:
    aid = LocalContrast(dull)
    whole = aid.applied(dull, origin=(0, 0), whole=(400, 300))
    part = aid.applied(dull[40:171, 33:290], origin=(33, 40), whole=(400, 300))
    assert (part == whole[40:171, 33:290]).all()


def test_faint_stripes_become_clear(dull: np.ndarray) -> None:
    seen = LocalContrast(dull).applied(dull, origin=(0, 0), whole=(400, 300))
    before, after = dull[100:200, 200].std(), seen[100:200, 200].std()
    assert after > 1.5 * before


def test_brighter_stays_brighter(dull: np.ndarray) -> None:
    ramp = np.tile(np.arange(256, dtype=np.uint8), (8, 1))
    tables = LocalContrast(dull, tiles=1).applied(ramp, origin=(0, 0), whole=(256, 8))
    assert (np.diff(tables[0].astype(int)) >= 0).all()


def test_there_are_no_seams_between_tiles(dull: np.ndarray) -> None:
    slope = np.tile(np.linspace(20, 230, 400), (300, 1)).astype(np.uint8)
    seen = LocalContrast(slope).applied(slope, origin=(0, 0), whole=(400, 300)).astype(int)
    assert np.abs(np.diff(seen, axis=0)).max() <= 1
    assert np.abs(np.diff(seen, axis=1)).max() <= 12


def test_the_picture_itself_is_not_changed(dull: np.ndarray) -> None:
    before = dull.copy()
    LocalContrast(dull).applied(dull, origin=(0, 0), whole=(400, 300))
    assert (dull == before).all()


def test_one_flat_grey_is_no_trouble() -> None:
    flat = np.full((50, 40), 7, np.uint8)
    assert LocalContrast(flat).applied(flat, origin=(0, 0), whole=(40, 50)).shape == (50, 40)
