"""What is chosen in the launcher is read in the background: datasets, models to start from, a partition made again."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject

from hipcad_desktop.domain.errors import UserError
from hipcad_desktop.domain.messages import sentence
from hipcad_desktop.gui.diagnose.model_file import ModelFile, read_model_file
from hipcad_desktop.gui.tasks import Tasks
from hipcad_desktop.gui.training.dataset_facts import DatasetFacts, read_dataset_facts
from hipcad_desktop.gui.training.draft import RecipeDraft
from hipcad_desktop.gui.training.launcher import Launcher


class Choices(QObject):
    """Hands to the launcher and the recipe what the files say, or the sentence of why they cannot be read."""

    def __init__(self, launcher: Launcher, draft: RecipeDraft, tasks: Tasks, parent: QObject) -> None:
        super().__init__(parent)
        self._launcher, self._draft, self._tasks = launcher, draft, tasks
        self._reading: Path | None = None
        launcher.dataset.dataset_chosen.connect(self.set_dataset)
        launcher.dataset.partition_asked.connect(self.partition_again)
        launcher.start_from.model_chosen.connect(self.start_from)

    def set_dataset(self, path: Path) -> None:
        """Read a dataset's manifest and show it."""
        self._reading = path
        self._launcher.dataset.show_reading(path)
        self._launcher.set_facts(None)
        self._tasks.pool(
            "Read the dataset",
            lambda: read_dataset_facts(path),
            done=lambda facts: self._on_facts(path, facts),
            failed=lambda error: self._on_facts_failed(path, error),
        )

    def start_from(self, model: Path) -> None:
        """Take a model's weights and its backbone."""
        self._tasks.pool("Read the model", lambda: read_model_file(model), done=self._on_model, failed=self._no_model)

    def partition_again(self) -> None:
        """Ask for other partitions; the new dataset takes the old one's place here."""
        from hipcad_desktop.gui.dialogs.partition import PartitionDialog

        if self._launcher.facts is not None:
            dialog = PartitionDialog(self._launcher.facts.path, self._tasks, self._launcher)
            dialog.partitioned.connect(self.set_dataset)
            dialog.open()

    def _on_facts(self, path: Path, facts: DatasetFacts) -> None:
        if path == self._reading:  # else another dataset was chosen in the meantime
            self._launcher.set_facts(facts)

    def _on_facts_failed(self, path: Path, error: Exception) -> None:
        if not isinstance(error, UserError):
            self._tasks.broken.emit(error)
        elif path == self._reading:
            self._launcher.dataset.show_failure(path, sentence(error))

    def _on_model(self, model: ModelFile) -> None:
        self._draft.set_weights(str(model.path), backbone=model.card.backbone)
        self._launcher.start_from.show_model(model.card)

    def _no_model(self, error: Exception) -> None:
        if isinstance(error, UserError):
            self._launcher.start_from.show_failure(sentence(error))
        else:
            self._tasks.broken.emit(error)
