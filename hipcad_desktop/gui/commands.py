"""What the menus do with a project: open, import, export; each asks, starts the work, and tells how it ended."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QSettings, Signal
from PySide6.QtWidgets import QFileDialog, QWidget
from shiboken6 import isValid

from hipcad_desktop.app.sample import READER, sample_folder
from hipcad_desktop.domain.cohort import PartitionRule
from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.messages import sentence
from hipcad_desktop.domain.progress import Watch
from hipcad_desktop.gui import settings as keys
from hipcad_desktop.gui.binding import ProjectBinding
from hipcad_desktop.gui.dialogs import trouble
from hipcad_desktop.gui.dialogs.export import ExportDialog, SyntheticHips
from hipcad_desktop.gui.dialogs.import_films import ImportDialog, ImportOrder
from hipcad_desktop.gui.dialogs.summary import import_summary, readings_summary
from hipcad_desktop.gui.sign_in import SignIn, known_readers, readers_in
from hipcad_desktop.gui.state.project_state import ProjectState
from hipcad_desktop.gui.tasks import Failed, Tasks, Work
from hipcad_desktop.gui.worklist.rows import hospital_of

if TYPE_CHECKING:
    from hipcad_desktop.workflows.export_dataset import ExportSummary
    from hipcad_desktop.workflows.import_films import ImportSummary
    from hipcad_desktop.workflows.open_project import Project
    from hipcad_desktop.workflows.reader_study import ReaderProgress

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
        reader = READER if path == sample_folder() else self._reader_setting()
        if reader:
            self._open_as(reader, path, create=create, then=then)
            return
        self._tasks.project(
            "Read the readers",
            readers_in(path),
            done=lambda known: self._sign_in(known, lambda name: self._open_as(name, path, create=create, then=then)),
        )

    def _open_as(self, reader: str, path: Path, *, create: bool, then: Callable[[], None] | None) -> None:
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
        """Sign in as somebody else; every reader has answers and a history of their own."""
        if not self._state.is_open:
            self._sign_in((), lambda _name: None)
            return

        def changed(name: str) -> None:
            if name != self._state.reader:
                self._binding.change_reader(name)

        self._binding.ask("Read the readers", known_readers, done=lambda known: self._sign_in(known, changed))

    # import

    def import_folder(self) -> None:
        """Ask for a folder of films, then how."""
        folder = QFileDialog.getExistingDirectory(self._window, "Folder with films", self._last_folder())
        if folder:
            self.ask_import([Path(folder)])

    def import_files(self) -> None:
        """Ask for single films or a DICOMDIR, then how. DICOM files often have no extension: every file is offered."""
        files, _ = QFileDialog.getOpenFileNames(
            self._window, "Films, or a DICOMDIR", self._last_folder(), "All files (*)"
        )
        if files:
            self.ask_import([Path(f) for f in files])

    def ask_import(self, paths: Sequence[Path]) -> None:
        """The import dialog with these folders and files; without a project, ask for a new one first."""
        if not self._state.is_open:
            self._in_new_project(lambda: self.ask_import(paths))
            return
        hospitals = sorted({hospital for film in self._state.films if (hospital := hospital_of(film))})
        dialog = ImportDialog(paths, hospitals, self._window)
        waiting = [dialog]  # empty once it was closed to read on meanwhile
        dialog.finished.connect(lambda _result: waiting.clear())

        def failed(error: Exception) -> None:
            if waiting and isinstance(error, UserError) and error.code is not ErrorCode.CANCELLED:
                dialog.show_failure(sentence(error))
                return
            if waiting:
                dialog.accept()
            self._not_imported(error)

        def imported(summary: ImportSummary) -> None:
            if waiting:
                dialog.accept()
            self._imported(summary)

        dialog.import_asked.connect(lambda order: dialog.follow(self._import(order, done=imported, failed=failed)))
        dialog.open()

    def import_paths(self, paths: Sequence[Path]) -> None:
        """Import what was dropped, as it lies; without a project, ask for a new one first."""
        if not self._state.is_open:
            self._in_new_project(lambda: self.import_paths(paths))
            return
        self._import(ImportOrder(tuple(paths)), done=self._imported, failed=self._not_imported)

    def _import(self, order: ImportOrder, *, done: Callable[[ImportSummary], None], failed: Failed) -> Work:
        first = order.paths[0]
        self._settings.setValue(keys.LAST_FOLDER, str(first if first.suffix == "" else first.parent))

        def call(project: Project, watch: Watch) -> ImportSummary:
            from hipcad_desktop.workflows.import_films import import_films

            return import_films(
                project,
                order.paths,
                patients=order.patients,
                copy=order.copy,
                hospital=order.hospital,
                watch=watch,
            )

        def ended(error: Exception) -> None:
            self._binding.read_worklist()  # what was taken before it was cancelled
            failed(error)

        return self._binding.work(
            "Import films",
            call,
            done=lambda summary: self._binding.read_worklist(lambda: done(summary)),
            failed=ended,
        )

    def _in_new_project(self, then: Callable[[], None]) -> None:
        path = self._folder("A new, empty folder for the project that takes these films")
        if path is not None:
            self.open_path(path, create=True, then=then)

    def import_readings(self) -> None:
        """Ask for a table of readings."""
        table, _ = QFileDialog.getOpenFileName(self._window, "Table of readings", self._last_folder(), TABLES)
        if table:
            self._binding.import_readings(
                Path(table), done=lambda summary: readings_summary(summary, self._window).open()
            )

    def _imported(self, summary: ImportSummary) -> None:
        report = import_summary(summary, self._window)

        def save(of: ImportSummary, path: Path) -> None:
            def call() -> int:
                from hipcad_desktop.workflows.import_report import save_report

                return save_report(of, path)

            self._tasks.pool("Save the report", call, done=lambda _rows: report.show_saved(path))

        report.save_asked.connect(save)
        report.open()

    def _not_imported(self, error: Exception) -> None:
        if isinstance(error, UserError) and error.code is ErrorCode.CANCELLED:
            self.said.emit("Import cancelled. The films taken by then are in the project.")
        else:
            self._tell("Import films", error)

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
        dialog = ExportDialog(_free(Path(self._beside("dataset"))), self._window)

        def failed(error: Exception) -> None:
            if isinstance(error, UserError):
                dialog.show_failure(sentence(error))
            else:
                dialog.show_failure("The export failed; see the report.")
                self._tasks.broken.emit(error)

        def asked(to: Path, rule: PartitionRule, seed: int, synthetic: SyntheticHips | None) -> None:
            work = self._binding.export_dataset(
                to, rule=rule, seed=seed, synthetic=synthetic, done=exported, failed=failed
            )
            dialog.follow(work)

        def exported(summary: ExportSummary) -> None:
            dialog.show_result(summary)

        dialog.export_asked.connect(asked)
        dialog.train_asked.connect(self.train_asked)
        dialog.open()
        self._binding.count_patients(done=lambda found: dialog.show_population(found) if isValid(dialog) else None)

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

    def _reader_setting(self) -> str:
        return keys.text(self._settings, keys.READER)

    def _sign_in(self, known: Sequence[ReaderProgress], signed_in: Callable[[str], None]) -> None:
        now = self._state.reader or self._reader_setting()
        dialog = SignIn(known, now=now, default=now or keys.system_user(), parent=self._window)

        def entered(name: str) -> None:
            self._settings.setValue(keys.READER, name)
            signed_in(name)

        dialog.signed_in.connect(entered)
        dialog.open()


def _free(wanted: Path) -> Path:
    """The path, or with a number after it where something lies there."""
    candidate, number = wanted, 1
    while candidate.exists():
        number += 1
        candidate = wanted.with_name(f"{wanted.name}-{number}")
    return candidate
