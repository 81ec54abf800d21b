"""A small picture out of a JPEG 2000 film in a tenth of the time: only its lower resolutions are decoded.

imagecodecs has no word for that, Pillow has (both are OpenJPEG). For the eye only, until the whole film is there.
"""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydicom.dataset import Dataset

from hipcad_desktop.imaging.decoders import FrameError, describe

# JPEG 2000 and its high-throughput sister, lossless and not (PS3.5 A.4.4, A.4.11).
SYNTAXES = frozenset(f"1.2.840.10008.1.2.4.{n}" for n in (90, 91, 201, 202, 203))
LEAST_PX = 600  # of the longer side
MOST_HALVINGS = 5  # what encoders use unless told otherwise


def reduced_frame(frame: bytes) -> tuple[NDArray[Any], int] | None:
    """(values of a smaller picture, how often it is halved), or None where the frame offers none."""
    try:
        said = describe(frame)
    except FrameError:
        return None
    if said.family not in ("JPEG 2000", "HTJ2K") or said.components != 1 or said.signed:
        return None
    halvings = 0
    while halvings < MOST_HALVINGS and max(said.height, said.width) >> (halvings + 1) >= LEAST_PX:
        halvings += 1
    try:
        with Image.open(io.BytesIO(frame), formats=("JPEG2000",)) as image:
            image.reduce = halvings  # type: ignore[assignment,method-assign]
            image.load()
            values: NDArray[Any] = np.asarray(image)
    except Exception:  # fewer resolutions than asked for, or damaged: the whole film will say so
        return None
    if values.dtype == np.uint16 and said.precision < 16:
        values = values >> (16 - said.precision)  # Pillow stretches what it reads to 16 bits
    return (values, halvings) if halvings and values.dtype in (np.uint8, np.uint16) else None


def frame_of(dataset: Dataset, frames: int) -> bytes:
    """The first compressed frame of a data set; raises anything."""
    from pydicom.encaps import get_frame

    return get_frame(dataset.PixelData, 0, number_of_frames=frames)
