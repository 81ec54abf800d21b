"""How far two readings of the same films agree: Cohen's kappa, overlap of rectangles, and where they differ."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from hipcad_desktop.domain.anatomy import ImageHalf
from hipcad_desktop.domain.annotation import Answer, Finding, Verdict
from hipcad_desktop.domain.geometry import Rectangle, Size
from hipcad_desktop.domain.halving import half_of
from hipcad_desktop.domain.radiograph import FilmId

Z95 = statistics.NormalDist().inv_cdf(0.975)
SAME_RECTANGLE = 0.5  # IoU from which two rectangles count as the same
JUDGED = (Verdict.FRACTURE, Verdict.NO_FRACTURE)  # verdicts that say whether there is a fracture


class DisagreementKind(StrEnum):
    """In what two answers differ."""

    VERDICT = "verdict"
    SIDE = "side"  # another hip, or one says that the film is mirrored and the other that it is not
    TYPE = "type"
    RECTANGLE = "rectangle"  # IoU below 0.5, or a rectangle without a counterpart


@dataclass(frozen=True, slots=True)
class Kappa:
    """Cohen's kappa with its 95 % interval. value None where it cannot be computed, with the reason in words."""

    value: float | None
    low: float | None
    high: float | None
    standard_error: float | None
    observed: float | None  # share of equal answers
    n: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Overlap:
    """IoU of matched rectangles, 0..1; unmatched: rectangles of either reader without a counterpart on their hip."""

    n: int
    median: float | None
    lowest: float | None
    share_same: float | None  # share with IoU of at least 0.5
    unmatched: int
    values: tuple[float, ...] = ()  # every IoU, in order of the films


