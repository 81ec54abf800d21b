"""Films that are no frontal pelvis, to try refusals with: coarse, but lit by the same beam and detector."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from hipcad_desktop.domain.anatomy import Side
from hipcad_desktop.domain.geometry import Size
from hipcad_desktop.simulation.anatomy import Anatomy, Pose, Stream, draw_anatomy, draw_pose, stream
from hipcad_desktop.simulation.beam import Beam, Frame, rotation
from hipcad_desktop.simulation.case import Case, Cassette
from hipcad_desktop.simulation.exposure import STYLES, Hospital, draw_exposure, exposed, marked, shuttered
from hipcad_desktop.simulation.film import Plan, planned, taken
from hipcad_desktop.simulation.limbs import Scene, chest, hand, knee, lumbar_spine, shadows
from hipcad_desktop.simulation.raster import resized


class WrongKind(StrEnum):
    """What the film shows instead of a frontal pelvis."""

    ONE_HIP = "one hip"
    LATERAL_HIP = "lateral hip"
    FROG = "frog-leg pelvis"
    KNEE = "knee"
    CHEST = "chest"
    LUMBAR = "lumbar spine"
    HAND = "hand"


@dataclass(frozen=True, slots=True, eq=False)
class WrongFilm:
    """values: 12-bit grey [height, width], bone white; female and age_years of the fictitious patient."""

    values: NDArray[np.uint16]
    kind: WrongKind
    hospital: Hospital
    seed: int
    spacing_mm: float
    female: bool
    age_years: int


def wrong_film(kind: WrongKind, *, seed: int, hospital: Hospital = "A", size: Size | None = None) -> WrongFilm:
    """A film of this kind. The same arguments give the same film."""
    rng = stream(seed, Stream.CASE)
    scene = _SCENES.get(kind)
    if scene is not None:
        return _of_scene(scene, kind, seed, hospital, size, rng)
    plan = _pelvic(kind, seed, hospital, size, rng)
    values = taken(plan, None, Side.LEFT)[0]
    a = plan.anatomy
    return WrongFilm(values, kind, hospital, seed, plan.spacing_mm, a.female, a.age_years)


_SCENES: Mapping[WrongKind, Callable[[np.random.Generator, Anatomy], Scene]] = {
    WrongKind.KNEE: knee,
    WrongKind.CHEST: chest,
    WrongKind.LUMBAR: lumbar_spine,
    WrongKind.HAND: hand,
}


def _pelvic(kind: WrongKind, seed: int, hospital: Hospital, size: Size | None, rng: np.random.Generator) -> Plan:
    """The pelvis of a seed in another pose or on another part of the cassette."""
    plan = planned(seed=seed, size=size, hospital=hospital, case=Case(cassette=Cassette.PORTRAIT))
    if kind is WrongKind.ONE_HIP:
        return _one_hip(plan, rng)
    if kind is WrongKind.LATERAL_HIP:
        return _lateral(plan, rng)
    legs = rng.uniform(35, 65, 2), rng.uniform(-45, -25, 2), rng.uniform(25, 60, 2)
    external, adduction, flexion = ((float(v[0]), float(v[1])) for v in legs)
    return replace(plan, pose=replace(plan.pose, external_deg=external, adduction_deg=adduction, flexion_deg=flexion))


def _one_hip(plan: Plan, rng: np.random.Generator) -> Plan:
    """The cassette lies under one thigh: the other hip is off the film or at its edge."""
    half = plan.anatomy.half_heads_mm * plan.anatomy.scale * 1.16
    width = float(rng.uniform(210, 330))
    height = width * plan.size.height / plan.size.width
    side = 1 if rng.random() < 0.5 else -1
    hip_at = width * float(rng.uniform(0.35, 0.6)) if side > 0 else width * float(rng.uniform(0.4, 0.65))
    out = 2 * half - (width - hip_at if side < 0 else hip_at)  # of the other head beyond the film's edge
    hip_at -= side * max(0.0, 12 - out)
    return replace(
        plan,
        field_mm=(width, height),
        centre_mm=(hip_at - side * half, height * float(rng.uniform(0.2, 0.5))),
    )


def _lateral(plan: Plan, rng: np.random.Generator) -> Plan:
    """The patient on the side: the hips one behind the other, the thighs bent forwards."""
    quarter = 90 if rng.random() < 0.5 else -90
    turn = Frame(rotation((0, 0, 1), quarter + float(rng.normal(0, 10))), np.zeros(3))
    p = plan.pose
    front = 1 if quarter > 0 else -1  # the front looks to the picture's right where the patient turned to the left
    bent = float(rng.uniform(5, 60)) * front, -float(rng.uniform(-5, 40)) * front
    pose = Pose(turn.after(p.pelvis), p.roll_deg, p.shift_mm, (quarter, -quarter), bent, (0.0, 0.0))
    stout = replace(plan.anatomy, girth=min(1.0, plan.anatomy.girth + 0.4))
    return replace(plan, pose=pose, anatomy=stout)


def _of_scene(
    make: Callable[[np.random.Generator, Anatomy], Scene],
    kind: WrongKind,
    seed: int,
    hospital: Hospital,
    size: Size | None,
    rng: np.random.Generator,
) -> WrongFilm:
    style = STYLES[hospital]
    anatomy = draw_anatomy(stream(seed, Stream.ANATOMY))
    scene = make(rng, anatomy)
    width_mm, height_mm = scene.field_mm
    if size is None:
        per_mm = style.size.width / style.field_mm
        size = Size(round(width_mm * per_mm * 1.15), round(height_mm * per_mm * 1.15))
    height_mm = width_mm * size.height / size.width
    pitch = max(0.8, width_mm / size.width)
    columns, rows = max(8, round(width_mm / pitch)), max(8, round(height_mm / pitch))
    shift = draw_pose(stream(seed, Stream.POSE)).shift_mm
    beam = Beam(
        source_mm=style.source_mm,
        object_mm=60.0,
        centre_u_mm=width_mm / 2 + 0.5 * shift[0],
        centre_v_mm=height_mm / 2 + 0.5 * shift[1],
        pitch_u_mm=width_mm / columns,
        pitch_v_mm=height_mm / rows,
        width=columns,
        height=rows,
    )
    water, bone = (np.maximum(resized(p, width=size.width, height=size.height), 0) for p in shadows(beam, scene, rng))
    noise = stream(seed, Stream.NOISE)
    exposure, spacing = draw_exposure(noise), width_mm / size.width
    values = exposed(water, bone, style=style, exposure=exposure, pitch_mm=spacing, rng=noise)
    drawn = stream(seed, Stream.EXPOSURE)
    values = marked(shuttered(values, style=style, rng=drawn), style=style, rng=drawn)
    return WrongFilm(values, kind, hospital, seed, spacing, anatomy.female, anatomy.age_years)
