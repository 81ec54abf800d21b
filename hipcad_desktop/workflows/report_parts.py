"""Parts of the report on parts of the hips: kinds of negatives, subgroups as a forest plot and tables, heat maps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hipcad_desktop.domain.evaluation import HalvingFigures
from hipcad_desktop.domain.subgroups import KINDS, NEGATIVES, TYPE, TYPE_GROUP, Subgroup
from hipcad_desktop.workflows.document import Block, Heading, Paragraph, Table
from hipcad_desktop.workflows.draw_counts import draw_coverage, draw_subgroups, forest_begin
from hipcad_desktop.workflows.figure_words import estimate, share, two_lines

_MOST_ROWS = 17  # of one forest plot, so that it fits a page
_KIND_WORDS = {
    "type": "Type of fracture",
    "type group": "Type of fracture, grouped as in the paper",
    "hospital": "Hospital",
    "scanner": "Machine",
    "sex": "Sex",
    "age": "Age",
    "implant and other findings": "Implants and other findings",
    "side": "Side",
    "negatives": "Which hips without fracture",
}


def parts(main: HalvingFigures) -> Iterator[Block]:
    """Everything about parts of the hips."""
    yield from _negatives(main)
    yield from _subgroups(main)
    yield from _heat(main)


def _negatives(main: HalvingFigures) -> Iterator[Block]:
    yield Heading("Which hips without fracture")
    yield Paragraph(
        "The paper's negatives were all the other hip of a broken one. Hips of films without any fracture, which a "
        "ward sees most, are told apart from them here."
    )
    names = {"other_hip": "Other hip of a broken one", "no_fracture_film": "Film without fracture"}
    yield Table(
        ("", "Specificity, fracture threshold", "Specificity, no-fracture threshold", "AUC against all broken hips"),
        tuple(
            (
                names[g.name],
                *(
                    two_lines(words)
                    for words in (
                        share(g.specificity["fracture"]),
                        share(g.specificity["no_fracture"]),
                        estimate(g.auc),
                    )
                ),
            )
            for g in main.negatives
        ),
        widths=(0.2, 0.25, 0.25, 0.3),
    )


def _subgroups(main: HalvingFigures) -> Iterator[Block]:
    groups = [g for kind in KINDS for g in main.subgroups if g.kind == kind and kind != NEGATIVES]
    if not groups:
        return
    yield Heading("Where it does better and worse")
    yield Paragraph(
        "Parts of the same hips. Nothing here was chosen beforehand: a part that stands out is a question for the "
        "next study, not a finding, and with this many parts one in twenty intervals misses by chance alone."
    )
    pages, begin = _pages(groups), forest_begin(groups)
    for number, some in enumerate(pages, 1):
        caption = (
            "Points with 95 % intervals; in brackets the hips with / without fracture. Dashed: all hips of this "
            "partition. Types are set against all hips without fracture, so they have no specificity of their own. "
            "Axes do not begin at 0."
            if number == len(pages)
            else "Continued below."
        )
        yield draw_subgroups(some, main, begin=begin, caption=caption)
    for kind in KINDS:
        rows = [g for g in groups if g.kind == kind]
        if rows:
            yield Heading(_KIND_WORDS[kind], 3)
            yield _table(kind, rows)


def _pages(groups: Sequence[Subgroup]) -> list[list[Subgroup]]:
    """Whole kinds together as long as a page has room."""
    pages: list[list[Subgroup]] = [[]]
    for kind in dict.fromkeys(g.kind for g in groups):
        rows = [g for g in groups if g.kind == kind]
        if pages[-1] and len(pages[-1]) + len(rows) > _MOST_ROWS:
            pages.append([])
        for start in range(0, len(rows), _MOST_ROWS):
            if start:
                pages.append([])
            pages[-1] += rows[start : start + _MOST_ROWS]
    return pages


def _table(kind: str, groups: Sequence[Subgroup]) -> Table:
    head = [
        "",
        "hips\npatients" if kind in (TYPE, TYPE_GROUP) else "with / without\npatients",
        "AUC",
        "Sensitivity, no-fracture threshold",
    ]
    of_broken_only = kind in (TYPE, TYPE_GROUP)
    head.append("Sensitivity, fracture threshold" if of_broken_only else "Specificity, fracture threshold")
    rows = []
    for g in groups:
        last = g.sensitivity["fracture"] if of_broken_only else g.specificity["fracture"]
        counts = f"{g.fracture}\n{g.patients}" if of_broken_only else f"{g.fracture} / {g.no_fracture}\n{g.patients}"
        figures = (estimate(g.auc), share(g.sensitivity["no_fracture"]), share(last))
        rows.append((g.name, counts, *(two_lines(f) for f in figures)))
    return Table(tuple(head), tuple(rows), widths=(0.2, 0.14, 0.22, 0.22, 0.22))


def _heat(main: HalvingFigures) -> Iterator[Block]:
    yield Heading("Does the heat map cover the fracture?")
    coverage = main.coverage
    if coverage is None or not coverage.n:
        yield Paragraph(
            "Not measured: it needs correctly found fractures whose rectangle a reader has drawn. A surgeon can "
            "judge the heat maps instead (window: Evaluate, Judge heat maps; command: hipcad judge)."
        )
        return
    yield Paragraph(
        "For every correctly found fracture with a reader's rectangle. Chance is the share of the picture that the "
        "rectangle takes: a heat map that knows nothing comes out there. Only above it does the heat map point at "
        "the fracture."
    )
    yield draw_coverage(coverage)
    rows = (
        ("Hottest point lies in the rectangle", share(coverage.pointing), f"{coverage.pointing_by_chance:.3f}"),
        ("Share of all heat inside the rectangle", estimate(coverage.heat_inside), f"{coverage.inside_by_chance:.3f}"),
        (
            f"Overlap (IoU) of heat above {coverage.iou_threshold:.2f} of its peak and rectangle",
            estimate(coverage.iou),
            "not known",
        ),
    )
    yield Table(("", "found", "by chance"), rows, widths=(0.4, 0.44, 0.16))
    yield Paragraph(
        "The IoU's threshold is the best one on these very hips, so that this figure flatters. Interval of the means: "
        f"{coverage.heat_inside.method}.",
        faint=True,
    )
