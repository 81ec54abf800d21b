"""A simulated film that hips are broken in, and the folder of real ones."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from hipcad_desktop.domain.anatomy import Side
from hipcad_desktop.domain.geometry import Size
from hipcad_desktop.simulation.film import simulate_film


@pytest.fixture(scope="session")
def simulated_pelvis() -> np.ndarray:
    """A whole pelvis, uint8 [H, W]."""
    film = simulate_film(seed=11, size=Size(700, 575), hospital="A", fracture=None, side=Side.LEFT)
    low, high = np.percentile(film.values, (1, 99.5))
    return (np.clip((film.values - low) / (high - low), 0, 1) * 255).astype(np.uint8)


@pytest.fixture
def real_films() -> Path:
    """The folder of real films; skipped without it."""
    folder = os.environ.get("HIPCAD_REAL_FILMS")
    if not folder:
        pytest.skip("HIPCAD_REAL_FILMS names no folder of real films")
    return Path(folder)
