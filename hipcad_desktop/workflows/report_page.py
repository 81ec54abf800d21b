"""The page of an evaluation, most important first: alarms, what it means, the figures, then how they were made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hipcad_desktop.domain.evaluation import Evaluation, HalvingFigures, HipScore, OperatingPoint
from hipcad_desktop.domain.halving import HalvingMethod
from hipcad_desktop.domain.metrics import Proportion
from hipcad_desktop.domain.time_words import utc_words
from hipcad_desktop.workflows.document import Beside, Block, Card, Cards, Document, Heading, Note, Paragraph, Table
from hipcad_desktop.workflows.draw_charts import draw_precision_recall, draw_reliability, draw_roc
from hipcad_desktop.workflows.draw_counts import draw_scores, draw_states
from hipcad_desktop.workflows.figure_words import (
    HALVING_WORDS,
    POINT_WORDS,
    counted,
    estimate,
    estimate_interval,
    estimate_value,
    share,
    share_interval,
    share_value,
)
from hipcad_desktop.workflows.report_evidence import evidence
from hipcad_desktop.workflows.report_parts import parts


def report_page(evaluation: Evaluation, scores: Sequence[HipScore], gallery: Sequence[Block]) -> Document:
    """The whole report as blocks. scores and gallery are of the first halving."""
    main = evaluation.halvings[0]
    beside = evaluation.halvings[1] if len(evaluation.halvings) > 1 else None
    blocks = [
        *_alarms(evaluation),
        *_leading(evaluation, main),
        *_said(main),
        *_accuracy(evaluation, main, beside),
        *_calibration(evaluation, main, scores),
        *parts(main),
        *gallery,
        *evidence(evaluation, main, beside),
    ]
    lead = (
        f"{evaluation.partition.capitalize()} partition of the dataset {evaluation.dataset['name']}: "
        f"{counted(main.hips, 'hip')} ({main.fracture} with fracture, {main.no_fracture} without) of "
        f"{counted(main.films, 'film')} of {counted(main.patients, 'patient')}, cut by the "
        f"{HALVING_WORDS[main.halving]}. {utc_words(evaluation.created_utc)}."
    )
    footer = (
        f"{evaluation.notice} The figures hold for hips like these; another hospital, machine or population needs its "
        "own evaluation. All values are in report.json, every hip's score in predictions.csv; model_card and data_card "
        "say how model and data were made; claim_2024 and stard_ai are the checklists, pre-filled."
    )
    return Document(f"Evaluation of {evaluation.model['name']}", lead, evaluation.notice, tuple(blocks), footer)


def _alarms(evaluation: Evaluation) -> Iterator[Block]:
    """What puts the figures in question, before any figure."""
    alarms = "\n".join(f"{p.name[:1].upper()}{p.name[1:]}: {p.sentence}" for p in evaluation.probes if p.alarm)
    of_paper = next((c.sentence for c in evaluation.cautions if c.code == "leak_paper"), "")
    if alarms and not of_paper:
        yield Note(f"Leak alarm. Do not believe any figure below before this is explained.\n{alarms}", loud=True)
    for caution in evaluation.cautions:
        if not caution.code.startswith("leak"):  # said with its answers
            yield Note(caution.sentence, loud=caution.loud)
    if alarms and of_paper:
        yield Note(f"{of_paper}\n{alarms}")


def _leading(evaluation: Evaluation, main: HalvingFigures) -> Iterator[Block]:
    """The leading figures."""
    points = {point.name: point for point in main.points}
    low, high = points["no_fracture"], points["fracture"]
    yield Cards(
        (
            _share_card(
                "Sensitivity at the no-fracture threshold",
                low.sensitivity,
                f"Broken hips not called “no fracture” (p at least {low.threshold:.3f}); the rest are missed. "
                f"Specificity at this threshold: {share(low.specificity)}.",
            ),
            _share_card(
                "Specificity at the fracture threshold",
                high.specificity,
                f"Whole hips not called “fracture” (p below {high.threshold:.3f}); the rest are false alarms. "
                f"Sensitivity at this threshold: {share(high.sensitivity)}.",
            ),
            Card(
                "AUC, all hips",
                estimate_value(main.auc),
                estimate_interval(main.auc),
                "How often a broken hip scores above a whole one; 0.5 is guessing.",
            ),
            Card(
                "AUC within films",
                estimate_value(main.auc_same_film),
                estimate_interval(main.auc_same_film),
                "Broken hip against the other hip of its own film: machine, exposure and patient cannot help here.",
            ),
            Card(
                f"PPV at the fracture threshold, prevalence {evaluation.prevalence:.2f}",
                estimate_value(high.ppv),
                estimate_interval(high.ppv),
                "Of the hips called “fracture”, the share that is broken, where this share of all hips is.",
            ),
            Card(
                f"NPV at the no-fracture threshold, prevalence {evaluation.prevalence:.2f}",
                estimate_value(low.npv),
                estimate_interval(low.npv),
                "Of the hips called “no fracture”, the share that is whole, where this share of all hips is broken.",
            ),
        )
    )
    yield Paragraph(
        "In brackets: 95 % interval. Few hips mean a wide interval; the interval, not the figure, is what this "
        "evaluation shows.",
        faint=True,
    )


def _said(main: HalvingFigures) -> Iterator[Block]:
    """What was said of the hips, in counts."""
    yield Heading("What the program said")
    yield Paragraph(_in_counts(main))
    yield draw_states(main)
    yield Table(
        ("", "said no fracture", "said doubt", "said fracture", "hips"),
        tuple(
            (
                words,
                *(str(main.states[key][state]) for state in ("no_fracture", "doubt", "fracture")),
                str(sum(main.states[key].values())),
            )
            for words, key in (("with fracture", "fracture"), ("without fracture", "no_fracture"))
        ),
    )


def _in_counts(main: HalvingFigures) -> str:
    broken, whole = main.states["fracture"], main.states["no_fracture"]
    said = []
    if main.fracture:
        said.append(
            f"Of {counted(main.fracture, 'hip')} with a fracture the program called {broken['fracture']} “fracture”, "
            f"left {broken['doubt']} in doubt and missed {broken['no_fracture']}."
        )
    if main.no_fracture:
        said.append(
            f"Of {counted(main.no_fracture, 'hip')} without, it called {whole['no_fracture']} “no fracture”, left "
            f"{whole['doubt']} in doubt and raised {counted(whole['fracture'], 'false alarm')}."
        )
    return " ".join(said)


def _share_card(title: str, value: Proportion, what: str) -> Card:
    return Card(title, share_value(value), share_interval(value), what)


def _accuracy(evaluation: Evaluation, main: HalvingFigures, beside: HalvingFigures | None) -> Iterator[Block]:
    is_accuracy = main.halving == evaluation.model.get("halving", HalvingMethod.MIDLINE.value)
    yield Heading("The program's accuracy" if is_accuracy else "Figures of the paper's halving")
    if is_accuracy:
        squares = main.halving == HalvingMethod.HIP.value
        cut = "a square about each femoral head that the program finds" if squares else "at the film's midline"
        yield Paragraph(
            f"Measured on hips cut as diagnosis cuts them: {cut}, without knowing where a fracture is."
            + (" Films on which no two hips are found, or one is cut off, are not in it." if squares else "")
        )
    order = [p for name in ("no_fracture", "fracture") for p in main.points if p.name == name]
    head = ("", *(f"at the {POINT_WORDS[p.name]}, p ≥ {p.threshold:.3f}" for p in order))
    rows = [
        (label, *(share(getattr(p, label.lower())) for p in order))
        for label in ("Sensitivity", "Specificity", "Accuracy")
    ]
    at = f"at prevalence {evaluation.prevalence:.2f}"
    rows.append((f"PPV, {at}", *(estimate(p.ppv) for p in order)))
    rows.append((f"NPV, {at}", *(estimate(p.npv) for p in order)))
    rows.append(("F1", *(estimate(p.f1) for p in order)))
    yield Table(head, tuple(rows), widths=(0.24, 0.38, 0.38))
    yield Paragraph(
        "PPV and NPV depend on how many hips are broken. They are given for the prevalence stated, not for this "
        "partition's own share; a hospital with fewer fractures has a lower PPV and a higher NPV.",
        faint=True,
    )
    yield Table(
        ("Counts (hips)", *(f"{w}, {POINT_WORDS[p.name]}" for p in order for w in ("positive", "negative"))),
        _counts(order),
    )
    if main.roc.true_positive_rate:
        yield Beside(draw_roc(main, beside), draw_precision_recall(main))
    else:
        yield Note(f"No ROC and no precision-recall curve: {main.auc.reason}.")


def _counts(order: Sequence[OperatingPoint]) -> tuple[tuple[str, ...], ...]:
    first = order[0]
    broken, whole = first.true_positive + first.false_negative, first.false_positive + first.true_negative
    return (
        (
            f"with fracture, n = {broken}",
            *(words for p in order for words in (str(p.true_positive), f"{p.false_negative} missed")),
        ),
        (
            f"without, n = {whole}",
            *(words for p in order for words in (f"{p.false_positive} false", str(p.true_negative))),
        ),
    )


def _calibration(evaluation: Evaluation, main: HalvingFigures, scores: Sequence[HipScore]) -> Iterator[Block]:
    yield Heading("Can the probability be believed?")
    calibration = main.calibration
    histogram = draw_scores(scores, evaluation.thresholds)
    if calibration is None:
        yield histogram
        yield Paragraph("No hips, so nothing about calibration.", faint=True)
        return
    yield Paragraph(
        "A model is calibrated if of all hips that it gives 0.8, eight in ten are broken. Slope 1 and intercept 0 "
        "are best; a slope below 1 means too sure of itself, an intercept above 0 too low on the whole."
    )
    yield Beside(histogram, draw_reliability(calibration, main.hips))
    moved = (
        f"The card's probabilities are meant for prevalence {calibration.trained_prevalence:.2f}; for these figures "
        f"they were moved to this partition's {calibration.prevalence:.3f} ({main.fracture} of {main.hips} hips), "
        "which keeps their order."
        if calibration.trained_prevalence is not None
        else "The card does not say which prevalence its probabilities are meant for; they were taken as they are."
    )
    rows = (
        (
            "Brier score",
            estimate(calibration.brier),
            f"0 is best; always saying the prevalence gives {calibration.brier_reference:.3f}",
        ),
        ("Slope", estimate(calibration.slope), "1 is best"),
        ("Intercept (in the large)", estimate(calibration.intercept), "0 is best"),
        ("Temperature", f"{evaluation.temperature:.3f}", _temperature_words(evaluation.temperature)),
    )
    yield Table(("", "value", "how to read it"), rows, widths=(0.22, 0.44, 0.34))
    yield Paragraph(moved, faint=True)


def _temperature_words(temperature: float) -> str:
    if temperature == 1:
        return "none applied"
    made = "less sure" if temperature > 1 else "surer"
    return f"fitted on validation, in the model's card: it makes the model {made} and changes no order"
