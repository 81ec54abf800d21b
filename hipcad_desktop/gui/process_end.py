"""How a process ended, in words for a sentence."""

from __future__ import annotations

import sys

from PySide6.QtCore import QProcess


def how_it_ended(process: QProcess) -> str:
    """Exit status, crash, or the system's kill: on Linux 9 is what a lack of memory ends in."""
    code = process.exitCode()
    if process.exitStatus() is QProcess.ExitStatus.NormalExit:
        return f"exit status {code}"
    return "killed, perhaps for want of memory" if code == 9 and sys.platform != "win32" else f"crash, code {code}"
