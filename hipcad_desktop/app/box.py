"""The models that ship in models/, and which of them answers where no other is named."""

from __future__ import annotations

from pathlib import Path

from hipcad_desktop.app.paths import resource

_DEFAULT = "default.txt"


def models_in_the_box() -> tuple[Path, ...]:
    """The models that ship, the default one first. models/default.txt names it; without that, the first by name."""
    folder = resource("models")
    named = default_name()
    return tuple(sorted(folder.glob("*.hipcad"), key=lambda path: (path.name != named, path.name)))


def default_model() -> Path | None:
    """The model in the box that answers where no other is named; None where none ships."""
    return next(iter(models_in_the_box()), None)


def default_name() -> str:
    """The file name that models/default.txt gives; empty where it gives none."""
    try:
        return resource("models", _DEFAULT).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""
