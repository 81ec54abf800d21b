"""The exported graph says what torch says."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest

from hipcad_desktop.inference.initializers import taken_out
from hipcad_desktop.inference.stored_weights import tensors
from hipcad_desktop.learning.architecture import build_network
from hipcad_desktop.learning.export import said_by_torch, to_onnx
from hipcad_desktop.learning.weights import rounded, weights_bytes
from tests.learning.hips import made_up, small


def test_the_graph_answers_as_torch_for_any_number_of_hips(capfd: pytest.CaptureFixture[str]) -> None:
    network = build_network(small())
    session = onnxruntime.InferenceSession(to_onnx(network))
    assert capfd.readouterr().out == ""
    assert [(i.name, i.type) for i in session.get_inputs()] == [("hips", "tensor(uint8)")]
    for n in (1, 3):
        hips = made_up(n, n).images.numpy()
        logits, heat = session.run(["logits", "heat"], {"hips": hips})
        said = said_by_torch(network, hips)
        odds = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
        np.testing.assert_allclose(odds[:, 1] / odds.sum(axis=1), said.p_fracture, atol=1e-5)
        assert said.heat.max() > 0
        assert np.abs(heat - said.heat).max() <= 1e-4 * said.heat.max()


@pytest.mark.parametrize("backbone", ["test_efficientnet", "test_resnet", "test_efficientnet_gn"])
def test_the_graph_has_every_matrix_as_the_network_has_it(backbone: str) -> None:
    network = build_network(small(backbone=backbone))
    kept = rounded(network)
    graph, names = taken_out(to_onnx(kept), tensors(weights_bytes(kept, half=True)))
    own = {k for k, v in kept.backbone.state_dict().items() if v.ndim > 1}
    assert own <= set(names.values())
    assert len(graph) < 0.5 * len(weights_bytes(kept))


def test_the_graph_names_no_folder_of_this_machine() -> None:
    assert b"site-packages" not in to_onnx(build_network(small(backbone="test_resnet")))
