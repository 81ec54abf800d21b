"""Where things lie: what ships with the program, and what belongs to the person who runs it."""

from __future__ import annotations

import sys
from pathlib import Path

import platformdirs

APPLICATION = "HipCAD Desktop"


def resource(*parts: str) -> Path:
    """A file or folder that ships with the program: resource("icons", "fit.svg"), resource("models", "…").

    In a checkout `resources/` and `models/` lie beside the package, in a wheel inside it, in a frozen build beside
    the executable's libraries.
    """
    return _shipped(parts[0]).joinpath(*parts[1:]) if parts[0] == "models" else _shipped("resources").joinpath(*parts)


def _shipped(folder: str) -> Path:
    if getattr(sys, "frozen", False):
        return Path(sys._MEIPASS) / folder  # type: ignore[attr-defined]
    package = Path(__file__).resolve().parents[1]
    inside = package / "_shipped" / folder
    return inside if inside.is_dir() else package.parent / folder


def user_data() -> Path:
    """The folder for what the program keeps for its user (settings, logs, the sample project); not made here."""
    return Path(platformdirs.user_data_dir(APPLICATION, appauthor=False))
