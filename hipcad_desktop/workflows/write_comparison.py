"""A comparison's values become compare.json, compare.html and compare.pdf."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from hipcad_desktop.domain.comparison import Comparison, HalvingComparison, PairedProportion, PointComparison
from hipcad_desktop.domain.metrics import Estimate
from hipcad_desktop.domain.time_words import utc_words
from hipcad_desktop.workflows.document import Block, Card, Cards, Chart, Document, Heading, Note, Paragraph, Table
from hipcad_desktop.workflows.draw_charts import draw_two_rocs
from hipcad_desktop.workflows.draw_counts import draw_differences
from hipcad_desktop.workflows.figure_words import (
    HALVING_WORDS,
    POINT_WORDS,
    counted,
    estimate,
    estimate_interval,
    share,
)
from hipcad_desktop.workflows.write_html import html_of
from hipcad_desktop.workflows.write_pdf import pdf_of
from hipcad_desktop.workflows.write_whole import write_whole

COMPARE_JSON, COMPARE_HTML, COMPARE_PDF = "compare.json", "compare.html", "compare.pdf"
_MOST_HIPS = 40


def write_comparison(comparison: Comparison, *, to: Path) -> None:
    """Write the three files into the folder `to`. Raises UserError FOLDER_NOT_WRITABLE or DISK_FULL."""
    values = json.dumps(comparison.to_json(), indent=1, ensure_ascii=False, allow_nan=False)
    write_whole(to / COMPARE_JSON, values.encode("utf-8"))
    page = comparison_page(comparison)
    write_whole(to / COMPARE_HTML, html_of(page).encode("utf-8"))
    write_whole(to / COMPARE_PDF, pdf_of(page))


def comparison_page(comparison: Comparison) -> Document:
    """The comparison as blocks: what differs, then the figures of both, then the hips on which they part."""
    main = comparison.halvings[0]
    names = _names(comparison)
    lead = (
        f"A: {names[0]}\nB: {names[1]}\n{comparison.partition.capitalize()} partition of the dataset "
        f"{comparison.dataset['name']}, the very same {counted(main.hips, 'hip')} ({main.fracture} with fracture, "
        f"{main.no_fracture} without) of {counted(main.patients, 'patient')}. "
        f"{utc_words(comparison.created_utc)}."
    )
    blocks: list[Block] = [Note(c.sentence, loud=c.loud) for c in comparison.cautions]
    blocks += _leading(main)
    for halving in comparison.halvings:
        blocks += _halving(halving)
    blocks += _discordant(main)
    blocks += _methods(comparison)
    footer = f"{comparison.notice} All values are in compare.json."
    return Document("A and B on the same hips", lead, comparison.notice, tuple(blocks), footer)


def _names(comparison: Comparison) -> tuple[str, str]:
    both = (comparison.a, comparison.b)
    first, second = (f"{c.model['name']} ({c.model['backbone']}, report {c.report})" for c in both)
    return first, second


def _leading(main: HalvingComparison) -> Iterator[Block]:
    cards = [_card("AUC, B minus A", main.auc.difference, main.auc.p_value, "paired DeLong")]
    for point in main.points:
        of_broken = point.name != "fracture"
        paired = point.sensitivity if of_broken else point.specificity
        title = f"{paired.name.capitalize()}, B minus A, {_point_words(point)}"
        cards.append(_card(title, paired.difference, paired.p_value, paired.test))
    yield Cards(tuple(cards))
    yield Paragraph(
        "In brackets: 95 % interval of the difference. An interval that holds 0 does not show that the two are "
        "equal; itshows that these hips cannot tell them apart.",
        faint=True,
    )


def _card(title: str, difference: Estimate, p_value: float | None, test: str) -> Card:
    value = "not computed" if difference.value is None else f"{difference.value:+.3f}"
    return Card(title, value, estimate_interval(difference), f"{_p(p_value)}, {test}.")


def _halving(halving: HalvingComparison) -> Iterator[Block]:
    words = HALVING_WORDS.get(halving.halving, halving.halving)
    yield Heading(words[0].upper() + words[1:])
    rows: list[tuple[str, Estimate]] = [("AUC", halving.auc.difference)]
    rows += [
        (f"{paired.name}, {_point_words(point)}", paired.difference)
        for point in halving.points
        for paired in (point.sensitivity, point.specificity)
    ]
    caption = (
        f"B minus A with 95 % intervals, n = {halving.fracture} hips with and {halving.no_fracture} without fracture."
    )
    yield draw_differences(rows, caption)
    if halving.roc_a.true_positive_rate:
        yield _rocs(halving)
    table = [
        (
            "AUC",
            estimate(halving.auc.a),
            estimate(halving.auc.b),
            _difference(halving.auc.difference, halving.auc.by_patient, halving.auc.p_value, "paired DeLong"),
        )
    ]
    table += [
        (
            f"{paired.name.capitalize()}, {_point_words(point)}",
            f"{share(paired.a)}, p ≥ {point.threshold_a:.3f}",
            f"{share(paired.b)}, p ≥ {point.threshold_b:.3f}",
            _difference(paired.difference, paired.by_patient, paired.p_value, paired.test),
        )
        for point in halving.points
        for paired in (point.sensitivity, point.specificity)
    ]
    yield Table(("", "A", "B", "B minus A"), tuple(table), widths=(0.18, 0.25, 0.25, 0.32))
    yield Heading("Hip by hip", 3)
    counts = tuple(
        (f"{paired.name.capitalize()}, {_point_words(point)}", *_cells(paired))
        for point in halving.points
        for paired in (point.sensitivity, point.specificity)
    )
    yield Table(
        ("", "both right", "only A right", "only B right", "neither", "hips"), counts, widths=(0.35, *(0.13,) * 5)
    )


def _rocs(halving: HalvingComparison) -> Chart:
    caption = (
        f"ROC of both, n = {halving.fracture} hips with and {halving.no_fracture} without fracture. AUC of A "
        f"{estimate(halving.auc.a)}; of B {estimate(halving.auc.b)}."
    )
    return draw_two_rocs(("A", "B"), (halving.roc_a, halving.roc_b), caption)


def _discordant(main: HalvingComparison) -> Iterator[Block]:
    yield Heading("Hips on which they part")
    if not main.discordant:
        yield Paragraph("None at the first operating point.", faint=True)
        return
    point = main.points[0]
    shown = main.discordant[:_MOST_HIPS]
    rest = "" if len(shown) == len(main.discordant) else f", the first {len(shown)} shown"
    yield Paragraph(f"At the {_point_words(point)}: n = {len(main.discordant)}{rest}.")
    rows = tuple(
        (
            f"{h.film_code}, {'right' if h.side == 'R' else 'left'} hip",
            "fracture" if h.fracture else "no fracture",
            f"{h.p_a:.3f}",
            f"{h.p_b:.3f}",
            h.right.upper(),
        )
        for h in shown
    )
    yield Table(("Hip", "readers", "p of A", "p of B", "right"), rows, widths=(0.4, 0.2, 0.14, 0.14, 0.12))


def _methods(comparison: Comparison) -> Iterator[Block]:
    yield Heading("How this was made")
    yield Paragraph(
        "Areas: DeLong's test for two correlated areas. Shares: McNemar's test on the hips on which the two part, "
        "exact where they are few; interval of the difference after Newcombe, method 10 for paired shares. Both "
        "treat hips as independent; the interval “by patient”, a bootstrap of patients, does not."
    )
    rows: list[tuple[str, str]] = []
    for letter, c in (("A", comparison.a), ("B", comparison.b)):
        rows += [
            (letter, f"{c.model['name']}, {c.model['backbone']}, report {c.report}"),
            (f"{letter}: SHA-256", str(c.model["sha256"])),
            (
                f"{letter}: thresholds",
                f"{c.thresholds.no_fracture:.6g} and {c.thresholds.fracture:.6g}; temperature {c.temperature:.4g}",
            ),
        ]
    rows += [
        ("hips.csv SHA-256", str(comparison.dataset["hips_sha256"])),
        ("Program", f"HipCAD Desktop {comparison.program_version}, {utc_words(comparison.created_utc)}"),
    ]
    yield Table((), tuple(rows), widths=(0.2, 0.8), mono=True)


def _cells(paired: PairedProportion) -> tuple[str, ...]:
    cells = (paired.both_right, paired.only_a_right, paired.only_b_right, paired.neither_right)
    return (*(str(n) for n in cells), f"n = {sum(cells)}")


def _point_words(point: PointComparison) -> str:
    return POINT_WORDS.get(point.name, "chosen threshold")


def _signed(difference: Estimate) -> str:
    if difference.value is None:
        return estimate(difference)
    return f"{difference.value:+.3f} {estimate_interval(difference)}"


def _difference(difference: Estimate, by_patient: Estimate, p_value: float | None, test: str) -> str:
    words = f"{_signed(difference)}\n{_p(p_value)}, {test}"
    if by_patient.low is None or by_patient.high is None:
        return words
    return f"{words}\nby patient {by_patient.low:+.3f} to {by_patient.high:+.3f}"


def _p(p_value: float | None) -> str:
    if p_value is None:
        return "no p"
    return "p < 0.001" if p_value < 0.001 else f"p = {p_value:.3f}"
