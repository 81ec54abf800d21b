"""Diagnosis mode against a slow fake worker: an answer is only shown with the film, model and midline it is for."""

from __future__ import annotations

import json
import random
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from hipcad_desktop.domain.anatomy import ImageHalf, Side
from hipcad_desktop.domain.card_words import card_lines
from hipcad_desktop.domain.diagnosis import HipState
from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.geometry import Window
from hipcad_desktop.domain.metrics import Thresholds
from hipcad_desktop.gui.diagnose.answers import FilmAnswer, FilmStatus, HipAnswer, Question, film_answer
from hipcad_desktop.gui.diagnose.heat_maps import whole_heat
from hipcad_desktop.gui.diagnose.model_file import read_model_file
from tests.fakes.diagnose_bench import DiagnoseBench as Bench
from tests.fakes.diagnose_bench import film_hash, write_film, write_model
from tests.fakes.fake_worker import answer, fingerprint

# Of the offscreen platform, whenever a window's smallest size changes; no other platform says it.
pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints")


def test_every_film_gets_its_answer(bench: Bench) -> None:
    files = bench.open("a", "b", "c")
    bench.wait_all()
    for file in files:
        bench.mode.films.show_film(file)
        bench.wait_film(file)
        p = fingerprint(file, str(bench.folder / "one.hipcad"), None)
        right, left = bench.card_words
        assert right.startswith("R")
        assert f"p = {p:.3f}" in right
        assert left.startswith("L")
        assert f"p = {1 - p:.3f}" in left
        assert bench.mode.stage.view.midline_px == 50


def test_five_hundred_switches_with_a_slow_worker_mix_nothing_up(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_PAUSE_S", "0.03")
    monkeypatch.setenv("FAKE_DEAF", "1")  # late answers do come, and it is the window that must drop them
    bench = Bench(qtbot, tmp_path)
    files = bench.open(*(f"film{i}" for i in range(7)))
    models = [tmp_path / "one.hipcad", write_model(tmp_path / "two.hipcad")]
    draw = random.Random(20200414)
    seen = {"answers": 0, "old": 0}
    midlines: dict[str, list[float | None]] = {f: [None] for f in files}
    for _ in range(500):
        match draw.random():
            case x if x < 0.7:
                bench.mode.films.show_film(draw.choice(files))
            case x if x < 0.85:
                file, midline = draw.choice(files), draw.choice([None, 40.0, 60.0])
                midlines[file].append(midline)
                bench.mode.queue.set_midline(file, midline)
            case _:
                bench.mode.open_model(draw.choice(models))
        check_screen(bench, midlines, seen)
        qtbot.wait(draw.choice([0, 1, 5, 40]))
        check_screen(bench, midlines, seen)
    bench.wait_all()
    check_screen(bench, midlines, seen)
    assert seen["answers"] > 100
    assert seen["old"] > 20
    assert bench.mode.queue.dropped > 20
    bench.close()
    assert not bench.broken


def check_screen(bench: Bench, midlines: dict[str, list[float | None]], seen: dict[str, int]) -> None:
    """What stands on the screen belongs together, found from what is on the screen and in the files alone."""
    item = bench.mode.films.currentItem()
    file = item.toolTip()
    stage = bench.mode.stage
    if stage.film_id:
        assert stage.film_id == film_hash(file)
    model = bench.mode.queue.model
    if not bench.card_words or model is None:
        return
    entry = bench.mode.queue.entry(file)
    assert entry is not None
    words = bench.card_words[0]
    if "old answer" in words:
        seen["old"] += 1
        known = {
            f"p = {fingerprint(file, str(m), x):.3f}"
            for m in (bench.folder / "one.hipcad", bench.folder / "two.hipcad")
            for x in midlines[file]
        }
        assert any(p in words for p in known)
    else:
        seen["answers"] += 1
        assert f"p = {fingerprint(file, str(model.path), entry.midline_px):.3f}" in words


def test_dragging_the_midline_greys_at_once_and_asks_again(bench: Bench) -> None:
    (file,) = bench.open("a")
    bench.wait_film(file)
    bench.wait_all()
    view = bench.mode.stage.view
    x, _ = (round(v) for v in view.camera.to_screen(50, 40))
    y = view.height() // 2
    QTest.mousePress(view, Qt.MouseButton.LeftButton, pos=QPoint(x, y))
    QTest.mouseMove(view, QPoint(x + 60, y))
    assert all("old answer" in words for words in bench.card_words)
    QTest.mouseRelease(view, Qt.MouseButton.LeftButton, pos=QPoint(x + 60, y))
    entry = bench.mode.queue.entry(file)
    assert entry is not None
    assert entry.midline_px is not None
    assert entry.midline_px > 50
    assert all("old answer" in words for words in bench.card_words)
    bench.wait_all()
    assert not any("old answer" in words for words in bench.card_words)
    p = fingerprint(file, str(bench.folder / "one.hipcad"), entry.midline_px)
    assert f"p = {p:.3f}" in bench.card_words[0]
    assert view.midline_px == entry.midline_px


def test_a_refused_film_shows_a_sentence_and_no_number(bench: Bench) -> None:
    bench.open("refused-a")
    bench.wait_all()
    panel = bench.mode.panel
    assert panel.refusal.isVisible()
    assert panel.refusal_words == "No answer: the film is blank."
    assert bench.card_words == []
    assert bench.mode.stage.view.midline_px is None
    assert not bench.mode.stage.bar.original.isEnabled()


def test_warnings_are_shown(bench: Bench) -> None:
    bench.open("warned-a")
    bench.wait_all()
    assert bench.mode.panel.warnings.words == "A warning."


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("crash-a", "ended unexpectedly"),
        ("unreadable-a", "neither DICOM nor a"),
        ("user_error-a", "the dataset is damaged"),
        ("bug-a", "this is a bug"),
    ],
)
def test_a_failure_is_said_and_the_others_are_answered(bench: Bench, name: str, words: str) -> None:
    bad, good = bench.open(name, "good")
    bench.wait_all()
    assert bench.mode.queue.status(bad) is FilmStatus.FAILED
    assert bench.mode.queue.status(good) is FilmStatus.ANSWERED
    assert words in bench.mode.panel.failure.words
    assert bench.card_words == []
    bench.mode.films.show_film(good)
    assert len(bench.card_words) == 2
    assert bench.mode.panel.failure.words == ""


