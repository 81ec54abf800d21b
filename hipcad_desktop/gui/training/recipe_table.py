"""The whole recipe as an editable table: value, what the recipe has, what it does; checked while it is typed."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from hipcad_desktop.gui.training.draft import RecipeDraft
from hipcad_desktop.gui.training.fields import FIELDS, Field, words_of
from hipcad_desktop.gui.training.form import FieldEditor, button, set_look
from hipcad_desktop.gui.widgets.pieces import muted

_VALUE_PX = 220
_RECIPE_PX = 170
_NARROW_VALUE_PX, _NARROW_RECIPE_PX = 205, 90
_WIDE_PX = 780  # from here on the words stand beside the fields


@dataclass(frozen=True, slots=True)
class _Row:
    field: Field
    name: QLabel
    editor: FieldEditor
    back: QPushButton
    words: QLabel


class RecipeTable(QWidget):
    """A page beside the launcher. Emits closed when a person is done with it."""

    closed = Signal()

    def __init__(self, draft: RecipeDraft, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._draft = draft
        self._title = QLabel()
        self._title.setProperty("look", "title")
        self._words = muted()
        self._all_back = button("Undo all changes", lambda: draft.set_recipe(draft.recipe))
        self.done = button("Done", self.closed.emit, look="primary")
        head = QHBoxLayout()
        head.addWidget(self._title, 1)
        head.addWidget(self._all_back)
        head.addWidget(self.done)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        table = QWidget()
        self._lines: dict[str, int] = {}
        self._is_wide: bool | None = None
        self._rows = self._make_rows(table)
        scroll.setWidget(table)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(20, 16, 12, 12)
        layout.setSpacing(8)
        layout.addLayout(head)
        layout.addWidget(self._words)
        layout.addWidget(scroll, 1)
        draft.changed.connect(self._show)
        self._show()
        self._place_words()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place_words()

    def _place_words(self) -> None:
        """Beside the fields where there is room, else below each of them."""
        is_wide = self.width() >= _WIDE_PX
        if is_wide == self._is_wide:
            return
        self._is_wide = is_wide
        self._why.setVisible(is_wide)
        self._grid.setColumnMinimumWidth(1, 0)
        for name, row in self._rows.items():
            line = self._lines[name]
            row.editor.setFixedWidth(_VALUE_PX if is_wide else _NARROW_VALUE_PX)
            row.back.setFixedWidth(_RECIPE_PX if is_wide else _NARROW_RECIPE_PX)
            if is_wide:
                self._grid.addWidget(row.words, line, 3)
            else:
                self._grid.addWidget(row.words, line + 1, 0, 1, 4)
            self._show_row(row)

    def row(self, name: str) -> _Row:
        """The widgets of one field."""
        return self._rows[name]

    def _make_rows(self, table: QWidget) -> dict[str, _Row]:
        grid = QGridLayout(table)
        grid.setContentsMargins(0, 0, 12, 0)
        grid.setHorizontalSpacing(14)
        grid.setVerticalSpacing(4)
        grid.setColumnMinimumWidth(1, _VALUE_PX)
        grid.setColumnStretch(3, 1)
        rows: dict[str, _Row] = {}
        line, group = 0, ""
        self._column, self._why = QLabel(), QLabel("WHAT IT DOES")
        for column, head in enumerate((QLabel("FIELD"), QLabel("VALUE"), self._column, self._why)):
            head.setProperty("look", "section")
            grid.addWidget(head, line, column)
        for field in FIELDS:
            if field.group != group:
                group = field.group
                heading = QLabel(group)
                heading.setProperty("look", "heading")
                heading.setContentsMargins(0, 10, 0, 2)
                grid.addWidget(heading, line + 1, 0, 1, 4)
                rule = QFrame()
                rule.setProperty("look", "line")
                grid.addWidget(rule, line + 2, 0, 1, 4)
                line += 2
            line += 1
            rows[field.name] = self._make_row(field)
            row = rows[field.name]
            for column, widget in enumerate((row.name, row.editor, row.back)):
                grid.addWidget(widget, line, column)
            self._lines[field.name] = line
            line += 1  # the line below is for the words where the page is narrow
        grid.setRowStretch(line + 1, 1)
        self._grid = grid
        return rows

    def _make_row(self, field: Field) -> _Row:
        draft = self._draft
        editor = FieldEditor(field, lambda text: draft.set_text(field.name, text))
        editor.setFixedWidth(_VALUE_PX)
        name = QLabel(field.label)
        name.setBuddy(editor)
        back = button("", lambda: draft.set_text(field.name, draft.recipe_text(field.name)), look="flat")
        back.setFixedWidth(_RECIPE_PX)
        back.setStyleSheet("text-align: left;")
        back.setAccessibleName(f"{field.label}: back to the recipe's value")
        return _Row(field, name, editor, back, muted(field.why))

    def _show(self) -> None:
        draft = self._draft
        recipe = draft.recipe.capitalize()
        self._title.setText(f"Recipe {recipe}")
        self._column.setText(f"IN “{recipe.upper()}”")
        number = len(draft.differing())
        changed = f"{number} field{'' if number == 1 else 's'} changed" if number else "every field is as in the recipe"
        self._words.setText(
            f"{changed.capitalize()}. Everything here is written into the run's folder and the model's card."
        )
        self._all_back.setEnabled(number > 0)
        for row in self._rows.values():
            self._show_row(row)

    def _show_row(self, row: _Row) -> None:
        draft, field = self._draft, row.field
        row.editor.set_text(draft.text(field.name))
        needed, changed = draft.needed(field.name), draft.is_changed(field.name)
        row.editor.mark(bool(needed))
        # The sign says it too, not the colour alone.
        row.words.setText(f"✕ It has to be {needed}." if needed else field.why)
        set_look(row.words, "error" if needed else "muted")
        font = row.name.font()
        font.setBold(changed)
        row.name.setFont(font)
        value = words_of(field, draft.recipe_text(field.name))
        room = row.back.maximumWidth() - 50
        short = row.back.fontMetrics().elidedText(value, Qt.TextElideMode.ElideRight, room)
        row.back.setText(f"↺ {short}" if changed else short)
        row.back.setToolTip(f"Back to {value}" if changed else value)
        row.back.setEnabled(changed)
