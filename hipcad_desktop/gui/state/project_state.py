"""The open project as the window knows it: its films, one reader's answers, the film looked at, unsaved answers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Protocol

from PySide6.QtCore import QObject, Signal

from hipcad_desktop.domain.anatomy import Side, SideMap, SideSource
from hipcad_desktop.domain.annotation import Answer, Reading
from hipcad_desktop.domain.radiograph import FilmId, PatientCode


class FilmFacts(Protocol):
    """The row of workflows.open_project.list_films, as far as the window reads it."""

    @property
    def film_id(self) -> FilmId: ...
    @property
    def file_name(self) -> str: ...
    @property
    def path(self) -> str: ...
    @property
    def patient(self) -> PatientCode: ...
    @property
    def width(self) -> int: ...
    @property
    def height(self) -> int: ...
    @property
    def kind(self) -> str: ...
    @property
    def side_map(self) -> SideMap: ...
    @property
    def midline_px(self) -> float | None: ...
    @property
    def reading(self) -> Reading | None: ...


def shown_sides(film: FilmFacts, mirrored: bool | None) -> SideMap:
    """Which side is which: the reader's word before the file's, the file's before the assumption (METHOD 3.1)."""
    if mirrored is None:
        return film.side_map
    return SideMap(Side.LEFT if mirrored else Side.RIGHT, SideSource.READER)


class ProjectState(QObject):
    """Changed only on the GUI thread; every change is told by one signal."""

    opened = Signal()
    closed = Signal()
    films_replacing = Signal()  # `films` is about to change: models begin their reset
    films_replaced = Signal()
    answer_changed = Signal(str)  # film id
    current_changed = Signal(object)  # film id or None
    saving_changed = Signal()
    history_changed = Signal()
    signed_changed = Signal(str)  # film id: the reader's answer on it is signed now, or no longer

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.path: Path | None = None
        self.reader = ""
        self.round = 1
        self.films: list[FilmFacts] = []
        self.can_undo = False
        self.can_redo = False
        self._row_of: dict[FilmId, int] = {}
        self._answers: dict[FilmId, Answer | None] = {}
        self._readings: dict[FilmId, Reading | None] = {}  # as last saved
        self._current: FilmId | None = None
        self._saving = 0
        self._unsaved: dict[FilmId, tuple[Answer | None, Exception]] = {}
        self._unreasoned: FilmId | None = None

    @property
    def name(self) -> str:
        """The project's folder name; empty where none is open."""
        return self.path.name if self.path else ""

    @property
    def is_open(self) -> bool:
        """Whether a project is open."""
        return self.path is not None

    def open(self, path: Path, reader: str, films: Sequence[FilmFacts], *, round: int = 1) -> None:
        """A project was opened."""
        self.close()
        self.path, self.reader, self.round = path, reader, round
        self._take(films)
        self.opened.emit()

    def close(self) -> None:
        """No project any more."""
        if self.path is None:
            return
        self.path = None
        self.can_undo = self.can_redo = False
        self._saving = 0
        self._unsaved = {}
        self._unreasoned = None
        self._answers = {}
        self._take(())
        self.select(None)
        self.closed.emit()

    def replace_films(self, films: Sequence[FilmFacts]) -> None:
        """The worklist was read again (after an import); answers not saved yet stay."""
        self._take(films)
        if self._current is not None and self._current not in self._row_of:
            self.select(None)

    def film(self, film_id: FilmId | None) -> FilmFacts | None:
        """A film's row; None where it is not in the project."""
        row = self.row_of(film_id)
        return None if row is None else self.films[row]

    def row_of(self, film_id: FilmId | None) -> int | None:
        """A film's place in `films`."""
        return None if film_id is None else self._row_of.get(film_id)

    def answer(self, film_id: FilmId) -> Answer | None:
        """What the reader says of a film, saved or about to be."""
        return self._answers.get(film_id)

    def set_answer(self, film_id: FilmId, answer: Answer | None) -> None:
        """The reader says something else; the caller sees to it that it is saved."""
        self._answers[film_id] = answer
        self.answer_changed.emit(film_id)

    def reading(self, film_id: FilmId) -> Reading | None:
        """The reader's revision on a film, as it is on the disk."""
        return self._readings.get(film_id)

    def signed(self, film_id: FilmId) -> bool:
        """Whether the reader has signed what is on the disk."""
        reading = self._readings.get(film_id)
        return reading is not None and reading.signed_utc is not None

    def set_reading(self, film_id: FilmId, reading: Reading) -> None:
        """A revision or a signature reached the disk."""
        before = self.signed(film_id)
        self._readings[film_id] = reading
        if self.signed(film_id) != before:
            self.signed_changed.emit(film_id)

    def signed_count(self) -> int:
        """Films whose answer is signed."""
        return sum(r is not None and r.signed_utc is not None for r in self._readings.values())

    def read_count(self) -> int:
        """Films with an answer."""
        return sum(answer is not None for answer in self._answers.values())

    @property
    def current(self) -> FilmId | None:
        """The film looked at."""
        return self._current

    def select(self, film_id: FilmId | None) -> None:
        """Look at another film."""
        if film_id != self._current:
            self._current = film_id
            self.current_changed.emit(film_id)

    def set_history(self, can_undo: bool, can_redo: bool) -> None:
        """What can be taken back."""
        self.can_undo, self.can_redo = can_undo, can_redo
        self.history_changed.emit()

    @property
    def saving(self) -> int:
        """Answers on their way to the disk."""
        return self._saving

    @property
    def unsaved(self) -> dict[FilmId, tuple[Answer | None, Exception]]:
        """Answers whose saving failed, and why. They stay until they are saved."""
        return self._unsaved

    @property
    def unreasoned(self) -> FilmId | None:
        """The film whose signed reading was changed on the screen, and waits for the reason."""
        return self._unreasoned

    def set_unreasoned(self, film_id: FilmId | None) -> None:
        """A change waits for its reason, or no longer."""
        self._unreasoned = film_id
        self.saving_changed.emit()

    def save_started(self) -> None:
        """An answer is on its way."""
        self._saving += 1
        self.saving_changed.emit()

    def save_ended(self, film_id: FilmId, answer: Answer | None, error: Exception | None) -> None:
        """It arrived, or it did not."""
        self._saving = max(self._saving - 1, 0)
        if error is not None:
            self._unsaved[film_id] = (answer, error)
        elif film_id in self._unsaved:
            del self._unsaved[film_id]
        self.saving_changed.emit()

    def _take(self, films: Iterable[FilmFacts]) -> None:
        self.films_replacing.emit()
        self.films = list(films)
        self._row_of = {film.film_id: row for row, film in enumerate(self.films)}
        kept = {film_id: self._answers[film_id] for film_id in self._unsaved if film_id in self._answers}
        self._readings = {film.film_id: film.reading for film in self.films}
        read = {film.film_id: film.reading.answer if film.reading else None for film in self.films}
        self._answers = {**read, **kept}
        self.films_replaced.emit()
