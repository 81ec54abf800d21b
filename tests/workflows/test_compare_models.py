"""Two reports of the same hips: differences as by hand, and reports of other hips refused."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hipcad_desktop.cli import main
from hipcad_desktop.domain.anatomy import Side
from hipcad_desktop.domain.diagnosis import state_of
from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.evaluation import SCHEMA, Caution, Evaluation, HipScore
from hipcad_desktop.domain.halving import HalvingMethod
from hipcad_desktop.domain.metrics import Thresholds
from hipcad_desktop.domain.progress import Watch
from hipcad_desktop.imaging.dataset_files import read_manifest, write_manifest
from hipcad_desktop.workflows.compare_models import ComparisonSummary, compare_models
from hipcad_desktop.workflows.compute_figures import compute_figures
from hipcad_desktop.workflows.evaluate import evaluate
from tests.fakes.brightness_dataset import FlatFilm, write_flat_dataset
from tests.fakes.model_package import write_fake_package

THRESHOLDS = Thresholds(0.3, 0.7)
COLUMNS = [
    "halving",
    "film_code",
    "patient",
    "side",
    "fracture",
    "pair_has_fracture",
    "fracture_type",
    "p_fracture",
    "image",
]
Hip = tuple[str, str, bool, float]  # patient, side, broken, p


def hips(p_broken: Sequence[float], p_whole: Sequence[float]) -> list[Hip]:
    """Film i is of patient Pi, its right hip broken, its left one whole."""
    both = zip(p_broken, p_whole, strict=True)
    return [hip for i, (b, w) in enumerate(both) for hip in ((f"P{i}", "R", True, b), (f"P{i}", "L", False, w))]


def write_report_of(
    folder: Path,
    rows: Sequence[Hip],
    *,
    thresholds: Thresholds = THRESHOLDS,
    sha256: str = "a",
    dataset: str = "d",
    partition: str = "test",
    cautions: tuple[Caution, ...] = (),
) -> Path:
    """A report as `evaluate` leaves it: report.json and predictions.csv."""
    scores = [
        HipScore(f"images/{p}_{s}.png", p, p, Side(s), broken, True, "", value, state_of(value, thresholds))
        for p, s, broken, value in rows
    ]
    evaluation = Evaluation(
        schema=SCHEMA,
        created_utc="2026-11-24T12:00:00Z",
        program_version="0",
        model={"name": f"model {sha256}", "sha256": sha256, "backbone": "none", "recipe": "fake", "trained_on": None},
        dataset={"name": "data", "hips_sha256": dataset},
        partition=partition,
        thresholds=thresholds,
        thresholds_from={},
        halvings=(compute_figures("midline", scores, thresholds),),
        cautions=cautions,
        notice="Research use only.",
        prevalence=0.5,
        interval="wilson",
        temperature=1.0,
    )
    folder.mkdir()
    (folder / "report.json").write_text(json.dumps(evaluation.to_json()), "utf-8")
    with (folder / "predictions.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(COLUMNS)
        for s in scores:
            table.writerow(
                ("midline", s.film_code, s.patient, s.side.value, int(s.fracture), 1, "", repr(s.p_fracture), s.image)
            )
    return folder


A = hips([0.9, 0.8, 0.6, 0.2], [0.1, 0.2, 0.8, 0.1])
B = hips([0.9, 0.9, 0.8, 0.75], [0.1, 0.2, 0.3, 0.9])


def compared(tmp_path: Path, a: Path, b: Path, **more: float) -> ComparisonSummary:
    return compare_models(
        a, b, tmp_path / "out", watch=Watch(), clock=lambda: datetime(2026, 11, 24, 12, tzinfo=UTC), **more
    )


@pytest.fixture
def two(tmp_path: Path) -> tuple[Path, Path]:
    return write_report_of(tmp_path / "a", A), write_report_of(tmp_path / "b", B, sha256="b")


def test_differences_as_by_hand(tmp_path: Path, two: tuple[Path, Path]) -> None:
    summary = compared(tmp_path, *two)
    (figures,) = summary.comparison.halvings
    assert (figures.hips, figures.fracture, figures.patients) == (8, 4, 4)
    # A: 0.9 beats 4, 0.8 beats 3 and ties 1, 0.6 beats 3, 0.2 beats 2 and ties 1. B: 0.9 beats 3 and ties 1, twice;
    # 0.8 and 0.75 beat 3 each.
    assert figures.auc.a.value == pytest.approx((4 + 3.5 + 3 + 2.5) / 16)
    assert figures.auc.b.value == pytest.approx((3.5 + 3.5 + 3 + 3) / 16)
    specific, sensitive = figures.points
    assert (specific.name, specific.threshold_a, sensitive.name, sensitive.threshold_b) == (
        "fracture",
        0.7,
        "no_fracture",
        0.3,
    )
    share = specific.sensitivity
    assert (share.a.hits, share.b.hits, share.only_a_right, share.only_b_right) == (2, 4, 0, 2)
    assert share.p_value == pytest.approx(0.5)
    assert (specific.specificity.only_a_right, specific.specificity.only_b_right) == (1, 1)
    right = [(d.film_code, d.side, d.right) for d in figures.discordant]
    assert sorted(right) == [("P2", "L", "b"), ("P2", "R", "b"), ("P3", "L", "a"), ("P3", "R", "b")]
    codes = [c.code for c in summary.comparison.cautions]
    assert codes == ["few_discordant", "several_hips", "several_tests"]


def test_what_is_written_is_what_is_returned(tmp_path: Path, two: tuple[Path, Path]) -> None:
    summary = compared(tmp_path, *two)
    written = json.loads(Path(summary.compare_json).read_text("utf-8"))
    assert written == json.loads(json.dumps(summary.comparison.to_json()))
    assert written["created_utc"] == "2026-11-24T12:00:00Z"
    assert written["a"]["report"] == "a"
    assert Path(summary.compare_html).is_file()
    assert Path(summary.compare_pdf).read_bytes().startswith(b"%PDF")


def test_hips_are_matched_by_image_not_by_row(tmp_path: Path) -> None:
    a = write_report_of(tmp_path / "a", A)
    b = write_report_of(tmp_path / "b", list(reversed(A)), sha256="b")
    (figures,) = compared(tmp_path, a, b).comparison.halvings
    assert figures.auc.difference.value == 0
    assert figures.discordant == ()


def test_thresholds_given_make_one_point(tmp_path: Path, two: tuple[Path, Path]) -> None:
    (figures,) = compared(tmp_path, *two, threshold_a=0.15).comparison.halvings
    (point,) = figures.points
    assert (point.name, point.threshold_a, point.threshold_b) == ("chosen", 0.15, 0.7)
    assert point.sensitivity.a.hits == 4
    assert point.specificity.a.hits == 2


def test_the_same_report_twice_compares_its_two_thresholds(tmp_path: Path) -> None:
    a = write_report_of(tmp_path / "a", A)
    summary = compared(tmp_path, a, a)
    (point,) = summary.comparison.halvings[0].points
    assert (point.threshold_a, point.threshold_b) == (0.7, 0.3)
    assert (point.sensitivity.a.hits, point.sensitivity.b.hits) == (2, 3)
    assert summary.comparison.halvings[0].auc.p_value == 1
    assert "same_model" in {c.code for c in summary.comparison.cautions}


def test_loud_cautions_of_either_report_stay_loud(tmp_path: Path) -> None:
    loud = (Caution("seen_in_training", "Seen.", loud=True), Caution("mapping", "Quiet."))
    a, b = write_report_of(tmp_path / "a", A), write_report_of(tmp_path / "b", B, sha256="b", cautions=loud)
    first, *rest = compared(tmp_path, a, b).comparison.cautions
    assert (first.code, first.sentence, first.loud) == ("seen_in_training_b", "B: Seen.", True)
    assert "mapping_b" not in {c.code for c in rest}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda to: write_report_of(to, B, dataset="other"), "the datasets differ"),
        (lambda to: write_report_of(to, B, partition="validation"), "one of the test partition"),
        (lambda to: write_report_of(to, B[:-2]), "2 hips of the midline halving are in only one"),
        (lambda to: write_report_of(to, [(p, s, s == "L", v) for p, s, _, v in B]), "what the readers said"),
    ],
)
def test_reports_of_other_hips_are_refused(tmp_path: Path, change: Callable[[Path], Path], said: str) -> None:
    a, b = write_report_of(tmp_path / "a", A), change(tmp_path / "b")
    with pytest.raises(UserError) as caught:
        compared(tmp_path, a, b)
    assert caught.value.code is ErrorCode.REPORTS_OF_OTHER_HIPS
    assert caught.value.facts["detail"].startswith(said)
    assert not (tmp_path / "out").exists()


def failed(tmp_path: Path, a: Path, b: Path, **more: float) -> ErrorCode:
    with pytest.raises(UserError) as caught:
        compared(tmp_path, a, b, **more)
    assert sorted(p.name for p in tmp_path.iterdir() if p.name.startswith(".")) == []
    return caught.value.code


def test_what_is_no_whole_report_is_refused(tmp_path: Path, two: tuple[Path, Path]) -> None:
    a, b = two
    assert failed(tmp_path, a, tmp_path / "nowhere") is ErrorCode.FILE_MISSING
    table = b / "predictions.csv"
    whole = table.read_text("utf-8")
    table.write_text("\n".join(whole.splitlines()[:-1]) + "\n", "utf-8")
    assert failed(tmp_path, a, b) is ErrorCode.NOT_A_REPORT
    table.write_text(whole.replace("0.75", "many"), "utf-8")
    assert failed(tmp_path, a, b) is ErrorCode.NOT_A_REPORT
    table.write_text(whole.replace("0.75", "nan"), "utf-8")
    assert failed(tmp_path, a, b) is ErrorCode.NOT_A_REPORT
    table.unlink()
    assert failed(tmp_path, a, b) is ErrorCode.FILE_MISSING


def test_a_used_folder_and_an_impossible_threshold_are_refused(tmp_path: Path, two: tuple[Path, Path]) -> None:
    assert failed(tmp_path, *two, threshold_b=1.5) is ErrorCode.CONFIG_INVALID
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    assert failed(tmp_path, *two) is ErrorCode.TARGET_NOT_EMPTY


def test_cancelled_leaves_nothing(tmp_path: Path, two: tuple[Path, Path]) -> None:
    class Stop(Watch):
        def cancelled(self) -> bool:
            return True

    with pytest.raises(UserError) as caught:
        compare_models(*two, tmp_path / "out", watch=Stop())
    assert caught.value.code is ErrorCode.CANCELLED
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a", "b"]


def test_missing_statistics_are_named(tmp_path: Path, two: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "statsmodels", None)
    assert failed(tmp_path, *two) is ErrorCode.TRAINING_NOT_INSTALLED


def test_the_verb_says_what_was_found(
    tmp_path: Path, two: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", str(two[0]), str(two[1]), "--to", str(tmp_path / "out")]) == 0
    said = capsys.readouterr().out
    assert "midline halving, test partition: 8 hips (4 with fracture) of 4 patients" in said
    assert "sensitivity  A 50.0% (15.0% to 85.0%; 2 of 4), B 100.0% (51.0% to 100.0%; 4 of 4)" in said
    assert "McNemar, exact p = 0.500" in said
    assert "Research use only" in said


def test_reports_that_evaluate_wrote_can_be_compared(tmp_path: Path) -> None:
    films = [FlatFilm(f"P{i:04d}", 100 + 7 * i, 120, "R" if i % 2 else "") for i in range(8)]
    write_flat_dataset(tmp_path / "dataset", films)
    folders = []
    for name, gain in (("one", 20.0), ("two", -20.0)):
        model = write_fake_package(tmp_path / f"{name}.hipcad", gain=gain)
        evaluate(model, tmp_path / "dataset", tmp_path / name, watch=Watch())
        folders.append(tmp_path / name)
    comparison = compared(tmp_path, *folders).comparison
    assert [h.halving for h in comparison.halvings] == ["midline", "paper"]
    auc = comparison.halvings[0].auc
    assert auc.a.value is not None
    assert auc.b.value == pytest.approx(1 - auc.a.value)
    assert replace(comparison, cautions=()).partition == "test"


def test_a_model_of_squares_is_held_against_one_of_strips_hip_by_hip(tmp_path: Path) -> None:
    films = [FlatFilm(f"P{i:04d}", 100 + 7 * i, 120, "R" if i % 2 else "") for i in range(8)]
    write_flat_dataset(tmp_path / "dataset", films, halvings=tuple(HalvingMethod))
    manifest, entries = read_manifest(tmp_path / "dataset")
    lacking = next(e.film_code for e in entries if e.patient == "P0003")
    kept = [e for e in entries if e.film_code != lacking or e.halving is not HalvingMethod.HIP]
    write_manifest(tmp_path / "dataset", manifest, kept)
    folders = []
    for name, halving in (("squares", "hip"), ("strips", "midline")):
        model = write_fake_package(tmp_path / f"{name}.hipcad", halving=halving)
        evaluate(model, tmp_path / "dataset", tmp_path / name, watch=Watch())
        folders.append(tmp_path / name)
    comparison = compared(tmp_path, *folders).comparison
    (figures,) = comparison.halvings
    assert (figures.halving, figures.hips, figures.films, figures.fracture) == ("diagnosis", 14, 7, 3)
    assert figures.auc.a.value == figures.auc.b.value  # the images are the same grey
    assert figures.auc.difference.value == 0
    (alone,) = [c for c in comparison.cautions if c.code == "hips_of_one"]
    assert alone.sentence.startswith("2 hips are in only one")
    assert "Each as its own diagnosis halves" in (tmp_path / "out" / "compare.html").read_text("utf-8")
