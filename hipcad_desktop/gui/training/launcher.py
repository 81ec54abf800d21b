"""The left side of training: five steps one under the other, and the button that checks them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QScrollArea, QVBoxLayout, QWidget

from hipcad_desktop.domain.errors import UserError
from hipcad_desktop.domain.messages import sentence
from hipcad_desktop.gui.training.dataset_card import DatasetCard
from hipcad_desktop.gui.training.dataset_facts import DatasetFacts
from hipcad_desktop.gui.training.draft import RecipeDraft
from hipcad_desktop.gui.training.form import button, set_look
from hipcad_desktop.gui.training.machine_card import MachineCard
from hipcad_desktop.gui.training.recipe_card import RecipeCard
from hipcad_desktop.gui.training.start_card import StartCard
from hipcad_desktop.gui.training.target_card import TargetCard
from hipcad_desktop.gui.widgets.notice import Notice


class Launcher(QWidget):
    """What a training needs, chosen. Emits changed, and check_asked when all of it is there."""

    changed = Signal()
    check_asked = Signal()

    def __init__(self, draft: RecipeDraft, *, box: Sequence[Path], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("look", "panel")
        self._draft = draft
        self._facts: DatasetFacts | None = None
        self._locked = False
        self.dataset = DatasetCard()
        self.recipe = RecipeCard(draft)
        self.start_from = StartCard(draft, box=box)
        self.machine = MachineCard()
        self.target = TargetCard()
        self.problem = Notice()
        self.check = button("Check before training", self.check_asked.emit, look="primary")
        self.check.setToolTip("Looks at everything and times a few steps; nothing is trained yet")
        self._steps = (self.dataset, self.recipe, self.start_from, self.machine, self.target)
        self._arrange()
        draft.changed.connect(self._changed)
        self.machine.changed.connect(self._changed)
        self.target.changed.connect(self._changed)
        self._show()

    @property
    def facts(self) -> DatasetFacts | None:
        """The chosen dataset, read."""
        return self._facts

    def set_facts(self, facts: DatasetFacts | None) -> None:
        """The dataset was read; None while it is, or where it cannot be."""
        self._facts = facts
        if facts is not None:
            self.dataset.show_facts(facts)
        self._changed()

    def arguments(self) -> dict[str, Any]:
        """What the worker is told. Only where missing() is empty."""
        assert self._facts is not None
        return {
            "dataset": str(self._facts.path),
            "to": str(self.target.path),
            "config": self._draft.config().to_json(),
            "device": self.machine.device,
            "processes": self.machine.processes,
        }

    def missing(self) -> tuple[str, bool]:
        """What still stands in the way, in words, and whether it is an error; empty where nothing does."""
        if self._facts is None:
            return "Choose a dataset first.", False
        if not self._facts.trainable:
            return "This dataset cannot be trained on, see step 1.", False
        try:
            self._draft.config()
        except UserError as error:
            return sentence(error), True
        return self.start_from.missing or self.target.problem, False

    def lock(self, locked: bool) -> None:
        """Nothing is changed while a training runs."""
        self._locked = locked
        for step in self._steps:
            step.setEnabled(not locked)
        self._show()

    def show_checked(self, checked: bool) -> None:
        """Where the check was made, the next step is on the right."""
        set_look(self.check, "" if checked else "primary")

    def _changed(self) -> None:
        if self._facts is not None:
            self.target.suggest(self._facts.path.parent, f"{self._facts.path.name}-{self._draft.recipe}")
        self._show()
        self.changed.emit()

    def _show(self) -> None:
        words, is_error = self.missing()
        self.problem.say("" if self._locked else words, "error" if is_error else "info")
        self.check.setEnabled(not words and not self._locked)

    def _arrange(self) -> None:
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(14, 14, 14, 14)
        column.setSpacing(12)
        for step in self._steps:
            column.addWidget(step)
        column.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidget(page)
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        foot = QVBoxLayout()
        foot.setContentsMargins(14, 8, 14, 14)
        foot.setSpacing(8)
        foot.addWidget(self.problem)
        foot.addWidget(self.check)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(scroll, 1)
        layout.addLayout(foot)
