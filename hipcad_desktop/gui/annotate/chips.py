"""Small buttons, on or off, each with its key: a rectangle's type, what it was first seen on, what else shows."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from hipcad_desktop.domain.anatomy import FractureType
from hipcad_desktop.domain.annotation import DiagnosedFrom, FilmFlag
from hipcad_desktop.gui.actions import key_text

SHORT: Mapping[FractureType, str] = {
    FractureType.GARDEN_I: "I",
    FractureType.GARDEN_II: "II",
    FractureType.GARDEN_III: "III",
    FractureType.GARDEN_IV: "IV",
    FractureType.AO_31_A1: "A1",
    FractureType.AO_31_A2: "A2",
    FractureType.AO_31_A3: "A3",
    FractureType.GREATER_TROCHANTER: "GT",
}
TYPE_GROUPS = (("Garden", 4), ("31-", 3), ("gr. troch.", 1))  # above the chips, and how many each spans
FLAG_WORDS: Mapping[FilmFlag, str] = {
    FilmFlag.IMPLANT_OTHER_HIP: "Implant, other hip",
    FilmFlag.SPINE_IMPLANT: "Spine implant",
    FilmFlag.OSTEOARTHRITIS: "Osteoarthritis",
    FilmFlag.PATHOLOGIC: "Pathologic",
    FilmFlag.OLD_PELVIC_FRACTURE: "Old pelvic fracture",
}


class Chip(QPushButton):
    """Triggers its command; whether it is on is told from outside, never by the click itself."""

    def __init__(self, words: str, action: QAction, *, tall: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("look", "chip")
        self.setCheckable(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # a click leaves the keys with the film
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(action.text())
        self._action = action
        self._tall = tall
        self._words, self._key = QLabel(words), QLabel()
        self._key.setProperty("look", "chipkey")
        box = QVBoxLayout(self) if tall else QHBoxLayout(self)
        box.setContentsMargins(*((0, 3, 0, 2) if tall else (8, 0, 6, 0)))
        box.setSpacing(0 if tall else 3)
        self._box = box
        for label in (self._words, self._key):
            label.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
            label.setAlignment(Qt.AlignmentFlag.AlignCenter if tall else Qt.AlignmentFlag.AlignVCenter)
            box.addWidget(label, 0 if label is self._key else 1)
        action.changed.connect(self._follow)
        self.clicked.connect(action.trigger)
        self._follow()

    def nextCheckState(self) -> None:
        """A click changes nothing by itself: what holds is decided by the answer."""

    def sizeHint(self) -> QSize:
        return QSize(self._box.sizeHint().width(), 36 if self._tall else 26)

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def _follow(self) -> None:
        self._key.setText(key_text(self._action))
        self.setToolTip(self._action.toolTip())
        self.setEnabled(self._action.isEnabled())


class TypeChips(QWidget):
    """The eight types in a row."""

    def __init__(self, actions: Mapping[str, QAction], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(3)
        grid.setVerticalSpacing(1)
        self.chips: dict[FractureType, Chip] = {}
        column = 0
        for words, count in TYPE_GROUPS:
            head = QLabel(words)
            head.setProperty("look", "chiphead")
            grid.addWidget(head, 0, column, 1, count)
            column += count
        for number, kind in enumerate(FractureType, 1):
            self.chips[kind] = Chip(SHORT[kind], actions[f"type_{number}"], tall=True)
            grid.addWidget(self.chips[kind], 1, number - 1)
            grid.setColumnStretch(number - 1, 1)

    def show_type(self, kind: FractureType | None) -> None:
        """The selected rectangle's type."""
        for each, chip in self.chips.items():
            chip.setChecked(each is kind)


class SourceChips(QWidget):
    """What the fracture was first seen on."""

    def __init__(self, actions: Mapping[str, QAction], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        self.chips: dict[DiagnosedFrom, Chip] = {}
        for number, source in enumerate(DiagnosedFrom, 1):
            words = source.value if source is DiagnosedFrom.CT_MRI else source.value.capitalize()
            self.chips[source] = Chip(words, actions[f"source_{number}"])
            row.addWidget(self.chips[source], 1)

    def show_source(self, source: DiagnosedFrom | None) -> None:
        """What holds."""
        for each, chip in self.chips.items():
            chip.setChecked(each is source)


class FlagChips(QWidget):
    """What else the film shows, in two columns."""

    def __init__(self, actions: Mapping[str, QAction], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(4)
        self.chips: dict[FilmFlag, Chip] = {}
        for number, flag in enumerate(FilmFlag):
            self.chips[flag] = Chip(FLAG_WORDS[flag], actions[f"flag_{number + 1}"])
            grid.addWidget(self.chips[flag], number // 2, number % 2)
        for column in (0, 1):
            grid.setColumnStretch(column, 1)

    def show_flags(self, flags: frozenset[FilmFlag]) -> None:
        """What holds."""
        for each, chip in self.chips.items():
            chip.setChecked(each in flags)
