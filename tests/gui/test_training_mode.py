"""The training launcher against a fake worker: what it asks for, what it shows, and how it gets over failures."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices
from pytestqt.qtbot import QtBot

from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.jobs import Artifact, Cancelled, Epoch, Failed, Finished, Job, Progress, Started
from hipcad_desktop.domain.training import PAPER, QUICK
from hipcad_desktop.gui.tasks import Tasks
from hipcad_desktop.gui.training.dataset_facts import read_dataset_facts
from hipcad_desktop.gui.training.fields import ADVANCED, shown, with_text
from hipcad_desktop.gui.training.mode import TrainingMode
from hipcad_desktop.gui.training.recipe_card import RecipeCard
from hipcad_desktop.gui.training.result_words import failure_words, figure_lines
from hipcad_desktop.gui.training.run_state import RunState, duration
from hipcad_desktop.gui.worker_thread import Patience, Worker

# Of the offscreen platform, whenever a window's smallest size changes; no other platform says it.
pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints")

FAKE = [sys.executable, str(Path(__file__).parents[1] / "fakes" / "fake_worker.py")]
PROPORTION = {"value": 29 / 30, "hits": 29, "n": 30, "low": 0.83, "high": 0.99}
FIGURES = {
    "auc": 0.912,
    "n_fracture": 30,
    "n_no_fracture": 44,
    "at_no_fracture_threshold": {"threshold": 0.21, "sensitivity": PROPORTION, "specificity": PROPORTION},
    "at_fracture_threshold": {"threshold": 0.62, "sensitivity": PROPORTION, "specificity": PROPORTION},
}


def write_dataset(folder: Path, **training: int) -> Path:
    full = {"patients": 60, "films": 80, "fracture": 70, "no_fracture": 90}
    counts = {"training": full | training, "validation": full, "test": full}
    folder.mkdir(exist_ok=True)
    (folder / "dataset.json").write_text(json.dumps({"counts": counts, "not_exported": [{}]}), encoding="utf-8")
    return folder


class Bench:
    """The mode with its worker and tasks; the fake worker's arguments are put into every job."""

    def __init__(self, qtbot: QtBot, folder: Path) -> None:
        self.qtbot = qtbot
        self.folder = folder
        self.tasks = Tasks()
        self.worker = Worker(command=FAKE, patience=Patience(hung_after_s=1.0, cancel_s=2))
        self.jobs: list[Job] = []
        self.act: dict[str, Any] = {}
        submit = self.worker.submit
        self.worker.submit = lambda job: submit(self._noted(job))  # type: ignore[method-assign]
        self.mode = TrainingMode(worker=self.worker, tasks=self.tasks, settings=None)
        qtbot.addWidget(self.mode)
        self.mode.resize(1200, 800)
        self.mode.show()

    def _noted(self, job: Job) -> Job:
        self.jobs.append(job)
        return Job(job.job, job.kind, {**job.arguments, **self.act})

    def open(self, **training: int) -> None:
        self.mode.set_dataset(write_dataset(self.folder / "data", **training))
        self.wait(lambda: self.mode._facts is not None)

    def wait(self, true: Callable[[], bool]) -> None:
        self.qtbot.waitUntil(true, timeout=20_000)

    def start(self) -> None:
        self.mode.start.click()
        assert self.mode.running

    def wait_end(self) -> None:
        self.wait(lambda: not self.mode.running)

    def button(self, name: str) -> Any:
        return self.mode.run_panel._buttons[name]

    @property
    def said(self) -> str:
        return self.mode.run_panel._notice.words


@pytest.fixture
def bench(qtbot: QtBot, tmp_path: Path) -> Iterator[Bench]:
    made = Bench(qtbot, tmp_path)
    yield made
    made.worker.join()
    made.tasks.close()


def test_a_training_from_dataset_to_result(bench: Bench) -> None:
    assert not bench.mode.start.isEnabled()
    bench.open()
    assert bench.mode.start.isEnabled()
    bench.act = {"summary": {"model": "m.hipcad", "figures": FIGURES}}
    bench.start()
    assert not bench.mode.start.isEnabled()
    assert not bench.mode.recipe.isEnabled()
    bench.wait_end()
    (job,) = bench.jobs
    assert job.kind == "train"
    assert job.arguments == {
        "dataset": str(bench.folder / "data"),
        "to": str(bench.folder / "data-quick.hipcad"),
        "config": QUICK.to_json(),
        "device": "auto",
        "resume": False,
    }
    assert bench.mode.run_panel._result.isVisible()
    assert bench.button("diagnose").isVisible()
    assert bench.mode.start.isEnabled()
    assert not bench.button("cancel").isVisible()
    with bench.qtbot.waitSignal(bench.mode.diagnose_asked) as asked:
        bench.button("diagnose").click()
    assert asked.args == [bench.folder / "data-quick.hipcad"]


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


