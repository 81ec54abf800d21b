"""Step 2: a recipe and the few fields that are changed most; the whole table opens on the right."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QButtonGroup, QGridLayout, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from hipcad_desktop.domain.training import RECIPES
from hipcad_desktop.gui.training.draft import RecipeDraft
from hipcad_desktop.gui.training.fields import BY_NAME, FIELDS, RECIPE_WORDS
from hipcad_desktop.gui.training.form import FieldEditor, button, card
from hipcad_desktop.gui.widgets.pieces import muted

_SHORT = ("backbone", "epochs", "batch", "input_px", "max_learning_rate")


class RecipeCard(QWidget):
    """A view of a RecipeDraft. Emits table_asked for the whole table."""

    table_asked = Signal()

    def __init__(self, draft: RecipeDraft, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._draft = draft
        self.table = button(f"All {len(FIELDS)} fields…", self.table_asked.emit)
        self.table.setToolTip("Every field of the recipe, explained, in a table")
        self._frame, layout = card(2, "Recipe", self.table)
        self._buttons = {name: QPushButton(name.capitalize()) for name in RECIPES}
        self._group = QButtonGroup(self)
        row = QHBoxLayout()
        for name, each in self._buttons.items():
            each.setCheckable(True)
            each.setAccessibleName(f"Recipe {name}")
            each.clicked.connect(lambda _=False, n=name: draft.set_recipe(n))
            self._group.addButton(each)
            row.addWidget(each, 1)
        self._words = muted()
        self._differing = muted()
        layout.addLayout(row)
        layout.addWidget(self._words)
        layout.addLayout(self._make_fields())
        layout.addWidget(self._differing)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(self._frame)
        draft.changed.connect(self._show)
        self._show()

    def editor(self, name: str) -> FieldEditor:
        """A field of the short form."""
        return self._editors[name]

    def _make_fields(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(10)
        grid.setVerticalSpacing(6)
        self._editors = {name: FieldEditor(BY_NAME[name], partial(self._draft.set_text, name)) for name in _SHORT}
        places = {"backbone": (0, 1, 3), "epochs": (1, 1, 1), "batch": (1, 3, 1), "input_px": (2, 1, 1)}
        places["max_learning_rate"] = (2, 3, 1)
        words = {"input_px": "Input (px)", "max_learning_rate": "Learning rate"}
        for name, (line, column, width) in places.items():
            label = QLabel(words.get(name, BY_NAME[name].label))
            label.setBuddy(self._editors[name])
            grid.addWidget(label, line, column - 1)
            grid.addWidget(self._editors[name], line, column, 1, width)
        grid.setColumnStretch(1, 1)
        grid.setColumnStretch(3, 1)
        return grid

    def _show(self) -> None:
        draft = self._draft
        self._buttons[draft.recipe].setChecked(True)
        self._words.setText(RECIPE_WORDS[draft.recipe])
        for name, editor in self._editors.items():
            editor.set_text(draft.text(name))
            editor.mark(bool(draft.needed(name)))
        differing = draft.differing()
        shown = ", ".join(differing[:4]) + (f" and {len(differing) - 4} more" if len(differing) > 4 else "")
        self._differing.setText(f"Changed from the recipe: {shown}." if differing else "")
        self._differing.setVisible(bool(differing))
