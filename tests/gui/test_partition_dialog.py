"""The form that divides a dataset, and the dialog that divides one again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from hipcad_desktop.domain.cohort import Partition, PartitionRule, PatientGroup
from hipcad_desktop.gui import theme
from hipcad_desktop.gui.dialogs.partition import PartitionDialog, PartitionForm
from hipcad_desktop.gui.tasks import Tasks
from hipcad_desktop.imaging.dataset_files import read_manifest, write_manifest
from tests.fakes.brightness_dataset import FlatFilm, write_flat_dataset

POPULATION = {
    f"P{i:04d}": PatientGroup(i % 2 == 0, 1 + (i < 10), frozenset({"North" if i < 60 else "South"})) for i in range(100)
}
WAIT_MS = 15000


@pytest.fixture
def form(qtbot: QtBot, qapp: QApplication) -> PartitionForm:
    theme.apply(qapp, "dark")
    made = PartitionForm()
    qtbot.addWidget(made)
    made.show()
    return made


def shown(form: PartitionForm) -> dict[str, list[int]]:
    """Partition -> patients, with fracture, films."""
    table = form.preview
    return {
        table.item(y, 0).text(): [int(table.item(y, x).text().replace(",", "")) for x in range(1, 4)]
        for y in range(table.rowCount())
    }


def tick(form: PartitionForm, *names: str, on: bool = True) -> None:
    for name in names:
        form.hospitals[name].setChecked(on)


def test_before_the_patients_are_known_the_form_can_be_used(form: PartitionForm) -> None:
    assert form.rule() == PartitionRule(0.15, 0.15)
    assert not form.preview.isVisible()
    assert not form.hospitals
    form.validation.setValue(60)
    form.test.setValue(40)
    assert form.rule() is None
    assert "Nothing is left to train on" in form.trouble.words


def test_what_comes_of_it_is_shown_at_once(form: PartitionForm) -> None:
    form.show_population(POPULATION)
    assert shown(form)["Test"] == [16, 8, shown(form)["Test"][2]]
    assert sum(numbers[2] for numbers in shown(form).values()) == 110
    before = shown(form)
    form.seed.setValue(7)
    assert sum(numbers[0] for numbers in shown(form).values()) == 100
    form.test.setValue(30)
    assert shown(form)["Test"][0] == 30
    assert form.trouble.words == ""
    form.test.setValue(0)
    assert form.trouble.words == "The test partition has no patient with a fracture."
    assert form.rule() == PartitionRule(0.15, 0.0)
    form.test.setValue(30)
    assert shown(form) != before


def test_films_are_counted_instead_of_shares(form: PartitionForm) -> None:
    form.show_population(POPULATION)
    form.unit.setCurrentIndex(1)
    assert (form.validation.value(), form.test.value()) == (16, 16)
    assert form.validation.suffix() == " films"
    form.test.setValue(25)
    assert form.rule() == PartitionRule(16, 25)
    assert [numbers[2] for numbers in shown(form).values()] == [69, 16, 25]
    form.test.setValue(100)
    assert form.rule() is None
    assert "leaves nothing to train on" in form.trouble.words
    form.test.setValue(22)
    form.unit.setCurrentIndex(0)
    assert form.test.value() == 20


def test_a_held_out_hospital_becomes_the_test_partition(form: PartitionForm) -> None:
    form.show_population(POPULATION)
    assert [box.text() for box in form.hospitals.values()] == [
        "North  ·  60 patients, 70 films",
        "South  ·  40 patients, 40 films",
    ]
    tick(form, "South")
    assert form.test.value() == 0
    assert form.rule() == PartitionRule(0.15, 0, ("South",))
    assert shown(form)["Test"] == [40, 20, 40]
    form.test.setValue(10)
    assert shown(form)["Test"][0] == 46
    tick(form, "North")
    assert form.rule() is None
    assert "every patient is held out" in form.trouble.words
    form.test.setValue(0)
    tick(form, "North", "South", on=False)
    assert form.rule() == PartitionRule(0.15, 0.1)


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    films = [FlatFilm(f"P{i:04d}", 10 + i, 90 + i, broken="L" if i % 2 else "") for i in range(20)]
    write_flat_dataset(tmp_path / "D", films)
    manifest, entries = read_manifest(tmp_path / "D")
    write_manifest(tmp_path / "D", manifest, [replace(e, hospital="NS"[e.patient > "P0013"]) for e in entries])
    return tmp_path / "D"


@pytest.fixture
def tasks(qapp: QApplication) -> Iterator[Tasks]:
    made = Tasks()
    yield made
    made.close()


def opened(qtbot: QtBot, dataset: Path, tasks: Tasks) -> PartitionDialog:
    dialog = PartitionDialog(dataset, tasks)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
    qtbot.addWidget(dialog)
    dialog.show()
    qtbot.waitUntil(lambda: len(dialog.form.hospitals) == 2, timeout=WAIT_MS)
    return dialog


def test_a_dataset_is_partitioned_again_beside_the_old_one(qtbot: QtBot, dataset: Path, tasks: Tasks) -> None:
    dataset.with_name("D-2").mkdir()
    dialog = opened(qtbot, dataset, tasks)
    assert dialog.folder.text() == str(dataset.with_name("D-3"))
    tick(dialog.form, "S")
    with qtbot.waitSignal(dialog.partitioned, timeout=WAIT_MS) as told:
        dialog.start.click()
        assert not dialog.start.isEnabled()
    assert told.args == [dataset.with_name("D-3")]
    assert not dialog.isVisible()
    manifest, entries = read_manifest(dataset.with_name("D-3"), verify=True)
    assert manifest.rule == PartitionRule(0.15, 0, ("S",))
    assert all((e.hospital == "S") == (e.partition is Partition.TEST) for e in entries)


def test_what_is_wrong_is_said_and_the_form_stays(qtbot: QtBot, dataset: Path, tasks: Tasks) -> None:
    dialog = opened(qtbot, dataset, tasks)
    dialog.folder.setText(" ")
    dialog.start.click()
    assert "Choose a folder" in dialog.trouble.words
    dialog.folder.setText(str(dataset))
    dialog.start.click()
    qtbot.waitUntil(lambda: "not empty" in dialog.trouble.words, timeout=WAIT_MS)
    assert dialog.start.isEnabled()
    dialog.form.validation.setValue(90)
    dialog.form.test.setValue(90)
    assert not dialog.start.isEnabled()
    dialog.reject()
    assert not dialog.isVisible()


def test_a_folder_that_is_no_dataset_is_said(qtbot: QtBot, tmp_path: Path, tasks: Tasks) -> None:
    dialog = PartitionDialog(tmp_path, tasks)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
    qtbot.addWidget(dialog)
    dialog.show()
    qtbot.waitUntil(lambda: "not a dataset" in dialog.trouble.words, timeout=WAIT_MS)


def test_closing_while_it_counts_is_no_trouble(qtbot: QtBot, dataset: Path, tasks: Tasks) -> None:
    failed: list[object] = []
    tasks.broken.connect(failed.append)
    dialog = PartitionDialog(dataset, tasks)
    dialog.show()
    dialog.reject()
    done: list[int] = []
    tasks.pool("after", lambda: 1, done=done.append)
    tasks.pool("after", lambda: 2, done=done.append)
    qtbot.waitUntil(lambda: len(done) == 2, timeout=WAIT_MS)
    qtbot.wait(50)
    assert failed == []
