"""From a dataset to a model package that diagnosis can use, and every refusal before any work."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hipcad_desktop.domain.cohort import Partition
from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.messages import sentence
from hipcad_desktop.domain.progress import Watch
from hipcad_desktop.domain.training import TrainConfig
from hipcad_desktop.imaging.dataset_files import read_images, read_manifest
from hipcad_desktop.inference.network import Network
from hipcad_desktop.inference.package import read_package, read_weights
from hipcad_desktop.workflows import train as workflow
from hipcad_desktop.workflows.train import default_run_folder, train
from tests.fakes.made_up_dataset import FILMS, write_made_up_dataset
from tests.fakes.tiny_recipe import TINY

SMALL = TINY


class Recorder(Watch):
    """Keeps what was said; cancels after so many epochs."""

    def __init__(self, *, epochs: int = 10**9) -> None:
        self.facts: dict[str, Any] = {}
        self.stages: list[str] = []
        self.artifacts: list[str] = []
        self.epochs = 0
        self._most = epochs

    def started(self, **facts: Any) -> None:
        self.facts = facts

    def step(self, stage: str, done: int, total: int, **facts: Any) -> None:
        assert 0 <= done <= total
        self.stages.append(stage)

    def epoch(self, epoch: int, epochs: int, figures: Mapping[str, Any]) -> None:
        self.epochs = epoch

    def artifact(self, what: str, path: str, **facts: Any) -> None:
        self.artifacts.append(what)

    def cancelled(self) -> bool:
        return self.epochs >= self._most


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small whole dataset, not to be changed."""
    path = tmp_path_factory.mktemp("data") / "dataset"
    write_made_up_dataset(path)
    return path


def refused(dataset: Path, to: Path, **arguments: Any) -> UserError:
    """The error of a training that must not begin, after checking that it left nothing."""
    before = sorted(to.parent.iterdir())
    with pytest.raises(UserError) as error:
        train(dataset, to, **{"config": SMALL, "device": "cpu", "watch": Watch(), **arguments})
    assert sorted(to.parent.iterdir()) == before
    assert sentence(error.value)
    return error.value


def test_a_dataset_becomes_a_model_that_diagnosis_can_use(dataset: Path, tmp_path: Path) -> None:
    watch = Recorder()
    to = tmp_path / "models" / "m.hipcad"
    to.parent.mkdir()
    summary = train(dataset, to, config=SMALL, device="cpu", watch=watch)

    package = read_package(to)
    manifest, entries = read_manifest(dataset)
    card = package.card
    assert package.sha256 == summary.model_sha256
    assert (card.backbone, card.input_px, card.halving, card.overlap_share) == (SMALL.backbone, 64, "midline", 0.1)
    assert card.data["hips_sha256"] == manifest.hips_sha256
    assert TrainConfig.from_json(card.config) == SMALL
    assert card.figures["n_fracture"] == card.figures["n_no_fracture"] == 3
    assert card.figures["largest_difference_onnx_torch"] < 1e-4
    share = card.figures["at_no_fracture_threshold"]["sensitivity"]
    assert share["hits"] / share["n"] >= SMALL.sensitivity_target
    assert share["low"] <= share["value"] <= share["high"]
    assert card.mean == (0.485, 0.456, 0.406)
    assert read_weights(to)
    predicted = Network(package).predict(read_images(dataset, entries[:2]))
    assert np.isfinite(predicted.p_fracture).all()

    assert watch.facts["device"] == "cpu"
    assert watch.facts["reason"] == "asked for"
    assert (watch.facts["training_hips"], watch.facts["validation_hips"]) == (12, 6)
    assert watch.artifacts == ["worst_hips", "worst_hips", "model"]
    assert list(dict.fromkeys(watch.stages)) == ["reading images", "training", "exporting", "choosing thresholds"]
    run = summary.run_folder
    worst = json.loads((run / "worst.json").read_text())
    known = {(e.film_code, e.side.value) for e in entries if e.partition is Partition.VALIDATION}
    assert {(hip["film_code"], hip["side"]) for hip in worst["hips"]} == known
    assert run == tmp_path / "models" / "m.run"
    assert json.loads((run / "environment.json").read_text())["data_sha256"] == manifest.hips_sha256
    assert len((run / "metrics.jsonl").read_text().splitlines()) == 2
    assert TrainConfig.from_json(json.loads((run / "config.json").read_text())) == SMALL


