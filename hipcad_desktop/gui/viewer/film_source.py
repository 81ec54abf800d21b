"""Films decoded ahead of the eye, in other processes: a few kept, the next ones fetched before they are asked for."""

from __future__ import annotations

import itertools
import shutil
from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal

from hipcad_desktop.domain.errors import UserError
from hipcad_desktop.domain.radiograph import FilmId
from hipcad_desktop.gui.tasks import Tasks
from hipcad_desktop.gui.viewer.decoder import Decoder
from hipcad_desktop.gui.viewer.exchange import make_exchange
from hipcad_desktop.gui.viewer.picture import Picture

if TYPE_CHECKING:
    from hipcad_desktop.workflows.load_film import Film
    from hipcad_desktop.workflows.view_film import Question

MEMORY_BYTES = 600 * 2**20
DECODERS = 3  # one looks ahead, the others are free for a hand that is faster than the decoding
LOOKING_AHEAD = 1


@dataclass(frozen=True, slots=True, eq=False)
class LoadedFilm:
    """A film and its pyramid."""

    film: Film
    picture: Picture

    @property
    def nbytes(self) -> int:
        """Memory of both."""
        return self.picture.nbytes + self.film.eight_bit.nbytes


@dataclass(slots=True)
class _Fetch:
    """A film on its way."""

    film_id: FilmId
    wanted: bool  # somebody looks at an empty view
    generation: int


