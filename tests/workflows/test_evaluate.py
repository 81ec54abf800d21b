"""Evaluation on flat hips whose scores are known by hand: figures, cautions, failures that leave nothing."""

from __future__ import annotations

import csv
import json
import math
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from hipcad_desktop.domain.cohort import Partition
from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.halving import HalvingMethod
from hipcad_desktop.domain.judgement import heat_maps_from_json
from hipcad_desktop.domain.metrics import Thresholds
from hipcad_desktop.domain.progress import Watch
from hipcad_desktop.imaging.dataset_files import read_manifest, write_manifest
from hipcad_desktop.workflows.evaluate import EvaluationSummary, evaluate
from hipcad_desktop.workflows.test_seal import openings
from tests.fakes.brightness_dataset import FlatFilm, write_flat_dataset
from tests.fakes.model_package import GAIN, PIVOT, write_fake_package

# Grey 90 scores 0.05, 120 0.36, 140 0.73, 170 0.97: states no fracture, doubt, doubt, fracture.
FILMS = (
    FlatFilm("P0001", 170, 90, "R", "Garden I"),
    FlatFilm("P0002", 120, 170, "L", "31-A1"),
    FlatFilm("P0003", 90, 120, "R", "31-A1"),  # missed, and below its other hip
    FlatFilm("P0004", 170, 90),  # a false alarm
    FlatFilm("P0005", 90, 90),
    FlatFilm("P0005", 120, 90),
    FlatFilm("P0006", 170, 90, "R", partition=Partition.TRAINING),
    FlatFilm("P0007", 170, 90, "L", partition=Partition.VALIDATION),
)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Probes of a few trees, and no PDF: both have tests of their own."""
    monkeypatch.setattr("hipcad_desktop.workflows.leak_probe._TREES", 2)
    monkeypatch.setattr("hipcad_desktop.workflows.leak_probe._REPEATS", 1)
    monkeypatch.setattr("hipcad_desktop.workflows.write_report.pdf_of", lambda page: b"%PDF-")


def p_of(level: int) -> float:
    return 1 / (1 + math.exp(-GAIN * (level / 255 - PIVOT)))


class Recorder(Watch):
    """Remembers what it was told; cancels after so many checks."""

    def __init__(self, cancel_after: int | None = None) -> None:
        self.artifacts: list[tuple[str, str, dict[str, Any]]] = []
        self.steps: list[tuple[str, int, int]] = []
        self._left = cancel_after

    def step(self, stage: str, done: int, total: int, **facts: Any) -> None:
        self.steps.append((stage, done, total))

    def artifact(self, what: str, path: str, **facts: Any) -> None:
        self.artifacts.append((what, path, facts))

    def cancelled(self) -> bool:
        if self._left is None:
            return False
        self._left -= 1
        return self._left < 0


def run(
    tmp_path: Path,
    films: Any = FILMS,
    *,
    partition: str = "test",
    watch: Watch | None = None,
    prevalence: float = 0.5,
    interval: str = "wilson",
    **card: Any,
) -> Any:
    """Evaluate a fresh package on a fresh dataset."""
    manifest = write_flat_dataset(tmp_path / "dataset", films)
    card.setdefault("data", {"hips_sha256": manifest.hips_sha256})
    model = write_fake_package(tmp_path / "model.hipcad", **card)
    return evaluate(
        model,
        tmp_path / "dataset",
        tmp_path / "report",
        partition=partition,
        prevalence=prevalence,
        interval=interval,
        watch=watch or Watch(),
        clock=lambda: datetime(2026, 11, 24, 12, tzinfo=UTC),
    )


def codes(summary: EvaluationSummary) -> dict[str, bool]:
    return {caution.code: caution.loud for caution in summary.evaluation.cautions}


def test_figures_as_by_hand(tmp_path: Path) -> None:
    figures = run(tmp_path).evaluation.of("midline")
    assert (figures.hips, figures.fracture, figures.no_fracture) == (12, 3, 9)
    assert (figures.films, figures.patients) == (6, 5)
    # Broken 170, 170, 90 against whole 90 120 120 | 170 90 90 90 120 90: 170 beats 8 and ties 1; 90 ties 5.
    assert figures.auc.value == pytest.approx((8.5 + 8.5 + 2.5) / 27)
    assert figures.auc.method == "DeLong"
    assert figures.auc_same_film.value == pytest.approx(2 / 3)
    assert figures.auc_same_film.n == 3
    by_name = {point.name: point for point in figures.points}
    high, low = by_name["fracture"], by_name["no_fracture"]
    assert (high.true_positive, high.false_negative, high.false_positive, high.true_negative) == (2, 1, 1, 8)
    assert (low.true_positive, low.false_negative, low.false_positive, low.true_negative) == (2, 1, 4, 5)
    assert high.accuracy.value == pytest.approx(10 / 12)
    assert high.f1.value == pytest.approx(2 * 2 / (2 * 2 + 1 + 1))
    assert figures.states["fracture"] == {"fracture": 2, "doubt": 0, "no_fracture": 1}
    assert figures.states["no_fracture"] == {"fracture": 1, "doubt": 3, "no_fracture": 5}


def test_kinds_of_negatives_and_types_are_told_apart(tmp_path: Path) -> None:
    figures = run(tmp_path).evaluation.of("midline")
    other, none = figures.negatives
    assert (other.name, other.n, none.name, none.n) == ("other_hip", 3, "no_fracture_film", 6)
    assert other.specificity["fracture"].hits == 3
    assert none.specificity["fracture"].hits == 5
    assert none.auc.value == pytest.approx((5.5 + 5.5 + 2) / 18)
    kinds = [(t.fracture_type, t.n, t.sensitivity["fracture"].hits) for t in figures.types]
    assert kinds == [("Garden I", 1, 1), ("31-A1", 2, 1)]


def test_both_halvings_stand_beside_each_other(tmp_path: Path) -> None:
    summary = run(tmp_path)
    assert [f.halving for f in summary.evaluation.halvings] == ["midline", "paper"]
    values = json.loads(Path(summary.report_json).read_text("utf-8"))
    assert values == json.loads(json.dumps(summary.evaluation.to_json()))


def test_every_hip_is_in_the_table(tmp_path: Path) -> None:
    summary = run(tmp_path)
    with Path(summary.predictions_csv).open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 24
    first = rows[0]
    assert first["halving"] == "midline"
    assert first["patient"] == "P0001"
    assert float(first["p_fracture"]) == pytest.approx(p_of(170), abs=1e-5)
    assert first["state"] == "fracture"
    assert {row["patient"] for row in rows} == {"P0001", "P0002", "P0003", "P0004", "P0005"}


def test_the_sealed_test_partition_is_recorded_in_the_report(tmp_path: Path) -> None:
    values = run(tmp_path).evaluation.to_json()
    assert values["created_utc"] == "2026-11-24T12:00:00Z"
    assert len(values["model"]["sha256"]) == 64
    assert values["partition"] == "test"
    assert values["thresholds"] == {"no_fracture": 0.25, "fracture": 0.75}


def test_own_data_in_test_is_cautioned_for_its_few_hips_alone(tmp_path: Path) -> None:
    assert codes(run(tmp_path)) == {"few_hips": False}


@pytest.mark.parametrize("partition", ["training", "validation"])
def test_hips_seen_in_training_are_said_loudly(tmp_path: Path, partition: str) -> None:
    assert codes(run(tmp_path, partition=partition))["seen_in_training"] is True


def test_another_dataset_is_fine_but_said(tmp_path: Path) -> None:
    found = codes(run(tmp_path, partition="training", data={"hips_sha256": "f" * 64}))
    assert found == {"other_dataset": False, "leak": True, "few_hips": False}


def test_a_perfect_auc_is_doubted(tmp_path: Path) -> None:
    films = [FlatFilm(f"P{i:04d}", 170, 90, "R") for i in range(4)]
    summary = run(tmp_path, films)
    assert codes(summary)["leak"] is True
    alarms = {p.name: p.sentence for p in summary.evaluation.probes if p.alarm}
    assert "AUC 1.000 (midline halving) is above 0.99" in alarms["model's AUC, midline halving"]
    figures = summary.evaluation.of("midline")
    assert figures.auc.value == 1
    assert figures.auc.low is not None
    assert figures.auc.low < 0.9
    assert figures.auc_same_film.method == "Wilson"
    assert figures.points[0].f1.low is None


@pytest.mark.parametrize(("broken", "missing"), [("", "with a fracture"), ("RL", "without a fracture")])
def test_one_class_gives_what_can_be_computed(tmp_path: Path, broken: str, missing: str) -> None:
    summary = run(tmp_path, [FlatFilm("P0001", 170, 90, broken), FlatFilm("P0002", 120, 90, broken)])
    figures = summary.evaluation.of("midline")
    assert figures.auc.value is None
    assert missing in figures.auc.reason
    assert figures.auc_same_film.value is None
    empty = figures.points[0].specificity if broken else figures.points[0].sensitivity
    there = figures.points[0].sensitivity if broken else figures.points[0].specificity
    assert empty.value is None
    assert there.n == 4
    assert codes(summary)["one_class"] is True
    page = Path(summary.report_html).read_text("utf-8")
    assert missing in page
    assert "nan" not in page.split("base64")[0].lower()


def test_only_the_papers_halving_is_not_the_programs_accuracy(tmp_path: Path) -> None:
    write_flat_dataset(tmp_path / "dataset", FILMS, halvings=[HalvingMethod.PAPER])
    model = write_fake_package(tmp_path / "model.hipcad")
    summary = evaluate(model, tmp_path / "dataset", tmp_path / "report", watch=Watch())
    assert codes(summary)["no_midline"] is True
    assert "The program's accuracy" not in Path(summary.report_html).read_text("utf-8")


def test_other_windows_and_other_mapping_are_said(tmp_path: Path) -> None:
    found = codes(run(tmp_path, overlap_share=0.2, mapping_rules=("percentile/v1",)))
    assert set(found) == {"overlap", "mapping", "few_hips"}


def test_the_cards_thresholds_decide(tmp_path: Path) -> None:
    figures = run(tmp_path, thresholds=Thresholds(0.0, 0.0)).evaluation.of("midline")
    assert all(point.false_negative == 0 and point.true_negative == 0 for point in figures.points)


def test_progress_and_artifact(tmp_path: Path) -> None:
    watch = Recorder()
    summary = run(tmp_path, watch=watch)
    assert ("evaluate", 24, 24) in watch.steps
    assert watch.steps[-1] == ("write the report", 1, 1)
    facts = {"report_json": summary.report_json, "report_pdf": summary.report_pdf}
    assert watch.artifacts == [("report", summary.report_html, facts)]
    assert summary.to_json()["report_pdf"] == summary.report_pdf


def test_opening_the_test_partition_is_recorded_before_its_hips_are_scored(tmp_path: Path) -> None:
    summary = run(tmp_path)
    (opening,) = summary.evaluation.openings
    assert (opening.number, opening.model_name, opening.opened_utc[:19]) == (1, "brightness", "2026-11-24T12:00:00")
    assert opening.model_sha256 == summary.evaluation.model["sha256"]
    assert openings(tmp_path / "dataset") == (opening,)


def test_an_opening_stays_where_the_evaluation_is_cancelled(tmp_path: Path) -> None:
    # The first check comes before the opening, the second before the first hip is scored.
    assert failed(tmp_path, watch=Recorder(cancel_after=1)) is ErrorCode.CANCELLED
    assert len(openings(tmp_path / "dataset")) == 1


def test_other_partitions_leave_the_seal_alone(tmp_path: Path) -> None:
    assert run(tmp_path, partition="validation").evaluation.openings == ()
    assert openings(tmp_path / "dataset") == ()


def test_a_second_opening_is_said_and_said_loudly_for_another_model(tmp_path: Path) -> None:
    first = run(tmp_path)
    assert "opened_before" not in codes(first)
    dataset = tmp_path / "dataset"
    again = evaluate(tmp_path / "model.hipcad", dataset, tmp_path / "again", watch=Watch())
    assert codes(again)["opened_before"] is False
    other = write_fake_package(tmp_path / "other.hipcad", name="other", thresholds=Thresholds(0.1, 0.9))
    third = evaluate(other, dataset, tmp_path / "third", watch=Watch())
    assert codes(third)["opened_before"] is True
    assert [o.number for o in third.evaluation.openings] == [1, 2, 3]


def test_a_broken_seal_stops_before_anything_is_scored(tmp_path: Path) -> None:
    run(tmp_path)
    record = tmp_path / "dataset" / "test_openings.jsonl"
    record.write_bytes(record.read_bytes().replace(b"brightness", b"darkness"))
    watch = Recorder()
    with pytest.raises(UserError) as caught:
        evaluate(tmp_path / "model.hipcad", tmp_path / "dataset", tmp_path / "again", watch=watch)
    assert caught.value.code is ErrorCode.TEST_SEAL_BROKEN
    assert watch.steps == []
    assert not (tmp_path / "again").exists()


def test_prevalence_and_interval_are_those_asked_for(tmp_path: Path) -> None:
    evaluation = run(tmp_path, prevalence=0.1, interval="clopper-pearson").evaluation
    assert (evaluation.prevalence, evaluation.interval) == (0.1, "clopper-pearson")
    point = evaluation.of("midline").points[0]
    assert point.sensitivity.low == pytest.approx(0.0943, abs=5e-4)  # 2 of 3, exact
    # 2 of 3 broken and 1 of 9 whole hips are called "fracture".
    assert point.ppv.value == pytest.approx(0.1 * 2 / 3 / (0.1 * 2 / 3 + 0.9 / 9))
    group = next(g for g in evaluation.of("midline").subgroups if g.kind == "side")
    assert (group.specificity["fracture"].hits, group.specificity["fracture"].n) == (3, 4)
    assert group.specificity["fracture"].high == pytest.approx(0.9937, abs=5e-4)


@pytest.mark.parametrize(
    "wrong", [{"prevalence": 0.0}, {"prevalence": 1.0}, {"prevalence": math.nan}, {"interval": "wald"}]
)
def test_a_wrong_prevalence_or_interval(tmp_path: Path, wrong: dict[str, Any]) -> None:
    assert failed(tmp_path, **wrong) is ErrorCode.CONFIG_INVALID
    assert openings(tmp_path / "dataset") == ()


def test_subgroups_stand_in_both_halvings(tmp_path: Path) -> None:
    evaluation = run(tmp_path).evaluation
    for figures in evaluation.halvings:
        kinds = {(g.kind, g.name): g for g in figures.subgroups}
        assert kinds["type group", "Garden I/II"].sensitivity["fracture"].hits == 1
        assert kinds["negatives", "films without any fracture"].no_fracture == 6
    assert evaluation.of("midline").coverage is None  # no rectangle is known


def test_heat_maps_are_measured_against_rectangles(tmp_path: Path) -> None:
    manifest = write_flat_dataset(tmp_path / "dataset", FILMS)
    _, entries = read_manifest(tmp_path / "dataset")
    # The right hip's window is 600 x 900: the rectangle takes a quarter of each hip image.
    boxed = [
        replace(e, rect_x0_px=e.x0_px, rect_y0_px=0.0, rect_x1_px=e.x0_px + 300.0, rect_y1_px=450.0)
        if e.fracture
        else e
        for e in entries
    ]
    write_manifest(tmp_path / "dataset", manifest, boxed)
    write_fake_package(tmp_path / "model.hipcad")
    summary = evaluate(tmp_path / "model.hipcad", tmp_path / "dataset", tmp_path / "report", watch=Watch())
    heat = summary.evaluation.of("midline").coverage
    assert heat is not None
    assert heat.n == 2  # the two found ones, not the missed
    assert heat.heat_inside.value == pytest.approx(0.25, abs=0.002)  # the fake's heat is even
    assert heat.inside_by_chance == pytest.approx(0.25)
    assert summary.evaluation.of("paper").coverage is not None


def test_pictures_for_the_judges(tmp_path: Path) -> None:
    summary = run(tmp_path)
    folder = Path(summary.report_html).parent / "heatmaps"
    maps = heat_maps_from_json(json.loads((folder / "heatmaps.json").read_text("utf-8")))
    assert sorted(m.kind for m in maps) == ["false alarm", "found", "found", "missed"]
    by_kind = {m.kind: m for m in maps}
    assert by_kind["missed"].fracture_type == "31-A1"
    assert by_kind["found"].aspect == pytest.approx(600 / 900)
    for m in maps:
        with Image.open(folder / m.hip) as hip, Image.open(folder / m.overlay) as overlay:
            assert (hip.size, hip.mode, overlay.size, overlay.mode) == ((380, 380), "L", (380, 380), "RGB")
    assert len(list(folder.iterdir())) == 2 * len(maps) + 1


def failed(tmp_path: Path, **changes: Any) -> ErrorCode:
    with pytest.raises(UserError) as caught:
        run(tmp_path, **changes)
    return caught.value.code


def nothing_left(tmp_path: Path) -> bool:
    """No report, whole or half; what was opened stays recorded in the dataset."""
    return sorted(p.name for p in tmp_path.iterdir()) == ["dataset", "model.hipcad"]


def test_an_empty_partition(tmp_path: Path) -> None:
    films = [FlatFilm("P0001", 170, 90, "R", partition=Partition.TRAINING)]
    assert failed(tmp_path, films=films) is ErrorCode.PARTITION_EMPTY
    assert nothing_left(tmp_path)


def test_an_unknown_partition(tmp_path: Path) -> None:
    assert failed(tmp_path, partition="holdout") is ErrorCode.CONFIG_INVALID


@pytest.mark.parametrize("after", [0, 1, 3, 6])
def test_cancelled_leaves_nothing(tmp_path: Path, after: int) -> None:
    assert failed(tmp_path, watch=Recorder(cancel_after=after)) is ErrorCode.CANCELLED
    assert nothing_left(tmp_path)


def test_a_used_folder_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "report").mkdir()
    (tmp_path / "report" / "mine.txt").write_text("mine")
    assert failed(tmp_path) is ErrorCode.TARGET_NOT_EMPTY
    assert [p.name for p in (tmp_path / "report").iterdir()] == ["mine.txt"]


def test_an_empty_folder_is_used(tmp_path: Path) -> None:
    (tmp_path / "report").mkdir()
    assert Path(run(tmp_path).report_html).is_file()


def test_a_changed_image_is_found_and_nothing_written(tmp_path: Path) -> None:
    write_flat_dataset(tmp_path / "dataset", FILMS[:1])
    image = next((tmp_path / "dataset" / "images").iterdir())
    image.write_bytes(image.read_bytes()[:-1] + b"x")
    model = write_fake_package(tmp_path / "model.hipcad")
    with pytest.raises(UserError) as caught:
        evaluate(model, tmp_path / "dataset", tmp_path / "report", watch=Watch())
    assert caught.value.code is ErrorCode.DATASET_DAMAGED
    assert nothing_left(tmp_path)


def test_a_folder_below_a_file_cannot_be_written(tmp_path: Path) -> None:
    write_flat_dataset(tmp_path / "dataset", FILMS)
    model = write_fake_package(tmp_path / "model.hipcad")
    with pytest.raises(UserError) as caught:
        evaluate(model, tmp_path / "dataset", model / "report", watch=Watch())
    assert caught.value.code is ErrorCode.FOLDER_NOT_WRITABLE


def test_missing_statistics_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "statsmodels", None)
    with pytest.raises(UserError) as caught:
        run(tmp_path)
    assert caught.value.code is ErrorCode.TRAINING_NOT_INSTALLED
    assert caught.value.facts["module"] == "statsmodels"
