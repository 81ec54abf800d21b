"""Evaluation in the window against a fake worker and made-up reports: launching, figures, judging, comparing."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from hipcad_desktop.domain.cohort import Partition
from hipcad_desktop.domain.evaluation import PrCurve
from hipcad_desktop.domain.jobs import Job
from hipcad_desktop.gui import settings as keys
from hipcad_desktop.gui.diagnose.model_file import ModelFile
from hipcad_desktop.gui.evaluate.figures_page import steps_of
from hipcad_desktop.gui.evaluate.mode import EvaluateMode, free
from hipcad_desktop.gui.evaluate.seal import DatasetWithSeal, question_words, seal_words
from hipcad_desktop.gui.main_window import MainWindow
from hipcad_desktop.gui.tasks import Tasks
from hipcad_desktop.gui.training.dataset_facts import read_dataset_facts
from hipcad_desktop.gui.worker_thread import Patience, Worker
from hipcad_desktop.workflows.judge_heatmaps import read_judgements
from tests.fakes.made_up_report import made_up_evaluation, write_made_up_report

# Of the offscreen platform, whenever a window's smallest size changes; no other platform says it.
pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints")

FAKE = [sys.executable, str(Path(__file__).parents[1] / "fakes" / "fake_worker.py")]
SEAL = made_up_evaluation().openings


def write_dataset(folder: Path) -> Path:
    """A dataset's manifest without its images."""
    counts = {p.value: {"patients": 60, "films": 80, "fracture": 70, "no_fracture": 90} for p in Partition}
    folder.mkdir(exist_ok=True)
    (folder / "dataset.json").write_text(json.dumps({"counts": counts, "not_exported": []}), encoding="utf-8")
    return folder


class Bench:
    """The mode on a screen, its worker and what was asked of it."""

    def __init__(self, qtbot: QtBot, folder: Path) -> None:
        self.qtbot, self.folder = qtbot, folder
        self.tasks = Tasks()
        self.worker = Worker(command=FAKE, patience=Patience(hung_after_s=1.0, cancel_s=2))
        self.jobs: list[Job] = []
        self.act: dict[str, Any] = {}
        submit = self.worker.submit
        self.worker.submit = lambda job: submit(self._noted(job))  # type: ignore[method-assign]
        self.settings = keys.open_settings()
        self.mode = EvaluateMode(worker=self.worker, tasks=self.tasks, settings=self.settings)
        qtbot.addWidget(self.mode)
        self.mode.resize(1200, 800)
        self.mode.show()
        self.wait(lambda: self.mode._model is not None)  # the one in the box

    def _noted(self, job: Job) -> Job:
        self.jobs.append(job)
        return Job(job.job, job.kind, {**job.arguments, **self.act})

    def wait(self, true: Callable[[], bool]) -> None:
        self.qtbot.waitUntil(true, timeout=20_000)

    def dataset(self, openings: tuple[Any, ...] = ()) -> None:
        """As if it had been read."""
        path = write_dataset(self.folder / "data")
        self.mode._reading_dataset = path
        self.mode._on_dataset(path, DatasetWithSeal(read_dataset_facts(path), openings))
        self.wait(lambda: bool(self.mode.launch.to.text()))

    def open(self, **how: Any) -> Path:
        report = write_made_up_report(self.folder / "report", **how)
        self.mode.open_report(report)
        self.wait(lambda: self.mode.report_view.isVisible())
        return report

    @property
    def box(self) -> Any:
        return self.mode.launch.run_box

    @property
    def judge(self) -> Any:
        return self.mode.report_view.judge


@pytest.fixture
def bench(qtbot: QtBot, tmp_path: Path) -> Iterator[Bench]:
    made = Bench(qtbot, tmp_path)
    yield made
    made.worker.join()
    made.tasks.close()


def test_the_test_partition_is_asked_about_before_it_is_opened(bench: Bench) -> None:
    assert not bench.box.start.isEnabled()
    assert bench.box.problem.words == "Choose a dataset."
    bench.dataset(SEAL)
    launch = bench.mode.launch
    assert launch.partition is Partition.TEST
    assert launch.seal.isVisible()
    assert "Opened 2 times" in launch.seal.text()
    launch.prevalence.setValue(12.5)
    bench.box.start.click()
    assert bench.jobs == []
    assert bench.box.asking
    assert "opening no. 3" in bench.box._question.text()
    bench.box.no.click()
    assert bench.jobs == []
    bench.box.start.click()
    bench.box.yes.click()
    (job,) = bench.jobs
    assert job.kind == "evaluate"
    assert job.arguments["partition"] == "test"
    assert job.arguments["prevalence"] == pytest.approx(0.125)
    assert job.arguments["interval"] == "wilson"
    assert job.arguments["dataset"] == str(bench.folder / "data")
    bench.wait(lambda: not bench.mode.running)


