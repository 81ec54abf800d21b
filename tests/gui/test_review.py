"""Several readers: blinded, then open; agreement, adjudication by keys, the trail, readings sent and merged."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog, QInputDialog, QLabel, QMessageBox

from hipcad_desktop.domain.anatomy import FractureType
from hipcad_desktop.domain.annotation import Answer, Finding, Reading, Verdict
from hipcad_desktop.domain.geometry import Rectangle
from hipcad_desktop.gui.dialogs.summary import SummaryDialog
from hipcad_desktop.gui.sign_in import SignIn
from hipcad_desktop.store.readings import CONSENSUS, Author, current_reading
from hipcad_desktop.workflows.annotate import Session
from hipcad_desktop.workflows.exchange_readings import send_readings
from hipcad_desktop.workflows.open_project import list_films, open_project
from hipcad_desktop.workflows.reader_study import end_blinded_phase
from tests.gui.conftest import READER, Desk

OTHER = "B. Surgeon"


def broken(x: float, kind: FractureType) -> Answer:
    return Answer(Verdict.FRACTURE, (Finding(Rectangle(x, 60, 30, 40), kind),))


@pytest.fixture
def project_folder(project_folder: Path) -> Path:
    """Two readers: film 0 in type, 1 in verdict, 2 in place, 3 not at all different."""
    with open_project(project_folder) as project:
        films = [f.film_id for f in list_films(project, reader=READER)]
        one, two = Session(project, reader=READER), Session(project, reader=OTHER)
        none = Answer(Verdict.NO_FRACTURE)
        for session, answers in (
            (
                one,
                (
                    broken(30, FractureType.GARDEN_I),
                    broken(30, FractureType.AO_31_A1),
                    broken(30, FractureType.AO_31_A2),
                    none,
                ),
            ),
            (two, (broken(30, FractureType.GARDEN_IV), none, broken(48, FractureType.AO_31_A2), none)),
        ):
            for film, answer in zip(films, answers, strict=True):
                session.save(film, answer)
        two.sign_all()
    return project_folder


@pytest.fixture
def opened(project_folder: Path) -> None:
    with open_project(project_folder) as project:
        end_blinded_phase(project, who=READER)


def review(desk: Desk) -> Any:
    desk.window.actions_by_name["mode_review"].trigger()
    mode = desk.window.modes.mode("mode_review")
    desk.wait(lambda: mode.facts is not None and mode.audit.table.rowCount() > 0)
    return mode


def words(widget: Any) -> str:
    return "\n".join(label.text() for label in widget.findChildren(QLabel))


def agreed(desk: Desk, row: int) -> Reading | None:
    desk.saved()
    with open_project(desk.folder) as project:
        reading = current_reading(project, desk.film(row), author=Author(CONSENSUS))
    return None if reading is None or reading.answer is None else reading


def disputes(desk: Desk) -> Any:
    mode = review(desk)
    mode.pages.setCurrentWidget(mode.disputes)
    desk.wait(lambda: mode.disputes.view.film is not None)
    return mode.disputes


def press(page: Any, key: Qt.Key) -> None:
    page.take_focus()
    QTest.keyClick(page.view, key)


def test_blinded_there_are_counts_and_no_answers(desk: Desk) -> None:
    mode = review(desk)
    said = words(mode.readers)
    assert f"{READER}  (you)" in said
    assert "4 of 4 read, 4 signed" in said
    for page in (mode.agreement, mode.disputes):
        assert not mode.pages.isTabEnabled(mode.pages.indexOf(page))
    assert mode.facts.disputes == ()
    cells = [mode.audit.table.item(y, x).text() for y in range(mode.audit.table.rowCount()) for x in range(8)]
    assert not [c for c in cells if "fracture" in c]
    assert not mode.audit.export.isEnabled()


def test_ending_the_blinded_phase_asks_and_cannot_be_undone(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    mode = review(desk)
    box = QMessageBox.StandardButton
    monkeypatch.setattr(QMessageBox, "question", lambda *_: box.Cancel)
    QTest.mouseClick(mode.readers.end, Qt.MouseButton.LeftButton)
    assert mode.readers.end.isVisible()
    monkeypatch.setattr(QMessageBox, "question", lambda *_: box.Yes)
    QTest.mouseClick(mode.readers.end, Qt.MouseButton.LeftButton)
    desk.wait(lambda: not mode.readers.end.isVisible())
    desk.wait(lambda: mode.pages.isTabEnabled(mode.pages.indexOf(mode.agreement)))


@pytest.mark.usefixtures("opened")
def test_agreement_in_numbers_and_pictures(desk: Desk) -> None:
    mode = review(desk)
    page = mode.agreement
    mode.pages.setCurrentWidget(page)
    assert page.films.text() == "4 films answered by both. They differ on 3."
    assert "n = 4" in page.kappas.accessibleDescription()
    assert sum(page.overlaps.counts) == 2
    assert page.overlaps.counts[9] == 1
    assert "2 pairs of rectangles" in page.overlap_words.text()
    desk.window.grab()


@pytest.mark.usefixtures("opened")
def test_both_rectangles_lie_on_the_film(desk: Desk) -> None:
    page = disputes(desk)
    assert page.list.rowCount() == 3
    both = page.view.grab().toImage()
    page.tool.show_readers(())
    assert page.view.grab().toImage() != both
    assert READER in page.bar.readers[0].text()
    assert "Garden IV" in page.bar.readers[1].text()


@pytest.mark.usefixtures("opened")
def test_adjudication_by_keys_goes_to_the_next_and_names_who_agreed(desk: Desk) -> None:
    page = disputes(desk)
    press(page, Qt.Key.Key_2)
    assert page.bar.choices["take_2"].isChecked()
    press(page, Qt.Key.Key_Return)
    desk.wait(lambda: page.list.currentRow() == 1)
    reading = agreed(desk, 0)
    assert reading is not None
    assert reading.adjudicators == (READER, OTHER)
    assert reading.answer is not None
    assert reading.answer.findings[0].fracture_type is FractureType.GARDEN_IV
    desk.wait(lambda: page.view.film is not None)
    press(page, Qt.Key.Key_N)
    press(page, Qt.Key.Key_Return)
    desk.wait(lambda: page.list.currentRow() == 2)
    reading = agreed(desk, 1)
    assert reading is not None
    assert reading.answer == Answer(Verdict.NO_FRACTURE)
    desk.wait(lambda: page.view.film is not None)
    press(page, Qt.Key.Key_3)
    press(page, Qt.Key.Key_Return)
    desk.wait(lambda: all(d.adjudicated is not None for d in page._disputes))
    reading = agreed(desk, 2)
    assert reading is not None
    assert reading.answer is not None
    assert len(reading.answer.findings) == 2


@pytest.mark.usefixtures("opened")
def test_the_agreed_rectangle_can_be_drawn(desk: Desk) -> None:
    page = disputes(desk)
    view = page.view

    def at(x: float, y: float) -> Any:
        sx, sy = view.camera.to_screen(x, y)
        return desk.at(0, 0).__class__(round(sx), round(sy))

    QTest.mousePress(view, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, at(120, 50))
    for x in (130, 140, 150):
        QTest.mouseMove(view, at(x, 90))
    QTest.mouseRelease(view, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, at(150, 90))
    assert page.bar.record.isEnabled()
    QTest.mouseClick(page.bar.record, Qt.MouseButton.LeftButton)
    desk.wait(lambda: page.list.currentRow() == 1)
    reading = agreed(desk, 0)
    assert reading is not None
    assert reading.answer is not None
    assert reading.answer.findings[0].rectangle.x == pytest.approx(120, abs=1)


@pytest.mark.usefixtures("opened")
def test_adjudication_needs_names_and_a_reason_the_second_time(desk: Desk) -> None:
    page = disputes(desk)
    page.bar.names.clear()
    press(page, Qt.Key.Key_1)
    press(page, Qt.Key.Key_Return)
    assert agreed(desk, 0) is None
    QTest.keyClicks(page.bar.names, "C. Chief")
    press(page, Qt.Key.Key_Return)
    desk.wait(lambda: page.list.currentRow() == 1)
    press(page, Qt.Key.Key_PageUp)
    desk.wait(lambda: page.list.currentRow() == 0 and page.view.film is not None)
    press(page, Qt.Key.Key_U)
    press(page, Qt.Key.Key_Return)
    assert page.ask.isVisible()
    QTest.keyClicks(page.ask.field, "CT came")
    QTest.keyClick(page.ask.field, Qt.Key.Key_Return)
    desk.wait(lambda: page._disputes[0].adjudicated == Answer(Verdict.UNSURE))
    reading = agreed(desk, 0)
    assert reading is not None
    assert (reading.adjudicators, reading.reason) == (("C. Chief",), "CT came")


@pytest.mark.usefixtures("opened")
def test_the_trail_is_verified_shown_and_written(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mode = review(desk)
    mode.pages.setCurrentWidget(mode.audit)
    QTest.mouseClick(mode.audit.verify, Qt.MouseButton.LeftButton)
    desk.wait(lambda: mode.audit.found.words.startswith("Whole"))
    rows = [[mode.audit.table.item(y, x).text() for x in range(8)] for y in range(mode.audit.table.rowCount())]
    assert rows[0][3] == "phase"
    assert [r for r in rows if r[6] == "fracture, 1 rectangle"]
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "audit.csv"), ""))
    QTest.mouseClick(mode.audit.export, Qt.MouseButton.LeftButton)
    desk.wait(lambda: (tmp_path / "audit.csv").is_file())
    with (tmp_path / "audit.csv").open(encoding="utf-8", newline="") as file:
        assert len(list(csv.reader(file))) == len(rows) + 1


def test_readings_are_sent_and_merged_with_the_conflicts(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mode = review(desk)
    with open_project(desk.folder):
        pass
    shutil.copytree(desk.folder, tmp_path / "home")
    with open_project(tmp_path / "home") as home:
        Session(home, reader=READER).save(desk.film(0), Answer(Verdict.UNSURE))
        send_readings(home, tmp_path / "home.hipcad-readings", reader=READER)
    desk.window.binding.save(desk.film(0), Answer(Verdict.NO_FRACTURE))
    desk.saved()
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "mine.hipcad-readings"), ""))
    desk.window.actions_by_name["send_readings"].trigger()
    desk.wait(lambda: (tmp_path / "mine.hipcad-readings").is_file())
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(tmp_path / "home.hipcad-readings"), ""))
    desk.window.actions_by_name["merge_readings"].trigger()
    desk.wait(lambda: bool(mode.readers.merged.words))
    assert "1 new revisions" in mode.readers.merged.words
    assert "1 film was changed on both sides" in mode.readers.merged.words
    assert mode.readers.conflicts.item(0, 0).text() == desk.window.state.films[0].file_name


def test_signing_in_offers_the_readers_that_are_known(desk: Desk) -> None:
    desk.window.actions_by_name["change_reader"].trigger()
    desk.wait(lambda: desk.window.findChild(SignIn) is not None)
    dialog = desk.window.findChild(SignIn)
    assert [dialog.list.item(y).text().split("\n")[0] for y in range(dialog.list.count())] == [READER, OTHER]
    assert dialog.name == READER
    QTest.keyClicks(dialog.field, "Consensus")
    assert not dialog.go.isEnabled()
    dialog.field.clear()
    dialog.list.setCurrentRow(1)
    QTest.mouseClick(dialog.go, Qt.MouseButton.LeftButton)
    desk.wait(lambda: desk.window.state.reader == OTHER)
    desk.wait(lambda: desk.window.state.signed_count() == 4)
    assert desk.window.top_bar.reader.text() == OTHER


def test_a_new_name_signs_in(desk: Desk) -> None:
    desk.window.actions_by_name["change_reader"].trigger()
    desk.wait(lambda: desk.window.findChild(SignIn) is not None)
    dialog = desk.window.findChild(SignIn)
    QTest.keyClicks(dialog.field, "C. Resident")
    QTest.keyClick(dialog.field, Qt.Key.Key_Return)
    desk.wait(lambda: desk.window.state.reader == "C. Resident")
    assert desk.window.state.read_count() == 0


def test_while_blinded_only_the_own_readings_leave(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "readings.csv"), ""))
    desk.window.actions_by_name["export_readings"].trigger()
    desk.wait(lambda: "written" in desk.window.statusBar().currentMessage())
    text = (tmp_path / "readings.csv").read_text("utf-8")
    assert "Garden I" in text
    assert "Garden IV" not in text


@pytest.mark.usefixtures("opened")
def test_cohort_tables_and_rectangles_leave_by_the_menu(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "paper").mkdir()
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(tmp_path / "paper"))
    desk.window.actions_by_name["cohort_tables"].trigger()
    desk.wait(lambda: (tmp_path / "paper" / "flow.png").is_file() and (tmp_path / "paper" / "cohort.csv").is_file())
    monkeypatch.setattr(QInputDialog, "getItem", lambda *_: ("COCO (one file)", True))
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "coco.json"), ""))
    desk.window.actions_by_name["export_annotations"].trigger()
    desk.wait(lambda: "rectangles on 4 films" in desk.window.statusBar().currentMessage())
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(tmp_path / "coco.json"), ""))
    desk.window.actions_by_name["import_annotations"].trigger()
    desk.wait(lambda: desk.window.findChild(SummaryDialog) is not None)
    summary = desk.window.findChild(SummaryDialog)
    assert summary.words.text().startswith("0 films have new rectangles")
    summary.reject()
