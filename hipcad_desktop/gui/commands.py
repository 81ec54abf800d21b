"""What the menus do with a project: open, import, export; each asks, starts the work, and tells how it ended."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QSettings, Signal
from PySide6.QtWidgets import QDialog, QFileDialog, QInputDialog, QLineEdit, QWidget

from hipcad_desktop.app.sample import READER, sample_folder
from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.messages import sentence
from hipcad_desktop.gui import settings as keys
from hipcad_desktop.gui.binding import ProjectBinding
from hipcad_desktop.gui.dialogs import trouble
from hipcad_desktop.gui.dialogs.export import ExportDialog
from hipcad_desktop.gui.dialogs.summary import import_summary, readings_summary
from hipcad_desktop.gui.state.project_state import ProjectState
from hipcad_desktop.gui.tasks import Tasks

if TYPE_CHECKING:
    from hipcad_desktop.workflows.export_dataset import ExportSummary
    from hipcad_desktop.workflows.import_films import ImportSummary
    from hipcad_desktop.workflows.readings_table import ReadingsSummary

TABLES = "Tables (*.csv)"


class ProjectCommands(QObject):
    """Commands on the project. Dialogs belong to `window`; none of them blocks the work behind it."""

    said = Signal(str)
    train_asked = Signal(object)  # Path of a dataset

    def __init__(
        self, window: QWidget, *, state: ProjectState, binding: ProjectBinding, tasks: Tasks, settings: QSettings
    ) -> None:
        super().__init__(window)
        self._window = window
        self._state = state
        self._binding = binding
        self._tasks = tasks
        self._settings = settings

    # open and close

    def new_project(self) -> None:
        """Ask for an empty folder and make a project in it."""
        path = self._folder("A new, empty folder for the project")
        if path is not None:
            self.open_path(path, create=True)

    def open_project(self) -> None:
        """Ask for a project's folder."""
        path = self._folder("A project's folder")
        if path is not None:
            self.open_path(path)

    def open_sample(self) -> None:
        """The sample project, made on first use."""
        self._binding.open_sample(done=self.open_path)

    def open_path(self, path: Path, *, create: bool = False, then: Callable[[], None] | None = None) -> None:
        """Open a project that is already chosen."""
        reader = READER if path == sample_folder() else self._reader()
        if not reader:
            return

        def opened() -> None:
            self._settings.setValue(keys.LAST_PROJECT, str(self._state.path))
            self.said.emit(f"{self._state.name}: {len(self._state.films)} films.")
            if then is not None:
                then()

        self._binding.open(path, reader=reader, create=create, done=opened)

    def close_project(self) -> None:
        """Back to the first page."""
        self._binding.close()

    def change_reader(self) -> None:
        """Ask for another name; every reader has answers and a history of their own."""
        name = self._ask_name(self._state.reader or self._reader_setting())
        if not name:
            return
        self._settings.setValue(keys.READER, name)
        if self._state.is_open and name != self._state.reader:
            self._binding.change_reader(name)

    # import

    def import_folder(self) -> None:
        """Ask for a folder of films."""
        folder = QFileDialog.getExistingDirectory(self._window, "Folder with films", self._last_folder())
        if folder:
            self.import_paths([Path(folder)])

    def import_files(self) -> None:
        """Ask for single films. DICOM files often have no extension, so every file can be chosen."""
        files, _ = QFileDialog.getOpenFileNames(self._window, "Films", self._last_folder(), "All files (*)")
        if files:
            self.import_paths([Path(f) for f in files])

    def import_paths(self, paths: Sequence[Path]) -> None:
        """Import into the open project; without one, ask for a new project first."""
        if not self._state.is_open:
            path = self._folder("A new, empty folder for the project that takes these films")
            if path is not None:
                self.open_path(path, create=True, then=lambda: self.import_paths(paths))
            return
        self._settings.setValue(keys.LAST_FOLDER, str(paths[0] if paths[0].suffix == "" else paths[0].parent))
        self._binding.import_films(paths, copy=False, done=self._imported, failed=self._not_imported)

    def import_readings(self) -> None:
        """Ask for a table of readings."""
        table, _ = QFileDialog.getOpenFileName(self._window, "Table of readings", self._last_folder(), TABLES)
        if table:
            self._binding.import_readings(Path(table), done=self._readings_imported)

    def _imported(self, summary: ImportSummary) -> None:
        import_summary(summary, self._window).open()

    def _not_imported(self, error: Exception) -> None:
        if isinstance(error, UserError) and error.code is ErrorCode.CANCELLED:
            self.said.emit("Import cancelled. The films taken by then are in the project.")
        else:
            self._tell("Import films", error)

    def _readings_imported(self, summary: ReadingsSummary) -> None:
        readings_summary(summary, self._window).open()

    # export

    def export_readings(self) -> None:
        """Ask for a file and write all readings."""
        table, _ = QFileDialog.getSaveFileName(self._window, "Table of readings", self._beside("readings.csv"), TABLES)
        if table:
            self._binding.export_readings(
                Path(table), done=lambda rows: self.said.emit(f"{rows} rows written to {Path(table).name}.")
            )

    def export_dataset(self) -> None:
        """The export dialog."""
        dialog = ExportDialog(Path(self._free_beside("dataset")), self._window)

        def failed(error: Exception) -> None:
            if isinstance(error, UserError):
                dialog.show_failure(sentence(error))
            else:
                dialog.show_failure("The export failed; see the report.")
                self._tasks.broken.emit(error)

        def asked(to: Path, shares: object, seed: int) -> None:
            work = self._binding.export_dataset(to, shares=shares, seed=seed, done=exported, failed=failed)  # type: ignore[arg-type]
            dialog.follow(work)

        def exported(summary: ExportSummary) -> None:
            dialog.show_result(summary)

        dialog.export_asked.connect(asked)
        dialog.train_asked.connect(self.train_asked)
        dialog.open()

    # questions

    def _tell(self, what: str, error: Exception) -> None:
        if isinstance(error, UserError):
            trouble.tell(what, error, self._window)
        else:
            self._tasks.broken.emit(error)

    def _folder(self, title: str) -> Path | None:
        chosen = QFileDialog.getExistingDirectory(self._window, title, self._last_folder())
        return Path(chosen) if chosen else None

    def _last_folder(self) -> str:
        return keys.text(self._settings, keys.LAST_FOLDER, str(Path.home()))

    def _beside(self, name: str) -> str:
        parent = self._state.path.parent if self._state.path else Path.home()
        return str(parent / f"{self._state.name}-{name}")

    def _free_beside(self, name: str) -> str:
        wanted, number = Path(self._beside(name)), 1
        candidate = wanted
        while candidate.exists():
            number += 1
            candidate = wanted.with_name(f"{wanted.name}-{number}")
        return str(candidate)

    def _reader_setting(self) -> str:
        return keys.text(self._settings, keys.READER)

    def _reader(self) -> str:
        known = self._reader_setting()
        if known:
            return known
        name = self._ask_name(keys.system_user())
        if name:
            self._settings.setValue(keys.READER, name)
        return name

    def _ask_name(self, default: str) -> str:
        dialog = QInputDialog(self._window)
        dialog.setWindowTitle("Reader")
        dialog.setLabelText("Who reads the films? Every answer carries this name.")
        dialog.setTextValue(default)
        dialog.setTextEchoMode(QLineEdit.EchoMode.Normal)
        dialog.resize(420, dialog.sizeHint().height())
        return dialog.textValue().strip() if dialog.exec() == QDialog.DialogCode.Accepted else ""
