"""What a training starts from: ImageNet, a model that ships, a model of one's own, a file, nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from hipcad_desktop.gui.training.start_card import StartCard
from tests.fakes.model_package import write_fake_package
from tests.fakes.training_bench import Bench

pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints")


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """Two models that ship."""
    models = tuple(
        write_fake_package(tmp_path / f"{name}.hipcad", name=name, backbone=f"net_{name}", note=f"About {name}.")
        for name in ("default", "other")
    )
    monkeypatch.setattr("hipcad_desktop.gui.training.mode.models_in_the_box", lambda: models)
    return models[0], models[1]


@pytest.fixture
def bench(qtbot: QtBot, tmp_path: Path, box: tuple[Path, Path]) -> Iterator[Bench]:
    made = Bench(qtbot, tmp_path)
    yield made
    made.worker.join()
    made.tasks.close()


def chosen(card: StartCard, kind: str) -> None:
    """Take a way to start as a person does."""
    card.choice.setCurrentIndex(card.choice.findData(kind))
    card.choice.activated.emit(card.choice.currentIndex())


def test_each_model_of_the_box_is_a_way_to_start(bench: Bench, box: tuple[Path, Path]) -> None:
    card = bench.mode.launcher.start_from
    ways = [card.choice.itemText(i) for i in range(card.choice.count())]
    assert ways[1:3] == ["The model in the box: default", "The model in the box: other"]
    for kind, model in (("box", box[0]), ("box1", box[1])):
        chosen(card, kind)
        bench.wait(lambda m=model: bench.mode.draft.weights == str(m))
        assert bench.mode.draft.text("backbone") == f"net_{model.stem}"
        assert card.choice.currentData() == kind
        assert card.notice.words == f"{model.stem}: net_{model.stem} at 380 px, midline halving. About {model.stem}."
        assert card.missing == ""
    assert bench.mode.draft.config().weights == str(box[1])


def test_what_a_model_says_goes_with_it(bench: Bench, box: tuple[Path, Path]) -> None:
    card = bench.mode.launcher.start_from
    chosen(card, "box")
    bench.wait(lambda: bool(card.notice.words))
    bench.mode.draft.set_text("epochs", "3")
    assert card.notice.words
    bench.mode.draft.set_recipe("quick")
    assert card.notice.words == ""
    assert card.choice.currentData() == "imagenet"


def test_a_model_of_ones_own_says_what_it_is_and_a_broken_one_why_not(bench: Bench) -> None:
    card = bench.mode.launcher.start_from
    mine = write_fake_package(bench.folder / "mine.hipcad", halving="hip", overlap_share=0.0)
    card.model_chosen.emit(mine)
    bench.wait(lambda: bench.mode.draft.weights == str(mine))
    assert card.choice.currentData() == "model"
    assert card.notice.words == "brightness: none at 380 px, hip halving."
    (bench.folder / "no.hipcad").write_bytes(b"x")
    card.model_chosen.emit(bench.folder / "no.hipcad")
    bench.wait(lambda: "not a HipCAD model package" in card.notice.words)
    assert bench.mode.draft.weights == str(mine)


def test_without_a_model_in_the_box_none_is_offered(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hipcad_desktop.gui.training.mode.models_in_the_box", lambda: ())
    made = Bench(qtbot, tmp_path)
    assert made.mode.launcher.start_from.choice.findData("box") == -1
    made.worker.join()
    made.tasks.close()
