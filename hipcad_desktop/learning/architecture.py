"""The network: a timm backbone whose head is global average pooling and one linear layer, and its heat map.

With such a head Grad-CAM of class "fracture" on the final feature map F has a closed form that needs no gradient:
heat = relu(sum_k W[1, k] / (h w) F_k). It is the same as captum's LayerGradCam (a test holds that).
"""

from __future__ import annotations

import difflib
from typing import Any

import torch
from torch import Tensor, nn

from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.training import PAPER, TrainConfig
from hipcad_desktop.learning.preprocess import Preprocess
from hipcad_desktop.learning.wording import first_line

_IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class HipNetwork(nn.Module):
    """Hip images uint8 [N, 380, 380] -> logits float [N, 2] (class 1 is fracture) and heat float [N, h, w]."""

    def __init__(self, backbone: nn.Module, preprocess: Preprocess, *, dropout: float = 0.0) -> None:
        super().__init__()
        self.preprocess = preprocess
        self.backbone: Any = backbone
        self.dropout = dropout

    def forward(self, hips: Tensor) -> tuple[Tensor, Tensor]:
        """Logits and heat map of hip images."""
        features = self.backbone.forward_features(self.preprocess(hips))
        weights = self.backbone.get_classifier().weight[1] / (features.shape[2] * features.shape[3])
        heat = torch.relu((features * weights.view(1, -1, 1, 1)).sum(dim=1))
        return self.backbone.forward_head(features), heat

    @property
    def features(self) -> int:
        """How many features the pooled map has, of which dropout drops some."""
        return int(self.backbone.get_classifier().in_features)

    def logits(self, pixels: Tensor, kept: Tensor | None = None) -> Tensor:
        """Logits of normalised pixels [N, 3, input_px, input_px]: training, where no heat map is wanted.

        kept: bool [N, features], what dropout leaves of the pooled features. It is drawn with all else that is random
        and not in here, so that it is the same on any device, however many processes or parts share a batch.
        """
        if kept is None:
            logits: Tensor = self.backbone(pixels)
            return logits
        pooled = self.backbone.forward_features(pixels).mean(dim=(2, 3))
        logits = self.backbone.get_classifier()(pooled * kept / (1 - self.dropout))
        return logits


def build_network(config: TrainConfig) -> HipNetwork:
    """The network with random weights, drawn from config.seed.

    Raises UserError BACKBONE_UNKNOWN where timm has no such model, BACKBONE_UNFIT where its head is another one.
    """
    import timm

    _refuse_unknown(config.backbone)
    torch.manual_seed(config.seed)
    try:
        backbone: Any = timm.create_model(config.backbone, pretrained=False, num_classes=2, drop_rate=0.0)
    except (RuntimeError, TypeError, ValueError, KeyError, AssertionError) as error:
        raise _unfit(config.backbone, f"timm cannot build it: {first_line(error)}") from error
    wanted = getattr(backbone, "pretrained_cfg", None) or {}
    mean, std = wanted.get("mean", _IMAGENET[0]), wanted.get("std", _IMAGENET[1])
    network = HipNetwork(backbone, Preprocess(input_px=config.input_px, mean=mean, std=std), dropout=config.dropout)
    _refuse_other_heads(network, config)
    # A loud random head begins with a loss of 3 or 4, and its gradients spoil the features before it has learnt.
    torch.nn.init.normal_(backbone.get_classifier().weight, std=0.01)
    torch.nn.init.zeros_(backbone.get_classifier().bias)
    return network


def _refuse_unknown(name: str) -> None:
    import timm

    if timm.is_model(name.split(".")[0]) and ("." not in name or name in timm.list_pretrained()):
        return
    known = sorted({*timm.list_models(), *timm.list_pretrained()})
    nearest = difflib.get_close_matches(name, known, n=3, cutoff=0.4)
    named = ", ".join(nearest or [PAPER.backbone])
    raise UserError(ErrorCode.BACKBONE_UNKNOWN, backbone=name, nearest=named)


def _refuse_other_heads(network: HipNetwork, config: TrainConfig) -> None:
    """Compare head(F) = W mean(F) + b with what the backbone says, on one picture of noise."""
    generator = torch.Generator().manual_seed(0)
    hips = torch.randint(0, 256, (1, 380, 380), generator=generator, dtype=torch.uint8)
    head = getattr(network.backbone, "get_classifier", lambda: None)()
    if not isinstance(head, nn.Linear):
        raise _unfit(config.backbone, "its head is not one linear layer")
    network.eval()
    try:
        with torch.no_grad():
            pixels = network.preprocess(hips)
            features = network.backbone.forward_features(pixels)
            said = network.backbone(pixels)
            if not isinstance(features, Tensor) or features.ndim != 4 or features.shape[1] != head.in_features:
                raise _unfit(config.backbone, "its head does not follow a feature map directly")
            expected = head(features.mean(dim=(2, 3)))
    except (RuntimeError, AssertionError, ValueError, TypeError, AttributeError) as error:
        detail = f"it does not take {config.input_px} x {config.input_px} pixels: {first_line(error)}"
        raise _unfit(config.backbone, detail) from error
    finally:
        network.train()
    scale = float(expected.abs().max()) + 1e-6
    if said.shape != expected.shape or float((said - expected).abs().max()) > 1e-4 * scale:
        raise _unfit(config.backbone, "its head does more than global average pooling and one linear layer")


def _unfit(backbone: str, detail: str) -> UserError:
    return UserError(ErrorCode.BACKBONE_UNFIT, backbone=backbone, detail=detail)
