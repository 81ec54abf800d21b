"""A real small network in a package: timm's own for tests, random weights, packed as training packs it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from hipcad_desktop.inference.package import write_package
from hipcad_desktop.learning.architecture import HipNetwork, build_network
from hipcad_desktop.learning.export import to_onnx
from hipcad_desktop.learning.weights import weights_bytes
from tests.fakes.model_package import fake_card
from tests.fakes.tiny_recipe import TINY


def write_tiny_package(path: Path, *, seed: int = 5) -> HipNetwork:
    """Write the package and return the network in it."""
    config = replace(TINY, seed=seed)
    network = build_network(config).eval()
    mean, std = network.preprocess.normalisation()
    card = fake_card(
        backbone=config.backbone, input_px=config.input_px, mean=mean, std=std, config=config.to_json(), recipe="quick"
    )
    write_package(path, card=card, onnx=to_onnx(network), weights=weights_bytes(network))
    return network
