"""The order of the list of films: as opened, or the most urgent first and in each kind the newest."""

from __future__ import annotations

from PySide6.QtWidgets import QListWidgetItem

from hipcad_desktop.domain.triage import Urgency, place, urgency_of
from hipcad_desktop.gui.diagnose.answers import FilmEntry, FilmStatus


class UrgentItem(QListWidgetItem):
    """A film in the list that knows its place."""

    def __init__(self, text: str, opened: int) -> None:
        super().__init__(text)
        self._opened = opened
        self._place: tuple[float, float] = (0.0, 0.0)
        self._urgent = False

    def set_place(self, entry: FilmEntry, status: FilmStatus) -> None:
        """Where it belongs by what is known of it now."""
        kind, earlier = place(urgency(entry, status), entry.arrived_s)
        self._place = (float(kind), earlier)

    def set_urgent(self, urgent: bool) -> None:
        """By urgency, or as opened."""
        self._urgent = urgent

    def __lt__(self, other: QListWidgetItem) -> bool:
        if not isinstance(other, UrgentItem):
            return super().__lt__(other)
        return self._key() < other._key()

    def _key(self) -> tuple[float, float, int]:
        return (*self._place, self._opened) if self._urgent else (0.0, 0.0, self._opened)


def urgency(entry: FilmEntry, status: FilmStatus) -> Urgency:
    """Of a film by its answer; one that is computed again keeps none of its old answer's."""
    match status:
        case FilmStatus.FAILED:
            return Urgency.FAILED
        case FilmStatus.REFUSED:
            return Urgency.REFUSED
        case FilmStatus.ANSWERED if entry.answer is not None:
            return urgency_of(hip.state for hip in entry.answer.hips if hip.state is not None)
        case _:
            return Urgency.WAITING
