"""The import dialog: what is chosen is what is asked; progress, cancel, failure, and the report that is kept."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtWidgets import QFileDialog

from hipcad_desktop.gui.dialogs.import_films import ImportDialog
from hipcad_desktop.gui.dialogs.summary import ImportReport
from hipcad_desktop.gui.worklist.rows import hospital_of
from tests.fakes.project_films import write_films
from tests.gui.conftest import Desk


def asked(desk: Desk, *paths: Path) -> ImportDialog:
    desk.window.commands.ask_import(paths)
    dialog = desk.window.findChild(ImportDialog)
    assert dialog is not None
    return dialog


def test_films_are_imported_with_hospital_patients_and_copies(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    films = write_films(tmp_path / "more", 6)[4:]
    (tmp_path / "more" / "notes.txt").write_text("no film")
    table = tmp_path / "patients.csv"
    table.write_text("file,patient\nfilm4.png,one\nfilm5.png,one\n")
    dialog = asked(desk, *films)
    dialog.add([films[0], tmp_path / "more" / "notes.txt"])
    assert dialog.sources.count() == 3  # each once
    dialog.hospital.setEditText(" 病院 A ")
    dialog.patients.setText(str(table))
    dialog.copy_films.setChecked(True)
    dialog.start.click()
    desk.wait(lambda: desk.window.findChild(ImportReport) is not None)
    report = desk.window.findChild(ImportReport)
    assert "2 films imported." in report.words.text()
    assert report.table.item(0, 0).text() == "notes.txt"
    new = desk.window.state.films[4:]
    assert {hospital_of(f) for f in new} == {"病院 A"}
    assert len({f.patient for f in new}) == 1
    assert len(list((desk.folder / "films").iterdir())) == 2
    target = tmp_path / "report.csv"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(target), ""))
    report.save.click()
    desk.wait(lambda: report.saved.isVisible())
    assert "notes.txt" in target.read_text("utf-8-sig")
    report.reject()


def test_a_failure_comes_back_to_the_form(desk: Desk, tmp_path: Path) -> None:
    dialog = asked(desk, *write_films(tmp_path / "more", 1))
    (tmp_path / "bad.csv").write_text("a,b\n")
    dialog.patients.setText(str(tmp_path / "bad.csv"))
    dialog.start.click()
    desk.wait(lambda: bool(dialog.trouble.words))
    assert "no table of patients" in dialog.trouble.words
    assert dialog.start.isVisible()
    dialog.reject()


def test_escape_cancels_the_import_and_keeps_what_was_taken(desk: Desk, tmp_path: Path) -> None:
    write_films(tmp_path / "more", 80)
    dialog = asked(desk, tmp_path / "more")
    dialog.start.click()
    dialog.reject()
    desk.wait(lambda: "Import cancelled" in desk.window.statusBar().currentMessage())
    assert len(desk.window.state.films) < 84
    desk.wait(lambda: not desk.window.work_bar.isVisible())


def test_nothing_chosen_cannot_be_imported(desk: Desk) -> None:
    dialog = asked(desk)
    assert not dialog.start.isEnabled()
    dialog.reject()
