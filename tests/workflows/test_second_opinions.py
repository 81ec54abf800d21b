"""Second opinions on a real small network: bound to the answer, cancelled midway, refused where there is no answer."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from hipcad_desktop.domain.anatomy import Side
from hipcad_desktop.domain.diagnosis import Refusal, RefusalReason
from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.geometry import Size
from hipcad_desktop.domain.halving import halve_by_midline
from hipcad_desktop.domain.messages import sentence
from hipcad_desktop.domain.progress import Watch
from hipcad_desktop.domain.scope import FilmScope
from hipcad_desktop.domain.second_opinion import LOOKED, OpinionMethod
from hipcad_desktop.domain.training import TrainConfig
from hipcad_desktop.inference.package import read_package, write_package
from hipcad_desktop.learning.architecture import build_network
from hipcad_desktop.learning.weights import weights_bytes
from hipcad_desktop.workflows import diagnose as diagnosis
from hipcad_desktop.workflows.second_opinions import explain, need_second_opinions, to_json
from tests.fakes.tiny_model import write_tiny_package

WIDTH, HEIGHT = 320, 240


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "tiny.hipcad"
    write_tiny_package(path)
    return path


@pytest.fixture(autouse=True)
def in_scope(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diagnosis, "look", lambda film: FilmScope(film.radiograph.size.width / 2, 1.0, None))


@pytest.fixture
def film(tmp_path: Path) -> str:
    pixels = np.random.default_rng(3).integers(0, 255, (HEIGHT, WIDTH), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "film.png")
    return str(tmp_path / "film.png")


class Counting(Watch):
    """Keeps steps and artifacts; may ask to stop at a step of a method."""

    def __init__(self, stop_at: int | None = None) -> None:
        self.steps: list[tuple[str, int, int]] = []
        self.artifacts: list[tuple[str, str, dict[str, Any]]] = []
        self._stop_at = stop_at

    def step(self, stage: str, done: int, total: int, **facts: Any) -> None:
        self.steps.append((stage, done, total))

    def artifact(self, what: str, path: str, **facts: Any) -> None:
        self.artifacts.append((what, path, facts))

    def cancelled(self) -> bool:
        return self._stop_at is not None and len(self.steps) >= self._stop_at


@pytest.mark.parametrize("method", list(OpinionMethod))
def test_each_method_says_what_it_belongs_to(tmp_path: Path, model: Path, film: str, method: OpinionMethod) -> None:
    watch = Counting()
    found = explain(film, side=Side.LEFT, model=model, method=method, to=tmp_path / "out", watch=watch)
    ((what, path, facts),) = watch.artifacts
    assert what == "second_opinion"
    assert json.loads(Path(path).read_text()) == json.loads(json.dumps(facts)) == json.loads(json.dumps(to_json(found)))
    (answered,) = [p for p in (tmp_path / "out").glob("*.json") if method.value not in p.name]
    answer = json.loads(answered.read_text())
    (hip,) = [h for h in answer["hips"] if h["side"] == "L"]
    assert facts["film_id"] == answer["film_id"]
    assert facts["model_sha256"] == answer["model"]["sha256"]
    assert facts["window_px"] == hip["window_px"]
    assert facts["p_fracture"] == hip["p_fracture"]
    assert facts["largest_difference"] < 1e-4
    assert facts["words"] == LOOKED
    assert "Research use only" in facts["notice"]
    with Image.open(facts["overlay_path"]) as overlay, Image.open(facts["heat_path"]) as heat:
        assert (overlay.mode, heat.size) == ("RGB", (380, 380))
    stages = [s for s in watch.steps if s[0] != "diagnose"]
    assert [done for _, done, _ in stages] == sorted(done for _, done, _ in stages)
    assert stages[-1][1] == stages[-1][2]


@pytest.mark.parametrize("method", [OpinionMethod.INTEGRATED_GRADIENTS, OpinionMethod.OCCLUSION])
def test_cancelled_between_two_questions_leaves_nothing_of_it(
    tmp_path: Path, model: Path, film: str, method: OpinionMethod
) -> None:
    watch = Counting(stop_at=6)
    with pytest.raises(UserError) as caught:
        explain(film, side=Side.RIGHT, model=model, method=method, to=tmp_path / "out", watch=watch)
    assert caught.value.code is ErrorCode.CANCELLED
    assert len(watch.steps) <= 7
    assert not watch.artifacts
    assert not list((tmp_path / "out").glob(f"*{method.value}*"))


def test_weights_that_answer_otherwise_than_the_graph_give_no_opinion(tmp_path: Path, model: Path, film: str) -> None:
    package = read_package(model)
    network = build_network(TrainConfig.from_json(package.card.config))
    with torch.no_grad():
        network.backbone.get_classifier().bias[1] += 3  # another network
    mixed = tmp_path / "mixed.hipcad"
    write_package(mixed, card=package.card, onnx=package.onnx, weights=weights_bytes(network))
    method = OpinionMethod.EARLIER_GRAD_CAM
    with pytest.raises(UserError) as caught:
        explain(film, side=Side.RIGHT, model=mixed, method=method, to=tmp_path / "out", watch=Watch())
    assert caught.value.code is ErrorCode.MODEL_PACKAGE_DAMAGED


def test_a_refused_film_has_nothing_to_explain(
    tmp_path: Path, model: Path, film: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(diagnosis, "look", lambda film: FilmScope(None, 0.0, Refusal(RefusalReason.BLANK)))
    method = OpinionMethod.OCCLUSION
    with pytest.raises(UserError) as caught:
        explain(film, side=Side.RIGHT, model=model, method=method, to=tmp_path / "out", watch=Watch())
    assert caught.value.code is ErrorCode.SECOND_OPINION_REFUSED
    assert sentence(caught.value).endswith(
        "the right hip has no answer that could be explained (No answer: the film is blank)."
    )


def test_a_midline_by_hand_moves_the_window(tmp_path: Path, model: Path, film: str) -> None:
    method, to = OpinionMethod.EARLIER_GRAD_CAM, tmp_path / "out"
    found = explain(film, side=Side.RIGHT, model=model, method=method, to=to, midline_px=140, watch=Watch())
    assert found.window == halve_by_midline(Size(WIDTH, HEIGHT), 140, overlap_share=0.1).left.window


def test_without_captum_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "captum", None)
    with pytest.raises(UserError) as caught:
        need_second_opinions()
    assert caught.value.code is ErrorCode.SECOND_OPINION_NOT_INSTALLED
    assert "captum" in sentence(caught.value)
