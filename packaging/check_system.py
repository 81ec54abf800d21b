"""Is everything here that the program and its tests need from the system? Says which packages are missing.

Runs before the virtual environment exists, so it uses the standard library only.
"""

from __future__ import annotations

import ctypes.util
import importlib.util
import shutil
import sys

LIBRARIES = {  # what Qt's window and offscreen plug-ins load -> Debian package
    "EGL": "libegl1",
    "GL": "libgl1",
    "dbus-1": "libdbus-1-3",
    "fontconfig": "libfontconfig1",
    "xkbcommon": "libxkbcommon0",
    "xkbcommon-x11": "libxkbcommon-x11-0",
    "xcb-cursor": "libxcb-cursor0",
    "xcb-icccm": "libxcb-icccm4",
    "xcb-keysyms": "libxcb-keysyms1",
    "xcb-shape": "libxcb-shape0",
}


def missing_packages() -> list[str]:
    """Debian packages that are needed and not there."""
    packages = [p for library, p in LIBRARIES.items() if ctypes.util.find_library(library) is None]
    if importlib.util.find_spec("ensurepip") is None:
        packages.append("python3-venv")
    return packages


def main() -> int:
    """Print what is missing; 1 where something is."""
    if not (3, 11) <= sys.version_info[:2] < (3, 14):
        print(f"HipCAD needs Python 3.11 to 3.13; this is {sys.version.split()[0]}. Try `make PYTHON=python3.11 run`.")
        return 1
    if not sys.platform.startswith("linux"):
        return 0
    packages = missing_packages()
    if not packages:
        return 0
    install = "apt-get install -y " + " ".join(packages)
    if shutil.which("apt-get"):
        print(f"These system packages are missing. Run:\n\n    sudo {install}\n\nand try again.", file=sys.stderr)
    else:
        print("These libraries are missing (Debian's names): " + " ".join(packages), file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
