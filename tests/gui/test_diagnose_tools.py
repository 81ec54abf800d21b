"""Around an answer: second opinions that belong to it, a watched folder, the urgent first, answers saved."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from hipcad_desktop.domain.anatomy import Side
from hipcad_desktop.domain.diagnosis import HipState
from hipcad_desktop.domain.jobs import Artifact
from hipcad_desktop.domain.second_opinion import OpinionMethod
from hipcad_desktop.domain.triage import Urgency, place
from hipcad_desktop.gui.diagnose.answers import FilmStatus
from hipcad_desktop.gui.diagnose.urgency_order import urgency
from hipcad_desktop.workflows.diagnose import diagnose
from tests.fakes.diagnose_bench import DiagnoseBench as Bench
from tests.fakes.diagnose_bench import write_film
from tests.fakes.fake_worker import second_opinion
from tests.fakes.model_package import write_fake_package

pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints")


def click(widget: object) -> None:
    QTest.mouseClick(widget, Qt.MouseButton.LeftButton)  # type: ignore[call-overload]


def shown(bench: Bench, name: str) -> str:
    """A film with its answer on the screen."""
    (file,) = bench.open(name)
    bench.wait_film(file)
    bench.wait_all()
    return file


def test_a_second_opinion_comes_in_its_own_window_and_goes_with_its_film(bench: Bench) -> None:
    shown(bench, "a")
    card = bench.mode.opinions
    card.method.setCurrentIndex(card.method.findData(OpinionMethod.OCCLUSION.value))
    click(card.buttons[Side.LEFT])
    assert not card.buttons[Side.LEFT].isVisible()
    assert card.cancel.isVisible()
    bench.wait(lambda: card.shown is not None)
    assert card.shown is not None
    assert "L: occlusion. Research use only" in card.shown.windowTitle()
    bench.wait(lambda: card.buttons[Side.LEFT].isVisible())
    bench.mode.queue.set_midline(str(bench.folder / "a.png"), 60.0)  # the answer it explains is old now
    bench.wait(lambda: card.shown is None)


def test_a_second_opinion_is_cancelled_and_the_worker_goes_on(bench: Bench) -> None:
    shown(bench, "deaf-a")
    card = bench.mode.opinions
    click(card.buttons[Side.RIGHT])
    click(card.cancel)
    assert card.buttons[Side.RIGHT].isVisible()
    assert card.shown is None
    bench.wait(lambda: not bench.worker.busy)
    assert card.shown is None
    click(card.buttons[Side.RIGHT])
    bench.wait(lambda: card.shown is not None)


def test_an_opinion_on_another_film_model_or_window_is_never_shown(bench: Bench) -> None:
    file = shown(bench, "a")
    card = bench.mode.opinions
    arguments = {
        "file": file,
        "model": str(bench.folder / "one.hipcad"),
        "midline_px": None,
        "side": "R",
        "method": "occlusion",
    }
    facts = second_opinion(arguments)
    for change in ({"film_id": "0" * 64}, {"model_sha256": "0" * 64}, {"window_px": [0.0, 59.0]}, {"side": "L"}):
        card._job, card._side = "mine", Side.RIGHT
        card._on_event(Artifact("mine", "second_opinion", "", facts | change))
        assert card.shown is None
    assert card.dropped == 4
    card._on_event(Artifact("somebody's", "second_opinion", "", facts))
    assert card.shown is None
    card._on_event(Artifact("mine", "second_opinion", "", facts))
    assert card.shown is not None
    card._job = ""


def test_a_failed_opinion_says_why(bench: Bench) -> None:
    shown(bench, "a")
    card = bench.mode.opinions
    card._job = "mine"
    from hipcad_desktop.domain.jobs import Failed

    card._on_event(Failed("mine", "second_opinion_not_installed", {"module": "captum"}))
    assert card.notice.isVisible()
    assert card.buttons[Side.RIGHT].isVisible()


def test_a_refused_film_offers_no_second_opinion(bench: Bench) -> None:
    shown(bench, "refused-a")
    assert not bench.mode.opinions.isVisible()


def test_a_watched_folder_brings_films_the_urgent_first(bench: Bench, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for name in ("a", "b", "refused-c", "unreadable-d", "e"):
        write_film(folder, name)
    bench.mode.open_model(bench_model(bench))
    bench.wait(lambda: bench.mode.queue.model is not None)
    bench.mode.folder.begin(folder)
    assert bench.mode.folder.watching
    bench.wait(lambda: len(bench.mode.queue.files) == 5)
    bench.wait_all()
    queue = bench.mode.queue

    def order() -> list[tuple[int, float]]:
        files = [bench.mode.films.item(i).toolTip() for i in range(bench.mode.films.count())]
        found = []
        for file in files:
            entry = queue.entry(file)
            assert entry is not None
            found.append(place(urgency(entry, queue.status(file)), entry.arrived_s))
        return found

    bench.wait(lambda: order() == sorted(order()))
    kinds = [kind for kind, _ in order()]
    assert kinds[-2:] == [Urgency.REFUSED, Urgency.FAILED]
    write_film(folder, "late")
    bench.wait(lambda: len(queue.files) == 6)
    bench.mode.folder.end()
    assert not bench.mode.folder.watching


def bench_model(bench: Bench) -> Path:
    from tests.gui.test_diagnose_mode import write_model

    return write_model(bench.folder / "one.hipcad")


def test_a_changed_file_is_read_and_asked_again(bench: Bench, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    path = write_film(folder, "a")
    bench.mode.open_model(bench_model(bench))
    bench.mode.folder.begin(folder)
    bench.wait(lambda: bool(bench.mode.queue.files))
    bench.mode.films.show_film(str(path))
    bench.wait_film(str(path))
    bench.wait_all()
    path.write_bytes(write_film(tmp_path, "other").read_bytes())
    bench.wait_film(str(path))  # the film on the screen is the new one
    bench.wait_all()
    entry = bench.mode.queue.entry(str(path))
    assert entry is not None
    assert entry.answer is not None
    assert entry.answer.film_id == bench.mode.stage.film_id
    bench.mode.folder.end()


def test_the_list_goes_back_to_the_order_of_opening(bench: Bench) -> None:
    files = bench.open("refused-a", "b", "c", "d")
    bench.wait_all()
    bench.mode.films.show_film(files[1])
    bench.mode.films.set_urgent(True)
    assert bench.mode.films.item(3).toolTip() == files[0]
    assert bench.mode.films.currentItem().toolTip() == files[1]
    bench.mode.films.set_urgent(False)
    assert [bench.mode.films.item(i).toolTip() for i in range(4)] == files


def test_answers_are_saved_and_only_current_ones(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from hipcad_desktop.domain.progress import Watch
    from hipcad_desktop.domain.scope import FilmScope
    from hipcad_desktop.workflows import diagnose as workflow

    file = shown(bench, "a")
    monkeypatch.setattr(workflow, "look", lambda film: FilmScope(film.radiograph.size.width / 2, 1.0, None))
    model = write_fake_package(tmp_path / "real.hipcad")
    diagnose([file], model=model, to=tmp_path / "answers", watch=Watch())
    entry, save = bench.mode.queue.entry(file), bench.mode.save
    assert entry is not None
    assert entry.answer is not None
    assert save.written([file]) == []  # the fake worker writes no file
    entry.answer = replace(entry.answer, written=str(next((tmp_path / "answers").glob("*.json"))))
    save._enable()
    assert save.one.isEnabled()
    save.save([file], tmp_path / "saved", ("pdf", "png", "csv", "json"))
    bench.wait(lambda: save.notice.isVisible())
    assert sorted(p.suffix for p in (tmp_path / "saved").iterdir()) == [".csv", ".json", ".pdf", ".png"]
    (row,) = csv.DictReader(io.StringIO((tmp_path / "saved" / "answers.csv").read_text(), newline=""))
    assert row["file"] == file
    assert row["right_state"] in {s.value for s in HipState}
    bench.mode.queue.set_midline(file, 60.0)
    assert bench.mode.queue.status(file) is not FilmStatus.ANSWERED
    assert save.written([file]) == []  # an old answer is not saved


def test_a_batch_is_seen_to_run_ends_in_words_and_can_be_stopped(bench: Bench, tmp_path: Path) -> None:
    assert bench.mode.ask_batch() is None  # no model
    bench.mode.open_model(bench_model(bench))
    bench.wait(lambda: bench.mode.queue.model is not None)
    dialog = bench.mode.ask_batch()
    assert dialog is not None
    assert "Research use only" in dialog.windowTitle()
    assert not dialog.start.isEnabled()
    dialog.films.setText(str(tmp_path))
    dialog.to.setText(str(tmp_path / "to"))
    click(dialog.start)
    assert dialog.running
    assert not dialog.films.isEnabled()
    bench.wait(lambda: not dialog.running)
    assert "fracture: 2" in dialog.counts.text()
    assert "no fracture: 3" in dialog.counts.text()
    assert "4 films done, 1 kept" in dialog.notice._words.text()
    click(dialog.start)
    click(dialog.stop)
    bench.wait(lambda: not dialog.running)
    assert "what was answered is kept" in dialog.notice._words.text()
    click(dialog.start)
    dialog.close()  # stops it
    bench.wait(lambda: not bench.worker.busy)
