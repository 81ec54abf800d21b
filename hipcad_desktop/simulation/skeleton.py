"""All bones of one patient on the raster: their shadow, the landmarks, and where the fracture shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hipcad_desktop.domain.anatomy import FractureType, Side
from hipcad_desktop.simulation.anatomy import Anatomy, Pose, Stream, stream
from hipcad_desktop.simulation.beam import Beam, Frame, Points, rotation
from hipcad_desktop.simulation.case import Case, Implant
from hipcad_desktop.simulation.femur import Femur, cortex_mm, femur, spongy
from hipcad_desktop.simulation.fracture import Fragment, broken, intact
from hipcad_desktop.simulation.implants import metal, spine_metal
from hipcad_desktop.simulation.pelvis import half_pelvis, point
from hipcad_desktop.simulation.raster import Picture, smoothstep
from hipcad_desktop.simulation.sheet import spread
from hipcad_desktop.simulation.solid import Solid, projected, sampled, shell
from hipcad_desktop.simulation.spine import body_middles, endplates, lumbar, sacrum
from hipcad_desktop.simulation.wear import head_shift, worn

STEP_MM = 1.2  # between samples along a ray
METAL_STEP_MM = 0.7
_MIRROR = np.diag([-1.0, 1.0, 1.0])


@dataclass(frozen=True, slots=True, eq=False)
class Break:
    """One hip's fracture on the raster: x0, y0, x1, y1 of the broken surfaces, and the shadow's change by it in mm."""

    side: Side
    fracture_type: FractureType
    extent: tuple[float, float, float, float]
    change: Picture


@dataclass(frozen=True, slots=True, eq=False)
class Shadow:
    """Bone in mm of dense bone and metal in mm at each pixel; landmarks as (column, row) of the raster."""

    bone: Picture
    metal: Picture
    heads: Mapping[Side, tuple[float, float]]
    shafts: Mapping[Side, tuple[float, float]]  # on the shaft's axis, see _foot
    symphysis: tuple[float, float]
    promontory: tuple[float, float]
    breaks: tuple[Break, ...]  # the asked one first


@dataclass(frozen=True, slots=True)
class _Hip:
    """What is asked of one hip."""

    side: Side
    fracture: FractureType | None
    implant: Implant | None
    pathologic: bool
    second: bool  # not the asked one


def cast(
    beam: Beam, *, seed: int, anatomy: Anatomy, pose: Pose, case: Case, fracture: FractureType | None, side: Side
) -> Shadow:
    """The skeleton's shadow, with one hip broken where a fracture type is given, and what the case adds."""
    rng = stream(seed, Stream.SHAPE)
    bone, metal_mm = _pelvis_and_spine(beam, anatomy, pose, case, rng, stream(seed, Stream.METAL).spawn(1)[0])
    hips = _hips(anatomy, pose, case)
    shafts, breaks = {}, []
    for hip in _asked(case, fracture, side):
        shape = femur(worn(anatomy, case.grade(hip.side)), stream(seed, Stream.FEMUR))
        leg = _leg(pose, hip.side, hips[hip.side])
        part, hip_metal, broken_part, foot = _hip_shadow(beam, shape, leg, hip, seed)
        bone += part
        metal_mm += hip_metal
        shafts[hip.side] = _pair(beam.project(foot)[0])
        if broken_part is not None:
            breaks.append(broken_part)
    middle = beam.project(pose.pelvis.to_world(np.array([[0, 42, -anatomy.pubic_drop_mm], [0, -22, 100]])))
    return Shadow(
        bone=bone,
        metal=metal_mm,
        heads={s: _pair(beam.project(hips[s])[0]) for s in hips},
        shafts=shafts,
        symphysis=_pair(middle[0]),
        promontory=_pair(middle[1]),
        breaks=tuple(breaks),
    )


def _asked(case: Case, fracture: FractureType | None, side: Side) -> tuple[_Hip, _Hip]:
    other = case.other_fracture if fracture is not None else None
    return (
        _Hip(side, fracture, case.implant(side), case.pathologic, False),
        _Hip(side.other, other, case.implant(side.other), False, True),
    )


