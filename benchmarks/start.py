"""Time to a usable window against its floor, a bare PySide6 window of the same size, in turns in the same run.

    python -m benchmarks.start [--rounds 5] [--project FOLDER]

"usable" is the first turn of the event loop after the window was painted: a key pressed then is answered. Every start
is a new process; the first round of each warms the disk cache and is not counted.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

GOAL_MS = 800.0
READY = "usable"

_USABLE = f"""
def watch(widget, app):
    from PySide6.QtCore import QEvent, QObject, QTimer

    class Watch(QObject):
        def eventFilter(self, watched, event):
            if event.type() == QEvent.Type.Paint:
                widget.removeEventFilter(self)
                QTimer.singleShot(0, lambda: (print("{READY}", flush=True), os._exit(0)))
            return False

    widget.kept = Watch()
    widget.installEventFilter(widget.kept)
"""

BARE = f"""
import os, sys
from PySide6.QtWidgets import QApplication, QLabel, QMainWindow
{_USABLE}
app = QApplication(["bare"])
window = QMainWindow()
window.setCentralWidget(QLabel("bare"))
window.resize(1440, 900)
watch(window, app)
window.show()
app.exec()
"""

OURS = f"""
import os, sys
from pathlib import Path
from PySide6.QtCore import QTimer
import hipcad_desktop.gui.application as application
{_USABLE}
make = application.make_application

def made(argv):
    app = make(argv)
    from hipcad_desktop.gui.main_window import MainWindow
    show = MainWindow.show
    def shown(window):
        watch(window, app)
        show(window)
    MainWindow.show = shown
    return app

application.make_application = made
project = Path(sys.argv[1]) if len(sys.argv) > 1 else None
application.run(project=project, files=[])
"""


def start_ms(program: str, *words: str) -> float:
    """From the call to the window that answers."""
    start = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-c", program, *words], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    said = process.stdout.readline().strip()
    taken = (time.perf_counter() - start) * 1000
    process.wait()
    if said != READY:
        raise SystemExit("the window did not come")
    return taken


def main() -> int:
    """Measure in turns and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--project", type=Path)
    options = parser.parse_args()
    words = [str(options.project)] if options.project else []
    with tempfile.TemporaryDirectory() as name:
        os.environ["HIPCAD_SETTINGS"] = name
        bare, ours = [], []
        for number in range(options.rounds + 1):
            times = start_ms(BARE), start_ms(OURS, *words)
            if number:
                bare.append(times[0])
                ours.append(times[1])
    floor, taken = statistics.median(bare), statistics.median(ours)
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores, {options.rounds} starts each, medians")
    print(f"usable window {taken:.0f} ms (goal {GOAL_MS:.0f}), bare PySide6 {floor:.0f} ms, ratio {taken / floor:.2f}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