class FilmSource(QObject):
    """show() asks for the film to be looked at; a film that arrives after another was asked for is only kept."""

    previewed = Signal(str, object, bool)  # film id, Picture, exact: a first look, while the film is still decoded
    ready = Signal(str, object)  # film id, LoadedFilm
    failed = Signal(str, object)  # film id, exception

    def __init__(
        self,
        tasks: Tasks,
        questions: Callable[[FilmId], Callable[[str], Question]],
        parent: QObject | None = None,
        *,
        command: Sequence[str] = (),
    ) -> None:
        super().__init__(parent)
        self._tasks = tasks
        self._questions = questions
        self._command = command
        self._decoders: list[Decoder] = []
        self._closed = False
        self._exchange: Path | None = None
        self._kept: OrderedDict[FilmId, LoadedFilm] = OrderedDict()
        self._coming: dict[FilmId, _Fetch] = {}
        self._asked: dict[str, _Fetch] = {}  # by job, in a decoder
        self._waiting: list[tuple[_Fetch, Question]] = []
        self._ahead: list[FilmId] = []
        self._wanted: FilmId | None = None
        self._generation = 0
        self._jobs = itertools.count(1)

    def show(self, film_id: FilmId) -> None:
        """Ask for a film to look at: told by ready or failed, at once where it was fetched before."""
        self._wanted = film_id
        self._ahead = []
        self._waiting = [w for w in self._waiting if self._forget_waiting(w, film_id)]
        loaded = self._kept.get(film_id)
        if loaded is not None:
            self._kept.move_to_end(film_id)
            self.ready.emit(film_id, loaded)
        else:
            self._fetch(film_id, wanted=True)

    def prefetch(self, film_ids: Sequence[FilmId]) -> None:
        """Fetch what will probably be looked at next, one after the other."""
        self._ahead = [f for f in film_ids if f not in self._kept]
        QTimer.singleShot(0, self._look_ahead)  # the film that is there is painted first

    def warm_up(self) -> None:
        """Start what the first film will need."""
        for decoder in self._all_decoders()[:2]:
            decoder.warm_up()

    def close(self) -> None:
        """The window goes: no process is left, and none is started by what still arrives."""
        self._closed = True
        self.forget()

    def forget(self) -> None:
        """Another project: nothing is kept, nothing that still arrives is shown, no process is left."""
        self._generation += 1
        self._wanted = None
        self._ahead = []
        for held in (self._kept, self._coming, self._asked, self._waiting):
            held.clear()
        for decoder in self._decoders:
            decoder.stop()
            decoder.deleteLater()
        self._decoders = []
        if self._exchange is not None:
            shutil.rmtree(self._exchange, ignore_errors=True)
            self._exchange = None

    # asking

    def _forget_waiting(self, waiting: tuple[_Fetch, Question], film_id: FilmId) -> bool:
        """A film that was passed over before any decoder had time for it is not decoded."""
        if waiting[0].film_id != film_id:
            self._coming.pop(waiting[0].film_id, None)
            return False
        return True

    def _look_ahead(self) -> None:
        if self._wanted is not None and self._wanted not in self._kept and self._wanted in self._coming:
            return  # first what is looked at
        if sum(not fetch.wanted for fetch in self._coming.values()) >= LOOKING_AHEAD:
            return
        for film_id in self._ahead:
            if film_id not in self._kept and film_id not in self._coming:
                self._ahead.remove(film_id)
                self._fetch(film_id, wanted=False)
                return

    def _fetch(self, film_id: FilmId, *, wanted: bool) -> None:
        if film_id in self._coming:
            self._coming[film_id].wanted = wanted
            return
        fetch = self._coming[film_id] = _Fetch(film_id, wanted, self._generation)
        find = self._questions(film_id)
        if self._exchange is None:
            self._exchange = make_exchange()
        exchange = str(self._exchange)

        def found(question: Question) -> None:
            if fetch.generation == self._generation:
                self._waiting.append((fetch, question))
                self._pump()

        def failed(error: Exception) -> None:
            if fetch.generation == self._generation:
                self._failed(fetch, error)

        self._tasks.pool("Find a film", lambda: find(exchange), done=found, failed=failed)

    def _pump(self) -> None:
        """Give what waits to a decoder that has nothing to do; what is looked at first."""
        self._waiting.sort(key=lambda w: w[0].film_id != self._wanted)
        free = [d for d in self._all_decoders() if not d.busy]
        while free and self._waiting:
            fetch, question = self._waiting.pop(0)
            job = str(next(self._jobs))
            self._asked[job] = fetch
            free.pop(0).ask(job, question)

    def _all_decoders(self) -> list[Decoder]:
        while len(self._decoders) < DECODERS and not self._closed:
            decoder = Decoder(self._command)
            decoder.setParent(self)
            decoder.previewed.connect(self._on_preview)
            decoder.decoded.connect(self._on_decoded)
            decoder.failed.connect(self._on_failed)
            decoder.idle.connect(self._pump)
            self._decoders.append(decoder)
        return self._decoders

    # answers

    def _on_preview(self, job: str, path: str) -> None:
        from hipcad_desktop.workflows.view_film import open_preview

        fetch = self._asked.get(job)
        with suppress(OSError, ValueError):  # the whole film will say what is wrong
            preview = open_preview(Path(path))
            if fetch is not None and fetch.film_id == self._wanted:
                self.previewed.emit(fetch.film_id, Picture.first_look(preview), preview.exact)
        _take_away(path)

    def _on_decoded(self, job: str, path: str, said: object) -> None:
        from hipcad_desktop.workflows.view_film import open_shown

        fetch = self._asked.pop(job, None)
        if fetch is None or not isinstance(said, dict):
            return
        try:
            shown = open_shown(Path(path), said=said)
        except (OSError, ValueError) as error:
            self._failed(fetch, error)
            return
        if not said.get("kept"):
            _take_away(path)
        self._coming.pop(fetch.film_id, None)
        loaded = LoadedFilm(shown.film, Picture(levels=shown.levels, windows=shown.windows))
        self._keep(fetch.film_id, loaded)
        if fetch.film_id == self._wanted:
            self.ready.emit(fetch.film_id, loaded)
        self._look_ahead()

    def _on_failed(self, job: str, error: object) -> None:
        fetch = self._asked.pop(job, None)
        if fetch is not None and isinstance(error, UserError):
            self._failed(fetch, error)

    def _failed(self, fetch: _Fetch, error: Exception) -> None:
        self._coming.pop(fetch.film_id, None)
        if fetch.film_id == self._wanted:
            self.failed.emit(fetch.film_id, error)
        self._look_ahead()

    def _keep(self, film_id: FilmId, loaded: LoadedFilm) -> None:
        self._kept[film_id] = loaded
        while len(self._kept) > 2 and sum(k.nbytes for k in self._kept.values()) > MEMORY_BYTES:
            oldest = next(k for k in self._kept if k != self._wanted)
            del self._kept[oldest]


def _take_away(path: str) -> None:
    """Mapped memory outlives its file, except on Windows: there the whole folder goes at the end."""
    with suppress(OSError):
        Path(path).unlink(missing_ok=True)
