"""Fits and cross-validates the hip finder: python -m benchmarks.fit_hips FILMS [--write].

FILMS is the folder of real films. Heads and shafts of 43 of them lie in tests/imaging/data/hips.csv, in pixels of the
film with its longer side at 454 (the heads in pelves.csv beside it were placed too coarsely for this). Folds are
blocks of file numbers, because neighbouring numbers are often one patient. Needs scikit-learn (extra "train").
"""

from __future__ import annotations

import argparse
import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from hipcad_desktop.domain.anatomy import ImageHalf
from hipcad_desktop.imaging import hips as finder
from hipcad_desktop.imaging.gradients import Floats, shrunk
from hipcad_desktop.imaging.hips import HipPoints, Step, find_hips, first_guess, seen
from hipcad_desktop.imaging.pelvis import WORKING_PX, FoundPelvis, find_pelvis, pyramid

DATA = Path(__file__).resolve().parents[1] / "tests" / "imaging" / "data"
REGRESSION = Path(finder.__file__).with_name("hips_regression.npz")
FOLDS, SEED, SAMPLES, NUMBERS_IN_A_BLOCK = 5, 20200414, 48, 10
SPREADS = (0.05, 0.025)  # of the guesses that a step has to correct, in distances of the heads
RIDGE = 300.0
PLACED_AT_PX = 454.0


@dataclass(frozen=True, slots=True, eq=False)
class Example:
    """One hip with where the eye put its head and its shaft."""

    name: str
    film: Image.Image
    pelvis: FoundPelvis
    true: HipPoints

    @property
    def block(self) -> int:
        """Films of one block may be one patient's."""
        return int(re.sub(r"\D", "", self.name)) // NUMBERS_IN_A_BLOCK


def read_examples(folder: Path) -> list[Example]:
    """Both hips of every film whose heads and shafts were placed."""
    placed = {Path(r["file"]).name: r for r in csv.DictReader((DATA / "hips.csv").read_text("ascii").splitlines())}
    examples = []
    for path in sorted(folder.rglob("*.jpg"), key=lambda p: p.name):
        if path.name not in placed:
            continue
        film = shrunk(np.asarray(ImageOps.exif_transpose(Image.open(path)).convert("L")), WORKING_PX)
        pelvis = find_pelvis(pyramid(np.asarray(film)))
        factor = max(film.size) / PLACED_AT_PX
        at = {k: factor * float(v) for k, v in placed[path.name].items() if k != "file"}
        distance = float(np.hypot(at["head_right_x"] - at["head_left_x"], at["head_right_y"] - at["head_left_y"]))
        for half in ImageHalf:
            head_x, head_y = at[f"head_{half.value}_x"], at[f"head_{half.value}_y"]
            along = np.array((at[f"shaft_{half.value}_x"] - head_x, at[f"shaft_{half.value}_y"] - head_y))
            along *= finder.SHAFT_AT * distance / np.hypot(*along)
            true = HipPoints(half, head_x, head_y, head_x + along[0], head_y + along[1], distance)
            examples.append(Example(path.name, film, pelvis, true))
    return examples


def samples(examples: Sequence[Example], spread: float, generator: np.random.Generator) -> tuple[Floats, Floats]:
    """Wrong guesses and what would set them right: features [n, FEATURES], targets [n, TARGETS]."""
    features, targets = [], []
    for example in examples:
        true = example.true
        outwards = -1.0 if true.half is ImageHalf.LEFT else 1.0
        for _ in range(SAMPLES):
            turned, size = generator.normal(0, 0.06), generator.normal(0, 0.06)
            guess = replace(true, heads_px=true.heads_px * np.exp(size))
            off = generator.normal(0, spread, 2) * guess.heads_px
            guess = replace(guess, head_x=true.head_x + off[0], head_y=true.head_y + off[1])
            features.append(seen(example.film, guess, turned=turned))

            points = np.array(((true.head_x, true.head_y), (true.shaft_x, true.shaft_y)))
            away = (points - (guess.head_x, guess.head_y)) * (outwards, 1.0) / guess.heads_px
            back = np.array(((np.cos(turned), -np.sin(turned)), (np.sin(turned), np.cos(turned))))
            targets.append([*(away @ back).ravel(), -size])
    return np.array(features), np.array(targets)


def fit(examples: Sequence[Example]) -> tuple[Step, ...]:
    """Ridge regressions, one after the other for smaller and smaller errors."""
    from sklearn.linear_model import Ridge

    generator = np.random.default_rng(SEED)
    steps = []
    for spread in SPREADS:
        x, y = samples(examples, spread, generator)
        model = Ridge(alpha=RIDGE).fit(x - x.mean(axis=0), y)
        parts = (x.mean(axis=0), model.coef_.T, model.intercept_)
        steps.append(Step(*(part.astype(np.float32) for part in parts)))
    return tuple(steps)


def errors(examples: Sequence[Example], steps: tuple[Step, ...] | None) -> list[tuple[float, float, float, str]]:
    """For each hip: the head's error as a share of the film's width, the shaft's in degrees, the size's ratio."""
    found = []
    for example in examples:
        true = example.true
        if steps is None:
            points = first_guess(example.film.size, example.pelvis, true.half)
        else:
            both = find_hips(np.asarray(example.film), example.pelvis, steps=steps)
            points = both[0] if true.half is ImageHalf.LEFT else both[1]
        off = np.hypot(points.head_x - true.head_x, points.head_y - true.head_y) / example.film.width
        ways = [np.arctan2(p.shaft_y - p.head_y, p.shaft_x - p.head_x) for p in (points, true)]
        angle = np.degrees(abs(ways[0] - ways[1]))
        found.append((float(off), float(angle), points.heads_px / true.heads_px, f"{example.name} {true.half.value}"))
    return found


def tell(title: str, found: Sequence[tuple[float, float, float, str]]) -> None:
    """One line of figures."""
    off, angle, size = (np.array([f[i] for f in found]) for i in range(3))
    print(
        f"{title}: {len(off)} heads, median {np.median(off):.4f} of the width, 95 % {np.quantile(off, 0.95):.4f}, "
        f"within 2 % {np.mean(off <= 0.02):.1%}, within 3 % {np.mean(off <= 0.03):.1%}; shafts median "
        f"{np.median(angle):.1f} degrees, 95 % {np.quantile(angle, 0.95):.1f}; size off by {np.std(np.log(size)):.3f}"
    )


def main() -> None:
    """Cross-validates, prints the figures, and writes the regression fitted on everything when asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("films", type=Path)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    examples = read_examples(options.films)
    tell("pelvis finder alone", errors(examples, None))
    blocks = np.random.default_rng(SEED).permutation(sorted({e.block for e in examples}))
    found = []
    for fold in range(FOLDS):
        left_out = set(blocks[fold::FOLDS].tolist())
        steps = fit([e for e in examples if e.block not in left_out])
        found += errors([e for e in examples if e.block in left_out], steps)
    tell("left out of the fit", found)
    for off, angle, _, name in sorted(found, reverse=True)[:8]:
        print(f"  {name}: {off:.3f}, {angle:.1f} degrees")
    if options.write:
        steps = fit(examples)
        kept = {
            f"{part}{i}": getattr(step, part).astype(np.float16)
            for i, step in enumerate(steps)
            for part in finder.PARTS
        }
        np.savez_compressed(REGRESSION, **kept)  # type: ignore[arg-type]
        tell("as shipped, on the films of the fit", errors(examples, steps))


if __name__ == "__main__":
    main()