def _hip_shadow(
    beam: Beam, shape: Femur, leg: Frame, hip: _Hip, seed: int
) -> tuple[Picture, Picture, Break | None, Points]:
    """One femur's bone and metal in mm, its fracture, and the world point on its shaft."""
    rng = stream(seed, Stream.FRACTURE)
    rng = rng.spawn(2)[1] if hip.second else rng
    fragments, metal_mm = intact(), np.zeros((beam.height, beam.width), dtype=np.float32)
    if hip.implant is not None:
        put_in = metal(shape, hip.implant, stream(seed, Stream.METAL))
        fragments = put_in.fragments()
        metal_mm = metal_shadow(beam, put_in.solids, leg)
    whole = fragments
    if hip.fracture is not None:
        fragments = broken(shape, hip.fracture, rng)
        if hip.implant is not None:  # reduced and held
            fragments = tuple(Fragment(f.sides) for f in fragments)
    lesion = fragments[0].sides[0][0].centre if hip.pathologic and fragments[0].sides else None
    bone = np.zeros_like(metal_mm)
    seen: list[NDArray[np.float64]] = []
    at = None
    for fragment in fragments:
        part, surface = _fragment_shadow(beam, shape, leg, fragment, lesion)
        bone += part
        seen.append(surface)
        at = _foot(beam, shape, leg, fragment) if at is None else at
    if at is None:
        raise AssertionError("one piece of every femur holds its shaft")
    extent = _extent(np.concatenate(seen)) if hip.fracture is not None else None
    if extent is None or hip.fracture is None:
        return bone, metal_mm, None, at
    before = sum(_fragment_shadow(beam, shape, leg, fragment, None)[0] for fragment in whole)
    return bone, metal_mm, Break(hip.side, hip.fracture, extent, bone - before), at


def _foot(beam: Beam, f: Femur, leg: Frame, fragment: Fragment) -> Points | None:
    """The world point on a fragment's shaft about 95 mm below the head, higher where the film ends before."""
    if not _holds(fragment, f.base + f.shaft * 150):
        return None
    frame = leg.after(fragment.motion)
    for down in (62, 52, 44, 37):
        at = frame.to_world(f.base + f.shaft * down * f.scale)
        if beam.project(at)[0][1] < 0.985 * beam.height:
            break
    return at


def metal_shadow(beam: Beam, solids: tuple[Solid, ...], frame: Frame) -> Picture:
    """Millimetres of metal along each ray."""
    total = np.zeros((beam.height, beam.width), dtype=np.float32)
    for solid in solids:
        inside = sampled(beam, solid.placed(frame), step_mm=METAL_STEP_MM)
        density = np.clip(np.float32(0.5) - inside.distance / np.float32(METAL_STEP_MM), 0, 1)
        np.maximum(total, projected(beam, inside, density, step_mm=METAL_STEP_MM), out=total)
    return total


def _pair(at: NDArray[np.float64]) -> tuple[float, float]:
    return float(at[0]), float(at[1])


def _hips(a: Anatomy, pose: Pose, case: Case) -> dict[Side, Points]:
    """The femoral heads' middles, risen where cartilage is lost."""
    right, left = (point(a.half_heads_mm, 0, 0) + head_shift(a, case.grade(side)) for side in (Side.RIGHT, Side.LEFT))
    at = pose.pelvis.to_world(np.stack([right * (-1, 1, 1), left]))
    return {Side.RIGHT: at[0], Side.LEFT: at[1]}


def _leg(pose: Pose, side: Side, hip: Points) -> Frame:
    """The femur's frame: turned outwards about its length, adducted, flexed; mirrored on the patient's right."""
    i = 0 if side is Side.RIGHT else 1
    turned = Frame(rotation((0, 0, 1), -pose.external_deg[i]), np.zeros(3))
    adducted = Frame(rotation((0, 1, 0), pose.adduction_deg[i]), np.zeros(3)).after(turned)
    flexed = Frame(rotation((1, 0, 0), pose.flexion_deg[i]), np.zeros(3)).after(adducted)
    return Frame(_MIRROR if side is Side.RIGHT else np.eye(3), hip).after(flexed)


def _pelvis_and_spine(
    beam: Beam, a: Anatomy, pose: Pose, case: Case, rng: np.random.Generator, extra: np.random.Generator
) -> tuple[Picture, Picture]:
    bone = np.zeros((beam.height, beam.width), dtype=np.float32)
    healed = Side.RIGHT if extra.random() < 0.5 else Side.LEFT
    for side, matrix in ((Side.RIGHT, _MIRROR), (Side.LEFT, np.eye(3))):
        own = worn(a, case.grade(side))
        half = half_pelvis(own, rng, healed=case.old_pelvic_fracture and side is healed)
        frame = pose.pelvis.after(Frame(matrix, np.zeros(3)))
        bone += _half_pelvis_shadow(beam, own, half.solid.placed(frame), frame)
        for sheet in half.sheets:
            bone += spread(beam, sheet.placed(frame))
    bone += _sacrum_shadow(beam, sacrum(a, rng).placed(pose.pelvis), pose.pelvis)
    vertebrae = lumbar(a, rng)
    for vertebra in vertebrae:
        bone += _plain(beam, vertebra.placed(pose.pelvis), cortex_mm=0.35, inner=0.17)
    for sheet in endplates(a, rng, vertebrae):
        bone += spread(beam, sheet.placed(pose.pelvis))
    bone *= np.float32(1 - 0.25 * a.osteoporosis)
    if not case.spine_implant:
        return bone, np.zeros_like(bone)
    rods = spine_metal(body_middles(vertebrae)[: int(extra.integers(2, 4))], extra)
    return bone, metal_shadow(beam, rods, pose.pelvis)


