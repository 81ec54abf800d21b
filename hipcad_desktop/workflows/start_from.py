"""A training that goes on from a model package takes its weights and the network they belong to."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from hipcad_desktop.domain.training import TrainConfig


def starting_from(config: TrainConfig, model: Path) -> TrainConfig:
    """The config with a package's weights and backbone. Raises UserError as read_package does."""
    from hipcad_desktop.inference.package import read_package

    return replace(config, weights=str(model), backbone=read_package(model).card.backbone)
