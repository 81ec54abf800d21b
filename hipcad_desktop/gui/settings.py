"""What the window remembers between starts: the table of settings, kept in one ini file."""

from __future__ import annotations

import getpass
import os
from pathlib import Path

from PySide6.QtCore import QSettings

from hipcad_desktop.app.paths import user_data

READER = "reader"
THEME = "theme"
LAST_PROJECT = "last_project"
LAST_FOLDER = "last_folder"
MODEL = "model"
HEAT_COLOURS = "heat_colours"
READ_FIRST = "read_first"  # on or off: the reader's own answer before the program's
RUN_FOLDERS = "run_folders"  # looked through on the page of runs, as JSON
REPORTS = "reports"  # opened last, as JSON
GEOMETRY = "window/geometry"
SPLITTER = "window/annotate_splitter"


def open_settings() -> QSettings:
    """The ini file in HIPCAD_SETTINGS, or in the user's own folder."""
    folder = os.environ.get("HIPCAD_SETTINGS")
    path = (Path(folder) if folder else user_data()) / "settings.ini"
    path.parent.mkdir(parents=True, exist_ok=True)
    return QSettings(str(path), QSettings.Format.IniFormat)


def text(settings: QSettings, key: str, default: str = "") -> str:
    """A setting as text."""
    value = settings.value(key)
    return value if isinstance(value, str) else default


def system_user() -> str:
    """The name of who is logged in, as a first guess of the reader's name."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # no account database, as in some containers
        return "reader"
