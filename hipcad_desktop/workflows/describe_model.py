"""What a model package says of itself, once every byte of it was checked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hipcad_desktop.domain.model_card import ModelCard


@dataclass(frozen=True, slots=True)
class Described:
    """A package's card, its size in bytes and the SHA-256 of its file."""

    path: Path
    card: ModelCard
    size: int
    sha256: str


def describe_model(model: Path) -> Described:
    """Read a package whole. Raises UserError as read_package does."""
    from hipcad_desktop.inference.package import read_package

    package = read_package(model)
    return Described(model, package.card, model.stat().st_size, package.sha256)
