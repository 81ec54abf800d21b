"""What a reader of an evaluation has to know before believing its figures."""

from __future__ import annotations

from collections.abc import Sequence

from hipcad_desktop.domain.cohort import Partition
from hipcad_desktop.domain.dataset import DatasetManifest
from hipcad_desktop.domain.evaluation import Caution, HalvingFigures
from hipcad_desktop.domain.halving import HalvingMethod
from hipcad_desktop.domain.leaks import Probe
from hipcad_desktop.domain.model_card import ModelCard
from hipcad_desktop.domain.seal import Opening

PAPER = "paper halving"  # how the names of probes of that halving end
FEW = 30  # hips of a class, below which an interval is too wide to tell a good model from a middling one


def cautions(
    card: ModelCard,
    manifest: DatasetManifest,
    part: Partition,
    halvings: Sequence[HalvingFigures],
    probes: Sequence[Probe],
    openings: Sequence[Opening],
) -> tuple[Caution, ...]:
    """Every caution of an evaluation, the gravest first."""
    found = [*_of_leaks(probes), *_of_synthesis(manifest, part), *_of_openings(openings)]
    found += [*_of_data(card, manifest, part), *_of_classes(halvings, card.halving), *_of_windows(card, manifest)]
    return tuple(sorted(found, key=lambda c: not c.loud))  # stable


def _of_leaks(probes: Sequence[Probe]) -> list[Caution]:
    """One caution for all alarms; the probes themselves say the rest. The paper's halving alone is less grave."""
    alarms = [p.name for p in probes if p.alarm]
    grave = [name for name in alarms if not name.endswith(PAPER)]
    if grave:
        text = f"Leak alarms ({len(alarms)}): {'; '.join(alarms)}. Until each is explained, no figure can be believed."
        return [Caution("leak", text, loud=True)]
    if alarms:
        text = f"Leak alarms of the paper's halving only: {'; '.join(alarms)}. Its figures flatter the model."
        return [Caution("leak_paper", text)]
    return []


def _of_openings(openings: Sequence[Opening]) -> list[Caution]:
    """The test partition tells the truth once; later figures may have been chosen with knowledge of it."""
    if len(openings) < 2:
        return []
    this, before = openings[-1], openings[:-1]
    others = [o for o in before if (o.model_sha256, o.thresholds) != (this.model_sha256, this.thresholds)]
    times = "once" if len(before) == 1 else f"{len(before)} times"
    if not others:
        text = f"The test partition was opened {times} before, always for this very model and its thresholds."
        return [Caution("opened_before", text)]
    other = "and that" if len(before) == 1 else f"{len(others)} of these"
    text = (
        f"The test partition was opened {times} before, {other} for another model or other thresholds: "
        "who chose this model may have known its hips. The first opening is the one to be reported."
    )
    return [Caution("opened_before", text, loud=True)]


def _of_synthesis(manifest: DatasetManifest, part: Partition) -> list[Caution]:
    if manifest.synthesis is None or part.value not in manifest.synthesis.partitions:
        return []
    text = "These fractures were made by program: the figures say how well the model knows the program's fractures."
    return [Caution("synthetic", text, loud=True)]


def _of_data(card: ModelCard, manifest: DatasetManifest, part: Partition) -> list[Caution]:
    if card.data.get("hips_sha256") != manifest.hips_sha256:
        text = "Not the dataset that the model was trained on; nothing here can tell whether the two share patients."
        return [Caution("other_dataset", text)]
    match part:
        case Partition.TRAINING:
            text = "The model was trained on exactly these hips. The figures say nothing of new patients."
        case Partition.VALIDATION:
            text = "The model and its thresholds were chosen on exactly these hips. The figures flatter it."
        case Partition.TEST:
            return []
    return [Caution("seen_in_training", text, loud=True)]


def _of_classes(halvings: Sequence[HalvingFigures], diagnosis: str) -> list[Caution]:
    found: list[Caution] = []
    for figures in halvings:
        for n, kind in ((figures.fracture, "with"), (figures.no_fracture, "without")):
            if n == 0:
                text = f"No hip {kind} a fracture ({figures.halving} halving): what needs one is not computed."
                found.append(Caution("one_class", text, loud=True))
    if halvings and 0 < (n := min(halvings[0].fracture, halvings[0].no_fracture)) < FEW:
        hips = "1 hip" if n == 1 else f"{n} hips"
        text = f"Only {hips} of the rarer class: read the intervals, not the figures."
        found.append(Caution("few_hips", text))
    if diagnosis not in {f.halving for f in halvings}:
        text = (
            "No hip of this partition was halved as diagnosis halves: none of these figures is the program's accuracy."
        )
        found.append(Caution("no_midline", text, loud=True))
    return found


def _of_windows(card: ModelCard, manifest: DatasetManifest) -> list[Caution]:
    found: list[Caution] = []
    if unknown := sorted(set(manifest.mapping_rules) - set(card.mapping_rules)):
        found.append(Caution("mapping", f"Mapping to 8 bits not seen in training: {', '.join(unknown)}."))
    if card.halving == HalvingMethod.MIDLINE.value and abs(manifest.overlap_share - card.overlap_share) > 1e-9:
        text = (
            f"The dataset's windows overlap by {manifest.overlap_share:.3f} of the film's width, the model's diagnosis "
            f"by {card.overlap_share:.3f}: diagnosis will see slightly other windows than these."
        )
        found.append(Caution("overlap", text))
    return found
