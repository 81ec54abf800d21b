"""Whether a network's weights may be kept as float16: no probability may change by more than 0.005.

Half the size, and the choice is made by the network's answers and not by its weights: what matters is what is said.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from hipcad_desktop.domain.halving import FRAME_PX
from hipcad_desktop.workflows.calibrate import probabilities

LARGEST_CHANGE = 0.005
_OF_THE_GIVEN, _MADE_UP = 16, 8
_COARSE = 20  # a made-up hip's coarsest pattern, in blocks along an edge; 380 is 19 times that


def compared_hips(given: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Up to 16 of the given hips, spread evenly over them, and 8 of noise, half of it coarse: uint8 [N, 380, 380]."""
    places = np.unique(np.linspace(0, len(given) - 1, min(_OF_THE_GIVEN, len(given))).round().astype(int))
    generator = np.random.default_rng(0)
    fine = generator.integers(0, 256, (_MADE_UP // 2, FRAME_PX, FRAME_PX), dtype=np.uint8)
    blocks = generator.integers(0, 256, (_MADE_UP // 2, _COARSE, _COARSE), dtype=np.uint8)
    side = FRAME_PX // _COARSE
    coarse = blocks.repeat(side, axis=1).repeat(side, axis=2)
    return np.concatenate([given[places], fine, coarse])


def largest_change(exact: npt.NDArray[np.float64], kept: npt.NDArray[np.float64], *, temperature: float = 1.0) -> float:
    """The largest difference of two networks' probabilities on the same hips, by their margins [N]."""
    difference: npt.NDArray[Any] = np.abs(probabilities(exact, temperature) - probabilities(kept, temperature))
    return float(difference.max())


def kept_single(change: float) -> str:
    """The warning of a model whose weights could not be halved."""
    return (
        f"The weights are kept in single precision and the file is twice as large: in half precision a probability "
        f"would change by {change:.4f}, more than {LARGEST_CHANGE}."
    )
