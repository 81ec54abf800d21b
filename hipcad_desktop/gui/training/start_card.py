"""Step 3: the weights a network begins with: ImageNet's, a model's that ships or of one's own, a file's, or none."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from hipcad_desktop.domain.model_card import ModelCard
from hipcad_desktop.gui.training.draft import RecipeDraft
from hipcad_desktop.gui.training.form import card, combo
from hipcad_desktop.gui.widgets.elided import ElidedLabel
from hipcad_desktop.gui.widgets.notice import Notice
from hipcad_desktop.gui.widgets.pieces import muted

_IMAGENET, _NONE, _FILE, _MODEL, _BOX = "imagenet", "none", "file", "model", "box"
_CHOICES = {
    _IMAGENET: "ImageNet, as in the paper",
    _BOX: "The model in the box",
    _MODEL: "A model of my own (.hipcad)…",
    _FILE: "A file of weights…",
    _NONE: "Nothing (random weights)",
}
_WORDS = {
    _IMAGENET: "Fetched once through timm, then kept; “Quick” has its weights in the installation.",
    _NONE: "Learns from nothing: needs far more films. For tests of the program.",
    _FILE: "A .safetensors, .pth or .pt file whose tensors fit the backbone. No network needed.",
    _MODEL: "Goes on from what a trained model knows; its backbone is taken too.",
    _BOX: "It came with the program; its backbone is taken too. Needs no network.",
}
_FILTERS = {
    _FILE: "Weights (*.safetensors *.pth *.pt);;All files (*)",
    _MODEL: "HipCAD model (*.hipcad)",
}


class StartCard(QWidget):
    """A view of the draft's weights. Emits model_chosen for a .hipcad: the mode reads its card and sets both.

    box: the models that ship, the default one first. Each is a way to start of its own, "box" and a number.
    """

    model_chosen = Signal(object)  # Path

    def __init__(self, draft: RecipeDraft, *, box: Sequence[Path], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._draft = draft
        self._box = {f"{_BOX}{number or ''}": path for number, path in enumerate(box)}
        self._kind = _IMAGENET
        self._described = ""  # the weights whose card the notice is about
        self._frame, layout = card(3, "Start from")
        self.choice = combo(*self._ways())
        self.choice.setAccessibleName("Start from")
        self._words = muted()
        self._path = ElidedLabel()
        self.choose = QPushButton("Choose…")
        self.choose.clicked.connect(lambda: self._ask(self._kind))
        self.notice = Notice()
        self._file_row = QWidget()
        row = QHBoxLayout(self._file_row)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self._path, 1)
        row.addWidget(self.choose)
        for widget in (self.choice, self._words, self._file_row, self.notice):
            layout.addWidget(widget)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(self._frame)
        self.choice.activated.connect(self._activated)
        draft.changed.connect(self._show)
        self._show()

    @property
    def missing(self) -> str:
        """What has still to be chosen; empty where nothing is."""
        return "Choose the file to start from." if self._kind in (_FILE, _MODEL) and not self._chosen() else ""

    def show_model(self, found: ModelCard) -> None:
        """What the card of the model that was taken says of it."""
        seen = f"{found.backbone} at {found.input_px} px, {found.halving} halving"
        note = f" {found.note}" if found.note else ""
        self._described = self._draft.weights
        self.notice.say(f"{found.name}: {seen}.{note}")

    def show_failure(self, words: str) -> None:
        """The model could not be read, and why."""
        self._described = ""
        self.notice.say(words, "error")

    def choose_kind(self, kind: str) -> None:
        """Take one of the ways to start; a way that needs a file waits for it."""
        self._kind = kind
        self.notice.say("")
        match kind:
            case "imagenet" | "none":
                self._draft.set_weights(kind)
            case _ if kind in self._box:
                self.model_chosen.emit(self._box[kind])
        self._show()
        self._draft.changed.emit()

    def _ways(self) -> list[tuple[str, str]]:
        ways: list[tuple[str, str]] = []
        for value, words in _CHOICES.items():
            if value != _BOX:
                ways.append((value, words))
                continue
            ways += [(kind, f"{words}: {path.stem}") for kind, path in self._box.items()]
        return ways

    def _activated(self) -> None:
        kind = str(self.choice.currentData())
        self.choose_kind(kind)
        if kind in _FILTERS and not self._chosen():
            self._ask(kind)

    def _ask(self, kind: str) -> None:
        start = str(Path(self._draft.weights).parent) if self._chosen() else ""
        chosen, _ = QFileDialog.getOpenFileName(self, "Start from", start, _FILTERS[kind])
        if chosen and chosen.endswith(".hipcad"):
            self.model_chosen.emit(Path(chosen))
        elif chosen:
            self._draft.set_weights(chosen)

    def _chosen(self) -> bool:
        return self._kind_of(self._draft.weights) == self._kind

    def _show(self) -> None:
        # A way that waits for its file stays on the screen; else the draft decides.
        kind = self._kind_of(self._draft.weights)
        if self._kind not in _FILTERS or kind in _FILTERS or kind in self._box:
            self._kind = kind
        if self._described and self._described != self._draft.weights:
            self._described = ""
            self.notice.say("")
        self.choice.setCurrentIndex(self.choice.findData(self._kind))
        self._words.setText(_WORDS[_BOX if self._kind in self._box else self._kind])
        self._file_row.setVisible(self._kind in _FILTERS)
        self._path.setText(self._draft.weights if self._chosen() else "No file chosen")

    def _kind_of(self, weights: str) -> str:
        if weights in (_IMAGENET, _NONE):
            return weights
        in_the_box = (kind for kind, path in self._box.items() if path == Path(weights))
        return next(in_the_box, _MODEL if weights.endswith(".hipcad") else _FILE)
