"""Fits and cross-validates the pelvis template: python -m benchmarks.fit_pelvis FILMS [--write] [--negatives FOLDER].

FILMS is the folder of real films. Positives are the frontal pelves of tests/imaging/data/pelves.csv at their heads,
with small shifts, sizes and turns; negatives are all else: the same films beside the pelvis, turned and inverted,
films that are no frontal pelvis, noise. Hard negatives are mined in rounds. Folds are blocks of file numbers, because
neighbouring numbers are often one patient. Needs scikit-learn (extra "train").
"""

from __future__ import annotations

import argparse
import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from PIL import Image, ImageDraw, ImageFilter, ImageOps

from hipcad_desktop.imaging import pelvis as finder
from hipcad_desktop.imaging.gradients import CELL_PX, DIRECTIONS, Floats, gradient_map, shrunk
from hipcad_desktop.imaging.pelvis import HEADS_CELLS, FoundPelvis, Level, Pose, Template, find_pelvis, in_pose

TRUTH = Path(__file__).resolve().parents[1] / "tests" / "imaging" / "data" / "pelves.csv"
TEMPLATE = Path(finder.__file__).with_name("pelvis_template.csv")
SHAPE = (finder.ROWS_ABOVE + finder.ROWS_BELOW, 2 * finder.COLUMNS_BESIDE, DIRECTIONS)
FOLDS, ROUNDS, SVM_C, SEED, GENERATED = 5, 3, 0.003, 20200414, 60
WRONG_POSES = (Pose(1), Pose(2), Pose(3), Pose(0, True))
UPRIGHT = Pose()


@dataclass(frozen=True, slots=True, eq=False)
class Example:
    """A film of the fit. heads: (left x, left y, right x, right y) as shares, None where not both are in the film."""

    name: str
    film: Image.Image
    levels: tuple[Level, ...]
    midline: float | None
    heads: tuple[float, float, float, float] | None

    @property
    def heads_share(self) -> float:
        """Distance of the heads as a share of the film's width."""
        assert self.heads
        x0, y0, x1, y1 = self.heads
        return float(np.hypot(x1 - x0, (y1 - y0) * self.film.height / self.film.width))


def read_examples(folder: Path, others: Path | None) -> list[Example]:
    """All films of the folder in the order of their numbers, then other pictures that show no pelvis, then noise."""
    truth = {row["file"]: row for row in csv.DictReader(TRUTH.open(encoding="ascii"))}
    examples = []
    for path in sorted(folder.rglob("*.jpg"), key=lambda p: p.name):
        row = truth.get(path.name)
        pixels = np.asarray(ImageOps.exif_transpose(Image.open(path)).convert("L"))
        keys = ("head_left_x", "head_left_y", "head_right_x", "head_right_y")
        heads = tuple(float(row[k]) for k in keys) if row and row["head_left_x"] else None
        examples.append(_example(path.name, pixels, float(row["midline"]) if row else None, heads))
    for path in sorted(others.iterdir()) if others else []:
        examples.append(_example(path.name, np.asarray(Image.open(path).convert("L")), None, None))
    examples += [_example(f"generated {k}", generated(k), None, None) for k in range(GENERATED)]
    return examples


def _example(name: str, pixels: np.ndarray, midline: float | None, heads: tuple[float, ...] | None) -> Example:
    film = shrunk(pixels, finder.WORKING_PX)
    return Example(name, film, finder.pyramid(np.asarray(film)), midline, heads)  # type: ignore[arg-type]


def generated(seed: int) -> np.ndarray:
    """A picture of nothing: clouds of one grain size, or grey ellipses and rods at random places. uint8."""
    generator = np.random.default_rng((SEED, seed))
    size = (int(generator.integers(300, 500)), int(generator.integers(300, 500)))
    if seed % 2:
        grain = int(2 ** generator.uniform(1.5, 7))
        grains = generator.integers(0, 256, (grain, grain), np.uint8)
        return np.asarray(Image.fromarray(grains).resize(size, Image.Resampling.BICUBIC))
    picture = Image.new("L", size, int(generator.integers(0, 60)))
    draw = ImageDraw.Draw(picture)
    for _ in range(int(generator.integers(3, 30))):
        x, y, across, along = (generator.uniform(0, 1, 4) * (*size, 250, 250)).tolist()
        grey = int(generator.integers(0, 255))
        if generator.random() < 0.7:
            draw.ellipse((x - across / 2, y - along / 2, x + across / 2, y + along / 2), fill=grey)
        else:
            draw.line((x, y, x + across - 125, y + along - 125), fill=grey, width=int(generator.integers(2, 40)))
    return np.asarray(picture.filter(ImageFilter.GaussianBlur(float(generator.uniform(0, 4)))))


