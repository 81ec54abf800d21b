"""A reader at work: answers that are durable at once, undo and redo without end, the halving while drawing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from hipcad_desktop.domain.annotation import Answer, Reading
from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.geometry import Rectangle, Size
from hipcad_desktop.domain.halving import Halving, halve_by_midline, halve_by_rectangles
from hipcad_desktop.domain.radiograph import FilmId
from hipcad_desktop.store import readings as store
from hipcad_desktop.store.project_store import Project


def utc_now() -> datetime:
    """The time, with its zone."""
    return datetime.now(UTC)


class Session:
    """One reader in one project. Every call reads and writes the project; what returned is on the disk."""

    def __init__(self, project: Project, *, reader: str, clock: Callable[[], datetime] = utc_now) -> None:
        if not reader.strip():
            raise ValueError("a reader has a name")
        self.reader = reader.strip()
        self._project = project
        self._clock = clock
        self._history = store.History()

    def answer(self, film_id: FilmId) -> Answer | None:
        """The reader's current answer; None where there is none or it was withdrawn."""
        reading = store.current_reading(self._project, film_id, reader=self.reader)
        return None if reading is None else reading.answer

    def save(self, film_id: FilmId, answer: Answer | None) -> Reading:
        """Append a revision and return it once it is durable; None withdraws. What is so already makes no revision."""
        answers = [(film_id, answer)]
        return store.save_answers(self._project, answers, reader=self.reader, created_utc=self._now())[0]

    def undo(self) -> FilmId | None:
        """Take back the last save, on whichever film it was, as a new revision. None: there is nothing to take back."""
        reading = store.undo(self._project, self._history, reader=self.reader, created_utc=self._now())
        return None if reading is None else reading.film_id

    def redo(self) -> FilmId | None:
        """Do the last undone save again, as a new revision. None: there is nothing to do again."""
        reading = store.redo(self._project, self._history, reader=self.reader, created_utc=self._now())
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
        """Everything the reader ever said of a film, oldest first."""
        return store.revisions(self._project, film_id, reader=self.reader)

    def _replayed(self) -> store.History:
        with self._project.reading() as connection:
            store.replay(connection, self._history, reader=self.reader)
        return self._history

    def _now(self) -> str:
        return self._clock().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def preview_halving(
    size: Size, rectangles: Sequence[Rectangle], *, midline_px: float | None, overlap_share: float
) -> Halving:
    """How the film would be halved: by its rectangles where there are any, else at the midline.

    Raises UserError NOT_HALVED_* where the rules give no pair of windows.
    """
    if rectangles:
        return halve_by_rectangles(size, rectangles)
    if midline_px is None:
        raise UserError(ErrorCode.NOT_HALVED_NO_MIDLINE, detail="no midline was found")
    return halve_by_midline(size, midline_px, overlap_share=overlap_share)
