"""A verdict as a button: sign, word and key."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSizePolicy, QWidget

from hipcad_desktop.domain.annotation import Verdict
from hipcad_desktop.gui.actions import key_text
from hipcad_desktop.gui.widgets.icons import icon
from hipcad_desktop.gui.worklist.model import status_colour

BY_HAND = "draw"  # a fracture is said by its rectangle


class VerdictButton(QPushButton):
    """Triggers its command. Its sign is named like the verdict."""

    def __init__(self, verdict: Verdict, text: str, action: QAction | None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._verdict = verdict
        self._action = action
        self.setProperty("look", "verdict")
        self.setCheckable(True)
        self.setIconSize(QSize(18, 18))
        self.setAccessibleName(text)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMinimumHeight(34)
        words, self._key = QLabel(text), QLabel(BY_HAND)
        self._key.setProperty("look", "muted" if action is None else "chipkey")
        row = QHBoxLayout(self)
        row.setContentsMargins(33, 0, 8, 0)
        row.setSpacing(2)
        for label in (words, self._key):
            label.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        row.addWidget(words, 1)
        row.addWidget(self._key, 0, Qt.AlignmentFlag.AlignVCenter)
        if action is None:
            self.setToolTip("Drag a rectangle round the fracture on the film")
        else:
            self.clicked.connect(action.trigger)
            action.changed.connect(self._follow)
            self._follow()
        self.recolour()

    def recolour(self) -> None:
        """The theme has changed."""
        self.setIcon(icon(self._verdict.value, status_colour(self._verdict.value)))

    def _follow(self) -> None:
        assert self._action is not None
        self._key.setText(key_text(self._action))
        self.setToolTip(self._action.toolTip())
