"""The paper's table out of its own counts, and what the options of an evaluation change."""

from __future__ import annotations

import pytest
from sklearn.metrics import f1_score, precision_score

from hipcad_desktop.domain.anatomy import Side
from hipcad_desktop.domain.diagnosis import state_of
from hipcad_desktop.domain.evaluation import HalvingFigures, HipScore
from hipcad_desktop.domain.metrics import Thresholds
from hipcad_desktop.workflows.compute_figures import compute_figures

AT_HALF = Thresholds(0.5, 0.5)


def the_papers_test() -> list[HipScore]:
    """500 films with one broken hip each: 476 found, 485 other hips left alone, no two errors on one film."""
    scores = []
    for film in range(500):
        for broken in (True, False):
            right = film >= 24 if broken else not 24 <= film < 24 + 15
            p = 0.9 if broken == right else 0.1
            side = Side.RIGHT if broken else Side.LEFT
            name = f"{film}_{side}"
            scores.append(HipScore(name, f"{film}", f"P{film}", side, broken, True, "", p, state_of(p, AT_HALF)))
    return scores


@pytest.fixture(scope="module")
def paper() -> HalvingFigures:
    return compute_figures("paper", the_papers_test(), AT_HALF, trained_prevalence=0.5)


def test_the_papers_table_from_its_own_counts(paper: HalvingFigures) -> None:
    point = paper.points[0]
    assert (point.true_positive, point.false_negative) == (476, 24)
    assert (point.true_negative, point.false_positive) == (485, 15)
    assert point.accuracy.value == pytest.approx(0.961)
    assert (point.sensitivity.n, point.specificity.n) == (500, 500)  # the paper's intervals are of 1000
    assert point.sensitivity.value == pytest.approx(0.952)
    assert point.specificity.value == pytest.approx(0.970)  # printed 96.9
    assert point.f1.value == pytest.approx(0.961, abs=5e-4)
    assert point.f1.low == pytest.approx(0.950, abs=4e-3)
    assert point.f1.high == pytest.approx(0.972, abs=4e-3)
    assert (point.sensitivity.low, point.sensitivity.high) == pytest.approx((0.930, 0.968), abs=5e-4)


def test_f1_and_ppv_as_scikit_learn_has_them(paper: HalvingFigures) -> None:
    scores = the_papers_test()
    truth, said = [s.fracture for s in scores], [s.p_fracture >= 0.5 for s in scores]
    assert paper.points[0].f1.value == pytest.approx(f1_score(truth, said))
    assert paper.points[0].ppv.value == pytest.approx(precision_score(truth, said))


def test_everything_has_an_interval_and_n(paper: HalvingFigures) -> None:
    for figure in (paper.auc, paper.average_precision, paper.points[0].f1, paper.points[0].ppv, paper.points[0].npv):
        assert figure.low is not None
        assert figure.high is not None
        assert figure.value is not None
        assert figure.low < figure.value < figure.high
        assert figure.n == 1000
        assert figure.method
    assert paper.calibration is not None
    assert paper.calibration.brier.value == pytest.approx(39 / 1000 * 0.81 + 961 / 1000 * 0.01)
    assert len(paper.pr.recall) == len(paper.pr.precision) > 2


def test_fewer_broken_hips_lower_the_ppv_alone(paper: HalvingFigures) -> None:
    rare = compute_figures("paper", the_papers_test(), AT_HALF, prevalence=0.1)
    assert rare.points[0].sensitivity == paper.points[0].sensitivity
    assert rare.points[0].ppv.value == pytest.approx(0.1 * 0.952 / (0.1 * 0.952 + 0.9 * 0.03))
    assert rare.points[0].npv.value == pytest.approx(0.9 * 0.97 / (0.9 * 0.97 + 0.1 * 0.048))
    assert rare.auc == paper.auc


def test_clopper_pearson_is_wider_wherever_a_share_stands(paper: HalvingFigures) -> None:
    exact = compute_figures("paper", the_papers_test(), AT_HALF, interval="clopper-pearson")
    for ours, wilson in (
        (exact.points[0].sensitivity, paper.points[0].sensitivity),
        (exact.points[0].accuracy, paper.points[0].accuracy),
        (exact.negatives[0].specificity["fracture"], paper.negatives[0].specificity["fracture"]),
        (exact.calibration.bins[0].observed, paper.calibration.bins[0].observed),  # type: ignore[union-attr]
    ):
        assert ours.value == wilson.value
        assert ours.high - ours.low > wilson.high - wilson.low
        assert ours.low < wilson.low


def test_no_hips_at_all_are_no_failure() -> None:
    nothing = compute_figures("midline", [], AT_HALF)
    assert (nothing.hips, nothing.calibration, nothing.pr.recall) == (0, None, ())
    assert nothing.points[0].ppv.value is None
    assert nothing.average_precision.value is None
