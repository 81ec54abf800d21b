"""Age bands and counts of a dataset."""

from __future__ import annotations

import pytest

from hipcad_desktop.domain.dataset import age_band


@pytest.mark.parametrize(
    ("years", "band"),
    [(None, ""), (0, "<50"), (49, "<50"), (50, "50-59"), (59, "50-59"), (60, "60-69"), (89, "80-89"), (90, "90+")],
)
def test_an_age_is_a_band(years: int | None, band: str) -> None:
    assert age_band(years) == band


def test_the_oldest_are_one_band() -> None:
    assert {age_band(years) for years in range(90, 131)} == {"90+"}
