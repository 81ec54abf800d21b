"""The pieces that the steps of the launcher are made of: cards, headings, grey words, fields."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtWidgets import (
    QComboBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from hipcad_desktop.gui.training.fields import BACKBONES, Field


def card(number: int, text: str, *beside: QWidget) -> tuple[QFrame, QVBoxLayout]:
    """A framed step with its number and name, and what stands beside the name."""
    frame = QFrame()
    frame.setProperty("look", "card")
    layout = QVBoxLayout(frame)
    layout.setContentsMargins(14, 10, 14, 12)
    layout.setSpacing(8)
    heading = QLabel(f"{number}   {text}")
    heading.setProperty("look", "heading")
    row = QHBoxLayout()
    row.addWidget(heading, 1)
    for widget in beside:
        row.addWidget(widget)
    layout.addLayout(row)
    return frame, layout


def button(text: str, call: Callable[[], object], *, look: str = "") -> QPushButton:
    """A push button that calls."""
    made = QPushButton(text)
    if look:
        made.setProperty("look", look)
    made.clicked.connect(lambda: call())
    return made


def set_look(widget: QWidget, look: str) -> None:
    """Another look of the style sheet, at once."""
    if widget.property("look") != look:
        widget.setProperty("look", look)
        widget.style().unpolish(widget)
        widget.style().polish(widget)


class _NoWheel(QObject):
    """A wheel over a field scrolls the page; it changes a value only where the field has the focus."""

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() is QEvent.Type.Wheel and isinstance(watched, QWidget) and not watched.hasFocus():
            event.ignore()
            return True
        return super().eventFilter(watched, event)


def combo(*items: tuple[str, str], editable: bool = False) -> QComboBox:
    """A choice of (value, words) that never widens its form and that the wheel does not change in passing."""
    made = QComboBox()
    made.setEditable(editable)
    for value, words in items:
        made.addItem(words, value)
    made.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    made.setMinimumContentsLength(8)
    made.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
    calm(made)
    return made


def calm(widget: QWidget) -> None:
    """Keep the wheel from changing a field that a person only scrolls past."""
    widget.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    widget.installEventFilter(_NoWheel(widget))


class FieldEditor(QWidget):
    """One field of a recipe: a line, a choice, or a line with suggestions; text in, text out."""

    def __init__(self, field: Field, typed: Callable[[str], None]) -> None:
        super().__init__()
        self.field = field
        self._editor: QLineEdit | QComboBox
        if field.choices:
            self._editor = combo(*field.choices)
            self._editor.currentIndexChanged.connect(lambda: typed(self.text))
        elif field.kind == "name":
            self._editor = combo(*((name, name) for name in BACKBONES), editable=True)
            self._editor.currentTextChanged.connect(typed)
        else:
            self._editor = QLineEdit()
            self._editor.textChanged.connect(typed)
        self._editor.setAccessibleName(field.label)
        self._editor.setToolTip(field.why)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._editor)
        self.setFocusProxy(self._editor)

    @property
    def text(self) -> str:
        """The field's value as text."""
        if isinstance(self._editor, QLineEdit):
            return self._editor.text()
        return self._editor.currentText() if self._editor.isEditable() else str(self._editor.currentData())

    def set_text(self, text: str) -> None:
        """Show another value; nothing happens where it stands there already."""
        if text == self.text:
            return
        if isinstance(self._editor, QLineEdit):
            self._editor.setText(text)
        elif self._editor.isEditable():
            self._editor.setCurrentText(text)
            line = self._editor.lineEdit()
            if line is not None and not line.hasFocus():
                line.setCursorPosition(0)  # a long name shows its beginning
        else:
            self._editor.setCurrentIndex(self._editor.findData(text))

    def mark(self, is_bad: bool) -> None:
        """Frame the field where it cannot be what it says."""
        set_look(self._editor, "bad" if is_bad else "")
