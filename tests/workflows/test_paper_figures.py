"""The paper's table from its own counts: what 500 hips can show, and what was printed instead."""

from __future__ import annotations

import pytest

from hipcad_desktop.workflows.paper_figures import PRINTED, paper_table, wald, wald_words

OWN = ("a", "b", "c")


@pytest.mark.parametrize(
    ("share", "low", "high"), [(0.952, 0.939, 0.965), (0.969, 0.958, 0.980), (0.961, 0.949, 0.973)]
)
def test_the_printed_intervals_are_walds_for_a_thousand(share: float, low: float, high: float) -> None:
    assert wald(share, 1000) == (pytest.approx(low, abs=5e-4), pytest.approx(high, abs=5e-4))


def test_with_five_hundred_they_would_be_wider() -> None:
    assert wald(0.952, 500)[0] < 0.934


def test_counts_belong_to_each_other() -> None:
    accuracy, sensitivity, specificity = PRINTED
    assert accuracy.hits == sensitivity.hits + specificity.hits == 1000 - 24 - 15
    assert accuracy.n == sensitivity.n + specificity.n


@pytest.mark.parametrize(
    ("interval", "sensitivity"),
    [("wilson", "95.2 % (93.0 to 96.8), 476 of 500"), ("clopper-pearson", "95.2 % (92.9 to 96.9), 476 of 500")],
)
def test_right_intervals(interval: str, sensitivity: str) -> None:
    table = paper_table(interval, OWN)
    rows = {row[0]: row for row in table.rows}
    assert rows["Sensitivity"][2] == sensitivity
    assert rows["Specificity"][2].startswith("97.0 %")
    assert rows["Specificity"][1].startswith("96.9 %")
    assert [row[3] for row in table.rows[:3]] == ["a", "b", "c"]


def test_words_name_what_differs() -> None:
    assert "93.9 to 96.5" in wald_words()
    assert "95.8 to 98.0" in wald_words()
