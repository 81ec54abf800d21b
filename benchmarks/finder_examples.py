"""What the finder network learns from: real films, simulated ones, and pictures that are no frontal pelvis.

Points of real films lie in tests/imaging/data/landmarks.csv, in pixels of the film (EXIF applied, then turned by its
column "turns") with the longer side at 454. "eye": placed by hand; "checked": today's finder's points that an eye saw
in place, good for the fit and no measure of it.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageOps

LANDMARKS = Path(__file__).resolve().parents[1] / "tests" / "imaging" / "data" / "landmarks.csv"
POINTS = ("head_left", "head_right", "shaft_left", "shaft_right", "symphysis")
KEPT_PX, PLACED_AT_PX, NUMBERS_IN_A_BLOCK = 320, 454.0, 10
SHAFT_AT = 0.5  # the shaft's point lies so far from the head, in distances of the heads
Pixels = NDArray[np.uint8]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Example:
    """A picture, upright and bone white, at most KEPT_PX wide or high.

    points [5, 2] in its pixels, NaN where unknown, None where it is no frontal pelvis. one_hip: a film made of one
    hip, the other at its edge at best. metal: on the picture's left and right hip.
    """

    name: str
    pixels: Pixels
    points: Floats | None
    one_hip: bool = False
    metal: tuple[bool, bool] = (False, False)
    by_hand: bool = False

    @property
    def block(self) -> int:
        """Real films of one block may be one patient's."""
        return int(re.sub(r"\D", "", self.name) or -1) // NUMBERS_IN_A_BLOCK


def real_examples(folder: Path) -> list[Example]:
    """The films of landmarks.csv that lie in the folder."""
    rows = {row["file"]: row for row in csv.DictReader(LANDMARKS.read_text("ascii").splitlines())}
    found = []
    for path in sorted(folder.rglob("*.jpg"), key=lambda p: p.name):
        if row := rows.get(path.name):
            grey = np.asarray(ImageOps.exif_transpose(Image.open(path)).convert("L"))
            pixels = kept(np.rot90(grey, int(row["turns"])))
            points = _points(row, max(pixels.shape) / PLACED_AT_PX) if row["head_left_x"] else None
            metal = (row["metal"] == "left", row["metal"] == "right")
            found.append(
                Example(path.name, pixels, points, row["shows"] == "one_hip", metal, row["placed"] == "eye"),
            )
    return found


def _points(row: dict[str, str], factor: float) -> Floats:
    at = np.array([[float(row[f"{p}_{axis}"] or "nan") for axis in "xy"] for p in POINTS]) * factor
    return with_shafts(at)


def with_shafts(points: Floats) -> Floats:
    """The shaft's points moved along head and shaft to where the finder wants them."""
    points = points.copy()
    distance = float(np.hypot(*(points[1] - points[0])))
    for head, shaft in ((0, 2), (1, 3)):
        along = points[shaft] - points[head]
        points[shaft] = points[head] + along * SHAFT_AT * distance / np.hypot(*along)
    return points


def kept(pixels: Pixels) -> Pixels:
    """A picture at most KEPT_PX wide or high."""
    picture = Image.fromarray(np.ascontiguousarray(pixels))
    picture.thumbnail((KEPT_PX, KEPT_PX), Image.Resampling.BOX)
    return np.asarray(picture)


def simulated_examples(folder: Path) -> list[Example]:
    """Simulated films with their truth: the pictures, and points.json with a list of POINTS by name for each."""
    found = []
    for row in json.loads((folder / "points.json").read_text("ascii")):
        pixels = np.asarray(Image.open(folder / row["file"]).convert("L"))
        points = np.array([row[p] if row[p] is not None else (np.nan, np.nan) for p in POINTS])
        metal = tuple(bool(m) for m in row.get("metal", (False, False)))
        small = kept(pixels)
        factor = max(small.shape) / max(pixels.shape)
        found.append(Example(row["file"], small, with_shafts(points * factor), metal=(metal[0], metal[1])))
    return found


def other_examples(*folders: Path) -> list[Example]:
    """Pictures of folders that show no frontal pelvis; a DICOM file as the program displays it."""
    from hipcad_desktop.imaging.reader import read_film

    found = []
    for path in sorted(p for folder in folders for p in folder.iterdir()):
        if path.suffix == ".dcm":
            found.append(Example(path.name, kept(read_film(path).eight_bit), None))
        elif path.suffix in {".png", ".jpg", ".tif"}:
            found.append(Example(path.name, kept(np.asarray(Image.open(path).convert("L"))), None))
    return found


