"""A film in memory: its identity, its values for the eye, its 8 bits for the network."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hipcad_desktop.domain.anatomy import SideMap
from hipcad_desktop.domain.radiograph import HeaderFacts, Mapping8, PatientFacts, Radiograph


@dataclass(frozen=True, slots=True, eq=False)
class Film:
    """One radiograph with its pixels, upright as displayed, bone white.

    values: H x W, after the modality LUT, integer or float32: for window and level on the screen.
    eight_bit: H x W, the recorded mapping applied: the only source of hip images (METHOD 3.5).
    """

    radiograph: Radiograph
    patient: PatientFacts
    values: NDArray[Any]
    eight_bit: NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """What a format's reader found in a file; imaging.reader makes a Film of it."""

    kind: str  # "DICOM", "JPEG", "PNG" or "TIFF"
    values: NDArray[Any]
    eight_bit: NDArray[np.uint8]
    mapping: Mapping8
    header: HeaderFacts
    sides: SideMap = field(default_factory=SideMap)
    patient: PatientFacts = field(default_factory=PatientFacts)


# Values as decoded, whether they stay exactly so, whether low is white: for a first look while the rest is worked out.
Early = Callable[[NDArray[Any], bool, bool], None]


def pixel_hash(eight_bit: NDArray[np.uint8]) -> str:
    """SHA-256 of shape and displayed pixels, 64 hex digits: one film under two file names has one hash."""
    digest = hashlib.sha256(f"{eight_bit.shape[0]}x{eight_bit.shape[1]}\n".encode())
    digest.update(np.ascontiguousarray(eight_bit).data)
    return digest.hexdigest()
