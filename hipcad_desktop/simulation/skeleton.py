"""All bones of one patient on the raster: their shadow, the landmarks, and where the fracture shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hipcad_desktop.domain.anatomy import FractureType, Side
from hipcad_desktop.simulation.anatomy import Anatomy, Pose, Stream, stream
from hipcad_desktop.simulation.beam import Beam, Frame, Points, rotation
from hipcad_desktop.simulation.femur import Femur, cortex_mm, femur, spongy
from hipcad_desktop.simulation.fracture import Fragment, broken, intact
from hipcad_desktop.simulation.pelvis import half_pelvis, point
from hipcad_desktop.simulation.raster import Picture, smoothstep
from hipcad_desktop.simulation.sheet import spread
from hipcad_desktop.simulation.solid import Solid, projected, sampled, shell
from hipcad_desktop.simulation.spine import endplates, lumbar, sacrum

STEP_MM = 1.2  # between samples along a ray
_MIRROR = np.diag([-1.0, 1.0, 1.0])


@dataclass(frozen=True, slots=True, eq=False)
class Shadow:
    """Bone in mm of dense bone at each pixel of the raster, and landmarks as (column, row) of the raster."""

    bone: Picture
    heads: Mapping[Side, tuple[float, float]]
    symphysis: tuple[float, float]
    promontory: tuple[float, float]
    fracture: tuple[float, float, float, float] | None  # x0, y0, x1, y1 of the broken surfaces


def cast(beam: Beam, *, seed: int, anatomy: Anatomy, pose: Pose, fracture: FractureType | None, side: Side) -> Shadow:
    """The skeleton's shadow, with one hip broken where a fracture type is given."""
    rng = stream(seed, Stream.SHAPE)
    bone = _pelvis_and_spine(beam, anatomy, pose, rng)
    hips = _hips(anatomy, pose)
    shape = femur(anatomy, rng)
    seen: list[NDArray[np.float64]] = []
    for one in (Side.RIGHT, Side.LEFT):
        fragments = intact()
        if fracture is not None and one is side:
            fragments = broken(shape, fracture, stream(seed, Stream.FRACTURE))
        for fragment in fragments:
            part, surface = _fragment_shadow(beam, shape, _leg(pose, one, hips[one]), fragment)
            bone += part
            seen.append(surface)
    middle = beam.project(pose.pelvis.to_world(np.array([[0, 42, -anatomy.pubic_drop_mm], [0, -22, 100]])))
    return Shadow(
        bone=bone,
        heads={s: _pair(beam.project(hips[s])[0]) for s in hips},
        symphysis=_pair(middle[0]),
        promontory=_pair(middle[1]),
        fracture=_extent(np.concatenate(seen)),
    )


def _pair(at: NDArray[np.float64]) -> tuple[float, float]:
    return float(at[0]), float(at[1])


def _hips(a: Anatomy, pose: Pose) -> dict[Side, Points]:
    at = pose.pelvis.to_world(np.array([[-a.half_heads_mm, 0, 0], [a.half_heads_mm, 0, 0]]))
    return {Side.RIGHT: at[0], Side.LEFT: at[1]}


def _leg(pose: Pose, side: Side, hip: Points) -> Frame:
    """The femur's frame: turned outwards about its length, adducted, flexed; mirrored on the patient's right."""
    i = 0 if side is Side.RIGHT else 1
    turned = Frame(rotation((0, 0, 1), -pose.external_deg[i]), np.zeros(3))
    adducted = Frame(rotation((0, 1, 0), pose.adduction_deg[i]), np.zeros(3)).after(turned)
    flexed = Frame(rotation((1, 0, 0), pose.flexion_deg[i]), np.zeros(3)).after(adducted)
    return Frame(_MIRROR if side is Side.RIGHT else np.eye(3), hip).after(flexed)


def _pelvis_and_spine(beam: Beam, a: Anatomy, pose: Pose, rng: np.random.Generator) -> Picture:
    bone = np.zeros((beam.height, beam.width), dtype=np.float32)
    for matrix in (_MIRROR, np.eye(3)):
        half = half_pelvis(a, rng)
        frame = pose.pelvis.after(Frame(matrix, np.zeros(3)))
        bone += _half_pelvis_shadow(beam, a, half.solid.placed(frame), frame)
        for sheet in half.sheets:
            bone += spread(beam, sheet.placed(frame))
    bone += _sacrum_shadow(beam, sacrum(a, rng).placed(pose.pelvis), pose.pelvis)
    vertebrae = lumbar(a, rng)
    for vertebra in vertebrae:
        bone += _plain(beam, vertebra.placed(pose.pelvis), cortex_mm=0.5, inner=0.21)
    for sheet in endplates(a, rng, vertebrae):
        bone += spread(beam, sheet.placed(pose.pelvis))
    return bone * np.float32(1 - 0.25 * a.osteoporosis)


def _plain(beam: Beam, solid: Solid, *, cortex_mm: float, inner: float) -> Picture:
    inside = sampled(beam, solid, step_mm=STEP_MM)
    density = shell(inside, cortex_mm=cortex_mm, cortex=0.9, inner=inner, step_mm=STEP_MM)
    return projected(beam, inside, density, step_mm=STEP_MM)


