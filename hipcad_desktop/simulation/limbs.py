"""Other parts of the body, coarse: bones as round cones, flesh as wider cones or as a picture of thickness, in mm."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from hipcad_desktop.simulation.anatomy import Anatomy
from hipcad_desktop.simulation.beam import Beam, Frame, Points, rotation
from hipcad_desktop.simulation.pelvis import chain, half_pelvis, point
from hipcad_desktop.simulation.raster import Picture, blurred, smooth_noise, smoothstep
from hipcad_desktop.simulation.sheet import Sheet, ridge, spread
from hipcad_desktop.simulation.solid import Cone, Solid, projected, sampled, shell
from hipcad_desktop.simulation.spine import endplates, lumbar, sacrum

_STEP_MM = 1.5
Flesh = Callable[[Picture, Picture, np.random.Generator], Picture]  # x, z in mm -> mm of water


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """What lies on the cassette: bones with a cortex in mm, lines, and flesh as solids or as a picture."""

    field_mm: tuple[float, float]
    bones: tuple[tuple[Solid, float], ...]
    lines: tuple[Sheet, ...] = ()
    flesh: tuple[Solid, ...] = ()
    trunk: Flesh | None = None


def shadows(beam: Beam, scene: Scene, rng: np.random.Generator) -> tuple[Picture, Picture]:
    """Millimetres of water and of dense bone on the beam's raster."""
    bone = np.zeros((beam.height, beam.width), dtype=np.float32)
    for solid, cortex in scene.bones:
        inside = sampled(beam, solid, step_mm=_STEP_MM)
        density = shell(inside, cortex_mm=cortex, cortex=0.85, inner=0.13, step_mm=_STEP_MM)
        bone += projected(beam, inside, density, step_mm=_STEP_MM)
    for sheet in scene.lines:
        bone += spread(beam, sheet)
    water = np.zeros_like(bone)
    for solid in scene.flesh:
        inside = sampled(beam, solid, step_mm=2.5)
        thick = projected(beam, inside, (inside.distance < 0).astype(np.float32), step_mm=2.5)
        np.maximum(water, thick, out=water)
    if scene.trunk is not None:
        x = (np.arange(beam.width, dtype=np.float32) + 0.5) * beam.pitch_u_mm - beam.centre_u_mm
        z = beam.centre_v_mm - (np.arange(beam.height, dtype=np.float32) + 0.5) * beam.pitch_v_mm
        shape = bone.shape
        water += scene.trunk(np.broadcast_to(x[None], shape), np.broadcast_to(z[:, None], shape), rng)
    for scale in (25.0, 6.0):
        mottle = smooth_noise(rng, width=beam.width, height=beam.height, scale_px=scale / beam.pitch_u_mm)
        water *= 1 + np.float32(0.012) * mottle
    grain = smooth_noise(rng, width=beam.width, height=beam.height, scale_px=2.2 / beam.pitch_u_mm)
    return blurred(water, sigma_px=1.5), blurred(bone * (1 + np.float32(0.06) * grain), sigma_px=0.5)


def knee(rng: np.random.Generator, a: Anatomy) -> Scene:
    """One or both knees from the front."""
    both = rng.random() < 0.5
    field = (300.0, 360.0) if both else (190.0, 300.0)
    bones: list[tuple[Solid, float]] = []
    flesh = []
    for side in (-1, 1) if both else (1 if rng.random() < 0.5 else -1,):
        at = point(side * 78 if both else 0, 0, rng.normal(0, 4))
        turn = Frame(rotation((0, 1, 0), rng.normal(0, 4)), at)
        parts = _knee_bones(side, rng)
        bones += [(solid.placed(turn), cortex) for solid, cortex in parts]
        wide = rng.uniform(50, 72)
        leg = chain(
            [point(0, -6, 260), point(0, -6, 60), point(0, -4, 0), point(0, -10, -70), point(0, -6, -260)],
            [wide + 14, wide, wide - 5, wide - 4, wide - 16],
            blend_mm=40,
        )
        flesh.append(Solid(leg).placed(turn))
    return Scene(field, tuple(bones), flesh=tuple(flesh))


