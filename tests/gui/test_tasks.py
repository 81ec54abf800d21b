"""Work beside the window: in order, newest only, cancelled, and silent after the end."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QThread
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.progress import Watch
from hipcad_desktop.gui.tasks import Tasks


@pytest.fixture
def tasks(qapp: QApplication) -> Iterator[Tasks]:
    tasks = Tasks()
    yield tasks
    tasks.close()


def test_project_calls_run_in_order_off_the_gui_thread(qtbot: QtBot, tasks: Tasks) -> None:
    ran, told, threads = [], [], set()

    def call(number: int) -> int:
        time.sleep(0.01 * (3 - number))
        threads.add(threading.get_ident())
        ran.append(number)
        return number

    def done(number: int) -> None:
        assert QThread.isMainThread()
        told.append(number)

    for number in range(3):
        tasks.project("count", lambda n=number: call(n), done=done)
    qtbot.waitUntil(lambda: told == [0, 1, 2])
    assert ran == [0, 1, 2]
    assert len(threads) == 1
    assert threading.get_ident() not in threads


def test_of_waiting_previews_only_the_newest_runs(qtbot: QtBot, tasks: Tasks) -> None:
    gate, ran, told = threading.Event(), [], []

    def call(number: int) -> int:
        gate.wait(5)
        ran.append(number)
        return number

    for number in range(10):
        tasks.latest("preview", lambda n=number: call(n), done=told.append)
    gate.set()
    qtbot.waitUntil(lambda: told == [0, 9])
    assert ran == [0, 9]
    tasks.latest("preview", lambda: call(10), done=told.append)
    qtbot.waitUntil(lambda: told == [0, 9, 10])


def test_work_tells_its_progress_and_can_be_cancelled(qtbot: QtBot, tasks: Tasks) -> None:
    steps: list[tuple[str, int, int]] = []
    failures: list[Exception] = []

    def call(watch: Watch) -> None:
        for done in range(1000):
            watch.step("count", done, 1000)
            watch.check("The count")
            time.sleep(0.002)

    with qtbot.waitSignal(tasks.work_started):
        work = tasks.work("Count", call, done=lambda _v: pytest.fail("it was cancelled"), failed=failures.append)
    work.progressed.connect(lambda *step: steps.append(step))
    qtbot.waitUntil(lambda: len(steps) > 1)
    with qtbot.waitSignal(work.ended):
        work.cancel()
    assert isinstance(failures[0], UserError)
    assert failures[0].code is ErrorCode.CANCELLED
    assert tasks.works() == []


def test_a_user_error_that_nobody_takes_is_told(qtbot: QtBot, tasks: Tasks) -> None:
    def call() -> None:
        raise UserError(ErrorCode.PROJECT_BUSY, path="p")

    with qtbot.waitSignal(tasks.failed) as told:
        tasks.project("Open", call)
    assert told.args[0] == "Open"


def test_a_bug_reaches_the_report(qtbot: QtBot, tasks: Tasks) -> None:
    with qtbot.waitSignal(tasks.broken) as told:
        tasks.pool("divide", lambda: 1 / 0)
    assert isinstance(told.args[0], ZeroDivisionError)


def test_closing_finishes_what_was_saved_and_tells_nothing_more(qtbot: QtBot, qapp: QApplication) -> None:
    tasks, saved, told = Tasks(), [], []
    for number in range(5):
        tasks.project("save", lambda n=number: saved.append(n), done=told.append)
    tasks.close()
    assert saved == [0, 1, 2, 3, 4]
    qtbot.wait(20)
    assert told == []
    tasks.project("late", lambda: saved.append(9))
    assert saved == [0, 1, 2, 3, 4]
