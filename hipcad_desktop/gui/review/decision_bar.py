"""What the readers agree on: one of their answers, both, or another; who agrees; recorded with one key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget

from hipcad_desktop.domain.annotation import Answer
from hipcad_desktop.gui.annotate.chips import Chip
from hipcad_desktop.gui.review.dispute_list import verdict_words
from hipcad_desktop.gui.review.dispute_tool import swatch
from hipcad_desktop.gui.widgets.elided import ElidedLabel

CHOICES = ("take_1", "take_2", "take_both", "agree_no_fracture", "agree_unsure")


class DecisionBar(QFrame):
    """Below the film."""

    def __init__(self, actions: Mapping[str, QAction], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("look", "panel")
        self.readers = tuple(ElidedLabel(mode=Qt.TextElideMode.ElideRight) for _ in range(2))
        self._swatches = (QLabel(), QLabel())
        self.choices = {
            "take_1": Chip("Reader 1", actions["take_1"]),
            "take_2": Chip("Reader 2", actions["take_2"]),
            "take_both": Chip("Both rectangles", actions["take_both"]),
            "agree_no_fracture": Chip("No fracture", actions["agree_no_fracture"]),
            "agree_unsure": Chip("Unsure", actions["agree_unsure"]),
        }
        self.names = QLineEdit()
        self.names.setPlaceholderText("Who agrees? Names with commas")
        self.names.setAccessibleName("Adjudicators")
        self.draft = ElidedLabel(mode=Qt.TextElideMode.ElideRight)
        self.record = QPushButton("Record and go on   ↵")
        self.record.setProperty("look", "primary")
        self.record.setToolTip(actions["adjudicate"].toolTip())
        self.record.clicked.connect(actions["adjudicate"].trigger)
        self._build()

    def _build(self) -> None:
        legend = QHBoxLayout()
        legend.setSpacing(8)
        for line, words in zip(self._swatches, self.readers, strict=True):
            legend.addWidget(line)
            legend.addWidget(words, 1)
        choices = QHBoxLayout()
        choices.setSpacing(5)
        for name in CHOICES:
            choices.addWidget(self.choices[name], 1)
        last = QHBoxLayout()
        last.setSpacing(8)
        last.addWidget(QLabel("Agreed by"))
        last.addWidget(self.names, 1)
        last.addWidget(self.record)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(10, 7, 10, 8)
        layout.setSpacing(7)
        layout.addLayout(legend)
        layout.addLayout(choices)
        layout.addWidget(self.draft)
        layout.addLayout(last)

    def show_readers(self, readers: Sequence[str], answers: Sequence[Answer]) -> None:
        """Whose answers are on the film."""
        pairs = zip(self.readers, self._swatches, readers, answers, strict=True)
        for number, (label, line, reader, answer) in enumerate(pairs):
            label.setText(f"{reader}: {verdict_words(answer)}")
            line.setPixmap(swatch(number, self.devicePixelRatioF()))

    def show_draft(self, draft: Answer | None, choice: str, recorded: Answer | None) -> None:
        """What would be recorded, by which choice it came about, and what is recorded already."""
        if draft is not None:
            words = f"To record: {verdict_words(draft)}"
        elif recorded is not None:
            words = f"✓ Agreed: {verdict_words(recorded)}"
        else:
            words = "Choose an answer, or draw the agreed rectangle"
        self.draft.setText(words)
        for name, chip in self.choices.items():
            chip.setChecked(name == choice)
        self.record.setEnabled(draft is not None)

    @property
    def adjudicators(self) -> tuple[str, ...]:
        """The names typed."""
        return tuple(n for n in (name.strip() for name in self.names.text().split(",")) if n)
