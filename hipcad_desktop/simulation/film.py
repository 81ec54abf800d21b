"""One simulated frontal pelvis film and the truth about it. No patient had it; every file written says so."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hipcad_desktop.domain.anatomy import FractureType, Side
from hipcad_desktop.domain.annotation import Finding
from hipcad_desktop.domain.geometry import Rectangle, Size
from hipcad_desktop.simulation.anatomy import Anatomy, Pose, Stream, draw_anatomy, draw_pose, stream
from hipcad_desktop.simulation.beam import Beam
from hipcad_desktop.simulation.exposure import STYLES, Hospital, Style, exposed, marked, shuttered
from hipcad_desktop.simulation.raster import Picture, blurred, resized, smooth_noise
from hipcad_desktop.simulation.skeleton import Shadow, cast
from hipcad_desktop.simulation.tissue import ground, soft_tissue

FINEST_MM = 0.7  # raster of the bones; finer films interpolate
COARSE_MM = 1.8  # raster of the soft tissue
OBJECT_MM = 150.0  # hips to detector


@dataclass(frozen=True, slots=True)
class FilmTruth:
    """What is known of a simulated film. Positions in pixels of the film, (x, y)."""

    seed: int
    hospital: Hospital
    findings: tuple[Finding, ...]
    side: Side | None  # of the fracture
    fracture_type: FractureType | None
    midline_px: float  # between the femoral heads
    tilt_deg: float  # of the line through the heads, positive with the picture's right end lower
    head_right_px: tuple[float, float]  # the patient's right
    head_left_px: tuple[float, float]
    symphysis_px: tuple[float, float]
    promontory_px: tuple[float, float]
    spacing_mm: float
    female: bool
    age_years: int


@dataclass(frozen=True, slots=True, eq=False)
class SimulatedFilm:
    """values: 12-bit grey [height, width], bone white, the patient's left on the picture's right."""

    values: NDArray[np.uint16]
    truth: FilmTruth


def simulate_film(
    *, seed: int, size: Size | None, hospital: Hospital, fracture: FractureType | None, side: Side
) -> SimulatedFilm:
    """A film in a hospital's style; side says which hip is broken where a fracture type is given.

    The same arguments give the same film; another fracture or none changes only the broken bone. size None takes the
    hospital's usual size.
    """
    style = STYLES[hospital]
    size = size or style.size
    anatomy = draw_anatomy(stream(seed, Stream.ANATOMY))
    pose = draw_pose(stream(seed, Stream.POSE))
    spacing = style.field_mm / size.width
    beam = _beam(size, style, spacing, anatomy, pose)
    shadow = cast(beam, seed=seed, anatomy=anatomy, pose=pose, fracture=fracture, side=side)
    water = _water(seed, size, spacing, anatomy, pose, beam)
    bone = _bone_texture(shadow.bone * np.float32(anatomy.scale), beam, stream(seed, Stream.TEXTURE))
    bone = np.maximum(resized(bone, width=size.width, height=size.height), 0)
    rng = stream(seed, Stream.NOISE)
    values = exposed(water, bone, style=style, pitch_mm=spacing, rng=rng)
    rng = stream(seed, Stream.EXPOSURE)
    values = marked(shuttered(values, style=style, rng=rng), style=style, rng=rng)
    return SimulatedFilm(values, _truth(seed, size, hospital, spacing, anatomy, beam, shadow, fracture, side))


def _beam(size: Size, style: Style, spacing: float, anatomy: Anatomy, pose: Pose) -> Beam:
    """Lengths are divided by the patient's scale, so that bones keep their textbook measures."""
    width_mm, height_mm = size.width * spacing, size.height * spacing
    pitch = max(FINEST_MM, spacing)
    columns, rows = max(8, round(width_mm / pitch)), max(8, round(height_mm / pitch))
    k = anatomy.scale
    hips_at = 0.61 if height_mm < 0.75 * width_mm else 0.56  # of the height; a flat film keeps the iliac wings
    return Beam(
        source_mm=style.source_mm / k,
        object_mm=OBJECT_MM / k,
        centre_u_mm=(width_mm / 2 + pose.shift_mm[0]) / k,
        centre_v_mm=(height_mm * hips_at + pose.shift_mm[1]) / k,
        pitch_u_mm=width_mm / columns / k,
        pitch_v_mm=height_mm / rows / k,
        width=columns,
        height=rows,
    )