def test_a_hung_worker_is_said(qtbot: QtBot, tmp_path: Path) -> None:
    bench = Bench(qtbot, tmp_path, hung_after_s=1.0)
    bench.open("hang-a", "good")
    bench.wait_all()
    assert "did not answer" in bench.mode.panel.failure.words
    bench.close()


def test_try_again_asks_again(bench: Bench) -> None:
    (bad,) = bench.open("crash-a")
    bench.wait_all()
    bench.mode.panel.again.click()
    assert bench.mode.queue.status(bad) is FilmStatus.RUNNING
    bench.wait_all()


def test_another_model_greys_all_answers(bench: Bench) -> None:
    (file,) = bench.open("a")
    bench.wait_all()
    bench.mode.queue.set_model(read_model_file(write_model(bench.folder / "two.hipcad")))
    assert all("old answer" in words for words in bench.card_words)
    bench.wait_all()
    p = fingerprint(file, str(bench.folder / "two.hipcad"), None)
    assert f"p = {p:.3f}" in bench.card_words[0]


def test_without_a_model_it_says_what_to_do(bench: Bench) -> None:
    bench.open("a", model="")
    assert bench.mode.panel.waiting.text() == "Choose a model to get an answer."


def test_a_damaged_model_is_said_and_the_old_one_stays(bench: Bench) -> None:
    bench.open("a")
    (bench.folder / "bad.hipcad").write_bytes(b"no zip")
    bench.mode.open_model(bench.folder / "bad.hipcad")
    bench.wait(lambda: "not a HipCAD model package" in bench.mode.model_box.notice.words)
    assert bench.mode.queue.model is not None
    assert bench.mode.queue.model.card.name == "one"


def test_a_model_file_that_changed_under_us_is_said(bench: Bench) -> None:
    bench.open("a")
    bench.wait_all()
    write_model(bench.folder / "one.hipcad", limits="changed")
    bench.mode.queue.set_midline(bench.mode.queue.files[0], 30.0)
    bench.wait_all()
    assert "Choose the model again" in bench.mode.panel.failure.words


def test_a_film_that_changed_after_it_was_shown_gets_no_answer(bench: Bench) -> None:
    (file,) = bench.open("a", model="")
    bench.wait_film(file)
    write_film(bench.folder, "other").replace(file)
    bench.mode.open_model(write_model(bench.folder / "one.hipcad"))
    bench.wait(lambda: "content changed" in bench.mode.panel.failure.words)
    assert bench.card_words == []


