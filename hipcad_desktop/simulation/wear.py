"""Osteoarthritis of a hip by its grade (Kellgren and Lawrence 1957): narrow joint, lips, sclerosis, cysts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hipcad_desktop.simulation.anatomy import Anatomy
from hipcad_desktop.simulation.beam import Points
from hipcad_desktop.simulation.pelvis import point

_SPACE = (1.0, 0.97, 0.88, 0.72, 0.62)  # of the socket's usual gap
_RISE = (0.0, 0.0, 0.15, 0.38, 0.55)  # of the gap that the head moves upwards
_LIPS = (0.0, 0.2, 0.45, 0.8, 1.0)
_WEAR = (0.0, 0.0, 0.25, 0.65, 1.0)


def worn(a: Anatomy, grade: int) -> Anatomy:
    """The measures of one hip with osteoarthritis of a grade 0 to 4."""
    return replace(
        a,
        joint_space_mm=a.joint_space_mm * _SPACE[grade],
        osteophytes=max(a.osteophytes, _LIPS[grade]),
        wear=_WEAR[grade],
    )


def head_shift(a: Anatomy, grade: int) -> Points:
    """How far the femoral head moved, up and outwards where cartilage is lost, in mm of the pelvis' left half."""
    lost = a.joint_space_mm * _RISE[grade]
    return point(0.35 * lost, 0, lost)


def cysts(a: Anatomy, rng: np.random.Generator) -> Points:
    """Cysts [n, 4] in the femur's frame: middle and radius in mm, under the loaded surface."""
    count = int(rng.integers(0, 4)) if a.wear > 0.5 else 0
    rows = []
    for _ in range(count):
        angle = np.radians(rng.uniform(55, 115))
        depth = a.head_radius_mm * rng.uniform(0.55, 0.8)
        rows.append([depth * np.cos(angle), rng.normal(0, 5), depth * np.sin(angle), rng.uniform(2.5, 5.5)])
    return np.array(rows, dtype=np.float64).reshape(-1, 4)
