"""The signed-in reader's second round: when it may start, its start, and the way into it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QDoubleSpinBox, QHBoxLayout, QLabel, QPushButton, QSpinBox, QVBoxLayout, QWidget

if TYPE_CHECKING:
    from hipcad_desktop.workflows.reader_study import SecondRoundFacts

DAYS = 14.0
SEED = 20200414


class SecondRoundCard(QWidget):
    """Shows and asks; the project decides."""

    start_asked = Signal(float, int)  # days, seed
    read_asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._facts: SecondRoundFacts | None = None
        self.words = QLabel()
        self.words.setWordWrap(True)
        self.days = QDoubleSpinBox(minimum=0, maximum=3650, decimals=1, value=DAYS, suffix=" days")
        self.days.setAccessibleName("Wash-out time in days")
        self.days.valueChanged.connect(lambda _days: self._show())
        self.seed = QSpinBox(minimum=0, maximum=2**31 - 1, value=SEED)
        self.seed.setAccessibleName("Seed of the order")
        self.start = QPushButton("Start the second round")
        self.start.clicked.connect(lambda: self.start_asked.emit(self.days.value(), self.seed.value()))
        self.read = QPushButton("Read the second round")
        self.read.clicked.connect(self.read_asked)
        self._ask = QWidget()
        row = QHBoxLayout(self._ask)
        row.setContentsMargins(0, 0, 0, 0)
        for part in (QLabel("Wash-out time"), self.days, QLabel("Seed"), self.seed, self.start):
            row.addWidget(part)
        row.addStretch(1)
        last = QHBoxLayout()
        last.addWidget(self.read)
        last.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.words)
        column.addWidget(self._ask)
        column.addLayout(last)
        self.show_facts(None)

    def show_facts(self, facts: SecondRoundFacts | None) -> None:
        """None: not known yet."""
        self._facts = facts
        self._show()

    def _show(self) -> None:
        facts = self._facts
        started = facts is not None and facts.films > 0
        self._ask.setVisible(facts is not None and not started)
        self.read.setVisible(started)
        self.start.setEnabled(False)
        if facts is None:
            self.words.setText("")
        elif started:
            self.words.setText(
                f"Started: {facts.answered} of {facts.films} films read again. "
                f"Wash-out time {facts.after_days:g} days, seed {facts.seed}."
            )
        elif facts.last_answer is None:
            self.words.setText("You have read no film yet, so there is none to read again.")
        else:
            over = facts.last_answer + timedelta(days=self.days.value())
            may = datetime.now(UTC) >= over
            self.start.setEnabled(may)
            self.words.setText(
                "Your films again, in another order, without your first answers. "
                + ("It may start now." if may else f"It may start at {over:%Y-%m-%d %H:%M} (UTC).")
            )
