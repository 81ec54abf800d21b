"""Made-up evaluations of any size: real figures of made-up scores, so that the report's pages can be looked at."""

from __future__ import annotations

import random
from dataclasses import replace

from hipcad_desktop.domain.anatomy import FractureType, Side
from hipcad_desktop.domain.coverage import Coverage
from hipcad_desktop.domain.diagnosis import state_of
from hipcad_desktop.domain.evaluation import SCHEMA, Caution, Evaluation, HalvingFigures, HipScore
from hipcad_desktop.domain.leaks import Probe
from hipcad_desktop.domain.metrics import Estimate, Thresholds
from hipcad_desktop.domain.model_card import RESEARCH_USE
from hipcad_desktop.domain.seal import Opening
from hipcad_desktop.domain.subgroups import Subgroup
from hipcad_desktop.workflows.compute_figures import compute_figures
from hipcad_desktop.workflows.intervals import auc_of_hips, proportion

THRESHOLDS = Thresholds(0.21, 0.74)
HOSPITALS = ("Gamagori City", "Tsushima City", "Nagoya Daini")


def made_up_scores(films: int, *, broken_share: float = 0.8, skill: float = 2.4, seed: int = 1) -> tuple[HipScore, ...]:
    """Two hips for each film; of broken_share of the films one hip is broken."""
    chance = random.Random(seed)
    types = [kind.value for kind in FractureType]
    scores = []
    for film in range(films):
        broken_film = film < round(films * broken_share)
        broken_side = chance.choice((Side.RIGHT, Side.LEFT))
        for side in Side:
            fracture = broken_film and side is broken_side
            logit = chance.gauss(skill if fracture else -skill, 1.8)
            p = 1 / (1 + 2.718281828 ** (-logit))
            scores.append(
                HipScore(
                    image=f"images/{film:012x}_{side.value}_midline.png",
                    film_code=f"{film:012x}",
                    patient=f"P{film:04d}",
                    side=side,
                    fracture=fracture,
                    pair_has_fracture=broken_film,
                    fracture_type=chance.choice(types) if fracture else "",
                    p_fracture=p,
                    state=state_of(p, THRESHOLDS),
                )
            )
    return tuple(scores)


def made_up_evaluation(scores: tuple[HipScore, ...], *, alarms: bool = False, openings: int = 1) -> Evaluation:
    """An evaluation of the scores with subgroups, coverage, probes and openings."""
    main = compute_figures("midline", scores, THRESHOLDS, trained_prevalence=0.5)
    main = replace(main, subgroups=_subgroups(scores), coverage=_coverage(main))
    beside = compute_figures("paper", scores[: len(scores) // 2], THRESHOLDS, trained_prevalence=0.5)
    return Evaluation(
        schema=SCHEMA,
        created_utc="2026-11-24T12:00:00Z",
        program_version="0.4.0",
        model={"name": "gamagori-b4", "sha256": "a1" * 32, "backbone": "tf_efficientnet_b4.aa_in1k", "recipe": "paper"},
        dataset={"name": "hips-2026", "hips_sha256": "b2" * 32, "seed": 20200414, "not_exported": 12},
        partition="test",
        thresholds=THRESHOLDS,
        thresholds_from={
            "partition": "validation",
            "halving": "midline",
            "n_fracture": 500,
            "n_no_fracture": 500,
            "sensitivity_target": 0.95,
            "specificity_target": 0.95,
            "warnings": [],
        },
        halvings=(main, beside),
        cautions=(
            Caution("overlap", "The dataset's windows overlap by 0.120 of the film's width, the model's by 0.100."),
        ),
        notice=RESEARCH_USE,
        prevalence=0.5,
        interval="wilson",
        temperature=1.37,
        openings=tuple(_opening(number) for number in range(1, openings + 1)),
        probes=_probes(alarms, len(scores)),
    )


def _opening(number: int) -> Opening:
    return Opening(
        number, f"2026-11-{20 + number}T12:00:00Z", f"model-{number}", f"{number}f" * 32, THRESHOLDS, "0.4.0"
    )


def _subgroups(scores: tuple[HipScore, ...]) -> tuple[Subgroup, ...]:
    whole = [s for s in scores if not s.fracture]
    broken = [s for s in scores if s.fracture]
    found = [
        _group("type", kind, [s for s in broken if s.fracture_type == kind] + whole)
        for kind in sorted({s.fracture_type for s in broken})
    ]
    for at, hospital in enumerate(HOSPITALS):
        found.append(_group("hospital", hospital, [s for s in scores if int(s.film_code, 16) % 3 == at]))
    for at, scanner in enumerate(("FUJIFILM Corporation DR-ID 1200", "not known")):
        found.append(_group("scanner", scanner, [s for s in scores if int(s.film_code, 16) % 2 == at]))
    for at, age in enumerate(("<50", "60-69", "70-79", "80-89", "90+")):
        found.append(_group("age", age, [s for s in scores if int(s.film_code, 16) % 5 == at]))
    found += [
        _group("side", name, [s for s in scores if s.side == side]) for side, name in (("R", "right"), ("L", "left"))
    ]
    found.append(_group("negatives", "other hip", broken + [s for s in whole if s.pair_has_fracture]))
    return tuple(found)


def _group(kind: str, name: str, hips: list[HipScore]) -> Subgroup:
    broken, whole = [s for s in hips if s.fracture], [s for s in hips if not s.fracture]
    named = {"fracture": THRESHOLDS.fracture, "no_fracture": THRESHOLDS.no_fracture}
    return Subgroup(
        kind=kind,
        name=name,
        hips=len(hips),
        fracture=len(broken),
        no_fracture=len(whole),
        patients=len({s.patient for s in hips}),
        auc=auc_of_hips(broken, whole),
        sensitivity={p: proportion(sum(s.p_fracture >= t for s in broken), len(broken)) for p, t in named.items()},
        specificity={p: proportion(sum(s.p_fracture < t for s in whole), len(whole)) for p, t in named.items()},
    )


def _coverage(main: HalvingFigures) -> Coverage | None:
    n = main.states["fracture"]["fracture"]
    if not n:
        return None
    return Coverage(
        n=n,
        pointing=proportion(n * 4 // 5, n),
        pointing_by_chance=0.11,
        heat_inside=Estimate(0.41, 0.38, 0.44, n, "hips", "bootstrap by patient, 2000 resamples"),
        inside_by_chance=0.11,
        iou=Estimate(0.28, 0.25, 0.31, n, "hips", "bootstrap by patient, 2000 resamples"),
        iou_threshold=0.55,
    )


def _probes(alarms: bool, n: int) -> tuple[Probe, ...]:
    low, high = (0.9, 0.97) if alarms else (0.44, 0.56)
    words = "Sharpness alone tells broken hips from whole ones." if alarms else "Nothing that stands out."
    return (
        Probe(
            "all cues together",
            "Do hospital, machine, size, side, sharpness, brightness and mapping tell the label?",
            Estimate((low + high) / 2, low, high, n, "hips", "5-fold cross-validation by patient"),
            alarms,
            words,
        ),
        Probe(
            "same patient in two partitions",
            "Is a patient in two partitions?",
            Estimate(None, None, None, n, "patients", "", "a count, not an area"),
            False,
            f"None of {n} patients.",
        ),
    )
