"""Where things lie: what ships with the program, and what belongs to the person who runs it."""

from __future__ import annotations

from pathlib import Path

import platformdirs

from hipcad_desktop.shipped import resource

__all__ = ["APPLICATION", "resource", "user_data"]

APPLICATION = "HipCAD Desktop"


def user_data() -> Path:
    """The folder for what the program keeps for its user (settings, logs, the sample project); not made here."""
    return Path(platformdirs.user_data_dir(APPLICATION, appauthor=False))
