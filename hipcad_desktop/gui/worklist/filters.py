"""What is searched and filtered for: a field of words, one choice of status, one of everything else."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLineEdit, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from hipcad_desktop.gui.widgets.icons import icon
from hipcad_desktop.gui.worklist.rows import ANY, REFUSED, TRAITS, WORDS, Wanted


class FilterBar(QWidget):
    """Two rows; it only tells what is wanted."""

    changed = Signal(object)  # Wanted

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.search = QLineEdit()
        self.search.setPlaceholderText("Search film, patient code, hospital, date")
        self.search.setClearButtonEnabled(True)
        self._icon = self.search.addAction(icon("search"), QLineEdit.ActionPosition.LeadingPosition)
        self.only = QComboBox()
        self.only.setAccessibleName("Which readings are listed")
        self.only.addItem("all readings", ANY)
        for status, word in WORDS.items():
            self.only.addItem(word, str(status))
        self.trait = QComboBox()
        self.trait.setAccessibleName("Which types, flags and scopes are listed")
        self.trait.addItem("any type or flag", ANY)
        for trait, word in TRAITS.items():
            if trait in ("untyped", "flagged", REFUSED):
                self.trait.insertSeparator(self.trait.count())
            self.trait.addItem(word, trait)
        for box in (self.only, self.trait):
            box.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
            box.setMaxVisibleItems(30)
            box.currentIndexChanged.connect(self._tell)
        self.search.textChanged.connect(self._tell)
        self.view = QToolButton()
        self.view.setText("Columns")
        self.view.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.view.setToolTip("Which columns are shown, and thumbnails")
        first, second, column = QHBoxLayout(), QHBoxLayout(), QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        for row in (first, second, column):
            row.setSpacing(6)
        first.addWidget(self.search, 1)
        first.addWidget(self.view)
        second.addWidget(self.only, 1)
        second.addWidget(self.trait, 1)
        column.addLayout(first)
        column.addLayout(second)

    @property
    def wanted(self) -> Wanted:
        """What is chosen now."""
        return Wanted(self.search.text(), self.only.currentData() or ANY, self.trait.currentData() or ANY)

    def reset(self) -> None:
        """List everything."""
        self.search.clear()
        self.only.setCurrentIndex(0)
        self.trait.setCurrentIndex(0)

    def recolour(self) -> None:
        """The theme has changed."""
        self._icon.setIcon(icon("search"))

    def _tell(self) -> None:
        self.changed.emit(self.wanted)
