"""Judges the finder, blocks left out: python -m benchmarks.judge_finder FILMS OTHERS... --run RUN [--wrong FOLDER].

RUN is the folder of a benchmarks.fit_finder run. Each fold's network, and linear steps fitted anew without the fold's
films, are asked about the films that neither has seen; the pelvis finder (template, its own figures are in
PELVIS_TEMPLATE.md) is asked beside them. --wrong: more pictures that no fold has seen and that are no frontal pelvis.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnxruntime
import torch

from benchmarks import fit_hips
from benchmarks.finder_examples import Example, other_examples, real_examples
from benchmarks.fit_finder import SEED, FinderNetwork, exported
from hipcad_desktop.imaging.finder import FRONTAL, find
from hipcad_desktop.imaging.finder_network import see
from hipcad_desktop.imaging.hips import Step, find_hips
from hipcad_desktop.imaging.pelvis import find_pelvis, pyramid
from hipcad_desktop.imaging.scope import judged

MIDLINES = fit_hips.DATA / "pelves.csv"


@dataclass(frozen=True, slots=True)
class Row:
    """One film: errors as shares of its width (None where nobody placed the point), and what was said."""

    name: str
    truth: str
    by_hand: bool
    frontal: float
    whole: float
    pose: int
    pose_share: float
    metal: tuple[float, float]
    has_metal: tuple[bool, bool]
    score: float
    symmetry: float
    beyond: float
    refusal: str
    heads: dict[str, tuple[float, float]] | None
    midline: dict[str, float] | None


def session_of(run: Path, fold: str) -> Any:
    """A fold's network in ONNX Runtime."""
    network = FinderNetwork(pretrained=False)
    network.load_state_dict(torch.load(run / f"{fold}.pt", weights_only=True))
    with TemporaryDirectory() as folder:
        path = Path(folder) / "finder.onnx"
        exported(network, path)
        return onnxruntime.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])


def row_of(example: Example, session: Any, steps: tuple[Step, ...], midline: float | None) -> Row:
    """All that is said of a film by a fold that has not seen it."""
    film = example.pixels
    width = film.shape[1]
    seen, found = see(film, session=session), find(film, session=session, steps=steps)
    pelvis = find_pelvis(pyramid(film))
    pairs = {
        "today": [(h.head_x, h.head_y) for h in find_hips(film, pelvis, steps=steps)],
        "network": [(float(x), float(y)) for x, y in seen.points[:2]],
        "both": [(h.head_x, h.head_y) for h in found.hips],
    }
    heads, midlines = None, None
    if example.points is not None and not np.isnan(example.points[:2]).any():
        heads = {k: _two(np.hypot(*(np.array(v) - example.points[:2]).T) / width) for k, v in pairs.items()}
    if midline is not None:
        middles = {k: (v[0][0] + v[1][0]) / 2 / width for k, v in pairs.items()} | {"template": pelvis.x}
        midlines = {k: abs(v - midline) for k, v in middles.items()}
    refusal = judged(film, found).refusal
    truth = "none" if example.points is None else "one hip" if example.one_hip else "pelvis"
    return Row(
        example.name, truth, example.by_hand, seen.frontal, seen.whole, int(seen.pose.argmax()),
        float(seen.pose.max()), seen.metal, example.metal, pelvis.score, pelvis.symmetry, pelvis.beyond_the_heads,
        refusal.reason.value if refusal else "", heads, midlines,
    )  # fmt: skip


def _two(values: np.ndarray) -> tuple[float, float]:
    return float(values[0]), float(values[1])


def _figures(off: np.ndarray) -> str:
    within = f"within 2 % {np.mean(off <= 0.02):.1%}, 3 % {np.mean(off <= 0.03):.1%}"
    return f"median {np.median(off):.4f}, 95 % {np.quantile(off, 0.95):.4f}, {within}, worst {off.max():.3f}"


def tell(rows: Sequence[Row]) -> None:
    """The figures."""
    for hand in (True, False):
        kept = [r for r in rows if r.heads and r.truth == "pelvis" and r.by_hand == hand]
        for key in ("today", "network", "both"):
            off = np.array([v for r in kept for v in (r.heads or {})[key]])
            how = "placed by hand" if hand else "checked by eye (not independent)"
            print(f"heads of {len(kept)} films {how}, {key}: {_figures(off)}")
    kept = [r for r in rows if r.midline and r.truth == "pelvis"]
    for key in ("template", "today", "network", "both"):
        off = np.array([(r.midline or {})[key] for r in kept])
        print(f"midline of {len(kept)} films, {key}: {_figures(off)}")
    for truth in sorted({r.truth for r in rows}):
        print(truth, dict(Counter(r.refusal or "taken" for r in rows if r.truth == truth)))
    for row in rows:
        if row.truth == "pelvis" and (row.refusal or row.frontal < FRONTAL):
            print("  refused:", row)
        if row.truth != "pelvis" and not row.refusal:
            print("  taken:", row)
    metal = [(m, h) for r in rows if r.truth == "pelvis" for m, h in zip(r.metal, r.has_metal, strict=True)]
    for has in (True, False):
        said = np.array([m for m, h in metal if h == has])
        print(
            f"metal {has}: {len(said)} hips, said at 0.5: {np.sum(said >= 0.5)}, highest {np.sort(said)[-5:].round(2)}"
        )


def main() -> None:
    """Judges every fold there is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("films", type=Path)
    parser.add_argument("others", type=Path, nargs="*")
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--folds", type=int, default=3)
    parser.add_argument("--wrong", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    real, others = real_examples(options.films), other_examples(*options.others)
    midlines = {r["file"]: float(r["midline"]) for r in csv.DictReader(MIDLINES.read_text("ascii").splitlines())}
    hips = fit_hips.read_examples(options.films)
    blocks = np.random.default_rng(SEED).permutation(sorted({e.block for e in real}))
    rows: list[Row] = []
    for fold in range(options.folds):
        if not (options.run / f"fold{fold}.pt").exists():
            continue
        left_out = set(blocks[fold :: options.folds].tolist())
        steps = fit_hips.fit([e for e in hips if e.block not in left_out])
        session = session_of(options.run, f"fold{fold}")
        judged_here = [e for e in real if e.block in left_out] + list(others[1::2] if fold == 0 else [])
        judged_here += other_examples(options.wrong) if options.wrong and fold == 0 else []
        rows += [row_of(e, session, steps, midlines.get(e.name)) for e in judged_here]
    (options.run / "judged.json").write_text(json.dumps([asdict(r) for r in rows]))
    tell(rows)


if __name__ == "__main__":
    main()
