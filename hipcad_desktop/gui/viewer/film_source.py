"""Films decoded ahead of the eye: read in the pool, a few kept, the next one fetched before it is asked for."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from hipcad_desktop.domain.radiograph import FilmId
from hipcad_desktop.gui.tasks import Tasks
from hipcad_desktop.gui.viewer.picture import Picture

if TYPE_CHECKING:
    from hipcad_desktop.workflows.load_film import Film

MEMORY_BYTES = 600 * 2**20


@dataclass(frozen=True, slots=True, eq=False)
class LoadedFilm:
    """A film and its pyramid."""

    film: Film
    picture: Picture

    @property
    def nbytes(self) -> int:
        """Memory of both."""
        return self.picture.nbytes + self.film.eight_bit.nbytes


class FilmSource(QObject):
    """show() asks for the film to be looked at; a film that arrives after another was asked for is only kept."""

    ready = Signal(str, object)  # film id, LoadedFilm
    failed = Signal(str, object)  # film id, exception

    def __init__(
        self, tasks: Tasks, loader: Callable[[FilmId], Callable[[], Film]], parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._tasks = tasks
        self._loader = loader
        self._kept: OrderedDict[FilmId, LoadedFilm] = OrderedDict()
        self._coming: set[FilmId] = set()
        self._wanted: FilmId | None = None
        self._generation = 0

    def show(self, film_id: FilmId) -> None:
        """Ask for a film to look at: told by ready or failed, at once where it was fetched before."""
        self._wanted = film_id
        loaded = self._kept.get(film_id)
        if loaded is not None:
            self._kept.move_to_end(film_id)
            self.ready.emit(film_id, loaded)
        else:
            self._fetch(film_id)

    def prefetch(self, film_ids: Sequence[FilmId]) -> None:
        """Fetch what will probably be looked at next."""
        for film_id in film_ids:
            if film_id not in self._kept:
                self._fetch(film_id)

    def forget(self) -> None:
        """Another project: nothing is kept, nothing that still arrives is shown."""
        self._generation += 1
        self._wanted = None
        self._kept.clear()
        self._coming.clear()

    def _fetch(self, film_id: FilmId) -> None:
        if film_id in self._coming:
            return
        self._coming.add(film_id)
        read, generation = self._loader(film_id), self._generation

        def call() -> LoadedFilm:
            film = read()
            return LoadedFilm(film, Picture(film.values))

        def done(loaded: LoadedFilm) -> None:
            if generation == self._generation:
                self._coming.discard(film_id)
                self._keep(film_id, loaded)
                if film_id == self._wanted:
                    self.ready.emit(film_id, loaded)

        def failed(error: Exception) -> None:
            if generation == self._generation:
                self._coming.discard(film_id)
                if film_id == self._wanted:
                    self.failed.emit(film_id, error)

        self._tasks.pool("Read film", call, done=done, failed=failed)

    def _keep(self, film_id: FilmId, loaded: LoadedFilm) -> None:
        self._kept[film_id] = loaded
        while len(self._kept) > 2 and sum(k.nbytes for k in self._kept.values()) > MEMORY_BYTES:
            oldest = next(k for k in self._kept if k != self._wanted)
            del self._kept[oldest]
