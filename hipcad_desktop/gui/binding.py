"""Binds the open project to the window: each method sends one workflow to the right thread and tells the state.

Workflows are imported in the calls, on the executor's thread: the first paint does not wait for pydicom or SQLAlchemy.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from hipcad_desktop.domain.annotation import Answer
from hipcad_desktop.domain.cohort import PartitionShares
from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.progress import Watch
from hipcad_desktop.domain.radiograph import FilmId
from hipcad_desktop.gui.state.project_state import FilmFacts, ProjectState
from hipcad_desktop.gui.tasks import Failed, Tasks, Work

if TYPE_CHECKING:
    from hipcad_desktop.workflows.annotate import Session
    from hipcad_desktop.workflows.export_dataset import ExportSummary
    from hipcad_desktop.workflows.import_films import ImportSummary
    from hipcad_desktop.workflows.load_film import Film
    from hipcad_desktop.workflows.open_project import Project
    from hipcad_desktop.workflows.readings_table import ReadingsSummary


class ProjectBinding(QObject):
    """Owns the open Project and its Session: answers go through the project's thread, films through the pool."""

    save_failed = Signal(str, object)  # film id, exception: loud, and stays until it is saved
    jumped = Signal(str)  # undo or redo changed this film

    def __init__(self, state: ProjectState, tasks: Tasks, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._state = state
        self._tasks = tasks
        self._project: Project | None = None
        self._session: Session | None = None

    # the project

    def open(
        self,
        path: Path,
        *,
        reader: str,
        create: bool = False,
        done: Callable[[], None] | None = None,
        failed: Failed | None = None,
    ) -> None:
        """Open or make a project; the one open before is closed once the new one is open."""

        def call() -> tuple[Project, Session, list[FilmFacts], tuple[bool, bool]]:
            from hipcad_desktop.workflows.annotate import Session
            from hipcad_desktop.workflows.open_project import list_films, open_project

            project = open_project(path, create=create)
            try:
                session = Session(project, reader=reader)
                return project, session, list(list_films(project, reader=reader)), _history(session)
            except BaseException:
                project.close()
                raise

        def opened(result: tuple[Project, Session, list[FilmFacts], tuple[bool, bool]]) -> None:
            self._close_project()
            self._project, self._session, films, history = result
            self._state.open(Path(self._project.path), reader, films)
            self._state.set_history(*history)
            if done is not None:
                done()

        self._tasks.project("Open project", call, done=opened, failed=failed)

    def open_sample(self, *, done: Callable[[Path], None]) -> None:
        """Make the sample project where it is not there yet; `done` gets its folder."""

        def call(watch: Watch) -> Path:
            from hipcad_desktop.app.sample import sample_project

            return sample_project()

        self._tasks.work("Prepare the sample project", call, done=done)

    def close(self) -> None:
        """Close the project after everything that was asked of it."""
        self._close_project()
        self._state.close()

    def _close_project(self) -> None:
        project, self._project, self._session = self._project, None, None
        if project is not None:
            self._tasks.project("Close project", project.close)

    def change_reader(self, reader: str) -> None:
        """Read on as somebody else: other answers, another history."""
        if self._project is None or self._state.path is None:
            return
        project, path = self._project, self._state.path

        def call() -> tuple[Session, list[FilmFacts], tuple[bool, bool]]:
            from hipcad_desktop.workflows.annotate import Session
            from hipcad_desktop.workflows.open_project import list_films

            session = Session(project, reader=reader)
            return session, list(list_films(project, reader=reader)), _history(session)

        def changed(result: tuple[Session, list[FilmFacts], tuple[bool, bool]]) -> None:
            current = self._state.current
            self._session, films, history = result
            self._state.open(path, reader, films)
            self._state.set_history(*history)
            self._state.select(current)

        self._tasks.project("Change reader", call, done=changed)

    def read_worklist(self, done: Callable[[], None] | None = None) -> None:
        """Read the films again, after an import."""
        if self._project is None:
            return
        project, reader = self._project, self._state.reader

        def call() -> list[FilmFacts]:
            from hipcad_desktop.workflows.open_project import list_films

            return list(list_films(project, reader=reader))

        def read(films: list[FilmFacts]) -> None:
            if project is self._project:
                self._state.replace_films(films)
                if done is not None:
                    done()

        self._tasks.project("Read the worklist", call, done=read)

    # films

    def load(self, film_id: FilmId) -> Callable[[], Film]:
        """A call for the pool that reads a film's file. Raises UserError where it is missing or changed."""
        project = self._opened()

        def call() -> Film:
            from hipcad_desktop.workflows.load_film import load_film

            return load_film(project, film_id)

        return call

    def import_films(
        self, paths: Sequence[Path], *, copy: bool, done: Callable[[ImportSummary], None], failed: Failed
    ) -> Work:
        """Import files and folders; the worklist is read again even where it was cancelled half way."""
        project = self._opened()

        def call(watch: Watch) -> ImportSummary:
            from hipcad_desktop.workflows.import_films import import_films

            return import_films(project, paths, copy=copy, watch=watch)

        def imported(summary: ImportSummary) -> None:
            self.read_worklist(lambda: done(summary))

        def not_imported(error: Exception) -> None:
            self.read_worklist()
            failed(error)

        return self._tasks.work("Import films", call, done=imported, failed=not_imported)

    def import_readings(self, table: Path, *, done: Callable[[ReadingsSummary], None]) -> Work:
        """Import a table of readings as the present reader."""
        project, reader = self._opened(), self._state.reader

        def call(watch: Watch) -> ReadingsSummary:
            from hipcad_desktop.workflows.readings_table import import_readings

            return import_readings(project, table, reader=reader, watch=watch)

        def imported(summary: ReadingsSummary) -> None:
            self.read_worklist(lambda: done(summary))
            self._read_history()

        return self._tasks.work("Import readings", call, done=imported)

    def export_readings(self, table: Path, *, done: Callable[[int], None]) -> Work:
        """Write all current readings into a table; `done` gets the number of rows."""
        project = self._opened()

        def call(watch: Watch) -> int:
            from hipcad_desktop.workflows.readings_table import export_readings

            return export_readings(project, table)

        return self._tasks.work("Export readings", call, done=done)

    def export_dataset(
        self, to: Path, *, shares: PartitionShares, seed: int, done: Callable[[ExportSummary], None], failed: Failed
    ) -> Work:
        """Write the dataset of 380 x 380 hip images."""
        project = self._opened()

        def call(watch: Watch) -> ExportSummary:
            from hipcad_desktop.workflows.export_dataset import export_dataset

            return export_dataset(project, to, seed=seed, shares=shares, watch=watch)

        return self._tasks.work("Export dataset", call, done=done, failed=failed)

    # answers

    def save(self, film_id: FilmId, answer: Answer | None) -> None:
        """Show an answer at once and save it as a new revision."""
        session = self._session
        if session is None:
            return
        self._state.set_answer(film_id, answer)
        self._state.save_started()

        def call() -> tuple[bool, bool]:
            session.save(film_id, answer)
            return _history(session)

        def saved(history: tuple[bool, bool]) -> None:
            self._state.save_ended(film_id, answer, None)
            self._state.set_history(*history)

        def not_saved(error: Exception) -> None:
            self._state.save_ended(film_id, answer, error)
            self.save_failed.emit(film_id, error)

        self._tasks.project("Save", call, done=saved, failed=not_saved)

    def save_again(self) -> None:
        """Try once more what could not be saved."""
        for film_id, (answer, _) in list(self._state.unsaved.items()):
            self.save(film_id, answer)

    def undo(self) -> None:
        """Take back the reader's last change, on whichever film it was."""
        self._travel("Undo", lambda session: session.undo())

    def redo(self) -> None:
        """Do again what was taken back."""
        self._travel("Redo", lambda session: session.redo())

    def _travel(self, what: str, step: Callable[[Session], FilmId | None]) -> None:
        session = self._session
        if session is None:
            return

        def call() -> tuple[FilmId | None, Answer | None, tuple[bool, bool]]:
            film_id = step(session)
            return film_id, session.answer(film_id) if film_id else None, _history(session)

        def travelled(result: tuple[FilmId | None, Answer | None, tuple[bool, bool]]) -> None:
            film_id, answer, history = result
            if film_id is not None:
                self._state.set_answer(film_id, answer)
                self._state.select(film_id)
                self.jumped.emit(film_id)
            self._state.set_history(*history)

        self._tasks.project(what, call, done=travelled)

    def _read_history(self) -> None:
        session = self._session
        if session is not None:
            self._tasks.project(
                "Read the history", lambda: _history(session), done=lambda h: self._state.set_history(*h)
            )

    def _opened(self) -> Any:
        if self._project is None:
            raise UserError(ErrorCode.NOT_A_PROJECT, path="")
        return self._project


def _history(session: Session) -> tuple[bool, bool]:
    return session.can_undo, session.can_redo