def test_cancel_answers_at_once_and_resume_is_offered(bench: Bench) -> None:
    bench.open()
    bench.act = {"pause_s": 0.05}
    bench.start()
    bench.wait(lambda: bench.mode._run is not None and bench.mode._run.epoch >= 1)
    bench.button("cancel").click()
    assert "Stopping" in bench.mode.run_panel._stage.text()
    assert not bench.button("cancel").isEnabled()
    bench.wait_end()
    assert bench.button("resume").isVisible()
    bench.act = {}
    bench.button("resume").click()
    bench.wait_end()
    assert bench.jobs[-1].arguments == {**bench.jobs[0].arguments, "resume": True}
    assert bench.mode._run is not None
    assert bench.mode._run.outcome == "finished"


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
    bench.act = {"act": act}
    bench.start()
    bench.wait_end()
    assert words in bench.said
    assert bench.button("resume").isVisible()
    assert bench.mode.start.isEnabled()
    bench.act = {}
    bench.button("resume").click()
    bench.wait_end()
    assert bench.mode._run is not None
    assert bench.mode._run.outcome == "finished"
    assert bench.said == ""


def test_the_epochs_before_a_crash_stay_on_the_curves(bench: Bench) -> None:
    bench.open()
    bench.mode._to.setText(str(bench.folder / "dies.hipcad"))
    bench.start()
    bench.wait_end()
    assert bench.mode._run is not None
    assert bench.mode._run.epoch == 2
    bench.act = {"first_epoch": 3}
    bench.button("resume").click()
    bench.wait_end()
    assert [f["epoch"] for f in bench.mode._run.figures] == list(range(1, QUICK.epochs + 1))


def test_evaluation_opens_the_report(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[QUrl] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: opened.append(url) or True)
    bench.open()
    bench.start()
    bench.wait_end()
    (bench.folder / "data-quick-report").mkdir()  # of an earlier evaluation, which is not overwritten
    bench.button("evaluate").click()
    assert not bench.button("evaluate").isEnabled()
    bench.wait(lambda: bool(opened))
    assert bench.jobs[-1].kind == "evaluate"
    to = bench.folder / "data-quick-report-2"
    assert bench.jobs[-1].arguments["to"] == str(to)
    assert opened == [QUrl.fromLocalFile(str(to / "report.html"))]
    assert bench.button("evaluate").isEnabled()


def test_one_class_only_is_said_in_words_and_cannot_start(bench: Bench) -> None:
    bench.open(fracture=0)
    assert "The training partition has no hips with a fracture." in bench.mode.dataset.notice.words
    assert not bench.mode.start.isEnabled()


def test_few_fractures_are_a_warning_only(bench: Bench) -> None:
    bench.open(fracture=4)
    assert bench.mode.dataset.notice.words.startswith("Only 4 hips with a fracture")
    assert bench.mode.start.isEnabled()


def test_a_folder_that_is_no_dataset(bench: Bench) -> None:
    bench.mode.set_dataset(bench.folder)
    bench.wait(lambda: "not a dataset that HipCAD exported" in bench.mode.dataset.notice.words)
    assert not bench.mode.start.isEnabled()


def test_a_field_that_cannot_be_is_named(bench: Bench) -> None:
    bench.open()
    for text, words in (("1.5", "Dropout cannot be '1.5'"), ("much", "Dropout cannot be 'much'")):
        bench.mode.recipe._editors["dropout"].setText(text)
        assert not bench.mode.start.isEnabled()
        assert words in bench.mode._problem.words
    bench.mode.recipe._editors["dropout"].setText("0,2")
    assert bench.mode.start.isEnabled()
    assert bench.mode.recipe.config().dropout == 0.2


@pytest.mark.parametrize(
    ("text", "code"),
    [(None, ErrorCode.NOT_A_DATASET), ("{", ErrorCode.DATASET_DAMAGED), ("{}", ErrorCode.DATASET_DAMAGED)],
)
def test_bad_manifests(tmp_path: Path, text: str | None, code: ErrorCode) -> None:
    if text is not None:
        (tmp_path / "dataset.json").write_text(text, encoding="utf-8")
    with pytest.raises(UserError) as raised:
        read_dataset_facts(tmp_path)
    assert raised.value.code is code


def test_recipes_fill_the_whole_form(qtbot: QtBot) -> None:
    card = RecipeCard()
    qtbot.addWidget(card)
    for config in (PAPER, QUICK):
        card.set_recipe(config.recipe)
        assert card.config() == config
    assert {f.name for f in ADVANCED} | {"recipe", "backbone", "weights", "batch", "epochs"} == set(PAPER.to_json())


def test_every_field_survives_its_text() -> None:
    for field in ADVANCED:
        value = getattr(PAPER, field.name)
        text = ("yes" if value else "no") if field.kind == "yes_no" else shown(value)
        assert with_text(PAPER, field, text) == PAPER


def test_run_state_takes_only_its_own_events() -> None:
    run = RunState("a")
    assert not run.hear(Started("b"))
    assert run.outcome == "waiting"
    assert run.hear(Started("a", {"device": "cuda", "epochs": 2}))
    run.hear(Progress("a", "training", 3, 10, {"loss": 0.5, "seconds_left": 70, "images_per_s": 3.5}))
    run.hear(Progress("a", "training", 4, 10, {"loss": None}))
    run.hear(Progress("a", "exporting", 0, 3))
    run.hear(Epoch("a", 1, 2, {"auc": 0.7}))
    run.hear(Artifact("a", "model", "m.hipcad"))
    assert (run.epochs, run.loss, run.steps) == (2, 0.5, [(0.3, 0.5)])
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


def test_the_next_model_gets_a_name_of_its_own(bench: Bench) -> None:
    bench.open()
    (bench.folder / "data-quick.hipcad").touch()
    bench.start()
    bench.wait_end()
    assert bench.mode._to.text() == str(bench.folder / "data-quick-2.hipcad")
