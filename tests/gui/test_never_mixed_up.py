"""What stands on the screen belongs together, whatever is switched while a slow worker answers; and this would show."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from pytestqt.qtbot import QtBot

from hipcad_desktop.domain.metrics import Thresholds
from hipcad_desktop.gui.diagnose import question_queue
from hipcad_desktop.gui.diagnose.answers import FilmAnswer, Question, film_answer
from hipcad_desktop.gui.diagnose.model_file import ModelFile
from hipcad_desktop.gui.diagnose.probability_bar import ProbabilityBar
from hipcad_desktop.gui.diagnose.question_queue import QuestionQueue
from tests.fakes.diagnose_bench import DiagnoseBench, film_hash, write_model
from tests.fakes.fake_worker import fingerprint

pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints")
Asked = tuple[str, Path, float | None]  # film, model, midline
MIDLINES: tuple[float | None, ...] = (None, 40.0, 60.0)
THRESHOLDS = (Thresholds(0.25, 0.75), Thresholds(0.25, 0.75), Thresholds(0.05, 0.95))  # of the three models


class Switches:
    """500 random switches, and an eye on the screen that trusts nothing but the screen, the files and what it did."""

    def __init__(self, qtbot: QtBot, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("FAKE_PAUSE_S", "0.03")
        monkeypatch.setenv("FAKE_DEAF", "1")  # late answers do come, and it is the window that must drop them
        self.bench = DiagnoseBench(qtbot, folder)
        self.files = self.bench.open(*(f"film{i}" for i in range(7)), model="")
        self.models = [
            write_model(folder / f"{name}.hipcad", thresholds=thresholds)
            for name, thresholds in zip(("one", "two", "strict"), THRESHOLDS, strict=True)
        ]
        self.midlines: dict[str, float | None] = dict.fromkeys(self.files)
        # Every figure that may ever be seen, and whose it is; three places are now and then shared by two.
        self.known: dict[str, list[Asked]] = {}
        for asked in product(self.files, self.models, MIDLINES):
            p = fingerprint(asked[0], str(asked[1]), asked[2])
            self.known.setdefault(f"p = {p:.3f}", []).append(asked)
        self.current = self.old = 0
        self.bench.mode.open_model(self.models[0])
        self.bench.wait(lambda: self.bench.mode.queue.model is not None)

    def run(self, switches: int, *, until_mixed_up: bool = False) -> list[str]:
        """What was mixed up."""
        draw, found = random.Random(20261124), []
        for number in range(switches):
            match draw.random():
                case x if x < 0.6:
                    self.bench.mode.films.show_film(draw.choice(self.files))
                case x if x < 0.8:
                    file = draw.choice(self.files)
                    self.midlines[file] = draw.choice(MIDLINES)
                    self.bench.mode.queue.set_midline(file, self.midlines[file])
                case _:
                    self.bench.mode.open_model(draw.choice(self.models))
            found += [f"switch {number}, at once: {words}" for words in self.look()]
            self.bench.qtbot.wait(draw.choice([0, 1, 5, 40]))
            found += [f"switch {number}, later: {words}" for words in self.look()]
            if until_mixed_up and found:
                break
        return found

    def look(self) -> Iterator[str]:
        """Everything on the screen that does not belong to the film, midline, model and thresholds chosen."""
        mode = self.bench.mode
        item, model = mode.films.currentItem(), mode.queue.model
        words = self.bench.card_words
        if item is None or model is None or not words:
            return
        file, stage = item.toolTip(), mode.stage
        if stage.film_id and stage.film_id != film_hash(file):
            yield "another film is on the screen"
        said = next((p for p in self.known if p in words[0]), "")
        if not said:
            yield f"nobody ever answered {words[0]}"
            return
        old = "old answer" in words[0]
        self.old, self.current = self.old + old, self.current + (not old)
        if old and stage.bar.original.isEnabled():
            yield "an old answer's heat map is still there"
        yield from min((list(self.against(asked, file, old=old)) for asked in self.known[said]), key=len)

    def against(self, asked: Asked, file: str, *, old: bool) -> Iterator[str]:
        """What speaks against the answer on the screen being the one to this question."""
        of_file, of_model, of_midline = asked
        mode = self.bench.mode
        bar, t = mode.panel.cards[0].findChild(ProbabilityBar), THRESHOLDS[self.models.index(of_model)]
        if not bar.accessibleName().endswith(f"below {t.no_fracture:.3f}, fracture from {t.fracture:.3f}"):
            yield "the thresholds are another model's"
        if of_file != file:
            yield "the answer is another film's"
        if old:
            return
        if mode.queue.model is None or of_model != mode.queue.model.path:
            yield "the answer is another model's, and is not grey"
        if of_midline != self.midlines[file]:
            yield "the answer is another midline's, and is not grey"
        if mode.stage.film_id and mode.stage.view.midline_px != (50.0 if of_midline is None else of_midline):
            yield "the midline drawn is not the answer's"


@pytest.fixture
def switches(qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Switches]:
    made = Switches(qtbot, tmp_path, monkeypatch)
    yield made
    made.bench.close()


def test_five_hundred_switches_of_film_midline_model_and_threshold_mix_nothing_up(switches: Switches) -> None:
    assert len(switches.known) > 50  # of 63: an answer of another question is told from the right one
    assert switches.run(500) == []
    switches.bench.wait_all()
    assert list(switches.look()) == []
    assert switches.current > 50
    assert switches.old > 20
    assert switches.bench.mode.queue.dropped > 20
    assert not switches.bench.broken


# The same eye on windows that are broken on purpose: each must be caught.


def _drop_nothing(self: QuestionQueue) -> None:
    if self._job:
        self._worker.cancel(self._job)


def _present_question(self: QuestionQueue) -> Question | None:
    return self.question(self._asked.file) if self._asked is not None else None


def late_midline(patch: pytest.MonkeyPatch) -> None:
    """A late answer is taken for one to the question as it is now."""
    patch.setattr(QuestionQueue, "_drop_asked", _drop_nothing)
    patch.setattr(QuestionQueue, "_wanted", _present_question)


def late_film(patch: pytest.MonkeyPatch) -> None:
    """An answer goes to the film that is looked at when it comes."""

    def selected(self: QuestionQueue) -> Question | None:
        return self.question(self._selected) or _present_question(self)

    def believed(question: Question, facts: dict[str, Any], thresholds: Thresholds, **more: str) -> FilmAnswer:
        return film_answer(question, {**facts, "file": question.file}, thresholds, **more)

    patch.setattr(QuestionQueue, "_wanted", selected)
    patch.setattr(question_queue, "film_answer", believed)


def never_grey(patch: pytest.MonkeyPatch) -> None:
    """Any answer counts as the present one."""

    def always(self: QuestionQueue, file: str) -> bool:
        entry = self.entry(file)
        return entry is not None and entry.answer is not None

    patch.setattr(QuestionQueue, "answers_now", always)


def quiet_model(patch: pytest.MonkeyPatch) -> None:
    """Another model is used without a word to the screen."""

    def set_model(self: QuestionQueue, model: ModelFile | None) -> None:
        self._model = model
        self._drop_asked()
        self._ask_next()

    patch.setattr(QuestionQueue, "set_model", set_model)


def present_thresholds(patch: pytest.MonkeyPatch) -> None:
    """An old answer is drawn on the thresholds of the model that was chosen since."""
    from hipcad_desktop.gui.diagnose.cards import HipCard

    show = HipCard.show_hip

    def shown(self: HipCard, hip: Any, thresholds: Thresholds, *, old: bool) -> None:
        show(self, hip, THRESHOLDS[2] if old else thresholds, old=old)

    patch.setattr(HipCard, "show_hip", shown)


@pytest.mark.parametrize("breaks", [late_midline, late_film, never_grey, quiet_model, present_thresholds])
def test_a_window_broken_on_purpose_is_caught(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, breaks: Callable[[pytest.MonkeyPatch], None]
) -> None:
    breaks(monkeypatch)
    made = Switches(qtbot, tmp_path, monkeypatch)
    try:
        assert made.run(500, until_mixed_up=True)
    finally:
        made.bench.close()
