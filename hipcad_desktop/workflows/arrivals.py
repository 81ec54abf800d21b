"""Which files have come into a watched folder and are whole: looked at again and again, never read.

A file counts as whole once neither its size nor its time has changed for a while: a copy under way changes both. One
that changes later, as a slow copy that paused, comes again. A file that another program still holds locked is asked
for again with `later`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hipcad_desktop.domain.batch import FileStamp
from hipcad_desktop.domain.errors import ErrorCode, UserError
from hipcad_desktop.imaging.reader import counts_as_film
from hipcad_desktop.workflows.batch_folder import FILMS

SETTLED_S = 2.0
LOOK_EVERY_S = 1.0
_FIRST_RETRY_S, _LAST_RETRY_S = 5.0, 600.0
# What copying programs and browsers call a file that is not whole yet.
_UNFINISHED = frozenset({".part", ".partial", ".tmp", ".temp", ".crdownload", ".download", ".filepart", ".!ut"})


@dataclass(frozen=True, slots=True)
class Arrival:
    """A file that is whole, as it lay there."""

    file: str
    stamp: FileStamp


@dataclass(slots=True)
class _Seen:
    stamp: FileStamp
    since_s: float  # of the caller's clock: since when it has not changed
    is_film: bool | None = None
    told: bool = False
    tries: int = 0  # how often it could not be opened


class Arrivals:
    """The memory between two looks at one folder and all folders in it. Hidden files and folders are passed over."""

    def __init__(self, folder: Path, *, settled_s: float = SETTLED_S, leave_out: Path | None = None) -> None:
        """leave_out: a folder that is not looked into; where it is the folder itself, its answers are not.

        Raises UserError NOT_A_FOLDER.
        """
        if not folder.is_dir():
            raise UserError(ErrorCode.NOT_A_FOLDER, path=str(folder))
        self._folder, self._settled_s = folder, settled_s
        own = (leave_out, leave_out / FILMS) if leave_out is not None else ()
        self._leave_out = frozenset(map(os.path.realpath, own))
        self._seen: dict[str, _Seen] = {}
        self.reachable = True  # whether the last look found the folder at all

    def look(self, now_s: float) -> tuple[Arrival, ...]:
        """Files that became whole since the last look, the newest first. now_s: seconds of a monotonic clock."""
        self.reachable = self._folder.is_dir()  # a network share may go and come back; what was told stays told
        if not self.reachable:
            return ()
        there = dict(self._files())
        self._seen = {file: seen for file, seen in self._seen.items() if file in there}
        whole = []
        for file, stamp in there.items():
            seen = self._seen.get(file)
            if seen is None or seen.stamp != stamp:
                self._seen[file] = _Seen(stamp, now_s)
            elif not seen.told and now_s - seen.since_s >= self._settled_s and stamp.size > 0 and _is_film(file, seen):
                seen.told = True
                whole.append(Arrival(file, stamp))
        return tuple(sorted(whole, key=lambda a: (-a.stamp.modified_ns, a.file)))

    def known(self, file: str, stamp: FileStamp, now_s: float) -> None:
        """A file that was done with this stamp before, by an earlier run: it comes only if it has changed."""
        self._seen[file] = _Seen(stamp, now_s, is_film=True, told=True)

    def later(self, file: str, now_s: float) -> None:
        """Let a file come again, although it does not change: it could not be opened. Each time the wait is longer."""
        seen = self._seen.get(file)
        if seen is not None:
            seen.told, seen.since_s = False, now_s + min(_FIRST_RETRY_S * 2**seen.tries, _LAST_RETRY_S)
            seen.tries += 1

    @property
    def waiting(self) -> int:
        """How many files have been seen that do not count as whole yet."""
        return sum(not seen.told and seen.is_film is not False for seen in self._seen.values())

    def _files(self) -> Iterator[tuple[str, FileStamp]]:
        for folder, below, names in os.walk(self._folder):
            below[:] = [b for b in below if not b.startswith(".") and not self._is_left_out(os.path.join(folder, b))]
            for name in names:
                if name.startswith(".") or Path(name).suffix.lower() in _UNFINISHED:
                    continue
                file = os.path.join(folder, name)
                try:
                    status = os.stat(file)
                except OSError:  # gone again, or a link that leads nowhere
                    continue
                yield file, FileStamp(status.st_size, status.st_mtime_ns)

    def _is_left_out(self, folder: str) -> bool:
        return bool(self._leave_out) and os.path.realpath(folder) in self._leave_out


def _is_film(file: str, seen: _Seen) -> bool:
    """Asked once a stamp: a file without a film's extension has to be opened for it."""
    if seen.is_film is None:
        path = Path(file)
        seen.is_film = path.is_file() and counts_as_film(path)
    return seen.is_film
