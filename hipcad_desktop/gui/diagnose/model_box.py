"""Which model answers: its name and thresholds, another one by file, its card in a window."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QDialog,
    QFileDialog,
    QFormLayout,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from hipcad_desktop.domain.card_words import card_lines, probability_words
from hipcad_desktop.gui.diagnose.model_file import ModelFile
from hipcad_desktop.gui.widgets.elided import ElidedLabel
from hipcad_desktop.gui.widgets.notice import Notice


class ModelBox(QFrame):
    """Emits model_chosen; the mode reads the file and hands it back."""

    model_chosen = Signal(object)  # Path

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("look", "card")
        self._model: ModelFile | None = None
        section = QLabel("MODEL")
        section.setProperty("look", "section")
        self._name = ElidedLabel()
        self._name.setProperty("look", "heading")
        self._words = QLabel()
        self._words.setProperty("look", "muted")
        self._words.setWordWrap(True)
        self.notice = Notice()
        self.choose = QPushButton("Choose…")
        self.choose.clicked.connect(self._ask)
        self.card = QPushButton("Model card")
        self.card.clicked.connect(self.show_card)
        head = QHBoxLayout()
        head.addWidget(section, 1)
        head.addWidget(self.card)
        head.addWidget(self.choose)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(14, 10, 14, 12)
        layout.setSpacing(4)
        layout.addLayout(head)
        layout.addWidget(self._name)
        layout.addWidget(self._words)
        layout.addWidget(self.notice)
        self.show_model(None)

    def show_model(self, model: ModelFile | None) -> None:
        """Name and thresholds, or that there is none."""
        self._model = model
        self.notice.say("")
        self.card.setVisible(model is not None)
        if model is None:
            self._name.setText("No model chosen")
            self._words.setText("Choose a .hipcad file, or train one.")
            return
        thresholds = model.card.thresholds
        self._name.setText(model.card.name)
        self._name.setToolTip(f"{model.path}\nSHA-256 {model.sha256}")
        self._words.setText(
            f"No fracture below {thresholds.no_fracture:.3f}, fracture from {thresholds.fracture:.3f}, doubt between. "
            f"{probability_words(model.card)}{' This model came with the program.' if model.in_the_box else ''}"
        )
        if model.card.recipe == "quick":
            self.notice.say("A quick model, for trying things out: do not rely on its answers.", "warning")

    def show_card(self) -> None:
        """The whole card."""
        if self._model is not None:
            dialog = ModelCardDialog(self._model, self)
            dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            dialog.open()

    def _ask(self) -> None:
        start = str(self._model.path.parent) if self._model is not None else ""
        chosen, _ = QFileDialog.getOpenFileName(self, "Choose a model", start, "HipCAD model (*.hipcad)")
        if chosen:
            self.model_chosen.emit(Path(chosen))


class ModelCardDialog(QDialog):
    """The card of a model: what it expects, what its answers mean, how it was made."""

    def __init__(self, model: ModelFile, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(f"Model card: {model.card.name}")
        form = QFormLayout()
        form.setHorizontalSpacing(18)
        form.setVerticalSpacing(8)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        file = (("File", f"{model.path}, {model.size / 1e6:.1f} MB"), ("SHA-256", model.sha256))
        for label, words in (*card_lines(model.card), *file):
            name = QLabel(label)
            name.setProperty("look", "muted")
            value = QLabel(words)
            value.setWordWrap(True)
            value.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            form.addRow(name, value)
        page = QWidget()
        page.setLayout(form)
        scroll = QScrollArea()
        scroll.setWidget(page)
        scroll.setWidgetResizable(True)
        close = QPushButton("Close")
        close.clicked.connect(self.accept)
        layout = QVBoxLayout(self)
        layout.addWidget(scroll, 1)
        layout.addWidget(close, 0, Qt.AlignmentFlag.AlignRight)
        self.resize(640, 560)
