"""Does training on few real films beat a linear probe, judged only against the other hip of the same film?

    HIPCAD_REAL_FILMS=<folder> python -m benchmarks.pairs [--seeds N] [--epochs N] [--input PX] [--start FILE]...

Every film with a broken hip is in the test partition once: as many folds as there are patients with one (at most
five), by blocks of file numbers, because neighbouring numbers are often one patient. The program's own verbs import,
export, train and evaluate; the probe sees the same images. "All hips" is printed beside it to show how far the film
itself gives the answer away.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import hashlib
import io
import os
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks.whole_way import write_tables
from hipcad_desktop.cli import main as hipcad
from hipcad_desktop.domain.anatomy import Side
from hipcad_desktop.domain.cohort import Partition
from hipcad_desktop.domain.dataset import HipEntry
from hipcad_desktop.domain.diagnosis import HipState
from hipcad_desktop.domain.evaluation import HipScore
from hipcad_desktop.domain.halving import HalvingMethod
from hipcad_desktop.domain.metrics import Thresholds
from hipcad_desktop.domain.training import QUICK
from hipcad_desktop.imaging.dataset_files import read_images, read_manifest, write_manifest
from hipcad_desktop.workflows.compute_figures import compute_figures

MOST_FOLDS = 5
SEED = 20200414


@dataclass(frozen=True, slots=True)
class Judged:
    """What a way of training said of every test hip of every fold: its rank within the fold, 0..1."""

    name: str
    scores: tuple[HipScore, ...]

    def line(self) -> str:
        """AUC on same-film pairs, and on all hips, with intervals."""
        figures = compute_figures("midline", self.scores, Thresholds(0.5, 0.5))
        pairs, every = figures.auc_same_film, figures.auc
        return (
            f"{self.name:<44} pairs {pairs.value:.2f} ({pairs.low:.2f} to {pairs.high:.2f}), n = {pairs.n};"
            f" all hips {every.value:.2f} ({every.low:.2f} to {every.high:.2f}), n = {every.n}"
        )


def fold_of_patient(entries: Iterable[HipEntry]) -> dict[str, int]:
    """A fold for every patient: those with a broken hip and those without are dealt out in turn."""
    broken: dict[str, bool] = defaultdict(bool)
    for entry in entries:
        broken[entry.patient] |= entry.fracture
    folds = min(MOST_FOLDS, sum(broken.values()))
    dealt = {}
    for kind in (True, False):
        patients = sorted(
            (p for p, b in broken.items() if b is kind), key=lambda p: hashlib.sha256(f"{SEED}/{p}".encode()).digest()
        )
        dealt |= {patient: i % folds for i, patient in enumerate(patients)}
    return dealt


def write_fold(dataset: Path, fold: int, to: Path) -> list[HipEntry]:
    """The same dataset with one fold as test partition and the next as validation; its images are links."""
    manifest, entries = read_manifest(dataset)
    dealt = fold_of_patient(entries)
    folds = max(dealt.values()) + 1
    kind = {fold: Partition.TEST, (fold + 1) % folds: Partition.VALIDATION}
    moved = [replace(e, partition=kind.get(dealt[e.patient], Partition.TRAINING)) for e in entries]
    to.mkdir()
    (to / "images").symlink_to(dataset / "images")
    write_manifest(to, replace(manifest, counts=counts(moved)), moved)
    return moved


def counts(entries: Sequence[HipEntry]) -> Mapping[str, Mapping[str, int]]:
    """What dataset.json says of each partition."""
    found = {}
    for partition in Partition:
        hips = [e for e in entries if e.partition is partition and e.halving is HalvingMethod.MIDLINE]
        found[partition.value] = {
            "patients": len({e.patient for e in hips}),
            "films": len({e.film_code for e in hips}),
            "fracture": sum(e.fracture for e in hips),
            "no_fracture": sum(not e.fracture for e in hips),
        }
    return found


def call(*words: object) -> None:
    """One verb of the program; what it says is kept unless it fails."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        status = hipcad([str(w) for w in words])
    if status:
        raise SystemExit(f"hipcad {' '.join(map(str, words))}\n{said.getvalue()}")