def _sacrum_shadow(beam: Beam, solid: Solid, frame: Frame) -> Picture:
    """Dense at its base, hardly seen at its tip."""
    inside = sampled(beam, solid, step_mm=STEP_MM)
    z = frame.to_local((inside.x, inside.y, inside.z))[2]
    level = smoothstep((z + 10) / 90)
    density = shell(inside, cortex_mm=0.35, cortex=0.9, inner=0.05 + 0.14 * level, step_mm=STEP_MM)
    return projected(beam, inside, density * (0.35 + 0.65 * level), step_mm=STEP_MM)


def _half_pelvis_shadow(beam: Beam, a: Anatomy, solid: Solid, frame: Frame) -> Picture:
    """The solid part of one half.

    Where round cones give borders that a pelvis has not (the acetabulum's outside, the blade of the lower ramus) the
    cortex is thin; upwards the solid fades, since the wing goes on as a plate.
    """
    inside = sampled(beam, solid, step_mm=STEP_MM)
    x, y, z = frame.to_local((inside.x, inside.y, inside.z))
    cortex = np.full_like(x, 0.9)
    h, low = a.half_heads_mm, -a.pubic_drop_mm - 40
    for (cx, cy, cz), radius, width in (
        ((h, 0, 0), a.head_radius_mm + 8, 9),
        ((h - 1, 0, 34), 0, 30),
        ((31, 10, low), 0, 15),
    ):
        dx, dy, dz = x - np.float32(cx), y - np.float32(cy), z - np.float32(cz)
        away = (np.sqrt(dx * dx + dy * dy + dz * dz) - np.float32(radius)) / np.float32(width)
        cortex *= 1 - np.float32(0.72) * np.exp(-(away**2))
    thickness = 1.0 - 0.25 * a.osteoporosis
    density = shell(inside, cortex_mm=thickness, cortex=cortex, inner=0.12, step_mm=STEP_MM)
    return projected(beam, inside, density * (1 - smoothstep((z - 22) / 30)), step_mm=STEP_MM)


def _fragment_shadow(beam: Beam, f: Femur, leg: Frame, fragment: Fragment) -> tuple[Picture, NDArray[np.float64]]:
    """A fragment's shadow and the raster points [n, 2] of its broken surfaces."""
    frame = leg.after(fragment.motion)
    low, high = _reach(f, frame, fragment)
    inside = sampled(beam, f.solid.placed(frame), step_mm=STEP_MM, low=low, high=high)
    x, y, z = frame.to_local((inside.x, inside.y, inside.z))
    kept = np.ones_like(x)
    extra = np.zeros_like(x)
    surface = np.zeros(len(x), dtype=bool)
    for cut, sign in fragment.sides:
        ahead = cut.side(x, y, z) * np.float32(sign)
        kept *= np.clip(0.5 + ahead / np.float32(STEP_MM), 0, 1)
        if cut.gap_mm > 0:
            kept *= np.where(np.abs(ahead) < cut.gap_mm / 2, np.float32(cut.gap_density), np.float32(1))
        if cut.pressed > 0:
            extra += np.float32(cut.pressed) * np.exp(-((ahead / 2) ** 2))
        surface |= np.abs(ahead) < 1.5
    density = shell(
        inside,
        cortex_mm=cortex_mm(f, x, y, z),
        cortex=1 - 0.2 * f.osteoporosis,
        inner=spongy(f, x, y, z),
        step_mm=STEP_MM,
    )
    density = (density + extra * (inside.distance < 0)) * kept
    pixel = inside.pixel[surface & (kept > 0.05) & (inside.distance < 0)]
    at = np.stack([pixel % beam.width, pixel // beam.width], axis=1) + 0.5
    return projected(beam, inside, density, step_mm=STEP_MM), at.astype(np.float64)


def _reach(f: Femur, frame: Frame, fragment: Fragment) -> tuple[Points | None, Points | None]:
    """The world box of a fragment without shaft, so that the shaft is not sampled for nothing."""
    ends = f.base + f.shaft * 220
    x, y, z = (np.array([c], dtype=np.float32) for c in ends)
    with_shaft = all(float(cut.side(x, y, z)[0]) * sign > 0 for cut, sign in fragment.sides)
    if with_shaft:
        return None, None
    low = point(-f.radius - 4, -42 * f.scale, f.lesser[2] - 30)
    high = point(f.greater[0] + 22, 42 * f.scale, max(f.radius, f.greater[2] + 12) + 6)
    corners = np.array([(a, b, c) for a in (low[0], high[0]) for b in (low[1], high[1]) for c in (low[2], high[2])])
    world = frame.to_world(corners)
    return world.min(axis=0), world.max(axis=0)


def _extent(points: NDArray[np.float64]) -> tuple[float, float, float, float] | None:
    if not len(points):
        return None
    x0, y0 = np.percentile(points, 0.5, axis=0)
    x1, y1 = np.percentile(points, 99.5, axis=0)
    return float(x0), float(y0), float(x1), float(y1)
