"""HipCAD beside labelme, in turns in the same run: start, opening 5,000 films, the next film of 20 megapixels.

    python -m benchmarks.labelme [--rounds 3] [--films 5000]    (always QT_QPA_PLATFORM=offscreen)

labelme (GPL) is no dependency: it is installed from PyPI into build/labelme-venv, run there by its own interpreter, and
the benchmark is passed over where that fails. What is compared is not quite the same work, each row to be read so:
opening: labelme walks the folder, HipCAD reads a project (films imported before, two readers' readings, no pixels);
next film: labelme decodes on each key; HipCAD has it ahead ("prefetched"), or has not ("first picture", "every pixel").
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import start

ROOT = Path(__file__).parents[1]
HOME = ROOT / "build" / "labelme-venv"
PATIENCE_S = 600
NEXT_STEPS = 3  # next films of one round

_LABELME = """
import json, sys, time
from PyQt5 import QtCore, QtWidgets
import labelme.app, labelme.__main__
from loguru import logger
logger.remove()
"""

LABELME_START = f"""{_LABELME}
import os
show = labelme.app.MainWindow.show

class Watch(QtCore.QObject):
    def eventFilter(self, watched, event):
        if event.type() == QtCore.QEvent.Paint:
            watched.removeEventFilter(self)
            QtCore.QTimer.singleShot(0, lambda: (print("{start.READY}", flush=True), os._exit(0)))
        return False

def shown(window):
    window.kept = Watch()
    window.installEventFilter(window.kept)
    window.resize(1440, 900)
    show(window)

labelme.app.MainWindow.show = shown
sys.argv = ["labelme"]
labelme.__main__.main()
"""

_LABELME_WINDOW = f"""{_LABELME}
painted, shown = [0.0], [0]
paint = labelme.app.Canvas.paintEvent

def key(canvas):
    return 0 if canvas.pixmap is None or canvas.pixmap.isNull() else canvas.pixmap.cacheKey()

def noted(canvas, event):  # the first picture drawn of another film counts, be it within the call
    paint(canvas, event)
    if painted[0] == 0.0 and key(canvas) not in (0, shown[0]):
        painted[0] = time.perf_counter()

labelme.app.Canvas.paintEvent = noted
app = QtWidgets.QApplication(["labelme"])
app.setStyle("Fusion")
window = labelme.app.MainWindow(config_overrides={{}})
window.resize(1440, 900)
window.show()

def live(seconds):
    loop = QtCore.QEventLoop()
    QtCore.QTimer.singleShot(int(seconds * 1000), loop.quit)
    loop.exec_()

live(1.0)
"""

LABELME_OPEN = f"""{_LABELME_WINDOW}
longest, last = 0.0, time.perf_counter()

def tick():
    global longest, last
    now = time.perf_counter()
    longest, last = max(longest, (now - last) * 1000 - 5), now

timer = QtCore.QTimer()
timer.setTimerType(QtCore.Qt.PreciseTimer)
timer.timeout.connect(tick)
last = time.perf_counter()
timer.start(5)
began = time.perf_counter()
window._load_from_file_or_dir(sys.argv[1])
window._docks.file_list.viewport().repaint()
took = (time.perf_counter() - began) * 1000
live(1.0)
assert window._docks.file_list.count() == int(sys.argv[2])
print(json.dumps([took, longest]), flush=True)
"""

LABELME_NEXT = f"""{_LABELME_WINDOW}
window._load_from_file_or_dir(sys.argv[1])
live(0.5)
times = []
for _ in range(int(sys.argv[2])):
    before, shown[0], painted[0] = window._image_path, key(window._canvas_widgets.canvas), 0.0
    began = time.perf_counter()
    window._open_next_image()
    assert window._image_path != before
    end = began + 60
    while painted[0] == 0.0:
        assert time.perf_counter() < end, "not painted"
        app.processEvents()
    times.append((painted[0] - began) * 1000)
    live(0.3)
print(json.dumps(times), flush=True)
"""

OURS_OPEN = """
import json, sys
from pathlib import Path
from PySide6.QtCore import QEventLoop, QTimer
from benchmarks.large_project import READERS
from benchmarks.worklist import open_in
from hipcad_desktop.gui import settings as keys
from hipcad_desktop.gui.application import make_application, warm_up
from hipcad_desktop.gui.main_window import MainWindow

settings = keys.open_settings()
settings.setValue(keys.READER, next(iter(READERS)))
app = make_application(["hipcad"])
window = MainWindow(settings)
window.resize(1440, 900)
window.show()
warm_up(window)
loop = QEventLoop()
QTimer.singleShot(1000, loop.quit)
loop.exec()
times = open_in(window, Path(sys.argv[1]))
assert window.annotate.worklist.table.model().rowCount() == int(sys.argv[2])
print(json.dumps(times), flush=True)
window.close()
"""

OURS_NEXT = """
import json, sys
from pathlib import Path
from benchmarks.next_film import measure

