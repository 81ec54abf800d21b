"""One half of the pelvis: acetabulum, pubis, ischium and ilium, for the patient's left; the other half mirrors it.

Landmarks are those of textbooks in mm, head centre at (half_heads_mm, 0, 0): crest about 140 above, symphysis 20 to 58
below and 40 in front, tuberosity 85 below, inlet about 125 wide.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hipcad_desktop.simulation.anatomy import Anatomy
from hipcad_desktop.simulation.beam import Points
from hipcad_desktop.simulation.sheet import Sheet, curve, plate, ridge
from hipcad_desktop.simulation.solid import Cone, Opening, Solid


def point(*xyz: float) -> Points:
    """A point in mm."""
    return np.array(xyz, dtype=np.float64)


def chain(points: list[Points], radii: list[float], *, blend_mm: float = 5.0) -> tuple[Cone, ...]:
    """Round cones from point to point."""
    return tuple(
        Cone(a, b, ra, rb, blend_mm)
        for a, b, ra, rb in zip(points[:-1], points[1:], radii[:-1], radii[1:], strict=True)
    )


@dataclass(frozen=True, slots=True, eq=False)
class HalfPelvis:
    """Solid and thin parts."""

    solid: Solid
    sheets: tuple[Sheet, ...]


def half_pelvis(a: Anatomy, rng: np.random.Generator, *, healed: bool = False) -> HalfPelvis:
    """The patient's left half, in the pelvis' frame; healed: with old fractures of both rami."""
    solid = Solid(
        parts=(*_acetabulum(a), *_pubis(a, rng), *_ischium(a, rng), *(_callus(a) if healed else ())),
        holes=(_socket(a),),
        openings=(_mouth(a),),
    )
    return HalfPelvis(solid, (_wing(a, rng), *_lines(a, rng)))


def _centre(a: Anatomy) -> Points:
    return point(a.half_heads_mm, 0, 0)


def _acetabulum(a: Anatomy) -> tuple[Cone, ...]:
    c, r = _centre(a), a.head_radius_mm
    roof = Cone(c + point(-3, -3, 4), c + point(2, -2, 18), r + 5, r - 5, 6)
    medial = Cone(c + point(-5, -4, -3), c + point(-5, 4, 2), r + 1.5, r + 1.5, 8)
    lip = 2.5 * a.osteophytes
    rim = Cone(c + point(r * 0.55, -2, r * 0.95), c + point(r * 0.95 + lip, 0, r * 0.72), 5.5, 3.0, 8)
    front = Cone(c + point(8, 16, 22), c + point(-8, 24, -2), 7, 8, 6)
    back = Cone(c + point(12, -24, 18), c + point(-6, -26, -18), 8, 9, 6)
    return roof, medial, rim, front, back


def _socket(a: Anatomy) -> Cone:
    c, r = _centre(a), a.head_radius_mm + a.joint_space_mm
    return Cone(c, c + point(0.4, 0.1, -0.4), r, r, 0)


def _mouth(a: Anatomy) -> Opening:
    normal = point(0.68, 0.38, -0.62)
    normal /= np.linalg.norm(normal)
    return Opening(_centre(a) + normal * (a.head_radius_mm * 0.18), normal, a.head_radius_mm + 14)


def _pubis(a: Anatomy, rng: np.random.Generator) -> tuple[Cone, ...]:
    h, top, low = a.half_heads_mm, -a.pubic_drop_mm, _pubic_end(a)
    ramus = chain(
        [point(h - 20, 18, -4), point(h - 42, 33, 0.35 * top), point(20, 44, top - 3)], [15, 9, 9.5], blend_mm=10
    )
    body = (
        Cone(point(8.9, 42, top - 6), point(8.6, 36, low + 5), 6.8, 6, 5),
        Cone(point(17, 42, top - 6), point(17, 35, low + 5), 8, 7, 5),
    )
    tubercle = Cone(point(21, 46, top + 1), point(25, 46, top + 3), 5, 4, 4)
    end = _tuberosity(a)
    wide = rng.normal(0, 1)
    way = [point(13, 31, low + 6), point(27 + wide, 21, low - 3), end + point(-25, 20, 7), end + point(-13, 8, 0), end]
    lower = chain(way, [7, 7, 7.5, 9.5, 12], blend_mm=5)
    return (*ramus, *body, tubercle, *lower)


def _ischium(a: Anatomy, rng: np.random.Generator) -> tuple[Cone, ...]:
    h, end = a.half_heads_mm, _tuberosity(a)
    bend = rng.normal(0, 1.5)
    stem = chain(
        [point(h - 14, -24, -12), point(h - 18 + bend, -34, -36), end + point(3, -10, 12), end],
        [17, 14.5, 14.5, 12],
        blend_mm=12,
    )
    spine = Cone(point(h - 25, -44, -4), point(h - 38, -56, -2), 5, 2.2, 8)
    front_spine = Cone(point(h + 6, 20, 24), point(h + 11, 30, 34), 7, 4, 12)
    return (*stem, spine, front_spine)


def _callus(a: Anatomy) -> tuple[Cone, ...]:
    """Healed fractures of the upper and the lower ramus: swollen and out of line."""
    h, top, low = a.half_heads_mm, -a.pubic_drop_mm, _pubic_end(a)
    upper, lower = point(h - 46, 36, 0.4 * top + 4), point(29, 18, low - 4)
    return (
        Cone(upper, upper + point(-9, 4, -5), 10, 8.5, 8),
        Cone(lower, lower + point(7, -5, -4), 9, 8, 8),
    )


def _pubic_end(a: Anatomy) -> float:
    """The symphysis' lower end."""
    return -a.pubic_drop_mm - (34 if a.female else 38)


