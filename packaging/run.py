"""What `make run` does: open the window on the sample project, or, where there is no display, tour it offscreen.

The tour drives the same windows with Qt's offscreen platform, writes screenshots and the samples' diagnoses to out/,
says where, and ends.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "out"
TRY_DISPLAY = "from PySide6.QtGui import QGuiApplication; QGuiApplication([])"


def display_works() -> bool:
    """Whether a window could be shown: Qt ends the process where it can't, so another process tries."""
    if sys.platform.startswith("linux") and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        return False
    if os.environ.get("QT_QPA_PLATFORM") in ("offscreen", "minimal"):
        return False
    return subprocess.run([sys.executable, "-c", TRY_DISPLAY], capture_output=True, check=False).returncode == 0


def main() -> int:
    """Run the program."""
    if display_works():
        return subprocess.run([sys.executable, "-m", "hipcad_desktop", "sample"], cwd=ROOT, check=False).returncode
    print("No display here: touring the program offscreen.", flush=True)
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    command = [sys.executable, "-m", "hipcad_desktop", "tour", "--to", str(OUT)]
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
