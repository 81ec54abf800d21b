"""A model of squares about the hips: trained, judged and named by them, and by nothing else."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hipcad_desktop.cli import main as hipcad
from hipcad_desktop.domain.cohort import Partition
from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.halving import HalvingMethod
from hipcad_desktop.domain.progress import Watch
from hipcad_desktop.domain.training import HIP, TrainConfig
from hipcad_desktop.imaging.dataset_files import read_manifest
from hipcad_desktop.inference.package import read_package
from hipcad_desktop.workflows.evaluate import evaluate
from hipcad_desktop.workflows.leak_cues import WINDOW, cues_of
from hipcad_desktop.workflows.preflight import preflight
from hipcad_desktop.workflows.score_hips import aspect_of
from hipcad_desktop.workflows.train import chosen_hips, train
from tests.fakes.brightness_dataset import FlatFilm, write_flat_dataset
from tests.fakes.made_up_dataset import write_made_up_dataset
from tests.fakes.model_package import write_fake_package
from tests.fakes.tiny_recipe import TINY

SQUARES = replace(
    TINY,
    recipe="hip",
    halvings=("hip",),
    epochs=1,
    shift_jitter=HIP.shift_jitter,
    scale_jitter=HIP.scale_jitter,
    turn_jitter_deg=HIP.turn_jitter_deg,
)
FILMS = (
    *(FlatFilm(f"P{i:04d}", 170, 90, "R", "Garden I") for i in range(3)),
    *(FlatFilm(f"P1{i:03d}", 90, 120) for i in range(3)),
    FlatFilm("P2000", 170, 90, "R", partition=Partition.TRAINING),
    FlatFilm("P2001", 170, 90, "L", partition=Partition.VALIDATION),
)
STRIPS = (HalvingMethod.PAPER, HalvingMethod.MIDLINE)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Probes of a few trees, and no PDF: both have tests of their own."""
    monkeypatch.setattr("hipcad_desktop.workflows.leak_probe._TREES", 2)
    monkeypatch.setattr("hipcad_desktop.workflows.leak_probe._REPEATS", 1)
    monkeypatch.setattr("hipcad_desktop.workflows.write_report.pdf_of", lambda page: b"%PDF-")


def test_it_is_trained_and_judged_by_squares_alone(tmp_path: Path) -> None:
    write_made_up_dataset(tmp_path / "D")
    summary = train(tmp_path / "D", tmp_path / "m.hipcad", config=SQUARES, device="cpu", watch=Watch())
    card = read_package(tmp_path / "m.hipcad").card
    assert (card.halving, card.overlap_share, card.recipe) == ("hip", 0.0, "hip")
    assert card.thresholds_from["halving"] == summary.figures["halving"] == "hip"
    assert TrainConfig.from_json(card.config) == SQUARES
    training, validation = chosen_hips(read_manifest(tmp_path / "D")[1], SQUARES, tmp_path / "D")
    assert {e.halving for e in (*training.entries, *validation.entries)} == {HalvingMethod.HIP}
    assert all(len(choice) == 1 for choice in training.choices)
    report = evaluate(tmp_path / "m.hipcad", tmp_path / "D", tmp_path / "report", watch=Watch())
    assert [f.halving for f in report.evaluation.halvings] == ["hip"]


def judged(tmp_path: Path, halvings: tuple[HalvingMethod, ...], **card: Any) -> Any:
    manifest = write_flat_dataset(tmp_path / "D", FILMS, halvings=halvings)
    write_fake_package(tmp_path / "m.hipcad", data={"hips_sha256": manifest.hips_sha256}, **card)
    return evaluate(tmp_path / "m.hipcad", tmp_path / "D", tmp_path / "report", watch=Watch()).evaluation


def test_the_figures_of_squares_are_the_programs_accuracy(tmp_path: Path) -> None:
    evaluation = judged(tmp_path, tuple(HalvingMethod), halving="hip", overlap_share=0.0)
    (figures,) = evaluation.halvings
    assert (figures.halving, figures.hips, figures.fracture) == ("hip", 12, 3)
    assert evaluation.model["halving"] == "hip"
    codes = {caution.code for caution in evaluation.cautions}
    assert not codes & {"no_midline", "overlap"}
    assert not any("paper" in probe.name for probe in evaluation.probes)
    page = (tmp_path / "report" / "report.html").read_text("utf-8")
    assert "The program's accuracy" in page.replace("&#39;", "'").replace("’", "'")
    assert "a square about each femoral head" in page
    with (tmp_path / "report" / "predictions.csv").open(newline="") as file:
        assert {row["halving"] for row in csv.DictReader(file)} == {"hip"}


def test_a_model_of_strips_is_not_judged_on_squares(tmp_path: Path) -> None:
    evaluation = judged(tmp_path, tuple(HalvingMethod))
    assert [f.halving for f in evaluation.halvings] == ["midline", "paper"]
    assert any("paper" in probe.name for probe in evaluation.probes)


@pytest.mark.parametrize(("halvings", "halving"), [(STRIPS, "hip"), ((HalvingMethod.HIP,), "midline")])
def test_a_dataset_without_the_models_halving_is_refused_unopened(
    tmp_path: Path, halvings: tuple[HalvingMethod, ...], halving: str
) -> None:
    before = write_flat_dataset(tmp_path / "D", FILMS, halvings=halvings)
    write_fake_package(tmp_path / "m.hipcad", halving=halving)
    with pytest.raises(UserError) as caught:
        evaluate(tmp_path / "m.hipcad", tmp_path / "D", tmp_path / "report", watch=Watch())
    assert caught.value.code is ErrorCode.DATASET_WITHOUT_HALVING
    assert caught.value.facts["halving"] == halving
    assert not (tmp_path / "report").exists()
    assert before == read_manifest(tmp_path / "D")[0]
    assert sorted(p.name for p in (tmp_path / "D").iterdir()) == ["dataset.json", "hips.csv", "images"]


def test_neither_training_nor_preflight_begins_without_squares(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_flat_dataset(tmp_path / "D", FILMS, halvings=STRIPS)
    code = hipcad(["train", str(tmp_path / "D"), "--to", str(tmp_path / "m.hipcad"), "--recipe", "hip"])
    assert code != 0
    assert "no image of this dataset is halved by “hip”" in capsys.readouterr().err
    assert not (tmp_path / "m.run").exists()
    found = preflight(tmp_path / "D", config=SQUARES, device="cpu", to=tmp_path / "m.hipcad", watch=Watch())
    assert found.verdict == "stop"


def test_preflight_counts_the_hips_that_have_squares(tmp_path: Path) -> None:
    write_made_up_dataset(tmp_path / "D")
    found = preflight(tmp_path / "D", config=SQUARES, device="cpu", to=tmp_path / "m.hipcad", watch=Watch())
    assert [found.counts[p.value]["hips"] for p in Partition] == [12, 6, 6]
    assert found.verdict != "stop"


def test_where_a_square_lies_is_a_cue_and_its_shape_is_its_own(tmp_path: Path) -> None:
    write_flat_dataset(tmp_path / "D", FILMS[:1], halvings=(HalvingMethod.HIP,))
    entry = read_manifest(tmp_path / "D")[1][0]
    assert aspect_of(entry) == 1.0
    lower = replace(entry, window_y0=190.0, window_y1=790.0)
    assert cues_of([entry, lower])[WINDOW].tolist() == [[0.6, 0.0, 100 / 900], [0.6, 0.0, 190 / 900]]
