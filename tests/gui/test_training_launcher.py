"""The five steps of the training launcher: dataset, recipe, start, machine, model file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.training import HIP, PAPER, QUICK, RECIPES
from hipcad_desktop.gui.diagnose.model_file import read_model_file
from hipcad_desktop.gui.dialogs.partition import PartitionDialog
from hipcad_desktop.gui.training.dataset_facts import read_dataset_facts
from hipcad_desktop.gui.training.draft import RecipeDraft
from hipcad_desktop.gui.training.fields import BY_NAME, FIELDS, RECIPE_WORDS, shown, with_text
from tests.fakes.made_up_dataset import write_made_up_dataset
from tests.fakes.model_package import write_fake_package
from tests.fakes.training_bench import Bench

# Of the offscreen platform, whenever a window's smallest size changes; no other platform says it.
pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints")


@pytest.fixture
def bench(qtbot: QtBot, tmp_path: Path) -> Iterator[Bench]:
    made = Bench(qtbot, tmp_path)
    yield made
    made.worker.join()
    made.tasks.close()


def test_one_class_only_is_said_in_words_and_cannot_start(bench: Bench) -> None:
    bench.open(fracture=0)
    assert "The training partition has no hips with a fracture." in bench.mode.launcher.dataset.notice.words
    assert not bench.mode.launcher.check.isEnabled()


def test_few_fractures_are_a_warning_only(bench: Bench) -> None:
    bench.open(fracture=4)
    assert bench.mode.launcher.dataset.notice.words.startswith("Only 4 hips with a fracture")
    assert bench.mode.launcher.check.isEnabled()


def test_a_folder_that_is_no_dataset(bench: Bench) -> None:
    bench.mode.set_dataset(bench.folder)
    bench.wait(lambda: "not a dataset that HipCAD exported" in bench.mode.launcher.dataset.notice.words)
    assert not bench.mode.launcher.check.isEnabled()


def test_the_recipe_table_checks_while_it_is_typed(bench: Bench) -> None:
    bench.open()
    bench.mode.launcher.recipe.table.click()
    table = bench.mode.recipe_table
    assert table.isVisible()
    row = table.row("dropout")
    for text, words, sentence_of_it in (
        ("1.5", "✕ It has to be at least 0 and below 1.", "Dropout cannot be '1.5'"),
        ("much", "✕ It has to be a number.", "Dropout cannot be 'much'"),
    ):
        row.editor.set_text(text)
        assert row.words.text() == words
        assert not bench.mode.launcher.check.isEnabled()
        assert sentence_of_it in bench.mode.launcher.problem.words
    row.editor.set_text("0,25")
    assert row.words.text() == row.field.why
    assert bench.mode.launcher.check.isEnabled()
    assert bench.mode.draft.config().dropout == 0.25
    assert row.back.text() == "↺ 0.2"
    row.back.click()
    assert bench.mode.draft.config() == QUICK
    table.done.click()
    assert not table.isVisible()


def test_card_and_table_are_views_of_one_recipe(bench: Bench) -> None:
    card, table = bench.mode.launcher.recipe, bench.mode.recipe_table
    card.editor("epochs").set_text("3")
    assert table.row("epochs").editor.text == "3"
    table.row("optimizer").editor.set_text("adam")
    assert bench.mode.draft.differing() == ("Epochs", "Optimizer")
    assert "Epochs, Optimizer" in card._differing.text()
    table._all_back.click()
    assert bench.mode.draft.config() == QUICK
    bench.mode.draft.set_recipe("paper")
    table.row("optimizer").editor.set_text("adamw")
    assert bench.mode.draft.needed("optimizer") == "adam in the paper's recipe"


def test_start_from_my_model_takes_its_backbone(bench: Bench) -> None:
    bench.open()
    model = write_fake_package(bench.folder / "mine.hipcad")
    card = bench.mode.launcher.start_from
    bench.mode.draft.set_text("backbone", "resnet18.a1_in1k")
    card.choose_kind("model")
    assert bench.mode.launcher.missing()[0] == "Choose the file to start from."
    card.model_chosen.emit(model)
    bench.wait(lambda: bench.mode.draft.weights == str(model))
    assert bench.mode.draft.text("backbone") == read_model_file(model).card.backbone
    assert bench.mode.launcher.missing()[0] == ""
    assert card.choice.currentData() == "model"
    card.choose_kind("imagenet")
    assert bench.mode.draft.weights == "imagenet"


def test_start_from_a_file_that_is_no_model(bench: Bench) -> None:
    bench.open()
    (bench.folder / "no.hipcad").write_bytes(b"x")
    card = bench.mode.launcher.start_from
    card.model_chosen.emit(bench.folder / "no.hipcad")
    bench.wait(lambda: "not a HipCAD model package" in card.notice.words)
    assert bench.mode.draft.weights == "imagenet"


def test_a_wheel_over_a_field_changes_nothing(bench: Bench) -> None:
    bench.open()
    box = bench.mode.launcher.machine.count
    box.setValue(3)
    centre = QPointF(box.rect().center())
    event = QWheelEvent(
        centre,
        QPointF(box.mapToGlobal(centre.toPoint())),
        QPoint(0, 0),
        QPoint(0, 120),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(box, event)
    assert box.value() == 3
    box.setFocus()
    QApplication.sendEvent(box, event)
    assert box.value() == 4


def test_a_partition_made_again_becomes_the_dataset(
    qtbot: QtBot, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_made_up_dataset(bench.folder / "hips")
    assert not bench.mode.launcher.dataset.partition.isVisible()
    bench.mode.set_dataset(bench.folder / "hips")
    bench.wait(lambda: bench.mode.launcher.facts is not None)
    bench.mode.launcher.dataset.partition.click()
    dialog = bench.mode.findChild(PartitionDialog)
    assert dialog is not None
    bench.wait(lambda: dialog.start.isEnabled())
    dialog.start.click()
    bench.wait(lambda: bench.mode.launcher.facts is not None and bench.mode.launcher.facts.path.name == "hips-2")


@pytest.mark.parametrize(
    ("text", "code"),
    [(None, ErrorCode.NOT_A_DATASET), ("{", ErrorCode.DATASET_DAMAGED), ("{}", ErrorCode.DATASET_DAMAGED)],
)
def test_bad_manifests(tmp_path: Path, text: str | None, code: ErrorCode) -> None:
    if text is not None:
        (tmp_path / "dataset.json").write_text(text, encoding="utf-8")
    with pytest.raises(UserError) as raised:
        read_dataset_facts(tmp_path)
    assert raised.value.code is code


def test_the_papers_recipe_comes_first_and_recipes_fill_every_field() -> None:
    draft = RecipeDraft()
    assert draft.config() == PAPER
    for config in (QUICK, HIP, PAPER):
        draft.set_recipe(config.recipe)
        assert draft.config() == config
        assert draft.differing() == ()
    assert {f.name for f in FIELDS} | {"recipe", "weights"} == set(PAPER.to_json())
    assert RECIPE_WORDS.keys() == RECIPES.keys()
    assert [value for value, _ in BY_NAME["halvings"].choices][-1] == ", ".join(HIP.halvings)
    draft.set_text("max_learning_rate", "1e-3")
    assert not draft.is_changed("max_learning_rate"), "the same number in other words"


def test_every_field_survives_its_text() -> None:
    for field in FIELDS:
        for config in RECIPES.values():
            assert with_text(config, field, shown(getattr(config, field.name))) == config


def test_the_next_model_gets_a_name_of_its_own(bench: Bench) -> None:
    bench.open()
    assert bench.mode.launcher.target.path == bench.folder / "data-quick.hipcad"
    bench.mode.draft.set_recipe("paper")
    assert bench.mode.launcher.target.path == bench.folder / "data-paper.hipcad"
    bench.mode.draft.set_recipe("quick")
    bench.start()
    (bench.folder / "data-quick.hipcad").touch()
    bench.wait_end()
    assert bench.mode.launcher.target.path == bench.folder / "data-quick-2.hipcad"
