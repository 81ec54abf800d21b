"""The worklist: what is listed, in which order, with which words; thumbnails; everybody's progress."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from hipcad_desktop.domain.anatomy import FractureType, SideMap
from hipcad_desktop.domain.annotation import Answer, ExclusionReason, FilmFlag, Finding, Reading, Verdict
from hipcad_desktop.domain.diagnosis import Refusal, RefusalReason
from hipcad_desktop.domain.geometry import Rectangle
from hipcad_desktop.domain.radiograph import FilmId, PatientCode
from hipcad_desktop.gui.state.project_state import ProjectState
from hipcad_desktop.gui.worklist.rows import DATE, FILM, PATIENT, READING, TYPE
from hipcad_desktop.gui.worklist.worklist import Worklist
from hipcad_desktop.store.films import CohortFacts
from hipcad_desktop.workflows.open_project import open_project
from tests.fakes.project_films import write_film
from tests.gui.conftest import Desk

BOX = Rectangle(1.0, 1.0, 5.0, 5.0)
NAMES = ("IMG10.dcm", "IMG2.dcm", "股関節 ﾔﾏﾀﾞ.dcm", "d.png", "e.png", "f.png")


@dataclass(frozen=True)
class Film:
    film_id: FilmId
    file_name: str
    path: str
    patient: PatientCode
    reading: Reading | None = None
    refusal: Refusal | None = None
    width: int = 200
    height: int = 160
    kind: str = "PNG"
    midline_px: float | None = 100.0
    side_map: SideMap = field(default_factory=SideMap)
    cohort: CohortFacts = field(default_factory=CohortFacts)


def answers() -> list[Answer | None]:
    garden = Answer(Verdict.FRACTURE, (Finding(BOX, FractureType.GARDEN_III),), flags=frozenset({FilmFlag.PATHOLOGIC}))
    return [
        garden,
        Answer(Verdict.FRACTURE, (Finding(BOX),)),
        None,
        Answer(Verdict.NO_FRACTURE),
        Answer(Verdict.EXCLUDED, exclusion=ExclusionReason.OTHER),
        None,
    ]


@pytest.fixture
def state() -> ProjectState:
    return ProjectState()


@pytest.fixture
def worklist(qtbot: QtBot, state: ProjectState, tmp_path: Path, own_settings: Path) -> Iterator[Worklist]:
    made = Worklist(state)
    qtbot.addWidget(made)
    films = []
    for number, answer in enumerate(answers()):
        film_id = FilmId(f"{number:064x}")
        films.append(
            Film(
                film_id,
                NAMES[number],
                str(tmp_path / NAMES[number]),
                PatientCode(f"P{9998 + number:04d}"),
                None if answer is None else Reading(film_id, "A", 1, answer, "2026-01-01T00:00:00Z"),
                Refusal(RefusalReason.ONE_HIP_ONLY) if number == 5 else None,
                cohort=CohortFacts("病院 A" if number < 3 else "", study_date=f"2020010{9 - number}"),
            )
        )
    state.open(tmp_path, "A", films)
    made.resize(600, 400)
    made.show()
    yield made
    state.close()


def names(worklist: Worklist) -> list[str]:
    model = worklist.table.model()
    return [model.index(row, FILM).data() for row in range(model.rowCount())]


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("img", [0, 1]),
        ("やまだ", []),
        ("ヤマダ", [2]),  # half width in the name, full width typed
        ("股関節", [2]),
        ("病院", [0, 1, 2]),
        ("P10001", [3]),
        ("2020-01-05", [4]),
        ("病院 img2", [1]),
        ("  ", [0, 1, 2, 3, 4, 5]),
    ],
)
def test_words_are_looked_for_in_film_code_hospital_and_date(worklist: Worklist, text: str, rows: list[int]) -> None:
    worklist.search.setText(text)
    assert names(worklist) == [NAMES[r] for r in rows]


@pytest.mark.parametrize(
    ("status", "rows"), [("unread", [2, 5]), ("fracture", [0, 1]), ("no_fracture", [3]), ("excluded", [4])]
)
def test_films_of_one_status(worklist: Worklist, status: str, rows: list[int]) -> None:
    worklist.only.setCurrentIndex(worklist.only.findData(status))
    assert names(worklist) == [NAMES[r] for r in rows]
    assert f"{len(rows)} listed" in worklist.progress.text()


@pytest.mark.parametrize(
    ("trait", "rows"),
    [
        ("type Garden III", [0]),
        ("type 31-A1", []),
        ("untyped", [1]),
        ("flagged", [0]),
        ("flag pathologic", [0]),
        ("flag osteoarthritis", []),
        ("refused", [5]),
    ],
)
def test_films_of_one_trait(worklist: Worklist, trait: str, rows: list[int]) -> None:
    box = worklist.filters.trait
    box.setCurrentIndex(box.findData(trait))
    assert names(worklist) == [NAMES[r] for r in rows]


def test_the_film_looked_at_stays_listed_until_the_next_one(worklist: Worklist, state: ProjectState) -> None:
    worklist.only.setCurrentIndex(worklist.only.findData("unread"))
    worklist.step(1)
    assert state.current == state.films[2].film_id
    state.set_answer(state.films[2].film_id, Answer(Verdict.UNSURE))
    assert names(worklist) == [NAMES[2], NAMES[5]]
    worklist.next_unread()
    assert state.current == state.films[5].film_id
    assert names(worklist) == [NAMES[5]]
    assert worklist.table.currentIndex().row() == 0


def test_next_unread_goes_round_and_tells_when_there_is_none(
    qtbot: QtBot, worklist: Worklist, state: ProjectState
) -> None:
    seen = []
    for _ in range(3):
        worklist.next_unread()
        seen.append(state.row_of(state.current))
    assert seen == [2, 5, 2]
    state.set_answer(state.films[5].film_id, Answer(Verdict.UNSURE))
    with qtbot.waitSignal(worklist.all_read):
        worklist.next_unread()
    assert state.row_of(state.current) == 2


@pytest.mark.parametrize(
    ("column", "rows"),
    [
        (FILM, [3, 4, 5, 1, 0, 2]),  # IMG2 before IMG10
        (PATIENT, [0, 1, 2, 3, 4, 5]),  # P9999 before P10000
        (DATE, [5, 4, 3, 2, 1, 0]),
        (READING, [2, 5, 0, 1, 3, 4]),
        (TYPE, [1, 2, 3, 4, 5, 0]),
    ],
)
def test_columns_sort(worklist: Worklist, column: int, rows: list[int]) -> None:
    worklist.table.sortByColumn(column, Qt.SortOrder.AscendingOrder)
    assert names(worklist) == [NAMES[r] for r in rows]
    worklist.table.sortByColumn(-1, Qt.SortOrder.AscendingOrder)
    assert names(worklist) == list(NAMES)


def test_the_selection_follows_the_film_through_sorting_and_steps(worklist: Worklist, state: ProjectState) -> None:
    state.select(state.films[0].film_id)
    worklist.table.sortByColumn(FILM, Qt.SortOrder.DescendingOrder)
    worklist.step(1)
    assert state.row_of(state.current) == 1  # IMG2 comes after IMG10 now
    assert worklist.table.currentIndex().data() is not None
    assert worklist.table.currentIndex().row() == names(worklist).index("IMG2.dcm")


def test_an_answer_changes_the_words_of_its_row(worklist: Worklist, state: ProjectState) -> None:
    model = worklist.table.model()
    assert (model.index(2, READING).data(), model.index(0, TYPE).data()) == ("unread", "Garden III")
    state.set_answer(state.films[2].film_id, Answer(Verdict.NO_FRACTURE))
    state.set_answer(state.films[0].film_id, None)
    assert (model.index(2, READING).data(), model.index(0, TYPE).data()) == ("no fracture", "")


def test_chosen_columns_are_there_again_at_the_next_start(qtbot: QtBot, worklist: Worklist) -> None:
    actions = {a.text(): a for a in worklist.filters.view.menu().actions()}
    actions["Date"].setChecked(True)
    actions["Patient"].setChecked(False)
    again = Worklist(ProjectState())
    qtbot.addWidget(again)
    assert (again.table.isColumnHidden(DATE), again.table.isColumnHidden(PATIENT)) == (False, True)


def test_thumbnails_come_for_what_is_seen_and_are_kept(qtbot: QtBot, desk: Desk) -> None:
    worklist = desk.window.annotate.worklist
    worklist.show_thumbnails.setChecked(True)
    ids = [f.film_id for f in desk.window.state.films]
    desk.wait(lambda: all(worklist.thumbnails.picture(i) is not None for i in ids))
    desk.wait(lambda: not worklist.stop_making.isVisible())
    assert len(list((desk.folder / "cache" / "thumbnails").rglob("*.thumb"))) == 4
    picture = worklist.thumbnails.picture(ids[0])
    assert picture is not None
    assert picture.deviceIndependentSize().width() == 80
    desk.window.commands.close_project()
    assert worklist.thumbnails.picture(ids[0]) is None


def test_a_film_that_is_gone_leaves_its_place_empty(qtbot: QtBot, desk: Desk) -> None:
    worklist = desk.window.annotate.worklist
    films = desk.window.state.films
    Path(films[1].path).unlink()
    write_film(Path(films[2].path), 99)
    worklist.show_thumbnails.setChecked(True)
    desk.wait(lambda: worklist.thumbnails.picture(films[3].film_id) is not None)
    assert [worklist.thumbnails.picture(films[n].film_id) for n in (1, 2)] == [None, None]


def test_other_readers_are_shown_as_counts(desk: Desk) -> None:
    from hipcad_desktop.workflows.annotate import Session

    with open_project(desk.folder) as project:
        Session(project, reader="B. Surgeon").save(desk.film(0), Answer(Verdict.UNSURE))
    desk.window.binding.read_worklist()
    counts = desk.window.annotate.worklist.counts
    desk.wait(lambda: counts.others == {"B. Surgeon": 1})
