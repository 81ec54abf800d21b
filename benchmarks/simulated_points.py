"""Simulated films with their points for the finder network: python -m benchmarks.simulated_points TO [--films 300].

Writes JPEGs of about 454 pixels and points.json, which benchmarks/fit_finder.py reads, or with --wrong films that are
no frontal pelvis. Same seed, same films.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from hipcad_desktop.domain.anatomy import FractureType, Side
from hipcad_desktop.domain.geometry import Size
from hipcad_desktop.simulation.case import SHARES, draw_case
from hipcad_desktop.simulation.exposure import Hospital
from hipcad_desktop.simulation.film import simulate_film
from hipcad_desktop.simulation.wrong import WrongKind, wrong_film

SIZES = (Size(454, 373), Size(373, 454), Size(440, 361), Size(480, 325), Size(420, 420), Size(400, 470))
BROKEN_SHARE = 0.35
MANY = {"implant": 0.35, "fixed": 0.15, "arthritis": 0.2}
HOSPITALS: tuple[Hospital, ...] = ("A", "B", "C")


def shown(values: np.ndarray) -> Image.Image:
    """12-bit grey as a film is displayed."""
    low, high = np.percentile(values, (0.5, 99.7))
    return Image.fromarray((np.clip((values - low) / (high - low), 0, 1) * 255).astype(np.uint8))


def pelvis(number: int, seed: int, to: Path) -> dict[str, object]:
    """One frontal pelvis, written, and its points by the picture's side."""
    rng = np.random.default_rng((seed, number))
    fracture = list(FractureType)[int(rng.integers(len(FractureType)))] if rng.random() < BROKEN_SHARE else None
    side, hospital = list(Side)[int(rng.integers(2))], HOSPITALS[int(rng.integers(3))]
    case = draw_case(rng, hospital=hospital, fracture=fracture, side=side, shares=replace(SHARES[hospital], **MANY))
    size, film_seed = SIZES[number % len(SIZES)], int(rng.integers(2**60))
    film = simulate_film(seed=film_seed, size=size, hospital=hospital, fracture=fracture, side=side, case=case)
    truth, name = film.truth, f"simulated_{number:04d}.jpg"
    shown(film.values).save(to / name, quality=90)
    return {
        "file": name,
        "head_left": truth.head_right_px,  # the patient's right hip lies on the picture's left
        "head_right": truth.head_left_px,
        "shaft_left": None if Side.RIGHT in truth.broken_sides else truth.shaft_right_px,
        "shaft_right": None if Side.LEFT in truth.broken_sides else truth.shaft_left_px,
        "symphysis": truth.symphysis_px,
        "metal": [implant is not None for implant in truth.case.implants],
    }


def main() -> None:
    """Writes the films."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("to", type=Path)
    parser.add_argument("--films", type=int, default=300)
    parser.add_argument("--seed", type=int, default=20200414)
    parser.add_argument("--wrong", action="store_true")
    options = parser.parse_args()
    options.to.mkdir(parents=True)
    if options.wrong:
        kinds = list(WrongKind)
        for k in range(options.films):
            kind = kinds[k % len(kinds)]
            film = wrong_film(kind, seed=options.seed + k, hospital=HOSPITALS[k // len(kinds) % 3], size=SIZES[k % 2])
            shown(film.values).save(options.to / f"{kind.name.lower()}_{k:03d}.png")
        return
    rows = [pelvis(k, options.seed, options.to) for k in range(options.films)]
    (options.to / "points.json").write_text(json.dumps(rows), "ascii")


if __name__ == "__main__":
    main()
