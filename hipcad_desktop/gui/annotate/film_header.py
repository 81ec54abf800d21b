"""The strip above the film: whose film it is, its size, and the viewing tools."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFrame, QHBoxLayout, QToolButton, QVBoxLayout, QWidget

from hipcad_desktop.domain.radiograph import PatientFacts
from hipcad_desktop.gui.state.project_state import FilmFacts
from hipcad_desktop.gui.widgets.elided import ElidedLabel

TOOLS = (
    "undo",
    "redo",
    "fit",
    "actual_size",
    "invert",
    "reset_window",
    "window_presets",
    "local_contrast",
    "hide_marks",
)


class FilmHeader(QFrame):
    """Filled from the same film that is shown below it."""

    def __init__(self, actions: Mapping[str, QAction], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("look", "bar")
        self._name = ElidedLabel()
        self._name.setProperty("look", "heading")
        self._facts = ElidedLabel()
        self._facts.setProperty("look", "muted")
        self._patient = ElidedLabel(mode=Qt.TextElideMode.ElideRight)
        first = QHBoxLayout()
        first.setSpacing(10)
        first.addWidget(self._name, 2)
        first.addWidget(self._facts, 3)
        words = QVBoxLayout()
        words.setSpacing(1)
        words.addLayout(first)
        words.addWidget(self._patient)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(10, 4, 6, 4)
        layout.setSpacing(4)
        layout.addLayout(words, 1)
        for name in TOOLS:
            button = QToolButton()
            button.setDefaultAction(actions[name])
            button.setProperty("look", "flat")
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)
            button.setIconSize(QSize(18, 18))
            button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            layout.addWidget(button)
            if name == "redo":
                layout.addSpacing(8)

    def show_film(self, film: FilmFacts | None) -> None:
        """File and size; the patient's own data come with the pixels."""
        self._patient.setText("")
        if film is None:
            self._name.setText("")
            self._facts.setText("")
        else:
            self._name.setText(film.file_name)
            self._facts.setText(f"{film.patient}   {film.width} × {film.height}   {film.kind}")

    def show_patient(self, patient: PatientFacts) -> None:
        """Name, birth date, sex and study date, where the file says them. Shown here and nowhere kept."""
        self._patient.setText(patient.words() or "The file names no patient")
