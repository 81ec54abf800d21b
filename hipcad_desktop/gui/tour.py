"""The window drives itself over the sample project: pictures of each mode and the samples' diagnoses, then it ends.

For machines without a display, for the test of a built program, and for the guide's pictures.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QTimer

from hipcad_desktop.app.sample import READER, default_model, sample_films, sample_project
from hipcad_desktop.gui import settings as keys

if TYPE_CHECKING:
    from hipcad_desktop.gui.main_window import MainWindow

Condition = Callable[[], bool]
PAUSE_MS = 50
LONGEST_WAIT_S = 120.0
SETTLE_S = 0.6  # after the last change, so that pictures show what stays


def main(arguments: Sequence[str]) -> int:
    """`hipcad tour --to OUT [--project P] [--films FILE...] [--model M] [--report R] [--light]`."""
    parser = argparse.ArgumentParser(prog="hipcad tour", description=__doc__)
    parser.add_argument("--to", type=Path, required=True, metavar="OUT")
    parser.add_argument("--project", type=Path, help="instead of the sample project")
    parser.add_argument("--films", nargs="+", help="films to diagnose instead of the samples")
    parser.add_argument("--model", type=Path, help="instead of the model in the box")
    parser.add_argument("--dataset", type=Path, help="show it in the training mode")
    parser.add_argument("--report", type=Path, help="show it in the evaluation mode")
    parser.add_argument("--light", action="store_true", help="the light theme")
    options = parser.parse_args(arguments)
    options.to.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["HIPCAD_SETTINGS"] = folder
        keys.open_settings().setValue(keys.READER, READER)
        project = options.project or sample_project(Path(folder) / "Sample project")
        return Tour(options, project).run()


class Tour:
    """A script of steps; each waits for what it needs, and the whole fails where one waits too long."""

    def __init__(self, options: argparse.Namespace, project: Path) -> None:
        self._options = options
        self._project = project
        self._films = options.films or [str(p) for p in sample_films()]
        self._to: Path = options.to
        self._late = ""

    def run(self) -> int:
        """Show the window, follow the script; 0 where every step came about."""
        from hipcad_desktop.gui.application import run

        status = run(self._project, ready=self._begin)
        if self._late:
            print(f"The tour waited {LONGEST_WAIT_S:.0f} s in vain for: {self._late}")
            return 1
        print(f"Screenshots and the films' diagnoses are in {self._to.resolve()}")
        return status

    def _begin(self, window: MainWindow) -> None:
        window.resize(1440, 900)
        if self._options.light:
            window.actions_by_name["light_theme"].setChecked(True)
        script = self._script(window)
        self._next(window, script, lambda: True, "the window", time.monotonic())

    def _next(
        self, window: MainWindow, script: Iterator[tuple[str, Condition]], ready: Condition, what: str, since: float
    ) -> None:
        if ready():
            step = next(script, None)
            if step is None:
                window.close()
                return
            what, ready = step
            since = time.monotonic()
        elif time.monotonic() - since > LONGEST_WAIT_S:
            self._late = what
            window.close()
            return
        QTimer.singleShot(PAUSE_MS, lambda: self._next(window, script, ready, what, since))

    def _script(self, window: MainWindow) -> Iterator[tuple[str, Condition]]:
        """What a person would look at, in order."""
        yield "the sample project", lambda: window.state.is_open and bool(window.state.films)
        broken = next(
            (f for f in window.state.films if f.reading and f.reading.answer and f.reading.answer.findings), None
        )
        if broken is not None:
            window.state.select(broken.film_id)
        yield from self._settled(window.tasks.works)
        self._picture(window, "annotate")
        window.actions_by_name["mode_review"].setChecked(True)
        yield from self._settled(window.tasks.works)
        self._picture(window, "review")
        window.actions_by_name["mode_train"].setChecked(True)
        if self._options.dataset:
            window.modes.mode("mode_train").set_dataset(self._options.dataset)
        yield from self._settled(window.tasks.works)
        self._picture(window, "train")
        window.modes.mode("mode_train").launcher.recipe.table_asked.emit()
        yield from self._settled(window.tasks.works)
        self._picture(window, "recipe")
        window.actions_by_name["mode_evaluate"].setChecked(True)
        if self._options.report:
            window.modes.mode("mode_evaluate").open_report(self._options.report)
        yield from self._settled(window.tasks.works)
        self._picture(window, "evaluate")
        if self._options.model or default_model():
            yield from self._diagnose(window)

    def _diagnose(self, window: MainWindow) -> Iterator[tuple[str, Condition]]:
        window.modes.diagnose(self._films)
        mode: Any = window.modes.mode("mode_diagnose")
        mode.open_model(self._options.model or default_model())
        queue = mode.queue

        def answered() -> bool:
            entries = [queue.entry(f) for f in queue.files]
            return len(entries) >= len(self._films) and all(e.answer or e.failure for e in entries)

        yield "the diagnoses", answered
        answers = [queue.entry(f) for f in queue.files]
        worst = max((e for e in answers if e.answer and e.answer.hips), key=_highest, default=None)
        if worst is not None:
            mode.films.show_film(worst.answer.question.file)
        yield from self._settled(window.tasks.works)
        self._picture(window, "diagnose")
        (self._to / "diagnoses.json").write_text(json.dumps([_facts(e) for e in answers], indent=2) + "\n")

    def _settled(self, works: Callable[[], Sequence[object]]) -> Iterator[tuple[str, Condition]]:
        start = time.monotonic()
        yield "a quiet window", lambda: time.monotonic() - start > SETTLE_S and not works()
        again = time.monotonic()
        yield "a painted window", lambda: time.monotonic() - again > SETTLE_S

    def _picture(self, window: MainWindow, name: str) -> None:
        window.grab().save(str(self._to / f"{name}.png"))


def _highest(entry: Any) -> float:
    return max(float(hip.p_fracture or 0.0) for hip in entry.answer.hips)


def _facts(entry: Any) -> dict[str, Any]:
    answer = entry.answer
    if answer is None:
        return {"failure": entry.failure}
    return {
        "file": answer.question.file,
        "refused": answer.refused or None,
        "midline_px": answer.midline_px,
        "hips": [{"side": h.side, "p_fracture": h.p_fracture, "state": h.state} for h in answer.hips],
        "model": answer.model_name,
        "seconds": answer.seconds,
    }
