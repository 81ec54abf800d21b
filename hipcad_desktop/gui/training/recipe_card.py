"""Step 2: recipe, backbone, weights, device and every other field of a training, each with its words."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QButtonGroup,
    QComboBox,
    QFileDialog,
    QFormLayout,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSpinBox,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.training import RECIPES, Device, TrainConfig, validated
from hipcad_desktop.gui.training.dataset_card import step_heading
from hipcad_desktop.gui.training.fields import (
    ADVANCED,
    BACKBONES,
    DEVICES,
    LABELS,
    RECIPE_WORDS,
    Field,
    shown,
    with_text,
)

_WEIGHTS = (
    ("imagenet", "ImageNet (fetched once, then kept)"),
    ("none", "None (random start)"),
    ("file", "From a file…"),
)


class RecipeCard(QFrame):
    """A form over TrainConfig. config() is what is on the screen, or the UserError that says what cannot be."""

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("look", "card")
        self._filling = False
        self._recipes = {name: QPushButton(name.capitalize()) for name in RECIPES}
        self._recipe_words = _muted("")
        self._backbone = QComboBox()
        self._weights = QComboBox()
        self._weights_file = QLineEdit()
        self._device = QComboBox()
        self._device_words = _muted("")
        self._epochs = _spin(10_000)
        self._batch = _spin(4096)
        self._advanced = QWidget()
        self._editors: dict[str, QLineEdit | QComboBox] = {}
        self._group = QButtonGroup(self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(14, 12, 14, 14)
        layout.addWidget(step_heading(2, "Recipe"))
        layout.addLayout(self._make_recipes())
        layout.addWidget(self._recipe_words)
        layout.addLayout(self._make_basics())
        self._more = QToolButton()
        self._more.setText("Advanced ▸")
        self._more.setProperty("look", "flat")
        self._more.setCheckable(True)
        self._more.toggled.connect(self._show_advanced)
        layout.addWidget(self._more)
        self._make_advanced()
        layout.addWidget(self._advanced)
        self._advanced.hide()
        self.set_recipe("quick")
        self._device_changed()

    # what is on the screen

    @property
    def recipe(self) -> str:
        """The chosen recipe's name."""
        return next(name for name, button in self._recipes.items() if button.isChecked())

    @property
    def device(self) -> Device:
        """The chosen device."""
        chosen: Device = self._device.currentData()
        return chosen

    def config(self) -> TrainConfig:
        """The whole config. Raises UserError CONFIG_INVALID naming the field that cannot be."""
        weights = str(self._weights.currentData())
        if weights == "file":
            weights = self._weights_file.text().strip()
            if not weights:
                raise UserError(ErrorCode.CONFIG_INVALID, field="Weights", value="", detail="a file")
        config = replace(
            RECIPES[self.recipe],
            backbone=self._backbone.currentText().strip(),
            weights=weights,
            epochs=self._epochs.value(),
            batch=self._batch.value(),
        )
        for field in ADVANCED:
            text = _text_of(self._editors[field.name])
            try:
                config = with_text(config, field, text)
            except ValueError as error:
                needed = "a whole number" if field.kind == "whole" else "a number"
                raise UserError(ErrorCode.CONFIG_INVALID, field=field.label, value=text, detail=needed) from error
        try:
            return validated(config)
        except UserError as error:
            raise UserError(error.code, **{**error.facts, "field": LABELS[error.facts["field"]]}) from error

    def set_recipe(self, name: str) -> None:
        """Fill the form from a recipe."""
        self.set_config(RECIPES[name])

    def set_epochs(self, epochs: int) -> None:
        """Change one field of the form."""
        self._epochs.setValue(epochs)

    def set_config(self, config: TrainConfig) -> None:
        """Fill the form."""
        self._filling = True
        self._recipes[config.recipe if config.recipe in RECIPES else "quick"].setChecked(True)
        self._recipe_words.setText(RECIPE_WORDS[self.recipe])
        self._backbone.setCurrentText(config.backbone)
        known = self._weights.findData(config.weights)
        self._weights.setCurrentIndex(known if known >= 0 else self._weights.findData("file"))
        if known < 0:
            self._weights_file.setText(config.weights)
        self._epochs.setValue(config.epochs)
        self._batch.setValue(config.batch)
        for field in ADVANCED:
            self._set_editor(field, getattr(config, field.name))
        self._filling = False
        self._weights_changed()
        self._changed()

    # parts

    def _make_recipes(self) -> QHBoxLayout:
        row = QHBoxLayout()
        for name, button in self._recipes.items():
            button.setCheckable(True)
            button.setAccessibleName(f"Recipe {name}")
            button.clicked.connect(lambda _=False, n=name: self.set_recipe(n))
            self._group.addButton(button)
            row.addWidget(button, 1)
        return row

    def _make_basics(self) -> QFormLayout:
        self._backbone.setEditable(True)
        self._backbone.addItems(BACKBONES)
        self._backbone.setToolTip("Any timm model with global average pooling")
        for value, words in _WEIGHTS:
            self._weights.addItem(words, value)
        for value, words, _ in DEVICES:
            self._device.addItem(words, value)
        for combo in (self._backbone, self._weights, self._device):
            combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            combo.setMinimumContentsLength(10)
        self._weights_file.setPlaceholderText("model.safetensors")
        self._backbone.currentTextChanged.connect(self._changed)
        self._weights.activated.connect(self._ask_weights)
        self._weights.currentIndexChanged.connect(self._weights_changed)
        self._weights_file.textChanged.connect(self._changed)
        self._device.currentIndexChanged.connect(self._device_changed)
        self._epochs.valueChanged.connect(self._changed)
        self._batch.valueChanged.connect(self._changed)
        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow("Backbone", self._backbone)
        form.addRow("Weights", self._weights)
        form.addRow("", self._weights_file)
        form.addRow("Device", self._device)
        form.addRow("", self._device_words)
        form.addRow("Epochs", self._epochs)
        form.addRow("Batch", self._batch)
        self._form = form
        return form

    def _make_advanced(self) -> None:
        grid = QGridLayout(self._advanced)
        grid.setContentsMargins(0, 4, 0, 0)
        grid.setColumnStretch(0, 1)
        grid.setColumnMinimumWidth(1, 150)
        for row, field in enumerate(ADVANCED):
            label = QLabel(field.label)
            editor = _editor(field)
            editor.setAccessibleName(field.label)
            label.setBuddy(editor)
            (editor.currentTextChanged if isinstance(editor, QComboBox) else editor.textChanged).connect(self._changed)
            self._editors[field.name] = editor
            grid.addWidget(label, 2 * row, 0)
            grid.addWidget(editor, 2 * row, 1)
            grid.addWidget(_muted(field.why), 2 * row + 1, 0, 1, 2)

    def _set_editor(self, field: Field, value: Any) -> None:
        editor = self._editors[field.name]
        text = ("yes" if value else "no") if field.kind == "yes_no" else shown(value)
        if isinstance(editor, QComboBox):
            editor.setCurrentText(text)
        else:
            editor.setText(text)

    # what happens

    def _changed(self) -> None:
        if not self._filling:
            self.changed.emit()

    def _weights_changed(self) -> None:
        self._form.setRowVisible(self._weights_file, self._weights.currentData() == "file")
        self._changed()

    def _ask_weights(self) -> None:
        if self._weights.currentData() != "file":
            return
        chosen, _ = QFileDialog.getOpenFileName(self, "Choose weights", "", "Weights (*.safetensors);;All files (*)")
        if chosen:
            self._weights_file.setText(chosen)

    def _device_changed(self) -> None:
        self._device_words.setText(DEVICES[self._device.currentIndex()][2])
        self._changed()

    def _show_advanced(self, shown_now: bool) -> None:
        self._more.setText("Advanced ▾" if shown_now else "Advanced ▸")
        self._advanced.setVisible(shown_now)


def _muted(words: str) -> QLabel:
    label = QLabel(words)
    label.setProperty("look", "muted")
    label.setWordWrap(True)
    return label


def _spin(most: int) -> QSpinBox:
    spin = QSpinBox()
    spin.setRange(1, most)
    spin.setButtonSymbols(QSpinBox.ButtonSymbols.NoButtons)
    return spin


def _editor(field: Field) -> QLineEdit | QComboBox:
    choices = {"yes_no": ("yes", "no"), "choice": field.choices, "halvings": ("paper, midline", "paper", "midline")}
    if field.kind not in choices:
        return QLineEdit()
    combo = QComboBox()
    combo.addItems(choices[field.kind])
    return combo


def _text_of(editor: QLineEdit | QComboBox) -> str:
    return editor.currentText() if isinstance(editor, QComboBox) else editor.text()
