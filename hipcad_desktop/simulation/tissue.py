"""Everything that is not bone: the body's outline, muscle and fat, folds, gas and stool, on a coarse raster."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hipcad_desktop.simulation.anatomy import Anatomy
from hipcad_desktop.simulation.beam import Beam
from hipcad_desktop.simulation.raster import Picture, blurred, smooth_noise, smoothstep
from hipcad_desktop.simulation.sheet import Sheet, curve, spread

MAGNIFIED = 1.16  # body measures below are in patient mm; the raster is in detector mm


@dataclass(frozen=True, slots=True, eq=False)
class Ground:
    """Coordinates of the coarse raster, in patient mm from the middle of the heads: x to the right, z upwards."""

    x: Picture
    z: Picture
    pitch_mm: float

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.x.shape[0], self.x.shape[1]


def ground(
    *, width: int, height: int, pitch_mm: float, centre_u_mm: float, centre_v_mm: float, roll_deg: float
) -> Ground:
    """The raster's coordinates for a body rolled with its pelvis (half as much, since the trunk follows)."""
    u = (np.arange(width, dtype=np.float32) + 0.5) * pitch_mm - centre_u_mm
    v = centre_v_mm - (np.arange(height, dtype=np.float32) + 0.5) * pitch_mm
    slope = np.float32(np.tan(np.radians(roll_deg)) * 0.6)
    x = (u[None, :] + slope * v[:, None]) / MAGNIFIED
    z = (v[:, None] - slope * u[None, :]) / MAGNIFIED
    return Ground(x.astype(np.float32), z.astype(np.float32), pitch_mm / MAGNIFIED)


def soft_tissue(g: Ground, a: Anatomy, rng: np.random.Generator) -> Picture:
    """Millimetres of water each ray crosses outside bone."""
    body = _body(g, a, rng)
    here = smoothstep(body / 30)
    body = body * (1 + _muscles(g, a, rng) * here)
    body = body + _folds(g, a, rng) * here
    rows, columns = g.shape
    for scale, amount in ((38, 2.6), (14, 1.3), (5, 0.6)):
        noise = smooth_noise(rng, width=columns, height=rows, scale_px=scale / g.pitch_mm)
        body = body + noise * np.float32(amount * rng.uniform(0.6, 1.4)) * here
    return np.maximum(body - _gas(g, rng) * here, 0)


def _body(g: Ground, a: Anatomy, rng: np.random.Generator) -> Picture:
    hips = 164 + 40 * a.girth + rng.normal(0, 4)
    waist = max(hips * rng.uniform(0.84, 0.98), 158 * a.wing_flare)  # the wings lie inside
    depth = 160 + 75 * a.girth
    level = smoothstep((g.z + 40) / 190)
    half = hips + (waist - hips) * level
    flat = np.clip(1 - np.abs(g.x / half) ** np.float32(2.3), 0, 1) ** np.float32(0.62)
    crotch = -a.pubic_drop_mm - 84 - rng.normal(0, 12)
    trunk = depth * (0.92 + 0.16 * level) * flat
    legs = np.zeros_like(trunk)
    apart = rng.uniform(0.02, 0.12)
    for sign in (-1, 1):
        below = np.clip(crotch + 40 - g.z, 0, 260)
        width = hips * 0.505 - 0.07 * below
        centre = sign * (hips - width - apart * below)
        leg = np.clip(1 - np.abs((g.x - centre) / width) ** np.float32(2.5), 0, 1) ** np.float32(0.5)
        legs = np.maximum(legs, depth * 0.64 * leg)
    above = smoothstep((g.z - crotch + 18 + 0.12 * np.abs(g.x)) / 44)
    joined = trunk * above + legs * (1 - above)
    return blurred(joined.astype(np.float32), sigma_px=1.5 / g.pitch_mm)


def _muscles(g: Ground, a: Anatomy, rng: np.random.Generator) -> Picture:
    """Fat attenuates less than muscle: a lighter rim under the skin, and bright bellies along iliopsoas and thigh."""
    total = np.zeros(g.shape, dtype=np.float32)
    rim = 120 + 30 * (1 - a.girth) + 12 * np.sin(g.z / 50 + rng.uniform(0, 6))
    total -= np.float32(0.05 + 0.05 * a.girth) * smoothstep((np.abs(g.x) - rim) / 14)
    for sign in (-1, 1):
        psoas = sign * (42 + 0.28 * (120 - g.z)) - g.x
        total += 0.03 * smoothstep((32 - np.abs(psoas)) / 22) * smoothstep((g.z + 20) / 60)
        gluteal = (g.x - sign * 108) * sign * 0.8 + (g.z - 10) * 0.6
        total += 0.03 * smoothstep((34 - np.abs(gluteal)) / 14) * smoothstep((g.z + 60) / 50)
        thigh = np.abs(g.x - sign * (98 + 0.08 * g.z))
        total += 0.05 * smoothstep((48 - thigh) / 20) * smoothstep((-50 - g.z) / 50)
    return total


