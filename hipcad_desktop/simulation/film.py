"""One simulated frontal pelvis film and the truth about it. No patient had it; every file written says so."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hipcad_desktop.domain.anatomy import FractureType, Side
from hipcad_desktop.domain.geometry import Size
from hipcad_desktop.simulation.anatomy import Anatomy, Pose, Stream, draw_anatomy, draw_pose, stream
from hipcad_desktop.simulation.beam import Beam
from hipcad_desktop.simulation.case import FEMALE, Case, Cassette
from hipcad_desktop.simulation.exposure import STYLES, Hospital, Style, draw_exposure, exposed, marked, shuttered
from hipcad_desktop.simulation.raster import Picture, blurred, resized, smooth_noise
from hipcad_desktop.simulation.skeleton import Shadow, cast
from hipcad_desktop.simulation.tissue import ground, soft_tissue, vessels
from hipcad_desktop.simulation.truth import FilmTruth, Origin, film_truth, visibility

FINEST_MM = 0.7  # raster of the bones; finer films interpolate
COARSE_MM = 1.8  # raster of the soft tissue
OBJECT_MM = 150.0  # hips to detector
_CASSETTES = {Cassette.PORTRAIT: (350.0, 430.0), Cassette.SQUARE: (400.0, 400.0)}  # mm


@dataclass(frozen=True, slots=True, eq=False)
class SimulatedFilm:
    """values: 12-bit grey [height, width], bone white, the patient's left on the picture's right."""

    values: NDArray[np.uint16]
    truth: FilmTruth


@dataclass(frozen=True, slots=True)
class Plan:
    """What a film is made from: its field in mm, the middle of the heads in it, the patient and the pose."""

    seed: int
    size: Size
    hospital: Hospital
    field_mm: tuple[float, float]
    centre_mm: tuple[float, float]
    anatomy: Anatomy
    pose: Pose
    case: Case

    @property
    def style(self) -> Style:
        """The hospital's style."""
        return STYLES[self.hospital]

    @property
    def spacing_mm(self) -> float:
        """Millimetres of film per pixel."""
        return self.field_mm[0] / self.size.width


def simulate_film(
    *,
    seed: int,
    size: Size | None,
    hospital: Hospital,
    fracture: FractureType | None,
    side: Side,
    case: Case | None = None,
) -> SimulatedFilm:
    """A film in a hospital's style; side says which hip is broken where a fracture type is given.

    The same arguments give the same film; another fracture or none changes only the broken bone. size None takes the
    hospital's usual size, turned or cut as the case's cassette. case None: nothing beside the fracture.
    """
    plan = planned(seed=seed, size=size, hospital=hospital, case=case or Case())
    values, shadow = taken(plan, fracture, side)
    beam = beam_of(plan)
    seen = tuple(visibility(b, shadow.metal, pitch_mm=beam.pitch_u_mm) for b in shadow.breaks)
    origin = Origin(
        seed=seed,
        size=plan.size,
        hospital=hospital,
        spacing_mm=plan.spacing_mm,
        anatomy=plan.anatomy,
        pose=plan.pose,
        case=plan.case,
        exposure=draw_exposure(stream(seed, Stream.NOISE)),
    )
    factors = plan.size.width / beam.width, plan.size.height / beam.height
    return SimulatedFilm(values, film_truth(origin, shadow, seen, factors))


def planned(*, seed: int, size: Size | None, hospital: Hospital, case: Case) -> Plan:
    """The patient, the pose and the cassette of a seed."""
    style = STYLES[hospital]
    if size is not None:
        shape = Cassette.LANDSCAPE if size.width > size.height else Cassette.PORTRAIT
        case = replace(case, cassette=Cassette.SQUARE if size.width == size.height else shape)
    field, size = _cassette(style, size, case)
    anatomy = draw_anatomy(stream(seed, Stream.ANATOMY), female_share=FEMALE[hospital])
    pose = draw_pose(stream(seed, Stream.POSE))
    flat = field[1] < 0.75 * field[0]  # a flat film keeps the iliac wings
    upright = field[1] > field[0]
    hips_at = 0.61 if flat else 0.50 if upright else 0.56  # of the height
    aside = pose.shift_mm[0] * (0.4 if upright else 1.0)  # both hips are to be in the film
    centre = field[0] / 2 + aside, field[1] * hips_at + pose.shift_mm[1]
    return Plan(seed, size, hospital, field, centre, anatomy, pose, case)


