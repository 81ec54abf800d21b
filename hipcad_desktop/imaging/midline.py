"""Where the patient's midline runs on a frontal pelvis (METHOD 3.4)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hipcad_desktop.domain.scope import Midline
from hipcad_desktop.imaging.pelvis import find_pelvis, pyramid


def find_midline(eight_bit: NDArray[np.uint8]) -> Midline:
    """The midline of a displayed film, H x W, bone white. Never fails; a low confidence says that there is none."""
    found = find_pelvis(pyramid(eight_bit))
    width = float(eight_bit.shape[1])
    return Midline(x_px=float(np.clip(found.x * width, 0.0, width)), confidence=found.confidence)
