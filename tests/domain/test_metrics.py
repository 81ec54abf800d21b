"""Thresholds: what they promise on validation, and no more."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipcad_desktop.domain.diagnosis import HipState, advice, state_of
from hipcad_desktop.domain.metrics import Proportion, Thresholds, at_prevalence, choose_thresholds

CASES = st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=2, max_size=60).filter(
    lambda c: len({f for _, f in c}) == 2
)
TARGETS = st.floats(0.5, 1)


@given(CASES, TARGETS, TARGETS)
def test_the_targets_are_reached(cases: list[tuple[float, bool]], sensitivity: float, specificity: float) -> None:
    p, fracture = zip(*cases, strict=True)
    chosen = choose_thresholds(p, fracture, sensitivity_target=sensitivity, specificity_target=specificity)
    broken = [x for x, f in cases if f]
    whole = [x for x, f in cases if not f]
    assert 0 <= chosen.no_fracture <= chosen.fracture <= 1
    missed = sum(state_of(x, chosen) is HipState.NO_FRACTURE for x in broken)
    assert missed <= len(broken) * (1 - sensitivity) + 1e-6
    false_alarms = sum(state_of(x, chosen) is HipState.FRACTURE for x in whole)
    if chosen.fracture < 1:  # a whole hip at probability 1 cannot be kept below any threshold
        assert false_alarms <= len(whole) * (1 - specificity) + 1e-6


def test_classes_far_apart_leave_doubt_between_them() -> None:
    chosen = choose_thresholds(
        [0.1, 0.2, 0.8, 0.9], [False, False, True, True], sensitivity_target=0.95, specificity_target=0.95
    )
    assert state_of(0.2, chosen) is HipState.NO_FRACTURE
    assert state_of(0.8, chosen) is HipState.FRACTURE


@pytest.mark.parametrize("fracture", [[True, True], [False, False]])
def test_one_class_has_no_thresholds(fracture: list[bool]) -> None:
    with pytest.raises(ValueError, match="both classes"):
        choose_thresholds([0.1, 0.9], fracture, sensitivity_target=0.9, specificity_target=0.9)


@pytest.mark.parametrize("pair", [(0.6, 0.5), (-0.1, 0.5), (0.5, 1.1), (float("nan"), 0.5)])
def test_thresholds_are_in_order(pair: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="no_fracture"):
        Thresholds(*pair)


def test_states_and_their_advice() -> None:
    thresholds = Thresholds(0.2, 0.7)
    states = [state_of(p, thresholds) for p in (0.0, 0.199, 0.2, 0.699, 0.7, 1.0)]
    assert states == [HipState.NO_FRACTURE] * 2 + [HipState.DOUBT] * 2 + [HipState.FRACTURE] * 2
    assert all("CT or MRI" in advice(s) for s in (HipState.DOUBT, HipState.NO_FRACTURE))
    assert Proportion(0, 0, 0, 1).value is None
    assert Proportion(3, 4, 0, 1).value == 0.75


def test_a_probability_at_another_share_of_broken_hips_as_by_hand() -> None:
    # Odds 0.9 : 0.1 at 1 : 1 are a likelihood ratio of 9; at 1 : 9 the odds are 1 : 1.
    assert at_prevalence(0.9, trained=0.5, wanted=0.1) == pytest.approx(0.5)
    assert at_prevalence(0.5, trained=0.1, wanted=0.5) == pytest.approx(0.9)


@given(st.floats(0, 1), st.floats(0.01, 0.99), st.floats(0.01, 0.99))
def test_there_and_back_is_where_it_was(p: float, one: float, other: float) -> None:
    there = at_prevalence(p, trained=one, wanted=other)
    assert 0 <= there <= 1
    assert at_prevalence(there, trained=other, wanted=one) == pytest.approx(p, abs=1e-9)
    assert at_prevalence(p, trained=one, wanted=one) == pytest.approx(p, abs=1e-12)
    assert (there >= p) == (other >= one) or there == pytest.approx(p)


@pytest.mark.parametrize("shares", [(1.2, 0.5, 0.5), (0.5, 0.0, 0.5), (0.5, 0.5, 1.0), (float("nan"), 0.5, 0.5)])
def test_what_is_no_share_is_refused(shares: tuple[float, float, float]) -> None:
    p, trained, wanted = shares
    with pytest.raises(ValueError, match="no probability"):
        at_prevalence(p, trained=trained, wanted=wanted)
