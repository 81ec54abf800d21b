"""Where the records that belong to this computer's user lie: films read first, and answers that were disputed."""

from __future__ import annotations

import os
from pathlib import Path

from hipcad_desktop.app.paths import user_data


def records_folder() -> Path:
    """Beside the settings: the folder in HIPCAD_SETTINGS, or the user's own. Not made here."""
    folder = os.environ.get("HIPCAD_SETTINGS")
    return Path(folder) if folder else user_data()
