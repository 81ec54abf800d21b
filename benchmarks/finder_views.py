"""Strong changes of an example for the finder network: cut, sized, turned, mirrored, exposed otherwise, with metal."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from benchmarks.finder_examples import Example, Floats, Pixels
from hipcad_desktop.imaging.finder_network import CANVAS_PX, canvas, placing

SWAPPED = (1, 0, 3, 2, 4)
BEYOND_THE_HEADS = 0.13  # a hip is in the film where so much is seen beyond the head's centre, in distances of heads
UNKNOWN = -1.0


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """What the network is given and what it should say. points in pixels of the canvas, NaN where not asked."""

    canvas: NDArray[np.float32]  # [2, CANVAS_PX, CANVAS_PX]
    points: Floats  # [5, 2]
    frontal: float
    whole: float
    pose: int  # quarter turns that set it right + 4 where inverted; -1 where there is none
    metal: tuple[float, float]


def plain_view(example: Example) -> View:
    """An example as it is."""
    return _view(example.pixels, example.points, example.one_hip, example.metal, 0, False)


def changed_view(example: Example, rng: np.random.Generator) -> View:
    """An example changed at random."""
    pixels, points, metal = example.pixels, example.points, example.metal
    if rng.random() < 0.5:
        pixels = np.ascontiguousarray(pixels[:, ::-1])
        metal = (metal[1], metal[0])
        if points is not None:
            points = points[list(SWAPPED)] * (-1, 1) + (pixels.shape[1] - 1, 0)
    if points is not None and not example.one_hip and rng.random() < 0.3:
        side = int(rng.integers(2))
        pixels = with_metal(pixels, points, side, rng)
        metal = (metal[0] or side == 0, metal[1] or side == 1)
    if rng.random() < 0.3:
        pixels = _with_things(pixels, points, rng)
    pixels, points = _cut(pixels, points, rng)
    pixels = _exposed(pixels, rng)
    turns = int(rng.integers(1, 4)) if rng.random() < 0.25 else 0
    return _view(pixels, points, example.one_hip, metal, turns, bool(rng.random() < 0.15))


def _view(
    pixels: Pixels, points: Floats | None, one_hip: bool, metal: tuple[bool, bool], turns: int, inverted: bool
) -> View:
    height, width = pixels.shape
    frontal = whole = 0.0
    shown = (UNKNOWN, UNKNOWN)
    at = np.full((5, 2), np.nan)
    if points is not None:
        frontal, whole, shown = _truths(points, (width, height), one_hip, metal)
        if turns == 0:
            factor, left, top = placing(width, height)
            at = points * factor + (left, top)
            at[((at < 1) | (at > CANVAS_PX - 2)).any(axis=1)] = np.nan
    pose = turns + 4 * inverted if frontal == 1 else -1
    changed = np.rot90(255 - pixels if inverted else pixels, -turns)
    return View(canvas(np.ascontiguousarray(changed)), at, frontal, whole, pose, shown if turns == 0 else (-1.0, -1.0))


def _truths(
    points: Floats, size: tuple[int, int], one_hip: bool, metal: tuple[bool, bool]
) -> tuple[float, float, tuple[float, float]]:
    """Frontal, whole, metal of a frontal pelvis cut like this."""
    heads = points[:2]
    distance = float(np.hypot(*(heads[1] - heads[0])))
    room = np.minimum(heads, np.array(size) - heads).min(axis=1) / distance
    if room.max() < 0.0:
        return 0.0, 0.0, (UNKNOWN, UNKNOWN)
    if room.min() > BEYOND_THE_HEADS + 0.02 and not one_hip:
        frontal, whole = 1.0, 1.0
    else:
        frontal, whole = (1.0 if room.min() > 0 else UNKNOWN), (0.0 if room.min() < BEYOND_THE_HEADS else UNKNOWN)
        whole = 0.0 if one_hip else whole
    shown = tuple(float(m) if r > 0.1 else UNKNOWN for m, r in zip(metal, room, strict=True))
    return frontal, whole, (shown[0], shown[1])


def _cut(pixels: Pixels, points: Floats | None, rng: np.random.Generator) -> tuple[Pixels, Floats | None]:
    """Turned a little, cut or padded, stretched a little."""
    height, width = pixels.shape
    x0, y0, x1, y1 = 0.0, 0.0, float(width), float(height)
    choice = rng.random()
    if points is not None and choice < 0.12:  # one half, to just before or just past the other head
        other = points[1, 0] if choice < 0.06 else points[0, 0]
        distance = abs(points[1, 0] - points[0, 0])
        edge = other + (1 if choice < 0.06 else -1) * distance * rng.uniform(-0.6, 0.25)
        x0, x1 = (x0, min(x1, edge)) if choice < 0.06 else (max(x0, edge), x1)
    elif choice < 0.55:
        x0, x1 = rng.uniform(0, 0.15) * width, (1 - rng.uniform(0, 0.15)) * width
        y0, y1 = rng.uniform(0, 0.25) * height, (1 - rng.uniform(0, 0.25)) * height
    elif choice < 0.75:
        x0, x1 = -rng.uniform(0, 0.3) * width, (1 + rng.uniform(0, 0.3)) * width
        y0, y1 = -rng.uniform(0, 0.3) * height, (1 + rng.uniform(0, 0.3)) * height
    longest = rng.uniform(125, 200)
    factor = longest / max(x1 - x0, y1 - y0)
    fx, fy = factor * np.exp(rng.normal(0, 0.04)), factor * np.exp(rng.normal(0, 0.04))
    out = (max(40, round((x1 - x0) * fx)), max(40, round((y1 - y0) * fy)))
    turn = np.radians(np.clip(rng.normal(0, 5), -14, 14))
    cos, sin = np.cos(turn), np.sin(turn)
    middle, centre = np.array(((x0 + x1) / 2, (y0 + y1) / 2)), np.array(out) / 2
    inverse = np.array(((cos / fx, sin / fx), (-sin / fy, cos / fy)))
    offset = middle - inverse @ centre
    matrix = (*inverse[0], offset[0], *inverse[1], offset[1])
    fill = int(pixels.min()) if rng.random() < 0.8 else int(rng.integers(0, 256))
    source = Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(float(max(0.0, 0.4 / factor - 0.3))))
    cut = source.transform(out, Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR, fillcolor=fill)
    if points is not None:
        points = (points - offset) @ np.linalg.inv(inverse).T
    return np.asarray(cut), points


def _exposed(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """Other exposure, processing, noise, collimation."""
    height, width = pixels.shape
    grey = pixels.astype(np.float32) / 255
    grey = grey ** np.float32(np.exp(rng.uniform(-0.6, 0.6)))
    if rng.random() < 0.4:
        ramp = np.linspace(-1, 1, width)[None] * rng.normal(0, 0.12) + np.linspace(-1, 1, height)[:, None] * rng.normal(
            0, 0.12
        )
        grey = grey + ramp.astype(np.float32)
    if rng.random() < 0.4:
        soft = Image.fromarray((np.clip(grey, 0, 1) * 255).astype(np.uint8)).filter(
            ImageFilter.GaussianBlur(float(rng.uniform(2, 14)))
        )
        grey = grey + np.float32(rng.uniform(-0.3, 1.5)) * (grey - np.asarray(soft, np.float32) / 255)
    if rng.random() < 0.25:
        grey = np.minimum(grey, np.float32(rng.uniform(0.6, 0.95)))  # burnt out
    if rng.random() < 0.5:
        grey = grey + rng.normal(0, rng.uniform(0, 0.05), grey.shape).astype(np.float32)
    out = (np.clip(grey, 0, 1) * 255).astype(np.uint8)
    if rng.random() < 0.2:
        level = int(rng.choice((0, 0, 255)))
        strips = (rng.uniform(0, 0.1, 4) * (height, height, width, width)).astype(int)
        for k, part in enumerate(
            (out[: strips[0]], out[height - strips[1] :], out[:, : strips[2]], out[:, width - strips[3] :])
        ):
            if rng.random() < 0.5:
                part[:] = level
            del k
    return out


def with_metal(pixels: Pixels, points: Floats, side: int, rng: np.random.Generator) -> Pixels:
    """A prosthesis, a nail, a plate or screws drawn over a hip; half a head's brightness above the film."""
    head, shaft = points[side], points[2 + side]
    distance = float(np.hypot(*(points[1] - points[0])))
    outwards = -1.0 if side == 0 else 1.0
    scale = 4
    picture = Image.new("L", (pixels.shape[1] * scale, pixels.shape[0] * scale), 0)
    draw = ImageDraw.Draw(picture)
    down = (shaft - head - np.array((outwards * 0.17, 0.0)) * distance) / (0.47 * distance)
    down = down / np.hypot(*down)
    axis = head + np.array((outwards * 0.17, 0.06)) * distance + rng.normal(0, 0.01, 2) * distance

    def stroke(start: Floats, end: Floats, thick: float) -> None:
        ends = (np.stack((start, end)) * scale).ravel().tolist()
        draw.line(ends, fill=255, width=max(2, round(thick * distance * scale)))

    def ball(at: Floats, radius: float, hole: float = 0.0) -> None:
        for r, fill in ((radius, 255), (hole, 120)):
            if r:
                x, y, r = at[0] * scale, at[1] * scale, r * distance * scale
                draw.ellipse((x - r, y - r, x + r, y + r), fill=fill)

    kind = int(rng.integers(4))
    length = rng.uniform(0.35, 0.9)
    neck = head + (head - axis) * rng.uniform(-0.1, 0.25)
    if kind == 0:
        ball(head, rng.uniform(0.11, 0.16), rng.uniform(0, 0.07))
        stroke(head, axis, 0.05)
        stroke(axis - down * 0.05 * distance, axis + down * length * distance, rng.uniform(0.05, 0.09))
    elif kind == 1:
        stroke(axis - down * 0.14 * distance, axis + down * length * distance, rng.uniform(0.045, 0.07))
        stroke(
            axis + down * 0.1 * distance + np.array((outwards * 0.08, 0.05)) * distance, neck, rng.uniform(0.03, 0.055)
        )
    elif kind == 2:
        beside = np.array((outwards * 0.09, 0.0)) * distance
        stroke(axis + beside, axis + beside + down * length * distance, rng.uniform(0.03, 0.05))
        stroke(axis + beside + down * 0.12 * distance, neck, rng.uniform(0.03, 0.05))
        for k in range(int(rng.integers(2, 6))):
            at = axis + beside + down * (0.2 + 0.11 * k) * distance
            stroke(at, at - np.array((outwards * 0.12, -0.01)) * distance, 0.02)
    else:
        for k in range(int(rng.integers(2, 4))):
            off = down * (0.07 * k) * distance
            stroke(axis + np.array((outwards * 0.1, 0.08)) * distance + off, neck + off * 0.7, rng.uniform(0.02, 0.035))
    mask = picture.resize((pixels.shape[1], pixels.shape[0]), Image.Resampling.BOX)
    mask = mask.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.3, 1.0))))
    share = np.asarray(mask, np.float32) / 255 * np.float32(rng.uniform(0.75, 1.0))
    bright = np.float32(min(255.0, float(np.percentile(pixels, 99)) * rng.uniform(1.0, 1.3)))
    return np.clip(pixels * (1 - share) + bright * share, 0, 255).astype(np.uint8)


def _with_things(pixels: Pixels, points: Floats | None, rng: np.random.Generator) -> Pixels:
    """Markers, clips, zips and buttons, away from the hips."""
    picture = Image.fromarray(pixels.copy())
    draw = ImageDraw.Draw(picture)
    height, width = pixels.shape
    for _ in range(int(rng.integers(1, 4))):
        x, y = float(rng.uniform(0, width)), float(rng.uniform(0, height))
        if points is not None:
            near = np.hypot(points[:4, 0] - x, points[:4, 1] - y).min() / np.hypot(*(points[1] - points[0]))
            if near < 0.35:
                continue
        size = float(rng.uniform(4, 22))
        match int(rng.integers(4)):
            case 0:
                draw.text((x, y), str(rng.choice(list("RLDSAP"))), fill=255, font_size=size + 6)
            case 1:
                draw.rectangle((x, y, x + size, y + size * rng.uniform(0.2, 1)), fill=int(rng.integers(200, 256)))
            case 2:
                draw.ellipse((x, y, x + size, y + size), outline=255, width=2)
            case _:
                draw.line((x, y, x + rng.normal(0, 40), y + rng.normal(0, 40)), fill=240, width=int(rng.integers(1, 4)))
    return np.asarray(picture)
