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
        self._patient.setProperty("look", "muted")
        words = QHBoxLayout()
        words.setSpacing(10)
        words.addWidget(self._name, 3)
        words.addWidget(self._facts, 2)
        tools = QHBoxLayout()
        tools.setSpacing(4)
        tools.addWidget(self._patient, 1)
        for name in TOOLS:
            button = QToolButton()
            button.setDefaultAction(actions[name])
            button.setProperty("look", "flat")
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)
            button.setIconSize(QSize(18, 18))
            button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            tools.addWidget(button)
            if name == "redo":
                tools.addSpacing(8)
        layout = QVBoxLayout(self)  # two rows: beside nine tools a film's name would be cut off
        layout.setContentsMargins(10, 6, 6, 2)
        layout.setSpacing(0)
        layout.addLayout(words)
        layout.addLayout(tools)

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
