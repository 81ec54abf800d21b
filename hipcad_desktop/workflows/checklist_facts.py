"""What the program knows of a study, in sentences that a checklist can carry. Everything else is for the authors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from hipcad_desktop.domain.dataset import DatasetManifest, HipEntry
from hipcad_desktop.domain.evaluation import Evaluation, HalvingFigures
from hipcad_desktop.domain.model_card import ModelCard
from hipcad_desktop.workflows.figure_words import counted, estimate, share, thresholds_words

_AUGMENTATION = (
    "mirror",
    "brightness",
    "contrast",
    "line_jitter",
    "shift_jitter",
    "scale_jitter",
    "turn_jitter_deg",
    "sharpness",
    "gamma",
    "folds",
    "edges",
)
_SCHEDULE = ("optimizer", "max_learning_rate", "weight_decay", "warm_up_share", "batch", "epochs", "dropout", "seed")


def facts(
    evaluation: Evaluation, card: ModelCard, manifest: DatasetManifest, entries: Sequence[HipEntry]
) -> Mapping[str, str]:
    """Sentences by name; "" where the program knows nothing."""
    main = evaluation.halvings[0]
    return {
        **_data(evaluation, manifest, entries),
        **_model(card, evaluation),
        **_evaluation(evaluation, main, manifest),
        **_results(evaluation, main, card),
    }


def _data(evaluation: Evaluation, manifest: DatasetManifest, entries: Sequence[HipEntry]) -> dict[str, str]:
    counts = "; ".join(
        f"{part}: {c.get('patients', 0)} patients, {c.get('films', 0)} films, {c.get('fracture', 0)} hips with and "
        f"{c.get('no_fracture', 0)} without fracture"
        for part, c in manifest.counts.items()
    )
    left = Counter(n.sentence for n in manifest.not_exported)
    reasons = "; ".join(f"{n} x {reason.rstrip('.')}" for reason, n in left.most_common(6))
    held = manifest.rule.held_out if manifest.rule else ()
    hospitals = sorted({e.hospital for e in entries if e.hospital})
    scanners = sorted({e.scanner for e in entries if e.scanner})
    named = f"{counted(len(hospitals), 'hospital')} named in the dataset ({', '.join(hospitals)})" if hospitals else ""
    return {
        "sources": named or "The dataset names no hospital.",
        "hospitals": named,
        "eligibility": "Frontal pelvic films with both hips; shaft and periprosthetic fractures and films with one "
        "hip are excluded by the readers with a reason (hipcad flow counts them). Films that cannot be halved are "
        "left out.",
        "preprocessing": f"Stored values to 8 bits by {', '.join(manifest.mapping_rules)}, never a display window; "
        f"each film cut into two hips at its midline, windows overlapping by {manifest.overlap_share:.3f} of the "
        "width; one resize to 380 x 380. The same code serves training and diagnosis.",
        "left_out": f"{counted(len(manifest.not_exported), 'film')} not exported"
        + (f": {reasons}." if reasons else "."),
        "deidentified": "Pseudonyms for patients and films; no name, number, date, file name or header is exported. "
        "Age only in bands of ten years.",
        "missing": "Films without an agreed reading are not exported and counted; absent sex, age, hospital or "
        "machine form their own subgroup “not known”. Nothing is imputed.",
        "devices": (f"Machines: {', '.join(scanners[:8])}. " if scanners else "The films' headers name no machine. ")
        + f"HipCAD Desktop {evaluation.program_version}.",
        "reference": "Readers' answers for each film, rectangle and type for each fracture; only films with an "
        "agreed or decided answer.",
        "reference_states": "Fracture or no fracture for each hip; “unsure” and disputed films are left out and "
        "counted.",
        "annotators": "Annotated in HipCAD Desktop after the fact; who read, and when, is in the project's audit.",
        "annotation": f"Rectangle and type drawn in HipCAD Desktop {manifest.program_version}.",
        "variability": "Kappa with interval is on the project's agreement page; the dataset does not carry it.",
        "partition": f"At random by patient, seed {manifest.seed}."
        + (f" Held out: all patients of {', '.join(held)}." if held else "")
        + (f" {counts}." if counts else ""),
        "disjoint": "Patient. Films that two patients share (equal pixels) join their patients; the report's probes "
        "look for near-duplicates across partitions.",
        "flow": (f"{counts}. " if counts else "") + f"{counted(len(manifest.not_exported), 'film')} not exported.",
        "characteristics": "data_card: hospital, machine, sex, age band, type and findings by partition.",
        "severity": _types(entries, evaluation.partition),
    }


def _types(entries: Sequence[HipEntry], partition: str) -> str:
    hips = {(e.film_code, e.side): e for e in entries if e.fracture and e.partition.value == partition}
    found = Counter(e.fracture_type or "no type given" for e in hips.values())
    return ", ".join(f"{name} {n}" for name, n in sorted(found.items()))


def _model(card: ModelCard, evaluation: Evaluation) -> dict[str, str]:
    config = card.config

    def listed(names: Sequence[str]) -> str:
        return ", ".join(f"{name.replace('_', ' ')} {config[name]}" for name in names if name in config)

    versions = ", ".join(f"{name} {version}" for name, version in card.versions.items())
    return {
        "technology": f"Deep learning: a convolutional network ({card.backbone}) with two classes, on frontal pelvic "
        "X-rays.",
        "use": card.intended_use,
        "goal": f"A model (recipe {card.recipe}) and its diagnostic accuracy for hip fracture, hip by hip.",
        "architecture": f"{card.backbone}, input {card.input_px} x {card.input_px} x 3, global average pooling, one "
        f"linear layer, two logits; softmax at temperature {card.temperature:.3g}. The graph is in the package "
        f"(ONNX), SHA-256 {evaluation.model['sha256']}.",
        "software": versions,
        "weights": f"{config['weights']}" if "weights" in config else "",
        "training": f"{listed(_SCHEDULE)}; one-cycle learning rate; random changes: {listed(_AUGMENTATION)}."
        if "optimizer" in config
        else "",
        "selection": "The weights after the last epoch, no early stopping; temperature and thresholds on validation "
        "only.",
        "ensemble": "None: one network.",
    }


def _evaluation(evaluation: Evaluation, main: HalvingFigures, manifest: DatasetManifest) -> dict[str, str]:
    chosen = thresholds_words(evaluation.thresholds_from)
    thresholds = f"{evaluation.thresholds.no_fracture:.4f} and {evaluation.thresholds.fracture:.4f}"
    kinds = ", ".join(dict.fromkeys(g.kind for g in main.subgroups))
    other = any(c.code == "other_dataset" for c in evaluation.cautions)
    return {
        "size": f"{main.fracture} hips with and {main.no_fracture} without fracture of {main.patients} patients; the "
        "intervals say what that can show.",
        "cutoffs": f"{thresholds}, fixed in the model's card before the test was opened"
        + (f", {chosen}." if chosen else "."),
        "blind_index": "The program saw pixels only; no clinical fact and no reading.",
        "blind_readers": "The index test's results are not shown while reading.",
        "indeterminate": f"Between the thresholds a hip is “doubt”: {main.states['fracture']['doubt']} with and "
        f"{main.states['no_fracture']['doubt']} without fracture; counted with either side at each threshold.",
        "metrics": "Sensitivity, specificity, accuracy, PPV, NPV, F1, AUC, average precision, Brier score, "
        "calibration slope and intercept, at two thresholds, with n.",
        "uncertainty": f"95 % intervals: {evaluation.interval} for proportions, DeLong for the AUC, bootstrap by "
        "patient for the rest; comparisons by paired DeLong and McNemar (hipcad compare).",
        "robustness": "Other-hip negatives apart from films without fracture; leak probes"
        + ("; two ways of halving" if len(evaluation.halvings) > 1 else "")
        + (f"; subgroups by {kinds}, exploratory." if kinds else "."),
        "fairness": f"Subgroups by {kinds}, with intervals; gallery of misses and false alarms." if kinds else "",
        "explain": "Grad-CAM for each hip"
        + ("; covers the rectangle: see item's section in the report." if main.coverage else "."),
        "internal": "" if other else f"Held-out {evaluation.partition} partition of the training dataset, by patient.",
        "external": _external(other, manifest),
        "audit": f"Every hip's score is in predictions.csv; {counted(len(evaluation.openings), 'opening')} of the "
        "test partition recorded with model and thresholds.",
        "record": "report.json, model_card, data_card, and the run's folder (config, versions, seed, data hash, "
        "metrics).",
        "availability": f"HipCAD Desktop {evaluation.program_version} (Apache-2.0). Model SHA-256 "
        f"{evaluation.model['sha256'][:16]}…, data SHA-256 {evaluation.dataset['hips_sha256'][:16]}….",
    }


def _external(other_dataset: bool, manifest: DatasetManifest) -> str:
    if other_dataset:
        return "Evaluated on another dataset than that of training."
    held = manifest.rule.held_out if manifest.rule else ()
    return (
        f"Hospitals kept out of training: {', '.join(held)}; see the subgroup by hospital."
        if held
        else "None in this report."
    )


def _results(evaluation: Evaluation, main: HalvingFigures, card: ModelCard) -> dict[str, str]:
    points = {point.name: point for point in main.points}
    low, high = points["no_fracture"], points["fracture"]
    figures = (
        f"AUC {estimate(main.auc)}; sensitivity {share(low.sensitivity)} at the no-fracture threshold; specificity "
        f"{share(high.specificity)} at the fracture threshold."
    )
    alarms = [probe.name for probe in evaluation.probes if probe.alarm]
    limits = [card.limits, *(c.sentence for c in evaluation.cautions)]
    if alarms:
        limits.append(f"Leak alarms: {', '.join(alarms)}.")
    groups = "; ".join(
        f"{g.n} {'other hips of broken ones' if g.name == 'other_hip' else 'hips of films without fracture'}"
        for g in main.negatives
    )
    return {
        "figures": figures,
        "accuracy": figures,
        "crosstab": f"Fracture threshold: {high.true_positive} true positive, {high.false_negative} false negative, "
        f"{high.false_positive} false positive, {high.true_negative} true negative; no-fracture threshold: "
        f"{low.true_positive}, {low.false_negative}, {low.false_positive}, {low.true_negative}.",
        "failures": f"{counted(main.states['fracture']['no_fracture'], 'miss', 'misses')} and "
        f"{counted(main.states['no_fracture']['fracture'], 'false alarm')}, with pictures in the report's gallery.",
        "negatives": groups,
        "prevalence": f"{main.fracture} of {main.hips} hips of this partition are broken; PPV and NPV are given at "
        f"prevalence {evaluation.prevalence:.2f}.",
        "limits": " ".join(text for text in limits if text),
    }