@dataclass(frozen=True, slots=True)
class FilmPair:
    """Two answers on one film."""

    film_id: FilmId
    size: Size
    one: Answer
    two: Answer


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A film on which two answers differ. lowest_iou: of its rectangles, 0 for one without a counterpart."""

    film_id: FilmId
    kinds: tuple[DisagreementKind, ...]
    lowest_iou: float | None


@dataclass(frozen=True, slots=True)
class Agreement:
    """Two readers (or two rounds) on the films that both answered. left_out: one is unsure or excludes the film."""

    films: int
    left_out: int
    presence_films: Kappa  # fracture or none, per film
    presence_hips: Kappa  # fracture or none, per hip: two a film, so not independent
    types: Kappa  # per hip that both call broken and type
    overlap: Overlap
    disagreements: tuple[Disagreement, ...]


def cohens_kappa(pairs: Sequence[tuple[str, str]]) -> Kappa:
    """Unweighted kappa of paired categories (Cohen 1960) with the large-sample standard error of Fleiss, Cohen and
    Everitt (Psychol Bull 1969; 72: 323-327, equation 13), the interval cut to [-1, 1]. At kappa 1 the error is 0."""
    n = len(pairs)
    if n == 0:
        return Kappa(None, None, None, None, None, 0, "no film was judged by both")
    cells = Counter(pairs)
    first, second = Counter(a for a, _ in pairs), Counter(b for _, b in pairs)
    observed = sum(c for (a, b), c in cells.items() if a == b) / n
    expected = sum(first[c] * second[c] for c in first) / (n * n)
    if expected == 1:
        return Kappa(None, None, None, None, observed, n, "both gave the same answer everywhere")
    kappa = (observed - expected) / (1 - expected)
    on = sum(cells[c, c] / n * (1 - (first[c] + second[c]) / n * (1 - kappa)) ** 2 for c in sorted({*first, *second}))
    off = (1 - kappa) ** 2 * sum(c / n * ((second[a] + first[b]) / n) ** 2 for (a, b), c in cells.items() if a != b)
    variance = (on + off - (kappa - expected * (1 - kappa)) ** 2) / (n * (1 - expected) ** 2)
    error = math.sqrt(max(variance, 0.0))  # rounding may leave -1e-17
    return Kappa(kappa, max(kappa - Z95 * error, -1.0), min(kappa + Z95 * error, 1.0), error, observed, n)


def iou(one: Rectangle, two: Rectangle) -> float:
    """Area of the intersection over area of the union, 0..1."""
    width = min(one.x1, two.x1) - max(one.x, two.x)
    height = min(one.y1, two.y1) - max(one.y, two.y)
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    return min(shared / (one.width * one.height + two.width * two.height - shared), 1.0)


def compare(pairs: Sequence[FilmPair]) -> Agreement:
    """Agreement of two readings of the same films; swapping the two changes nothing but the order of pairs."""
    judged = [p for p in pairs if p.one.verdict in JUDGED and p.two.verdict in JUDGED]
    hips = [(p, half) for p in judged for half in ImageHalf]
    typed = [(_types(p.one, p.size, half), _types(p.two, p.size, half)) for p, half in hips]
    overlaps: list[float] = []
    unmatched = 0
    for pair in judged:
        found, alone = _matched(pair)
        overlaps += found
        unmatched += alone if pair.one.findings and pair.two.findings else 0
    return Agreement(
        films=len(pairs),
        left_out=len(pairs) - len(judged),
        presence_films=cohens_kappa([(p.one.verdict.value, p.two.verdict.value) for p in judged]),
        presence_hips=cohens_kappa([(_broken(p.one, p.size, h), _broken(p.two, p.size, h)) for p, h in hips]),
        types=cohens_kappa([(a, b) for a, b in typed if a and b]),
        overlap=Overlap(
            len(overlaps),
            statistics.median(overlaps) if overlaps else None,
            min(overlaps, default=None),
            sum(o >= SAME_RECTANGLE for o in overlaps) / len(overlaps) if overlaps else None,
            unmatched,
            tuple(overlaps),
        ),
        disagreements=tuple(d for p in pairs if (d := disagreement(p)) is not None),
    )


def disagreement(pair: FilmPair) -> Disagreement | None:
    """In what two answers on a film differ; None where they agree."""
    one, two = pair.one, pair.two
    kinds = []
    if one.verdict is not two.verdict:
        kinds.append(DisagreementKind.VERDICT)
    mirrored = {one.mirrored, two.mirrored} - {None}
    lowest = None
    both_broken = bool(one.findings and two.findings)
    if len(mirrored) > 1 or (
        both_broken and any(_broken(one, pair.size, h) != _broken(two, pair.size, h) for h in ImageHalf)
    ):
        kinds.append(DisagreementKind.SIDE)
    if both_broken:
        types = [(_types(one, pair.size, h), _types(two, pair.size, h)) for h in ImageHalf]
        if any(a and b and a != b for a, b in types):
            kinds.append(DisagreementKind.TYPE)
        found, unmatched = _matched(pair)
        lowest = 0.0 if unmatched else min(found)
        if DisagreementKind.SIDE not in kinds and lowest < SAME_RECTANGLE:
            kinds.append(DisagreementKind.RECTANGLE)
    return Disagreement(pair.film_id, tuple(kinds), lowest) if kinds else None


def _matched(pair: FilmPair) -> tuple[list[float], int]:
    """The IoU of rectangles matched within each half, best first, and how many have no counterpart."""
    found: list[float] = []
    alone = 0
    for half in ImageHalf:
        mine, theirs = (_on(answer, pair.size, half) for answer in (pair.one, pair.two))
        ranked = sorted(
            ((iou(a.rectangle, b.rectangle), i, j) for i, a in enumerate(mine) for j, b in enumerate(theirs)),
            key=lambda t: -t[0],
        )
        used_one: set[int] = set()
        used_two: set[int] = set()
        for overlap, i, j in ranked:
            if i not in used_one and j not in used_two:
                used_one.add(i)
                used_two.add(j)
                found.append(overlap)
        alone += len(mine) + len(theirs) - len(used_one) - len(used_two)
    return found, alone


def _on(answer: Answer, size: Size, half: ImageHalf) -> list[Finding]:
    return [f for f in answer.findings if half_of(f.rectangle, size) is half]


def _broken(answer: Answer, size: Size, half: ImageHalf) -> str:
    return "fracture" if _on(answer, size, half) else "no fracture"


def _types(answer: Answer, size: Size, half: ImageHalf) -> str:
    """The types of one hip in a fixed order; "" where the reader gave none."""
    return "; ".join(sorted({f.fracture_type.value for f in _on(answer, size, half) if f.fracture_type is not None}))
