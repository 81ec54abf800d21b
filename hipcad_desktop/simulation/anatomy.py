"""Whose film it is: the measures of a fictitious patient and how he or she lies on the table."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from hipcad_desktop.simulation.beam import Frame, rotation


class Stream(IntEnum):
    """Independent random streams of one seed, so that breaking a hip leaves everything else as it was."""

    ANATOMY = 1
    POSE = 2
    TISSUE = 3
    FRACTURE = 4
    EXPOSURE = 5
    NOISE = 6
    TEXTURE = 7
    SHAPE = 8
    CASE = 9
    METAL = 10
    FEMUR = 11


def stream(seed: int, which: Stream) -> np.random.Generator:
    """The generator of one stream of a seed."""
    return np.random.Generator(np.random.PCG64([seed, int(which)]))


@dataclass(frozen=True, slots=True)
class Anatomy:
    """Measures of one patient, in mm and degrees; both sides share them up to small differences made where needed."""

    female: bool
    age_years: int
    scale: float  # of the whole skeleton
    half_heads_mm: float  # from the middle to a femoral head's centre
    head_radius_mm: float
    neck_angle_deg: float
    neck_offset_mm: float  # from the head's centre to the shaft's axis, along the neck
    neck_width: float  # 1 is usual
    shaft_lean_deg: float
    osteoporosis: float  # 0 dense .. 1 thin
    joint_space_mm: float
    osteophytes: float  # 0 none .. 1 marked
    wing_height: float
    wing_flare: float
    pubic_drop_mm: float  # of the symphysis' upper edge below the heads
    girth: float  # 0 thin .. 1 stout
    scoliosis_deg: float
    wear: float = 0.0  # of one hip's joint: 0 none .. 1 bone on bone


def draw_anatomy(rng: np.random.Generator, *, female_share: float = 0.75) -> Anatomy:
    """A patient like those of the paper: mostly women, mean age about 80."""
    female = bool(rng.random() < female_share)
    age = int(np.clip(rng.normal(80, 10), 45, 101))
    thinning = float(np.clip(rng.normal((age - 55) / 45 + (0.12 if female else -0.12), 0.2), 0, 1))
    return Anatomy(
        female=female,
        age_years=age,
        scale=float(rng.normal(0.96 if female else 1.04, 0.03)),
        half_heads_mm=float(rng.normal(89 if female else 87, 3)),
        head_radius_mm=float(rng.normal(23.2 if female else 24.8, 0.8)),
        neck_angle_deg=float(np.clip(rng.normal(128, 5), 115, 142)),
        neck_offset_mm=float(rng.normal(51, 3)),
        neck_width=float(rng.normal(1.0, 0.05)),
        shaft_lean_deg=float(rng.uniform(4, 9)),
        osteoporosis=thinning,
        joint_space_mm=float(np.clip(rng.normal(2.7, 0.6), 1.0, 4.2)),
        osteophytes=float(np.clip(rng.normal(0.1, 0.3), 0, 1)),
        wing_height=float(rng.normal(1.0, 0.05)),
        wing_flare=float(rng.normal(1.0, 0.06)),
        pubic_drop_mm=float(np.clip(rng.normal(15 if female else 23, 4), 6, 32)),
        girth=float(np.clip(rng.normal(0.3, 0.28), 0, 1)),
        scoliosis_deg=float(rng.normal(0, 4)),
    )


@dataclass(frozen=True, slots=True, eq=False)
class Pose:
    """How the patient lies: the pelvis' frame, and per side (R, L) how the leg is turned, in degrees."""

    pelvis: Frame
    roll_deg: float  # turned in the film's plane, positive with the picture's right half lower
    shift_mm: tuple[float, float]  # of the middle of the heads from the film's middle: (to the right, downwards)
    external_deg: tuple[float, float]
    adduction_deg: tuple[float, float]
    flexion_deg: tuple[float, float]


def draw_pose(rng: np.random.Generator) -> Pose:
    """A patient who lies off the middle, rolled and turned a little."""
    roll = float(rng.normal(0, 1.8))
    turn = float(np.clip(rng.normal(0, 3), -7, 7))
    tilt = float(np.clip(rng.normal(0, 4.5), -9, 9))
    rolled, turned, tilted = (
        Frame(rotation(axis, angle), np.zeros(3))
        for axis, angle in (((0, 1, 0), roll), ((0, 0, 1), turn), ((1, 0, 0), tilt))
    )
    return Pose(
        pelvis=rolled.after(turned).after(tilted),
        roll_deg=roll,
        shift_mm=(float(np.clip(rng.normal(0, 14), -32, 32)), float(rng.normal(0, 12))),
        external_deg=(float(rng.normal(4, 9)), float(rng.normal(4, 9))),
        adduction_deg=(float(rng.normal(-1, 4)), float(rng.normal(-1, 4))),
        flexion_deg=(float(rng.normal(0, 4)), float(rng.normal(0, 4))),
    )
