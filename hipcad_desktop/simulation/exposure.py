"""From thickness to a 12-bit film: attenuation, scatter, noise, the detector, and a hospital's processing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from hipcad_desktop.domain.geometry import Size
from hipcad_desktop.simulation.raster import Picture, blurred

Hospital = Literal["A", "B", "C"]
WATER_PER_MM = 0.0165  # effective attenuation at about 75 kV behind a grid
BONE_PER_MM = 0.062  # of dense bone over the water it replaces
METAL_PER_MM = 0.34  # of titanium at about 60 keV (NIST XCOM 0.77 cm2/g); steel is white all the same
WHITE = 4095


@dataclass(frozen=True, slots=True)
class Style:
    """What makes a hospital's films look alike. Sizes keep the proportions of the paper's three hospitals."""

    size: Size
    field_mm: float  # width of the film
    source_mm: float
    photons: float  # per mm^2 of film in air
    scatter: float  # behind the grid, as a share of the primary beam's local mean
    overview: float  # weight of what is wider than 25 mm: small = strong compression
    detail: float  # weight of what is finer
    edge: float  # sharpening of the finest detail
    gamma: float
    collimated: float  # how often the shutters show
    inverted: bool  # stored as MONOCHROME1
    jpeg_quality: int


STYLES: Mapping[Hospital, Style] = {
    "A": Style(Size(1223, 1005), 465, 1100, 2.5e5, 0.08, 0.70, 1.25, 0.35, 1.95, 0.15, False, 92),
    "B": Style(Size(1150, 945), 430, 1000, 2.0e5, 0.12, 0.50, 1.60, 0.70, 1.55, 0.45, True, 90),
    "C": Style(Size(1020, 690), 415, 1150, 1.1e5, 0.20, 0.85, 1.10, 0.15, 2.00, 0.25, False, 82),
}


@dataclass(frozen=True, slots=True)
class Exposure:
    """How one film was taken and shown: factors on the style, and the grey levels of air and bone."""

    water: float  # attenuation of soft tissue, 1 is usual
    bone: float
    scatter: float
    photons: float
    top_percentile: float  # of the body's depths that is shown white
    gamma: float
    black: float
    white: float


def draw_exposure(rng: np.random.Generator) -> Exposure:
    """An exposure as it happens in practice."""
    return Exposure(
        water=float(rng.normal(1, 0.04)),
        bone=float(rng.normal(1, 0.08)),
        scatter=float(rng.uniform(0.7, 1.4)),
        photons=float(rng.uniform(0.6, 1.6)),
        top_percentile=float(rng.uniform(99.5, 99.95)),
        gamma=float(rng.uniform(0.85, 1.5)),
        black=float(rng.uniform(30, 200)),
        white=float(rng.uniform(3300, 4050)),
    )


def exposed(
    water_mm: Picture,
    bone_mm: Picture,
    metal_mm: Picture | None = None,
    *,
    style: Style,
    exposure: Exposure,
    pitch_mm: float,
    rng: np.random.Generator,
) -> NDArray[np.uint16]:
    """The 12-bit film, bone white."""
    depth = water_mm * np.float32(WATER_PER_MM * exposure.water) + bone_mm * np.float32(BONE_PER_MM * exposure.bone)
    if metal_mm is not None:
        depth = depth + metal_mm * np.float32(METAL_PER_MM)
    primary = np.exp(-depth)
    strayed = blurred(primary, sigma_px=35 / pitch_mm) * np.float32(style.scatter * exposure.scatter)
    arriving = primary + strayed
    photons = np.float32(style.photons * exposure.photons * pitch_mm**2)
    noise = rng.standard_normal(arriving.shape, dtype=np.float32) * np.sqrt(arriving / photons)
    caught = blurred(arriving + noise, sigma_px=min(0.6, 0.18 / pitch_mm))
    seen = -np.log(np.maximum(caught, np.float32(3e-4)))
    return _windowed(_processed(seen, style, pitch_mm), water_mm, metal_mm, style, exposure)


def _processed(seen: Picture, style: Style, pitch_mm: float) -> Picture:
    wide = blurred(seen, sigma_px=25 / pitch_mm)
    fine = seen - blurred(seen, sigma_px=1.1 / pitch_mm)
    shown = wide * np.float32(style.overview) + (seen - wide) * np.float32(style.detail) + fine * np.float32(style.edge)
    return np.asarray(shown, dtype=np.float32)


def _windowed(
    shown: Picture, water_mm: Picture, metal_mm: Picture | None, style: Style, exposure: Exposure
) -> NDArray[np.uint16]:
    """Grey levels by the body's depths; metal has no say in them and is shown white."""
    body = water_mm > 40
    if metal_mm is not None:
        body &= metal_mm < 0.05
    inside = shown[body]
    inside = inside if inside.size else shown
    low = float(np.percentile(shown, 1.0))
    high = float(np.percentile(inside, exposure.top_percentile))
    level = np.clip((shown - low) / max(high - low, 1e-3), 0, 1.15) ** np.float32(style.gamma * exposure.gamma)
    grey = exposure.black + level * (exposure.white - exposure.black)
    return np.asarray(np.rint(np.minimum(grey, WHITE)), dtype=np.uint16)