def test_keys_show_the_original_and_the_pair(bench: Bench) -> None:
    (file,) = bench.open("a")
    bench.wait_film(file)
    bench.wait_all()
    stage, view = bench.mode.stage, bench.mode.stage.view
    QTest.keyClick(view, Qt.Key.Key_O)
    assert stage.bar.original.isChecked()
    QTest.keyPress(bench.mode.films, Qt.Key.Key_O)
    assert not stage.bar.original.isChecked()
    time.sleep(0.4)  # held, so letting go takes it back
    QTest.keyRelease(bench.mode.films, Qt.Key.Key_O)
    assert stage.bar.original.isChecked()
    QTest.keyClick(view, Qt.Key.Key_S)
    assert stage.pair.isVisible()
    QTest.keyClick(stage.pair.views[0], Qt.Key.Key_S)
    assert view.isVisible()


def test_the_list_names_each_state_in_words(bench: Bench) -> None:
    bench.open("a", "refused-b")
    bench.wait_all()
    said = [
        str(bench.mode.films.item(row).data(Qt.ItemDataRole.AccessibleDescriptionRole))
        for row in range(bench.mode.films.count())
    ]
    assert said[0].startswith("R ")
    assert ", L " in said[0]
    assert said[1] == "no answer: out of scope"


def test_clearing_the_list_leaves_nothing(bench: Bench) -> None:
    bench.open("a", "b")
    bench.wait_all()
    bench.mode.queue.clear()
    assert bench.mode.films.count() == 0
    assert bench.mode.stage.film_id == ""
    assert bench.card_words == []


def test_model_card_words(tmp_path: Path) -> None:
    lines = dict(card_lines(read_model_file(write_model(tmp_path / "m.hipcad")).card))
    assert lines["States"] == "no fracture below 0.250, fracture from 0.750, doubt between"
    assert lines["Notice"].startswith("Research use only")
    assert lines["Probability"].startswith("p is the network's own")
    assert lines["Halving"].startswith("midline: each window reaches 0.100")


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (None, ErrorCode.FILE_MISSING),
        ({"schema": 99}, ErrorCode.MODEL_PACKAGE_NEWER),
        ({"schema": 1}, ErrorCode.MODEL_PACKAGE_DAMAGED),
        ("text", ErrorCode.MODEL_PACKAGE_DAMAGED),
    ],
)
def test_bad_model_files(tmp_path: Path, content: object, code: ErrorCode) -> None:
    path = tmp_path / "m.hipcad"
    if content is not None:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("card.json", json.dumps(content))
    with pytest.raises(UserError) as raised:
        read_model_file(path)
    assert raised.value.code is code


def test_an_answer_to_another_question_is_none(tmp_path: Path) -> None:
    file, model = str(write_film(tmp_path, "a")), str(write_model(tmp_path / "m.hipcad"))
    facts = answer(file, model, None)
    sha256 = facts["model"]["sha256"]
    assert film_answer(Question(file, sha256, None), facts, Thresholds(0.2, 0.8)).hips[0].side is Side.RIGHT
    for question in (Question("other", sha256, None), Question(file, "other", None)):
        with pytest.raises(ValueError, match="another question"):
            film_answer(question, facts, Thresholds(0.2, 0.8))


def test_overlapping_heat_maps_keep_the_larger_value() -> None:
    def hip(side: Side, half: ImageHalf, x0: float, x1: float) -> HipAnswer:
        return HipAnswer(side, half, 0.5, HipState.DOUBT, Window(x0, x1), "")

    hips = (hip(Side.RIGHT, ImageHalf.LEFT, 0, 60), hip(Side.LEFT, ImageHalf.RIGHT, 40, 100))
    said = FilmAnswer(Question("f", "m", None), "", "", 50.0, hips, (), "m", Thresholds(0.2, 0.8), 0.0)
    heat = {Side.RIGHT: np.full((6, 6), 10, np.uint8), Side.LEFT: np.full((6, 6), 20, np.uint8)}
    found = whole_heat(said, heat)
    assert found is not None
    whole, window = found
    assert (window.x0, window.x1) == (0, 100)
    assert whole[0].tolist() == [10, 10, 10, 10, 20, 20, 20, 20, 20, 20]
