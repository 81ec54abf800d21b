"""What works on this machine, part by part, and what to do about the rest. Reports no patient's data."""

from __future__ import annotations

import ctypes.util
import importlib.metadata
import os
import platform
import shutil
import sqlite3
import sys
import tempfile
from dataclasses import asdict, dataclass
from typing import Any, Literal

from hipcad_desktop import __version__
from hipcad_desktop.app import paths

State = Literal["ok", "warn", "bad"]
_MARKS = {"ok": "[ok]  ", "warn": "[warn]", "bad": "[bad] "}
_SQLITE_WITHOUT_WAL_BUG = (3, 51, 3)


@dataclass(frozen=True, slots=True)
class Check:
    """One part: its state, what was found, and the remedy where something is missing."""

    name: str
    state: State
    found: str
    remedy: str = ""

    def line(self) -> str:
        """The check on one line."""
        return f"{_MARKS[self.state]} {self.name}: {self.found}" + (f"  -> {self.remedy}" if self.remedy else "")

    def to_json(self) -> dict[str, Any]:
        """A JSON object."""
        return asdict(self)


def examine() -> list[Check]:
    """All checks, in the order in which a person would want to read them. Takes seconds where torch is installed."""
    return [_program(), *_libraries(), _codecs(), _sqlite(), _data_folder(), _disk(), *_models(), *_training()]


def _program() -> Check:
    edition = "frozen" if getattr(sys, "frozen", False) else "from source"
    system = f"Python {platform.python_version()}, {platform.system()} {platform.release()}, {os.cpu_count()} cores"
    return Check("HipCAD Desktop", "ok", f"{__version__} {edition}, {system}")


def _libraries() -> list[Check]:
    parts = [
        "PySide6_Essentials",
        "pyqtgraph",
        "numpy",
        "Pillow",
        "pydicom",
        "imagecodecs",
        "onnxruntime",
        "SQLAlchemy",
    ]
    found = []
    missing = []
    for part in parts:
        try:
            found.append(f"{part} {importlib.metadata.version(part)}")
        except importlib.metadata.PackageNotFoundError:
            missing.append(part)
    checks = [Check("Libraries", "bad" if missing else "ok", ", ".join(found) or "none")]
    if missing and not getattr(sys, "frozen", False):
        checks[0] = Check("Libraries", "bad", "missing: " + ", ".join(missing), "run `make run` again")
    if sys.platform.startswith("linux"):
        checks.append(_window_libraries())
    return checks


def _window_libraries() -> Check:
    needed = {"xcb-cursor": "libxcb-cursor0", "EGL": "libegl1", "xkbcommon-x11": "libxkbcommon-x11-0"}
    missing = [package for library, package in needed.items() if ctypes.util.find_library(library) is None]
    if missing:
        return Check("Window", "warn", "system libraries are missing", "apt-get install " + " ".join(missing))
    display = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    if not display:
        return Check("Window", "warn", "no display in this session", "only the window needs one")
    return Check("Window", "ok", f"display {display}")


def _codecs() -> Check:
    from hipcad_desktop.imaging.selftest import decode_each_syntax

    results = decode_each_syntax()
    broken = [name for name, ok in results.items() if not ok]
    found = f"{len(results) - len(broken)} of {len(results)} DICOM transfer syntaxes decode"
    if broken:
        return Check("Codecs", "bad", f"{found}; not: {', '.join(broken)}", "install HipCAD again")
    return Check("Codecs", "ok", found)


def _sqlite() -> Check:
    version = sqlite3.sqlite_version
    if sqlite3.sqlite_version_info < _SQLITE_WITHOUT_WAL_BUG:
        return Check(
            "SQLite",
            "warn",
            f"{version}, with a rare fault when two programs write at once (fixed in 3.51.3)",
            "open a project in one program at a time; HipCAD itself writes through one connection",
        )
    return Check("SQLite", "ok", version)


def _data_folder() -> Check:
    folder = paths.user_data()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return Check("User folder", "ok", str(folder))
    except OSError as error:
        return Check("User folder", "bad", f"{folder}: {error.strerror}", "make the folder writable for this user")


def _disk() -> Check:
    existing = next(p for p in (paths.user_data(), *paths.user_data().parents) if p.exists())
    free_gb = shutil.disk_usage(existing).free / 1e9
    state: State = "ok" if free_gb > 5 else "warn"
    return Check("Disk", state, f"{free_gb:.0f} GB free", "" if state == "ok" else "training needs a few GB: free some")


def _models() -> list[Check]:
    from hipcad_desktop.app.box import default_name, models_in_the_box
    from hipcad_desktop.domain.errors import UserError
    from hipcad_desktop.domain.messages import sentence
    from hipcad_desktop.inference.package import read_package

    checks = []
    box, named = models_in_the_box(), default_name()
    for package in box:
        try:
            card = read_package(package).card
            size = f"{package.stat().st_size / 1e6:.0f} MB, {card.precision}"
            default = ", the default" if package == box[0] else ""
            checks.append(Check("Model in the box", "ok", f"{card.name} ({card.backbone}, {size}){default}"))
        except UserError as error:
            checks.append(Check("Model in the box", "bad", sentence(error), "install HipCAD again"))
    if named and named not in [package.name for package in box]:
        checks.append(Check("Model in the box", "bad", f"{named}, the default, is not there", "install HipCAD again"))
    return checks or [Check("Model in the box", "warn", "none", "train one, or get a .hipcad file from a colleague")]


def _training() -> list[Check]:
    try:
        import torch
    except ImportError:
        return [
            Check(
                "Training",
                "warn",
                "not part of this edition",
                "use the Workstation edition to train",
            )
        ]
    return [Check("Training", "ok", f"torch {torch.__version__}"), _gpu(torch)]


def _gpu(torch: Any) -> Check:
    if not torch.cuda.is_available():
        built = torch.version.cuda or "none"
        return Check(
            "GPU",
            "warn",
            f"no usable GPU (torch built for CUDA {built})",
            "training will be slow; check the driver",
        )
    name = torch.cuda.get_device_name(0)
    major, minor = torch.cuda.get_device_capability(0)
    if f"sm_{major}{minor}" not in torch.cuda.get_arch_list() and not any(
        a.startswith(f"sm_{major}") for a in torch.cuda.get_arch_list()
    ):
        return Check("GPU", "bad", f"{name} (sm_{major}{minor}) does not fit this torch", "install a newer torch")
    free, total = torch.cuda.mem_get_info(0)
    return Check("GPU", "ok", f"{name}, {free / 1e9:.1f} of {total / 1e9:.1f} GB free, CUDA {torch.version.cuda}")