def test_another_partition_is_not_asked_about(bench: Bench) -> None:
    bench.dataset()
    bench.mode.launch.partitions[Partition.VALIDATION].click()
    assert not bench.mode.launch.seal.isVisible()
    bench.box.start.click()
    assert [j.arguments["partition"] for j in bench.jobs] == ["validation"]
    assert not bench.box.start.isVisible()
    bench.wait(lambda: not bench.mode.running)


def test_what_is_changed_after_the_question_takes_it_back(bench: Bench) -> None:
    bench.dataset()
    bench.box.start.click()
    assert bench.box.asking
    bench.mode.launch.partitions[Partition.VALIDATION].click()
    assert not bench.box.asking


def test_an_evaluation_ends_in_its_report(bench: Bench) -> None:
    bench.dataset()
    write_made_up_report(Path(bench.mode.launch.to.text()))
    bench.box.start.click()
    bench.box.yes.click()
    bench.wait(lambda: bench.mode.report_view.isVisible())
    assert bench.mode.report_view.report is not None


def test_a_failure_is_told_and_another_try_is_free(bench: Bench) -> None:
    bench.dataset()
    bench.act = {"act": "user_error"}
    bench.mode.launch.partitions[Partition.VALIDATION].click()
    bench.box.start.click()
    bench.wait(lambda: not bench.mode.running)
    assert "hips.csv" in bench.box.problem.words
    assert bench.box.start.isEnabled()


def test_it_is_cancelled(bench: Bench) -> None:
    bench.dataset()
    bench.act = {"steps": 1000}
    bench.mode.launch.partitions[Partition.VALIDATION].click()
    bench.box.start.click()
    bench.wait(lambda: "of 1,000" in bench.box.stage.text())
    bench.box.cancel.click()
    bench.wait(lambda: not bench.mode.running)
    assert "cancelled" in bench.box.problem.words


def test_a_dataset_that_is_none_is_told(bench: Bench) -> None:
    (bench.folder / "empty").mkdir()
    bench.mode.open_dataset(bench.folder / "empty")
    bench.wait(lambda: bool(bench.mode.launch.dataset_notice.words))
    assert not bench.box.start.isEnabled()


def test_the_figures_of_a_report_and_its_alarm_first(bench: Bench) -> None:
    bench.open()
    view = bench.mode.report_view
    assert view.figures.alarm.words == "Does the hospital tell the label? The hospital alone tells it."
    assert view.figures.tiles["auc"]._value.text() == "0.913"
    assert view.figures.tiles["auc"]._interval.text() == "95 %: 0.873 to 0.953"
    assert view.figures.tiles["auc"]._count.text() == "n = 100 hips"
    view.figures.halving.setCurrentIndex(1)
    assert view.figures.tiles["auc"]._value.text() == "0.941"
    assert view.tabs.tabText(2) == "Checks  ✕ 1"
    assert "Opened 2 times" in view.checks.opening_words.text()
    names = [row.name for row in view.subgroups.chart.rows if not row.heading]
    assert names == ["All hips", "Garden I", "31-A2", "A", "B", "F"]
    view.subgroups.figure.setCurrentIndex(1)
    garden = next(row for row in view.subgroups.chart.rows if row.name == "Garden I")
    assert garden.numbers.endswith("n = 9")
    for page in range(view.tabs.count()):  # everything is painted once
        view.tabs.setCurrentIndex(page)
        assert not view.grab().isNull()


def test_reports_are_remembered(bench: Bench) -> None:
    report = bench.open()
    again = EvaluateMode(worker=bench.worker, tasks=bench.tasks, settings=bench.settings)
    bench.qtbot.addWidget(again)
    assert again.launch.recent.count() == 1
    assert again.launch.recent.item(0).data(Qt.ItemDataRole.UserRole) == report
    assert "AUC 0.913" in again.launch.recent.item(0).text()


def test_a_report_that_cannot_be_read_is_told_on_the_form(bench: Bench) -> None:
    bench.mode.open_report(bench.folder)
    bench.wait(lambda: "not the folder of a HipCAD report" in bench.box.problem.words)


def judging(bench: Bench, **how: Any) -> Path:
    report = bench.open(**how)
    bench.mode.report_view.tabs.setCurrentWidget(bench.judge)
    bench.wait(lambda: bench.judge.hip.has_picture and bench.judge.yes.isEnabled())
    return report


def press(bench: Bench, key: Qt.Key, *, answers: int) -> None:
    modifier = Qt.KeyboardModifier.ControlModifier if key == Qt.Key.Key_Z else Qt.KeyboardModifier.NoModifier
    QTest.keyClick(bench.judge, key, modifier)
    session = bench.judge._session
    bench.wait(lambda: len(session.answers(1)) == answers and not bench.judge._saving)
    bench.wait(lambda: bench.judge._shown is None or bench.judge.yes.isEnabled())


