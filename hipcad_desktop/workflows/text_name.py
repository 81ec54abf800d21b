"""What a file or folder is called, in letters that can be written down."""

from __future__ import annotations

import os
from pathlib import Path


def text_name(path: Path, *, suffix: bool = True) -> str:
    """The name, or with suffix False its stem. Names on Linux are bytes: those that are no UTF-8 become U+FFFD."""
    return os.fsencode(path.name if suffix else path.stem).decode("utf-8", errors="replace")