def trained(dataset: Path, work: Path, *, start: str, seed: int, options: argparse.Namespace) -> list[HipScore]:
    """The hips of the test partition, scored by a network that the program trained."""
    recipe = ["--recipe", "quick", "--weights", start, "--seed", seed, "--epochs", options.epochs]
    call("train", dataset, "--to", work / "m.hipcad", *recipe, "--input", options.input)
    call("evaluate", work / "m.hipcad", dataset, "--to", work / "report")
    with (work / "report" / "predictions.csv").open(newline="") as file:
        rows = [r for r in csv.DictReader(file) if r["halving"] == "midline"]
    return [
        HipScore(
            image=r["image"],
            film_code=r["film_code"],
            patient=r["patient"],
            side=Side(r["side"]),
            fracture=r["fracture"] == "1",
            pair_has_fracture=r["pair_has_fracture"] == "1",
            fracture_type=r["fracture_type"],
            p_fracture=float(r["p_fracture"]),
            state=HipState(r["state"]),
        )
        for r in rows
    ]


def probed(dataset: Path, entries: Sequence[HipEntry], input_px: int) -> list[HipScore]:
    """The same hips, scored by logistic regression on the features of the network before any training."""
    import torch
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    from hipcad_desktop.learning.architecture import build_network
    from hipcad_desktop.learning.weights import load_imagenet

    network = build_network(replace(QUICK, input_px=input_px)).eval()
    load_imagenet(network, QUICK.backbone)
    hips = [e for e in entries if e.halving is HalvingMethod.MIDLINE]
    with torch.inference_mode():
        images = torch.from_numpy(read_images(dataset, hips))
        maps = [network.backbone.forward_features(network.preprocess(part)) for part in images.split(16)]
    features = torch.cat(maps).mean(dim=(2, 3)).numpy()
    is_test = np.array([e.partition is Partition.TEST for e in hips])
    truth = np.array([e.fracture for e in hips])
    probe = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, class_weight="balanced", max_iter=2000))
    said = probe.fit(features[~is_test], truth[~is_test]).predict_proba(features[is_test])[:, 1]
    tested = [e for e in hips if e.partition is Partition.TEST]
    return [_score(entry, float(p)) for entry, p in zip(tested, said, strict=True)]


def _score(entry: HipEntry, p: float) -> HipScore:
    return HipScore(
        image=entry.image,
        film_code=entry.film_code,
        patient=entry.patient,
        side=entry.side,
        fracture=entry.fracture,
        pair_has_fracture=entry.pair_has_fracture,
        fracture_type=entry.fracture_type,
        p_fracture=p,
        state=HipState.DOUBT,
    )


def ranked(scores: Sequence[HipScore]) -> list[HipScore]:
    """Scores as ranks within their fold: different networks' probabilities do not share a scale."""
    from scipy.stats import rankdata

    ranks = rankdata([s.p_fracture for s in scores]) / len(scores)
    return [replace(s, p_fracture=float(r)) for s, r in zip(scores, ranks, strict=True)]


def main() -> int:
    """Print a line for each way of training."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--epochs", type=int, default=QUICK.epochs)
    parser.add_argument("--input", type=int, default=QUICK.input_px)
    parser.add_argument("--start", action="append", help="a file of weights, or imagenet; may be given several times")
    options = parser.parse_args()
    if "HIPCAD_REAL_FILMS" not in os.environ:
        print("Set HIPCAD_REAL_FILMS to the folder of real films.", file=sys.stderr)
        return 2
    films = Path(os.environ["HIPCAD_REAL_FILMS"]).resolve()
    said: dict[str, list[HipScore]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        write_tables(films, work)
        call("import", work / "P", films / "fracture", films / "no_fracture", "--patients", work / "patients.csv")
        call("readings", "import", work / "P", work / "boxes.csv", "--reader", "A. Surgeon")
        call("export", work / "P", "--to", work / "dataset")
        for fold in range(max(fold_of_patient(read_manifest(work / "dataset")[1]).values()) + 1):
            dataset = work / f"fold{fold}"
            entries = write_fold(work / "dataset", fold, dataset)
            said["linear probe, ImageNet features"] += ranked(probed(dataset, entries, options.input))
            for start in options.start or ["imagenet"]:
                for seed in range(SEED, SEED + options.seeds):
                    place = work / f"{fold}-{Path(start).stem}-{seed}"
                    place.mkdir()
                    scores = trained(dataset, place, start=start, seed=seed, options=options)
                    said[f"quick from {Path(start).name}, seed {seed}"] += ranked(scores)
            for name, scores in said.items():
                print(f"after fold {fold + 1}: {Judged(name, tuple(scores)).line()}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
