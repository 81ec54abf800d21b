"""The page of a comparison: both figures, their difference, the test, and the hips on which they part."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from hipcad_desktop.domain.comparison import (
    AreaDifference,
    Compared,
    Comparison,
    DiscordantHip,
    HalvingComparison,
    PairedProportion,
    PointComparison,
)
from hipcad_desktop.domain.evaluation import Caution, RocCurve
from hipcad_desktop.domain.metrics import Estimate, Proportion, Thresholds
from hipcad_desktop.domain.model_card import RESEARCH_USE
from hipcad_desktop.workflows.write_comparison import comparison_page, write_comparison
from hipcad_desktop.workflows.write_html import html_of, markdown_of

ROC = RocCurve((0.0, 0.1, 1.0), (0.0, 0.8, 1.0))


def estimate(value: float | None, low: float | None = None, high: float | None = None) -> Estimate:
    return Estimate(value, low, high, 80, "hips", "test", "" if value is not None else "one class only")


def paired(name: str, p_value: float | None = 0.25) -> PairedProportion:
    share = Proportion(20, 26, 0.58, 0.89)
    return PairedProportion(
        name=name,
        a=share,
        b=share,
        both_right=19,
        only_a_right=1,
        only_b_right=1,
        neither_right=5,
        difference=estimate(-0.05, -0.14, 0.02),
        by_patient=estimate(-0.05, -0.12, 0.01),
        p_value=p_value,
        test="McNemar, exact",
    )


def comparison(*, area: Estimate | None = None, roc: RocCurve = ROC, discordant: int = 1) -> Comparison:
    area = area or estimate(0.031, 0.002, 0.06)
    points = tuple(
        PointComparison(name, 0.25, 0.31, paired("sensitivity"), paired("specificity", 0.0000004))
        for name in ("fracture", "no_fracture")
    )
    hips = tuple(DiscordantHip("i.png", f"film{n:03d}", "R", True, 0.2, 0.9, "b") for n in range(discordant))
    halving = HalvingComparison(
        halving="midline",
        hips=80,
        fracture=26,
        no_fracture=54,
        films=40,
        patients=40,
        auc=AreaDifference(estimate(0.9, 0.8, 0.95), estimate(0.931, 0.85, 0.97), area, 0.031, area),
        points=points,
        roc_a=roc,
        roc_b=roc,
        discordant=hips,
    )
    sides = [
        Compared(name, {"name": f"<{name}>", "sha256": name * 64, "backbone": "b4"}, Thresholds(0.25, 0.75), 1.0)
        for name in "ab"
    ]
    return Comparison(
        schema=1,
        created_utc="2026-11-24T12:00:00Z",
        program_version="0.4.0",
        a=sides[0],
        b=sides[1],
        dataset={"name": "hips", "hips_sha256": "c" * 64},
        partition="test",
        halvings=(halving,),
        cautions=(Caution("x", "B was opened later.", loud=True),),
        notice=RESEARCH_USE,
    )


def test_the_three_files(tmp_path: Path) -> None:
    write_comparison(comparison(), to=tmp_path)
    values = json.loads((tmp_path / "compare.json").read_text("utf-8"))
    assert values == json.loads(json.dumps(comparison().to_json()))
    assert (tmp_path / "compare.pdf").read_bytes().startswith(b"%PDF-")
    html = (tmp_path / "compare.html").read_text("utf-8")
    assert "<a>" not in html
    assert "&lt;a&gt;" in html


def test_difference_interval_and_test_stand_together() -> None:
    text = markdown_of(comparison_page(comparison()))
    assert "+0.031 (0.002 to 0.060), n = 80 hips<br>p = 0.031, paired DeLong<br>by patient +0.002 to +0.060" in text
    assert "p < 0.001, McNemar, exact" in text.replace("\\<", "<")
    assert "76.9 % (58.0 to 89.0), 20 of 26, p ≥ 0.250" in text
    assert "| 19 | 1 | 1 | 5 | n = 26 |" in text


def test_cautions_come_first() -> None:
    html = html_of(comparison_page(comparison()))
    assert html.index("B was opened later.") < html.index("B minus A")


@pytest.mark.parametrize("hips", [0, 41])
def test_hips_on_which_they_part(hips: int) -> None:
    text = markdown_of(comparison_page(comparison(discordant=hips)))
    if hips:
        assert "n = 41, the first 40 shown" in text
        assert len(re.findall(r"film0\d\d, right hip", text)) == 40
    else:
        assert "None at the first operating point." in text


def test_one_class_is_told_and_draws_no_curve() -> None:
    page = comparison_page(comparison(area=estimate(None), roc=RocCurve()))
    assert "not computed: one class only" in markdown_of(page)
    assert "ROC of both" not in html_of(page)
