"""Step 5: the file that the model is written to."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QLineEdit, QPushButton, QVBoxLayout, QWidget

from hipcad_desktop.gui.training.form import card
from hipcad_desktop.gui.widgets.pieces import muted


class TargetCard(QWidget):
    """A path that ends in .hipcad."""

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.field = QLineEdit()
        self.field.setPlaceholderText("model.hipcad")
        self.field.setAccessibleName("Model file")
        self.field.textChanged.connect(self._changed)
        choose = QPushButton("Choose…")
        choose.clicked.connect(self._ask)
        self._by_hand = False
        frame, layout = card(5, "Model file")
        row = QHBoxLayout()
        row.addWidget(self.field, 1)
        row.addWidget(choose)
        layout.addLayout(row)
        layout.addWidget(muted("The network, its card and its figures in one file; the run's folder lies beside it."))
        self.field.textEdited.connect(self._edited)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(frame)

    @property
    def path(self) -> Path:
        """Where the model goes."""
        return Path(self.field.text().strip())

    @property
    def problem(self) -> str:
        """What is wrong with it; empty where nothing is."""
        if not self.field.text().strip().endswith(".hipcad"):
            return "Name a model file that ends in .hipcad."
        return ""

    def set_path(self, path: Path) -> None:
        """Chosen by a person: no suggestion takes its place."""
        self._by_hand = True
        self.field.setText(str(path))

    def suggest(self, folder: Path, stem: str) -> None:
        """A free name, unless a person named one."""
        if not self._by_hand:
            self.field.setText(str(free(folder / f"{stem}.hipcad")))

    def next_free(self) -> None:
        """The next model does not overwrite the one that was just made."""
        if not self.problem:
            self.field.setText(str(free(self.path)))

    def _edited(self, text: str) -> None:
        self._by_hand = bool(text.strip())

    def _changed(self, text: str) -> None:
        self.field.setToolTip(text)
        self.changed.emit()

    def _ask(self) -> None:
        chosen, _ = QFileDialog.getSaveFileName(
            self, "Where the model goes", self.field.text(), "HipCAD model (*.hipcad)"
        )
        if chosen:
            self.set_path(Path(chosen if chosen.endswith(".hipcad") else f"{chosen}.hipcad"))


def free(wanted: Path) -> Path:
    """The first of wanted, wanted-2, wanted-3... that is not there, as a model or as a run's folder."""
    number, found = 1, wanted
    while found.exists() or found.with_suffix(".run").exists():
        number += 1
        found = wanted.with_stem(f"{wanted.stem}-{number}")
    return found
