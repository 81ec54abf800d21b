"""Keys for every command: change one, hear who has it already, go back to the usual ones. In force and kept at once."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QFont, QKeyEvent, QKeySequence
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from hipcad_desktop.gui.actions import ACTIONS, ActionSpec
from hipcad_desktop.gui.keymap import TAKEN_BY_FILM, Keymap
from hipcad_desktop.gui.widgets.notice import Notice

MODIFIERS = (Qt.Key.Key_Shift, Qt.Key.Key_Control, Qt.Key.Key_Alt, Qt.Key.Key_Meta, Qt.Key.Key_AltGr)
NO_KEY = "no key"
HINT = "Choose a command and press “Change”, or double-click it."


class KeyCatcher(QLabel):
    """Takes the next key that is pressed, whatever it is elsewhere; Escape takes none."""

    caught = Signal(str)  # portable text
    refused = Signal(str)  # why this key cannot be had
    given_up = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_InputMethodEnabled, False)
        self.setProperty("look", "muted")

    def event(self, event: QEvent) -> bool:
        if event.type() is QEvent.Type.ShortcutOverride:
            event.accept()
            return True
        if event.type() is QEvent.Type.KeyPress and isinstance(event, QKeyEvent):  # before Tab moves the focus
            self._take(event)
            event.accept()
            return True
        return super().event(event)

    def _take(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        if key in MODIFIERS or event.isAutoRepeat():
            return
        text = QKeySequence(event.keyCombination()).toString(QKeySequence.SequenceFormat.PortableText)
        plain = event.modifiers() in (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier)
        if key is Qt.Key.Key_Escape:
            self.given_up.emit()
        elif plain and key in TAKEN_BY_FILM:
            self.refused.emit(f"{text} moves rectangles or the focus and stays as it is. Press another key.")
        elif key is Qt.Key.Key_unknown or not text:
            self.refused.emit("This key has no name. Press another key.")
        else:
            # Qt says Shift with signs that need it ("Shift++"); shortcuts are told by the sign alone.
            self.caught.emit(text.removeprefix("Shift+") if text.startswith("Shift+") and _is_sign(event) else text)


class KeysDialog(QDialog):
    """Settings > Keys."""

    changed = Signal()  # the keymap has other keys now

    def __init__(self, keymap: Keymap, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keys")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._keymap = keymap
        self._rows: list[ActionSpec] = []
        self._wanted = ""  # the key that another command has, until the person has decided
        self._build()
        self.search.textChanged.connect(lambda _text: self._fill())
        self.table.itemSelectionChanged.connect(self._selected)
        self.table.cellDoubleClicked.connect(lambda _row, _column: self.begin())
        self.change.clicked.connect(self.begin)
        self.none.clicked.connect(self._clear)
        self.reset.clicked.connect(self._reset)
        self.reset_all.clicked.connect(self._reset_all)
        self.give.clicked.connect(self._give)
        self.keep.clicked.connect(self._stop)
        self.catcher.caught.connect(self._caught)
        self.catcher.refused.connect(lambda why: self.conflict.say(why, "warning"))
        self.catcher.given_up.connect(self._stop)
        self._fill()
        self._stop()
        self.resize(640, 620)

    def _build(self) -> None:
        self.search = QLineEdit()
        self.search.setPlaceholderText("Search a command or key")
        self.search.setClearButtonEnabled(True)
        self.table = QTableWidget(0, 3)
        self.table.setHorizontalHeaderLabels(["Command", "Where", "Keys"])
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setShowGrid(False)
        self.table.verticalHeader().hide()
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self.table.setColumnWidth(1, 100)
        self.table.setColumnWidth(2, 190)
        self.catcher = KeyCatcher()
        self.change, self.none = QPushButton("Change"), QPushButton("No key")
        self.reset, self.reset_all = QPushButton("Reset"), QPushButton("Reset all keys")
        self.give, self.keep = QPushButton("Use it here"), QPushButton("Keep it there")
        self.change.setProperty("look", "primary")
        close = QPushButton("Close")
        close.clicked.connect(self.accept)
        self.conflict = Notice()
        self.conflict.add_button(self.keep)
        self.conflict.add_button(self.give)
        for button in (self.change, self.none, self.reset, self.reset_all, self.give, self.keep, close):
            button.setAutoDefault(False)  # Return in the search field must press none of them
        layout = QVBoxLayout(self)
        layout.setContentsMargins(18, 16, 18, 14)
        layout.setSpacing(10)
        layout.addWidget(self.search)
        layout.addWidget(self.table, 1)
        layout.addWidget(self.conflict)
        layout.addWidget(self.catcher)
        row = QHBoxLayout()
        for button in (self.change, self.none, self.reset):
            row.addWidget(button)
        row.addStretch(1)
        row.addWidget(self.reset_all)
        row.addWidget(close)
        layout.addLayout(row)

    # what is chosen

    def select(self, name: str) -> None:
        """Select a command."""
        self.table.selectRow([entry.name for entry in self._rows].index(name))

    def begin(self) -> None:
        """The next key pressed is the command's."""
        entry = self._entry()
        if entry is not None:
            self.conflict.say("")
            self.catcher.setText(f"Press the key for “{_text(entry)}”.  Esc: leave it as it is.")
            self.catcher.setFocus(Qt.FocusReason.OtherFocusReason)

    def _caught(self, key: str) -> None:
        entry = self._entry()
        if entry is None:
            return
        holder = self._keymap.holder(entry.name, key)
        if holder is None:
            self._put(key)
            return
        self._wanted = key
        self.conflict.say(f"{_native(key)} is the key of “{_text(holder)}”, which would lose it.", "warning")
        self.give.show()
        self.keep.show()
        self.give.setFocus(Qt.FocusReason.OtherFocusReason)

    def _give(self) -> None:
        self._put(self._wanted)

    def _put(self, key: str) -> None:
        entry = self._entry()
        if entry is not None:
            self._keymap.give(entry.name, key)
            self._tell()

    def _clear(self) -> None:
        entry = self._entry()
        if entry is not None:
            self._keymap.clear(entry.name)
            self._tell()

    def _reset(self) -> None:
        entry = self._entry()
        if entry is not None:
            self._keymap.reset(entry.name)
            self._tell()

    def _reset_all(self) -> None:
        self._keymap.reset_all()
        self._tell()

    def _tell(self) -> None:
        self._stop()
        self._fill()
        self.changed.emit()

    def _stop(self) -> None:
        """No key is waited for any more."""
        self._wanted = ""
        self.conflict.say("")
        self.give.hide()
        self.keep.hide()
        self.catcher.setText(HINT)
        self.table.setFocus(Qt.FocusReason.OtherFocusReason)

    # showing

    def _entry(self) -> ActionSpec | None:
        row = self.table.currentRow()
        return self._rows[row] if 0 <= row < len(self._rows) else None

    def _selected(self) -> None:
        entry = self._entry()
        for button in (self.change, self.none):
            button.setEnabled(entry is not None)
        self.reset.setEnabled(entry is not None and self._keymap.is_own(entry.name))

    def _fill(self) -> None:
        chosen = self._entry()
        wanted = self.search.text().casefold().split()
        self._rows = [e for e in ACTIONS if all(w in self._line(e).casefold() for w in wanted)]
        self.table.setRowCount(len(self._rows))
        for row, entry in enumerate(self._rows):
            words = (_text(entry), entry.menu, self._keys(entry.name))
            for column, text in enumerate(words):
                item = QTableWidgetItem(text)
                item.setToolTip(entry.tip)
                font = QFont(self.table.font())
                font.setBold(self._keymap.is_own(entry.name))
                item.setFont(font)
                self.table.setItem(row, column, item)
        if self._rows:
            self.table.selectRow(self._rows.index(chosen) if chosen in self._rows else 0)
        self._selected()

    def _keys(self, name: str) -> str:
        own = "  (changed)" if self._keymap.is_own(name) else ""
        return (", ".join(_native(k) for k in self._keymap.keys(name)) or NO_KEY) + own

    def _line(self, entry: ActionSpec) -> str:
        return f"{entry.text} {entry.menu} {self._keys(entry.name)}"


def _text(entry: ActionSpec) -> str:
    return entry.text.rstrip("…")


def _native(key: str) -> str:
    return QKeySequence(key).toString(QKeySequence.SequenceFormat.NativeText)


def _is_sign(event: QKeyEvent) -> bool:
    text = event.text()
    return len(text) == 1 and text.isprintable() and not text.isalnum() and text != " "
