"""Kappa as statsmodels has it, IoU, and what counts as a disagreement."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.inter_rater import cohens_kappa as reference

from hipcad_desktop.domain.agreement import DisagreementKind, FilmPair, cohens_kappa, compare, disagreement, iou
from hipcad_desktop.domain.anatomy import FractureType
from hipcad_desktop.domain.annotation import Answer, ExclusionReason, Finding, Verdict
from hipcad_desktop.domain.geometry import Rectangle, Size
from hipcad_desktop.domain.radiograph import FilmId

FILM = Size(400, 300)
WHOLE = Answer(Verdict.NO_FRACTURE)
LEFT, RIGHT = Rectangle(50, 50, 60, 60), Rectangle(300, 50, 60, 60)


def broken(*rectangles: Rectangle, kind: FractureType | None = None, mirrored: bool | None = None) -> Answer:
    return Answer(Verdict.FRACTURE, tuple(Finding(r, kind) for r in rectangles), mirrored=mirrored)


def pair(one: Answer, two: Answer, film: str = "f") -> FilmPair:
    return FilmPair(FilmId(film), FILM, one, two)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abc")), min_size=1, max_size=60))
def test_kappa_and_its_interval_are_those_of_statsmodels(pairs: list[tuple[str, str]]) -> None:
    table = np.zeros((3, 3))
    for one, two in pairs:
        table["abc".index(one), "abc".index(two)] += 1
    found = cohens_kappa(pairs)
    if found.value is None:
        assert len({*pairs}) == 1
        assert found.observed == 1
        return
    with np.errstate(all="ignore"):  # its z value divides by zero where a margin is empty
        expected = reference(table)
    error = math.sqrt(max(expected.var_kappa, 0))  # rounding makes a variance of zero -1e-17 there
    assert found.value == pytest.approx(expected.kappa, abs=1e-12)
    assert found.standard_error == pytest.approx(error, abs=1e-7)
    assert found.low == pytest.approx(max(expected.kappa - 1.959964 * error, -1), abs=1e-6)
    assert found.high == pytest.approx(min(expected.kappa + 1.959964 * error, 1), abs=1e-6)
    assert found.n == len(pairs)
    swapped = cohens_kappa([(b, a) for a, b in pairs])
    assert swapped.value == pytest.approx(found.value)
    assert swapped.standard_error == pytest.approx(found.standard_error, abs=1e-9)


def test_kappa_of_a_textbook_table() -> None:
    """20, 5, 10, 15: observed 0.7, expected 0.5 (Wikipedia's example)."""
    pairs = [("y", "y")] * 20 + [("y", "n")] * 5 + [("n", "y")] * 10 + [("n", "n")] * 15
    found = cohens_kappa(pairs)
    assert found.value == pytest.approx(0.4)
    assert found.observed == pytest.approx(0.7)


@pytest.mark.parametrize("pairs", [[], [("a", "a")] * 3])
def test_kappa_that_cannot_be_computed_says_why(pairs: list[tuple[str, str]]) -> None:
    found = cohens_kappa(pairs)
    assert (found.value, found.low, found.high) == (None, None, None)
    assert found.reason


def test_iou() -> None:
    assert iou(LEFT, LEFT) == 1
    assert iou(LEFT, RIGHT) == 0
    assert iou(Rectangle(0, 0, 2, 2), Rectangle(1, 0, 2, 2)) == pytest.approx(1 / 3)
    assert iou(Rectangle(0, 0, 1, 1), Rectangle(1, 0, 1, 1)) == 0


III, A1 = FractureType.GARDEN_III, FractureType.AO_31_A1


@pytest.mark.parametrize(
    ("one", "two", "kinds"),
    [
        (WHOLE, WHOLE, None),
        (broken(LEFT), broken(LEFT), None),
        (broken(LEFT, kind=III), broken(LEFT), None),
        (broken(LEFT), WHOLE, [DisagreementKind.VERDICT]),
        (Answer(Verdict.UNSURE), WHOLE, [DisagreementKind.VERDICT]),
        (broken(LEFT), broken(RIGHT), [DisagreementKind.SIDE]),
        (broken(LEFT), broken(LEFT, RIGHT), [DisagreementKind.SIDE]),
        (broken(LEFT, mirrored=True), broken(LEFT, mirrored=False), [DisagreementKind.SIDE]),
        (broken(LEFT, mirrored=True), broken(LEFT), None),
        (broken(LEFT, kind=III), broken(LEFT, kind=A1), [DisagreementKind.TYPE]),
        (broken(LEFT), broken(Rectangle(50, 50, 60, 20)), [DisagreementKind.RECTANGLE]),
        (broken(LEFT), broken(LEFT, Rectangle(120, 50, 10, 10)), [DisagreementKind.RECTANGLE]),
        (
            broken(LEFT, kind=III),
            broken(Rectangle(0, 0, 20, 20), kind=A1),
            [DisagreementKind.TYPE, DisagreementKind.RECTANGLE],
        ),
    ],
)
def test_what_counts_as_a_disagreement(one: Answer, two: Answer, kinds: list[DisagreementKind] | None) -> None:
    for a, b in ((one, two), (two, one)):
        found = disagreement(pair(a, b))
        assert (None if found is None else list(found.kinds)) == kinds


def test_two_readers_are_compared_per_film_and_per_hip() -> None:
    excluded = Answer(Verdict.EXCLUDED, exclusion=ExclusionReason.OTHER)
    found = compare(
        [
            pair(broken(LEFT, kind=III), broken(LEFT, kind=III), "a"),
            pair(broken(LEFT, kind=III), broken(Rectangle(50, 50, 60, 30), RIGHT, kind=A1), "b"),
            pair(WHOLE, WHOLE, "c"),
            pair(WHOLE, broken(LEFT), "d"),
            pair(excluded, WHOLE, "e"),
        ]
    )
    assert (found.films, found.left_out) == (5, 1)
    assert found.presence_films.n == 4
    assert found.presence_films.observed == 0.75
    assert found.presence_hips.n == 8
    assert found.presence_hips.observed == 6 / 8
    assert (found.types.n, found.types.observed) == (2, 0.5)
    assert found.overlap.values == (1.0, 0.5)
    assert (found.overlap.n, found.overlap.lowest, found.overlap.share_same) == (2, 0.5, 1.0)
    assert found.overlap.unmatched == 1
    assert [d.film_id for d in found.disagreements] == ["b", "d", "e"]
    assert compare([]).overlap.median is None
