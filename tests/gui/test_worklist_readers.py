"""The other readers' columns of the worklist: nothing while blinded, one each afterwards."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QIcon

from hipcad_desktop.domain.annotation import Answer, Verdict
from hipcad_desktop.gui.worklist.rows import COLUMNS, FILM
from hipcad_desktop.gui.worklist.worklist import Worklist
from hipcad_desktop.workflows.annotate import Session
from hipcad_desktop.workflows.open_project import open_project
from hipcad_desktop.workflows.reader_study import end_blinded_phase
from tests.gui.conftest import READER, Desk

OTHER, THIRD = "B. Surgeon & son", "C. 医師"
ITS = len(COLUMNS)


def read_by_others(desk: Desk, *, end: bool) -> None:
    with open_project(desk.folder) as project:
        other = Session(project, reader=OTHER)
        other.save(desk.film(0), Answer(Verdict.UNSURE))
        other.save(desk.film(1), Answer(Verdict.NO_FRACTURE))
        other.sign(desk.film(1))
        Session(project, reader=THIRD).save(desk.film(2), Answer(Verdict.NO_FRACTURE))
        Session(project, reader=READER).save(desk.film(3), Answer(Verdict.UNSURE))
        if end:
            end_blinded_phase(project)


def heads(worklist: Worklist) -> list[str]:
    model = worklist.table.model()
    return [model.headerData(c, Qt.Orientation.Horizontal) for c in range(model.columnCount())]


def words(worklist: Worklist, column: int) -> list[str]:
    model = worklist.table.model()
    return [model.index(row, column).data() for row in range(model.rowCount())]


def entries(worklist: Worklist) -> dict[str, QAction]:
    return {a.text(): a for a in worklist.filters.view.menu().actions()}


@pytest.fixture
def worklist(desk: Desk) -> Worklist:
    """After the blinded phase, with both columns."""
    read_by_others(desk, end=True)
    desk.window.binding.read_worklist()
    found = desk.window.annotate.worklist
    desk.wait(lambda: len(heads(found)) == ITS + 2)
    return found


def test_blinded_readers_see_no_column(desk: Desk) -> None:
    read_by_others(desk, end=False)
    asked: list[object] = []
    worklist = desk.window.annotate.worklist
    show = worklist.show_others
    worklist.show_others = lambda statuses: (asked.append(statuses), show(statuses))  # type: ignore[method-assign]
    desk.window.binding.read_worklist()
    desk.wait(lambda: bool(asked))
    assert asked == [{}]
    assert heads(worklist) == list(COLUMNS)
    assert "B. Surgeon && son" not in entries(worklist)


def test_columns_come_when_the_worklist_is_shown_after_the_end(desk: Desk) -> None:
    read_by_others(desk, end=True)
    worklist = desk.window.annotate.worklist
    worklist.hide()
    worklist.show()
    desk.wait(lambda: heads(worklist)[ITS:] == [OTHER, THIRD])


def test_each_other_reader_has_a_column_of_words_and_icons(desk: Desk, worklist: Worklist) -> None:
    assert heads(worklist) == [*COLUMNS, OTHER, THIRD]
    assert words(worklist, ITS) == ["unsure", "no fracture ✓", "unread", "unread"]
    assert words(worklist, ITS + 1) == ["unread", "unread", "no fracture", "unread"]
    model = worklist.table.model()
    icon = model.index(1, ITS).data(Qt.ItemDataRole.DecorationRole)
    assert isinstance(icon, QIcon)
    assert not icon.isNull()
    assert model.index(1, ITS).data(Qt.ItemDataRole.ToolTipRole) == f"{OTHER}: no fracture, signed"
    assert worklist.table.currentIndex().row() == 0, "the film looked at stays selected"


def test_a_column_is_hidden_and_stays_so(desk: Desk, worklist: Worklist) -> None:
    assert not worklist.table.isColumnHidden(ITS)
    entries(worklist)["B. Surgeon && son"].setChecked(False)
    assert worklist.table.isColumnHidden(ITS)
    assert not worklist.table.isColumnHidden(ITS + 1)
    desk.window.commands.close_project()
    assert heads(worklist) == list(COLUMNS)
    assert THIRD not in entries(worklist)
    desk.window.commands.open_path(desk.folder)
    desk.wait(lambda: len(heads(worklist)) == ITS + 2)
    assert [worklist.table.isColumnHidden(c) for c in (FILM, ITS, ITS + 1)] == [False, True, False]
    entries(worklist)["B. Surgeon && son"].setChecked(True)
    assert not worklist.table.isColumnHidden(ITS)


def test_a_reader_column_sorts_and_may_go(desk: Desk, worklist: Worklist) -> None:
    names = words(worklist, FILM)
    worklist.table.sortByColumn(ITS, Qt.SortOrder.AscendingOrder)
    assert words(worklist, ITS) == ["unread", "unread", "no fracture ✓", "unsure"]
    worklist.show_others({})
    assert words(worklist, FILM) == names
    assert heads(worklist) == list(COLUMNS)


def test_another_reader_sees_the_first_one(desk: Desk, worklist: Worklist) -> None:
    desk.window.binding.change_reader(OTHER)
    desk.wait(lambda: heads(worklist)[ITS:] == [READER, THIRD])
    assert words(worklist, ITS) == ["unread", "unread", "unread", "unsure"]


def test_the_history_is_read_after_opening(desk: Desk) -> None:
    desk.window.binding.save(desk.film(0), Answer(Verdict.UNSURE))
    desk.saved()
    desk.window.commands.close_project()
    desk.window.commands.open_path(desk.folder)
    desk.wait(lambda: desk.window.state.can_undo)
    assert not desk.window.state.can_redo


def test_a_second_round_shows_nobodys_first_answers(desk: Desk, worklist: Worklist) -> None:
    from hipcad_desktop.workflows.reader_study import statuses

    with open_project(desk.folder) as project:
        said = statuses(project)
    desk.window.state.round = 2
    worklist.show_others(said)
    assert len(heads(worklist)) == ITS
    desk.window.state.round = 1
    worklist.show_others(said)
    assert len(heads(worklist)) == ITS + 2
