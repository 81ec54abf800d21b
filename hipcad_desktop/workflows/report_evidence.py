"""The end of the report: the other halving, the paper beside, leak probes, openings of the test, how it was made."""

from __future__ import annotations

from collections.abc import Iterator

from hipcad_desktop.domain.evaluation import INTERVALS, Evaluation, HalvingFigures
from hipcad_desktop.domain.time_words import utc_words
from hipcad_desktop.workflows.document import Block, Heading, Note, Paragraph, Table
from hipcad_desktop.workflows.figure_words import HALVING_WORDS, POINT_WORDS, estimate, share, thresholds_words
from hipcad_desktop.workflows.paper_figures import SOURCE, paper_table, wald_words


def evidence(evaluation: Evaluation, main: HalvingFigures, beside: HalvingFigures | None) -> Iterator[Block]:
    """Everything that stands behind the figures."""
    if beside is not None:
        yield from _halvings(main, beside)
    yield from _paper(evaluation, main)
    yield from _probes(evaluation)
    yield from _openings(evaluation)
    yield from _methods(evaluation, main)


def _halvings(main: HalvingFigures, beside: HalvingFigures) -> Iterator[Block]:
    yield Heading("Diagnosis halving beside the paper's")
    yield Paragraph(
        "The paper cuts 50 px beside the reader's rectangle. In use there is no rectangle, so only the first column "
        "is the program's accuracy; a better second column would show what the cut itself gives away."
    )
    rows = [
        ("Hips", *(f"{f.fracture} with, {f.no_fracture} without" for f in (main, beside))),
        ("AUC", estimate(main.auc), estimate(beside.auc)),
        ("AUC within films", estimate(main.auc_same_film), estimate(beside.auc_same_film)),
        ("Average precision", estimate(main.average_precision), estimate(beside.average_precision)),
    ]
    points = [{p.name: p for p in f.points} for f in (main, beside)]
    for name in ("no_fracture", "fracture"):
        for label in ("Sensitivity", "Specificity", "Accuracy"):
            shares = (share(getattr(p[name], label.lower())) for p in points)
            rows.append((f"{label},\n{POINT_WORDS[name]}", *shares))
    head = ("", HALVING_WORDS[main.halving], HALVING_WORDS[beside.halving])
    yield Table(head, tuple(rows), widths=(0.24, 0.38, 0.38))


def _paper(evaluation: Evaluation, main: HalvingFigures) -> Iterator[Block]:
    yield Heading("The paper's figures beside")
    yield Paragraph(wald_words())
    point = next(p for p in main.points if p.name == "fracture")
    own = (share(point.accuracy), share(point.sensitivity), share(point.specificity))
    table = paper_table(evaluation.interval, own)
    ours = {"F1": estimate(point.f1), "AUC": estimate(main.auc)}
    rows = tuple((*row[:3], ours.get(row[0], row[3])) for row in table.rows)
    yield Table(table.head, rows, f"{SOURCE}. Our interval: {INTERVALS[evaluation.interval]}.", table.widths)


def _probes(evaluation: Evaluation) -> Iterator[Block]:
    yield Heading("Could the answer have leaked?")
    if not evaluation.probes:
        yield Paragraph("No leak probe was run.", faint=True)
        return
    yield Paragraph(
        "Each probe asks whether something that should not tell the label tells it, or whether hips of two "
        "partitions are the same. An area near 0.5 is good; a high one means that a model can score well here "
        "without looking at the bone."
    )
    rows = tuple(
        (
            p.name,
            p.question,
            estimate(p.auc) if p.auc.value is not None else "",
            f"ALARM: {p.sentence}" if p.alarm else p.sentence,
        )
        for p in evaluation.probes
    )
    yield Table(("Probe", "Question", "AUC of the probe", "Answer"), rows, widths=(0.17, 0.27, 0.2, 0.36))


def _openings(evaluation: Evaluation) -> Iterator[Block]:
    yield Heading("How often the test was opened")
    if not evaluation.openings:
        words = "This is not the test partition; it stays sealed." if evaluation.partition != "test" else "No record."
        yield Paragraph(words, faint=True)
        return
    yield Paragraph(
        "The test partition is sealed. Each opening is recorded beside the dataset with model and thresholds before "
        "any hip is scored; only the first tells how a model does on hips that nobody knew."
    )
    rows = tuple(
        (
            str(o.number),
            utc_words(o.opened_utc),
            f"{o.model_name}\n{o.model_sha256[:16]}",
            f"{o.thresholds.no_fracture:.4f} and {o.thresholds.fracture:.4f}",
            o.program_version,
        )
        for o in evaluation.openings
    )
    head = ("No.", "opened", "model, SHA-256 begins", "thresholds", "program")
    yield Table(head, rows, widths=(0.07, 0.24, 0.33, 0.22, 0.14))


def _methods(evaluation: Evaluation, main: HalvingFigures) -> Iterator[Block]:
    yield Heading("How these figures were made")
    yield Paragraph(
        f"Intervals are 95 %: {INTERVALS[evaluation.interval]} for proportions; for the AUC DeLong, or "
        "Newcombe's score interval where the classes are apart and DeLong's would have no width; bootstrap by "
        "patient for F1, average precision, the Brier score, calibration and the AUC within films, or Wilson where "
        f"every pair came out alike. PPV and NPV: {main.points[0].ppv.method}. Intervals of proportions and DeLong's "
        "treat the hips as independent; two hips of one patient are not quite, so these intervals are a little narrow."
    )
    fixed = "Thresholds were fixed in the model's card before this evaluation"
    if chosen := thresholds_words(evaluation.thresholds_from):
        fixed += f": {chosen}"
    yield Paragraph(f"{fixed}.")
    for warning in evaluation.thresholds_from.get("warnings", ()):
        yield Note(str(warning))
    model, data = evaluation.model, evaluation.dataset
    rows = (
        ("Model", f"{model['name']}, {model['backbone']}, recipe {model['recipe']}"),
        ("Model SHA-256", str(model["sha256"])),
        (
            "Dataset",
            f"{data['name']}, {evaluation.partition} partition, seed {data['seed']}; {data['not_exported']} films "
            "were not exported",
        ),
        ("hips.csv SHA-256", str(data["hips_sha256"])),
        ("Trained on", str(model.get("trained_on") or "unknown")),
        (
            "Thresholds",
            f"no fracture below {evaluation.thresholds.no_fracture}, fracture from {evaluation.thresholds.fracture}",
        ),
        ("Temperature", f"{evaluation.temperature}"),
        ("Program", f"HipCAD Desktop {evaluation.program_version}, {utc_words(evaluation.created_utc)}"),
    )
    yield Table((), rows, widths=(0.2, 0.8), mono=True)