def _plain(beam: Beam, solid: Solid, *, cortex_mm: float, inner: float) -> Picture:
    inside = sampled(beam, solid, step_mm=STEP_MM)
    density = shell(inside, cortex_mm=cortex_mm, cortex=0.9, inner=inner, step_mm=STEP_MM)
    return projected(beam, inside, density, step_mm=STEP_MM)


def _sacrum_shadow(beam: Beam, solid: Solid, frame: Frame) -> Picture:
    """Dense at its base, hardly seen at its tip."""
    inside = sampled(beam, solid, step_mm=STEP_MM)
    x, _, z = frame.to_local((inside.x, inside.y, inside.z))
    wing = 1 - np.float32(0.75) * smoothstep((np.abs(x) - 36) / 24)  # the ala ends in front of the ilium
    level = smoothstep((z + 20) / 90)
    density = shell(inside, cortex_mm=0.35, cortex=0.9, inner=0.07 + 0.15 * level, step_mm=STEP_MM)
    return projected(beam, inside, density * wing * (0.4 + 0.6 * level), step_mm=STEP_MM)


def _half_pelvis_shadow(beam: Beam, a: Anatomy, solid: Solid, frame: Frame) -> Picture:
    """The solid part of one half.

    Where round cones give borders that a pelvis has not (the acetabulum's outside, the blade of the lower ramus) the
    cortex is thin; upwards the solid fades, since the wing goes on as a plate.
    """
    inside = sampled(beam, solid, step_mm=STEP_MM)
    x, y, z = frame.to_local((inside.x, inside.y, inside.z))
    cortex = np.full_like(x, 0.9)
    h, low = a.half_heads_mm, -a.pubic_drop_mm - 40
    for (cx, cy, cz), radius, width, share in (
        ((h, 0, 0), a.head_radius_mm + 8, 9, 0.72),
        ((h + 4, 10, 34), 0, 30, 0.95),
        ((31, 10, low), 0, 15, 0.6),
    ):
        dx, dy, dz = x - np.float32(cx), y - np.float32(cy), z - np.float32(cz)
        away = (np.sqrt(dx * dx + dy * dy + dz * dz) - np.float32(radius)) / np.float32(width)
        cortex *= 1 - np.float32(share) * np.exp(-(away**2))
    thickness = 1.0 - 0.25 * a.osteoporosis
    density = shell(inside, cortex_mm=thickness, cortex=cortex, inner=0.12, step_mm=STEP_MM)
    return projected(beam, inside, density * (1 - smoothstep((z - 28) / 42)), step_mm=STEP_MM)


def _fragment_shadow(
    beam: Beam, f: Femur, leg: Frame, fragment: Fragment, lesion: Points | None
) -> tuple[Picture, NDArray[np.float64]]:
    """A fragment's shadow and the raster points [n, 2] of its broken surfaces; lesion in the femur's frame."""
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
    if lesion is not None:
        dx, dy, dz = (c - np.float32(o) for c, o in zip((x, y, z), lesion, strict=True))
        kept *= 1 - np.float32(0.8) * np.exp(-(((dx * dx + dy * dy + dz * dz) / np.float32(196)) ** 2))
        density = density * kept
    pixel = inside.pixel[surface & (kept > 0.05) & (inside.distance < 0)]
    at = np.stack([pixel % beam.width, pixel // beam.width], axis=1) + 0.5
    return projected(beam, inside, density, step_mm=STEP_MM), at.astype(np.float64)


def _reach(f: Femur, frame: Frame, fragment: Fragment) -> tuple[Points | None, Points | None]:
    """The world box of a fragment without shaft, so that the shaft is not sampled for nothing."""
    if _holds(fragment, f.base + f.shaft * 220):
        return None, None
    low = point(-f.radius - 4, -42 * f.scale, f.lesser[2] - 30)
    high = point(f.greater[0] + 22, 42 * f.scale, max(f.radius, f.greater[2] + 12) + 6)
    corners = np.array([(a, b, c) for a in (low[0], high[0]) for b in (low[1], high[1]) for c in (low[2], high[2])])
    world = frame.to_world(corners)
    return world.min(axis=0), world.max(axis=0)


def _holds(fragment: Fragment, at: Points) -> bool:
    """Whether a point of the femur's frame lies in a fragment."""
    x, y, z = (np.array([c], dtype=np.float32) for c in at)
    return all(float(cut.side(x, y, z)[0]) * sign > 0 for cut, sign in fragment.sides)


def _extent(points: NDArray[np.float64]) -> tuple[float, float, float, float] | None:
    if not len(points):
        return None
    x0, y0 = np.percentile(points, 0.5, axis=0)
    x1, y1 = np.percentile(points, 99.5, axis=0)
    return float(x0), float(y0), float(x1), float(y1)
