"""A folder that is watched: what arrives is diagnosed, and a table of all answers is kept, the most urgent first."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from hipcad_desktop.domain.batch import BatchRow
from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.domain.progress import Watch
from hipcad_desktop.workflows.arrivals import LOOK_EVERY_S, SETTLED_S, Arrival, Arrivals
from hipcad_desktop.workflows.batch_folder import NOT_OPENED, BatchFolder
from hipcad_desktop.workflows.diagnose import open_network
from hipcad_desktop.workflows.diagnose_batch import BatchWork

if TYPE_CHECKING:
    from hipcad_desktop.inference.network import Predictor

_AT_ONCE = 8  # films before the folder is looked at again: what comes during a long row of films is not kept waiting


def watch_folder(
    folder: Path,
    *,
    model: Path,
    to: Path,
    network: Predictor | None = None,
    look_every_s: float = LOOK_EVERY_S,
    settled_s: float = SETTLED_S,
    now_s: Callable[[], float] = time.monotonic,
    wait: Callable[[float], None] = time.sleep,
    watch: Watch,
) -> int:
    """Diagnose what lies in a folder and what comes into it, until the watch says stop; how many films were done.

    `to` is a batch's folder (see batch_folder): begun where it is empty, gone on with where it is not, so nothing is
    done twice after a restart. Raises UserError NOT_A_FOLDER, NOT_A_BATCH where the folder lies in `to`, those of
    BatchFolder and of the model package, and DISK_FULL. A film that cannot be read is a row like any other.
    """
    arrivals = Arrivals(folder, settled_s=settled_s, leave_out=to)
    if Path(os.path.realpath(folder)).is_relative_to(os.path.realpath(to)):  # each answer's pictures would arrive there
        raise UserError(ErrorCode.NOT_A_BATCH, path=str(to), detail="the watched folder lies in it")
    network = network or open_network(model)
    with BatchFolder(to, model=network.package.card.name, sha256=network.package.sha256, resume=True) as kept:
        for file, stamp in kept.done().items():
            arrivals.known(file, stamp, now_s())
        work = _Watching(kept, network, watch, arrivals, now_s)
        watch.started(model=network.package.card.name, folder=str(folder))
        lost = False
        while not watch.cancelled():
            came = arrivals.look(now_s())
            if lost == arrivals.reachable:
                lost = not lost
                words = "cannot be reached; waiting for it." if lost else "is there again."
                watch.step("watch", work.computed, work.computed, event="folder", sentence=f"The folder {words}")
            if not came:
                wait(look_every_s)
                continue
            try:
                work.take(came)
            except UserError as error:
                if error.code is not ErrorCode.CANCELLED:
                    raise
        return work.computed


class _Watching(BatchWork):
    """Takes what has arrived, newest first, a few at a time."""

    def __init__(
        self,
        folder: BatchFolder,
        network: Predictor,
        watch: Watch,
        arrivals: Arrivals,
        now_s: Callable[[], float],
    ) -> None:
        super().__init__(folder, network, watch, total=0, done=0)
        self._arrivals, self._now_s = arrivals, now_s

    def take(self, came: tuple[Arrival, ...]) -> None:
        """Diagnose them; those that came meanwhile go before the ones that still wait."""
        waiting = list(came)
        while waiting and not self._watch.cancelled():
            some, waiting = waiting[:_AT_ONCE], waiting[_AT_ONCE:]
            try:
                self.do([a.file for a in some], total=self._done + len(some) + len(waiting))
            finally:
                self._folder.write_table()
            waiting = [*self._arrivals.look(self._now_s()), *waiting]

    def _add(self, row: BatchRow) -> None:
        super()._add(row)
        if row.code == NOT_OPENED:
            self._arrivals.later(row.file, self._now_s())