def _water(seed: int, size: Size, spacing: float, anatomy: Anatomy, pose: Pose, beam: Beam) -> Picture:
    rng = stream(seed, Stream.TISSUE)
    pitch = max(COARSE_MM, spacing)
    columns, rows = max(8, round(size.width * spacing / pitch)), max(8, round(size.height * spacing / pitch))
    k = anatomy.scale
    g = ground(
        width=columns,
        height=rows,
        pitch_mm=size.width * spacing / columns / k,
        centre_u_mm=beam.centre_u_mm,
        centre_v_mm=beam.centre_v_mm,
        roll_deg=pose.roll_deg,
    )
    water = soft_tissue(g, anatomy, rng) * np.float32(k)
    return np.maximum(resized(water.astype(np.float32), width=size.width, height=size.height), 0)


def _bone_texture(bone: Picture, beam: Beam, rng: np.random.Generator) -> Picture:
    """Spongy bone is not even: fine and coarse mottling, then the focal spot's blur."""
    total = np.ones_like(bone)
    for scale_mm, amount in ((1.6, 0.035), (4.0, 0.03), (12.0, 0.04)):
        noise = smooth_noise(rng, width=beam.width, height=beam.height, scale_px=scale_mm / beam.pitch_u_mm)
        total += np.float32(amount) * noise
    return blurred(bone * total, sigma_px=0.35 / beam.pitch_u_mm)


def _truth(
    seed: int,
    size: Size,
    hospital: Hospital,
    spacing: float,
    anatomy: Anatomy,
    beam: Beam,
    shadow: Shadow,
    fracture: FractureType | None,
    side: Side,
) -> FilmTruth:
    fx, fy = size.width / beam.width, size.height / beam.height

    def film(at: tuple[float, float]) -> tuple[float, float]:
        return at[0] * fx, at[1] * fy

    right, left = film(shadow.heads[Side.RIGHT]), film(shadow.heads[Side.LEFT])
    return FilmTruth(
        seed=seed,
        hospital=hospital,
        findings=_findings(seed, size, spacing, shadow, (fx, fy), fracture),
        side=side if fracture is not None else None,
        fracture_type=fracture,
        midline_px=(right[0] + left[0]) / 2,
        tilt_deg=math.degrees(math.atan2(left[1] - right[1], left[0] - right[0])),
        head_right_px=right,
        head_left_px=left,
        symphysis_px=film(shadow.symphysis),
        promontory_px=film(shadow.promontory),
        spacing_mm=spacing,
        female=anatomy.female,
        age_years=anatomy.age_years,
    )


def _findings(
    seed: int, size: Size, spacing: float, shadow: Shadow, factors: tuple[float, float], fracture: FractureType | None
) -> tuple[Finding, ...]:
    """The rectangle a reader would draw: round the broken surfaces, with a margin of 5 to 10 mm on each side."""
    if fracture is None or shadow.fracture is None:
        return ()
    margins = stream(seed, Stream.FRACTURE).spawn(1)[0].uniform(5, 10, 4) / spacing
    x0, y0, x1, y1 = shadow.fracture
    box = Rectangle.from_corners(
        math.floor(x0 * factors[0] - margins[0]),
        math.floor(y0 * factors[1] - margins[1]),
        math.ceil(x1 * factors[0] + margins[2]),
        math.ceil(y1 * factors[1] + margins[3]),
    ).clipped(size)
    return () if box is None else (Finding(box, fracture),)