def windows(cells: Floats) -> np.ndarray:
    """The template's view at every cell corner: [row, column, channel, y, x]."""
    beside = (finder.COLUMNS_BESIDE, finder.COLUMNS_BESIDE)
    padded = np.pad(cells, ((finder.ROWS_ABOVE, finder.ROWS_BELOW), beside, (0, 0)))
    return sliding_window_view(padded, SHAPE[:2], axis=(0, 1))


def vector(window: np.ndarray) -> Floats:
    """One view as the template lies in memory."""
    return np.ascontiguousarray(window.transpose(1, 2, 0)).ravel()


def mirrored(weights: np.ndarray) -> np.ndarray:
    """Weights or a view seen in a mirror."""
    return weights[:, ::-1][:, :, finder.MIRRORED_CHANNELS]


def positives(example: Example, generator: np.random.Generator, copies: int = 5) -> list[Floats]:
    """Views of the pelvis, and their mirror images: one in place, the others shifted, resized and turned a little."""
    assert example.heads is not None
    assert example.midline is not None
    width, height = example.film.size
    x, y = example.midline * width, (example.heads[1] + example.heads[3]) / 2 * height
    views = []
    for copy in range(copies):
        turn = 0.0 if copy == 0 else generator.uniform(-7, 7)
        factor = HEADS_CELLS * CELL_PX / (example.heads_share * width) * np.exp(generator.uniform(-0.09, 0.09))
        shift = np.zeros(2) if copy == 0 else generator.uniform(-0.5, 0.5, 2)
        at = np.array((x, y)) * factor + shift * CELL_PX
        x0, y0 = (at % CELL_PX) / factor
        box = (round(x0), round(y0), width, height)
        size = (int((width - box[0]) * factor), int((height - box[1]) * factor))
        film = example.film.rotate(turn, Image.Resampling.BILINEAR, center=(x, y)).crop(box)
        cells = gradient_map(film, size)
        if turn:
            inside = Image.new("L", example.film.size, 255).rotate(turn, center=(x, y)).crop(box).resize(size)
            rows, columns = cells.shape[:2]
            mask = np.asarray(inside)[: rows * CELL_PX, : columns * CELL_PX]
            cells = cells * (mask.reshape(rows, CELL_PX, columns, CELL_PX).min(axis=(1, 3)) == 255)[..., None]
        column, row = (int(v) for v in at // CELL_PX)
        view = windows(cells)[min(row, cells.shape[0]), min(column, cells.shape[1])].transpose(1, 2, 0)
        views += [np.ascontiguousarray(view).ravel(), np.ascontiguousarray(mirrored(view)).ravel()]
    return views


def is_negative(example: Example, level: Level, pose: Pose) -> np.ndarray:
    """Which cell corners of a level are no pelvis, or one of clearly another size."""
    cells, (width, height) = in_pose(level, pose)
    row, column = np.mgrid[0 : cells.shape[0] + 1, 0 : cells.shape[1] + 1]
    if pose != UPRIGHT or example.midline is None:
        return np.ones(row.shape, bool)
    beside = np.abs(column - example.midline * width / CELL_PX)
    if example.heads is None:  # a pelvis cut by the film's edge: neither right nor wrong
        return beside > 0.12 * width / CELL_PX
    if abs(np.log(HEADS_CELLS * CELL_PX / width / example.heads_share)) > 0.25:
        return np.ones(row.shape, bool)
    y = (example.heads[1] + example.heads[3]) / 2 * height / CELL_PX
    return (beside > 1.3) | (np.abs(row - y) > 1.6)


def fit(examples: list[Example], generator: np.random.Generator) -> Template:
    """A linear support vector machine on the views, its negatives mined in rounds, made mirror-symmetric."""
    from sklearn.svm import LinearSVC

    right = [v for e in examples if e.heads for v in positives(e, generator)]
    wrong: list[Floats] = []
    for example in examples:
        for level in example.levels:
            places = np.argwhere(is_negative(example, level, UPRIGHT))
            wrong += [vector(windows(level.cells)[r, c]) for r, c in generator.permutation(places)[:4]]
    template = Template(np.zeros(SHAPE, np.float32), 0.0)
    for this_round in range(ROUNDS):
        if this_round:
            wrong += [v for e in examples for v in _hard_negatives(e, template)]
        x = np.array(right + wrong, np.float32)
        y = np.r_[np.ones(len(right)), np.zeros(len(wrong))]
        model = LinearSVC(C=SVM_C, class_weight="balanced", intercept_scaling=3, tol=1e-3, random_state=1)
        weights = model.fit(x, y).coef_.reshape(SHAPE).astype(np.float32)
        template = Template((weights + mirrored(weights)) / 2, float(model.intercept_[0]))
    return template


def _hard_negatives(example: Example, template: Template, each: int = 10) -> list[Floats]:
    poses = (UPRIGHT, *WRONG_POSES) if example.heads else (UPRIGHT,)
    found = []
    for pose in poses:
        for index, level in enumerate(example.levels):
            cells, _ = in_pose(level, pose)
            scores = np.where(is_negative(example, level, pose), finder.score_map(cells, template), -9)
            for place in np.argsort(scores, axis=None)[-4:]:
                row, column = np.unravel_index(place, scores.shape)
                if scores[row, column] > -0.9:
                    found.append((float(scores[row, column]), index, pose, int(row), int(column)))
    found.sort(key=lambda f: -f[0])
    return [vector(windows(in_pose(example.levels[i], p)[0])[r, c]) for _, i, p, r, c in found[:each]]


def cross_validate(examples: list[Example]) -> dict[str, FoundPelvis]:
    """What templates fitted without a block of file numbers find in that block."""
    found = {}
    blocks = [np.flatnonzero([e.name.startswith("IMG") == real for e in examples]) for real in (True, False)]
    for parts in zip(*(np.array_split(block, FOLDS) for block in blocks), strict=True):
        fold = np.concatenate(parts)
        left_out = set(fold.tolist())
        rest = [e for k, e in enumerate(examples) if k not in left_out]
        template = fit(rest, np.random.default_rng(SEED))
        found |= {examples[k].name: find_pelvis(examples[k].levels, template=template) for k in fold}
    return found


def write(template: Template) -> None:
    """The template as a table: bias first, then a row for each cell, channels across."""
    lines = ["# Pelvis template, see PELVIS_TEMPLATE.md: bias; then 17 x 18 cells row by row, 8 gradient channels each"]
    lines.append(f"{template.bias:.5f}")
    lines += [",".join(f"{v:.5f}" for v in cell) for cell in template.weights.reshape(-1, DIRECTIONS)]
    TEMPLATE.write_text("\n".join(lines) + "\n", "ascii")


def main() -> None:
    """Cross-validates, prints the figures, and writes the template fitted on everything when asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("films", type=Path)
    parser.add_argument("--negatives", type=Path, help="folder of pictures that show no frontal pelvis")
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    examples = read_examples(arguments.films, arguments.negatives)
    found = cross_validate(examples)
    errors, scores = [], []
    for example in examples:
        result = found[example.name]
        if example.heads and example.midline is not None:
            errors.append(abs(result.x - example.midline))
            scores.append(result.score)
        wrong_film = not example.heads and (example.name.startswith("IMG") or result.score > finder.PELVIS_SCORE)
        if wrong_film or (example.heads and (errors[-1] > 0.03 or result.score < 0.5)):
            true = f" true {example.midline:.3f}" if example.midline is not None else ""
            print(f"{example.name:20} score {result.score:5.2f} x {result.x:.3f}{true} heads {result.heads:.2f}")
    print(f"midline within 4 %: {np.mean(np.array(errors) <= 0.04):.1%}, 2 %: {np.mean(np.array(errors) <= 0.02):.1%}")
    least = np.quantile(scores, [0, 0.05, 0.5]).round(2)
    print(f"of {len(errors)}; median error {np.median(errors):.4f}; scores least, 5 %, median {least}")
    if arguments.write:
        write(fit(examples, np.random.default_rng(SEED)))


if __name__ == "__main__":
    main()
