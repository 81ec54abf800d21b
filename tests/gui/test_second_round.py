"""A reader's second round from the window, and the table of disagreements."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog

from hipcad_desktop.domain.annotation import Answer, Verdict
from hipcad_desktop.workflows.annotate import Session
from hipcad_desktop.workflows.open_project import list_films, open_project
from hipcad_desktop.workflows.reader_study import end_blinded_phase, second_round
from tests.gui.conftest import READER, Desk

NONE = Answer(Verdict.NO_FRACTURE)


@pytest.fixture
def project_folder(project_folder: Path) -> Path:
    """The reader has read three films of four, another reader one of them differently."""
    with open_project(project_folder) as project:
        films = [f.film_id for f in list_films(project, reader=READER)]
        for film in films[:3]:
            Session(project, reader=READER).save(film, NONE)
        Session(project, reader="B. Surgeon").save(films[0], Answer(Verdict.UNSURE))
        end_blinded_phase(project, who=READER)
    return project_folder


def review(desk: Desk) -> Any:
    desk.window.actions_by_name["mode_review"].trigger()
    mode = desk.window.modes.mode("mode_review")
    desk.wait(lambda: mode.facts is not None and bool(mode.readers.second.words.text()))
    return mode


def test_it_waits_for_the_wash_out_time(desk: Desk) -> None:
    card = review(desk).readers.second
    assert "It may start at" in card.words.text()
    assert not card.start.isEnabled()
    assert not card.read.isVisible()
    card.days.setValue(0)
    assert card.start.isEnabled()


def test_it_is_started_read_and_left(desk: Desk) -> None:
    mode, state, bar = review(desk), desk.window.state, desk.window.annotate.round_bar
    card = mode.readers.second
    card.days.setValue(0)
    QTest.mouseClick(card.start, Qt.MouseButton.LeftButton)
    desk.wait(lambda: card.read.isVisible())
    assert "0 of 3 films" in card.words.text()
    assert "0 days, seed 20200414" in card.words.text()
    QTest.mouseClick(card.read, Qt.MouseButton.LeftButton)
    desk.wait(lambda: state.round == 2 and bar.isVisible())
    desk.shown()
    assert bar.words == "Second round"
    with open_project(desk.folder) as project:
        order = second_round(project, reader=READER)
    assert tuple(f.film_id for f in state.films) == order
    assert state.current == order[0]
    assert state.read_count() == 0
    desk.window.binding.save(order[0], Answer(Verdict.UNSURE))
    desk.saved()
    with open_project(desk.folder) as project:
        assert Session(project, reader=READER, round=2).answer(order[0]) == Answer(Verdict.UNSURE)
        assert Session(project, reader=READER).answer(order[0]) == NONE
    QTest.mouseClick(bar.back, Qt.MouseButton.LeftButton)
    desk.wait(lambda: state.round == 1 and len(state.films) == 4)
    assert not bar.isVisible()
    assert state.answer(order[0]) == NONE


def test_while_it_is_read_the_first_answers_are_not_shown(desk: Desk) -> None:
    mode = review(desk)
    index = mode.pages.indexOf(mode.disputes)
    desk.wait(lambda: mode.pages.isTabEnabled(index))
    mode.start_second_round(0, 1)
    mode.read_second_round()
    desk.wait(lambda: desk.window.state.round == 2)
    review(desk)
    desk.wait(lambda: not mode.audit.export.isEnabled())
    assert not mode.pages.isTabEnabled(index)


def test_disagreements_are_written(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mode = review(desk)
    mode.pages.setCurrentWidget(mode.disputes)
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "d.csv"), ""))
    QTest.mouseClick(mode.disputes.save_csv, Qt.MouseButton.LeftButton)
    desk.wait(lambda: (tmp_path / "d.csv").is_file())
    rows = (tmp_path / "d.csv").read_text("utf-8").splitlines()
    assert len(rows) == 2
    assert "B. Surgeon" in rows[1]
