"""From the key to the painted film, in the real window: prefetched and not, for three formats of 20 megapixels.

    python -m benchmarks.next_film [--rounds 9] [--kinds jpeg dicom j2k]    (QT_QPA_PLATFORM=offscreen)

"painted" is when the view has drawn the film's first picture after the key; "whole" is when every pixel of it is there
and an answer can be given. The floor of a round is the bare libraries doing only that: the same file decoded, turned
into a grey picture of the view's size and drawn by QPainter.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.export import make_films

GOALS_MS = {"prefetched": 25.0, "jpeg": 110.0, "dicom": 60.0, "j2k": 300.0}
COUNT = 4
READER = "Bench"
PATIENCE_S = 60.0


def make_j2k(source: Path, folder: Path) -> None:
    """The native DICOM films once more, as lossless JPEG 2000."""
    import imagecodecs
    from pydicom import dcmread
    from pydicom.encaps import encapsulate
    from pydicom.uid import JPEG2000Lossless

    folder.mkdir()
    for path in sorted(source.glob("*.dcm")):
        dataset = dcmread(path)
        frame = imagecodecs.jpeg2k_encode(
            dataset.pixel_array, level=0, codecformat="j2k", reversible=True, bitspersample=12, resolutions=5
        )
        dataset.PixelData = encapsulate([frame])
        dataset["PixelData"].is_undefined_length = True
        dataset.file_meta.TransferSyntaxUID = JPEG2000Lossless
        dataset.save_as(folder / path.name, enforce_file_format=True)


@dataclass
class Times:
    """Milliseconds of one kind of film."""

    prefetched: list[float] = field(default_factory=list)
    painted: list[float] = field(default_factory=list)
    whole: list[float] = field(default_factory=list)
    floor: list[float] = field(default_factory=list)


class Hand:
    """Presses keys in a real window and notes when the film is painted."""

    def __init__(self, project: Path) -> None:
        from PySide6.QtWidgets import QApplication

        from hipcad_desktop.gui import settings as keys
        from hipcad_desktop.gui.application import make_application, warm_up
        from hipcad_desktop.gui.main_window import MainWindow

        self.app: QApplication = make_application(["hipcad"])
        settings = keys.open_settings()
        settings.setValue(keys.READER, READER)
        self.window = MainWindow(settings)
        self.window.resize(1440, 900)
        self.window.show()
        warm_up(self.window)
        self.window.commands.open_path(project)
        self.mode: Any = self.window.annotate
        self.until(lambda: self.window.state.is_open and self.is_whole())
        self.painted_s, self.forward = 0.0, True
        paint = self.mode.view.paintEvent

        def painted(event: Any) -> None:
            paint(event)
            if self.painted_s == 0.0 and self.mode.view.picture is not None:
                self.painted_s = time.perf_counter()

        self.mode.view.paintEvent = painted

    def until(self, condition: Callable[[], bool]) -> None:
        """Let the window live until it is so."""
        end = time.perf_counter() + PATIENCE_S
        while not condition():
            self.app.processEvents()
            if time.perf_counter() > end:
                raise SystemExit("the film did not come")
            time.sleep(0.0003)

    def row(self) -> int:
        """Where in the list the current film is."""
        row = self.mode.worklist._row()
        return 0 if row is None else int(row)

    def neighbours_kept(self) -> bool:
        """The films one key away are there."""
        return all(film_id in self.mode.source._kept for film_id in self.mode.worklist.ahead())

    def is_whole(self) -> bool:
        """Every pixel of the current film is in the view."""
        film = self.mode.view.film
        return film is not None and film.radiograph.film_id == self.window.state.current

    def idle(self) -> bool:
        """Nothing is fetched any more."""
        return not self.mode.source._coming and not self.mode.source._ahead

    def go(self, *, forget: bool) -> tuple[float, float]:
        """(ms to painted, ms to whole) from the key to the next film of the list; at its end, to the one before."""
        from PySide6.QtCore import QTimer

        if forget:
            kept = self.mode.source._kept
            for film_id in [f for f in kept if f != self.window.state.current]:
                del kept[film_id]
        settled = time.perf_counter() + 0.15
        self.until(lambda: time.perf_counter() > settled)
        before, row = self.window.state.current, self.row()
        self.forward = row == 0 or (self.forward and row < COUNT - 1)
        by = 1 if self.forward else -1
        self.painted_s, whole = 0.0, 0.0
        start = time.perf_counter()
        QTimer.singleShot(0, lambda: self.mode.step(by))  # what the key's action calls
        self.until(lambda: self.painted_s > 0.0 and self.window.state.current != before)
        painted = self.painted_s
        self.until(self.is_whole)
        whole = max(time.perf_counter(), painted)
        return (painted - start) * 1000, (whole - start) * 1000

    def close(self) -> None:
        """The window goes."""
        self.window.close()
        self.app.processEvents()


def floor_ms(path: Path, size: tuple[int, int]) -> float:
    """The bare libraries: decode, reduce to the view, draw once."""
    import numpy as np
    from PIL import Image
    from pydicom import dcmread
    from PySide6.QtGui import QImage, QPainter

    target = QImage(*size, QImage.Format.Format_RGB32)
    start = time.perf_counter()
    if path.suffix == ".jpg":
        with Image.open(path) as image:
            values = np.asarray(image)
    else:
        values = dcmread(path).pixel_array if "j2k" not in path.parts[-2] else _j2k(path)
    step = max(1, values.shape[0] // size[1])
    small = values[::step, ::step]
    if small.dtype != np.uint8:
        low, high = np.percentile(small[::4, ::4], (0.5, 99.5))
        table = np.clip((np.arange(65536) - low) * (255 / max(high - low, 1)), 0, 255).astype(np.uint8)
        small = table[small]
    small = np.ascontiguousarray(small)
    image = QImage(small.data, small.shape[1], small.shape[0], small.shape[1], QImage.Format.Format_Grayscale8)
    with QPainter(target) as painter:
        painter.drawImage(target.rect(), image)
    return (time.perf_counter() - start) * 1000


def _j2k(path: Path) -> Any:
    import imagecodecs
    from pydicom import dcmread
    from pydicom.encaps import get_frame

    frame = get_frame(dcmread(path).PixelData, 0, number_of_frames=1)
    return imagecodecs.jpeg2k_decode(frame, numthreads=os.cpu_count() or 1)


def measure(kind: str, films: Path, work: Path, rounds: int) -> Times:
    """All times of one kind."""
    import shutil

    from hipcad_desktop.workflows.import_films import import_films
    from hipcad_desktop.workflows.open_project import open_project
    from hipcad_desktop.workflows.view_film import KEPT_FOLDER

    with open_project(work / f"project_{kind}", create=True) as project:
        import_films(project, [films])
    hand, times = Hand(work / f"project_{kind}"), Times()
    size = (hand.mode.view.width(), hand.mode.view.height())
    paths = sorted(films.iterdir())
    for _ in range(rounds):
        hand.until(lambda: hand.idle() and hand.neighbours_kept())
        times.prefetched.append(hand.go(forget=False)[0])
    for number in range(rounds if kind != "j2k" else max(2, rounds // 3)):
        hand.until(hand.idle)
        time.sleep(0.2)
        shutil.rmtree(work / f"project_{kind}" / KEPT_FOLDER, ignore_errors=True)
        painted, whole = hand.go(forget=True)
        times.painted.append(painted)
        times.whole.append(whole)
        hand.until(hand.idle)
        times.floor.append(floor_ms(paths[number % COUNT], size))
    hand.close()
    return times


def p95(values: list[float]) -> float:
    """The value that one in twenty exceeds."""
    return sorted(values)[min(len(values) - 1, int(0.95 * len(values)))]


def main() -> int:
    """Make films, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--kinds", nargs="*", default=["jpeg", "dicom", "j2k"])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        os.environ["HIPCAD_SETTINGS"] = str(work / "settings")
        for kind in ("jpeg", "dicom"):
            make_films(work / kind, COUNT, kind=kind)
        if "j2k" in options.kinds:
            make_j2k(work / "dicom", work / "j2k")
        print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores; ms, medians (p95)")
        for kind in options.kinds:
            times = measure(kind, work / kind, work, options.rounds)
            painted, floor = statistics.median(times.painted), statistics.median(times.floor)
            goal = GOALS_MS["prefetched"]
            print(
                f"{kind:6} prefetched {statistics.median(times.prefetched):6.1f} ({p95(times.prefetched):.1f}; goal "
                f"{goal:.0f})   not prefetched: painted {painted:6.1f} ({p95(times.painted):.1f}; goal "
                f"{GOALS_MS[kind]:.0f}), whole {statistics.median(times.whole):6.1f}, floor {floor:6.1f}, "
                f"ratio painted/floor {painted / floor:.2f}",
                flush=True,
            )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