times = measure("jpeg", Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
print(json.dumps([times.prefetched, times.painted, times.whole]), flush=True)
"""


def install() -> str:
    """The version of labelme in its own environment, made where it is not there; RuntimeError says why it is not."""
    python = interpreter()
    steps: list[list[str]] = []
    if not python.exists():
        steps.append([sys.executable, "-m", "venv", str(HOME)])
    version = [str(python), "-I", "-c", "from importlib.metadata import version; print(version('labelme'))"]
    if steps or subprocess.run(version, capture_output=True, check=False).returncode:
        steps.append([str(python), "-I", "-m", "pip", "install", "--quiet", "labelme"])
    try:
        for step in steps:
            subprocess.run(step, check=True, capture_output=True, timeout=PATIENCE_S)
        said = subprocess.run(version, check=True, capture_output=True, text=True, timeout=PATIENCE_S)
    except (OSError, subprocess.SubprocessError) as error:
        raise RuntimeError(f"labelme cannot be installed here ({type(error).__name__})") from error
    return said.stdout.strip()


def interpreter() -> Path:
    """The Python of labelme's environment."""
    return HOME / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def last_line(program: str, *words: str, theirs: bool) -> str:
    """What a new process with this program says last; SystemExit where it fails."""
    command = [str(interpreter()), "-I"] if theirs else [sys.executable]
    done = subprocess.run(
        [*command, "-c", program, *words], capture_output=True, text=True, timeout=PATIENCE_S, cwd=ROOT, check=False
    )
    lines = done.stdout.strip().splitlines()
    if done.returncode or not lines:
        raise SystemExit(f"{'labelme' if theirs else 'HipCAD'} failed:\n{done.stderr[-2000:]}")
    return lines[-1]


def figures(program: str, *words: str, theirs: bool) -> list[float]:
    """The milliseconds that a program prints as JSON."""
    return [float(value) for value in json.loads(last_line(program, *words, theirs=theirs))]


def start_ms(*, theirs: bool) -> float:
    """From the call to the first turn of the event loop after the empty window was painted."""
    if not theirs:
        return start.start_ms(start.OURS)
    began = time.perf_counter()
    command = [str(interpreter()), "-I", "-c", LABELME_START]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout is not None
    said = process.stdout.readline().strip()
    taken = (time.perf_counter() - began) * 1000
    process.communicate()
    if said != start.READY:
        raise SystemExit("labelme's window did not come")
    return taken


def make_folder(folder: Path, count: int) -> None:
    """One small JPEG under many names."""
    import numpy as np
    from PIL import Image

    folder.mkdir()
    first = folder / "film 00000.jpg"
    Image.fromarray(np.tile(np.arange(128, dtype=np.uint8), (128, 1))).save(first)
    for number in range(1, count):
        os.link(first, folder / f"film {number:05d}.jpg")


def compare(work: Path, rounds: int, films: int) -> dict[str, tuple[list[float], list[float]]]:
    """Milliseconds by row: (HipCAD's, labelme's), one after the other in each round."""
    from benchmarks.export import make_films
    from benchmarks.large_project import fill
    from hipcad_desktop.workflows.open_project import open_project

    many, large, project = work / "many", work / "large", work / "project"
    make_folder(many, films)
    make_films(large, NEXT_STEPS + 1, kind="jpeg")
    with open_project(project, create=True) as opened:
        fill(opened, films)
    names = ("start", "open", "blocked", "prefetched", "painted", "whole")
    table: dict[str, tuple[list[float], list[float]]] = {name: ([], []) for name in names}
    for number in range(rounds + 1):
        times = start_ms(theirs=False), start_ms(theirs=True)
        if number:  # the first start warms the disk cache
            table["start"][0].append(times[0])
            table["start"][1].append(times[1])
    for number in range(rounds):
        for side, (program, folder) in enumerate(((OURS_OPEN, project), (LABELME_OPEN, many))):
            took, gap = figures(program, str(folder), str(films), theirs=bool(side))
            table["open"][side].append(took)
            table["blocked"][side].append(gap)
        place = work / f"next{number}"
        place.mkdir()
        ours = json.loads(last_line(OURS_NEXT, str(large), str(place), str(NEXT_STEPS), theirs=False))
        theirs = figures(LABELME_NEXT, str(large), str(NEXT_STEPS), theirs=True)
        for name, values in zip(names[3:], ours, strict=True):
            table[name][0].extend(values)
            table[name][1].extend(theirs)
    return table


def main() -> int:
    """Install labelme, measure in turns, print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--films", type=int, default=5000)
    options = parser.parse_args()
    try:
        version = install()
    except RuntimeError as error:
        print(f"passed over: {error}")
        return 0
    with tempfile.TemporaryDirectory(prefix="hipcad-bench-") as name:
        work = Path(name)
        for folder in ("settings", "home"):
            (work / folder).mkdir()
        os.environ |= {
            "HIPCAD_SETTINGS": str(work / "settings"), "QT_QPA_PLATFORM": "offscreen",
            "HOME": str(work / "home"), "USERPROFILE": str(work / "home"), "XDG_CONFIG_HOME": str(work / "home"),
        }  # fmt: skip
        before = os.getloadavg()[0]
        table = compare(work, options.rounds, options.films)
    says = {
        "start": "start to a usable empty window", "open": f"open {options.films} films, list painted",
        "blocked": "  longest block of the window", "prefetched": "next film, prefetched",
        "painted": "next film, not prefetched: first picture", "whole": "  every pixel there",
    }  # fmt: skip
    print(f"load {before:.1f} before, {os.getloadavg()[0]:.1f} after, on {os.cpu_count()} cores; medians of")
    print(f"{options.rounds} rounds in turns ({NEXT_STEPS} next films each), ms; labelme {version}, offscreen Qt")
    print(f"{'':42}{'HipCAD':>9}{'labelme':>9}{'ratio':>8}")
    for row, (ours, theirs) in table.items():
        mine, other = statistics.median(ours), statistics.median(theirs)
        print(f"{says[row]:42}{mine:9.1f}{other:9.1f}{mine / other:8.2f}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
