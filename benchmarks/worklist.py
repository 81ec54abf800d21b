"""The worklist with 20,000 films in the real window: how long opening, scrolling, filtering and sorting hold it up.

python -m benchmarks.worklist [--films 20000] [--project FOLDER]   (QT_QPA_PLATFORM=offscreen without a display)
Opening is timed from the command to the painted list, with the longest gap of a 5 ms tick meanwhile; a frame is one
step and its paint. Ends with status 1 where a goal of design/PERFORMANCE.md is missed.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.large_project import READERS, fill

FRAME_MS, OPEN_MS = 16.0, 500.0
TICK_MS = 5


class Gaps:
    """The longest time for which the event loop did not turn."""

    def __init__(self) -> None:
        from PySide6.QtCore import Qt, QTimer

        self.longest_ms = 0.0
        self._last = time.perf_counter()
        self._timer = QTimer(interval=TICK_MS, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)
        self._timer.start()

    def _tick(self) -> None:
        now = time.perf_counter()
        self.longest_ms = max(self.longest_ms, (now - self._last) * 1000 - TICK_MS)
        self._last = now


def line(name: str, times_ms: Sequence[tuple[float, float]]) -> bool:
    """Print median, 99th percentile and maximum; whether the 99th percentile is within a frame.

    The time that the window's thread computed is printed too: on a machine with other work it is the fair figure.
    """
    ordered, computed = sorted(t for t, _ in times_ms), sorted(c for _, c in times_ms)
    last = min(len(ordered) - 1, int(0.99 * len(ordered)))
    print(
        f"{name:<34} p50 {statistics.median(ordered):6.1f}  p99 {ordered[last]:6.1f}  max {ordered[-1]:6.1f} ms"
        f"   computed p50 {statistics.median(computed):6.1f}  p99 {computed[last]:6.1f} ms",
        flush=True,
    )
    return ordered[last] <= FRAME_MS


def timed(call: Callable[[], Any], paint: Callable[[], Any]) -> tuple[float, float]:
    """Milliseconds of a step and its paint: by the clock, and as computed by this thread."""
    start, computed = time.perf_counter(), time.thread_time()
    call()
    paint()
    return (time.perf_counter() - start) * 1000, (time.thread_time() - computed) * 1000


def open_in(window: Any, folder: Path) -> tuple[float, float]:
    """Milliseconds until the list is painted, and the longest gap of the event loop meanwhile."""
    from PySide6.QtCore import QEventLoop, QObject, QTimer

    gaps = Gaps()
    start = time.perf_counter()
    window.commands.open_path(folder)
    loop = QEventLoop()
    connection = window.state.opened.connect(loop.quit)
    loop.exec()
    QObject.disconnect(connection)
    window.annotate.worklist.table.viewport().repaint()
    took = (time.perf_counter() - start) * 1000
    QTimer.singleShot(1000, loop.quit)
    loop.exec()
    return took, gaps.longest_ms


def measure(folder: Path) -> bool:
    """Print all lines; whether the goals are reached."""
    from hipcad_desktop.gui import settings as keys
    from hipcad_desktop.gui.application import make_application
    from hipcad_desktop.gui.main_window import MainWindow
    from hipcad_desktop.gui.worklist.rows import COLUMNS

    settings = keys.open_settings()
    settings.setValue(keys.READER, next(iter(READERS)))
    application = make_application(["hipcad"])
    window = MainWindow(settings)
    window.resize(1440, 900)
    window.show()
    application.processEvents()
    opened = []
    for turn in ("first", "second", "third"):
        took, gap = open_in(window, folder)
        opened.append(took)
        print(
            f"open, {turn} time in this process     {took:6.0f} ms, longest gap of the window {gap:.0f} ms", flush=True
        )
        if turn != "third":
            window.commands.close_project()
            application.processEvents()
    worklist = window.annotate.worklist
    table, paint = worklist.table, worklist.table.viewport().repaint
    for column in range(len(COLUMNS)):
        if column != 1:
            table.show_column(column, True)
    bar = table.verticalScrollBar()
    rows = table.model().rowCount()
    good = [min(opened) <= OPEN_MS]
    steps = [min(3 * n, bar.maximum()) for n in range(1, 401)]
    good.append(line("scroll by the wheel (3 rows)", [timed(lambda v=v: bar.setValue(v), paint) for v in steps]))
    leaps = [(n * 7919) % rows for n in range(200)]
    good.append(line("drag the scroll bar (random rows)", [timed(lambda v=v: bar.setValue(v), paint) for v in leaps]))
    search = worklist.search
    typed = [word[:n] for word in ("12345", "股関節", "p0001", "2026-03", "山田 1") for n in range(1, len(word) + 1)]
    good.append(
        line("type in the search field, a letter", [timed(lambda t=t: search.setText(t), paint) for t in typed])
    )
    search.clear()
    for name, box in (("status", worklist.only), ("type, flag, scope", worklist.filters.trait)):
        turns = [
            timed(lambda i=i, box=box: box.setCurrentIndex(i), paint) for i in range(1, box.count()) if box.itemText(i)
        ]
        good.append(line(f"choose a {name}", turns))
        box.setCurrentIndex(0)
    good.append(line("next film, by the key", [timed(lambda: worklist.step(1), paint) for _ in range(50)]))
    worklist.only.setCurrentIndex(1)
    good.append(line("next film, unread ones only", [timed(lambda: worklist.step(1), paint) for _ in range(50)]))
    worklist.only.setCurrentIndex(0)
    for column in (c for c in range(len(COLUMNS)) if c != 1):
        line(
            f"sort by {COLUMNS[column].lower()} (no goal)",
            [timed(lambda c=column: table.sortByColumn(c, _up()), paint)],
        )
    table.sortByColumn(-1, _up())
    window.close()
    return all(good)


def _up() -> Any:
    from PySide6.QtCore import Qt

    return Qt.SortOrder.AscendingOrder


def main() -> int:
    """Make the project where none is named, then measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--films", type=int, default=20_000)
    parser.add_argument("--project", type=Path, help="a project of benchmarks.large_project; made anew where absent")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="hipcad-bench-") as name:
        os.environ["HIPCAD_SETTINGS"] = name
        folder = options.project or Path(name, "project")
        if not folder.exists():
            from hipcad_desktop.workflows.open_project import open_project

            with open_project(folder, create=True) as project:
                fill(project, options.films)
        print(f"{options.films} films, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
        return 0 if measure(folder) else 1


if __name__ == "__main__":
    raise SystemExit(main())