def shuttered(values: NDArray[np.uint16], *, style: Style, rng: np.random.Generator) -> NDArray[np.uint16]:
    """The film with the collimator's edges where this exposure shows them; never over the hips."""
    draws = rng.random(5)
    if draws[0] >= style.collimated:
        return values
    height, width = values.shape
    result = values.copy()
    unexposed = np.uint16(WHITE - 60) if draws[0] < 0.2 * style.collimated else np.uint16(10)  # left white by some
    for i, share in enumerate(rng.uniform(0.01, 0.045, 4)):
        if draws[i + 1] < 0.6:
            rows, columns = round(share * height), round(share * width)
            strip = (np.s_[:rows], np.s_[height - rows :], np.s_[:, :columns], np.s_[:, width - columns :])[i]
            result[strip] = unexposed
    return result


def marked(values: NDArray[np.uint16], *, style: Style, rng: np.random.Generator) -> NDArray[np.uint16]:
    """The film with a lead R on the patient's right, which lies on the picture's left, above the hip."""
    height, width = values.shape
    tall = width * rng.uniform(0.020, 0.032)
    x, y = width * rng.uniform(0.06, 0.10), height * rng.uniform(0.10, 0.42)
    scale = 4
    stencil = Image.new("L", (int(tall * 1.2 * scale) + 8, int(tall * 1.4 * scale) + 8))
    pen = ImageDraw.Draw(stencil)
    t, w = tall * scale, max(1, round(tall * scale * 0.16))
    pen.line([(w, w), (w, t + w)], fill=255, width=w)
    pen.arc([w - t * 0.35, w * 0.5, w + t * 0.58, t * 0.56 + w], -90, 90, fill=255, width=w)
    pen.line([(w, w), (w + t * 0.15, w)], fill=255, width=w)
    pen.line([(w, t * 0.52 + w), (w + t * 0.15, t * 0.52 + w)], fill=255, width=w)
    pen.line([(w + t * 0.15, t * 0.52 + w), (w + t * 0.55, t + w)], fill=255, width=w)
    turned = stencil.rotate(float(rng.normal(0, 4)), resample=Image.Resampling.BICUBIC)
    letter = np.asarray(turned.reduce(scale), dtype=np.float32) / 255
    rows, columns = min(letter.shape[0], height - int(y)), min(letter.shape[1], width - int(x))
    result = values.astype(np.float32)
    patch = result[int(y) : int(y) + rows, int(x) : int(x) + columns]
    patch += letter[:rows, :columns] * (np.float32(0.96 * WHITE) - patch)
    return np.rint(result).astype(np.uint16)
