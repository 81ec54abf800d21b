"""Evaluation on flat hips whose scores are known by hand: figures, cautions, failures that leave nothing."""

from __future__ import annotations

import csv
import json
import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from hipcad_desktop.domain.cohort import Partition
from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.halving import HalvingMethod
from hipcad_desktop.domain.metrics import Thresholds
from hipcad_desktop.domain.progress import Watch
from hipcad_desktop.workflows.evaluate import EvaluationSummary, evaluate
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


def run(tmp_path: Path, films: Any = FILMS, *, partition: str = "test", watch: Watch | None = None, **card: Any) -> Any:
    """Evaluate a fresh package on a fresh dataset."""
    manifest = write_flat_dataset(tmp_path / "dataset", films)
    card.setdefault("data", {"hips_sha256": manifest.hips_sha256})
    model = write_fake_package(tmp_path / "model.hipcad", **card)
    return evaluate(
        model,
        tmp_path / "dataset",
        tmp_path / "report",
        partition=partition,
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


def test_wilson_as_in_the_method(tmp_path: Path) -> None:
    # METHOD 2: 476 of 500 is about 93.0 to 96.8.
    from hipcad_desktop.workflows.compute_figures import wilson

    proportion = wilson(476, 500)
    assert proportion.low == pytest.approx(0.930, abs=5e-4)
    assert proportion.high == pytest.approx(0.968, abs=1e-3)
    assert wilson(0, 0).value is None


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


def test_own_data_in_test_is_no_caution(tmp_path: Path) -> None:
    assert codes(run(tmp_path)) == {}


@pytest.mark.parametrize("partition", ["training", "validation"])
def test_hips_seen_in_training_are_said_loudly(tmp_path: Path, partition: str) -> None:
    assert codes(run(tmp_path, partition=partition))["seen_in_training"] is True


def test_another_dataset_is_fine_but_said(tmp_path: Path) -> None:
    assert codes(run(tmp_path, partition="training", data={"hips_sha256": "f" * 64})) == {
        "other_dataset": False,
        **codes_of_perfect_separation(),
    }


def codes_of_perfect_separation() -> dict[str, bool]:
    return {"suspiciously_good": True}


def test_a_perfect_auc_is_doubted(tmp_path: Path) -> None:
    films = [FlatFilm(f"P{i:04d}", 170, 90, "R") for i in range(4)]
    summary = run(tmp_path, films)
    assert codes(summary)["suspiciously_good"] is True
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
    assert set(found) == {"overlap", "mapping"}


def test_the_cards_thresholds_decide(tmp_path: Path) -> None:
    figures = run(tmp_path, thresholds=Thresholds(0.0, 0.0)).evaluation.of("midline")
    assert all(point.false_negative == 0 and point.true_negative == 0 for point in figures.points)


def test_progress_and_artifact(tmp_path: Path) -> None:
    watch = Recorder()
    summary = run(tmp_path, watch=watch)
    assert watch.steps[-1] == ("evaluate", 24, 24)
    assert watch.artifacts == [("report", summary.report_html, {"report_json": summary.report_json})]


def failed(tmp_path: Path, **changes: Any) -> ErrorCode:
    with pytest.raises(UserError) as caught:
        run(tmp_path, **changes)
    return caught.value.code


def nothing_left(tmp_path: Path) -> bool:
    return sorted(p.name for p in tmp_path.iterdir()) == ["dataset", "model.hipcad"]


def test_an_empty_partition(tmp_path: Path) -> None:
    films = [FlatFilm("P0001", 170, 90, "R", partition=Partition.TRAINING)]
    assert failed(tmp_path, films=films) is ErrorCode.PARTITION_EMPTY
    assert nothing_left(tmp_path)


def test_an_unknown_partition(tmp_path: Path) -> None:
    assert failed(tmp_path, partition="holdout") is ErrorCode.CONFIG_INVALID


@pytest.mark.parametrize("after", [0, 1, 3])
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