def _cassette(style: Style, size: Size | None, case: Case) -> tuple[tuple[float, float], Size]:
    """Width and height in mm, and pixels of the hospital's size per mm where no size is asked."""
    if size is not None:
        return (style.field_mm, style.field_mm * size.height / size.width), size
    if case.cassette is Cassette.LANDSCAPE:
        return (style.field_mm, style.field_mm * style.size.height / style.size.width), style.size
    per_mm = style.size.width / style.field_mm
    width, height = _CASSETTES[case.cassette]
    return (width, height), Size(round(width * per_mm), round(height * per_mm))


def taken(plan: Plan, fracture: FractureType | None, side: Side) -> tuple[NDArray[np.uint16], Shadow]:
    """The film's values and its skeleton's shadow."""
    beam, size, seed = beam_of(plan), plan.size, plan.seed
    shadow = cast(beam, seed=seed, anatomy=plan.anatomy, pose=plan.pose, case=plan.case, fracture=fracture, side=side)
    coarse = _water(plan, beam)
    k = np.float32(plan.anatomy.scale)
    bone = _bone_texture(shadow.bone * k, beam, stream(seed, Stream.TEXTURE))
    bone = bone + vessels(beam, plan.anatomy, plan.case.vessels, stream(seed, Stream.CASE))
    bone, water = (np.maximum(resized(p, width=size.width, height=size.height), 0) for p in (bone, coarse))
    metal = None
    if shadow.metal.any():
        metal = np.maximum(resized(shadow.metal * k, width=size.width, height=size.height), 0)
    rng = stream(seed, Stream.NOISE)
    values = exposed(
        water, bone, metal, style=plan.style, exposure=draw_exposure(rng), pitch_mm=plan.spacing_mm, rng=rng
    )
    rng = stream(seed, Stream.EXPOSURE)
    values = marked(shuttered(values, style=plan.style, rng=rng), style=plan.style, rng=rng)
    return values, shadow


def beam_of(plan: Plan) -> Beam:
    """Lengths are divided by the patient's scale, so that bones keep their textbook measures."""
    width_mm, height_mm = plan.field_mm
    pitch = max(FINEST_MM, plan.spacing_mm)
    columns, rows = max(8, round(width_mm / pitch)), max(8, round(height_mm / pitch))
    k = plan.anatomy.scale
    return Beam(
        source_mm=plan.style.source_mm / k,
        object_mm=OBJECT_MM / k,
        centre_u_mm=plan.centre_mm[0] / k,
        centre_v_mm=plan.centre_mm[1] / k,
        pitch_u_mm=width_mm / columns / k,
        pitch_v_mm=height_mm / rows / k,
        width=columns,
        height=rows,
    )


def _water(plan: Plan, beam: Beam) -> Picture:
    """Millimetres of water on the coarse raster."""
    width_mm, height_mm = plan.field_mm
    pitch = max(COARSE_MM, plan.spacing_mm)
    columns, rows = max(8, round(width_mm / pitch)), max(8, round(height_mm / pitch))
    k = plan.anatomy.scale
    g = ground(
        width=columns,
        height=rows,
        pitch_mm=width_mm / columns / k,
        centre_u_mm=beam.centre_u_mm,
        centre_v_mm=beam.centre_v_mm,
        roll_deg=plan.pose.roll_deg,
    )
    water = soft_tissue(g, plan.anatomy, stream(plan.seed, Stream.TISSUE)) * np.float32(k)
    return np.maximum(water.astype(np.float32), 0)


def _bone_texture(bone: Picture, beam: Beam, rng: np.random.Generator) -> Picture:
    """Spongy bone is not even: fine and coarse mottling, then the focal spot's blur."""
    total = np.ones_like(bone)
    for scale_mm, amount in ((1.5, 0.055), (4.0, 0.03), (12.0, 0.04)):
        noise = smooth_noise(rng, width=beam.width, height=beam.height, scale_px=scale_mm / beam.pitch_u_mm)
        total += np.float32(amount) * noise
    return blurred(bone * total, sigma_px=0.35 / beam.pitch_u_mm)