def _knee_bones(side: int, rng: np.random.Generator) -> list[tuple[Solid, float]]:
    s, gap = side, rng.uniform(3, 7)
    femur = Solid(
        (
            *chain([point(0, 0, 300), point(0, 0, 90), point(0, 0, 45)], [14, 14, 22], blend_mm=15),
            Cone(point(-21, 0, 26), point(-20, -6, 20), 19, 20, 14),
            Cone(point(21, 0, 26), point(21, -6, 21), 19, 20, 14),
        )
    )
    top = -gap - 1
    tibia = Solid(
        (
            Cone(point(-22, -2, top - 12), point(22, -2, top - 12), 13, 13, 10),
            *chain([point(0, 0, top - 18), point(0, 2, top - 55), point(0, 0, -300)], [24, 15, 12], blend_mm=14),
            Cone(point(-4, 0, top - 3), point(-4, 0, top + 3), 4, 1.5, 4),
            Cone(point(5, 0, top - 3), point(5, 0, top + 3), 4, 1.5, 4),
        )
    )
    fibula = Solid(chain([point(s * 33, -18, -22), point(s * 31, -16, -45), point(s * 26, -14, -300)], [9, 5.5, 6]))
    patella = Solid((Cone(point(-6, 36, 32), point(6, 36, 24), 15, 15, 4),))
    return [(femur, 1.8), (tibia, 1.8), (fibula, 1.8), (patella, 0.8)]


def hand(rng: np.random.Generator, a: Anatomy) -> Scene:
    """One or both hands from the front."""
    both = rng.random() < 0.4
    field = (290.0, 240.0) if both else (170.0, 230.0)
    bones: list[tuple[Solid, float]] = []
    flesh = []
    for side in (-1, 1) if both else (1 if rng.random() < 0.5 else -1,):
        turn = Frame(rotation((0, 1, 0), rng.normal(0, 8)), point(side * 72 if both else 0, 0, -35 + rng.normal(0, 5)))
        solids, wraps = _hand_bones(side, rng)
        bones += [(solid.placed(turn), 1.1) for solid in solids]
        flesh += [wrap.placed(turn) for wrap in wraps]
    return Scene(field, tuple(bones), flesh=tuple(flesh))


def _hand_bones(side: int, rng: np.random.Generator) -> tuple[list[Solid], list[Solid]]:
    bones, flesh, apart = [], [], rng.uniform(0.6, 1.3)
    rays = ((-24, -12), (-9, -3), (5, 4), (18, 11))  # root's x at the carpus, spread in degrees
    for (x, degrees), length in zip(rays, (0.95, 1.0, 0.96, 0.85), strict=True):
        way = point(np.sin(np.radians(degrees * apart)) * side, 0, np.cos(np.radians(degrees * apart)))
        at = point(side * x * 0.8, 0, 10)
        for bone, radius in ((60, 3.8), (41, 3.9), (24, 3.2), (16, 2.6)):
            end = at + way * bone * length
            bones.append(Solid(_long_bone(at, end, radius)))
            flesh.append(Solid((Cone(at, end, 9.5 if bone < 60 else 13, 9 if bone < 60 else 13, 0),)))
            at = end + way * 2.6
    at = point(side * -24, 4, 2)
    for bone, turn, radius in ((42, -46, 4.4), (30, -30, 4.0), (20, -26, 3.2)):
        way = point(np.sin(np.radians(turn)) * side, 0, np.cos(np.radians(turn)))
        end = at + way * bone
        bones.append(Solid(_long_bone(at, end, radius)))
        flesh.append(Solid((Cone(at, end, 12, 10, 0),)))
        at = end + way * 2.6
    for x, z in ((-20, 2), (-9, 4), (4, 3), (15, 2), (-16, -10), (-4, -11), (8, -10), (16, -8)):
        middle = point(side * x, rng.normal(0, 3), z)
        bones.append(Solid((Cone(middle, middle + point(3, 0, 1), 6.6, 6.2, 1),)))
    bones.append(
        Solid(chain([point(side * -10, 0, -24), point(side * -9, 0, -45), point(side * -8, 0, -200)], [12, 7, 7]))
    )
    bones.append(
        Solid(chain([point(side * 15, 0, -24), point(side * 15, 0, -40), point(side * 14, 0, -200)], [7, 5, 6]))
    )
    flesh.append(
        Solid(chain([point(0, 0, 40), point(0, 0, -10), point(0, 0, -60), point(0, 0, -220)], [20, 22, 22, 30]))
    )
    flesh.append(
        Solid(
            (Cone(point(-18, 0, 50), point(18, 0, 50), 15, 15, 0), Cone(point(-20, 0, 5), point(16, 0, 5), 15, 15, 0))
        )
    )
    return bones, flesh


def _long_bone(a: Points, b: Points, radius: float) -> tuple[Cone, ...]:
    """A shaft with swollen ends."""
    quarter = a + 0.25 * (b - a)
    return (
        Cone(a, quarter, radius * 1.6, radius, 3),
        Cone(quarter, b - 0.2 * (b - a), radius, radius * 0.95, 3),
        Cone(b - 0.2 * (b - a), b, radius * 0.95, radius * 1.5, 3),
    )


