"""Leak alarms: patients or films in two partitions, figures too good, labels told by what should not tell them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from hipcad_desktop.domain.cohort import Partition
from hipcad_desktop.domain.dataset import HipEntry
from hipcad_desktop.domain.evaluation import HalvingFigures
from hipcad_desktop.domain.halving import HalvingMethod
from hipcad_desktop.domain.leaks import Probe
from hipcad_desktop.domain.metrics import Estimate
from hipcad_desktop.domain.progress import Watch
from hipcad_desktop.workflows.leak_cues import SIDE, WINDOW, Floats, Traces, cues_of, trace
from hipcad_desktop.workflows.leak_probe import cues_auc, paired
from hipcad_desktop.workflows.near_duplicates import near_duplicates

SUSPICIOUS_AUC = 0.99
CHANCE, MATTERS = 0.5, 0.6  # a probe alarms where its interval lies above chance and its area is no trifle
WEAK = 0.75  # an upper end above it: so few patients that a strong shortcut cannot be excluded
_MOST_NAMED = 5
_MAIN = (HalvingMethod.MIDLINE, HalvingMethod.HIP, HalvingMethod.PAPER)  # the first that there is is looked at
ALL_CUES = "all of these together"


def leak_alarms(
    dataset: Path,
    entries: Sequence[HipEntry],
    figures: Sequence[HalvingFigures],
    *,
    opened: bool,
    watch: Watch,
) -> tuple[Probe, ...]:
    """Every probe of a dataset and of a model's figures on it, alarms first; entries as the model is judged on them.

    opened: whether the test partition is open; else none of its images is looked at. Raises UserError DATASET_DAMAGED
    or CANCELLED.
    """
    seen = [e for e in entries if opened or e.partition is not Partition.TEST]
    main = next((own for halving in _MAIN if (own := _of(seen, halving))), [])
    traces = trace(dataset, main, watch=watch)
    probes = [
        patients_apart(entries),
        films_apart(traces, watch=watch),
        *(too_good(f) for f in figures),
        *_between_films(traces, watch),
        _all_hips(traces),
        _within_films(traces),
    ]
    paper = _of(seen, HalvingMethod.PAPER)
    if paper and main[0].halving is HalvingMethod.MIDLINE:
        probes.append(_paper_windows(paper))
    return tuple(sorted(probes, key=lambda p: not p.alarm))  # stable


def patients_apart(entries: Sequence[HipEntry]) -> Probe:
    """Whether a patient, or a film, is in two partitions. The export makes it impossible; hips.csv is asked again."""
    places: dict[str, set[Partition]] = {}
    for entry in entries:
        for name in (entry.patient, entry.film_code):
            places.setdefault(name, set()).add(entry.partition)
    twice = sorted(name for name, parts in places.items() if len(parts) > 1)
    patients = len({e.patient for e in entries})
    if twice:
        sentence = f"In two partitions: {_listed(twice)}. The model has seen what it is judged on."
    else:
        sentence = f"Each of the {patients} patients is in one partition only."
    question = "Is a patient in two partitions?"
    return Probe("patients", question, _counted(patients, "patients"), bool(twice), sentence)


def films_apart(traces: Traces, *, watch: Watch) -> Probe:
    """Whether films of two partitions look like the same film, cropped or saved again, or the same patient's retake."""
    found = near_duplicates(traces.entries, traces.thumbs, watch=watch)
    films = len({e.film_code for e in traces.entries})
    if found:
        pairs = [f"{d.film} and {d.other} ({d.correlation:.2f})" for d in found]
        sentence = (
            f"{len(found)} pair{'s' if len(found) > 1 else ''} of films in different partitions look like one film or "
            f"one patient's retake: {_listed(pairs)}. Look at them; if they are, join the patients and export again."
        )
    else:
        sentence = f"Among {films} films no two of different partitions look like copies."
    question = "Is the same film, cropped or saved again, in two partitions?"
    return Probe("near-duplicate films", question, _counted(films, "films"), bool(found), sentence)


