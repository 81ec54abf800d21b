"""Which film a table means: names are matched against the end of the films' paths."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import Generic, TypeVar

T = TypeVar("T")


class PathIndex(Generic[T]):
    """Things that lie at paths, found again by the end of a path: "fracture/a.jpg" finds "/films/fracture/a.jpg".

    Every part of the name has to match: a name that says another folder means another film. Letter case counts only
    where it tells films apart.
    """

    def __init__(self, places: Iterable[tuple[Path, T]]) -> None:
        self._by_name: dict[str, list[tuple[tuple[str, ...], T]]] = {}
        for path, thing in places:
            parts = _parts(str(path))
            self._by_name.setdefault(parts[-1].casefold(), []).append((parts, thing))

    def find(self, name: str, *, beside: Path) -> list[T]:
        """What the name can mean: nothing, one thing, or several. beside: the folder of the table."""
        exact = _parts(os.path.normpath(os.path.join(beside.absolute(), name.strip().replace("\\", "/"))))
        wanted = tuple(p for p in _parts(name) if p not in (".", ".."))
        if not wanted:
            return []
        candidates = self._by_name.get(wanted[-1].casefold(), [])
        at_place = _distinct(thing for parts, thing in candidates if parts == exact)
        if at_place:
            return at_place
        ends = [(parts[-len(wanted) :], thing) for parts, thing in candidates]
        same_case = _distinct(thing for end, thing in ends if end == wanted)
        return same_case or _distinct(thing for end, thing in ends if _folded(end) == _folded(wanted))


def shortest_ends(paths: Iterable[Path]) -> dict[Path, str]:
    """For every path its shortest end that no other of them has, at least folder and name; "/" between the parts."""
    parts = {path: _parts(str(path)) for path in paths}
    found: dict[Path, str] = {}
    undecided = list(parts)
    length = 2
    while undecided:
        count: dict[tuple[str, ...], int] = {}
        for path in parts:
            end = _folded(parts[path][-length:])
            count[end] = count.get(end, 0) + 1
        still = []
        for path in undecided:
            if count[_folded(parts[path][-length:])] == 1 or length >= len(parts[path]):
                found[path] = str(path) if length >= len(parts[path]) else "/".join(parts[path][-length:])
            else:
                still.append(path)
        undecided = still
        length += 1
    return found


def _parts(name: str) -> tuple[str, ...]:
    """The parts of a path of either system, in one Unicode form (macOS stores another than a table holds)."""
    text = unicodedata.normalize("NFC", name.strip()).replace("\\", "/")
    return tuple(p for p in text.split("/") if p) or ("",)


def _folded(parts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(p.casefold() for p in parts)


def _distinct(things: Iterable[T]) -> list[T]:
    return list(dict.fromkeys(things))