def test_cancelled_and_resumed_gives_the_same_weights(dataset: Path, tmp_path: Path) -> None:
    train(dataset, tmp_path / "a.hipcad", config=SMALL, device="cpu", watch=Watch())
    b = tmp_path / "b.hipcad"
    with pytest.raises(UserError) as stopped:
        train(dataset, b, config=SMALL, device="cpu", watch=Recorder(epochs=1))
    assert stopped.value.code is ErrorCode.CANCELLED
    assert not b.exists()
    assert refused(dataset, b).code is ErrorCode.RUN_UNFINISHED
    assert refused(dataset, b, resume=True, config=replace(SMALL, seed=1)).code is ErrorCode.RUN_OTHER
    watch = Recorder()
    train(dataset, b, config=SMALL, device="cpu", resume=True, watch=watch)
    assert watch.facts["epochs_done"] == 1
    assert read_weights(b) == read_weights(tmp_path / "a.hipcad")
    assert read_package(b).onnx == read_package(tmp_path / "a.hipcad").onnx


def test_a_model_starts_the_next_training(dataset: Path, tmp_path: Path) -> None:
    first = tmp_path / "a.hipcad"
    train(dataset, first, config=replace(SMALL, epochs=1), device="cpu", watch=Watch())
    second = tmp_path / "b.hipcad"
    config = replace(SMALL, epochs=1, max_learning_rate=1e-9, weights=str(first), weight_decay=0.0)
    train(dataset, second, config=config, device="cpu", watch=Watch())
    assert read_package(second).card.config["weights"] == "a.hipcad"
    import safetensors.torch

    before, after = (safetensors.torch.load(read_weights(p)) for p in (first, second))
    assert float((before["conv_stem.weight"] - after["conv_stem.weight"]).abs().max()) < 1e-6


def test_an_existing_model_is_not_overwritten(dataset: Path, tmp_path: Path) -> None:
    to = tmp_path / "m.hipcad"
    to.write_bytes(b"precious")
    assert refused(dataset, to).code is ErrorCode.TARGET_EXISTS
    assert to.read_bytes() == b"precious"


@pytest.mark.parametrize(("classes", "present"), [((True,), "with fracture"), ((False,), "without fracture")])
def test_one_class_only(tmp_path: Path, classes: tuple[bool, ...], present: str) -> None:
    write_made_up_dataset(tmp_path / "d", classes=classes)
    error = refused(tmp_path / "d", tmp_path / "m.hipcad")
    assert error.code is ErrorCode.DATASET_ONE_CLASS
    assert error.facts["present"] == present


@pytest.mark.parametrize("partition", [Partition.TRAINING, Partition.VALIDATION])
def test_an_empty_partition(tmp_path: Path, partition: Partition) -> None:
    write_made_up_dataset(tmp_path / "d", films={**FILMS, partition: 0})
    error = refused(tmp_path / "d", tmp_path / "m.hipcad")
    assert error.code is ErrorCode.PARTITION_EMPTY
    assert error.facts["partition"] == partition.value


def test_nonsense_is_refused_before_anything_is_made(dataset: Path, tmp_path: Path) -> None:
    to = tmp_path / "m.hipcad"
    assert refused(dataset, to, config=replace(SMALL, epochs=0)).code is ErrorCode.CONFIG_INVALID
    assert refused(dataset, to, resume=True).code is ErrorCode.NOTHING_TO_RESUME
    assert refused(tmp_path / "absent", to).code is ErrorCode.FILE_MISSING
    assert refused(tmp_path, to).code is ErrorCode.NOT_A_DATASET


def test_what_is_found_out_later_leaves_no_model(dataset: Path, tmp_path: Path) -> None:
    to = tmp_path / "m.hipcad"
    for config, code in (
        (replace(SMALL, backbone="no_such_backbone"), ErrorCode.BACKBONE_UNKNOWN),
        (replace(SMALL, backbone="test_vit"), ErrorCode.BACKBONE_UNFIT),
        (replace(SMALL, weights=str(tmp_path / "absent.pth")), ErrorCode.FILE_MISSING),
    ):
        assert refused(dataset, to, config=config).code is code
        assert not default_run_folder(to).exists()


def test_cuda_without_a_gpu(dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert refused(dataset, tmp_path / "m.hipcad", device="cuda").code is ErrorCode.NO_GPU


def test_without_torch_one_sentence_says_what_to_install(
    dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workflow, "_NEEDED", ("no_such_module_of_torch",))
    error = refused(dataset, tmp_path / "m.hipcad")
    assert error.code is ErrorCode.TRAINING_NOT_INSTALLED
    assert "hipcad-desktop[train]" in sentence(error)


def test_a_damaged_image_is_named(tmp_path: Path) -> None:
    write_made_up_dataset(tmp_path / "d")
    _, entries = read_manifest(tmp_path / "d")
    image = tmp_path / "d" / next(e.image for e in entries if e.partition is Partition.TRAINING)
    image.write_bytes(image.read_bytes()[:-1] + b"x")
    error = refused(tmp_path / "d", tmp_path / "m.hipcad")
    assert error.code is ErrorCode.DATASET_DAMAGED
    assert image.name in error.facts["detail"]