def too_good(figures: HalvingFigures) -> Probe:
    """Whether the model's own area is above what honest work reaches."""
    value = figures.auc.value
    alarm = value is not None and value > SUSPICIOUS_AUC
    if value is None:
        sentence = f"Not to be said: {figures.auc.reason}."
    elif alarm:
        sentence = (
            f"AUC {value:.3f} ({figures.halving} halving) is above {SUSPICIOUS_AUC}: before believing it, look for a "
            "leak (a mark, an edge or a machine that gives the answer away)."
        )
    else:
        sentence = f"AUC {value:.3f} ({figures.halving} halving) is not above {SUSPICIOUS_AUC}."
    question = f"Is the model's AUC too good to be true ({figures.halving} halving)?"
    return Probe(f"model's AUC, {figures.halving} halving", question, figures.auc, alarm, sentence)


def _between_films(traces: Traces, watch: Watch) -> list[Probe]:
    """Films with a fracture against films without: each cue alone, then all of them.

    A cue of the whole film cannot tell the two hips of one film apart, so it is asked of films, where it is strongest.
    """
    films: dict[str, list[int]] = {}
    for at, entry in enumerate(traces.entries):
        films.setdefault(entry.film_code, []).append(at)
    hips = list(films.values())
    entries = [replace(traces.entries[at[0]], fracture=traces.entries[at[0]].pair_has_fracture) for at in hips]
    cues = {n: np.stack([v[at].mean(axis=0) for at in hips]) for n, v in traces.cues.items() if n != SIDE}
    probes = []
    for name, values in [*((n, [v]) for n, v in cues.items()), (ALL_CUES, list(cues.values()))]:
        watch.check("The evaluation")
        question = f"Does {name} tell films with a fracture from films without?"
        if name == ALL_CUES:
            question = f"Do {', '.join(cues) or 'size, machine, sharpness'} together tell films with a fracture?"
        probes.append(_probe(f"{name}, between films", question, _asked(values, entries, "films")))
    return probes


def _all_hips(traces: Traces) -> Probe:
    question = "Do all cues together tell broken hips from whole ones?"
    answer = _asked(list(traces.cues.values()), traces.entries, "hips")
    return _probe(f"{ALL_CUES}, all hips", question, answer)


def _within_films(traces: Traces) -> Probe:
    """The broken against the other hip of its film: machine, size and exposure are the same, so nothing should tell."""
    places = paired(traces.entries)
    question = "Do all cues together tell the broken hip from the other hip of the same film?"
    hips = [traces.entries[at] for at in places]
    answer = _asked([v[places] for v in traces.cues.values()], hips, "hips")
    return _probe(f"{ALL_CUES}, within films", question, answer)


def _paper_windows(entries: Sequence[HipEntry]) -> Probe:
    """Whether the rectangle's cut gives the label away, as METHOD 3.4 fears: for the paper's halving only."""
    question = "Does the cut of the paper's halving tell broken hips from whole ones?"
    answer = _asked([cues_of(entries)[WINDOW]], entries, "hips")
    probe = _probe(f"{WINDOW}, paper halving", question, answer)
    if not probe.alarm:
        return probe
    return replace(probe, sentence=f"{probe.sentence} So only the midline halving's figures are the program's.")


def _asked(cues: Sequence[Floats], entries: Sequence[HipEntry], unit: str) -> Estimate:
    usable = [c for c in cues if c.shape[1]]
    if not usable:
        return Estimate(None, None, None, len(entries), unit, "none", "these cues are the same everywhere")
    return replace(cues_auc(usable, entries), unit=unit)


def _probe(name: str, question: str, answer: Estimate) -> Probe:
    if answer.value is None or answer.low is None or answer.high is None:
        return Probe(name, question, answer, False, f"Not to be said: {answer.reason}.")
    alarm = answer.low > CHANCE and answer.value >= MATTERS
    figure = (
        f"AUC {answer.value:.2f} (95 % interval {answer.low:.2f} to {answer.high:.2f}), n = {answer.n} {answer.unit}"
    )
    if alarm:
        sentence = f"Yes, {figure}: a network can learn this instead of the fracture. Look at the AUC within films."
    elif answer.high > WEAK:
        sentence = f"Not shown, {figure}; there are too few patients to exclude it."
    else:
        sentence = f"No, {figure}."
    return Probe(name, question, answer, alarm, sentence)


def _counted(n: int, unit: str) -> Estimate:
    return Estimate(None, None, None, n, unit, "counted", "counted, not predicted")


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(names[:_MOST_NAMED]) + more


def _of(entries: Sequence[HipEntry], halving: HalvingMethod) -> list[HipEntry]:
    return [e for e in entries if e.halving is halving]
