"""A reader at work: answers durable at once and signed when done, undo and redo without end; halving previewed."""

from __future__ import annotations

from hipcad_desktop.domain.annotation import Answer, Reading
from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.radiograph import FilmId
from hipcad_desktop.store import history, rounds
from hipcad_desktop.store import readings as store
from hipcad_desktop.store.project_store import Project
from hipcad_desktop.workflows.utc import Clock, stamp, utc_now


def reader_named(name: str) -> str:
    """A name without blanks around it. Raises ValueError where none is left, UserError READER_NAME_RESERVED."""
    name = name.strip()
    if not name:
        raise ValueError("a reader has a name")
    if name.lower() == store.CONSENSUS:
        raise UserError(ErrorCode.READER_NAME_RESERVED, name=name)
    return name


class Session:
    """One reader in one project and one round. Every call reads and writes the project; what returned is on the disk.

    A signed reading is changed only with a reason, by saving as by undo and redo: without one they raise UserError
    SIGNED_NEEDS_REASON and change nothing, so that the window can ask for it and call again.
    """

    def __init__(self, project: Project, *, reader: str, round: int = 1, clock: Clock = utc_now) -> None:
        self.reader = reader_named(reader)
        self.round = round
        self._author = store.Author(self.reader, round)
        self._project = project
        self._clock = clock
        self._history = history.History()
        self._films: frozenset[FilmId] = frozenset()

    def answer(self, film_id: FilmId) -> Answer | None:
        """The reader's current answer; None where there is none or it was withdrawn."""
        reading = self.reading(film_id)
        return None if reading is None else reading.answer

    def reading(self, film_id: FilmId) -> Reading | None:
        """The reader's last revision, with its signature; None where there never was one."""
        return store.current_reading(self._project, film_id, author=self._author)

    def save(self, film_id: FilmId, answer: Answer | None, *, reason: str = "") -> Reading:
        """Append a revision and return it once it is durable; None withdraws. What is so already makes no revision.

        Raises UserError SIGNED_NEEDS_REASON, NOT_IN_SECOND_ROUND.
        """
        self._check_round(film_id)
        answers = [(film_id, answer)]
        return store.save_answers(
            self._project, answers, author=self._author, created_utc=stamp(self._clock), reason=reason
        )[0]

    def sign(self, film_id: FilmId) -> Reading:
        """Sign the current answer; once signed it stays signed. Raises UserError NOTHING_TO_SIGN."""
        return store.sign(self._project, [film_id], author=self._author, utc=stamp(self._clock))[0]

    def sign_all(self) -> int:
        """Sign every answer that is not signed yet; how many."""
        with self._project.reading() as connection:
            current = store.current_readings(connection, reader=self.reader, round=self.round)
        films = [r.film_id for r in current if r.answer is not None and r.signed_utc is None]
        return len(store.sign(self._project, films, author=self._author, utc=stamp(self._clock)))

    def undo(self, *, reason: str = "") -> FilmId | None:
        """Take back the last save, on whichever film it was, as a new revision. None: there is nothing to take back.

        Raises UserError SIGNED_NEEDS_REASON where that film's current reading is signed.
        """
        reading = history.undo(self._project, self._history, author=self._author, utc=stamp(self._clock), reason=reason)
        return None if reading is None else reading.film_id

    def redo(self, *, reason: str = "") -> FilmId | None:
        """Do the last undone save again, as a new revision. None: there is nothing to do again.

        Raises UserError SIGNED_NEEDS_REASON where that film's current reading is signed.
        """
        reading = history.redo(self._project, self._history, author=self._author, utc=stamp(self._clock), reason=reason)
        return None if reading is None else reading.film_id

    @property
    def can_undo(self) -> bool:
        """Whether undo would do something."""
        return bool(self._replayed().undoable)

    @property
    def can_redo(self) -> bool:
        """Whether redo would do something."""
        return bool(self._replayed().redoable)

    def revisions(self, film_id: FilmId) -> list[Reading]:
        """Everything the reader said of a film in this round, oldest first."""
        return store.revisions(self._project, film_id, author=self._author)

    def order(self) -> tuple[FilmId, ...]:
        """This round's films in the order in which the reader first answered them."""
        with self._project.reading() as connection:
            return tuple(rounds.order_of_reading(connection, author=self._author))

    def _check_round(self, film_id: FilmId) -> None:
        if self.round == 1 or film_id in self._films:
            return
        with self._project.reading() as connection:
            started = rounds.round_of(connection, self.reader, self.round)
        self._films = frozenset(() if started is None else started.films)
        if film_id not in self._films:
            raise UserError(ErrorCode.NOT_IN_SECOND_ROUND, film=film_id[:12], reader=self.reader)

    def _replayed(self) -> history.History:
        with self._project.reading() as connection:
            history.replay(connection, self._history, author=self._author)
        return self._history