def test_judging_by_keys_with_undo(bench: Bench) -> None:
    report = judging(bench, found=3)
    order = [m.name for m in bench.judge._session.order(1)]
    press(bench, Qt.Key.Key_Y, answers=1)
    press(bench, Qt.Key.Key_N, answers=2)
    press(bench, Qt.Key.Key_Z, answers=1)
    assert bench.judge._shown.name == order[1]
    press(bench, Qt.Key.Key_Y, answers=2)
    press(bench, Qt.Key.Key_N, answers=3)
    assert bench.judge.result.isVisible()
    assert "Judge again from" in bench.judge.result.words.text()
    kept = [(j.heat_map, j.covered) for j in read_judgements(report)]
    assert kept == [(order[0], True), (order[1], False), (order[1], None), (order[1], True), (order[2], False)]
    press(bench, Qt.Key.Key_Z, answers=2)  # also from the page of results
    assert bench.judge._shown.name == order[2]


def test_the_second_round_comes_in_another_order_and_without_answers(bench: Bench) -> None:
    report = write_made_up_report(bench.folder / "report", found=3)
    old = datetime(2026, 1, 1, tzinfo=UTC).isoformat()
    reader = keys.text(bench.settings, keys.READER)
    lines = [{"reader": reader, "round": 1, "heat_map": n, "covered": True, "at_utc": old} for n in
             ("film000_L", "film001_R", "film002_L")]  # fmt: skip
    (report / "judgements.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    bench.mode.open_report(report)
    bench.wait(lambda: bench.judge._shown is not None)
    assert bench.judge.progress_words.text() == "Round 2:  0 of 3 judged"
    assert not bench.judge.result.isVisible()


def test_a_reader_is_needed_and_can_be_changed(bench: Bench) -> None:
    judging(bench, found=2)
    press(bench, Qt.Key.Key_Y, answers=1)
    bench.judge.set_reader("")
    assert "Say who judges" in bench.judge.result.words.text()
    bench.judge.set_reader("Dr. B")
    bench.wait(lambda: bench.judge.progress_words.text() == "Round 1:  0 of 2 judged")


def test_what_is_not_seen_is_not_judged(bench: Bench) -> None:
    report = write_made_up_report(bench.folder / "report", found=1)
    (report / "heatmaps" / "film000_L_overlay.jpg").unlink()
    bench.mode.open_report(report)
    bench.wait(lambda: bench.judge._shown is not None and not bench.judge.yes.isEnabled())
    QTest.keyClick(bench.judge, Qt.Key.Key_Y)
    assert read_judgements(report) == ()


def test_an_answer_that_cannot_be_kept_is_asked_again(bench: Bench) -> None:
    report = judging(bench, found=2)
    shown = bench.judge._shown
    (report / "judgements.jsonl").mkdir()
    QTest.keyClick(bench.judge, Qt.Key.Key_Y)
    bench.wait(lambda: "not kept" in bench.judge.notice.words)
    assert bench.judge._shown is shown


def test_a_report_without_heat_maps_says_so(bench: Bench) -> None:
    bench.open(found=0)
    bench.wait(lambda: "no heat maps to judge" in bench.judge.result.words.text())


def test_a_comparison_is_asked_of_the_worker(bench: Bench) -> None:
    report = bench.open()
    bench.act = {"act": "user_error"}
    bench.mode.compare_with(bench.folder / "other")
    assert bench.jobs[-1].kind == "compare"
    assert bench.jobs[-1].arguments == {
        "report_a": str(report),
        "report_b": str(bench.folder / "other"),
        "to": str(bench.folder / "report-against-other"),
    }
    bench.wait(lambda: "hips.csv" in bench.mode.report_view.compare.notice.words)
    assert bench.mode.report_view.compare.choose.isEnabled()


def test_words_of_the_seal() -> None:
    assert seal_words(()).startswith("Sealed: never opened.")
    assert seal_words(SEAL[:1]).startswith("Opened once, last 1 March 2026")
    assert "opening no. 1" in question_words((), "M")
    assert "settled" in question_words((), "M")
    assert "compare them on validation" in question_words(SEAL, "M")


def test_precision_is_held_between_two_recalls() -> None:
    drawn = steps_of(PrCurve((1.0, 0.5, 0.0), (0.4, 0.8, 1.0)))
    assert drawn == ((1.0, 0.4), (0.5, 0.4), (0.5, 0.8), (0.0, 0.8), (0.0, 1.0))


def test_free_names(tmp_path: Path) -> None:
    assert free(tmp_path / "a.b") == tmp_path / "a.b"
    (tmp_path / "a.b").mkdir()
    assert free(tmp_path / "a.b") == tmp_path / "a.b-2"


def test_the_window_has_the_mode(empty_window: MainWindow, qtbot: QtBot) -> None:
    empty_window.actions_by_name["mode_evaluate"].trigger()
    mode = empty_window.modes.mode("mode_evaluate")
    qtbot.waitUntil(lambda: isinstance(mode._model, ModelFile), timeout=20_000)
    assert mode.isVisible()
