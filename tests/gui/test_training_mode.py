"""A training in the window against a fake worker: what it asks for, what it shows, and how it gets over failures."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QSettings
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from hipcad_desktop.domain.jobs import Artifact, Cancelled, Epoch, Failed, Finished, Progress, Started
from hipcad_desktop.domain.time_words import duration
from hipcad_desktop.domain.training import QUICK
from hipcad_desktop.gui.training.result_words import failure_words, figure_lines
from hipcad_desktop.gui.training.run_state import RunState
from hipcad_desktop.gui.training.worst_hips import LargeHips, read_worst
from tests.fakes.training_bench import Bench

# Of the offscreen platform, whenever a window's smallest size changes; no other platform says it.
pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints")

PROPORTION = {"value": 29 / 30, "hits": 29, "n": 30, "low": 0.83, "high": 0.99}
FIGURES = {
    "auc": 0.912,
    "n_fracture": 30,
    "n_no_fracture": 44,
    "at_no_fracture_threshold": {"threshold": 0.21, "sensitivity": PROPORTION, "specificity": PROPORTION},
    "at_fracture_threshold": {"threshold": 0.62, "sensitivity": PROPORTION, "specificity": PROPORTION},
}


@pytest.fixture
def bench(qtbot: QtBot, tmp_path: Path) -> Iterator[Bench]:
    made = Bench(qtbot, tmp_path)
    yield made
    made.worker.join()
    made.tasks.close()


def test_a_training_from_dataset_to_result(bench: Bench) -> None:
    assert not bench.mode.launcher.check.isEnabled()
    bench.open()
    bench.start(summary={"model": "m.hipcad", "figures": FIGURES})
    assert not bench.mode.launcher.check.isEnabled()
    assert not bench.mode.launcher.recipe.isEnabled()
    bench.wait_end()
    checked, trained = bench.jobs
    assert (checked.kind, trained.kind) == ("preflight", "train")
    wanted = {
        "dataset": str(bench.folder / "data"),
        "to": str(bench.folder / "data-quick.hipcad"),
        "config": QUICK.to_json(),
        "device": "auto",
        "processes": 1,
    }
    assert checked.arguments == wanted
    assert trained.arguments == {**wanted, "resume": False}
    assert bench.mode.run_panel.result.isVisible()
    assert bench.mode.launcher.check.isEnabled()
    assert not bench.button("cancel").isVisible()
    with bench.qtbot.waitSignal(bench.mode.diagnose_asked) as asked:
        bench.button("diagnose").click()
    assert asked.args == [bench.folder / "data-quick.hipcad"]
    with bench.qtbot.waitSignal(bench.mode.evaluate_asked) as asked:
        bench.button("evaluate").click()
    assert asked.args == [bench.folder / "data-quick.hipcad", bench.folder / "data"]


def test_nothing_trains_on_the_processor_without_a_tick(bench: Bench) -> None:
    bench.open()
    bench.check()
    assert bench.page.on_cpu.isVisible()
    assert "11 min" in bench.page.on_cpu.text()
    assert not bench.page.start.isEnabled()
    bench.page.start_asked.emit()
    assert not bench.mode.running
    bench.page.on_cpu.click()
    assert bench.page.start.isEnabled()
    bench.check()  # a new check asks again
    assert not bench.page.start.isEnabled()


def test_a_gpu_needs_no_tick(bench: Bench) -> None:
    bench.open()
    bench.act = {"verdict": "ok"}
    bench.check()
    assert not bench.page.on_cpu.isVisible()
    assert bench.page._verdict.words == "Ready: it will run about 11 min on fake GPU."
    assert bench.page.start.isEnabled()


def test_a_stop_cannot_be_started_over(bench: Bench) -> None:
    bench.open()
    bench.act = {"verdict": "stop"}
    bench.check()

    def shown() -> list[str]:
        return [label.text() for label in bench.page.findChildren(QLabel) if label.isVisible()]

    bench.wait(lambda: "Memory" in shown())
    labels = shown()
    for words in ("9,400 MB needed, 3,100 MB free", "Choose a batch of 8 or a smaller input.", "✕", "!", "✓"):
        assert words in labels
    assert labels.index("Memory") < labels.index("Device") < labels.index("Disk"), "the worst comes first"
    assert not bench.page.start.isEnabled()
    assert not bench.page.on_cpu.isVisible()
    bench.page.start_asked.emit()
    assert not bench.mode.running


def test_a_change_after_the_check_asks_for_another(bench: Bench) -> None:
    bench.open()
    bench.check()
    bench.page.on_cpu.click()
    bench.mode.draft.set_text("epochs", "9")
    assert not bench.page.start.isEnabled()
    assert "Check again" in bench.page._verdict.words
    bench.page.again.click()
    bench.wait(lambda: not bench.mode._checking)
    bench.page.on_cpu.click()
    assert bench.page.start.isEnabled()
    bench.page.start.click()
    assert bench.trained.arguments["config"]["epochs"] == 9
    bench.wait_end()


def test_a_check_can_be_cancelled_and_can_fail(bench: Bench) -> None:
    bench.open()
    bench.act = {"steps": 5000}
    bench.mode.launcher.check.click()
    bench.wait(lambda: "Work" in bench.page._stage.text())
    bench.page.cancel.click()
    bench.wait(lambda: bench.page._verdict.words == "The check was cancelled.")
    bench.act = {"act": "crash"}
    bench.check()
    assert "The worker process ended unexpectedly" in bench.page._verdict.words
    assert not bench.page.start.isVisible()
    assert bench.page.again.isVisible()


def test_processes_and_device_reach_the_worker(bench: Bench) -> None:
    bench.open()
    bench.mode.launcher.machine.count.setValue(2)
    bench.mode.launcher.machine.set_device("cuda")
    bench.start()
    assert (bench.trained.arguments["processes"], bench.trained.arguments["device"]) == (2, "cuda")
    bench.wait_end()


def test_the_device_is_named_loudly(bench: Bench) -> None:
    bench.open()
    bench.start()
    bench.wait_end()
    assert bench.mode.run_panel._device.words == "CPU: fake CPU. Slow: no GPU is used."
    assert bench.mode.run_panel._device.property("look") == "warning"


def test_curves_hold_every_epoch(bench: Bench) -> None:
    bench.open()
    bench.start()
    bench.wait_end()
    curves = bench.mode.run_panel._curves
    assert curves is not None
    xs, ys = curves._loss._curves["validation_loss"].getData()
    assert list(xs) == list(range(1, QUICK.epochs + 1))
    assert list(ys) == pytest.approx([0.8 / n for n in range(1, QUICK.epochs + 1)])
    _, rates = curves._rates._steps.getData()
    assert set(rates) == {1.0}, "in thousandths"


def test_cancel_answers_at_once_and_resume_is_offered(bench: Bench) -> None:
    bench.open()
    bench.start(pause_s=0.05)
    bench.wait(lambda: bench.mode._run is not None and bench.mode._run.epoch >= 1)
    bench.button("cancel").click()
    assert "Stopping" in bench.mode.run_panel._stage.text()
    assert not bench.button("cancel").isEnabled()
    bench.wait_end()
    assert bench.button("resume").isVisible()
    first = bench.trained
    bench.act = {}
    bench.button("resume").click()
    bench.wait_end()
    assert bench.trained.arguments == {**first.arguments, "resume": True}
    assert bench.mode._run is not None
    assert bench.mode._run.outcome == "finished"


def test_pause_stands_still_until_go_on(bench: Bench) -> None:
    bench.open()
    bench.start(pause_s=0.02)
    bench.wait(lambda: bench.mode._run is not None and bench.mode._run.done >= 2)
    run = bench.mode.run
    assert run is not None
    bench.button("pause").click()
    assert bench.button("pause").text() == "Pausing …"
    bench.button("pause").click()  # impatience changes nothing
    bench.wait(lambda: run.paused == "yes")
    assert bench.button("pause").text() == "Go on"
    assert bench.mode.run_panel._stage.text().startswith("Paused.")
    done = run.done
    bench.qtbot.wait(300)
    assert run.done == done
    bench.button("pause").click()
    bench.wait_end()
    assert run.outcome == "finished"


def test_a_paused_run_can_be_cancelled(bench: Bench) -> None:
    bench.open()
    bench.start(pause_s=0.02)
    bench.wait(lambda: bench.mode._run is not None and bench.mode._run.done >= 1)
    bench.button("pause").click()
    bench.wait(lambda: bench.mode._run is not None and bench.mode._run.paused == "yes")
    bench.button("cancel").click()
    bench.wait_end()
    assert bench.mode._run is not None
    assert bench.mode._run.outcome == "cancelled"


def test_memory_that_ran_out_is_said(bench: Bench) -> None:
    bench.open()
    bench.start(act="out_of_memory")
    bench.wait_end()
    words = "Memory ran out: 8 hips at once from now on, 2 times a step."
    assert bench.mode.run_panel._notes.words == words


def test_the_most_wrong_hips_are_shown(bench: Bench) -> None:
    bench.open()
    bench.start(worst=str(write_worst(bench.folder, 3)))
    bench.wait_end()
    worst = bench.mode.run_panel.worst
    bench.wait(lambda: len(worst.thumbs) == 3)
    assert [t.text() for t in worst.thumbs] == ["✕ broken · 0.10", "✓ whole · 0.20", "✕ broken · no number"]
    assert "Film c1, left hip" in worst.thumbs[1].toolTip()
    worst.thumbs[0].click()
    large = worst.findChild(LargeHips)
    assert large is not None
    assert large.words.text().startswith("1 of 3. Readers: fracture. Model: probability of a fracture 0.100.")
    large._after.click()
    assert large.words.text().startswith("2 of 3. Readers: no fracture.")
    large.accept()


def write_worst(folder: Path, count: int) -> Path:
    rows = []
    for n in range(count):
        image = QImage(160, 160, QImage.Format.Format_Grayscale8)
        image.fill(60 * n)
        assert image.save(str(folder / f"w{n}.png"))
        said = [0.1, 0.2, None][n]
        rows.append({"image": f"w{n}.png", "film_code": f"c{n}", "side": "RL"[n % 2], "p_fracture": said})
        rows[-1] |= {"fracture": n % 2 == 0, "wrong": n != 1, "loss": 1.0}
    (folder / "worst.json").write_text(json.dumps({"schema": 1, "epoch": 1, "hips": rows}), encoding="utf-8")
    return folder / "worst.json"


def test_a_table_of_worst_hips_that_is_none(tmp_path: Path) -> None:
    assert read_worst(tmp_path / "worst.json") is None
    (tmp_path / "worst.json").write_text("{}", encoding="utf-8")
    assert read_worst(tmp_path / "worst.json") is None


@pytest.mark.parametrize(
    ("act", "words"),
    [
        ("crash", "The worker process ended unexpectedly (exit status 3)"),
        ("hang", "The worker process has not answered"),
        ("user_error", "the dataset is damaged"),
        ("bug", "This is a bug in HipCAD"),
    ],
)
def test_a_failure_is_said_and_resume_is_offered(bench: Bench, act: str, words: str) -> None:
    bench.open()
    bench.start(act=act)
    bench.wait_end()
    assert words in bench.said
    assert bench.button("resume").isVisible()
    assert bench.mode.launcher.check.isEnabled()
    bench.act = {}
    bench.button("resume").click()
    bench.wait_end()
    assert bench.mode._run is not None
    assert bench.mode._run.outcome == "finished"
    assert bench.said == ""


def test_the_epochs_before_a_crash_stay_on_the_curves(bench: Bench) -> None:
    bench.open()
    bench.mode.set_target(bench.folder / "dies.hipcad")
    bench.start()
    bench.wait_end()
    assert bench.mode._run is not None
    assert bench.mode._run.epoch == 2
    bench.act = {"first_epoch": 3}
    bench.button("resume").click()
    bench.wait_end()
    assert [f["epoch"] for f in bench.mode._run.figures] == list(range(1, QUICK.epochs + 1))


def test_a_run_that_the_programs_end_cut_off_is_offered_again(qtbot: QtBot, tmp_path: Path) -> None:
    settings = QSettings(str(tmp_path / "s.ini"), QSettings.Format.IniFormat)
    first = Bench(qtbot, tmp_path, settings)
    first.open()
    first.start(pause_s=0.05)
    first.wait(lambda: first.mode._run is not None and first.mode._run.epoch >= 1)
    first.worker.join()  # as at the end of the program: nobody hears how the job ended
    first.tasks.close()
    (tmp_path / "data-quick.run").mkdir()
    again = Bench(qtbot, tmp_path, settings)
    assert "was not finished" in again.mode.run_panel._stage.text()
    assert again.button("resume").isVisible()
    again.button("resume").click()
    again.wait_end()
    assert again.trained.arguments == {**first.trained.arguments, "resume": True}
    again.worker.join()
    again.tasks.close()
    third = Bench(qtbot, tmp_path, settings)  # finished: nothing to offer
    assert third.mode.run is None
    third.worker.join()
    third.tasks.close()


def test_run_state_takes_only_its_own_events() -> None:
    run = RunState("a")
    assert not run.hear(Started("b"))
    assert run.outcome == "waiting"
    assert run.hear(Started("a", {"device": "cuda", "epochs": 2}))
    run.hear(Progress("a", "training", 3, 10, {"loss": 0.5, "seconds_left": 70, "images_per_s": 3.5}))
    run.hear(Progress("a", "training", 4, 10, {"loss": None}))
    run.hear(Progress("a", "exporting", 0, 3))
    run.hear(Progress("a", "training", 4, 10, {"event": "slept", "sentence": "It slept."}))
    run.hear(Epoch("a", 1, 2, {"auc": 0.7}))
    run.hear(Artifact("a", "worst_hips", "r/worst.json", {"epoch": 1}))
    run.hear(Artifact("a", "model", "m.hipcad"))
    assert (run.epochs, run.loss, run.steps) == (2, 0.5, [(0.3, 0.5)])
    assert (run.stage, run.notes, run.worst) == ("exporting", ["It slept."], ("r/worst.json", 1))
    run.hear(Finished("a", {"model": "m"}))
    assert run.ended
    assert run.artifacts == {"model": "m.hipcad"}
    for event, outcome in ((Cancelled("c"), "cancelled"), (Failed("c", "bug"), "failed")):
        run = RunState("c")
        run.hear(event)
        assert run.outcome == outcome


def test_the_step_curve_stays_short() -> None:
    run = RunState("a")
    for step in range(20_000):
        run.hear(Progress("a", "training", step, 20_000, {"loss": 1.0}))
    assert len(run.steps) <= 4000


def test_words() -> None:
    assert [duration(s) for s in (9, 59.6, 61, 4000, 400_000)] == ["9 s", "1 min", "1 min", "1 h 07 min", "5 days"]
    lines = dict(figure_lines({"model": "m.hipcad", "figures": FIGURES}))
    assert lines["“No fracture” below"] == "0.210, sensitivity 0.97 (29 of 30; 95 % interval 0.83 to 0.99)"
    assert lines["Measured on"].startswith("30 hips with and 44 without a fracture")
    assert failure_words(Failed("a", "bug", {"traceback": "x\nKeyError: 'y'"})).startswith(
        "This is a bug in HipCAD (KeyErr"
    )


def test_resume_is_offered_only_where_something_began() -> None:
    for code, started, resumable in (
        ("target_exists", False, False),
        ("run_unfinished", False, True),
        ("worker_died", True, True),
    ):
        run = RunState("a")
        if started:
            run.hear(Started("a", {"device": "cpu"}))
        run.hear(Failed("a", code))
        assert run.resumable is resumable, code
    again = RunState("b")
    again.follow(run)
    again.hear(Failed("b", "worker_died"))
    assert again.resumable
