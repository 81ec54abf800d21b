"""A package is written again with float16 weights where its answers stay, and else is refused in one sentence."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.messages import sentence
from hipcad_desktop.domain.metrics import Thresholds
from hipcad_desktop.domain.progress import Watch
from hipcad_desktop.inference.network import Network
from hipcad_desktop.inference.package import read_package, write_package
from hipcad_desktop.learning.architecture import HipNetwork, build_network
from hipcad_desktop.learning.export import to_onnx
from hipcad_desktop.learning.weights import weights_bytes
from hipcad_desktop.workflows.describe_model import describe_model
from hipcad_desktop.workflows.shrink_model import film_halves, sample_films, shrink_model
from tests.fakes.model_package import fake_card
from tests.fakes.tiny_recipe import TINY


def older_package(path: Path, network: HipNetwork) -> Path:
    """A package of schema 2: the graph whole, the weights beside it in single precision."""
    card = fake_card(
        schema=2,
        backbone=TINY.backbone,
        input_px=TINY.input_px,
        config=TINY.to_json(),
        thresholds=Thresholds(0.3, 0.6),
        temperature=1.5,
    )
    write_package(path, card=card, onnx=to_onnx(network), weights=weights_bytes(network))
    return path


def test_an_older_package_becomes_smaller_and_answers_as_before(tmp_path: Path) -> None:
    old = older_package(tmp_path / "old.hipcad", build_network(TINY))
    shrunk = shrink_model(old, tmp_path / "small.hipcad", watch=Watch())
    before, after = read_package(old), read_package(shrunk.model)
    assert (after.card.schema, after.card.precision, after.sha256) == (3, "float16", shrunk.sha256)
    figures = {"largest_change_by_float16": shrunk.change}
    assert after.card == replace(before.card, schema=3, precision="float16", figures=figures)
    assert shrunk.after == shrunk.model.stat().st_size < 0.6 * shrunk.before
    hips = film_halves(sample_films()[:2])
    p_before, p_after = (Network(p).predict(hips).p_fracture for p in (before, after))
    assert 0 < np.abs(p_before - p_after).max() <= 0.005
    described = describe_model(shrunk.model)
    assert (described.size, described.sha256, described.card) == (shrunk.after, shrunk.sha256, after.card)


def test_where_answers_would_change_nothing_is_written(tmp_path: Path) -> None:
    network = build_network(TINY)
    with torch.no_grad():  # the same network, but float16 can say nothing of its last convolution
        network.backbone.conv_head.weight *= 1e-9
        network.backbone.bn2.weight *= 1e7
        network.backbone.get_classifier().weight *= 12_000
    old = older_package(tmp_path / "old.hipcad", network)
    with pytest.raises(UserError) as caught:
        shrink_model(old, tmp_path / "small.hipcad", watch=Watch())
    assert caught.value.code is ErrorCode.HALF_CHANGES_ANSWERS
    assert "more than 0.005" in sentence(caught.value)
    assert list(tmp_path.iterdir()) == [old]


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    old = tmp_path / "old.hipcad"
    old.write_bytes(b"x")
    with pytest.raises(UserError) as caught:
        shrink_model(old, old, watch=Watch())
    assert caught.value.code is ErrorCode.TARGET_EXISTS
    assert old.read_bytes() == b"x"
