"""I disagree: to the open project's review queue, or to the computer's list, and there it is seen."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from hipcad_desktop.app.records import records_folder
from hipcad_desktop.domain.read_first import OwnAnswer
from hipcad_desktop.gui.diagnose.answers import FilmStatus
from hipcad_desktop.gui.diagnose.mode import DiagnoseMode
from hipcad_desktop.gui.main_window import MainWindow
from hipcad_desktop.gui.review.send_dispute import LOCAL, THERE
from hipcad_desktop.gui.worker_thread import Patience, Worker
from hipcad_desktop.workflows.open_project import open_project
from hipcad_desktop.workflows.program_disputes import DISPUTES_NAME, disputes_in, queue_file
from hipcad_desktop.workflows.reader_study import end_blinded_phase
from tests.fakes.diagnose_bench import FAKE, film_hash, write_film, write_model
from tests.fakes.project_films import middle
from tests.gui.conftest import READER, WAIT_MS, Desk

pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints")


def diagnosed(window: MainWindow, folder: Path, qtbot: QtBot, name: str = "a") -> DiagnoseMode:
    """Diagnosis mode of a window with one answered film."""
    window.modes._workers["mode_diagnose"] = Worker(command=FAKE, patience=Patience(), parent=window.modes)
    mode: DiagnoseMode = window.modes.mode("mode_diagnose")
    window.show_mode("mode_diagnose")
    mode.open_films([write_film(folder, name)])
    mode.open_model(write_model(folder / "one.hipcad"))
    wait(qtbot, lambda: bool(mode.queue.files) and mode.queue.status(mode.queue.files[0]) is FilmStatus.ANSWERED)
    wait(qtbot, lambda: bool(mode.stage.film_id))
    assert mode.disagree.isVisible()
    return mode


def wait(qtbot: QtBot, true: Callable[[], bool]) -> None:
    qtbot.waitUntil(true, timeout=WAIT_MS)


def say_the_opposite(mode: DiagnoseMode) -> None:
    """By the menu: the first entry that is not what the program says of the picture's left hip."""
    mode.disagree.fill()
    entries = [a for a in mode.disagree.menu.actions() if not a.isSeparator()]
    assert len(entries) == 4  # two hips, two answers each that are not the program's
    entries[0].trigger()


def test_without_a_project_it_goes_to_this_computers_list(
    empty_window: MainWindow, tmp_path: Path, qtbot: QtBot
) -> None:
    mode = diagnosed(empty_window, tmp_path, qtbot)
    say_the_opposite(mode)
    wait(qtbot, lambda: mode.disagree.notice.words == LOCAL)
    (dispute,) = disputes_in(records_folder() / DISPUTES_NAME)
    assert dispute.film_id == mode.stage.film_id
    assert dispute.reader == READER
    assert dispute.model_sha256 == (mode.queue.model.sha256 if mode.queue.model else "")
    assert dispute.own in OwnAnswer
    mode.queue.clear()
    assert not mode.disagree.isVisible()
    assert mode.disagree.notice.words == ""


def test_with_a_project_it_goes_to_its_review_queue(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hipcad_desktop.workflows.import_films.look", middle)
    window, films = desk.window, len(desk.window.state.films)
    mode = diagnosed(window, tmp_path, desk.qtbot)
    say_the_opposite(mode)
    desk.wait(lambda: bool(mode.disagree.notice.words))
    assert mode.disagree.notice.words == (
        f"Sent to the review queue of {window.state.name}: Review, Against the program. The film was added to the "
        "project."
    )
    desk.wait(lambda: len(window.state.films) == films + 1)
    say_the_opposite(mode)
    desk.wait(lambda: mode.disagree.notice.words == THERE)
    with open_project(desk.folder) as project:
        (dispute,) = disputes_in(queue_file(project))
    assert dispute.film_id == film_hash(str(tmp_path / "a.png"))
    check_review(desk, dispute.film_id)


def check_review(desk: Desk, film_id: str) -> None:
    window = desk.window
    window.show_mode("mode_review")
    review = window.modes.mode("mode_review")
    page = review.program
    desk.wait(lambda: review.facts is not None)
    assert not review.pages.isTabEnabled(review.pages.indexOf(page))  # other readers are blinded to it
    assert page.queue == ()
    window.binding.ask(
        "End", lambda project: end_blinded_phase(project, who=READER), done=lambda _: review.read_again()
    )
    desk.wait(lambda: len(page.queue) == 1)
    review.pages.setCurrentWidget(page)
    assert page.table.item(0, 0).text() == "a.png"
    assert page.table.item(0, 5).text() == "open"
    page.table.selectRow(0)
    assert page.look.isEnabled()
    page.look.click()
    assert window.state.current == film_id
    assert window.actions_by_name["mode_annotate"].isChecked()


def test_this_computers_list_is_taken_into_a_project(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hipcad_desktop.workflows.import_films.look", middle)
    window = desk.window
    window.commands.close_project()
    desk.wait(lambda: not window.state.is_open)
    mode = diagnosed(window, tmp_path, desk.qtbot)
    say_the_opposite(mode)
    desk.wait(lambda: mode.disagree.notice.words == LOCAL)
    with open_project(desk.folder) as project:
        end_blinded_phase(project, who=READER)
    window.commands.open_path(desk.folder)
    desk.wait(lambda: window.state.is_open)
    window.show_mode("mode_review")
    page = window.modes.mode("mode_review").program
    desk.wait(lambda: page.take.text() == "Take in this computer's list (1)")
    page.take.click()
    desk.wait(lambda: "1 wait: their films are not in this project" in page.notice.words)
    window.commands.import_paths([tmp_path / "a.png"])
    desk.wait(lambda: any(f.file_name == "a.png" for f in window.state.films))
    page.take.click()
    desk.wait(lambda: page.notice.words == "1 taken in, 0 were there already.")
    desk.wait(lambda: len(page.queue) == 1)
