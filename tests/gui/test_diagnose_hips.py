"""Diagnosis mode: squares about the hips, a hip refused alone, how the heat map is looked at, the model in the box."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QSettings, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel

from hipcad_desktop.domain.card_words import card_lines
from hipcad_desktop.gui.diagnose.mode import DiagnoseMode
from hipcad_desktop.gui.diagnose.model_file import read_model_file
from tests.fakes.diagnose_bench import DiagnoseBench as Bench
from tests.fakes.diagnose_bench import write_model
from tests.fakes.fake_worker import fingerprint

# Of the offscreen platform, whenever a window's smallest size changes; no other platform says it.
pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints")


def test_a_hip_with_metal_has_a_sentence_and_the_other_one_its_number(bench: Bench) -> None:
    (file,) = bench.open("metal-a")
    bench.wait_film(file)
    bench.wait_all()
    right, left = bench.mode.panel.cards
    p = fingerprint(file, str(bench.folder / "one.hipcad"), None)
    assert f"p = {p:.3f}" in right.words
    assert left.words == "L Out of scope"
    assert "No answer: metal." in [label.text() for label in left.findChildren(QLabel) if label.isVisible()]
    assert "p = " not in "".join(label.text() for label in left.findChildren(QLabel))
    said = bench.mode.films.item(0).data(Qt.ItemDataRole.AccessibleDescriptionRole)
    assert said.endswith(", L no answer")


def test_squares_are_drawn_and_shown_side_by_side_also_beyond_the_films_edge(bench: Bench) -> None:
    (file,) = bench.open("square-a")
    bench.wait_film(file)
    bench.wait_all()
    stage = bench.mode.stage
    halving = stage.view.halving
    assert halving is not None
    assert (halving.right.window.x1, halving.right.window.y1) == (105, 60)
    film = stage.view.film
    assert film is not None
    QTest.keyClick(stage.view, Qt.Key.Key_S)
    left, right = (view.picture for view in stage.pair.views)
    assert left is not None
    assert right is not None
    assert left.size == (30, 30)
    assert right.size == (40, 40)
    assert left.value_at(0, 0) == film.values[20, 10]
    assert right.value_at(39, 0) == film.values[20, 65]  # mirrored
    assert right.value_at(0, 0) == film.values.min()  # outside the film
    stage.hide_heat()
    assert stage.view.halving is None


def test_a_strip_is_not_framed(bench: Bench) -> None:
    (file,) = bench.open("a")
    bench.wait_film(file)
    bench.wait_all()
    assert bench.mode.stage.view.halving is None


def test_the_contour_and_the_colours_are_chosen_and_kept(bench: Bench, tmp_path: Path) -> None:
    (file,) = bench.open("a")
    bench.wait_film(file)
    bench.wait_all()
    bar = bench.mode.stage.bar
    QTest.keyClick(bench.mode.films, Qt.Key.Key_C)
    assert bar.contour.isChecked()
    settings = QSettings(str(tmp_path / "s.ini"), QSettings.Format.IniFormat)
    for chosen in ("Viridis", "Cividis"):
        mode = DiagnoseMode(worker=bench.worker, tasks=bench.tasks, settings=settings)
        bench.qtbot.addWidget(mode)
        mode.stage.bar.set_colours(chosen)
        again = DiagnoseMode(worker=bench.worker, tasks=bench.tasks, settings=settings)
        bench.qtbot.addWidget(again)
        assert again.stage.bar.colours == chosen
    bar.set_colours("no such colours")
    assert bar.colours == "Inferno"


def test_what_ships_is_used_but_not_kept_as_a_choice(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    box, own = write_model(tmp_path / "box.hipcad"), write_model(tmp_path / "own.hipcad")
    monkeypatch.setattr("hipcad_desktop.gui.diagnose.mode.default_model", lambda: box)
    settings = QSettings(str(tmp_path / "s.ini"), QSettings.Format.IniFormat)
    mode = DiagnoseMode(worker=bench.worker, tasks=bench.tasks, settings=settings)
    bench.qtbot.addWidget(mode)
    bench.wait(lambda: mode.queue.model is not None)
    assert mode.queue.model is not None
    assert mode.queue.model.path == box
    assert settings.value("model") is None
    mode.open_model(own)
    bench.wait(lambda: settings.value("model") == str(own))
    mode.open_model(box)
    bench.wait(lambda: settings.value("model") is None)


def test_model_card_words_of_squares_and_of_calibration(tmp_path: Path) -> None:
    path = write_model(tmp_path / "m.hipcad", halving="hip", temperature=1.5, calibrated_prevalence=0.25)
    lines = dict(card_lines(read_model_file(path).card))
    assert lines["Halving"].startswith("hip: a square about each hip")
    assert "among hips of which 25% are broken" in lines["Probability"]
