"""Where the files that ship with the program lie; below every room, for app.paths and the report alike."""

from __future__ import annotations

import sys
from pathlib import Path


def resource(*parts: str) -> Path:
    """A file or folder that ships with the program: resource("icons", "fit.svg"), resource("models", "…").

    In a checkout `resources/` and `models/` lie beside the package, in a wheel inside it, in a frozen build beside
    the executable's libraries.
    """
    return _shipped(parts[0]).joinpath(*parts[1:]) if parts[0] == "models" else _shipped("resources").joinpath(*parts)


def _shipped(folder: str) -> Path:
    if getattr(sys, "frozen", False):
        return Path(sys._MEIPASS) / folder  # type: ignore[attr-defined]
    package = Path(__file__).resolve().parent
    inside = package / "_shipped" / folder
    return inside if inside.is_dir() else package.parent / folder
