"""Which backbones fit, and that the heat map is Grad-CAM."""

from __future__ import annotations

import pytest
import torch
from captum.attr import LayerGradCam

from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.learning.architecture import build_network
from tests.learning.hips import made_up, small


@pytest.mark.parametrize("backbone", ["test_efficientnet", "tf_efficientnet_b0"])
def test_the_heat_map_is_captums_grad_cam(backbone: str) -> None:
    network = build_network(small(backbone=backbone, input_px=160)).eval()
    hips = made_up(3, 5).images
    heat = network(hips)[1].detach()
    pixels = network.preprocess(hips).requires_grad_()
    cam = LayerGradCam(network.backbone, network.backbone.bn2)
    reference = cam.attribute(pixels, target=1, relu_attributions=True)[:, 0].detach()
    assert heat.shape == reference.shape
    assert float(reference.max()) > 0
    assert float((heat - reference).abs().max()) <= 1e-4 * float(reference.max())


def test_training_and_diagnosis_give_the_same_logits() -> None:
    network = build_network(small()).eval()
    hips = made_up(3, 5).images
    torch.testing.assert_close(network(hips)[0], network.logits(network.preprocess(hips)))


def test_the_seed_decides_the_first_weights() -> None:
    one, same, other = (build_network(small(seed=s)).backbone.state_dict() for s in (1, 1, 2))
    assert all(torch.equal(one[k], same[k]) for k in one)
    assert not torch.equal(one["conv_stem.weight"], other["conv_stem.weight"])


@pytest.mark.parametrize("backbone", ["resnet10t", "test_resnet.r160_in1k"])
def test_any_backbone_with_pooling_and_one_linear_layer_fits(backbone: str) -> None:
    logits, heat = build_network(small(backbone=backbone)).eval()(made_up(2, 1).images)
    assert logits.shape == (2, 2)
    assert heat.shape[0] == 2


@pytest.mark.parametrize("backbone", ["test_vit", "mobilenetv3_small_050", "test_convnext"])
def test_other_heads_are_refused(backbone: str) -> None:
    with pytest.raises(UserError) as refused:
        build_network(small(backbone=backbone))
    assert refused.value.code is ErrorCode.BACKBONE_UNFIT
    assert refused.value.facts["backbone"] == backbone


@pytest.mark.parametrize("backbone", ["tf_efficientnet_b4.aa_in1kk", "eficientnet_b4", "local-dir:/x", "hf-hub:x/y"])
def test_an_unknown_backbone_is_answered_with_the_nearest_names(backbone: str) -> None:
    with pytest.raises(UserError) as refused:
        build_network(small(backbone=backbone))
    assert refused.value.code is ErrorCode.BACKBONE_UNKNOWN
    assert "efficientnet_b4" in refused.value.facts["nearest"] or backbone.startswith(("local", "hf"))