def _tuberosity(a: Anatomy) -> Points:
    return point(64 if a.female else 57, -20, _pubic_end(a) - 19)


def _wing(a: Anatomy, rng: np.random.Generator) -> Sheet:
    """The iliac wing between the arcuate line and the crest: thin in the fossa, thick at its border."""
    h, up, out = a.half_heads_mm, a.wing_height, a.wing_flare
    base = np.array([(48, -62, 58), (58, -42, 47), (65, -14, 30), (h - 11, 4, 19), (h + 19, 22, 22)], dtype=np.float64)
    crest = np.array(
        [(40, -92, 84), (51, -91, 111), (73, -71, 136), (103, -37, 147), (133, -3, 139), (147, 22, 115), (133, 46, 80)],
        dtype=np.float64,
    )
    crest[:, 0] = crest[:, 0] * out + 0.6 * (h - 90)
    crest[:, 2] *= up
    crest += rng.normal(0, 1.5, crest.shape)
    u, v = np.linspace(0, 1, 61), np.linspace(0, 1, 49)
    low, high = curve(base, 61), curve(crest, 61)
    w = v[:, None, None]
    bulge = np.sin(np.pi * w) * np.sin(np.pi * u)[None, :, None] * point(7, -11, 0)
    notch = np.sin(np.pi * np.clip(w / 0.9, 0, 1)) * (u**4)[None, :, None] * point(-8, 0, -3)
    surface = low[None] * (1 - w) + high[None] * w + bulge + notch
    border = np.exp(-(((1 - v) / 0.045) ** 2))[:, None] + 0.1 * np.exp(-(((u - 1) / 0.06) ** 2))[None]
    pillar = np.exp(-(((u - 0.62) / 0.09) ** 2))[None] * v[:, None]
    bottom = np.exp(-((v / 0.33) ** 2))[:, None]
    rear = np.exp(-((u / 0.22) ** 2))[None]
    bone = 2.1 + 2.6 * border + 1.1 * pillar + 3.4 * bottom + 1.0 * rear
    fade = 1 - 0.8 * (np.exp(-((v / 0.07) ** 2))[:, None] * np.clip((u - 0.45) / 0.2, 0, 1)[None])
    seam = 1 - 0.7 * np.exp(-((u / 0.12) ** 2))[None]  # seen edge on beside the sacrum
    edge = seam - 0.5 * np.exp(-(((u - 1) / 0.1) ** 2))[None]
    thin = fade * edge - 0.35 * np.exp(-(((u - 0.4) / 0.18) ** 2))[None] * np.exp(-(((v - 0.45) / 0.25) ** 2))[:, None]
    return plate(rng, surface, bone * thin * (1 - 0.3 * a.osteoporosis), finer=8)


def _lines(a: Anatomy, rng: np.random.Generator) -> tuple[Sheet, ...]:
    """The lines a reader looks for: pelvic brim, ilioischial line, teardrop, acetabular roof and walls."""
    h, r, top = a.half_heads_mm, a.head_radius_mm, -a.pubic_drop_mm
    c = _centre(a)
    brim = [(48, -58, 63), (59, -38, 51), (66, -14, 33), (64, 10, 13), (51, 33, -3), (26, 46, top + 4)]
    ischial = [(62, -14, 30), (61, -30, 4), (62, -36, -24), (61, -34, -50)]
    tear = [(h - r - 4, 2, -8), (h - r - 5, 2, -20), (h - r - 1, 4, -27), (h - r + 3, 6, -20), (h - r + 1, 4, -10)]
    gap = r + a.joint_space_mm + 1.2
    angles = np.radians([152, 130, 108, 86, 64, 46])
    roof = np.stack([np.cos(angles) * gap, np.full(6, -3.0), np.sin(angles) * gap], axis=1) + c
    front = [c + point(r * 0.85, 8, r * 0.75), c + point(2, 22, 6), c + point(-12, 22, -12)]
    back = [c + point(r * 0.95, -8, r * 0.7), c + point(16, -24, 2), c + point(2, -26, -24)]
    dense = 1 - 0.35 * a.osteoporosis
    return (
        ridge(rng, np.array(brim), radius_mm=2.0, bone_mm2=25 * dense, fade=0.3),
        ridge(rng, np.array(ischial), radius_mm=1.6, bone_mm2=6 * dense),
        ridge(rng, np.array(tear), radius_mm=0.9, bone_mm2=2.5 * dense),
        ridge(
            rng,
            roof,
            radius_mm=1.5 + a.osteophytes + 2 * a.wear,
            bone_mm2=(13 + 8 * a.osteophytes + 22 * a.wear) * dense,
        ),
        ridge(rng, np.array(front), radius_mm=1.2, bone_mm2=3.0 * dense),
        ridge(rng, np.array(back), radius_mm=1.2, bone_mm2=3.5 * dense),
    )
