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


def half_pelvis(a: Anatomy, rng: np.random.Generator) -> HalfPelvis:
    """The patient's left half, in the pelvis' frame."""
    solid = Solid(
        parts=(*_acetabulum(a), *_pubis(a, rng), *_ischium(a, rng), *_column(a)),
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


def _column(a: Anatomy) -> tuple[Cone, ...]:
    """The thick bone between the acetabulum's roof and the arcuate line, where the wing begins."""
    h = a.half_heads_mm
    medial = chain([point(h - 8, -6, 20), point(h - 16, -16, 34), point(h - 19, -26, 46)], [15, 9, 4], blend_mm=18)
    lateral = chain([point(h + 1, 0, 22), point(h + 5, 10, 40), point(h + 8, 16, 56)], [16, 10, 4], blend_mm=18)
    return (*medial, *lateral)


def _pubis(a: Anatomy, rng: np.random.Generator) -> tuple[Cone, ...]:
    h, top, low = a.half_heads_mm, -a.pubic_drop_mm, _pubic_end(a)
    ramus = chain(
        [point(h - 20, 18, -4), point(h - 42, 33, 0.35 * top), point(20, 44, top - 3)], [14, 7.5, 8], blend_mm=10
    )
    body = (
        Cone(point(8.9, 42, top - 6), point(8.6, 36, low + 5), 6.8, 6, 5),
        Cone(point(16, 42, top - 6), point(16, 35, low + 3), 6, 5, 5),
    )
    tubercle = Cone(point(21, 46, top + 1), point(25, 46, top + 3), 5, 4, 4)
    end = _tuberosity(a)
    wide = rng.normal(0, 1)
    lower = chain(
        [point(12, 31, low + 3), point(25 + wide, 20, low - 6), end + point(-16, 18, -1), end],
        [6, 5.5, 6.5, 10],
        blend_mm=12,
    )
    return (*ramus, *body, tubercle, *lower)


def _ischium(a: Anatomy, rng: np.random.Generator) -> tuple[Cone, ...]:
    h, end = a.half_heads_mm, _tuberosity(a)
    bend = rng.normal(0, 1.5)
    stem = chain(
        [point(h - 14, -24, -12), point(h - 21 + bend, -34, -34), end + point(6, -12, 9), end],
        [16, 12.5, 13, 10],
        blend_mm=12,
    )
    spine = Cone(point(h - 25, -44, -4), point(h - 38, -56, -2), 5, 2.2, 8)
    front_spine = Cone(point(h + 6, 20, 24), point(h + 11, 32, 36), 9, 6, 12)
    return (*stem, spine, front_spine)


def _pubic_end(a: Anatomy) -> float:
    """The symphysis' lower end."""
    return -a.pubic_drop_mm - (34 if a.female else 38)


def _tuberosity(a: Anatomy) -> Points:
    return point(54 if a.female else 47, -18, _pubic_end(a) - 13)


def _wing(a: Anatomy, rng: np.random.Generator) -> Sheet:
    """The iliac wing between the arcuate line and the crest: thin in the fossa, thick at its border."""
    h, up, out = a.half_heads_mm, a.wing_height, a.wing_flare
    base = np.array([(48, -62, 58), (58, -42, 47), (66, -16, 36), (h - 10, 8, 32), (h + 17, 26, 33)], dtype=np.float64)
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
    bottom = np.exp(-((v / 0.28) ** 2))[:, None]
    rear = np.exp(-((u / 0.16) ** 2))[None]
    bone = 2.0 + 2.6 * border + 0.9 * pillar + 2.8 * bottom + 1.6 * rear
    fade = 1 - 0.75 * (np.exp(-((v / 0.12) ** 2))[:, None] * np.clip((u - 0.45) / 0.2, 0, 1)[None])
    edge = 1 - 0.45 * np.exp(-(((u - 1) / 0.1) ** 2))[None]
    thin = fade * edge - 0.35 * np.exp(-(((u - 0.4) / 0.18) ** 2))[None] * np.exp(-(((v - 0.45) / 0.25) ** 2))[:, None]
    return plate(rng, surface, bone * thin * (1 - 0.3 * a.osteoporosis), finer=8)


def _lines(a: Anatomy, rng: np.random.Generator) -> tuple[Sheet, ...]:
    """The lines a reader looks for: pelvic brim, ilioischial line, teardrop, acetabular roof and walls."""
    h, r, top = a.half_heads_mm, a.head_radius_mm, -a.pubic_drop_mm
    c = _centre(a)
    brim = [(48, -58, 63), (59, -38, 51), (66, -14, 33), (64, 10, 13), (51, 33, -3), (26, 46, top + 4)]
    ischial = [(62, -14, 30), (61, -30, 4), (61, -36, -24), (56, -36, -50)]
    tear = [(h - r - 4, 2, -8), (h - r - 5, 2, -20), (h - r - 1, 4, -27), (h - r + 3, 6, -20), (h - r + 1, 4, -10)]
    gap = r + a.joint_space_mm + 1.2
    angles = np.radians([152, 130, 108, 86, 64, 46])
    roof = np.stack([np.cos(angles) * gap, np.full(6, -3.0), np.sin(angles) * gap], axis=1) + c
    front = [c + point(r * 0.85, 8, r * 0.75), c + point(2, 22, 6), c + point(-12, 22, -12)]
    back = [c + point(r * 0.95, -8, r * 0.7), c + point(16, -24, 2), c + point(2, -26, -24)]
    dense = 1 - 0.35 * a.osteoporosis
    return (
        ridge(rng, np.array(brim), radius_mm=2.8, bone_mm2=24 * dense),
        ridge(rng, np.array(ischial), radius_mm=1.6, bone_mm2=6 * dense),
        ridge(rng, np.array(tear), radius_mm=0.9, bone_mm2=2.5 * dense),
        ridge(rng, roof, radius_mm=1.5 + a.osteophytes, bone_mm2=(13 + 12 * a.osteophytes) * dense),
        ridge(rng, np.array(front), radius_mm=1.2, bone_mm2=3.0 * dense),
        ridge(rng, np.array(back), radius_mm=1.2, bone_mm2=3.5 * dense),
    )