def _folds(g: Ground, a: Anatomy, rng: np.random.Generator) -> Picture:
    """Edges of skin folds, belly apron and genital shadow, in mm."""
    total = np.zeros(g.shape, dtype=np.float32)
    crotch = -a.pubic_drop_mm - 84
    for sign in (-1, 1):
        line = crotch + 30 + (np.abs(g.x) - 20) * rng.uniform(0.35, 0.6)
        here = smoothstep((sign * g.x - 5) / 10) * smoothstep((125 - np.abs(g.x)) / 40)
        below = line - g.z
        total += here * np.float32(rng.uniform(1.5, 6)) * smoothstep(below / 3) * np.exp(-np.clip(below, 0, 90) / 35)
    for _ in range(int(rng.integers(0, 3))):
        height = rng.uniform(-60, 90) - rng.uniform(10, 45) * (1 - (g.x / 170) ** 2)
        height = height + 5 * np.sin(g.x / rng.uniform(30, 70) + rng.uniform(0, 6))
        above = g.z - height
        edge = smoothstep(above / rng.uniform(2, 6)) * np.exp(-np.clip(above, 0, 200) / 45)
        total += np.float32(rng.uniform(3, 10)) * edge
    if not a.female:
        blob = ((g.x - rng.normal(0, 8)) / 30) ** 4 + ((g.z - crotch + 18) / 36) ** 4
        total += np.float32(rng.uniform(20, 42)) * np.exp(-blob)
    across, along = (g.x - rng.normal(0, 4)) / rng.uniform(30, 45), (g.z - 18) / rng.uniform(20, 32)
    bladder = np.clip(1 - across**2 - along**2, 0, 1)
    return np.asarray(total + np.sqrt(bladder) * np.float32(rng.uniform(0, 10)), dtype=np.float32)


def _gas(g: Ground, rng: np.random.Generator) -> Picture:
    """Bowel gas in chains of pockets, rectal gas and mottled stool, in mm of missing water."""
    gas = np.zeros(g.shape, dtype=np.float32)
    for _ in range(int(rng.integers(1, 6))):
        if rng.random() < 0.6:
            x, z = rng.choice([-1, 1]) * rng.uniform(55, 125), rng.uniform(25, 150)
        else:
            x, z = rng.uniform(-60, 60), rng.uniform(20, 150)
        strength = rng.uniform(8, 26)
        for _ in range(int(rng.integers(2, 9))):
            gas = np.maximum(gas, _pocket(g, rng, x, z, rng.uniform(6, 17), strength * rng.uniform(0.6, 1.2)))
            x, z = x + rng.normal(0, 13), z + rng.normal(0, 13)
    if rng.random() < 0.6:
        x, z = rng.normal(0, 6), rng.uniform(12, 45)
        gas = np.maximum(gas, _pocket(g, rng, x, z, rng.uniform(9, 18), rng.uniform(10, 28)))
    rows, columns = g.shape
    speckle = smooth_noise(rng, width=columns, height=rows, scale_px=4 / g.pitch_mm)
    where = smooth_noise(rng, width=columns, height=rows, scale_px=40 / g.pitch_mm)
    belly = smoothstep((g.z - 5) / 30) * smoothstep((140 - np.abs(g.x)) / 30)
    stool = smoothstep(speckle - np.float32(0.5)) * np.clip(where, 0, 1.5) * belly * np.float32(rng.uniform(2, 12))
    return blurred(np.maximum(gas, 0) + stool, sigma_px=1.2 / g.pitch_mm)


def _pocket(g: Ground, rng: np.random.Generator, x: float, z: float, size: float, depth: float) -> Picture:
    turn = rng.uniform(0, np.pi)
    c, s = np.float32(np.cos(turn)), np.float32(np.sin(turn))
    wide = size * rng.uniform(1, 1.7)
    phase = rng.uniform(0, 6.3)
    dx, dz = g.x - np.float32(x), g.z - np.float32(z)
    p, q = (dx * c + dz * s) / np.float32(wide), (dz * c - dx * s) / np.float32(size)
    wobble = 1 + 0.12 * np.sin(3 * np.arctan2(q, p) + np.float32(phase))
    return np.asarray(np.float32(depth) * np.sqrt(np.clip(1 - (p * p + q * q) * wobble, 0, 1)), dtype=np.float32)


def vessels(beam: Beam, a: Anatomy, amount: float, rng: np.random.Generator) -> Picture:
    """Calcified femoral and iliac arteries on the bones' raster, in mm of dense bone: broken double lines."""
    picture = np.zeros((beam.height, beam.width), dtype=np.float32)
    if amount <= 0:
        return picture
    for side in (-1, 1):
        bend = rng.normal(0, 4, 6)
        x = np.array([26, 44, 60, 66, 70, 76]) + bend
        knots = np.stack(
            [side * x, np.array([20, 10, 30, 36, 30, 20.0]), np.array([95, 50, 5, -45, -95, -200.0])], axis=1
        )
        line = curve(knots, 900)
        here = np.repeat(rng.random(60) < 0.25 + 0.5 * amount, 15)
        for wall in (-3.0, 3.0):
            points = line[here] + np.array([wall, 0, 0]) + rng.normal(0, 0.5, (int(here.sum()), 3))
            weights = np.full(len(points), 0.9 * amount * rng.uniform(0.5, 1.2))
            picture += spread(beam, Sheet(points, weights))
    return picture
