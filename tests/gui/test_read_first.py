"""Read first in the window: nothing of an answer is seen before the own one is locked; the change of mind is kept."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from hipcad_desktop.app.records import records_folder
from hipcad_desktop.domain.anatomy import Side
from hipcad_desktop.domain.change_of_mind import Towards
from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.read_first import Case, HipReading, OwnAnswer
from hipcad_desktop.gui import settings as keys
from hipcad_desktop.gui.diagnose.answers import FilmStatus
from hipcad_desktop.gui.diagnose.mode import DiagnoseMode
from hipcad_desktop.gui.diagnose.read_first_summary import ReadFirstSummaryDialog
from hipcad_desktop.workflows import journal as journal_file
from hipcad_desktop.workflows.read_first import READ_FIRST_NAME, ReadFirst, summary_of
from tests.fakes.diagnose_bench import DiagnoseBench, film_hash, write_model
from tests.fakes.fake_worker import fingerprint

pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints")
ANSWERS = list(OwnAnswer)


class Bench(DiagnoseBench):
    """With the switch on, and hands on the card."""

    def begin(self, *names: str) -> list[str]:
        self.mode.first.switch.setChecked(True)
        files = self.open(*names)
        self.wait(lambda: all(self.mode.queue.answers_now(f) for f in files))
        self.wait(lambda: self.mode.first.gate.ready)
        return files

    def look_at(self, file: str) -> None:
        self.mode.films.show_film(file)
        self.wait_film(file)

    def choose(self, right: tuple[OwnAnswer, int], left: tuple[OwnAnswer, int]) -> None:
        for row, (answer, confidence) in zip(self.mode.first.rows, (right, left), strict=True):
            row.answers.button(ANSWERS.index(answer)).click()
            row.confidences.button(confidence).click()

    def case(self, file: str) -> Case | None:
        return self.mode.first.gate.case(film_hash(file))

    def lock(self, file: str) -> None:
        self.look_at(file)
        self.choose((OwnAnswer.FRACTURE, 4), (OwnAnswer.UNSURE, 1))
        self.mode.first.lock.click()
        self.wait(lambda: self.mode.queue.status(file) is FilmStatus.ANSWERED)

    def seen(self) -> str:
        """Whatever the screen says of any answer: cards, list, heat map, what could be saved."""
        roles = Qt.ItemDataRole.AccessibleDescriptionRole
        listed = [str(self.mode.films.item(row).data(roles)) for row in range(self.mode.films.count())]
        said = [*self.card_words, *(words for words in listed if words.startswith("R "))]
        if self.mode.stage.bar.original.isEnabled():
            said.append("heat map")
        if self.mode.opinions.isVisible() or self.mode.disagree.isVisible():
            said.append("second opinion")
        if self.mode.save.written(self.mode.queue.files):
            said.append("answers to save")
        return "; ".join(said)


@pytest.fixture
def bench(qtbot: QtBot, tmp_path: Path) -> Iterator[Bench]:
    made = Bench(qtbot, tmp_path)
    yield made
    made.close()
    assert not made.broken


def records() -> Path:
    return records_folder() / READ_FIRST_NAME


def test_nothing_is_seen_before_the_own_answer_is_locked(bench: Bench) -> None:
    first, second = bench.begin("a", "b")
    bench.look_at(first)
    assert bench.seen() == ""
    assert bench.mode.queue.status(first) is FilmStatus.CONCEALED
    assert bench.mode.panel.waiting.text() == "The program has its answer. Yours comes first."
    card = bench.mode.first
    assert not card.lock.isEnabled()
    card.rows[0].answers.button(0).click()
    card.rows[0].confidences.button(3).click()
    card.rows[1].answers.button(1).click()
    assert not card.lock.isEnabled()  # of the left hip the confidence is missing
    card.rows[1].confidences.button(5).click()
    assert card.lock.text() == "Lock my answer"
    card.lock.click()
    bench.wait(lambda: bench.mode.queue.status(first) is FilmStatus.ANSWERED)
    p = fingerprint(first, str(bench.folder / "one.hipcad"), None)
    assert f"p = {p:.3f}" in bench.card_words[0]
    case = bench.case(first)
    assert case is not None
    assert case.locked.hips == {
        Side.RIGHT: HipReading(OwnAnswer.FRACTURE, 3),
        Side.LEFT: HipReading(OwnAnswer.NO_FRACTURE, 5),
    }
    assert not case.locked.seen_before
    assert ReadFirst(records()).case(case.key) == case  # on the disk by the time it is seen
    bench.look_at(second)
    assert bench.mode.queue.status(second) is FilmStatus.CONCEALED
    assert bench.card_words == []


def test_the_change_of_mind_is_kept_and_summed_up(bench: Bench) -> None:
    (file,) = bench.begin("a")
    bench.lock(file)
    card = bench.mode.first
    assert card.lock.text() == "I stay with my answer"
    said = bench.mode.queue.entry(file).answer.hips[0].state  # type: ignore[union-attr]
    bench.choose((OwnAnswer.NO_FRACTURE, 5), (OwnAnswer.UNSURE, 1))
    assert card.lock.text() == "Record the change"
    card.lock.click()
    bench.wait(lambda: not card.lock.isVisible())
    assert "Changed after the program's answer to R: no fracture." in card.words.text()
    found = summary_of(records())
    assert found.hips[0].program is said
    assert (found.readers[0].hips, found.readers[0].changed.hits) == (2, 1)
    dialog = card.show_summary()
    bench.wait(lambda: dialog.table.columnCount() == 1)
    lines = {
        dialog.table.verticalHeaderItem(row).text().strip(): dialog.table.item(row, 0).text()
        for row in range(dialog.table.rowCount())
    }
    assert (lines["Films"], lines["Hips"], lines["Changed"]) == ("1", "2", "1")
    assert sum(int(lines[t.value]) for t in Towards) == 1
    assert lines["switched to right"] == "–"
    assert [row.name for row in dialog.chart.rows][1:] == ["own was the program's", "changed after seeing it"]
    check_with_reference(bench, dialog, film_hash(file))


def check_with_reference(bench: Bench, dialog: ReadFirstSummaryDialog, film: str) -> None:
    table = bench.folder / "reference.csv"
    table.write_text(f"film,side,reference\n{film},R,no_fracture\n{film},L,fracture\n")
    dialog.read(table)
    bench.wait(lambda: len(dialog.chart.rows) == 9)
    assert {row.name: row.numbers[:5] for row in dialog.chart.rows}["right, after"] == "1 / 2"
    dialog.write(bench.folder / "hips.csv")
    bench.wait(lambda: dialog.notice.words == "2 hips written to hips.csv.")
    assert "to right" in (bench.folder / "hips.csv").read_text()
    table.write_text("side,reference\n")
    dialog.read(table)
    bench.wait(lambda: "no column film or file" in dialog.notice.words)


def test_it_goes_on_where_it_was_left(bench: Bench, qtbot: QtBot) -> None:
    (file,) = bench.begin("a")
    bench.lock(file)
    again = Bench(qtbot, bench.folder)
    again.begin("a")
    again.look_at(file)
    again.wait(lambda: again.mode.queue.status(file) is FilmStatus.ANSWERED)
    assert again.mode.first.lock.text() == "I stay with my answer"
    again.close()


def test_an_answer_that_was_on_the_screen_does_not_count(bench: Bench) -> None:
    (file,) = bench.open("a")
    bench.wait_all()
    assert bench.card_words != []
    bench.mode.first.switch.setChecked(True)
    assert bench.seen() == ""
    bench.wait(lambda: bench.mode.first.gate.ready)
    bench.lock(file)
    case = bench.case(file)
    assert case is not None
    assert case.locked.seen_before
    assert "will not count" in bench.mode.first.words.text()
    bench.mode.first.switch.setChecked(False)
    assert bench.card_words != []


def test_another_model_and_another_reader_hide_it_again(bench: Bench) -> None:
    (file,) = bench.begin("a")
    bench.lock(file)
    bench.mode.first.gate.set_reader("B. Surgeon")
    assert bench.seen() == ""
    bench.mode.first.gate.set_reader("A. Surgeon")
    bench.mode.first.gate.set_reader(bench.mode.first.gate.reader)
    two = write_model(bench.folder / "two.hipcad")
    bench.mode.open_model(two)
    bench.wait(lambda: bench.mode.queue.model is not None and bench.mode.queue.model.path == two)
    assert bench.seen() == ""  # not even the old answer, in grey
    bench.wait(lambda: bench.mode.queue.answers_now(file))
    assert bench.mode.queue.status(file) is FilmStatus.CONCEALED


def test_a_film_out_of_scope_is_said_at_once(bench: Bench) -> None:
    (file,) = bench.begin("refused-a")
    bench.look_at(file)
    assert bench.mode.queue.status(file) is FilmStatus.REFUSED
    assert bench.mode.panel.refusal.isVisible()


def test_what_cannot_be_kept_is_not_shown(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    (file,) = bench.begin("a")
    bench.look_at(file)
    bench.choose((OwnAnswer.FRACTURE, 4), (OwnAnswer.UNSURE, 1))

    def full(path: Path, lines: bytes, *, at: int) -> None:
        raise UserError(ErrorCode.DISK_FULL, path=str(path.parent), needed_mb=1)

    with monkeypatch.context() as patch:
        patch.setattr(journal_file, "append_durably", full)
        bench.mode.first.lock.click()
        bench.wait(lambda: "the disk is full" in bench.mode.first.notice.words)
        assert bench.seen() == ""
    bench.lock(file)


def test_damaged_records_switch_it_off_and_say_so(bench: Bench) -> None:
    records().parent.mkdir(parents=True, exist_ok=True)
    records().write_text("no record\n")
    bench.mode.first.switch.setChecked(True)
    bench.wait(lambda: "were changed or are damaged" in bench.mode.first.notice.words)
    assert not bench.mode.first.switch.isChecked()


def test_the_switch_is_remembered(qtbot: QtBot, bench: Bench) -> None:
    settings = keys.open_settings()
    mode = DiagnoseMode(worker=bench.worker, tasks=bench.tasks, settings=settings)
    qtbot.addWidget(mode)
    assert not mode.first.switch.isChecked()
    mode.first.switch.setChecked(True)
    again = DiagnoseMode(worker=bench.worker, tasks=bench.tasks, settings=settings)
    qtbot.addWidget(again)
    assert again.first.gate.on
    assert again.first.gate.reader == keys.text(settings, keys.READER)
    bench.wait(lambda: again.first.gate._journal is not None and mode.first.gate._journal is not None)


def test_random_switches_show_only_what_is_locked(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_PAUSE_S", "0.02")
    monkeypatch.setenv("FAKE_DEAF", "1")
    bench = Bench(qtbot, tmp_path)
    bench.mode.first.switch.setChecked(True)
    files = bench.open(*(f"film{i}" for i in range(5)))
    draw, seen = random.Random(20261124), 0
    for _ in range(150):
        match draw.random():
            case x if x < 0.6:
                bench.mode.films.show_film(draw.choice(files))
            case x if x < 0.8:
                bench.mode.queue.set_midline(draw.choice(files), draw.choice([None, 40.0, 60.0]))
            case _ if bench.mode.first.lock.isVisible():
                bench.choose((draw.choice(ANSWERS), 2), (draw.choice(ANSWERS), 3))
                bench.mode.first.lock.click()
            case _:
                pass
        qtbot.wait(draw.choice([0, 1, 5, 30]))
        on_disk = {c.key.film_id for c in ReadFirst(records()).cases if c.shown is not None}
        item = bench.mode.films.currentItem()
        if bench.card_words and item is not None:
            seen += 1
            assert film_hash(item.toolTip()) in on_disk
    assert seen > 10
    bench.close()
    assert not bench.broken
