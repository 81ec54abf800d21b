"""Figures of midline and scope on real films: python -m benchmarks.midline [--sheet SHEET.png].

Films from HIPCAD_REAL_FILMS, truth by eye from tests/imaging/data/pelves.csv. The shipped template was fitted on these
very films; python -m benchmarks.fit_pelvis gives the figures on films left out. The sheet shows each film with the line
found (green, red where the film is refused) and the line by eye (yellow).
"""

from __future__ import annotations

import argparse
import collections
import csv
import os
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from hipcad_desktop.domain.scope import FilmScope
from hipcad_desktop.imaging.midline import find_midline
from hipcad_desktop.imaging.reader import read_film
from hipcad_desktop.imaging.scope import look

TRUTH = Path(__file__).resolve().parents[1] / "tests" / "imaging" / "data" / "pelves.csv"
TILE_PX, COLUMNS, TITLE_PX = 300, 6, 14


@dataclass(frozen=True, slots=True, eq=False)
class Looked:
    """One film, what was found on it and how long finding the midline took."""

    path: Path
    thumbnail: Image.Image
    width: int
    x_px: float
    scope: FilmScope
    seconds: float


def look_at(path: Path) -> Looked:
    """Reads one film and looks at it."""
    film = read_film(path)
    start = time.perf_counter()
    midline = find_midline(film.eight_bit)
    seconds = time.perf_counter() - start
    thumbnail = Image.fromarray(film.eight_bit)
    thumbnail.thumbnail((TILE_PX, TILE_PX - TITLE_PX))
    return Looked(path, thumbnail.convert("RGB"), film.eight_bit.shape[1], midline.x_px, look(film), seconds)


def print_figures(films: list[Looked], truth: dict[str, float]) -> None:
    """Errors of the midline, scope by group, and time."""
    errors = np.array([abs(f.x_px / f.width - truth[f.path.name]) for f in films if f.path.name in truth])
    if errors.size:
        for share in (0.04, 0.02, 0.01):
            print(f"midline within {share:.0%} of the width: {np.mean(errors <= share):.1%} of {errors.size} films")
        print(f"median error {np.median(errors):.2%}, largest {errors.max():.2%}")
    groups: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
    for film in films:
        refusal = film.scope.refusal
        groups[film.path.parent.name][refusal.reason.value if refusal else "accepted"] += 1
    for group, counts in groups.items():
        print(f"{group:22} {dict(counts)}")
    print(f"time to find the midline: median {np.median([f.seconds for f in films]) * 1000:.0f} ms")


def contact_sheet(films: list[Looked], truth: dict[str, float]) -> Image.Image:
    """All films, the line found and the line by eye."""
    rows = -(-len(films) // COLUMNS)
    sheet = Image.new("RGB", (COLUMNS * TILE_PX, rows * TILE_PX))
    for k, film in enumerate(films):
        tile = film.thumbnail.copy()
        draw = ImageDraw.Draw(tile)
        if film.path.name in truth:
            x = truth[film.path.name] * tile.width
            draw.line((x, 0, x, tile.height), fill=(255, 220, 0))
        refusal = film.scope.refusal
        x = film.x_px / film.width * tile.width
        draw.line((x, 0, x, tile.height), fill=(255, 40, 40) if refusal else (0, 255, 80), width=2)
        left, top = k % COLUMNS * TILE_PX, k // COLUMNS * TILE_PX
        sheet.paste(tile, (left, top + TITLE_PX))
        words = f"{film.path.stem} {film.scope.confidence:.2f} {refusal.reason.value if refusal else ''}"
        ImageDraw.Draw(sheet).text((left + 2, top + 1), words, fill=(255, 255, 255))
    return sheet


def main() -> None:
    """Prints the figures; writes the contact sheet when asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sheet", type=Path)
    arguments = parser.parse_args()
    folder = os.environ.get("HIPCAD_REAL_FILMS")
    if not folder:
        raise SystemExit("Set HIPCAD_REAL_FILMS to a folder of real films.")
    with TRUTH.open(encoding="ascii") as table:
        truth = {row["file"]: float(row["midline"]) for row in csv.DictReader(table) if row["head_left_x"]}
    films = [look_at(path) for path in sorted(Path(folder).rglob("*.jpg"))]
    print_figures(films, truth)
    if arguments.sheet:
        contact_sheet(films, truth).save(arguments.sheet)


if __name__ == "__main__":
    main()