def beside_the_hips(examples: list[Example]) -> Iterator[Example]:
    """Parts of real films in which neither head lies: the belly, the thighs."""
    for example in examples:
        if example.points is None or example.one_hip:
            continue
        high, low = example.points[:2, 1].min(), example.points[:2, 1].max()
        reach = 0.2 * float(np.hypot(*(example.points[1] - example.points[0])))
        for rows, what in ((slice(0, int(high - reach)), "belly"), (slice(int(low + reach * 1.5), None), "thighs")):
            part = example.pixels[rows]
            if min(part.shape) >= 60:
                yield Example(f"{example.name} {what}", part, None)


def drawn_bones(seed: int) -> Pixels:
    """Something like a film of another part: rods with bright rims, ends that meet, rows of blocks, in soft tissue."""
    rng = np.random.default_rng((20200414, seed))
    width, height = (int(v) for v in rng.integers(220, 320, 2))
    ink = Image.new("L", (width, height), 0)
    flesh = Image.new("L", (width, height), 0)
    centre, way = rng.uniform(0.3, 0.7, 2) * (width, height), rng.normal(0, 0.25)
    kind = int(rng.integers(4))
    along = np.array((np.sin(way), np.cos(way)))
    across = np.array((along[1], -along[0]))
    if kind == 0:  # two long bones that meet, as at a knee or an elbow
        half, gap = rng.uniform(14, 34), rng.uniform(2, 8)
        for sign in (-1, 1):
            _rod(ink, centre + along * sign * (half + gap), centre + along * sign * 400, half * rng.uniform(0.4, 0.7))
            _knob(ink, centre + along * sign * (half * 0.8 + gap), half * 1.25, half * 0.8)
        _rod(flesh, centre - along * 400, centre + along * 400, half * rng.uniform(1.8, 3))
    elif kind == 1:  # fingers or toes
        for k in range(-2, 3):
            at = centre + across * k * rng.uniform(26, 36)
            for step in range(-3, 4):
                _rod(ink, at + along * (step * 46 + 6), at + along * (step * 46 + 38), rng.uniform(5, 8))
            _rod(flesh, at - along * 160, at + along * 160, 15)
    elif kind == 2:  # a spine
        half = rng.uniform(16, 30)
        for step in range(-6, 7):
            at = centre + along * step * half * 1.9
            _rod(ink, at - across * half, at + across * half, half * 0.75)
        _rod(flesh, centre - along * 400, centre + along * 400, half * rng.uniform(3, 6))
    else:  # a chest: ribs about a spine
        draw = ImageDraw.Draw(ink)
        for step in range(-5, 8):
            y, r = float(centre[1] + step * rng.uniform(20, 28)), rng.uniform(0.3, 0.45) * width
            draw.arc((centre[0] - r, y - 22, centre[0] + r, y + 40), 200, 340, fill=150, width=7)
        _rod(ink, centre - along * 400, centre + along * 400, 14)
        _rod(flesh, centre - along * 400, centre + along * 400, width * 0.42)
    rim = np.asarray(ink.filter(ImageFilter.FIND_EDGES).filter(ImageFilter.GaussianBlur(1.2)), np.float64)
    bone = np.asarray(ink.filter(ImageFilter.GaussianBlur(1.5)), np.float64)
    soft = np.asarray(flesh.filter(ImageFilter.GaussianBlur(12)), np.float64)
    cloud = rng.normal(0, 1, (12, 12))
    clouds = np.asarray(Image.fromarray(cloud.astype(np.float32)).resize((width, height), Image.Resampling.BICUBIC))
    grey = rng.uniform(0.3, 0.7) * soft + rng.uniform(0.25, 0.6) * bone + rim * rng.uniform(0.3, 0.8)
    grey = grey * (1 + 0.12 * clouds) + rng.normal(0, 3, (height, width))
    return np.clip(grey * rng.uniform(0.7, 1.3), 0, 255).astype(np.uint8)


def _rod(picture: Image.Image, start: Floats, end: Floats, half: float) -> None:
    draw = ImageDraw.Draw(picture)
    draw.line((*start.tolist(), *end.tolist()), fill=150, width=max(2, round(2 * half)))


def _knob(picture: Image.Image, at: Floats, wide: float, high: float) -> None:
    ImageDraw.Draw(picture).ellipse((at[0] - wide, at[1] - high, at[0] + wide, at[1] + high), fill=150)
