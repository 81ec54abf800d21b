"""The paper's own table from its own counts, with the intervals that 500 hips give (METHOD 1 and 2)."""

from __future__ import annotations

import math
from dataclasses import dataclass

from hipcad_desktop.domain.evaluation import Interval
from hipcad_desktop.domain.metrics import Z
from hipcad_desktop.workflows.document import Table
from hipcad_desktop.workflows.figure_words import share
from hipcad_desktop.workflows.intervals import proportion


@dataclass(frozen=True, slots=True)
class PaperFigure:
    """A share of the paper: its counts, and what the paper printed."""

    name: str
    hits: int
    n: int
    printed: str


PRINTED = (
    PaperFigure("Accuracy", 961, 1000, "96.1 % (94.9 to 97.3)"),
    PaperFigure("Sensitivity", 476, 500, "95.2 % (93.9 to 96.5)"),
    PaperFigure("Specificity", 485, 500, "96.9 % (95.8 to 98.0)"),
)
SOURCE = "A computer-aided diagnosis system using artificial intelligence for hip fractures, 2020 (1000 test images)"


def wald(value: float, n: int) -> tuple[float, float]:
    """Wald's interval, which the paper must have used: it takes no count, only a share and an n."""
    half = Z * math.sqrt(value * (1 - value) / n)
    return value - half, value + half


def paper_table(interval: Interval, own: tuple[str, str, str]) -> Table:
    """The paper's shares as printed, as their counts give them, and our own of this report beside."""
    rows = []
    for figure, ours in zip(PRINTED, own, strict=True):
        words = share(proportion(figure.hits, figure.n, interval))
        rows.append((figure.name, figure.printed, words, ours))
    rows.append(("F1", "0.961 (0.950 to 0.972)", "not to be had: the scores were not published", ""))
    rows.append(("AUC", "0.992 (0.98 to 1.00)", "not to be had: the scores were not published", ""))
    head = ("", "paper, as printed", "paper, interval from its counts", "this evaluation, fracture threshold")
    return Table(head, tuple(rows), widths=(0.14, 0.23, 0.31, 0.32))


def wald_words() -> str:
    """How the printed intervals came about."""
    found = []
    for figure, value in zip(PRINTED[1:], (0.952, 0.969), strict=True):
        low, high = wald(value, 1000)
        found.append(f"{figure.name.lower()} {100 * low:.1f} to {100 * high:.1f}")
    return (
        f"The paper's intervals are those of Wald for n = 1000 ({', '.join(found)}), but sensitivity and specificity "
        "rest on 500 hips each; 485 of 500 is 97.0, printed 96.9. The paper divided images at random, not patients, "
        "had only other hips of broken ones as negatives, and cut them by the reader's rectangle: its figures and "
        "these are of different hips and are not a comparison."
    )