def chest(rng: np.random.Generator, a: Anatomy) -> Scene:
    """The chest from the front: ribs, clavicles, spine, heart between dark lungs."""
    lines = []
    for side in (-1, 1):
        for i in range(10):
            top = 135 - 27 * i + rng.normal(0, 2)
            wide = 58 + 62 * np.sqrt(min(1.0, (i + 0.6) / 6)) + rng.normal(0, 2)
            back = [(22, -70, top), (0.6 * wide, -88, top + 2), (wide, -40, top - 24), (0.98 * wide, 30, top - 52)]
            front = [(0.98 * wide, 30, top - 52), (0.78 * wide, 75, top - 72), (0.5 * wide, 92, top - 78)]
            for knots, bone in ((back, 26), (front, 16)):
                line = np.array(knots, dtype=np.float64) * (side, 1, 1)
                lines.append(ridge(rng, line, radius_mm=6.5, bone_mm2=bone * (1 - 0.3 * a.osteoporosis)))
        clavicle = np.array([(side * 18, 70, 128), (side * 60, 66, 136), (side * 135, 30, 146)], dtype=np.float64)
        lines.append(ridge(rng, clavicle, radius_mm=6.5, bone_mm2=42))
    spine = tuple((v.placed(Frame(np.eye(3), point(0, -40, -260))), 0.5) for v in lumbar(a, rng, levels=12))
    heart = rng.uniform(42, 62)

    def trunk(x: Picture, z: Picture, own: np.random.Generator) -> Picture:
        body = 205 * np.sqrt(np.clip(1 - np.abs(x / np.float32(178)) ** 3, 0, 1))
        lungs = np.zeros_like(body)
        for side in (-1, 1):
            low = -110 + 12 * side + np.clip(np.abs(x * side - 70) / 6, 0, 20)
            across = (x * side - 74 + 0.12 * np.clip(z, 0, 200)) / (62 - 0.16 * np.clip(z, 0, 200))
            along = (z - 15) / 165
            lung = np.clip(1 - across**2 - np.abs(along) ** 3, 0, 1) ** np.float32(0.4) * smoothstep((z - low) / 6)
            lungs = np.maximum(lungs, 140 * lung)
        inside = ((x - 22) / heart) ** 2 + ((z + 62) / 58) ** 2
        middle = 90 * np.clip(1 - inside, 0, 1) ** 0.5 + 45 * np.exp(-((x / 26) ** 4)) * smoothstep((z + 90) / 40)
        rows, columns = body.shape
        branches = np.abs(smooth_noise(own, width=columns, height=rows, scale_px=9))
        return np.asarray(np.clip(body - lungs + np.minimum(middle, lungs) + 5 * branches * (lungs > 30), 0, None))

    return Scene((400.0, 410.0), spine, lines=tuple(lines), trunk=trunk)


def lumbar_spine(rng: np.random.Generator, a: Anatomy) -> Scene:
    """The lumbar spine from the front, with the upper pelvis at the film's foot."""
    drop = point(0, 0, -float(rng.uniform(185, 215)))
    vertebrae = lumbar(a, rng, levels=8)
    still = Frame(np.eye(3), drop)
    bones = [(v.placed(still), 0.5) for v in vertebrae]
    lines = [s.placed(still) for s in endplates(a, rng, vertebrae)]
    for matrix in (np.diag([-1.0, 1.0, 1.0]), np.eye(3)):
        frame = still.after(Frame(matrix, np.zeros(3)))
        lines += [s.placed(frame) for s in half_pelvis(a, rng).sheets]
    bones.append((sacrum(a, rng).placed(still), 0.35))
    for side in (-1, 1):
        for i in range(2):
            high = 150 - 34 * i
            knots = np.array([(side * 26, -50, high), (side * 80, -60, high - 12), (side * 120, -20, high - 45)])
            lines.append(ridge(rng, knots.astype(np.float64), radius_mm=5.5, bone_mm2=24))
    wide = 150 + 50 * a.girth

    def trunk(x: Picture, z: Picture, own: np.random.Generator) -> Picture:
        body = (190 + 60 * a.girth) * np.sqrt(np.clip(1 - np.abs(x / np.float32(wide)) ** 3, 0, 1))
        psoas = 14 * smoothstep((40 - np.abs(np.abs(x) - 28 + 0.18 * (z - 120))) / 12) * smoothstep((z + 150) / 40)
        rows, columns = body.shape
        gas = smooth_noise(own, width=columns, height=rows, scale_px=30)
        gas = 16 * smoothstep((gas - np.float32(1.1)) / np.float32(0.3)) * (np.abs(x) > 30)
        return np.asarray(np.clip(body + psoas - gas, 0, None), dtype=np.float32)

    return Scene((float(rng.uniform(240, 330)), 420.0), tuple(bones), lines=tuple(lines), trunk=trunk)
