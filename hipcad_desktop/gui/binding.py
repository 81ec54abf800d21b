"""Binds the open project to the window: each method sends one workflow to the right thread and tells the state.

Workflows are imported in the calls, on the executor's thread: the first paint does not wait for pydicom or SQLAlchemy.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from PySide6.QtCore import QObject, Signal

from hipcad_desktop.domain.annotation import Answer, Reading
from hipcad_desktop.domain.cohort import PartitionRule, PatientGroup
from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.progress import Watch
from hipcad_desktop.domain.radiograph import FilmId
from hipcad_desktop.gui.state.project_state import FilmFacts, ProjectState
from hipcad_desktop.gui.tasks import Failed, Tasks, Work

if TYPE_CHECKING:
    from hipcad_desktop.gui.dialogs.export import SyntheticHips
    from hipcad_desktop.workflows.annotate import Session
    from hipcad_desktop.workflows.export_dataset import ExportSummary
    from hipcad_desktop.workflows.open_project import Project
    from hipcad_desktop.workflows.readings_table import ReadingsSummary
    from hipcad_desktop.workflows.view_film import Question


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ReasonWanted:
    """A signed reading is to change: call one of the two, once."""

    film_id: FilmId | None  # None: undo or redo, on a film that only the project knows
    go_on: Callable[[str], None]
    give_up: Callable[[], None]


class ProjectBinding(QObject):
    """Owns the open Project and its Session: answers go through the project's thread, films through the pool."""

    save_failed = Signal(str, object)  # film id, exception: loud, and stays until it is saved
    jumped = Signal(str)  # undo or redo changed this film
    reason_wanted = Signal(object)  # ReasonWanted

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

        def call() -> tuple[Project, Session, list[FilmFacts]]:
            from hipcad_desktop.workflows.annotate import Session
            from hipcad_desktop.workflows.open_project import list_films, open_project

            project = open_project(path, create=create)
            try:
                session = Session(project, reader=reader)
                return project, session, list(list_films(project, reader=reader))
            except BaseException:
                project.close()
                raise

        def opened(result: tuple[Project, Session, list[FilmFacts]]) -> None:
            self._close_project()
            self._project, self._session, films = result
            self._state.open(Path(self._project.path), reader, films)
            self._state.set_history(False, False)  # of this project: read behind what is waited for
            self._read_history()
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

    def change_reader(self, reader: str, *, round: int = 1) -> None:
        """Read on as somebody else, or in another round: other answers, another history."""
        if self._project is None or self._state.path is None:
            return
        project, path = self._project, self._state.path

        def call() -> tuple[Session, list[FilmFacts], tuple[bool, bool]]:
            from hipcad_desktop.workflows.annotate import Session

            session = Session(project, reader=reader, round=round)
            return session, _films(project, reader, round), _history(session)

        def changed(result: tuple[Session, list[FilmFacts], tuple[bool, bool]]) -> None:
            current, same = self._state.current, self._state.round == round
            self._session, films, history = result
            self._state.open(path, reader, films, round=round)
            self._state.set_history(*history)
            if same:  # another round begins where it was left: at its next unread film
                self._state.select(current)

        self._tasks.project("Change reader", call, done=changed)

    def read_worklist(self, done: Callable[[], None] | None = None) -> None:
        """Read the films again, after an import."""
        if self._project is None:
            return
        project, reader, round = self._project, self._state.reader, self._state.round

        def call() -> list[FilmFacts]:
            return _films(project, reader, round)

        def read(films: list[FilmFacts]) -> None:
            if project is self._project and (reader, round) == (self._state.reader, self._state.round):
                self._state.replace_films(films)
                if done is not None:
                    done()

        self._tasks.project("Read the worklist", call, done=read)

    # films

    def load(self, film_id: FilmId) -> Callable[[str], Question]:
        """A call for the pool: the question for the decoder that answers into the given exchange folder."""
        project = self._opened()

        def call(exchange: str) -> Question:
            from hipcad_desktop.workflows.load_film import question_of

            return question_of(project, film_id, exchange=exchange)

        return call

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
        """Write the current readings into a table, while readers are blinded only the own; `done` gets the rows."""
        project, reader = self._opened(), self._state.reader

        def call(watch: Watch) -> int:
            from hipcad_desktop.workflows.reader_study import ProjectPhase, phase
            from hipcad_desktop.workflows.readings_table import export_readings

            blinded = phase(project) is ProjectPhase.BLINDED
            return export_readings(project, table, reader=reader if blinded else None)

        return self._tasks.work("Export readings", call, done=done)

    def count_patients(self, *, done: Callable[[Mapping[str, PatientGroup]], None]) -> None:
        """The patients that an export would divide, in groups that go together."""
        project = self._opened()

        def call() -> Mapping[str, PatientGroup]:
            from hipcad_desktop.workflows.export_dataset import population

            return population(project)

        self._tasks.pool("Count the patients", call, done=done)

    def export_dataset(
        self,
        to: Path,
        *,
        rule: PartitionRule,
        seed: int,
        synthetic: SyntheticHips | None,
        done: Callable[[ExportSummary], None],
        failed: Failed,
    ) -> Work:
        """Write the dataset of 380 x 380 hip images; with synthetic hips to train on where any are wanted."""
        project = self._opened()

        def call(watch: Watch) -> ExportSummary:
            from hipcad_desktop.workflows.export_dataset import export_dataset

            if synthetic is not None:
                from hipcad_desktop.workflows.synthesize import synthesize

                hips, share = synthetic.hips, synthetic.broken_share
                return synthesize(project, to, hips=hips, broken_share=share, seed=seed, rule=rule, watch=watch)
            return export_dataset(project, to, seed=seed, rule=rule, watch=watch)

        return self._tasks.work("Export dataset", call, done=done, failed=failed)

    # answers

    def save(self, film_id: FilmId, answer: Answer | None, *, reason: str = "") -> None:
        """Show an answer at once and save it as a new revision; a signed one changes only with a reason."""
        session = self._session
        if session is None:
            return
        self._state.set_answer(film_id, answer)
        self._state.save_started()

        def call() -> tuple[Reading, tuple[bool, bool]]:
            return session.save(film_id, answer, reason=reason), _history(session)

        def saved(result: tuple[Reading, tuple[bool, bool]]) -> None:
            if session is not self._session:  # saved, but another reader or round is looked at by now
                return
            self._state.save_ended(film_id, answer, None)
            self._state.set_reading(film_id, result[0])
            self._state.set_history(*result[1])

        def not_saved(error: Exception) -> None:
            if _needs_reason(error):
                self._state.save_ended(film_id, answer, None)
                self._ask_reason(film_id, lambda why: self.save(film_id, answer, reason=why))
                return
            self._state.save_ended(film_id, answer, error)
            self.save_failed.emit(film_id, error)

        self._tasks.project("Save", call, done=saved, failed=not_saved)

    def save_again(self) -> None:
        """Try once more what could not be saved."""
        for film_id, (answer, _) in list(self._state.unsaved.items()):
            self.save(film_id, answer)

    def sign(self, film_id: FilmId, *, done: Callable[[], None]) -> None:
        """Put the reader's name under the answer on a film."""
        session = self._session
        if session is None:
            return

        def signed(reading: Reading) -> None:
            self._state.set_reading(film_id, reading)
            done()

        self._tasks.project("Sign", lambda: session.sign(film_id), done=signed)

    def sign_all(self, *, done: Callable[[int], None]) -> None:
        """Sign every answer that is not signed yet; `done` gets how many."""
        session = self._session
        if session is not None:
            self._tasks.project("Sign", session.sign_all, done=lambda count: self.read_worklist(lambda: done(count)))

    def undo(self, reason: str = "") -> None:
        """Take back the reader's last change, on whichever film it was."""
        self._travel("Undo", lambda session: session.undo(reason=reason), self.undo)

    def redo(self, reason: str = "") -> None:
        """Do again what was taken back."""
        self._travel("Redo", lambda session: session.redo(reason=reason), self.redo)

    def _travel(self, what: str, step: Callable[[Session], FilmId | None], again: Callable[[str], None]) -> None:
        session = self._session
        if session is None:
            return

        def call() -> tuple[FilmId | None, Reading | None, tuple[bool, bool]]:
            film_id = step(session)
            return film_id, session.reading(film_id) if film_id else None, _history(session)

        def travelled(result: tuple[FilmId | None, Reading | None, tuple[bool, bool]]) -> None:
            film_id, reading, history = result
            if film_id is not None and reading is not None:
                self._state.set_answer(film_id, reading.answer)
                self._state.set_reading(film_id, reading)
                self._state.select(film_id)
                self.jumped.emit(film_id)
            self._state.set_history(*history)

        def not_travelled(error: Exception) -> None:
            if _needs_reason(error):
                self._ask_reason(None, again)
            elif isinstance(error, UserError):
                self._tasks.failed.emit(what, error)
            else:
                self._tasks.broken.emit(error)

        self._tasks.project(what, call, done=travelled, failed=not_travelled)

    def _ask_reason(self, film_id: FilmId | None, go_on: Callable[[str], None]) -> None:
        def answered(why: str) -> None:
            self._state.set_unreasoned(None)
            go_on(why)

        def given_up() -> None:
            self._state.set_unreasoned(None)
            if film_id is not None:
                reading = self._state.reading(film_id)
                self._state.set_answer(film_id, reading.answer if reading else None)

        self._state.set_unreasoned(film_id)
        self.reason_wanted.emit(ReasonWanted(film_id, answered, given_up))

    # anything else on the project

    def ask(self, what: str, call: Callable[[Project], T], *, done: Callable[[T], None]) -> None:
        """Something short on the project's thread; told only while that project is still the open one."""
        project = self._project
        if project is not None:
            self._tasks.project(
                what, lambda: call(project), done=lambda value: done(value) if project is self._project else None
            )

    def work(
        self,
        title: str,
        call: Callable[[Project, Watch], T],
        *,
        done: Callable[[T], None],
        failed: Failed | None = None,
    ) -> Work:
        """Something long on the project, seen in the status bar."""
        project = self._opened()
        return self._tasks.work(title, lambda watch: call(project, watch), done=done, failed=failed)

    def _read_history(self) -> None:
        session = self._session

        def read(history: tuple[bool, bool]) -> None:
            if session is self._session:
                self._state.set_history(*history)

        if session is not None:
            self._tasks.project("Read the history", lambda: _history(session), done=read)

    def _opened(self) -> Any:
        if self._project is None:
            raise UserError(ErrorCode.NOT_A_PROJECT, path="")
        return self._project


def _needs_reason(error: Exception) -> bool:
    return isinstance(error, UserError) and error.code is ErrorCode.SIGNED_NEEDS_REASON


def _films(project: Project, reader: str, round: int) -> list[FilmFacts]:
    """Round 1: every film in order of import; round 2: its own films in its own order."""
    from hipcad_desktop.workflows.open_project import list_films
    from hipcad_desktop.workflows.reader_study import second_round

    films: list[FilmFacts] = list(list_films(project, reader=reader, round=round))
    if round == 1:
        return films
    known = {film.film_id: film for film in films}
    return [known[film_id] for film_id in second_round(project, reader=reader) if film_id in known]


def _history(session: Session) -> tuple[bool, bool]:
    return session.can_undo, session.can_redo
