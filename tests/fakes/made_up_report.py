"""A report's folder with made-up values and drawn pictures, as `hipcad evaluate` leaves it; no model ever ran."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from hipcad_desktop.domain.coverage import Coverage
from hipcad_desktop.domain.evaluation import (
    SCHEMA,
    Calibration,
    Caution,
    Evaluation,
    HalvingFigures,
    OperatingPoint,
    PrCurve,
    ReliabilityBin,
    RocCurve,
)
from hipcad_desktop.domain.judgement import (
    FALSE_ALARM,
    FOUND,
    HEATMAPS_FILE,
    HEATMAPS_FOLDER,
    MISSED,
    HeatMap,
    heat_maps_to_json,
    wilson,
)
from hipcad_desktop.domain.leaks import Probe
from hipcad_desktop.domain.metrics import Estimate, Proportion, Thresholds
from hipcad_desktop.domain.seal import Opening
from hipcad_desktop.domain.subgroups import HOSPITAL, SEX, TYPE, Subgroup

THRESHOLDS = Thresholds(0.214, 0.618)


def share(hits: int, n: int) -> Proportion:
    """A proportion with its Wilson interval."""
    return Proportion(hits, n, *wilson(hits, n))


def estimate(value: float, *, half: float = 0.04, n: int = 100, unit: str = "hips") -> Estimate:
    """A figure with an interval of this half width."""
    return Estimate(value, value - half, min(value + half, 1.0), n, unit, "made up")


def point(name: str, threshold: float, tp: int, fn: int, fp: int, tn: int) -> OperatingPoint:
    """A threshold and its counts."""
    return OperatingPoint(
        name=name,
        threshold=threshold,
        true_positive=tp,
        false_negative=fn,
        false_positive=fp,
        true_negative=tn,
        accuracy=share(tp + tn, tp + fn + fp + tn),
        sensitivity=share(tp, tp + fn),
        specificity=share(tn, tn + fp),
        f1=estimate(2 * tp / (2 * tp + fp + fn)),
        ppv=estimate(tp / max(tp + fp, 1)),
        npv=estimate(tn / max(tn + fn, 1)),
    )


def halving(name: str = "midline", *, auc: float = 0.913) -> HalvingFigures:
    """Figures of 40 broken and 60 whole hips."""
    rate = tuple(i / 20 for i in range(21))
    bent = (1 - auc) / auc
    return HalvingFigures(
        halving=name,
        hips=100,
        fracture=40,
        no_fracture=60,
        films=50,
        patients=48,
        auc=estimate(auc),
        auc_same_film=estimate(auc - 0.03, half=0.06, n=40, unit="pairs of hips"),
        points=(point("fracture", 0.618, 31, 9, 3, 57), point("no_fracture", 0.214, 37, 3, 14, 46)),
        states={
            "fracture": {"fracture": 31, "doubt": 6, "no_fracture": 3},
            "no_fracture": {"fracture": 3, "doubt": 11, "no_fracture": 46},
        },
        negatives=(),
        types=(),
        roc=RocCurve(rate, tuple(r**bent for r in rate)),
        average_precision=estimate(0.887),
        pr=PrCurve(tuple(1 - r for r in rate), tuple(0.4 + 0.6 * math.sqrt(r) for r in rate)),
        calibration=Calibration(
            trained_prevalence=0.5,
            prevalence=0.4,
            brier=estimate(0.112, half=0.02),
            brier_reference=0.24,
            slope=estimate(0.81, half=0.19),
            intercept=estimate(-0.2, half=0.3),
            bins=tuple(
                ReliabilityBin(k / 5, (k + 1) / 5, (k + 0.5) / 5, share(hits, 20))
                for k, hits in enumerate((1, 3, 9, 14, 19))
            ),
        ),
        subgroups=(
            subgroup(TYPE, "Garden I", 9, 60, 0.79),
            subgroup(TYPE, "31-A2", 14, 60, 0.97),
            subgroup(HOSPITAL, "A", 25, 31, 0.93),
            subgroup(HOSPITAL, "B", 15, 29, 0.87),
            subgroup(SEX, "F", 29, 40, 0.92),
        ),
        coverage=Coverage(31, share(27, 31), 0.11, estimate(0.54), 0.11, estimate(0.31), 0.35),
    )


def subgroup(kind: str, name: str, fracture: int, whole: int, auc: float) -> Subgroup:
    """One part of the hips."""
    return Subgroup(
        kind=kind,
        name=name,
        hips=fracture + whole,
        fracture=fracture,
        no_fracture=whole,
        patients=fracture + whole - 3,
        auc=estimate(auc, half=0.09, n=fracture + whole),
        sensitivity={n: share(round(fracture * auc), fracture) for n in ("fracture", "no_fracture")},
        specificity={n: share(round(whole * 0.9), whole) for n in ("fracture", "no_fracture")},
    )


def made_up_evaluation(*, model: str = "made-up", auc: float = 0.913) -> Evaluation:
    """All parts that a report can have."""
    opening = Opening(1, "2026-03-01T09:12:00.000000Z", model, "ab" * 32, THRESHOLDS, "0.4.0")
    return Evaluation(
        schema=SCHEMA,
        created_utc="2026-03-01T09:12:30Z",
        program_version="0.4.0",
        model={"name": model, "sha256": "ab" * 32, "backbone": "none", "recipe": "quick", "trained_on": "cd" * 32},
        dataset={"name": "three-hospitals", "hips_sha256": "cd" * 32, "seed": 1, "not_exported": 2},
        partition="test",
        thresholds=THRESHOLDS,
        thresholds_from={"partition": "validation", "n_fracture": 40, "n_no_fracture": 60},
        prevalence=0.15,
        interval="wilson",
        temperature=1.34,
        halvings=(halving(), halving("paper", auc=0.941)),
        cautions=(Caution("other_dataset", "Not the dataset that the model was trained on."),),
        notice="Research use only. Not for clinical diagnosis.",
        openings=(opening, replace(opening, number=2, opened_utc="2026-03-02T10:00:00.000000Z")),
        probes=(
            Probe(
                "hospital", "Does the hospital tell the label?", estimate(0.83), True, "The hospital alone tells it."
            ),
            Probe("side", "Does the side tell the label?", estimate(0.51), False, "The side tells nothing."),
            Probe(
                "patients",
                "Is a patient in two partitions?",
                Estimate(None, None, None, 90, "patients", ""),
                False,
                "No patient is in two partitions.",
            ),
        ),
    )


def write_made_up_report(folder: Path, *, found: int = 5, evaluation: Evaluation | None = None) -> Path:
    """report.json and heatmaps/ with so many found fractures, one miss and one false alarm."""
    pictures = folder / HEATMAPS_FOLDER
    pictures.mkdir(parents=True)
    values = (evaluation or made_up_evaluation()).to_json()
    (folder / "report.json").write_text(json.dumps(values), encoding="utf-8")
    (folder / "report.html").write_text("<title>made up</title>", encoding="utf-8")
    maps = [heat_map(pictures, number, FOUND) for number in range(found)]
    maps += [heat_map(pictures, 90, MISSED), heat_map(pictures, 91, FALSE_ALARM)]
    (pictures / HEATMAPS_FILE).write_text(json.dumps(heat_maps_to_json(maps)), encoding="utf-8")
    return folder


def heat_map(folder: Path, number: int, kind: str) -> HeatMap:
    """Draw a hip and its overlay."""
    code, side = f"film{number:03d}", "R" if number % 2 else "L"
    y, x = np.mgrid[0:190, 0:190] / 190.0
    bone = (90 + 120 * np.exp(-((x - 0.5) ** 2 + (y - 0.35) ** 2) * 14)).astype(np.uint8)
    heat = np.exp(-((x - 0.3 - 0.04 * (number % 9)) ** 2 + (y - 0.4) ** 2) * 40)
    overlay = np.stack([np.clip(bone + 140 * heat, 0, 255), bone, bone * (1 - heat)], axis=2).astype(np.uint8)
    made = HeatMap(
        film_code=code,
        side=side,
        hip=f"{code}_{side}_hip.jpg",
        overlay=f"{code}_{side}_overlay.jpg",
        p_fracture=0.9,
        fracture_type="" if kind == FALSE_ALARM else "Garden III",
        aspect=0.66,
        kind=kind,
    )
    Image.fromarray(bone).save(folder / made.hip)
    Image.fromarray(overlay).save(folder / made.overlay)
    return made
